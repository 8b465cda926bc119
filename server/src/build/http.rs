//! Builds over HTTP.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gantry_domain::api::build::{Build, CreateBuild};
use gantry_domain::api::token::Scope;
use gantry_domain::api::{Accepted, Page};
use gantry_domain::event::Event;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{report, store};
use crate::app::App;
use crate::error::Result;
use crate::http::{Json, PageQuery, Path, Query, page, page_limit};
use crate::identity::Actor;
use crate::jobs::http::{EventsQuery, EventsRequest, stream_events};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(cancel))
        .routes(routes!(events))
        .routes(routes!(log))
}

/// Lists a project's builds, newest first.
#[utoipa::path(get, path = "/projects/{project}/builds", tag = "builds", params(("project" = String, Path), PageQuery),
    responses((status = OK, body = Page<Build>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<Build>>> {
    actor.require(Scope::Read)?;
    let project_id = crate::project::find_id(&app.db, &project).await?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, project_id, query.cursor, limit + 1).await?;
    Ok(axum::Json(page(items, limit, |build| build.id.to_string())))
}

/// Builds an image of a project as it is now. `{project}` is its id or its name.
#[utoipa::path(post, path = "/projects/{project}/builds", tag = "builds", params(("project" = String, Path)),
    request_body = CreateBuild, responses((status = ACCEPTED, body = Accepted)))]
async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<CreateBuild>,
) -> Result<(StatusCode, axum::Json<Accepted>)> {
    actor.require(Scope::Build)?;
    let accepted = super::begin(&app, &project, body.no_cache, &actor.name).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

/// Shows a build.
#[utoipa::path(get, path = "/builds/{id}", tag = "builds", params(("id" = Uuid, Path)),
    responses((status = OK, body = Build)))]
async fn get(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<Build>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(super::find(&app, id).await?))
}

/// Asks for a build to be cancelled; its step under way ends within a second.
#[utoipa::path(post, path = "/builds/{id}/~cancel", tag = "builds", params(("id" = Uuid, Path)),
    responses((status = ACCEPTED, body = Build)))]
async fn cancel(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<(StatusCode, axum::Json<Build>)> {
    actor.require(Scope::Build)?;
    let build = super::find(&app, id).await?;
    app.jobs.cancel(build.job_id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(super::find(&app, id).await?)))
}

/// Reads a build's log of events: as a WebSocket by upgrade, as server-sent events with
/// `Accept: text/event-stream`, else as a page.
#[utoipa::path(get, path = "/builds/{id}/events", tag = "builds", params(("id" = Uuid, Path), EventsQuery),
    responses((status = OK, body = Page<Event>)))]
async fn events(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    request: EventsRequest,
) -> Result<Response> {
    actor.require(Scope::Read)?;
    let build = super::find(&app, id).await?;
    stream_events(&app, build.job_id, request).await
}

/// What a build wrote, as plain text: its steps and their lines, in order.
#[utoipa::path(get, path = "/builds/{id}/log", tag = "builds", params(("id" = Uuid, Path)),
    responses((status = OK, body = String, content_type = "text/plain")))]
async fn log(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<Response> {
    actor.require(Scope::Read)?;
    let build = super::find(&app, id).await?;
    let text = report::plain(&app.jobs.log().history(build.job_id).await?);
    let name = format!("attachment; filename=\"build-{}.log\"", build.number);
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        // A browser that opens the address saves the file instead of showing what a build wrote.
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, text).into_response())
}
