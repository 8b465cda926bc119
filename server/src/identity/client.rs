//! The address of who asks, as far as it can be believed.
//!
//! `X-Forwarded-For` is written by anybody. It is believed only from proxies that the operator named
//! (`GANTRY_TRUSTED_PROXIES`), from the right, up to the first address that is not one of them.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::uri::Authority;

use crate::app::App;
use crate::error::Error;

/// The address of who asks; none when the server was not told, as in tests without a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientAddress(pub(super) Option<IpAddr>);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let forwarded: Vec<&str> = forwarded.flat_map(|line| line.split(',')).map(str::trim).collect();
        Ok(Self(peer.map(|peer| believed(peer, &forwarded, &app.config.trusted_proxies))))
    }
}

/// Where a client has reached this server, such as `https://gantry.example.com`: what it asked for, and over HTTPS
/// when a proxy says so that the operator named.
#[derive(Clone, Debug)]
pub(crate) struct AskedAt(pub(crate) String);

impl FromRequestParts<App> for AskedAt {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let is_believed = peer.is_some_and(|peer| app.config.trusted_proxies.contains(&peer.to_canonical()));
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let forwarded = |name: &str| text(name).filter(|_| is_believed);
        let scheme = if forwarded("x-forwarded-proto") == Some("https") { "https" } else { "http" };
        let asked = forwarded("x-forwarded-host").or_else(|| text("host"));
        // HTTP/2 has the host in the address, HTTP/1.1 in a header.
        let asked = asked.or_else(|| parts.uri.authority().map(|host| host.as_str()));
        let host = asked.filter(|host| host.parse::<Authority>().is_ok());
        let host = host.map_or_else(|| app.config.listen.to_string(), str::to_owned);
        Ok(Self(format!("{scheme}://{host}")))
    }
}

fn believed(peer: IpAddr, forwarded: &[&str], trusted: &[IpAddr]) -> IpAddr {
    let mut client = peer.to_canonical();
    for claimed in forwarded.iter().rev() {
        if !trusted.contains(&client) {
            break;
        }
        // A proxy may write a port as well.
        let address = claimed.parse().or_else(|_| claimed.parse::<SocketAddr>().map(|address| address.ip()));
        let Ok(address) = address else { break };
        client = IpAddr::to_canonical(&address);
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_named_proxies_are_believed() {
        let proxies = [address("10.0.0.1"), address("10.0.0.2")];
        let told = ["6.6.6.6", "203.0.113.9", "10.0.0.2"];
        assert_eq!(believed(address("10.0.0.1"), &told, &proxies), address("203.0.113.9"));
        assert_eq!(believed(address("198.51.100.7"), &told, &proxies), address("198.51.100.7"));
        assert_eq!(believed(address("10.0.0.1"), &told, &[]), address("10.0.0.1"));
        assert_eq!(believed(address("10.0.0.1"), &["203.0.113.9:4711"], &proxies), address("203.0.113.9"));
        assert_eq!(believed(address("10.0.0.1"), &["nonsense"], &proxies), address("10.0.0.1"));
        assert_eq!(believed(address("::ffff:10.0.0.1"), &["::ffff:203.0.113.9"], &proxies), address("203.0.113.9"));
    }
}
