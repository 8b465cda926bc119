//! Where a request comes from: whether a page of ours sent it, and whether its browser keeps our cookie.
//!
//! Only headers that scripts cannot set are believed: `Sec-Fetch-Site` where the browser sends it
//! (W3C Fetch Metadata), else `Origin` compared with the host that was asked.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};

/// Whether a browser says that the page behind this request is another site's.
///
/// Without either header it is no browser, or one that changes nothing: not cross-origin.
pub(super) fn is_cross_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let (Some(origin), Some(host)) = (origin.to_str().ok().and_then(authority_of), asked_host(headers, uri)) else {
        // `Origin: null` (a sandboxed page) and what cannot be read are nobody's, so not ours.
        return true;
    };
    !origin.eq_ignore_ascii_case(host)
}

/// Whether the browser that sent this request would keep a Secure cookie from us: over HTTPS, or on this machine.
///
/// Told from `Origin`, which browsers send with every request that changes something; what sends none is no browser.
pub(super) fn is_cookie_kept(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else { return true };
    match origin.strip_prefix("http://") {
        Some(authority) => is_local_host(host_of(authority)),
        None => true,
    }
}

/// Whether a host name or address is this machine: `localhost` and names under it (RFC 6761), 127.0.0.0/8 and ::1.
pub(crate) fn is_local_host(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => {
            address.to_ipv4_mapped().map_or(address.is_loopback(), |mapped| mapped.is_loopback())
        }
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// The host within `host[:port]` or `[v6][:port]`.
pub(crate) fn host_of(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority.find(']').map_or(authority, |end| &authority[..=end]);
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

fn authority_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")).filter(|rest| !rest.is_empty())
}

fn asked_host<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> Option<&'r str> {
    // HTTP/2 has the host in the address, HTTP/1.1 in a header.
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(|host| host.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.insert(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn our_own_pages_and_programs_are_let_through() {
        let uri = Uri::from_static("/api/v1/projects");
        for ours in [
            &[][..],
            &[("host", "127.0.0.1:7777"), ("origin", "http://127.0.0.1:7777")],
            &[("host", "Gantry.example"), ("origin", "https://gantry.EXAMPLE")],
            &[("host", "[::1]:7777"), ("origin", "http://[::1]:7777")],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            // A proxy that rewrites Host: the browser's own word is enough.
            &[("sec-fetch-site", "same-origin"), ("host", "backend"), ("origin", "https://gantry.example")],
        ] {
            assert!(!is_cross_origin(&headers(ours), &uri), "{ours:?}");
        }
        let http2 = Uri::from_static("https://gantry.example/api/v1/projects");
        assert!(!is_cross_origin(&headers(&[("origin", "https://gantry.example")]), &http2));
    }

    #[test]
    fn other_sites_are_not() {
        let uri = Uri::from_static("/api/v1/projects");
        for theirs in [
            &[("host", "127.0.0.1:7777"), ("origin", "http://127.0.0.1:8888")][..],
            &[("host", "127.0.0.1:7777"), ("origin", "https://evil.example")],
            &[("host", "gantry.example"), ("origin", "https://gantry.example.evil.example")],
            &[("host", "gantry.example"), ("origin", "null")],
            &[("host", "gantry.example"), ("origin", "https://")],
            &[("origin", "https://gantry.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("host", "gantry.example"), ("origin", "https://gantry.example")],
        ] {
            assert!(is_cross_origin(&headers(theirs), &uri), "{theirs:?}");
        }
    }

    #[test]
    fn browsers_keep_the_cookie_over_https_and_on_this_machine() {
        for kept in [
            "https://gantry.example",
            "http://127.0.0.1:7777",
            "http://localhost:7777",
            "http://[::1]:7777",
            "http://gantry.localhost",
        ] {
            assert!(is_cookie_kept(&headers(&[("origin", kept)])), "{kept}");
        }
        assert!(is_cookie_kept(&HeaderMap::new()));
        for lost in ["http://gantry.example", "http://192.168.1.5:7777", "http://localhost.example"] {
            assert!(!is_cookie_kept(&headers(&[("origin", lost)])), "{lost}");
        }
    }

    #[test]
    fn this_machine_is_recognised_in_every_spelling() {
        for local in
            ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.8.9.10", "::1", "[::1]", "::ffff:127.0.0.1"]
        {
            assert!(is_local_host(local), "{local}");
        }
        for elsewhere in
            ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "notlocalhost", "128.0.0.1", "2130706433"]
        {
            assert!(!is_local_host(elsewhere), "{elsewhere}");
        }
    }
}
