//! Developer commands of the workspace: `cargo xtask <command>`. Nothing here is part of the product.

#[cfg(feature = "bench")]
mod bench;
mod openapi;
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
        /// Builds nothing; fails when what lies in `dist/` costs more than its budget.
        #[arg(long, conflicts_with = "release")]
        check_size: bool,
    },
    /// Writes `openapi/gantry.json` from the code.
    Openapi {
        /// Changes nothing; fails when the committed file is not what the code says.
        #[arg(long)]
        check: bool,
    },
    /// Measures what users get and writes `target/bench/bench.md` and `bench.json` beside it.
    Bench(BenchArguments),
    /// Installs and runs what is generated for every framework and pattern, and writes the evidence
    /// that the compatibility matrix shows. With `--ask` every framework is driven through the gateway in
    /// Ask mode instead, with one call approved and one denied.
    #[command(disable_help_flag = true)]
    VerifyFrameworks {
        /// `--ask`, `--framework <word>`, `--pattern <word>`, `--json`; `--help` says more.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args, Clone)]
struct BenchArguments {
    /// Seconds of load for each figure.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// The loopback port to use.
    #[arg(long, default_value_t = 7860)]
    port: u16,
    /// Measures only the parts that have this word in their names: size, start, idle, http, stream, chat, gateway, log view.
    #[arg(long)]
    only: Option<String>,
    /// After how many minutes no more is measured; what is left is named. Building comes before and does not count.
    #[arg(long, default_value_t = 6)]
    minutes: u64,
    /// How the program is built: `release`, or `dist` as in the Dockerfile (smaller, takes many minutes more).
    #[arg(long, default_value = "release", value_parser = ["release", "dist"])]
    profile: String,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Web { check_size: true, .. } => web::check_size(),
        Command::Web { release, .. } => web::build(release),
        Command::Openapi { check } => openapi::write(check),
        #[cfg(feature = "bench")]
        Command::Bench(arguments) => bench::run(&arguments),
        #[cfg(not(feature = "bench"))]
        Command::Bench(_) => run_optimised(),
        Command::VerifyFrameworks { arguments } if arguments.iter().any(|word| word == "--ask") => ask(&arguments),
        Command::VerifyFrameworks { arguments } => run_program("gantry-proof", "verify-frameworks", &arguments),
    }
}

/// Runs this program again, optimised and with the load clients, which daily work need not compile.
#[cfg(not(feature = "bench"))]
fn run_optimised() -> Result<()> {
    let status = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--release", "--package", "xtask", "--features", "bench", "--"])
        .args(std::env::args_os().skip(1))
        .status()?;
    std::process::exit(status.code().unwrap_or(1));
}

/// Runs a program of another package: linked here, the web build would have to compile it first.
fn run_program(package: &str, program: &str, arguments: &[String]) -> Result<()> {
    let status = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--package", package, "--bin", program, "--"])
        .args(arguments)
        .status()?;
    std::process::exit(status.code().unwrap_or(1));
}

/// Runs the stories in which every framework is driven through the gateway in Ask mode, or one of them: one after
/// another, because each may have packages to install and takes the processor for itself while it loads them.
fn ask(arguments: &[String]) -> Result<()> {
    let framework = arguments.iter().position(|word| word == "--framework").and_then(|at| arguments.get(at + 1));
    let status = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--quiet", "--package", "gantry-server", "--test", "it", "process::frameworks", "--"])
        .args(["--nocapture", "--test-threads", "1"])
        .env("GANTRY_TEST_CELLS", framework.map_or("all", String::as_str))
        .status()?;
    std::process::exit(status.code().unwrap_or(1));
}
