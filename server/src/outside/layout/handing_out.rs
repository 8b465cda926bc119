//! Makes of an image in the store the archive that `docker load` reads: blobs, an OCI index for engines
//! that keep images as they came, and `manifest.json` (Docker Image Specification v1.2) for all others.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use bytes::Bytes;
use futures::Stream;
use gantry_domain::Digest;
use serde_json::json;
use tokio::sync::mpsc;

use super::{Descriptor, INDEX_TYPE, ImageStore, MANIFEST_TYPE, Manifest};

/// How much is handed out at once, in bytes.
const PART: usize = 256 * 1024;
/// How many parts may wait for a slow reader.
const AHEAD: usize = 4;

/// Writes into a channel, from a thread that may wait.
struct Parts(mpsc::Sender<io::Result<Bytes>>);

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does what [`ImageStore::archive_of`] says.
pub(super) fn stream(
    store: ImageStore,
    image: Digest,
    bytes: Bytes,
    manifest: Manifest,
    name: String,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let (parts, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let written = write(&store, &image, &bytes, &manifest, &name, Parts(parts.clone()));
        if let Err(error) = written {
            // Nobody listening is why it may have failed.
            let _ = parts.blocking_send(Err(error));
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|part| (part, receiver)) })
}

fn write(
    store: &ImageStore,
    image: &Digest,
    bytes: &[u8],
    manifest: &Manifest,
    name: &str,
    parts: Parts,
) -> io::Result<()> {
    let mut archive = tar::Builder::new(BufWriter::with_capacity(PART, parts));
    let place = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    let itself = Descriptor { media_type: MANIFEST_TYPE.to_owned(), digest: image.clone(), size: bytes.len() as u64 };
    let mut listed = serde_json::to_value(&itself)?;
    listed["annotations"] = json!({ "io.containerd.image.name": format!("docker.io/{name}") });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [listed] });
    let layers: Vec<String> = manifest.layers.iter().map(|layer| place(&layer.digest)).collect();
    let old = json!([{ "Config": place(&manifest.config.digest), "RepoTags": [name], "Layers": layers }]);
    put(&mut archive, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    put(&mut archive, "index.json", index.to_string().as_bytes())?;
    put(&mut archive, "manifest.json", old.to_string().as_bytes())?;
    put(&mut archive, &place(image), bytes)?;
    let mut known = std::collections::HashSet::new();
    for blob in manifest.blobs().filter(|blob| known.insert(blob.digest.clone())) {
        let mut file = File::open(store.blob_path(&blob.digest))?;
        archive.append_data(&mut header(blob.size), place(&blob.digest), &mut file)?;
    }
    archive.into_inner()?.flush()
}

fn put(archive: &mut tar::Builder<impl Write>, path: &str, bytes: &[u8]) -> io::Result<()> {
    archive.append_data(&mut header(bytes.len() as u64), path, bytes)
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header
}
