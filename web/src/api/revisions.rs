//! The operations on a project's files and their revisions.

use gantry_domain::api::Page;
use gantry_domain::api::project::{Project, ProjectFile, ProjectFileContent};
use gantry_domain::api::revision::{
    RegenerateProject, Regeneration, ResolveConflict, RestoreRevision, RevertFile, Revision, RevisionDiff, WriteFile,
};
use gantry_domain::api::verification::Verification;

use super::{ApiError, ApiResult, after, delete_for, encode, get, post, put};

/// Whether a write was refused because somebody else wrote in the meantime.
pub(crate) fn is_outdated(error: &ApiError) -> bool {
    error.status() == 409 && error.code().ends_with("_changed")
}

/// A path within a project as part of an address: its folders stay folders.
pub(crate) fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

fn file_address(project: &str, path: &str) -> String {
    format!("/projects/{}/files/{}", encode(project), encode_path(path))
}

/// Creates a file or replaces its text.
pub(crate) async fn write_file(project: &str, path: &str, body: &WriteFile) -> ApiResult<Project> {
    put(&file_address(project, path), body).await
}

/// Deletes a file.
pub(crate) async fn delete_file(project: &str, path: &str, expected_revision: i64) -> ApiResult<Project> {
    delete_for(&format!("{}?expectedRevision={expected_revision}", file_address(project, path))).await
}

/// Makes a file again what the generator wrote.
pub(crate) async fn revert_file(project: &str, body: &RevertFile) -> ApiResult<Project> {
    post(&format!("/projects/{}/files:revert", encode(project)), body).await
}

/// Decides what becomes of a file in conflict.
pub(crate) async fn resolve_conflict(project: &str, body: &ResolveConflict) -> ApiResult<Project> {
    post(&format!("/projects/{}/files:resolve", encode(project)), body).await
}

/// Whether a project is sound.
pub(crate) async fn verification(project: &str) -> ApiResult<Verification> {
    get(&format!("/projects/{}/verification", encode(project))).await
}

/// What regenerating would do now.
pub(crate) async fn regeneration(project: &str) -> ApiResult<Regeneration> {
    get(&format!("/projects/{}/regeneration", encode(project))).await
}

/// Merges what the generator writes now with the edits.
pub(crate) async fn regenerate(project: &str, body: &RegenerateProject) -> ApiResult<Project> {
    post(&format!("/projects/{}:regenerate", encode(project)), body).await
}

/// A page of a project's revisions, newest first.
pub(crate) async fn revisions(project: &str, cursor: Option<String>) -> ApiResult<Page<Revision>> {
    get(&format!("/projects/{}/revisions?limit=50{}", encode(project), after(cursor))).await
}

/// One revision.
pub(crate) async fn revision(project: &str, number: i64) -> ApiResult<Revision> {
    get(&format!("/projects/{}/revisions/{number}", encode(project))).await
}

/// The names and sizes of a revision's files.
pub(crate) async fn revision_files(project: &str, number: i64) -> ApiResult<Page<ProjectFile>> {
    get(&format!("/projects/{}/revisions/{number}/files", encode(project))).await
}

/// One file of a revision.
pub(crate) async fn revision_file(project: &str, number: i64, path: &str) -> ApiResult<ProjectFileContent> {
    get(&format!("/projects/{}/revisions/{number}/files/{}", encode(project), encode_path(path))).await
}

/// What changed up to a revision: since the one before, since the revision with this number, or since
/// what the generator wrote (`generated`).
pub(crate) async fn revision_diff(project: &str, number: i64, against: Option<&str>) -> ApiResult<RevisionDiff> {
    let against = against.map(|against| format!("?against={against}")).unwrap_or_default();
    get(&format!("/projects/{}/revisions/{number}/diff{against}", encode(project))).await
}

/// Brings a revision back, as a new one.
pub(crate) async fn restore(project: &str, number: i64, body: &RestoreRevision) -> ApiResult<Project> {
    post(&format!("/projects/{}/revisions/{number}:restore", encode(project)), body).await
}
