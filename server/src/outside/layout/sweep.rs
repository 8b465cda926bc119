//! Removing from the store what no image needs any more.
//!
//! Blobs are shared between images and are written before any image names them, so what is unnamed
//! is removed only when it is old: whoever writes an image makes everything of it young, under a lock
//! that a sweep waits for. A sweep may be cut off anywhere; the next one finishes it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use gantry_domain::Digest;

use super::{Descriptor, ImageStore, LayoutError, Manifest, digest_of};

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Manifests, configurations and layers.
    pub blobs: usize,
    /// Their size together, in bytes.
    pub bytes: u64,
}

/// Held while blobs are written or made young: no sweep runs meanwhile.
pub(super) fn hold_off(store: &ImageStore) -> io::Result<File> {
    let lock = lock_file(store)?;
    lock.lock_shared()?;
    Ok(lock)
}

fn lock_file(store: &ImageStore) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(store.root().join("lock"))
}

/// Makes a file young.
pub(super) fn touch(path: &Path) -> io::Result<()> {
    File::options().append(true).open(path)?.set_modified(SystemTime::now())
}

/// Makes everything of an image young; whether everything is there.
pub(super) fn refresh(store: &ImageStore, image: &Digest) -> io::Result<bool> {
    let _lock = hold_off(store)?;
    let Some(manifest) = read_manifest(store, image)? else { return Ok(false) };
    let Ok(manifest) = manifest else { return Ok(false) };
    for blob in manifest.blobs() {
        let path = store.blob_path(&blob.digest);
        if !std::fs::metadata(&path).is_ok_and(|found| found.len() == blob.size) {
            return Ok(false);
        }
        touch(&path)?;
    }
    touch(&store.blob_path(image))?;
    Ok(true)
}

/// Does what [`ImageStore::sweep`] says, and blocks while it does.
pub(super) fn sweep(
    store: &ImageStore,
    images: &HashSet<Digest>,
    written_before: SystemTime,
) -> Result<Option<Swept>, LayoutError> {
    let lock = lock_file(store)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
        Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
    }
    let mut needed = HashSet::new();
    for image in images {
        // Another node's disk may have it instead.
        let Some(manifest) = read_manifest(store, image)? else { continue };
        // What a damaged manifest names is not known, so nothing may go.
        let manifest = manifest.map_err(|Damaged| LayoutError::Missing(image.clone()))?;
        needed.insert(image.hex().to_owned());
        needed.extend(manifest.blobs().map(|blob| blob.digest.hex().to_owned()));
    }
    let stays = |name: &str| -> io::Result<bool> {
        let path = store.root().join("blobs/sha256").join(name);
        Ok(needed.contains(name) || std::fs::metadata(path)?.modified()? >= written_before)
    };

    // First what names blobs, so that nobody is pointed at one that is gone.
    store.unlist(|manifest| !manifest.strip_prefix("sha256:").is_some_and(|name| stays(name).unwrap_or(false)))?;
    let mut swept = Swept::default();
    for entry in std::fs::read_dir(store.root().join("blobs/sha256"))? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(|name| stays(name).unwrap_or(true)) {
            swept.bytes += entry.metadata()?.len();
            swept.blobs += 1;
            std::fs::remove_file(entry.path())?;
        }
    }
    for entry in std::fs::read_dir(store.root().join("diffs"))? {
        let path = entry?.path();
        let layer = serde_json::from_slice::<Descriptor>(&std::fs::read(&path)?);
        if !layer.is_ok_and(|layer| store.blob_path(&layer.digest).exists()) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(Some(swept))
}

/// A manifest that is there and is not what its digest says.
struct Damaged;

fn read_manifest(store: &ImageStore, image: &Digest) -> io::Result<Option<Result<Manifest, Damaged>>> {
    let bytes = match std::fs::read(store.blob_path(image)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if digest_of(&bytes) != *image {
        return Ok(Some(Err(Damaged)));
    }
    Ok(Some(serde_json::from_slice(&bytes).map_err(|_| Damaged)))
}
