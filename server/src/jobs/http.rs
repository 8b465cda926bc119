//! Jobs over HTTP: the list behind the Activity page, cancel, retry, and the one stream handler
//! that runs, builds and publications use too.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use gantry_domain::api::Page;
use gantry_domain::api::job::{Job, JobKind, JobState};
use gantry_domain::api::token::Scope;
use gantry_domain::event::Event;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::log::Entry;
use super::store::{self, JobFilter};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{Path, Query, page_limit};
use crate::identity::{Actor, Standing, Watch, watch};

/// How often a quiet stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// "Unauthorized" in the IANA registry of WebSocket close codes.
const CLOSE_UNAUTHORIZED: u16 = 3000;
const UNAUTHORIZED: &str = "unauthorized: the login or token that this stream was opened with works no more";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(events))
        .routes(routes!(cancel))
        .routes(routes!(retry))
}

/// What a list of jobs is narrowed down to.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    /// Only jobs in this state.
    state: Option<JobState>,
    /// Only jobs of this kind.
    kind: Option<JobKind>,
    /// Only jobs of this project.
    project_id: Option<Uuid>,
    /// Only jobs that this user or token asked for, by name.
    created_by: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<Uuid>,
    /// How many, 1 to 100; 50 when left out.
    limit: Option<u64>,
}

/// Lists jobs, newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(ListQuery), responses((status = OK, body = Page<Job>)))]
async fn list(State(app): State<App>, actor: Actor, Query(query): Query<ListQuery>) -> Result<axum::Json<Page<Job>>> {
    actor.require(Scope::Read)?;
    let limit = page_limit(query.limit);
    let filter = JobFilter {
        state: query.state,
        kind: query.kind,
        project_id: query.project_id,
        created_by: query.created_by,
        before: query.cursor,
    };
    let items = store::list(&app.db, &filter, limit + 1).await?;
    Ok(axum::Json(crate::http::page(items, limit, |job| job.id.to_string())))
}

/// Shows a job.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path)), responses((status = OK, body = Job)))]
async fn get(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<axum::Json<Job>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(app.jobs.get(id).await?))
}

/// Asks for a job to be cancelled. A job that runs hears of it within a second.
#[utoipa::path(post, path = "/jobs/{id}/~cancel", tag = "jobs", params(("id" = Uuid, Path)), responses((status = ACCEPTED, body = Job)))]
async fn cancel(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<(StatusCode, axum::Json<Job>)> {
    let job = app.jobs.get(id).await?;
    actor.require(scope_of(job.kind))?;
    app.jobs.cancel(id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(app.jobs.get(id).await?)))
}

/// Queues a failed or cancelled job again; what it had done stays done.
#[utoipa::path(post, path = "/jobs/{id}/~retry", tag = "jobs", params(("id" = Uuid, Path)), responses((status = ACCEPTED, body = Job)))]
async fn retry(State(app): State<App>, actor: Actor, Path(id): Path<Uuid>) -> Result<(StatusCode, axum::Json<Job>)> {
    let job = app.jobs.get(id).await?;
    actor.require(scope_of(job.kind))?;
    let mut tx = app.db.begin().await?;
    app.jobs.retry(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, axum::Json(app.jobs.get(id).await?)))
}

/// What an actor must be allowed to do in order to steer a job of a kind.
fn scope_of(kind: JobKind) -> Scope {
    match kind {
        JobKind::Run | JobKind::Eval => Scope::Write,
        JobKind::Build => Scope::Build,
        JobKind::Publish | JobKind::Push => Scope::Publish,
    }
}

/// From where a log is read.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct EventsQuery {
    /// The last sequence number that was seen; 0 or left out is the beginning.
    after: Option<i64>,
    /// For a page: how many, 1 to 512.
    limit: Option<i64>,
}

/// How the caller wants to read a log.
pub(crate) struct EventsRequest {
    query: EventsQuery,
    headers: HeaderMap,
    upgrade: Option<WebSocketUpgrade>,
    standing: Standing,
}

impl axum::extract::FromRequestParts<App> for EventsRequest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &App) -> Result<Self> {
        let Query(query) = Query::<EventsQuery>::from_request_parts(parts, app).await?;
        let upgrade = match WebSocketUpgrade::from_request_parts(parts, app).await {
            Ok(upgrade) => Some(upgrade),
            Err(rejection) if wants_web_socket(&parts.headers) => return Err(upgrade_refused(&rejection)),
            Err(_) => None,
        };
        let standing = Standing::from_request_parts(parts, app).await?;
        Ok(Self { query, headers: parts.headers.clone(), upgrade, standing })
    }
}

fn wants_web_socket(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

fn upgrade_refused(rejection: &WebSocketUpgradeRejection) -> Error {
    Error::new(StatusCode::BAD_REQUEST, "upgrade_refused", format!("The WebSocket upgrade is not valid: {rejection}."))
}

/// Reads a job's log: as a WebSocket by upgrade, as server-sent events with
/// `Accept: text/event-stream` (resuming after `Last-Event-ID`), else as a page.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "jobs", params(("id" = Uuid, Path), EventsQuery),
    responses((status = OK, body = Page<Event>)))]
async fn events(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    request: EventsRequest,
) -> Result<Response> {
    actor.require(Scope::Read)?;
    stream_events(&app, id, request).await
}

/// Answers with a job's log in the form that the caller asked for. A stream ends with the job, with
/// the server, and soon after the login or token that it was opened with works no more.
///
/// # Errors
/// `404` when there is no such job.
pub(crate) async fn stream_events(app: &App, job_id: Uuid, request: EventsRequest) -> Result<Response> {
    let EventsRequest { query, headers, upgrade, standing } = request;
    let last_seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let after = last_seen.or(query.after).unwrap_or(0).max(0);
    if let Some(upgrade) = upgrade {
        let entries = app.jobs.log().follow(job_id, after).await?;
        let app = app.clone();
        let watch = watch(&app, standing);
        return Ok(upgrade.on_upgrade(move |socket| send_to_socket(app, socket, entries, watch)));
    }
    let wants_stream = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("text/event-stream"));
    if wants_stream {
        let entries = app.jobs.log().follow(job_id, after).await?;
        let events = entries.map(|entry| {
            Ok::<_, Infallible>(sse::Event::default().id(entry.event.seq.to_string()).data(entry.json.as_str()))
        });
        // A stop of the server ends the stream; the reader comes back with what it saw last.
        let (watch, watched) = (watch(app, standing), app.shutdown.clone());
        let until = watch.clone();
        let events = events.take_until(async move {
            tokio::select! {
                () = watched.cancelled() => {}
                () = until.ended() => {}
            }
        });
        // A comment, since every event of the stream is one of the log; who asks again is told by 401.
        let why =
            futures::stream::once(
                async move { watch.has_ended().then(|| sse::Event::default().comment(UNAUTHORIZED)) },
            );
        let events = events.chain(why.filter_map(|comment| async { comment.map(Ok) }));
        return Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response());
    }
    let (items, more) = app.jobs.log().page(job_id, after, query.limit.unwrap_or(512)).await?;
    let next = items.last().map_or(after, |event| event.seq);
    Ok(axum::Json(Page { items, next_cursor: more.then(|| next.to_string()) }).into_response())
}

async fn send_to_socket(app: App, mut socket: WebSocket, entries: impl Stream<Item = Arc<Entry>> + Send, watch: Watch) {
    let mut entries = std::pin::pin!(entries);
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.tick().await;
    let (code, reason) = loop {
        let message = tokio::select! {
            // In this order: a log with much to say must not keep its reader from being sent away.
            biased;
            () = watch.ended() => break (CLOSE_UNAUTHORIZED, UNAUTHORIZED),
            () = app.shutdown.cancelled() => break (close_code::AWAY, "the server is stopping"),
            received = socket.recv() => match received {
                // Nothing that a reader says changes the stream; pongs and closes are axum's.
                Some(Ok(_)) => continue,
                _ => return,
            },
            _ = heartbeat.tick() => Message::Ping(axum::body::Bytes::new()),
            entry = entries.next() => match entry {
                Some(entry) => Message::Text(entry.json.as_str().into()),
                None => break (close_code::NORMAL, ""),
            },
        };
        if socket.send(message).await.is_err() {
            return;
        }
    };
    // A reader that hears no close frame would take the end for a broken line.
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
}
