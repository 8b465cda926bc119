//! Files on their way into `dist/`: names with the hash of their content, and precompressed copies.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Files of at most this many bytes gain nothing from compression.
pub(super) const SMALLEST_TO_COMPRESS: u64 = 256;

/// Where files go, and whether precompressed copies go beside them.
pub(super) struct Output<'a> {
    pub(super) dist: &'a Path,
    pub(super) compress: bool,
}

impl Output<'_> {
    /// Writes a file whose name carries its content's hash, so that browsers may keep it for ever.
    pub(super) fn put(&self, stem: &str, extension: &str, content: &[u8]) -> Result<String> {
        let name = format!("assets/{stem}-{}.{extension}", short_hash(Sha256::digest(content).as_slice()));
        self.write(&self.dist.join(&name), content)?;
        Ok(name)
    }

    /// Copies files that name one another into a folder whose name carries the hash of all of them.
    pub(super) fn put_folder(&self, stem: &str, from: &Path) -> Result<String> {
        let mut hash = Sha256::new();
        hash_folder(from, &mut hash)?;
        let name = format!("assets/{stem}-{}", short_hash(hash.finalize().as_slice()));
        self.copy_folder(from, &self.dist.join(&name))?;
        Ok(name)
    }

    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, content).with_context(|| format!("{} could not be written", path.display()))?;
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let compressed_already = matches!(extension.as_str(), "woff2" | "png");
        // The server embeds of a module only its compressed copies, however small it is.
        let is_small = content.len() as u64 <= SMALLEST_TO_COMPRESS && extension != "wasm";
        if !self.compress || compressed_already || is_small {
            return Ok(());
        }
        let mut brotli = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 22);
        brotli.write_all(content)?;
        brotli.flush()?;
        fs::write(path.with_extension(format!("{extension}.br")), brotli.into_inner())?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(content)?;
        fs::write(path.with_extension(format!("{extension}.gz")), gzip.finish()?)?;
        Ok(())
    }

    pub(super) fn copy_folder(&self, from: &Path, to: &Path) -> Result<()> {
        for entry in fs::read_dir(from).with_context(|| format!("{} could not be read", from.display()))? {
            let entry = entry?;
            let destination = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.copy_folder(&entry.path(), &destination)?;
            } else {
                self.write(&destination, &fs::read(entry.path())?)?;
            }
        }
        Ok(())
    }
}

fn hash_folder(folder: &Path, hash: &mut Sha256) -> Result<()> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        if path.is_dir() {
            hash_folder(&path, hash)?;
        } else {
            hash.update(fs::read(&path)?);
        }
    }
    Ok(())
}

fn short_hash(digest: &[u8]) -> String {
    hex::encode(&digest[..5])
}
