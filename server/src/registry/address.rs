//! What a registry's address may be: `host[:port]`, as it stands in an image's reference.

use std::net::Ipv6Addr;

use gantry_domain::problem::FieldProblem;

use crate::identity::origin::{host_of, is_local_host};

/// The address as it is kept: in lower case, without blanks around it.
///
/// # Errors
/// What was expected, when it is no host with an optional port.
pub(super) fn checked(text: &str) -> Result<String, FieldProblem> {
    let address = text.trim().to_ascii_lowercase();
    let fault = |message: &str| Err(FieldProblem::new("/address", "invalid_address", message));
    if address.contains("://") {
        return fault("Expected the address without https:// or http:// in front of it, such as registry.example.com.");
    }
    if address.contains('@') {
        return fault("Expected an address without a user or password in it. Enter them in their own fields.");
    }
    if address.contains('/') {
        return fault("Expected host or host:port alone. What repositories start with goes into the prefix.");
    }
    let host = host_of(&address);
    let port = &address[host.len()..];
    let port_is_good = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0)
        }
        None => port.is_empty(),
    };
    if !port_is_good || !is_host(host) {
        return fault("Expected host or host:port, such as registry.example.com or 127.0.0.1:5000.");
    }
    Ok(address)
}

/// Whether plain HTTP may be spoken there.
pub(super) fn is_local(address: &str) -> bool {
    is_local_host(host_of(address))
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.strip_suffix(']').is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok());
    }
    (1..=253).contains(&host.len())
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_a_port() {
        for (given, kept) in [
            ("registry.example.com", "registry.example.com"),
            (" GHCR.io ", "ghcr.io"),
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("localhost:1", "localhost:1"),
            ("[::1]:5000", "[::1]:5000"),
        ] {
            assert_eq!(checked(given).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in [
            "",
            " ",
            "https://registry.example.com",
            "a/b",
            "user:sesame@host",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "host:http",
            "-a.b",
            "a..b",
            "a b",
            "a_b",
            "пример.рф",
            "[::1",
            "[zz]:1",
            "::1",
            "a\nb",
            "a\0b",
            &"a".repeat(64),
            &"a.".repeat(200),
            &"x".repeat(65_536),
        ] {
            let fault = checked(bad).unwrap_err();
            assert_eq!(fault.code, "invalid_address", "{bad}");
            assert!(!fault.message.contains("sesame"));
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        assert!(is_local("127.0.0.1:5000") && is_local("localhost") && is_local("[::1]:5000"));
        assert!(!is_local("10.0.0.1:5000") && !is_local("registry.example.com") && !is_local("0.0.0.0:5000"));
    }
}
