//! Requests to addresses that a spec names: which may be called, whatever name leads to them.
//!
//! Private networks may, since that is where the services of those who run Gantry are. The service that
//! hands out a cloud machine's credentials (169.254.0.0/16 and its kin) may not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{ClientBuilder, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// How often a request may be sent elsewhere.
const MOST_REDIRECTS: usize = 5;

/// A client that resolves names with care. How it follows redirects is for whoever builds it to say.
pub(crate) fn builder() -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("gantry/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(CarefulResolver)
        // A proxy would resolve names by itself, past the check here.
        .no_proxy()
}

/// Follows redirects, a few of them, to addresses that may be called.
pub(crate) fn redirects() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        if attempt.previous().len() > MOST_REDIRECTS {
            return attempt.error("too many redirects");
        }
        match refuse_address(attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(reason) => attempt.error(reason),
        }
    })
}

/// The text at an address, of at most so many bytes. The caller keeps the time.
///
/// # Errors
/// Why there is none, as a part of a sentence.
pub(crate) async fn text_at(url: &Url, most: usize) -> Result<String, String> {
    refuse_address(url)?;
    let client = builder().redirect(redirects()).build().map_err(|error| cause(&error))?;
    let mut response = client.get(url.clone()).send().await.map_err(|error| cause(&error))?;
    if !response.status().is_success() {
        return Err(format!("it answered {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|error| cause(&error))? {
        body.extend_from_slice(&bytes);
        if body.len() > most {
            return Err(format!("it is larger than {most} bytes"));
        }
    }
    String::from_utf8(body).map_err(|_| "it is no text".to_owned())
}

/// Refuses an address that a spec may not name: by its scheme or by where it leads.
///
/// # Errors
/// What is wrong with it, as a part of a sentence.
pub(crate) fn refuse_address(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https addresses may be called".to_owned());
    }
    let forbidden = match url.host() {
        Some(Host::Ipv4(ip)) => is_forbidden(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_forbidden(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => false,
        None => return Err("the address has no host".to_owned()),
    };
    if forbidden {
        return Err("link-local addresses may not be called".to_owned());
    }
    Ok(())
}

/// Link-local addresses: where clouds keep the metadata service.
fn is_forbidden(ip: IpAddr) -> bool {
    /// The metadata service of AWS over IPv6.
    const AWS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let link_local = |ip: Ipv4Addr| ip.is_link_local();
    match ip {
        IpAddr::V4(ip) => link_local(ip),
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local()
                || ip == AWS
                || ip.to_ipv4().is_some_and(link_local)
                // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address inside.
                || (ip.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] && link_local(embedded(ip, 6)))
                || (ip.segments()[0] == 0x2002 && link_local(embedded(ip, 1)))
        }
    }
}

fn embedded(ip: Ipv6Addr, segment: usize) -> Ipv4Addr {
    let segments = ip.segments();
    let [a, b] = segments[segment].to_be_bytes();
    let [c, d] = segments[segment + 1].to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

/// Resolves names with the system's resolver and leaves out what may not be called, so that no name
/// leads there either.
struct CarefulResolver;

impl Resolve for CarefulResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| !is_forbidden(address.ip())).collect();
            if allowed.is_empty() {
                return Err("the name leads to no address that may be called".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// A text without the values of headers that may be in it, since whoever is asked may say them back.
pub(crate) fn without_secrets(headers: &[(String, SecretString)], mut text: String) -> String {
    for (_, value) in headers {
        let value = value.expose_secret().trim();
        if !value.is_empty() && text.contains(value) {
            text = text.replace(value, "[redacted]");
        }
    }
    text
}

/// What is at the bottom of an error: what went wrong, in the words of whom it went wrong for.
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses_are_refused_in_every_spelling() {
        for bad in [
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::1]/",
            "file:///etc/passwd",
            "ftp://example.com/",
        ] {
            assert!(refuse_address(&Url::parse(bad).unwrap()).is_err(), "{bad}");
        }
        for good in ["http://127.0.0.1:8080/", "https://example.com/", "http://[::1]/", "http://10.0.0.1/"] {
            assert!(refuse_address(&Url::parse(good).unwrap()).is_ok(), "{good}");
        }
    }
}
