//! `gantry healthcheck`: what a container asks itself. A bare image has no curl to do it with.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::failure::Failure;

/// Arguments of `gantry healthcheck`.
#[derive(clap::Args)]
pub(crate) struct Healthcheck {
    /// Where the server listens; an address for all interfaces is asked on loopback.
    #[arg(long, env = "GANTRY_LISTEN", default_value = "127.0.0.1:7777")]
    listen: SocketAddr,
}

/// The address to ask for a server that listens on `listen`.
fn ask_at(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

pub(crate) async fn run(healthcheck: Healthcheck) -> Result<(), Failure> {
    let address = format!("http://{}/readyz", ask_at(healthcheck.listen));
    let response = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| Failure::failed(error.to_string()))?
        .get(&address)
        .send()
        .await
        .map_err(|error| Failure::Unreachable(format!("{address} does not answer: {error}")))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let body = response.text().await.unwrap_or_default();
    Err(Failure::failed(format!("{address} answered {status}: {body}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_all_interfaces_is_asked_on_loopback() {
        assert_eq!(ask_at("0.0.0.0:7777".parse().unwrap()).to_string(), "127.0.0.1:7777");
        assert_eq!(ask_at("[::]:80".parse().unwrap()).to_string(), "[::1]:80");
        assert_eq!(ask_at("10.0.0.2:80".parse().unwrap()).to_string(), "10.0.0.2:80");
    }
}
