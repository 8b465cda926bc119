//! How a token is written, so that people, logs and leak scanners recognise one.
//!
//! `gantry_` and 40 characters of `0-9A-Za-z`: 34 random ones (202 bits) and 6 that are the CRC-32
//! (IEEE 802.3) of the first 34 in base 62, most significant digit first, padded with `0`. As a
//! pattern: `\bgantry_[0-9A-Za-z]{40}\b`. The checksum lets a scanner tell a token from a text that
//! merely looks like one without asking a server; it protects nothing.

use rand::RngCore;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What every token starts with.
pub(super) const PREFIX: &str = "gantry_";
const RANDOM_LENGTH: usize = 34;
const CHECKSUM_LENGTH: usize = 6;
/// How many characters are kept to recognise a token by: the prefix and five of the random ones.
const SHOWN_LENGTH: usize = PREFIX.len() + 5;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token that was just made.
pub(super) struct NewToken {
    /// The whole of it, to be shown once.
    pub(super) secret: SecretString,
    /// Its first characters.
    pub(super) shown: String,
    /// What is stored instead of it.
    pub(super) hash: Vec<u8>,
}

/// Makes a token.
pub(super) fn generate() -> NewToken {
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + RANDOM_LENGTH + CHECKSUM_LENGTH));
    text.push_str(PREFIX);
    let mut random = rand::rng();
    let mut byte = [0_u8; 1];
    while text.len() < PREFIX.len() + RANDOM_LENGTH {
        random.fill_bytes(&mut byte);
        // 248 is the largest multiple of 62 in a byte: what is above would make some characters likelier.
        if byte[0] < 248 {
            text.push(char::from(ALPHABET[usize::from(byte[0] % 62)]));
        }
    }
    let checksum = checksum(&text.as_bytes()[PREFIX.len()..]);
    text.push_str(&checksum);
    NewToken { shown: text[..SHOWN_LENGTH].to_owned(), hash: hash(&text), secret: SecretString::from(text.as_str()) }
}

/// Whether a text has the form of a token, checksum included. Says nothing about whether it was ever given out.
pub(super) fn is_well_formed(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(PREFIX) else { return false };
    rest.len() == RANDOM_LENGTH + CHECKSUM_LENGTH
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && checksum(&rest.as_bytes()[..RANDOM_LENGTH]) == rest[RANDOM_LENGTH..]
}

/// What is stored of a token. 202 random bits need no slow hash: there is nothing to guess.
pub(super) fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

fn checksum(random: &[u8]) -> String {
    let mut rest = crc32(random);
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_checksum_is_the_crc_that_everybody_has() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum(b""), "000000");
    }

    #[test]
    fn a_new_token_has_the_documented_form_and_is_its_own() {
        let (first, second) = (generate(), generate());
        let text = first.secret.expose_secret();
        assert_eq!(text.len(), 47);
        assert!(is_well_formed(text), "{text}");
        assert!(text.starts_with(&first.shown));
        assert_eq!(first.shown.len(), 12);
        assert_eq!(first.hash, hash(text));
        assert_ne!(first.hash, second.hash);
    }

    #[test]
    fn what_only_looks_like_a_token_is_recognised_as_such() {
        let token = generate();
        let text = token.secret.expose_secret();
        let mut changed = text.to_owned();
        let replacement = if changed.ends_with('0') { "1" } else { "0" };
        changed.replace_range(changed.len() - 1.., replacement);
        for bad in [
            "",
            "gantry_",
            &changed,
            &text[..46],
            &format!("{text}0"),
            &text.to_uppercase(),
            &text.replace("gantry", "Gantry"),
            &format!("gantry_{}", "é".repeat(20)),
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn every_character_of_the_alphabet_turns_up() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            seen.extend(generate().secret.expose_secret()[PREFIX.len()..].bytes());
        }
        assert_eq!(seen.len(), 62);
    }
}
