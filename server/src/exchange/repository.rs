//! Repositories: their address as it was given, and the secret that opens them.

use axum::http::StatusCode;
use gantry_domain::api::exchange::{ExchangeFormat, GitSource, Import};
use gantry_domain::api::token::Scope;
use gantry_domain::problem::FieldProblem;
use gantry_generator::exchange::SourceFile;
use uuid::Uuid;

use super::{Arrived, LARGEST_FILE, MOST_FILES, is_wanted, read_project};
use crate::app::App;
use crate::error::{Error, Result};
use crate::identity::Actor;
use crate::outside::git::{GitAddress, GitError, GitLogin, Workplace, reference_fault};

/// A repository's address, if it is one. `path` is its place in the body.
///
/// # Errors
/// `422 git_address_invalid`.
pub(super) fn address(url: &str, path: &str) -> Result<GitAddress> {
    GitAddress::parse(url).map_err(|message| Error::invalid(path, "git_address_invalid", message))
}

/// Whoever lets a secret be sent to an address of their choice could read it, so that takes the scope that
/// changes secrets.
///
/// # Errors
/// `403` without that scope.
pub(super) fn may_use(actor: &Actor, secret_id: Option<Uuid>) -> Result<()> {
    match secret_id {
        Some(_) => actor.require(Scope::Admin),
        None => Ok(()),
    }
}

/// What opens a repository.
///
/// # Errors
/// `422 no_such_secret`, or `503 secret_unreadable` when it cannot be opened.
pub(super) async fn login(app: &App, username: Option<String>, secret_id: Option<Uuid>) -> Result<GitLogin> {
    let credential = match secret_id {
        Some(id) => Some(crate::secret::named_value(app, id).await?),
        None => None,
    };
    if username
        .as_ref()
        .is_some_and(|name| name.len() > 255 || name.contains(':') || name.chars().any(char::is_control))
    {
        return Err(Error::invalid(
            "/username",
            "username_invalid",
            "Expected a user's name of at most 255 bytes, without a colon.",
        ));
    }
    Ok(GitLogin { username, credential })
}

/// Reads a project from a repository.
///
/// # Errors
/// `422` for an address that is none, `502` and `503` with why git did not bring it.
pub(super) async fn import(app: &App, source: GitSource, format: Option<ExchangeFormat>) -> Result<Import> {
    let address = address(&source.url, "/git/url")?;
    let reference = source.reference.filter(|name| !name.is_empty()).unwrap_or_else(|| "HEAD".to_owned());
    let folder = source.folder.unwrap_or_default();
    let folder = folder.trim_matches('/');
    let mut faults = Vec::new();
    if reference != "HEAD"
        && let Some(message) = reference_fault(&reference)
    {
        faults.push(FieldProblem::new("/git/reference", "reference_invalid", message));
    }
    let is_inside = folder.is_empty() || !folder.split('/').any(|part| matches!(part, "" | "." | ".."));
    if !is_inside || folder.len() > 1_024 || folder.chars().any(char::is_control) {
        faults.push(FieldProblem::new(
            "/git/folder",
            "path_invalid",
            "Expected a folder within the repository, such as services/agent.",
        ));
    }
    if !faults.is_empty() {
        return Err(Error::many(faults));
    }
    let login = login(app, source.username, source.secret_id).await?;
    let place = Workplace::new(&app.config.data, address, login).await.map_err(explained)?;
    let commit = place.fetch(&reference).await.map_err(explained)?;
    let tree = place.tree(&commit, folder, LARGEST_FILE, MOST_FILES, is_wanted).await.map_err(explained)?;
    drop(place);
    let mut arrived = Arrived { files: Vec::new(), left_out: tree.left_out };
    for file in tree.files {
        match String::from_utf8(file.content) {
            Ok(text) if !text.contains('\0') => arrived.files.push(SourceFile { path: file.path, text }),
            _ => arrived.left_out.push(file.path),
        }
    }
    let mut import = read_project(arrived, format).await?;
    import.commit = Some(commit);
    Ok(import)
}

/// Git's failures as problems.
pub(super) fn explained(error: GitError) -> Error {
    let (status, code) = match &error {
        GitError::Missing(_) => (StatusCode::SERVICE_UNAVAILABLE, "git_missing"),
        GitError::Denied(..) => (StatusCode::UNPROCESSABLE_ENTITY, "git_denied"),
        GitError::NotFound(..) => (StatusCode::UNPROCESSABLE_ENTITY, "git_not_found"),
        GitError::NoReference(_) => (StatusCode::UNPROCESSABLE_ENTITY, "git_no_reference"),
        GitError::HostKey(..) => (StatusCode::UNPROCESSABLE_ENTITY, "git_host_key"),
        GitError::TooLarge => (StatusCode::UNPROCESSABLE_ENTITY, "git_too_large"),
        GitError::Moved => (StatusCode::CONFLICT, "git_moved"),
        GitError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "git_refused"),
        GitError::Unreachable(..) => (StatusCode::BAD_GATEWAY, "git_unreachable"),
        GitError::TooSlow => (StatusCode::GATEWAY_TIMEOUT, "git_too_slow"),
        GitError::Failed(_) => (StatusCode::BAD_GATEWAY, "git_failed"),
        GitError::Disk(_) => return anyhow::Error::from(error).into(),
    };
    Error::new(status, code, error.to_string())
}
