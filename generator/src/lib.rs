//! A sentence becomes a plan, a plan a spec, a spec the files of a project. Pure and deterministic:
//! the same spec gives the same bytes, on the server and in the browser.

use gantry_domain::matrix::Diagnostic;
use gantry_domain::spec::{FILE_NAME, Spec, yaml};

/// A file of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path within the project, with `/` between its parts.
    pub path: String,
    /// Its text.
    pub content: String,
}

/// The files of a spec's project.
///
/// # Errors
/// What is wrong with the spec.
pub fn emit(spec: &Spec) -> Result<Vec<File>, Vec<Diagnostic>> {
    Ok(vec![File { path: FILE_NAME.to_owned(), content: yaml::write(spec) }])
}
