//! `gantry openapi`: the document that SDKs and CI users build on, straight from the code.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::output::to_stdout;

/// Arguments of `gantry openapi`.
#[derive(clap::Args)]
pub(crate) struct Openapi {
    /// Writes to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(openapi: &Openapi) -> Result<(), Failure> {
    let document = gantry_server::http::openapi();
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Failure::failed(format!("the document could not be written: {error}")))?
        + "\n";
    match &openapi.output {
        None => to_stdout(&text),
        Some(path) => {
            std::fs::write(path, text).map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?
        }
    }
    Ok(())
}
