//! How fast passwords may be tried.
//!
//! Two counts, both in the database so that every node sees them: one per account that is asked for
//! (whether it exists or not) and one per address that asks. A few attempts are free, then each one
//! doubles the wait. An attempt is counted before the password is looked at and given back when it
//! was right, so a hundred at once are a hundred attempts. Here is the arithmetic; the rows are in `store`.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

/// How attempts are counted for one kind of key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// How many attempts have no wait after them.
    free: i64,
    /// The longest wait, in seconds.
    longest: i64,
}

/// For one account. Short enough that somebody who keeps guessing cannot lock its owner out for long.
pub(super) const PER_ACCOUNT: Allowance = Allowance { free: 5, longest: 5 * 60 };

/// For one client address. More are free, since many people may share one.
pub(super) const PER_ADDRESS: Allowance = Allowance { free: 20, longest: 60 * 60 };

/// After how long without an attempt a count starts again, in seconds.
pub(super) const FORGOTTEN_AFTER: i64 = 24 * 60 * 60;

impl Allowance {
    /// How long to wait after the `attempt`th attempt (from 1), in seconds: 0 while they are free, then 1, 2, 4 …
    pub(super) fn wait_after(self, attempt: i64) -> i64 {
        let beyond = attempt - self.free;
        if beyond < 1 {
            return 0;
        }
        // 2^62 seconds is beyond any longest wait; more would overflow.
        (1_i64 << (beyond - 1).min(62)).min(self.longest)
    }
}

/// The key of an account's count. Hashed, so that what people mistype (a password, say) is not kept.
pub(super) fn account_key(email: &str) -> String {
    let hash = Sha256::digest(super::email_key(email).as_bytes());
    format!("account:{}", hex::encode(&hash[..16]))
}

/// The key of an address's count. An IPv6 customer usually has a /64, so that is what is counted.
pub(super) fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("address:{address}"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempts_are_free_and_then_each_one_doubles_the_wait() {
        let waits: Vec<i64> = (1..=16).map(|attempt| PER_ACCOUNT.wait_after(attempt)).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(PER_ADDRESS.wait_after(20), 0);
        assert_eq!(PER_ADDRESS.wait_after(21), 1);
        for attempt in [100, 1_000, i64::MAX] {
            assert_eq!(PER_ADDRESS.wait_after(attempt), 3_600);
        }
    }

    #[test]
    fn keys_tell_accounts_and_networks_apart_and_repeat_nothing() {
        assert_eq!(account_key("Ada@Example.com "), account_key("ada@example.com"));
        assert_ne!(account_key("ada@example.com"), account_key("bob@example.com"));
        assert!(!account_key("ada@example.com").contains("ada"));
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
    }
}
