//! A project as a ZIP archive: the same files give the same bytes, on every machine and day.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::StoredFile;
use crate::error::Result;

/// The archive, with everything in one folder named like the project.
///
/// Entries are sorted by path, all from 1980-01-01 (the earliest moment that ZIP knows: APPNOTE
/// 4.4.6), with the same permissions and compression.
pub(crate) fn archive(folder: &str, mut files: Vec<StoredFile>) -> Result<Vec<u8>> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        writer.start_file(format!("{folder}/{}", file.path), options).map_err(anyhow::Error::from)?;
        writer.write_all(file.content.as_bytes()).map_err(anyhow::Error::from)?;
    }
    Ok(writer.finish().map_err(anyhow::Error::from)?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str) -> StoredFile {
        StoredFile { path: path.into(), content: content.into() }
    }

    #[test]
    fn the_same_files_give_the_same_bytes_in_any_order() {
        let one = archive("a", vec![file("b.txt", "two"), file("a.txt", "one")]).unwrap();
        let other = archive("a", vec![file("a.txt", "one"), file("b.txt", "two")]).unwrap();
        assert_eq!(one, other);
        let mut read = zip::ZipArchive::new(Cursor::new(one)).unwrap();
        assert_eq!(read.by_index(0).unwrap().name().unwrap(), "a/a.txt");
        assert_eq!(read.len(), 2);
    }
}
