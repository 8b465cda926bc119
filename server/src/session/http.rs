//! Sessions over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use gantry_domain::api::run::Run;
use gantry_domain::api::session::{CreateSession, SendMessage, Session, SessionThread, UpdateSession};
use gantry_domain::api::token::Scope;
use gantry_domain::api::{Accepted, Page};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::error::Result;
use crate::http::{Json, PageQuery, Path, Query, page, page_limit};
use crate::identity::Actor;
use crate::project;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(say))
        .routes(routes!(stop))
}

/// Lists the chats with a project's agent, newest first. `{project}` is its id or its name.
#[utoipa::path(get, path = "/projects/{project}/sessions", tag = "sessions", params(("project" = String, Path), PageQuery),
    responses((status = OK, body = Page<Session>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<Session>>> {
    actor.require(Scope::Read)?;
    let project_id = project::find_id(&app.db, &project).await?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, project_id, query.cursor, i64::try_from(limit).unwrap_or(100) + 1).await?;
    Ok(axum::Json(page(items, limit, |session| session.id.to_string())))
}

/// Begins a chat with a project's agent.
#[utoipa::path(post, path = "/projects/{project}/sessions", tag = "sessions", params(("project" = String, Path)),
    request_body = CreateSession, responses((status = CREATED, body = Session)))]
async fn create(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Json(body): Json<CreateSession>,
) -> Result<(StatusCode, axum::Json<Session>)> {
    actor.require(Scope::Write)?;
    let project_id = project::find_id(&app.db, &project).await?;
    let session = super::create(&app, project_id, &body, &actor.name).await?;
    Ok((StatusCode::CREATED, axum::Json(session)))
}

/// Shows a chat with its turns.
#[utoipa::path(get, path = "/sessions/{id}", tag = "sessions", params(("id" = Uuid, Path)),
    responses((status = OK, body = SessionThread)))]
async fn get(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<SessionThread>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(super::thread(&app.db, id).await?))
}

/// Changes a chat's title, permission mode or model, from the next turn on.
#[utoipa::path(patch, path = "/sessions/{id}", tag = "sessions", params(("id" = Uuid, Path)),
    request_body = UpdateSession, responses((status = OK, body = Session)))]
async fn update(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Json(body): Json<UpdateSession>,
) -> Result<axum::Json<Session>> {
    actor.require(Scope::Write)?;
    Ok(axum::Json(super::update(&app, id, &body).await?))
}

/// Deletes a chat with its turns; the one under way is stopped.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "sessions", params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT)))]
async fn delete(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<StatusCode> {
    actor.require(Scope::Write)?;
    super::delete(&app, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says something to the agent; the turn is a run.
#[utoipa::path(post, path = "/sessions/{id}/messages", tag = "sessions", params(("id" = Uuid, Path)),
    request_body = SendMessage, responses((status = ACCEPTED, body = Accepted)))]
async fn say(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Json(body): Json<SendMessage>,
) -> Result<(StatusCode, axum::Json<Accepted>)> {
    actor.require(Scope::Write)?;
    let accepted = super::say(&app, id, body.text, actor.name).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

/// Stops the turn that is under way; what the agent said stays.
#[utoipa::path(post, path = "/sessions/{id}/~stop", tag = "sessions", params(("id" = Uuid, Path)),
    responses((status = ACCEPTED, body = Run)))]
async fn stop(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<(StatusCode, axum::Json<Run>)> {
    actor.require(Scope::Write)?;
    Ok((StatusCode::ACCEPTED, axum::Json(super::stop(&app, id).await?)))
}
