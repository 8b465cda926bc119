//! Files and revisions of a project over HTTP.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use gantry_domain::api::Page;
use gantry_domain::api::project::{Project, ProjectFile, ProjectFileContent};
use gantry_domain::api::revision::{
    RegenerateProject, Regeneration, ResolveConflict, RestoreRevision, RevertFile, Revision, RevisionDiff, WriteFile,
};
use gantry_domain::api::token::Scope;
use gantry_domain::api::verification::Verification;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::write::{self, Author};
use super::{Against, store, verification};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{FILE_BODY_LIMIT, Json, Path, Query, page, page_limit};
use crate::identity::Actor;

pub(in crate::project) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(file, write_file, delete_file))
        .routes(routes!(resolve))
        // A file of 1 MiB is more than that as JSON.
        .layer(DefaultBodyLimit::max(FILE_BODY_LIMIT))
        .routes(routes!(files))
        .routes(routes!(revert))
        .routes(routes!(verify))
        .routes(routes!(regeneration))
        .routes(routes!(regenerate))
        .routes(routes!(revisions))
        .routes(routes!(revision))
        .routes(routes!(revision_files))
        .routes(routes!(revision_file))
        .routes(routes!(revision_diff))
        .routes(routes!(restore))
}

/// Lists a project's files, without their contents: where each comes from, and whether it waits for a decision.
#[utoipa::path(get, path = "/projects/{project}/files", tag = "projects", params(("project" = String, Path)),
    responses((status = OK, body = Page<ProjectFile>)))]
async fn files(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
) -> Result<axum::Json<Page<ProjectFile>>> {
    actor.require(Scope::Read)?;
    let project = super::super::find(&app.db, &project).await?;
    let snapshot = super::snapshot(&app.db, project.summary.id, project.revision).await?;
    Ok(axum::Json(Page { items: snapshot.listed(), next_cursor: None }))
}

/// Checks whether a project is sound: its spec, its files as generated, as they are and as they would be generated now,
/// the syntax of every file, its lock. Nothing of it is run.
#[utoipa::path(get, path = "/projects/{project}/verification", tag = "projects", params(("project" = String, Path)),
    responses((status = OK, body = Verification)))]
async fn verify(State(app): State<App>, actor: Actor, Path(project): Path<String>) -> Result<axum::Json<Verification>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(verification::of(&app, &project).await?))
}

/// Shows one file.
#[utoipa::path(get, path = "/projects/{project}/files/{*path}", tag = "projects",
    params(("project" = String, Path), ("path" = String, Path)), responses((status = OK, body = ProjectFileContent)))]
async fn file(
    State(app): State<App>,
    actor: Actor,
    Path((project, path)): Path<(String, String)>,
) -> Result<axum::Json<ProjectFileContent>> {
    actor.require(Scope::Read)?;
    let project = super::super::find(&app.db, &project).await?;
    let snapshot = super::snapshot(&app.db, project.summary.id, project.revision).await?;
    snapshot.with_content(&path).map(axum::Json).ok_or_else(|| Error::not_found("file"))
}

/// Writes one file: edits it, or adds it. At most 1 MiB a file, 500 files and 32 MiB a project. Writing
/// `agent.gantry.yaml` changes the spec, like `PUT …/spec`: it is read, checked and written in Gantry's own form.
#[utoipa::path(put, path = "/projects/{project}/files/{*path}", tag = "projects",
    params(("project" = String, Path), ("path" = String, Path)), request_body = WriteFile,
    responses((status = OK, body = Project)))]
async fn write_file(
    State(app): State<App>,
    actor: Actor,
    Path((project, path)): Path<(String, String)>,
    Json(body): Json<WriteFile>,
) -> Result<axum::Json<Project>> {
    actor.require(Scope::Write)?;
    Ok(axum::Json(write::file(&app, &project, &path, &body, &actor.name).await?))
}

/// What a deletion was decided from.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
struct DeleteQuery {
    /// The revision that the change was made from; a newer one on the server is a conflict.
    expected_revision: i64,
}

/// Deletes one file. A regeneration does not bring it back.
#[utoipa::path(delete, path = "/projects/{project}/files/{*path}", tag = "projects",
    params(("project" = String, Path), ("path" = String, Path), DeleteQuery),
    responses((status = OK, body = Project)))]
async fn delete_file(
    State(app): State<App>,
    actor: Actor,
    Path((project, path)): Path<(String, String)>,
    Query(query): Query<DeleteQuery>,
) -> Result<axum::Json<Project>> {
    actor.require(Scope::Write)?;
    let author = Author { name: &actor.name, expected_revision: query.expected_revision };
    Ok(axum::Json(write::deletion(&app, &project, &path, &author).await?))
}

/// Makes one file again what the generator wrote.
#[utoipa::path(post, path = "/projects/{project}/files/~revert", tag = "projects", params(("project" = String, Path)),
    request_body = RevertFile, responses((status = OK, body = Project)))]
async fn revert(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<RevertFile>,
) -> Result<axum::Json<Project>> {
    actor.require(Scope::Write)?;
    Ok(axum::Json(write::reverting(&app, &project, &body, &actor.name).await?))
}

/// Decides what becomes of a file in conflict: yours or the generator's where the two are at odds, or a text.
#[utoipa::path(post, path = "/projects/{project}/files/~resolve", tag = "projects", params(("project" = String, Path)),
    request_body = ResolveConflict, responses((status = OK, body = Project)))]
async fn resolve(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<ResolveConflict>,
) -> Result<axum::Json<Project>> {
    actor.require(Scope::Write)?;
    Ok(axum::Json(write::resolution(&app, &project, &body, &actor.name).await?))
}

/// Says what regenerating would do now: whether this version of Gantry writes anything differently than the one
/// before, what would change, and what would wait for a decision.
#[utoipa::path(get, path = "/projects/{project}/regeneration", tag = "projects", params(("project" = String, Path)),
    responses((status = OK, body = Regeneration)))]
async fn regeneration(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
) -> Result<axum::Json<Regeneration>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(super::regeneration(&app, &project).await?))
}

/// Generates a project's files anew with this version of Gantry and merges them with the edits. When nothing is
/// written differently, no revision is made.
#[utoipa::path(post, path = "/projects/{project}/~regenerate", tag = "projects", params(("project" = String, Path)),
    request_body = RegenerateProject, responses((status = OK, body = Project)))]
async fn regenerate(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<RegenerateProject>,
) -> Result<axum::Json<Project>> {
    actor.require(Scope::Write)?;
    let author = Author { name: &actor.name, expected_revision: body.expected_revision };
    Ok(axum::Json(write::regeneration(&app, &project, &author).await?))
}

/// Which page of a list of revisions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct RevisionsQuery {
    /// `nextCursor` of the page before.
    cursor: Option<i64>,
    /// How many, 1 to 100; 50 when left out.
    limit: Option<u64>,
}

/// Lists a project's revisions, newest first.
#[utoipa::path(get, path = "/projects/{project}/revisions", tag = "projects",
    params(("project" = String, Path), RevisionsQuery), responses((status = OK, body = Page<Revision>)))]
async fn revisions(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(query): Query<RevisionsQuery>,
) -> Result<axum::Json<Page<Revision>>> {
    actor.require(Scope::Read)?;
    let id = super::super::find_id(&app.db, &project).await?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, id, query.cursor, limit + 1).await?;
    Ok(axum::Json(page(items, limit, |revision| revision.number.to_string())))
}

/// Shows one revision.
#[utoipa::path(get, path = "/projects/{project}/revisions/{number}", tag = "projects",
    params(("project" = String, Path), ("number" = i64, Path)), responses((status = OK, body = Revision)))]
async fn revision(
    State(app): State<App>,
    actor: Actor,
    Path((project, number)): Path<(String, i64)>,
) -> Result<axum::Json<Revision>> {
    actor.require(Scope::Read)?;
    let id = super::super::find_id(&app.db, &project).await?;
    Ok(axum::Json(super::get(&app.db, id, number).await?))
}

/// Lists the files that a project had at a revision, without their contents.
#[utoipa::path(get, path = "/projects/{project}/revisions/{number}/files", tag = "projects",
    params(("project" = String, Path), ("number" = i64, Path)), responses((status = OK, body = Page<ProjectFile>)))]
async fn revision_files(
    State(app): State<App>,
    actor: Actor,
    Path((project, number)): Path<(String, i64)>,
) -> Result<axum::Json<Page<ProjectFile>>> {
    actor.require(Scope::Read)?;
    let id = super::super::find_id(&app.db, &project).await?;
    let snapshot = super::snapshot(&app.db, id, number).await?;
    Ok(axum::Json(Page { items: snapshot.listed(), next_cursor: None }))
}

/// Shows one file as it was at a revision.
#[utoipa::path(get, path = "/projects/{project}/revisions/{number}/files/{*path}", tag = "projects",
    params(("project" = String, Path), ("number" = i64, Path), ("path" = String, Path)),
    responses((status = OK, body = ProjectFileContent)))]
async fn revision_file(
    State(app): State<App>,
    actor: Actor,
    Path((project, number, path)): Path<(String, i64, String)>,
) -> Result<axum::Json<ProjectFileContent>> {
    actor.require(Scope::Read)?;
    let id = super::super::find_id(&app.db, &project).await?;
    let snapshot = super::snapshot(&app.db, id, number).await?;
    snapshot.with_content(&path).map(axum::Json).ok_or_else(|| Error::not_found("file"))
}

/// What to compare with.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct DiffQuery {
    /// The number of another revision, or `generated` for what the generator wrote; the revision before when left out.
    against: Option<String>,
}

/// Shows what changed up to a revision. Up to the first, everything was added.
#[utoipa::path(get, path = "/projects/{project}/revisions/{number}/diff", tag = "projects",
    params(("project" = String, Path), ("number" = i64, Path), DiffQuery), responses((status = OK, body = RevisionDiff)))]
async fn revision_diff(
    State(app): State<App>,
    actor: Actor,
    Path((project, number)): Path<(String, i64)>,
    Query(query): Query<DiffQuery>,
) -> Result<axum::Json<RevisionDiff>> {
    actor.require(Scope::Read)?;
    let against = match query.against.as_deref() {
        None => Against::Revision(number.saturating_sub(1)),
        Some("generated") => Against::Generated,
        Some(other) => Against::Revision(other.parse().map_err(|_| {
            let detail = "against is neither the number of a revision nor the word generated.";
            Error::new(StatusCode::BAD_REQUEST, "invalid_query", detail)
        })?),
    };
    let id = super::super::find_id(&app.db, &project).await?;
    Ok(axum::Json(super::compare(&app.db, id, number, against).await?))
}

/// Makes a project again what it was at a revision, spec and files, as a new revision: nothing is lost.
#[utoipa::path(post, path = "/projects/{project}/revisions/{number}/~restore", tag = "projects",
    params(("project" = String, Path), ("number" = i64, Path)), request_body = RestoreRevision,
    responses((status = OK, body = Project)))]
async fn restore(
    State(app): State<App>,
    actor: Actor,
    Path((project, number)): Path<(String, i64)>,
    Json(body): Json<RestoreRevision>,
) -> Result<axum::Json<Project>> {
    actor.require(Scope::Write)?;
    let author = Author { name: &actor.name, expected_revision: body.expected_revision };
    Ok(axum::Json(write::restoring(&app, &project, number, &author).await?))
}
