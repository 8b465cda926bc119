//! Projects over HTTP.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gantry_domain::api::Page;
use gantry_domain::api::project::{CreateProject, Project, ProjectState, ProjectSummary, ReplaceSpec};
use gantry_domain::api::token::Scope;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{export, revision, store};
use crate::app::App;
use crate::error::Result;
use crate::http::{Json, Path, Query, page, page_limit};
use crate::identity::Actor;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, delete))
        .routes(routes!(replace_spec))
        .routes(routes!(export_zip))
        .merge(revision::http::routes())
}

/// What a list of projects is narrowed down to.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct ListQuery {
    /// A part of the name.
    q: Option<String>,
    /// Only projects in this state.
    state: Option<ProjectState>,
    /// `nextCursor` of the page before.
    cursor: Option<Uuid>,
    /// How many, 1 to 100; 50 when left out.
    limit: Option<u64>,
}

/// Lists projects, newest first.
#[utoipa::path(get, path = "/projects", tag = "projects", params(ListQuery), responses((status = OK, body = Page<ProjectSummary>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<ProjectSummary>>> {
    actor.require(Scope::Read)?;
    let limit = page_limit(query.limit);
    let part_of_name = query.q.as_deref().filter(|part| !part.is_empty());
    let items = store::list(&app.db, part_of_name, query.state, query.cursor, limit + 1).await?;
    Ok(axum::Json(page(items, limit, |project| project.id.to_string())))
}

/// Creates a project from a spec and generates its files.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = CreateProject,
    responses((status = CREATED, body = Project)))]
async fn create(
    State(app): State<App>,
    actor: Actor,
    Json(body): Json<CreateProject>,
) -> Result<(StatusCode, axum::Json<Project>)> {
    actor.require(Scope::Write)?;
    let project = super::create(&app, body.spec, &actor.name).await?;
    Ok((StatusCode::CREATED, axum::Json(project)))
}

/// Shows a project. `{project}` is its id or its name, here and below.
#[utoipa::path(get, path = "/projects/{project}", tag = "projects", params(("project" = String, Path)),
    responses((status = OK, body = Project)))]
async fn get(State(app): State<App>, actor: Actor, Path(project): Path<String>) -> Result<axum::Json<Project>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(super::find(&app.db, &project).await?))
}

/// Replaces a project's spec, generates its files anew and merges them with the edits.
#[utoipa::path(put, path = "/projects/{project}/spec", tag = "projects", params(("project" = String, Path)),
    request_body = ReplaceSpec, responses((status = OK, body = Project)))]
async fn replace_spec(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<ReplaceSpec>,
) -> Result<axum::Json<Project>> {
    actor.require(Scope::Write)?;
    let id = super::find_id(&app.db, &project).await?;
    Ok(axum::Json(super::replace_spec(&app, id, body.spec, body.expected_revision, &actor.name).await?))
}

/// Deletes a project with its sessions, builds and files. Images that were published stay where they are.
#[utoipa::path(delete, path = "/projects/{project}", tag = "projects", params(("project" = String, Path)),
    responses((status = NO_CONTENT)))]
async fn delete(State(app): State<App>, actor: Actor, Path(project): Path<String>) -> Result<StatusCode> {
    actor.require(Scope::Write)?;
    let id = super::find_id(&app.db, &project).await?;
    super::delete(&app, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Downloads a project as a ZIP archive; the same revision gives the same bytes. Files in conflict are in it as
/// they are, with the lines that mark the conflict: the list of files says which.
#[utoipa::path(get, path = "/projects/{project}/export", tag = "projects", params(("project" = String, Path)),
    responses((status = OK, body = Vec<u8>, content_type = "application/zip")))]
async fn export_zip(State(app): State<App>, actor: Actor, Path(project): Path<String>) -> Result<Response> {
    actor.require(Scope::Read)?;
    let project = super::find(&app.db, &project).await?;
    let files = super::files(&app.db, project.summary.id, project.revision).await?;
    let name = project.summary.name.as_str().to_owned();
    let archive = export::archive(&name, files)?;
    let disposition =
        HeaderValue::from_str(&format!("attachment; filename=\"{name}.zip\"")).map_err(anyhow::Error::from)?;
    let mut response = archive.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}
