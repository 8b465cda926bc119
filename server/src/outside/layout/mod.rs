//! The image store: an OCI image layout (OCI Image Specification, "Image Layout") on this machine's
//! disk. Everything in it is found by its digest, so it is written once and never changed.
//!
//! ```text
//! oci-layout                the specification's marker
//! index.json                every image's manifest, so that other tools can read the store as well
//! blobs/sha256/<hex>        manifests, configurations and compressed layers
//! diffs/<hex>               for an uncompressed layer: the compressed blob that was made of it
//! partial/<process>/        what a process is writing; removed when a later one finds it abandoned
//! lock                      held by those who write images (shared) and by a sweep (alone)
//! database                  whose images these are: a sweep for another database touches nothing
//! ```
//!
//! `archive` makes images of what the Docker Engine saves, `handing_out` is the way back, `sweep` removes
//! what no image needs. Who built what, and which images there are, belongs in the database.

mod archive;
mod handing_out;
mod sweep;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use gantry_domain::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

pub use sweep::Swept;

/// The media type of a manifest (OCI Image Specification, "Media Types").
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const CONFIGURATION_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Why an image did not enter the store, or was not found in it.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The disk said no.
    #[error("the image store could not be read or written: {0}")]
    Disk(#[from] io::Error),
    /// What the engine saved is not what its documentation says.
    #[error("what Docker Engine saved is not an image: {0}")]
    Malformed(String),
    /// The store does not have it, or it was damaged.
    #[error("the image store has no usable {0}")]
    Missing(Digest),
    /// The caller's token was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// What a manifest says about a blob (OCI Image Specification, "Content Descriptors").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// An image's manifest (OCI Image Specification, "Image Manifest").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: u32,
    media_type: String,
    /// The configuration: environment, command, and the uncompressed layers' digests.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
}

impl Manifest {
    /// What a registry needs besides the manifest, in the order of sending.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.layers.iter().chain(std::iter::once(&self.config))
    }

    /// Compressed size in bytes: configuration and layers.
    pub fn size(&self) -> u64 {
        self.blobs().map(|blob| blob.size).sum()
    }
}

/// An image that is in the store now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredImage {
    /// The digest of its manifest: the same in every registry.
    pub digest: Digest,
    /// Compressed size in bytes: configuration and layers.
    pub size: u64,
    /// `linux/amd64` and the like.
    pub platform: String,
}

/// The store. Cheap to clone; clones are the same store.
#[derive(Clone, Debug)]
pub struct ImageStore {
    root: Arc<PathBuf>,
    /// `index.json` is the one file that is rewritten.
    index: Arc<Mutex<()>>,
    partial: Arc<Partial>,
}

/// Where a process writes what is not whole yet. Its lock says that the process lives.
#[derive(Debug)]
struct Partial {
    folder: PathBuf,
    _lock: File,
}

impl Partial {
    const LOCK: &str = "lock";

    /// A folder of its own within `parent`, after removing those of processes that are gone.
    fn open(parent: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(parent)?;
        // One at a time, so that a folder without its lock yet is not taken for an abandoned one.
        let opening = File::create(parent.join("opening"))?;
        opening.lock()?;
        for folder in std::fs::read_dir(parent)? {
            let folder = folder?.path();
            if let Ok(lock) = File::open(folder.join(Self::LOCK))
                && lock.try_lock().is_ok()
            {
                std::fs::remove_dir_all(&folder)?;
            }
        }
        let folder = parent.join(random_name());
        std::fs::create_dir(&folder)?;
        let lock = File::create(folder.join(Self::LOCK))?;
        lock.lock()?;
        Ok(Self { folder, _lock: lock })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // What is left behind is removed by whoever opens the store next.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn random_name() -> String {
    hex::encode(rand::random::<[u8; 12]>())
}

impl ImageStore {
    /// Opens the store at `root`, and makes an empty one where there is none. What a process that is
    /// gone left half-written is removed.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        for folder in ["blobs/sha256", "diffs"] {
            std::fs::create_dir_all(root.join(folder))?;
        }
        let partial = Arc::new(Partial::open(&root.join("partial"))?);
        let store = Self { root: Arc::new(root), index: Arc::default(), partial };
        store.write_if_absent("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let empty = serde_json::json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []});
        store.write_if_absent("index.json", empty.to_string().as_bytes())?;
        Ok(store)
    }

    /// Where the store is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a blob is, if it is there.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// A path for a file that is being written: nobody else has it, and it does not outlive a restart.
    pub fn partial_path(&self) -> PathBuf {
        self.partial.folder.join(random_name())
    }

    /// The manifest with that digest: as it is, byte for byte, and understood.
    pub async fn manifest(&self, digest: &Digest) -> Result<(bytes::Bytes, Manifest), LayoutError> {
        let bytes = tokio::fs::read(self.blob_path(digest)).await.map_err(|_| LayoutError::Missing(digest.clone()))?;
        if digest_of(&bytes) != *digest {
            return Err(LayoutError::Missing(digest.clone()));
        }
        let manifest = serde_json::from_slice(&bytes).map_err(|_| LayoutError::Missing(digest.clone()))?;
        Ok((bytes.into(), manifest))
    }

    /// Makes an image of what the Docker Engine saved at `archive`, on a thread of its own. Layers
    /// that are known from earlier are not compressed again. What is done goes to `notes`, a
    /// sentence for each layer. Stops soon after `cancel`, and when the future is dropped.
    pub async fn import(
        &self,
        archive: PathBuf,
        notes: UnboundedSender<String>,
        cancel: &CancellationToken,
    ) -> Result<StoredImage, LayoutError> {
        let store = self.clone();
        let stop = cancel.child_token();
        let on_drop = stop.clone().drop_guard();
        let imported = blocking(move || {
            let _lock = sweep::hold_off(&store)?;
            archive::import(&store, &archive, &notes, &stop)
        })
        .await?;
        drop(on_drop);
        imported
    }

    /// An image as the archive that `docker load` reads, under a name in the engine. It is made while it is
    /// read, on a thread of its own, and ends early when nobody reads it any more.
    pub async fn archive_of(
        &self,
        image: &Digest,
        name: &str,
    ) -> Result<impl futures::Stream<Item = io::Result<bytes::Bytes>> + Send + use<>, LayoutError> {
        let (bytes, manifest) = self.manifest(image).await?;
        Ok(handing_out::stream(self.clone(), image.clone(), bytes, manifest, name.to_owned()))
    }

    /// Makes everything of an image young, so that no sweep takes it before it is kept; whether
    /// everything is there.
    pub async fn refresh(&self, image: &Digest) -> Result<bool, LayoutError> {
        let (store, image) = (self.clone(), image.clone());
        Ok(blocking(move || sweep::refresh(&store, &image)).await??)
    }

    /// Removes what none of `images` needs and was written before a moment. None when an image is
    /// being written: try again later. Fails, and removes nothing, when one of the images is damaged.
    pub async fn sweep(
        &self,
        images: HashSet<Digest>,
        written_before: SystemTime,
    ) -> Result<Option<Swept>, LayoutError> {
        let store = self.clone();
        blocking(move || sweep::sweep(&store, &images, written_before)).await?
    }

    /// Whether these are the images of this database: of the first one that asks, for ever.
    pub fn belongs_to(&self, database: &str) -> io::Result<bool> {
        self.write_if_absent("database", database.as_bytes())?;
        Ok(std::fs::read(self.root.join("database"))? == database.as_bytes())
    }

    /// Puts small content into the store.
    fn put(&self, bytes: &[u8]) -> io::Result<Digest> {
        let digest = digest_of(bytes);
        let target = self.blob_path(&digest);
        if target.exists() {
            sweep::touch(&target)?;
        } else {
            self.write_at_once(&target, bytes)?;
        }
        Ok(digest)
    }

    fn write_if_absent(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let target = self.root.join(name);
        if target.exists() { Ok(()) } else { self.write_at_once(&target, bytes) }
    }

    /// Writes beside and renames: a reader sees all of it or nothing, even after a power cut.
    fn write_at_once(&self, target: &Path, bytes: &[u8]) -> io::Result<()> {
        let partial = self.partial_path();
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, target)
    }

    /// Lists a manifest in `index.json`, once.
    fn list(&self, manifest: &Descriptor, platform: &str) -> io::Result<()> {
        let _alone = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.root.join("index.json");
        let mut index: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let Some(manifests) = index["manifests"].as_array_mut() else {
            return Err(io::Error::other("index.json has no list of manifests"));
        };
        if manifests.iter().any(|known| known["digest"] == manifest.digest.as_str()) {
            return Ok(());
        }
        let (system, architecture) = platform.split_once('/').unwrap_or((platform, ""));
        manifests.push(serde_json::json!({
            "mediaType": manifest.media_type,
            "digest": manifest.digest,
            "size": manifest.size,
            "platform": {"os": system, "architecture": architecture},
        }));
        self.write_at_once(&path, index.to_string().as_bytes())
    }

    /// Takes manifests out of `index.json`.
    fn unlist(&self, is_gone: impl Fn(&str) -> bool) -> io::Result<()> {
        let _alone = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.root.join("index.json");
        let mut index: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let Some(manifests) = index["manifests"].as_array_mut() else {
            return Err(io::Error::other("index.json has no list of manifests"));
        };
        let before = manifests.len();
        manifests.retain(|known| !is_gone(known["digest"].as_str().unwrap_or_default()));
        if manifests.len() == before { Ok(()) } else { self.write_at_once(&path, index.to_string().as_bytes()) }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, LayoutError> {
    tokio::task::spawn_blocking(work).await.map_err(|join| LayoutError::Disk(io::Error::other(join)))
}

/// The SHA-256 of `bytes` as a digest.
pub fn digest_of(bytes: &[u8]) -> Digest {
    finished(Sha256::new_with_prefix(bytes))
}

/// What a hash came to, as a digest.
fn finished(hash: Sha256) -> Digest {
    let text = format!("sha256:{}", hex::encode(hash.finalize()));
    match text.parse() {
        Ok(digest) => digest,
        // 32 bytes in hexadecimal are 64 digits.
        Err(_) => unreachable!("a SHA-256 is always a digest"),
    }
}
