//! Tokens that were looked up a moment ago: a program sends the same one with every request.
//!
//! What is remembered is dropped when this process writes anything that may have changed who may do
//! what ([`Db::access_version`](crate::db::Db::access_version)), so here a deleted token stops working
//! at once. Another node that shares the database cannot be heard: there it stops within [`KEPT_FOR`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gantry_domain::Timestamp;
use gantry_domain::api::token::Token;

use crate::identity::USE_IS_NOTED_EVERY_MILLIS;

/// How old the answer of the database may be.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// How many are remembered. More tokens than this at once are looked up each time.
const AT_MOST: usize = 256;

/// The tokens, by their hash.
#[derive(Debug, Default)]
pub struct RecentTokens(Mutex<HashMap<Vec<u8>, Found>>);

#[derive(Debug)]
struct Found {
    token: Token,
    access_version: u64,
    read_at: Instant,
}

impl RecentTokens {
    /// The token with this hash, if what is known of it is still true and needs no note of its use.
    pub(super) fn get(&self, hash: &[u8], access_version: u64, now: Timestamp) -> Option<Token> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = tokens.get(hash)?;
        let is_current = found.access_version == access_version && found.read_at.elapsed() < KEPT_FOR;
        let works = found.token.expires_at.is_none_or(|end| end > now);
        let is_noted = found.token.last_used_at.is_some_and(|last| now.millis_since(last) < USE_IS_NOTED_EVERY_MILLIS);
        (is_current && works && is_noted).then(|| found.token.clone())
    }

    /// Remembers what the database said. `access_version` and `asked_at` are of before it was asked.
    pub(super) fn put(&self, hash: Vec<u8>, token: Token, access_version: u64, asked_at: Instant) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= AT_MOST && !tokens.contains_key(&hash) {
            tokens.retain(|_, found| found.read_at.elapsed() < KEPT_FOR && found.access_version == access_version);
            if tokens.len() >= AT_MOST {
                return;
            }
        }
        tokens.insert(hash, Found { token, access_version, read_at: asked_at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn token(now: Timestamp, expires_in: Option<i64>) -> Token {
        Token {
            id: Uuid::nil(),
            name: "ci".into(),
            prefix: "gantry_abcde".into(),
            scopes: Vec::new(),
            created_at: now,
            expires_at: expires_in.map(|millis| now.plus_millis(millis)),
            last_used_at: Some(now),
        }
    }

    #[test]
    fn a_token_is_known_until_something_is_written() {
        let (recent, now) = (RecentTokens::default(), Timestamp::from_micros(1_000_000_000));
        assert_eq!(recent.get(b"hash", 1, now), None);
        recent.put(b"hash".to_vec(), token(now, None), 1, Instant::now());
        assert!(recent.get(b"hash", 1, now).is_some());
        assert_eq!(recent.get(b"other", 1, now), None);
        assert_eq!(recent.get(b"hash", 2, now), None, "something was written since");
    }

    #[test]
    fn an_old_answer_an_end_and_a_use_to_note_each_ask_again() {
        let (recent, now) = (RecentTokens::default(), Timestamp::from_micros(1_000_000_000));
        recent.put(b"old".to_vec(), token(now, None), 1, Instant::now() - KEPT_FOR);
        assert_eq!(recent.get(b"old", 1, now), None);
        recent.put(b"ends".to_vec(), token(now, Some(100)), 1, Instant::now());
        assert!(recent.get(b"ends", 1, now.plus_millis(99)).is_some());
        assert_eq!(recent.get(b"ends", 1, now.plus_millis(100)), None);
        recent.put(b"used".to_vec(), token(now, None), 1, Instant::now());
        assert_eq!(recent.get(b"used", 1, now.plus_millis(USE_IS_NOTED_EVERY_MILLIS)), None);
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let (recent, now) = (RecentTokens::default(), Timestamp::from_micros(1_000_000_000));
        for number in 0..=AT_MOST {
            recent.put(number.to_be_bytes().to_vec(), token(now, None), 1, Instant::now());
        }
        assert_eq!(recent.0.lock().unwrap().len(), AT_MOST);
        // What is no longer true makes room.
        recent.put(b"next".to_vec(), token(now, None), 2, Instant::now());
        assert_eq!(recent.0.lock().unwrap().len(), 1);
    }
}
