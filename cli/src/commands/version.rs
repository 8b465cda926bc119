//! `gantry version`: what runs here and there.

use gantry_domain::api::system::System;
use serde::Serialize;

use crate::Server;
use crate::failure::Failure;
use crate::output::Output;

/// Arguments of `gantry version`.
#[derive(clap::Args)]
pub(crate) struct Version {
    /// Asks the server for its version too; it must be reachable then.
    #[arg(long = "server")]
    ask_server: bool,

    #[command(flatten)]
    server: Server,
}

/// The versions.
#[derive(Serialize)]
struct Versions {
    /// Of this program.
    client: &'static str,
    /// Of the server, if it was asked.
    server: Option<String>,
}

pub(crate) async fn run(version: Version, output: &Output) -> Result<(), Failure> {
    let server = if version.ask_server {
        let system: System = version.server.connect()?.get(&["system"]).await?;
        Some(system.version)
    } else {
        None
    };
    output.result(&Versions { client: env!("CARGO_PKG_VERSION"), server }, |versions| {
        let mut text = format!("gantry {}", versions.client);
        if let Some(server) = &versions.server {
            text.push_str(&format!("\nserver {server} at {}", version.server.url));
        }
        text
    });
    Ok(())
}
