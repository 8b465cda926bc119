//! The master key: where it comes from, how it is written, and how it is recognised.
//!
//! It is 32 random bytes that wrap data keys and are used for nothing else. They never enter the
//! database, so a copy of the database alone opens no secret. Whoever loses the key loses every
//! stored secret: that is why Gantry says so loudly when it has to make one.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::envelope::{self, Key};

/// The file within the data directory that holds a key made by Gantry.
pub(super) const FILE_NAME: &str = "master.key";

const EXPECTED: &str =
    "32 bytes as base64 (44 characters) or hexadecimal (64 digits), such as `openssl rand -base64 32` writes";

/// A master key and its name.
#[derive(Clone)]
pub(super) struct MasterKey {
    /// 16 hexadecimal digits that tell keys apart without telling anything about them.
    pub(super) id: String,
    pub(super) key: Key,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).field("key", &"[REDACTED]").finish()
    }
}

impl MasterKey {
    fn new(key: Key) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"gantry/master-key-id/v1");
        hash.update(key.as_slice());
        Self { id: hex::encode(&hash.finalize()[..8]), key }
    }

    /// A new random key.
    pub(super) fn generate() -> Self {
        Self::new(envelope::new_key())
    }

    /// Reads a key as a person writes it. `None` when it is not one; the text is not repeated.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = if text.len() == 64 {
            hex::decode(text).ok()
        } else {
            [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
                .into_iter()
                .find_map(|alphabet| alphabet.decode(text).ok())
        };
        let bytes = Zeroizing::new(bytes?);
        let key: [u8; 32] = bytes.as_slice().try_into().ok()?;
        Some(Self::new(Zeroizing::new(key)))
    }
}

/// Where a master key may be configured: a value, or a file that holds it.
#[derive(Clone, Debug, Default)]
pub struct KeySetting {
    /// The key itself.
    pub value: Option<SecretString>,
    /// A file with the key.
    pub file: Option<PathBuf>,
}

impl KeySetting {
    /// The configured key, if one is configured. `setting` is the variable's name, for errors.
    pub(super) fn read(&self, setting: &str) -> anyhow::Result<Option<MasterKey>> {
        match (&self.value, &self.file) {
            (Some(_), Some(_)) => bail!("{setting} and {setting}_FILE are both set. Set one of them"),
            (Some(value), None) => match MasterKey::parse(value.expose_secret()) {
                Some(key) => Ok(Some(key)),
                None => bail!("{setting} is not a key: expected {EXPECTED}"),
            },
            (None, Some(file)) => read_file(file).map(Some).with_context(|| format!("{setting}_FILE")),
            (None, None) => Ok(None),
        }
    }
}

/// Reads the key in a file.
pub(super) fn read_file(file: &Path) -> anyhow::Result<MasterKey> {
    let text = Zeroizing::new(
        std::fs::read_to_string(file)
            .with_context(|| format!("the master key file {} cannot be read", file.display()))?,
    );
    let mode = std::fs::metadata(file).map(|about| about.permissions().mode()).unwrap_or_default();
    if mode & 0o007 != 0 {
        tracing::warn!(file = %file.display(), "everybody on this machine can read the master key; run `chmod 600` on it");
    }
    MasterKey::parse(&text)
        .with_context(|| format!("the file {} does not hold a key: expected {EXPECTED}", file.display()))
}

/// Makes a new key in a file that only this user can read. Fails when the file exists, so that no key is ever overwritten.
pub(super) fn create_file(file: &Path) -> anyhow::Result<MasterKey> {
    let key = MasterKey::generate();
    write_new_file(file, &key)?;
    Ok(key)
}

fn write_new_file(file: &Path, key: &MasterKey) -> anyhow::Result<()> {
    let text = Zeroizing::new(STANDARD.encode(key.key.as_slice()));
    let mut handle = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("the master key file {} cannot be created", file.display()))?;
    handle.write_all(text.as_bytes())?;
    handle.write_all(b"\n")?;
    handle.sync_all()?;
    sync_folder_of(file)
}

/// A name in a folder outlives a power cut once the folder was written.
fn sync_folder_of(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// The key that waits beside `file` to take its place, if there is one: a rotation is under way, or
/// was cut off.
pub(super) fn read_pending(file: &Path) -> anyhow::Result<Option<MasterKey>> {
    let pending = pending_file(file);
    if pending.exists() { read_file(&pending).map(Some) } else { Ok(None) }
}

/// Puts `key`, or a new one, beside `file`, where it waits until the database has it: whatever happens
/// from then on, the key in use is in one of the two files. One that waits there already, unused, is taken.
pub(super) fn prepare(file: &Path, key: Option<&MasterKey>) -> anyhow::Result<MasterKey> {
    let pending = pending_file(file);
    match (read_pending(file)?, key) {
        (Some(waiting), None) => Ok(waiting),
        (Some(waiting), Some(key)) if waiting.id == key.id => Ok(waiting),
        (Some(waiting), Some(_)) => {
            bail!("{} holds another key ({}). Move it away", pending.display(), waiting.id)
        }
        (None, None) => create_file(&pending),
        (None, Some(key)) => {
            write_new_file(&pending, key)?;
            Ok(key.clone())
        }
    }
}

/// Makes the key that waits beside `file` the one in it, and proves it by reading it back. The key that
/// was there stays beside it, as `master.key.<its id>.old`; the answer is where.
pub(super) fn promote(file: &Path) -> anyhow::Result<PathBuf> {
    let (before, pending) = (read_file(file)?, read_file(&pending_file(file))?);
    let old = beside(file, &format!("{}.old", before.id));
    // A second name for the same file: at no moment is either key without one.
    match std::fs::hard_link(file, &old) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && read_file(&old)?.id == before.id => {}
        linked => linked.with_context(|| format!("{} cannot be made", old.display()))?,
    }
    std::fs::rename(pending_file(file), file).with_context(|| format!("{} cannot be replaced", file.display()))?;
    sync_folder_of(file)?;
    let found = read_file(file)?;
    if found.id != pending.id {
        bail!("{} was written and holds the key {} instead of {}", file.display(), found.id, pending.id);
    }
    Ok(old)
}

fn pending_file(file: &Path) -> PathBuf {
    beside(file, "next")
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_base64_and_as_hexadecimal() {
        let bytes = [0xfb_u8; 32];
        let forms = [
            STANDARD.encode(bytes),
            STANDARD_NO_PAD.encode(bytes),
            URL_SAFE.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
            hex::encode(bytes),
            hex::encode(bytes).to_uppercase(),
            format!("  {}\n", STANDARD.encode(bytes)),
        ];
        for form in forms {
            assert_eq!(MasterKey::parse(&form).unwrap().key.as_slice(), bytes, "{form}");
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for bad in [
            "",
            "password",
            &"0".repeat(63),
            &"z".repeat(64),
            &STANDARD.encode([1_u8; 31]),
            &STANDARD.encode([1_u8; 33]),
        ] {
            assert!(MasterKey::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_does_not_repeat_the_text() {
        let setting = KeySetting { value: Some("hunter2".into()), file: None };
        let sentence = format!("{:#}", setting.read("GANTRY_MASTER_KEY").unwrap_err());
        assert!(sentence.contains("GANTRY_MASTER_KEY") && sentence.contains("32 bytes"), "{sentence}");
        assert!(!sentence.contains("hunter2"), "{sentence}");
        assert!(!format!("{setting:?}").contains("hunter2"));
    }

    #[test]
    fn a_created_file_is_private_reads_back_and_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(FILE_NAME);
        let key = create_file(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_file(&file).unwrap().id, key.id);
        assert!(create_file(&file).is_err());
        assert_eq!(read_file(&file).unwrap().id, key.id);
    }

    #[test]
    fn a_prepared_key_takes_the_files_place_and_the_old_one_stays_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(FILE_NAME);
        let old = create_file(&file).unwrap();
        assert!(read_pending(&file).unwrap().is_none() && promote(&file).is_err());
        let next = prepare(&file, None).unwrap();
        // Cut off and begun again: the same key.
        assert_eq!(prepare(&file, None).unwrap().id, next.id);
        assert!(prepare(&file, Some(&MasterKey::generate())).is_err(), "a key that waits is not overwritten");
        assert_eq!(read_file(&file).unwrap().id, old.id);
        let kept = promote(&file).unwrap();
        assert_eq!((read_file(&file).unwrap().id, read_file(&kept).unwrap().id), (next.id.clone(), old.id));
        assert!(read_pending(&file).unwrap().is_none());
        for path in [&file, &kept] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let third = MasterKey::generate();
        prepare(&file, Some(&third)).unwrap();
        promote(&file).unwrap();
        assert_eq!(read_file(&file).unwrap().id, third.id);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3, "one in use, two old ones");
    }

    #[test]
    fn debug_output_shows_no_key() {
        let key = MasterKey::generate();
        let shown = format!("{key:?}");
        assert!(shown.contains("REDACTED") && !shown.contains(&hex::encode(key.key.as_slice())), "{shown}");
    }
}
