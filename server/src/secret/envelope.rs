//! The envelope: how one value is sealed, and how its data key is wrapped by the master key.
//!
//! Every version of every secret has a data key of its own. The value is sealed with the data key,
//! the data key with the master key, both with XChaCha20-Poly1305 and a random 192-bit nonce, so no
//! counter has to survive a restart. Both bind what they belong to as associated data: a row copied
//! over another row, or an old version put in the place of a new one, does not open.
//! Only bytes here: where keys come from is `master_key`, where rows live is `store`.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngCore;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::OwnerKind;

/// A 256-bit key that is overwritten when it is dropped.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// The first byte of everything sealed here: which construction it is.
const FORMAT: u8 = 1;
const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;

/// What a sealed value belongs to; it opens only for exactly this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// What kind of thing owns the secret.
    pub owner: OwnerKind,
    /// The secret.
    pub secret_id: Uuid,
    /// Its version, from 1.
    pub version: i64,
}

/// Something did not open: it was changed, moved, or sealed with another key.
///
/// Deliberately says no more: which of them it was cannot be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DoesNotOpen;

/// A new random key.
pub(super) fn new_key() -> Key {
    let mut key = Key::default();
    rand::rng().fill_bytes(key.as_mut_slice());
    key
}

/// Seals a value with its data key.
pub(super) fn seal_value(data_key: &Key, value: &[u8], belongs_to: Belonging) -> Result<Vec<u8>, DoesNotOpen> {
    seal(data_key, value, &value_context(belongs_to))
}

/// Opens a sealed value.
pub(super) fn open_value(
    data_key: &Key,
    sealed: &[u8],
    belongs_to: Belonging,
) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    open(data_key, sealed, &value_context(belongs_to))
}

/// Wraps a data key with the master key called `master_key_id`.
pub(super) fn wrap_key(
    master_key: &Key,
    master_key_id: &str,
    data_key: &Key,
    belongs_to: Belonging,
) -> Result<Vec<u8>, DoesNotOpen> {
    seal(master_key, data_key.as_slice(), &key_context(belongs_to, master_key_id))
}

/// Unwraps a data key.
pub(super) fn unwrap_key(
    master_key: &Key,
    master_key_id: &str,
    wrapped: &[u8],
    belongs_to: Belonging,
) -> Result<Key, DoesNotOpen> {
    let bytes = open(master_key, wrapped, &key_context(belongs_to, master_key_id))?;
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| DoesNotOpen)?;
    Ok(Zeroizing::new(key))
}

/// What is kept to recognise a master key at start: only the key that made it opens it.
pub(super) fn check_value(master_key: &Key, master_key_id: &str) -> Result<Vec<u8>, DoesNotOpen> {
    seal(master_key, b"gantry", &context("gantry/master-key-check/v1", &[master_key_id.as_bytes()]))
}

/// Whether this is the master key that `check` was made with.
pub(super) fn is_the_key_of(master_key: &Key, master_key_id: &str, check: &[u8]) -> bool {
    open(master_key, check, &context("gantry/master-key-check/v1", &[master_key_id.as_bytes()])).is_ok()
}

fn value_context(belongs_to: Belonging) -> Vec<u8> {
    context(
        "gantry/secret/v1",
        &[belongs_to.owner.as_str().as_bytes(), belongs_to.secret_id.as_bytes(), &belongs_to.version.to_be_bytes()],
    )
}

fn key_context(belongs_to: Belonging, master_key_id: &str) -> Vec<u8> {
    context(
        "gantry/data-key/v1",
        &[
            belongs_to.owner.as_str().as_bytes(),
            belongs_to.secret_id.as_bytes(),
            &belongs_to.version.to_be_bytes(),
            master_key_id.as_bytes(),
        ],
    )
}

/// Associated data with every part preceded by its length, so that no two lists read the same.
fn context(purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn seal(key: &Key, plain: &[u8], associated: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
    let mut nonce = [0_u8; NONCE_LENGTH];
    rand::rng().fill_bytes(&mut nonce);
    let sealed =
        cipher(key).encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: associated }).map_err(|_| DoesNotOpen)?;
    let mut bytes = Vec::with_capacity(1 + NONCE_LENGTH + sealed.len());
    bytes.push(FORMAT);
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&sealed);
    Ok(bytes)
}

fn open(key: &Key, bytes: &[u8], associated: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let (&format, rest) = bytes.split_first().ok_or(DoesNotOpen)?;
    if format != FORMAT || rest.len() < NONCE_LENGTH + TAG_LENGTH {
        return Err(DoesNotOpen);
    }
    let (nonce, sealed) = rest.split_at(NONCE_LENGTH);
    let nonce: [u8; NONCE_LENGTH] = nonce.try_into().map_err(|_| DoesNotOpen)?;
    cipher(key)
        .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: associated })
        .map(Zeroizing::new)
        .map_err(|_| DoesNotOpen)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somewhere() -> Belonging {
        Belonging { owner: OwnerKind::Provider, secret_id: Uuid::from_u128(7), version: 3 }
    }

    #[test]
    fn a_value_comes_back_for_what_it_belongs_to_and_nothing_else() {
        let key = new_key();
        let sealed = seal_value(&key, "clé 🗝".as_bytes(), somewhere()).unwrap();
        assert_eq!(open_value(&key, &sealed, somewhere()).unwrap().as_slice(), "clé 🗝".as_bytes());
        for other in [
            Belonging { owner: OwnerKind::Registry, ..somewhere() },
            Belonging { secret_id: Uuid::from_u128(8), ..somewhere() },
            Belonging { version: 2, ..somewhere() },
        ] {
            assert_eq!(open_value(&key, &sealed, other), Err(DoesNotOpen), "{other:?}");
        }
        assert_eq!(open_value(&new_key(), &sealed, somewhere()), Err(DoesNotOpen));
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let key = new_key();
        let sealed = seal_value(&key, b"sk-abc", somewhere()).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(open_value(&key, &changed, somewhere()), Err(DoesNotOpen), "byte {index}");
            assert_eq!(open_value(&key, &sealed[..index], somewhere()), Err(DoesNotOpen), "cut at {index}");
        }
    }

    #[test]
    fn the_same_value_never_seals_to_the_same_bytes() {
        let key = new_key();
        let first = seal_value(&key, b"same", somewhere()).unwrap();
        assert_ne!(first, seal_value(&key, b"same", somewhere()).unwrap());
    }

    #[test]
    fn wrapping_a_data_key_anew_leaves_its_value_readable_and_shuts_out_the_old_master_key() {
        let (old, new) = (new_key(), new_key());
        let data_key = new_key();
        let sealed = seal_value(&data_key, b"sk-abc", somewhere()).unwrap();
        let wrapped = wrap_key(&old, "old", &data_key, somewhere()).unwrap();

        let unwrapped = unwrap_key(&old, "old", &wrapped, somewhere()).unwrap();
        let rewrapped = wrap_key(&new, "new", &unwrapped, somewhere()).unwrap();

        assert!(unwrap_key(&old, "new", &rewrapped, somewhere()).is_err());
        assert!(unwrap_key(&new, "old", &rewrapped, somewhere()).is_err());
        let again = unwrap_key(&new, "new", &rewrapped, somewhere()).unwrap();
        assert_eq!(open_value(&again, &sealed, somewhere()).unwrap().as_slice(), b"sk-abc");
    }

    #[test]
    fn only_the_key_that_made_a_check_value_is_recognised_by_it() {
        let key = new_key();
        let check = check_value(&key, "a").unwrap();
        assert!(is_the_key_of(&key, "a", &check));
        assert!(!is_the_key_of(&key, "b", &check));
        assert!(!is_the_key_of(&new_key(), "a", &check));
    }
}
