//! Developer commands of the workspace: `cargo xtask <command>`. Nothing here is part of the product.

mod web;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Developer commands of the Gantry workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the web interface into `dist/`, which the server embeds.
    Web {
        /// Optimises for size and writes precompressed copies; takes minutes.
        #[arg(long)]
        release: bool,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Web { release } => web::build(release),
    }
}
