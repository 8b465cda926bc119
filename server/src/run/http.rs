//! Runs over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use gantry_domain::api::run::{CreateRun, Run, RunAgain, RunPoints};
use gantry_domain::api::token::Scope;
use gantry_domain::api::{Accepted, Page};
use gantry_domain::event::Event;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Executed, NewRun, store};
use crate::app::App;
use crate::error::Result;
use crate::http::{Json, PageQuery, Path, Query, page, page_limit};
use crate::identity::Actor;
use crate::jobs::http::{EventsQuery, EventsRequest, stream_events};
use crate::project;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(events))
        .routes(routes!(cancel))
        .routes(routes!(points))
        .routes(routes!(again))
        .routes(routes!(done_again))
}

/// Lists a project's runs, newest first. `{project}` is its id or its name.
#[utoipa::path(get, path = "/projects/{project}/runs", tag = "runs", params(("project" = String, Path), PageQuery),
    responses((status = OK, body = Page<Run>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<Run>>> {
    actor.require(Scope::Read)?;
    let project_id = project::find_id(&app.db, &project).await?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, project_id, query.cursor, i64::try_from(limit).unwrap_or(100) + 1).await?;
    Ok(axum::Json(page(items, limit, |run| run.id.to_string())))
}

/// Runs a project's agent once; with `step` one of its agents or tasks alone, whatever its pattern; with
/// `runtime` the spec itself or the generated project, in a container or, where that is allowed, as a plain process.
#[utoipa::path(post, path = "/projects/{project}/runs", tag = "runs", params(("project" = String, Path)),
    request_body = CreateRun, responses((status = ACCEPTED, body = Accepted)))]
async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<CreateRun>,
) -> Result<(StatusCode, axum::Json<Accepted>)> {
    actor.require(Scope::Write)?;
    let project_id = project::find_id(&app.db, &project).await?;
    super::check_input("/input", &body.input)?;
    let model = super::choose_model(&app, body.provider_id, body.model.as_deref()).await?;
    let Executed { spec, executor } = match &body.step {
        Some(step) => super::step_of(&app, project_id, step, body.runtime).await?,
        None => super::executed(&app, project_id, body.runtime, body.image.as_ref()).await?,
    };
    let run = NewRun {
        project_id,
        session_id: None,
        input: body.input,
        earlier: Vec::new(),
        mode: body.mode,
        provider_id: body.provider_id,
        model,
        executor,
        origin: None,
        created_by: actor.name,
    };
    let mut tx = app.db.begin().await?;
    let accepted = super::start(&app, &mut tx, &spec, run).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

/// Shows a run.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = Uuid, Path)), responses((status = OK, body = Run)))]
async fn get(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<Run>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(super::get(&app.db, id).await?))
}

/// Reads a run's log: as a WebSocket by upgrade, as server-sent events with
/// `Accept: text/event-stream` (resuming after `Last-Event-ID`), else as a page.
#[utoipa::path(get, path = "/runs/{id}/events", tag = "runs", params(("id" = Uuid, Path), EventsQuery),
    responses((status = OK, body = Page<Event>)))]
async fn events(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    request: EventsRequest,
) -> Result<Response> {
    actor.require(Scope::Read)?;
    let run = super::get(&app.db, id).await?;
    stream_events(&app, run.job_id, request).await
}

/// Stops a run. One that is at work hears of it within a second; what it said stays in its log.
#[utoipa::path(post, path = "/runs/{id}/~cancel", tag = "runs", params(("id" = Uuid, Path)),
    responses((status = ACCEPTED, body = Run)))]
async fn cancel(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<(StatusCode, axum::Json<Run>)> {
    actor.require(Scope::Write)?;
    let run = super::get(&app.db, id).await?;
    app.jobs.cancel(run.job_id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(super::get(&app.db, id).await?)))
}

/// Lists the points from which a run that is over can be done anew, and why not from the others.
#[utoipa::path(get, path = "/runs/{id}/points", tag = "runs", params(("id" = Uuid, Path)),
    responses((status = OK, body = RunPoints)))]
async fn points(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<RunPoints>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(super::again::points(&app, id).await?))
}

/// Does a run anew with the spec, mode and model that it had: from its beginning, or from one of its points with
/// everything before it taken over. `input` changes what is said there.
#[utoipa::path(post, path = "/runs/{id}/~again", tag = "runs", params(("id" = Uuid, Path)),
    request_body = RunAgain, responses((status = ACCEPTED, body = Accepted)))]
async fn again(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Json(body): Json<RunAgain>,
) -> Result<(StatusCode, axum::Json<Accepted>)> {
    actor.require(Scope::Write)?;
    let accepted = super::again::again(&app, id, body, actor.name).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

/// Lists the runs that did this one anew, newest first.
#[utoipa::path(get, path = "/runs/{id}/again", tag = "runs", params(("id" = Uuid, Path), PageQuery),
    responses((status = OK, body = Page<Run>)))]
async fn done_again(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<Run>>> {
    actor.require(Scope::Read)?;
    super::get(&app.db, id).await?;
    let limit = page_limit(query.limit);
    let items = store::taken_from(&app.db, id, query.cursor, i64::try_from(limit).unwrap_or(100) + 1).await?;
    Ok(axum::Json(page(items, limit, |run| run.id.to_string())))
}
