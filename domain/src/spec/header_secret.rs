//! Which secret has the value of a header that a tool sends.
//!
//! The name says where the secret may go: whoever writes a spec chooses an address, and only whoever may
//! make secrets decides that one is sent there.

/// The name of the secret with a header's value: `tools/<host>/<variable>`, with the port between the two
/// unless it is that of https. None for an address that no tool may have.
pub fn header_secret(url: &str, variable: &str) -> Option<String> {
    let (rest, usual) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, "443"),
        (None, Some(rest)) => (rest, "80"),
        (None, None) => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let (host, port) = match authority.strip_prefix('[') {
        Some(address) => {
            let (address, port) = address.split_once(']')?;
            (address.replace(':', "-"), port.strip_prefix(':').unwrap_or(usual))
        }
        None => {
            let (host, port) = authority.split_once(':').unwrap_or((&authority, usual));
            (host.to_owned(), port)
        }
    };
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if host.is_empty() || !is_plain(&host) || port.is_empty() || !port.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some(if port == "443" { format!("tools/{host}/{variable}") } else { format!("tools/{host}/{port}/{variable}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_for_one_host_and_one_port() {
        for (url, name) in [
            ("https://mcp.example.com/mcp", Some("tools/mcp.example.com/KEY")),
            ("https://MCP.example.com:443/?a=b", Some("tools/mcp.example.com/KEY")),
            ("http://mcp.example.com/mcp", Some("tools/mcp.example.com/80/KEY")),
            ("http://127.0.0.1:8931/mcp", Some("tools/127.0.0.1/8931/KEY")),
            ("https://[::1]:8443/", Some("tools/--1/8443/KEY")),
            ("https://good.example.com@evil.example.com/", None),
            ("https://good.example.com\\@evil.example.com/", None),
            ("ftp://h/", None),
            ("https:///mcp", None),
        ] {
            assert_eq!(header_secret(url, "KEY").as_deref(), name, "{url}");
        }
    }
}
