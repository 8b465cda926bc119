//! A project as a ZIP archive, from people: read in memory, nothing is unpacked onto a disk.
//!
//! An archive that tries tricks is refused as a whole: paths that leave it, links, sizes that explode.

use std::io::{Cursor, Read};

use axum::http::StatusCode;
use gantry_generator::exchange::SourceFile;
use zip::ZipArchive;

use super::{Arrived, LARGEST_FILE, MOST_FILES, is_wanted};
use crate::error::{Error, Result};

/// How large an archive may be, in bytes.
pub(super) const LARGEST_ARCHIVE: usize = 20 * 1024 * 1024;
/// How many entries it may have, and how much may come out of it.
const MOST_ENTRIES: usize = 20_000;
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Reads the files that can say anything of an agent.
///
/// # Errors
/// `422 archive_refused` with the entry and what is wrong with it.
pub(super) fn read(bytes: &[u8]) -> Result<Arrived> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| refused(format!("The body is no ZIP archive that can be read: {error}.")))?;
    if archive.len() > MOST_ENTRIES {
        return Err(refused(format!(
            "The archive has {} entries and {MOST_ENTRIES} are allowed: leave out node_modules, virtual environments and the like.",
            archive.len()
        )));
    }
    let mut arrived = Arrived { files: Vec::new(), left_out: Vec::new() };
    let mut total = 0;
    for index in 0..archive.len() {
        let mut entry = archive
            .by_index(index)
            .map_err(|error| refused(format!("Entry {index} of the archive cannot be read: {error}.")))?;
        let path = entry
            .name()
            .map_err(|error| refused(format!("Entry {index} has no name that can be read: {error}.")))?
            .into_owned();
        if let Some(fault) = path_fault(&path) {
            return Err(refused(format!("{}: {fault}", path.escape_debug())));
        }
        if entry.is_symlink() {
            return Err(refused(format!("{path} is a symbolic link. Put the file itself into the archive.")));
        }
        if entry.is_dir() || !is_wanted(&path) {
            continue;
        }
        if arrived.files.len() == MOST_FILES || entry.size() > LARGEST_FILE {
            arrived.left_out.push(path);
            continue;
        }
        if entry.encrypted() {
            return Err(refused(format!("{path} is encrypted. Make the archive without a password.")));
        }
        // What the archive says of sizes is not believed.
        let mut content = Vec::new();
        let limit = LARGEST_FILE.min(MOST_BYTES - total);
        let read = Read::by_ref(&mut entry).take(limit + 1).read_to_end(&mut content);
        read.map_err(|error| refused(format!("{path} cannot be read: {error}.")))?;
        if content.len() as u64 > limit {
            return Err(refused(format!(
                "{path} comes to more than the archive says of it, or all files together to more than {} MiB.",
                MOST_BYTES / 1024 / 1024
            )));
        }
        total += content.len() as u64;
        match String::from_utf8(content) {
            Ok(text) if !text.contains('\0') => arrived.files.push(SourceFile { path, text }),
            _ => arrived.left_out.push(path),
        }
    }
    Ok(arrived)
}

fn refused(message: String) -> Error {
    Error::new(StatusCode::UNPROCESSABLE_ENTITY, "archive_refused", message)
}

/// What is wrong with a path, as a sentence.
fn path_fault(path: &str) -> Option<&'static str> {
    let within = path.strip_suffix('/').unwrap_or(path);
    if path.len() > 1_024 || within.is_empty() {
        Some("Expected paths of 1 to 1024 bytes.")
    } else if within.chars().any(|letter| letter.is_control() || letter == '\\') {
        Some("Expected paths without control characters and backslashes.")
    } else if within.starts_with('/') || within.as_bytes().get(1) == Some(&b':') {
        Some("Expected paths within the archive, not ones that begin at a root.")
    } else if within.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Some("Expected paths within the archive, without . and .. in them.")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (path, content) in entries {
            writer.start_file(*path, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn texts_arrive_and_the_rest_is_named() {
        let large = vec![b'a'; LARGEST_FILE as usize + 1];
        let bytes = archive(&[
            ("p/agents.py", b"x = 1"),
            ("p/logo.png", b"\x89PNG"),
            ("p/broken.py", b"\xff\xfe"),
            ("p/large.json", &large),
            ("p/node_modules/a/index.js", b"1"),
        ]);
        let arrived = read(&bytes).unwrap();
        assert_eq!(arrived.files, [SourceFile { path: "p/agents.py".to_owned(), text: "x = 1".to_owned() }]);
        assert_eq!(arrived.left_out, ["p/broken.py", "p/large.json"]);
    }

    #[test]
    fn tricks_are_refused() {
        for path in ["../a.py", "a/../../b.py", "/etc/a.py", "a\\b.py", "C:/a.py", "a/./b.py"] {
            let error = read(&archive(&[(path, b"x")])).err().unwrap_or_else(|| panic!("{path}"));
            assert_eq!(error.code(), "archive_refused", "{path}");
        }
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("a.py", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        assert!(read(&bytes).err().unwrap().detail().contains("symbolic link"));
        assert_eq!(read(b"PK not a zip").err().unwrap().code(), "archive_refused");
    }

    #[test]
    fn a_bomb_is_refused_before_it_fills_memory() {
        // 80 files of a MiB each, which deflate to almost nothing.
        let zeros = vec![b' '; LARGEST_FILE as usize];
        let names: Vec<String> = (0..80).map(|index| format!("f{index}.py")).collect();
        let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), zeros.as_slice())).collect();
        let bytes = archive(&entries);
        assert!(bytes.len() < 200_000, "{}", bytes.len());
        assert!(read(&bytes).err().unwrap().detail().contains("MiB"));
    }
}
