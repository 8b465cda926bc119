//! Plans over HTTP.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use gantry_domain::api::plan::{Plan, PlanEvent, PlanRequest};
use gantry_domain::api::token::Scope;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Json;
use crate::identity::Actor;
use crate::outside::model::Endpoint;
use crate::provider;

/// How often a stream says that it is alive while the model thinks.
const HEARTBEAT: Duration = Duration::from_secs(20);

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Makes a plan from a sentence: by rules, or by a provider's model if one is named. Where the model
/// fails, the rules make it and `provenance.fallback` says why. Who accepts `text/event-stream` is told
/// what the model is asked and what comes of it, with the plan as the last event; who closes the
/// connection ends the asking.
#[utoipa::path(post, path = "/plans", tag = "plans", request_body = PlanRequest, responses(
    (status = OK, content((Plan = "application/json"), (PlanEvent = "text/event-stream")))))]
async fn create(
    State(app): State<App>,
    actor: Actor,
    headers: HeaderMap,
    Json(request): Json<PlanRequest>,
) -> Result<Response> {
    actor.require(Scope::Read)?;
    super::check_prompt(&request.prompt)?;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wants_stream = accepted.contains("text/event-stream");
    let Some(provider_id) = request.provider_id else {
        let plan = gantry_generator::plan(&request);
        if wants_stream {
            let done = PlanEvent::Done { plan: Box::new(plan) };
            return Ok(told(app, futures::stream::iter([done])));
        }
        return Ok(axum::Json(plan).into_response());
    };
    let provider = provider::access(&app, provider_id).await.map_err(|error| match error.status() {
        StatusCode::NOT_FOUND => Error::invalid(
            "/providerId",
            "provider_unknown",
            "There is no such provider. Choose one of those under Settings, Providers, or none.",
        ),
        _ => error,
    })?;
    let named = request.planner_model.clone().filter(|model| !model.trim().is_empty());
    let model = named.unwrap_or_else(|| provider.default_model.clone());
    let endpoint = provider.endpoint(&app, model);
    if wants_stream {
        let events = written(app.http.clone(), endpoint, request);
        return Ok(told(app, events));
    }
    let plan = super::model::plan(&app.http, &endpoint, &request, |_| {}).await;
    Ok(axum::Json(plan).into_response())
}

/// A plan in the making. It is written within the stream: nobody reads, nobody writes.
fn written(http: reqwest::Client, endpoint: Endpoint, request: PlanRequest) -> impl Stream<Item = PlanEvent> + Send {
    let (sender, events) = futures::channel::mpsc::unbounded();
    let writing = async move {
        // Sending fails only when the stream is gone, and this with it.
        let tell = |event| drop(sender.unbounded_send(event));
        let plan = super::model::plan(&http, &endpoint, &request, tell).await;
        drop(sender.unbounded_send(PlanEvent::Done { plan: Box::new(plan) }));
        None
    };
    futures::stream::select(events, futures::stream::once(writing).filter_map(std::future::ready))
}

/// Events as an answer.
fn told(app: App, events: impl Stream<Item = PlanEvent> + Send + 'static) -> Response {
    let events = events
        .map(|event| sse::Event::default().json_data(&event))
        .take_until(async move { app.shutdown.cancelled().await });
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}
