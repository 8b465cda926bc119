//! Passwords: what is accepted, and how they are hashed.
//!
//! Argon2id with OWASP's parameters (19 MiB, two passes, one lane), kept as a PHC string. Hashing
//! takes tens of milliseconds of one core by design, so it runs on a blocking thread, and only few
//! at a time: a flood of logins must not starve the rest of the server.

use std::sync::LazyLock;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// The least number of characters.
pub(super) const SHORTEST: usize = 12;
/// The most bytes: far above any password, far below what makes hashing slow.
pub(super) const LONGEST: usize = 1_024;

/// How many hashes are computed at once; each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(10);

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// What an unknown account's password is compared with, so that it takes as long as a known one's.
static NOBODYS_HASH: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this password").ok());

/// Why a password was neither accepted nor refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotHashed {
    /// Too many others are waiting.
    Busy,
    /// The stored hash cannot be read, or the machine has no memory left for a new one.
    Failed,
}

/// Hashes a new password.
pub(super) async fn hash(password: SecretString) -> Result<String, NotHashed> {
    in_turn(move || hash_now(password.expose_secret())).await?
}

/// Whether a password is the one of `stored`, a PHC string. Without one the answer is `false`, after as much work.
pub(super) async fn verify(password: SecretString, stored: Option<String>) -> Result<bool, NotHashed> {
    in_turn(move || {
        let is_known = stored.is_some();
        let Some(stored) = stored.as_deref().or(NOBODYS_HASH.as_deref()) else { return Err(NotHashed::Failed) };
        let stored = PasswordHash::new(stored).map_err(|_| NotHashed::Failed)?;
        let matches = hasher()?.verify_password(password.expose_secret().as_bytes(), &stored).is_ok();
        Ok(matches && is_known)
    })
    .await?
}

async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotHashed> + Send + 'static,
) -> Result<Result<T, NotHashed>, NotHashed> {
    let turn = tokio::time::timeout(PATIENCE, TURNS.acquire())
        .await
        .map_err(|_| NotHashed::Busy)?
        .map_err(|_| NotHashed::Failed)?;
    let answer = tokio::task::spawn_blocking(move || {
        // Held by the work itself: a request that went away does not free its turn before its hash is done.
        let _turn = turn;
        work()
    })
    .await
    .map_err(|_| NotHashed::Failed)?;
    Ok(answer)
}

fn hash_now(password: &str) -> Result<String, NotHashed> {
    let hash: PasswordHash = hasher()?.hash_password(password.as_bytes()).map_err(|_| NotHashed::Failed)?;
    Ok(hash.to_string())
}

fn hasher() -> Result<Argon2<'static>, NotHashed> {
    let params = Params::new(19_456, 2, 1, None).map_err(|_| NotHashed::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_recognised_and_another_is_not() {
        let stored = hash("correct horse battery".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(verify("correct horse battery".into(), Some(stored.clone())).await, Ok(true));
        assert_eq!(verify("correct horse batterY".into(), Some(stored.clone())).await, Ok(false));
        assert_ne!(hash("correct horse battery".into()).await.unwrap(), stored, "every hash has its own salt");
    }

    #[tokio::test]
    async fn an_unknown_account_takes_as_much_work_and_never_matches() {
        assert_eq!(verify("nobody has this password".into(), None).await, Ok(false));
    }

    #[tokio::test]
    async fn a_stored_hash_that_cannot_be_read_is_a_failure_and_not_a_refusal() {
        assert_eq!(verify("anything at all".into(), Some("plain".into())).await, Err(NotHashed::Failed));
    }
}
