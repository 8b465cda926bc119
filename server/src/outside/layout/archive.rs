//! Makes an image of the archive that `docker save` writes: the old form, with a `layer.tar` for
//! each layer (engines before 25), and the new one, where the layers are blobs.
//!
//! The archive's `manifest.json` names the configuration and the layers in both forms; the digests
//! of the uncompressed layers come from the configuration and are verified here.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use gantry_domain::Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{
    CONFIGURATION_TYPE, Descriptor, ImageStore, LAYER_TYPE, LayoutError, MANIFEST_TYPE, Manifest, StoredImage, finished,
};

/// How much is read at once, in bytes; between two of these a cancellation is seen.
const PART: usize = 1 << 20;
/// How large a configuration or manifest may be, in bytes.
const SMALL_LIMIT: u64 = 4 << 20;

/// One image in the archive's `manifest.json` (Docker Image Specification v1.2).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
}

/// What is read of an image's configuration (OCI Image Specification, "Image Configuration").
#[derive(Deserialize)]
struct Configuration {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    rootfs: RootFileSystem,
}

#[derive(Deserialize)]
struct RootFileSystem {
    diff_ids: Vec<Digest>,
}

/// Where things are in the archive: offset and length of files, and what links point to.
struct Contents {
    files: HashMap<String, (u64, u64)>,
    links: HashMap<String, String>,
}

impl Contents {
    fn read(archive: &Path) -> Result<Self, LayoutError> {
        let mut contents = Self { files: HashMap::new(), links: HashMap::new() };
        let mut entries = tar::Archive::new(BufReader::new(File::open(archive)?));
        for entry in entries.entries_with_seek()? {
            let entry = entry?;
            let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
            let kind = entry.header().entry_type();
            if kind.is_file() {
                contents.files.insert(name, (entry.raw_file_position(), entry.size()));
            } else if let (true, Some(target)) = (kind.is_symlink() || kind.is_hard_link(), entry.link_name()?) {
                // Engines before 25 keep equal layers once: `<id>/layer.tar -> ../<other>/layer.tar`.
                contents.links.insert(name, target.to_string_lossy().trim_start_matches("../").to_owned());
            }
        }
        Ok(contents)
    }

    fn find(&self, name: &str) -> Result<(u64, u64), LayoutError> {
        let name = self.links.get(name).map_or(name, String::as_str);
        self.files.get(name).copied().ok_or_else(|| LayoutError::Malformed(format!("{name} is missing in the archive")))
    }
}

/// Does what [`ImageStore::import`] says, and blocks while it does.
pub(super) fn import(
    store: &ImageStore,
    archive: &Path,
    notes: &UnboundedSender<String>,
    cancel: &CancellationToken,
) -> Result<StoredImage, LayoutError> {
    let contents = Contents::read(archive)?;
    let malformed = |error: serde_json::Error| LayoutError::Malformed(error.to_string());
    let saved: Vec<Saved> =
        serde_json::from_slice(&read_small(archive, contents.find("manifest.json")?)?).map_err(malformed)?;
    let [saved] = saved.as_slice() else {
        return Err(LayoutError::Malformed(format!("one image was expected, {} came", saved.len())));
    };
    let configuration_bytes = read_small(archive, contents.find(&saved.config)?)?;
    let configuration: Configuration = serde_json::from_slice(&configuration_bytes).map_err(malformed)?;
    let diffs = &configuration.rootfs.diff_ids;
    if diffs.len() != saved.layers.len() {
        return Err(LayoutError::Malformed("the configuration and the archive disagree about the layers".to_owned()));
    }

    let mut layers = Vec::with_capacity(diffs.len());
    for (index, (diff, name)) in diffs.iter().zip(&saved.layers).enumerate() {
        let (layer, how) = match known(store, diff)? {
            Some(layer) => (layer, "known from an earlier build"),
            None => {
                let layer = compress(store, archive, contents.find(name)?, diff, cancel)?;
                (layer, "compressed")
            }
        };
        let note = format!("Layer {} of {}: {how}, {} bytes, {}", index + 1, diffs.len(), layer.size, layer.digest);
        // Nobody listening is the caller's choice.
        let _ = notes.send(note);
        layers.push(layer);
    }

    let config = Descriptor {
        media_type: CONFIGURATION_TYPE.to_owned(),
        digest: store.put(&configuration_bytes)?,
        size: configuration_bytes.len() as u64,
    };
    let manifest = Manifest { schema_version: 2, media_type: MANIFEST_TYPE.to_owned(), config, layers };
    let manifest_bytes = serde_json::to_vec(&manifest).map_err(malformed)?;
    let digest = store.put(&manifest_bytes)?;
    let mut platform = format!("{}/{}", configuration.os, configuration.architecture);
    let listed =
        Descriptor { media_type: MANIFEST_TYPE.to_owned(), digest: digest.clone(), size: manifest_bytes.len() as u64 };
    store.list(&listed, &platform)?;
    if let Some(variant) = configuration.variant.filter(|variant| !variant.is_empty()) {
        platform = format!("{platform}/{variant}");
    }
    Ok(StoredImage { digest, size: manifest.size(), platform })
}

/// The blob that was made of this layer earlier, if it is still there.
fn known(store: &ImageStore, diff: &Digest) -> Result<Option<Descriptor>, LayoutError> {
    let Ok(bytes) = std::fs::read(store.root().join("diffs").join(diff.hex())) else {
        return Ok(None);
    };
    let Ok(layer) = serde_json::from_slice::<Descriptor>(&bytes) else {
        return Ok(None);
    };
    let blob = store.blob_path(&layer.digest);
    let intact = std::fs::metadata(&blob).is_ok_and(|found| found.len() == layer.size);
    if intact {
        super::sweep::touch(&blob)?;
    }
    Ok(intact.then_some(layer))
}

/// Compresses a layer into the store. The same layer always becomes the same blob: no name and no
/// time goes into the compressed form.
fn compress(
    store: &ImageStore,
    archive: &Path,
    (offset, length): (u64, u64),
    diff: &Digest,
    cancel: &CancellationToken,
) -> Result<Descriptor, LayoutError> {
    let mut file = File::open(archive)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut source = BufReader::with_capacity(PART, file.take(length));
    let start = io::BufRead::fill_buf(&mut source)?;
    let partial = store.partial_path();
    let mut blob = Hashing { inner: File::create(&partial)?, hash: Sha256::new(), size: 0 };
    let plain = if start.starts_with(&[0x1f, 0x8b]) {
        // An engine with a containerd store saves layers as they are in the registry: compressed.
        let mut copied = Copying { source, target: &mut blob };
        hash_all(&mut GzDecoder::new(&mut copied), cancel).and_then(|plain| {
            // What follows the compressed stream belongs to the blob as well.
            hash_all(&mut copied, cancel).map(|_| plain)
        })
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Err(LayoutError::Malformed("the layer is compressed with Zstandard; gzip or none is expected".to_owned()))
    } else {
        let mut encoder = GzBuilder::new().mtime(0).write(&mut blob, Compression::new(6));
        let mut copied = Copying { source, target: &mut encoder };
        let plain = hash_all(&mut copied, cancel);
        plain.and_then(|plain| encoder.finish().map(|_| plain).map_err(LayoutError::from))
    };
    let stored = plain.and_then(|plain| {
        if plain != *diff {
            return Err(LayoutError::Malformed(format!("a layer should be {diff} and is {plain}")));
        }
        blob.inner.sync_all()?;
        let layer = Descriptor { media_type: LAYER_TYPE.to_owned(), digest: finished(blob.hash), size: blob.size };
        std::fs::rename(&partial, store.blob_path(&layer.digest))?;
        let note = serde_json::to_vec(&layer).map_err(io::Error::from)?;
        store.write_at_once(&store.root().join("diffs").join(diff.hex()), &note)?;
        Ok(layer)
    });
    if stored.is_err() {
        // The error at hand is the one to report; what stays behind goes when the store is opened.
        let _ = std::fs::remove_file(&partial);
    }
    stored
}

/// The digest of everything that comes out of `source`.
fn hash_all(source: &mut impl Read, cancel: &CancellationToken) -> Result<Digest, LayoutError> {
    let mut hash = Sha256::new();
    let mut part = vec![0; PART];
    loop {
        if cancel.is_cancelled() {
            return Err(LayoutError::Cancelled);
        }
        let read = source.read(&mut part)?;
        if read == 0 {
            return Ok(finished(hash));
        }
        hash.update(&part[..read]);
    }
}

fn read_small(archive: &Path, (offset, length): (u64, u64)) -> Result<Vec<u8>, LayoutError> {
    if length > SMALL_LIMIT {
        return Err(LayoutError::Malformed(format!("a description of {length} bytes is too long")));
    }
    let mut file = File::open(archive)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes, counts and hashes.
struct Hashing {
    inner: File,
    hash: Sha256,
    size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Reads, and writes what was read elsewhere as well.
struct Copying<R, W> {
    source: R,
    target: W,
}

impl<R: Read, W: Write> Read for Copying<R, W> {
    fn read(&mut self, part: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(part)?;
        self.target.write_all(&part[..read])?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest_of;
    use super::*;

    fn tar_of(files: &[(&str, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        for (name, target) in links {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, name, target).unwrap();
        }
        builder.into_inner().unwrap()
    }

    /// What an engine of version 20.10 saves: two equal layers, the second one a link.
    fn saved(layer: &[u8], claimed: &Digest) -> Vec<u8> {
        let configuration = serde_json::json!({
            "os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [claimed, claimed]},
        })
        .to_string();
        let manifest = r#"[{"Config":"c.json","RepoTags":["a:b"],"Layers":["1/layer.tar","2/layer.tar"]}]"#;
        tar_of(
            &[("1/layer.tar", layer), ("c.json", configuration.as_bytes()), ("manifest.json", manifest.as_bytes())],
            &[("2/layer.tar", "../1/layer.tar")],
        )
    }

    fn import_bytes(store: &ImageStore, bytes: &[u8]) -> (Result<StoredImage, LayoutError>, Vec<String>) {
        let path = store.partial_path();
        std::fs::write(&path, bytes).unwrap();
        let (notes, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let result = import(store, &path, &notes, &CancellationToken::new());
        let mut said = Vec::new();
        while let Ok(note) = heard.try_recv() {
            said.push(note);
        }
        (result, said)
    }

    #[test]
    fn the_same_image_gets_the_same_digest_in_every_store() {
        let layer = tar_of(&[("hello", &[7; 300_000])], &[]);
        let bytes = saved(&layer, &digest_of(&layer));
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let images = folders.each_ref().map(|folder| {
            let store = ImageStore::open(folder.path()).unwrap();
            let (image, notes) = import_bytes(&store, &bytes);
            assert!(notes[0].contains("compressed") && notes[1].contains("known"), "{notes:?}");
            image.unwrap()
        });
        assert_eq!(images[0], images[1]);
        assert_eq!(images[0].platform, "linux/amd64");
    }

    #[tokio::test]
    async fn a_layer_is_compressed_once_and_the_manifest_describes_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::open(folder.path()).unwrap();
        let layer = tar_of(&[("hello", b"world")], &[]);
        let bytes = saved(&layer, &digest_of(&layer));
        let first = import_bytes(&store, &bytes).0.unwrap();
        let again = ImageStore::open(folder.path()).unwrap();
        let (second, notes) = import_bytes(&again, &bytes);
        assert_eq!(first, second.unwrap());
        assert!(notes.iter().all(|note| note.contains("known")), "{notes:?}");

        let (_, manifest) = store.manifest(&first.digest).await.unwrap();
        assert_eq!(manifest.size(), first.size);
        for blob in manifest.blobs() {
            let bytes = std::fs::read(store.blob_path(&blob.digest)).unwrap();
            assert_eq!((bytes.len() as u64, digest_of(&bytes)), (blob.size, blob.digest.clone()));
        }
        let mut plain = Vec::new();
        let compressed = std::fs::read(store.blob_path(&manifest.layers[0].digest)).unwrap();
        GzDecoder::new(compressed.as_slice()).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, layer);
        let index: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
        let partial = store.partial_path();
        let left = std::fs::read_dir(partial.parent().unwrap()).unwrap().count();
        assert_eq!(left, 2, "only the archive and the lock");
    }

    #[test]
    fn a_layer_that_is_compressed_already_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::open(folder.path()).unwrap();
        let layer = tar_of(&[("hello", b"world")], &[]);
        let mut encoder = GzBuilder::new().mtime(7).write(Vec::new(), Compression::fast());
        encoder.write_all(&layer).unwrap();
        let compressed = encoder.finish().unwrap();
        let (image, _) = import_bytes(&store, &saved(&compressed, &digest_of(&layer)));
        image.unwrap();
        assert_eq!(std::fs::read(store.blob_path(&digest_of(&compressed))).unwrap(), compressed);
    }

    #[test]
    fn a_layer_with_another_digest_than_promised_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::open(folder.path()).unwrap();
        let (image, _) = import_bytes(&store, &saved(b"layer", &digest_of(b"another")));
        assert!(matches!(image, Err(LayoutError::Malformed(_))), "{image:?}");
        assert_eq!(std::fs::read_dir(folder.path().join("blobs/sha256")).unwrap().count(), 0);
    }

    #[test]
    fn what_a_process_left_is_removed_and_what_another_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let abandoned = folder.path().join("partial/abandoned");
        std::fs::create_dir_all(&abandoned).unwrap();
        std::fs::write(abandoned.join("lock"), b"").unwrap();
        let first = ImageStore::open(folder.path()).unwrap();
        assert!(!abandoned.exists());
        let writing = first.partial_path();
        std::fs::write(&writing, b"half").unwrap();
        let second = ImageStore::open(folder.path()).unwrap();
        assert!(writing.exists());
        drop(first);
        assert!(!writing.exists());
        drop(second);
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::open(folder.path()).unwrap();
        for bytes in
            [tar_of(&[], &[]), tar_of(&[("manifest.json", b"[]")], &[]), tar_of(&[("manifest.json", b"{")], &[])]
        {
            assert!(matches!(import_bytes(&store, &bytes).0, Err(LayoutError::Malformed(_))));
        }
    }

    #[test]
    fn a_cancelled_import_stops() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::open(folder.path()).unwrap();
        let path = store.partial_path();
        std::fs::write(&path, saved(b"layer", &digest_of(b"layer"))).unwrap();
        let cancel = CancellationToken::new();
        cancel.cancel();
        let (notes, _heard) = tokio::sync::mpsc::unbounded_channel();
        assert!(matches!(import(&store, &path, &notes, &cancel), Err(LayoutError::Cancelled)));
    }
}
