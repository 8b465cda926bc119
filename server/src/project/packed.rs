//! A revision's files, or its files in conflict, as one value of the database, packed with LZ4.
//!
//! LZ4 because writing is what counts: it halves the bytes at a fifth of what deflate's fastest level
//! costs. Conflicts are JSON inside. Files are their texts one after another, each after its lengths:
//! text of programs is all line breaks and quotes, and escaping them for JSON cost as much as packing.
//! Files of before are read as they were kept: as packed JSON, and before migration 8 as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoredFile;
use crate::error::{Error, Result};

/// The first byte of packed JSON: an LZ4 block follows, after the size of what it holds (`u32`, little endian).
const PACKED_JSON: u8 = 1;

/// The first byte of packed files: as with [`PACKED_JSON`], but the block holds, for each file, the lengths
/// in bytes of its path and of its text (`u32`, little endian), the path, and the text.
const PACKED_FILES: u8 = 2;

/// The first byte of JSON as it was kept before.
const JSON: u8 = b'[';

/// More than any project has; a damaged value must not ask for all memory.
const LARGEST: u32 = 256 * 1024 * 1024;

/// Packs a list for the database.
pub(super) fn packed<T: Serialize>(items: &[T]) -> Result<Vec<u8>> {
    compressed(PACKED_JSON, &serde_json::to_vec(items)?)
}

/// The list in a value of the database.
pub(super) fn unpacked<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>> {
    match bytes.first() {
        Some(&PACKED_JSON) => Ok(serde_json::from_slice(&decompressed(bytes)?)?),
        Some(&JSON) => Ok(serde_json::from_slice(bytes)?),
        _ => Err(damaged("they are in a form that this version does not know")),
    }
}

/// Packs files for the database.
pub(super) fn packed_files(files: &[StoredFile]) -> Result<Vec<u8>> {
    let length = |text: &str| {
        let length = u32::try_from(text.len());
        length
            .map(u32::to_le_bytes)
            .map_err(|_| anyhow::anyhow!("a text of {} bytes is too long for one file", text.len()))
    };
    let mut bytes = Vec::with_capacity(files.iter().map(|file| 8 + file.path.len() + file.content.len()).sum());
    for StoredFile { path, content } in files {
        bytes.extend_from_slice(&length(path)?);
        bytes.extend_from_slice(&length(content)?);
        bytes.extend_from_slice(path.as_bytes());
        bytes.extend_from_slice(content.as_bytes());
    }
    compressed(PACKED_FILES, &bytes)
}

/// The files in a value of the database.
pub(super) fn unpacked_files(bytes: &[u8]) -> Result<Vec<StoredFile>> {
    if bytes.first() != Some(&PACKED_FILES) {
        return unpacked(bytes);
    }
    let bytes = decompressed(bytes)?;
    let mut rest = bytes.as_slice();
    let mut files = Vec::new();
    while !rest.is_empty() {
        let lengths = rest.split_first_chunk().and_then(|(path, rest)| Some((path, rest.split_first_chunk()?)));
        let Some((path, (content, after))) = lengths else { return Err(damaged("a length is cut off")) };
        rest = after;
        let mut text = |length: &[u8; 4]| {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok();
            let (text, after) = length.and_then(|length| rest.split_at_checked(length))?;
            rest = after;
            String::from_utf8(text.to_vec()).ok()
        };
        let (Some(path), Some(content)) = (text(path), text(content)) else {
            return Err(damaged("a text is cut off, or is not UTF-8"));
        };
        files.push(StoredFile { path, content });
    }
    Ok(files)
}

fn compressed(form: u8, plain: &[u8]) -> Result<Vec<u8>> {
    let size = u32::try_from(plain.len()).ok().filter(|size| *size <= LARGEST);
    let size = size.ok_or_else(|| anyhow::anyhow!("{} bytes of files are too many for one value", plain.len()))?;
    let mut bytes = vec![0; 5 + lz4_flex::block::get_maximum_output_size(plain.len())];
    bytes[0] = form;
    bytes[1..5].copy_from_slice(&size.to_le_bytes());
    let length = lz4_flex::block::compress_into(plain, &mut bytes[5..]).map_err(anyhow::Error::from)?;
    bytes.truncate(5 + length);
    Ok(bytes)
}

/// What is in a value, after the byte that tells its form.
fn decompressed(bytes: &[u8]) -> Result<Vec<u8>> {
    let [_, a, b, c, d, block @ ..] = bytes else { return Err(damaged("they are cut off")) };
    let size = u32::from_le_bytes([*a, *b, *c, *d]);
    if size > LARGEST {
        return Err(damaged(&format!("they claim {size} bytes")));
    }
    lz4_flex::block::decompress(block, size as usize).map_err(|error| damaged(&error.to_string()))
}

fn damaged(why: &str) -> Error {
    anyhow::anyhow!("a revision's files are damaged: {why}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<StoredFile> {
        let file = |path: &str, content: String| StoredFile { path: path.into(), content };
        vec![
            file("a.py", "print('hello')\n".repeat(100)),
            file("b.md", "\u{1f44b} \"quoted\"\n".into()),
            file("empty", String::new()),
        ]
    }

    #[test]
    fn files_come_back_as_they_were_and_are_smaller() {
        let bytes = packed_files(&files()).unwrap();
        assert!(bytes.len() < 200, "{} bytes", bytes.len());
        assert_eq!(unpacked_files(&bytes).unwrap(), files());
        assert_eq!(unpacked_files(&packed_files(&[]).unwrap()).unwrap(), []);
    }

    #[test]
    fn what_was_kept_before_is_still_read() {
        assert_eq!(unpacked_files(&packed(&files()).unwrap()).unwrap(), files());
        assert_eq!(unpacked_files(&serde_json::to_vec(&files()).unwrap()).unwrap(), files());
        assert_eq!(unpacked::<StoredFile>(&packed(&files()).unwrap()).unwrap(), files());
    }

    #[test]
    fn a_damaged_value_is_an_error() {
        for good in [packed_files(&files()).unwrap(), packed(&files()).unwrap()] {
            let mut greedy = good.clone();
            greedy[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
            let mut long = good.clone();
            long[1] = long[1].wrapping_sub(1);
            for bytes in [&[][..], &[good[0], 1], &[9, 0, 0, 0, 0, 1], &good[..good.len() / 2], &greedy, &long] {
                assert!(unpacked_files(bytes).is_err(), "{} bytes", bytes.len());
            }
        }
        // Whole blocks of nonsense: a length that is cut off, one that is too long, a text that is none.
        for nonsense in [&[1, 0, 0][..], &[9, 0, 0, 0, 0, 0, 0, 0, b'a'], &[1, 0, 0, 0, 0, 0, 0, 0, 0xFF]] {
            assert!(unpacked_files(&compressed(PACKED_FILES, nonsense).unwrap()).is_err(), "{nonsense:?}");
        }
    }
}
