//! Doors to other formats, over HTTP. What is read and written is the generator's; nothing is kept.
//!
//! A project comes as a document, as a ZIP archive or from a git repository, and is read without running
//! any of it; it goes as a document of another format, or as a commit on a branch of a repository.

mod archive;
mod exports;
pub(crate) mod http;
mod push;
mod repository;

use gantry_domain::api::exchange::{ExchangeFormat, Import};
use gantry_domain::matrix::{Diagnostic, Severity};
use gantry_domain::problem::{FieldProblem, sentence};
use gantry_domain::spec::yaml;
use gantry_generator::exchange::{Imported, SourceFile, project};

use crate::error::{Error, Result};

pub(crate) use push::PushWork;

/// How large a file may be that is looked at, in bytes, and how many are.
const LARGEST_FILE: u64 = 1024 * 1024;
const MOST_FILES: usize = 5_000;

/// A project's files as they arrived.
struct Arrived {
    files: Vec<SourceFile>,
    /// Paths that were not looked at: links, what is too large, what is no text.
    left_out: Vec<String>,
}

/// Whether a file can say anything of an agent.
fn is_wanted(path: &str) -> bool {
    const ENDINGS: [&str; 14] =
        ["py", "ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "json", "yaml", "yml", "toml", "md"];
    let aside = ["node_modules", ".git", ".venv", "venv", "__pycache__", "site-packages"];
    path.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
        && !path.split('/').any(|part| aside.contains(&part))
}

/// Reads a project; parsing other people's code takes a while, so it has a thread of its own.
///
/// # Errors
/// `422 document_refused` when nothing in it is known, or what is known cannot be read.
async fn read_project(arrived: Arrived, format: Option<ExchangeFormat>) -> Result<Import> {
    let read = tokio::task::spawn_blocking(move || {
        let read_yaml = |text: &str| yaml::read_value(text).ok();
        let imported = project::import(&arrived.files, format, &read_yaml);
        (imported, arrived.left_out)
    });
    let (imported, left_out) = read.await.map_err(anyhow::Error::from)?;
    let (format, Imported { spec, mut diagnostics }) = imported.map_err(|found| refused(&found))?;
    if !left_out.is_empty() {
        let some: Vec<&str> = left_out.iter().take(5).map(String::as_str).collect();
        let more = left_out.len() - some.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        diagnostics.push(Diagnostic {
            code: "file_left_out".to_owned(),
            severity: Severity::Info,
            path: some.first().copied().unwrap_or_default().to_owned(),
            message: format!(
                "not looked at, as links, submodules, no text or larger than {} KiB: {}{more}",
                LARGEST_FILE / 1024,
                some.join(", ")
            ),
            fixes: Vec::new(),
        });
    }
    Ok(Import { format, spec, diagnostics, commit: None })
}

fn under_document(found: Vec<FieldProblem>) -> Error {
    let errors = found
        .into_iter()
        .map(|problem| FieldProblem::new(format!("/document{}", problem.path), problem.code, problem.message))
        .collect();
    Error::many(errors).coded("document_refused")
}

fn refused(found: &[Diagnostic]) -> Error {
    let errors: Vec<FieldProblem> = found
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| FieldProblem::new(found.path.clone(), found.code.clone(), sentence(&found.message)))
        .collect();
    Error::many(errors).coded("document_refused")
}
