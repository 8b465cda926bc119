//! A revision's files, or its files in conflict, as one value of the database: JSON, packed with LZ4.
//!
//! LZ4 because writing is what counts: it halves the bytes at a fifth of what deflate's fastest level
//! costs. Before migration 8 the value was the JSON itself.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;

/// The first byte of a packed value: an LZ4 block follows, after the size of what it holds (`u32`,
/// little endian).
const LZ4: u8 = 1;

/// The first byte of JSON as it was kept before.
const JSON: u8 = b'[';

/// More than any project has; a damaged value must not ask for all memory.
const LARGEST: u32 = 256 * 1024 * 1024;

/// Packs files for the database.
pub(super) fn packed<T: Serialize>(files: &[T]) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(files)?;
    let size = u32::try_from(json.len()).ok().filter(|size| *size <= LARGEST);
    let size = size.ok_or_else(|| anyhow::anyhow!("{} bytes of files are too many for one value", json.len()))?;
    let mut bytes = vec![0; 5 + lz4_flex::block::get_maximum_output_size(json.len())];
    bytes[0] = LZ4;
    bytes[1..5].copy_from_slice(&size.to_le_bytes());
    let length = lz4_flex::block::compress_into(&json, &mut bytes[5..]).map_err(anyhow::Error::from)?;
    bytes.truncate(5 + length);
    Ok(bytes)
}

/// The files in a value of the database.
pub(super) fn unpacked<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>> {
    match bytes {
        [LZ4, a, b, c, d, block @ ..] => {
            let size = u32::from_le_bytes([*a, *b, *c, *d]);
            if size > LARGEST {
                return Err(anyhow::anyhow!("a revision's files are damaged: they claim {size} bytes").into());
            }
            let json = lz4_flex::block::decompress(block, size as usize)
                .map_err(|error| anyhow::anyhow!("a revision's files are damaged: {error}"))?;
            Ok(serde_json::from_slice(&json)?)
        }
        [JSON, ..] => Ok(serde_json::from_slice(bytes)?),
        _ => Err(anyhow::anyhow!("a revision's files are in a form that this version does not know").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::StoredFile;
    use super::*;

    fn files() -> Vec<StoredFile> {
        let file = |path: &str, content: String| StoredFile { path: path.into(), content };
        vec![file("a.py", "print('hello')\n".repeat(100)), file("b.md", "\u{1f44b} \"quoted\"\n".into())]
    }

    #[test]
    fn what_is_packed_comes_back_and_is_smaller() {
        let bytes = packed(&files()).unwrap();
        assert!(bytes.len() < 200, "{} bytes", bytes.len());
        assert_eq!(unpacked::<StoredFile>(&bytes).unwrap(), files());
        assert_eq!(unpacked::<StoredFile>(&packed::<StoredFile>(&[]).unwrap()).unwrap(), []);
    }

    #[test]
    fn what_was_kept_before_is_still_read() {
        assert_eq!(unpacked::<StoredFile>(&serde_json::to_vec(&files()).unwrap()).unwrap(), files());
    }

    #[test]
    fn a_damaged_value_is_an_error() {
        let good = packed(&files()).unwrap();
        let mut greedy = good.clone();
        greedy[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut long = good.clone();
        long[1] = long[1].wrapping_sub(1);
        for bytes in [&[][..], &[LZ4, 1], &[9, 0, 0, 0, 0, 1], &good[..good.len() / 2], &greedy, &long] {
            assert!(unpacked::<StoredFile>(bytes).is_err(), "{} bytes", bytes.len());
        }
    }
}
