//! Opaque tokens: 32 random bytes that a browser holds, of which only a hash is stored.
//!
//! Used for the login cookie and for the set-up link. API tokens are another noun with a form of their own.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// 32 random bytes.
#[derive(Clone)]
pub(super) struct Opaque(Zeroizing<[u8; 32]>);

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque([REDACTED])")
    }
}

impl Opaque {
    /// A new one.
    pub(super) fn generate() -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        rand::rng().fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Reads the text form; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// The text form: 43 characters that need no escaping in a cookie or an address.
    pub(super) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// What is stored. 256 random bits need no slow hash: there is nothing to guess.
    pub(super) fn stored(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_slice()).to_vec()
    }

    /// What the page sends back in `X-Gantry-Csrf`: it follows from the cookie, which no other site can
    /// read, and neither the cookie nor its stored hash follows from it.
    pub(super) fn csrf_token(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"gantry/csrf/v1");
        hash.update(self.0.as_slice());
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_comes_back_and_nothing_else_is_read() {
        let token = Opaque::generate();
        assert_eq!(token.text().len(), 43);
        assert_eq!(Opaque::parse(&token.text()).unwrap().stored(), token.stored());
        for bad in ["", "a", &"a".repeat(42), &"a".repeat(44), &"é".repeat(22), &"=".repeat(43)] {
            assert!(Opaque::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn cookie_hash_and_csrf_token_are_three_different_things() {
        let token = Opaque::generate();
        assert_ne!(*token.text(), token.csrf_token());
        assert_ne!(URL_SAFE_NO_PAD.encode(token.stored()), token.csrf_token());
        assert_eq!(token.csrf_token(), token.clone().csrf_token());
        assert_ne!(token.csrf_token(), Opaque::generate().csrf_token());
        assert_eq!(format!("{token:?}"), "Opaque([REDACTED])");
    }
}
