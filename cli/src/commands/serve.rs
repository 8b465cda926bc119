//! `gantry serve`: the control plane itself, or its engine alone.

use std::process::ExitCode;

use gantry_server::Doors;
use gantry_server::config::Config;

/// Arguments of `gantry serve`: the server's own settings.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Serve {
    #[command(subcommand)]
    part: Option<Part>,

    #[command(flatten)]
    config: Config,
}

/// A part of the server by itself.
#[derive(clap::Subcommand)]
enum Part {
    /// Serves the agents to OpenAI's clients, and nothing else.
    ///
    /// What listens is /v1 (chat completions and models, where a model is an agent), the gateway of runs and the
    /// probes; there is no web interface and no REST API. Agents, model providers and tokens are those of the
    /// database: make them with `gantry serve` on the same data directory before, or beside it on the same Postgres.
    /// Its workers do whatever jobs there are. A tool call that a person has to allow waits for one there; name the
    /// mode per request as metadata.gantry_mode (safe, ask or dev).
    Engine(Box<Config>),
}

/// Runs the server until it is told to stop.
pub(crate) fn run(serve: Serve) -> ExitCode {
    let (config, doors) = match serve.part {
        Some(Part::Engine(config)) => (*config, Doors::Engine),
        None => (serve.config, Doors::All),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the server could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(gantry_server::run(config, doors)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
