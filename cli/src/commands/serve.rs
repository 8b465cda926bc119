//! `gantry serve`: the control plane itself.

use std::process::ExitCode;

use gantry_server::config::Config;

/// Arguments of `gantry serve`: the server's own settings.
#[derive(clap::Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    config: Config,
}

/// Runs the server until it is told to stop.
pub(crate) fn run(serve: Serve) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the server could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(gantry_server::run(serve.config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
