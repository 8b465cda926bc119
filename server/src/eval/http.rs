//! Evals, cases and gates over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use gantry_domain::api::eval::{
    CreateEval, Eval, EvalReport, Gate, GateOverride, OverriddenGate, OverrideGate, ProjectCases, ReplaceCases,
};
use gantry_domain::api::token::Scope;
use gantry_domain::api::{Accepted, Page};
use gantry_domain::eval::gate::{Channel, GatePolicy};
use gantry_domain::event::Event;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{cases, gate, store};
use crate::app::App;
use crate::error::Result;
use crate::http::{Json, PageQuery, Path, Query, page, page_limit};
use crate::identity::Actor;
use crate::jobs::http::{EventsQuery, EventsRequest, stream_events};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(list_cases, replace_cases))
        .routes(routes!(get))
        .routes(routes!(cancel))
        .routes(routes!(events))
        .routes(routes!(gates))
        .routes(routes!(overridden))
        .routes(routes!(set_gate))
        .routes(routes!(override_gate))
}

/// Lists a project's evals, newest first. `{project}` is its id or its name.
#[utoipa::path(get, path = "/projects/{project}/evals", tag = "evals", params(("project" = String, Path), PageQuery),
    responses((status = OK, body = Page<Eval>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<Eval>>> {
    actor.require(Scope::Read)?;
    let project_id = crate::project::find_id(&app.db, &project).await?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, project_id, query.cursor, limit + 1).await?;
    Ok(axum::Json(page(items, limit, |eval| eval.id.to_string())))
}

/// Holds a project as it is now against what every agent must obey and, with a provider, against its cases.
#[utoipa::path(post, path = "/projects/{project}/evals", tag = "evals", params(("project" = String, Path)),
    request_body = CreateEval, responses((status = ACCEPTED, body = Accepted)))]
async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<CreateEval>,
) -> Result<(StatusCode, axum::Json<Accepted>)> {
    actor.require(Scope::Write)?;
    let accepted = super::begin(&app, &project, body, &actor.name).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

/// Shows a project's cases, as its file of cases has them.
#[utoipa::path(get, path = "/projects/{project}/evals/cases", tag = "evals", params(("project" = String, Path)),
    responses((status = OK, body = ProjectCases)))]
async fn list_cases(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
) -> Result<axum::Json<ProjectCases>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(cases::of_project(&app, &project).await?))
}

/// Replaces a project's cases: writes its file of cases, as a new revision.
#[utoipa::path(put, path = "/projects/{project}/evals/cases", tag = "evals", params(("project" = String, Path)),
    request_body = ReplaceCases, responses((status = OK, body = ProjectCases)))]
async fn replace_cases(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<ReplaceCases>,
) -> Result<axum::Json<ProjectCases>> {
    actor.require(Scope::Write)?;
    Ok(axum::Json(cases::replace(&app, &project, body, &actor.name).await?))
}

/// Shows an eval with all of its results, compared with the one before.
#[utoipa::path(get, path = "/evals/{id}", tag = "evals", params(("id" = Uuid, Path)),
    responses((status = OK, body = EvalReport)))]
async fn get(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<EvalReport>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(super::report(&app, id).await?))
}

/// Stops an eval and the runs that it has under way; what has come out stays.
#[utoipa::path(post, path = "/evals/{id}/~cancel", tag = "evals", params(("id" = Uuid, Path)),
    responses((status = ACCEPTED, body = Eval)))]
async fn cancel(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<(StatusCode, axum::Json<Eval>)> {
    actor.require(Scope::Write)?;
    let eval = super::find(&app, id).await?;
    app.jobs.cancel(eval.job_id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(super::find(&app, id).await?)))
}

/// Reads an eval's log of events: as a WebSocket by upgrade, as server-sent events with
/// `Accept: text/event-stream`, else as a page.
#[utoipa::path(get, path = "/evals/{id}/events", tag = "evals", params(("id" = Uuid, Path), EventsQuery),
    responses((status = OK, body = Page<Event>)))]
async fn events(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    request: EventsRequest,
) -> Result<Response> {
    actor.require(Scope::Read)?;
    let eval = super::find(&app, id).await?;
    stream_events(&app, eval.job_id, request).await
}

/// Shows a project's gates: their policies, how its newest revision stands before them, and what was let through.
#[utoipa::path(get, path = "/projects/{project}/gates", tag = "evals", params(("project" = String, Path)),
    responses((status = OK, body = Page<Gate>)))]
async fn gates(State(app): State<App>, actor: Actor, Path(project): Path<String>) -> Result<axum::Json<Page<Gate>>> {
    actor.require(Scope::Read)?;
    let items = gate::of_project(&app, &project).await?;
    Ok(axum::Json(Page { items, next_cursor: None }))
}

/// Lists what was let through the gates of all projects, those that were deleted since among them; newest first.
#[utoipa::path(get, path = "/gates/overrides", tag = "evals", params(PageQuery),
    responses((status = OK, body = Page<OverriddenGate>)))]
async fn overridden(
    State(app): State<App>,
    actor: Actor,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<OverriddenGate>>> {
    actor.require(Scope::Read)?;
    let limit = page_limit(query.limit);
    let items = gate::overridden(&app, query.cursor, i64::try_from(limit).unwrap_or(100) + 1).await?;
    Ok(axum::Json(page(items, limit, |overridden| overridden.made.id.to_string())))
}

/// Sets what versions of a channel, `release` or `dev`, must have shown. A gate that guards nothing is off.
#[utoipa::path(put, path = "/projects/{project}/gates/{channel}", tag = "evals",
    params(("project" = String, Path), ("channel" = Channel, Path)), request_body = GatePolicy,
    responses((status = OK, body = Gate)))]
async fn set_gate(
    State(app): State<App>,
    actor: Actor,
    Path((project, channel)): Path<(String, Channel)>,
    Json(body): Json<GatePolicy>,
) -> Result<axum::Json<Gate>> {
    actor.require(Scope::Admin)?;
    Ok(axum::Json(gate::set(&app, &project, channel, body, &actor.name).await?))
}

/// Lets one action on one revision through a gate, once. Who did it and why is kept for ever.
#[utoipa::path(post, path = "/projects/{project}/gates/{channel}/~override", tag = "evals",
    params(("project" = String, Path), ("channel" = Channel, Path)), request_body = OverrideGate,
    responses((status = CREATED, body = GateOverride)))]
async fn override_gate(
    State(app): State<App>,
    actor: Actor,
    Path((project, channel)): Path<(String, Channel)>,
    Json(body): Json<OverrideGate>,
) -> Result<(StatusCode, axum::Json<GateOverride>)> {
    actor.require(Scope::Admin)?;
    let made = gate::override_once(&app, &project, channel, body, &actor.name).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}
