//! The gateway over HTTP: OpenAI's routes and Anthropic's below `/gateway/v1`.
//!
//! Not below `/api/v1`, because nobody who may use the one may for that reason use the other: the
//! token of a run opens nothing else, and an API token or a login opens nothing here.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::Refusal;
use super::relay;
use super::spans;
use super::store::{self, Pass};
use super::wire::Api;
use crate::app::App;

/// What a request may hold: conversations grow, and pictures travel in them.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(chat_completions))
        .routes(routes!(responses))
        .routes(routes!(embeddings))
        .routes(routes!(messages))
        .routes(routes!(count_tokens))
        .routes(routes!(traces))
        .routes(routes!(models))
}

/// The gateway and nothing else: what a container is let to.
pub(crate) fn router() -> Router<App> {
    let unknown = || async {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "gateway_route_unknown",
            "Expected POST /gateway/v1/chat/completions, /responses, /embeddings, /messages, /messages/count_tokens or /traces, or GET /gateway/v1/models.",
        )
    };
    routes()
        .split_for_parts()
        .0
        .route("/gateway/{*rest}", axum::routing::any(unknown))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// The routes as the API's description has them.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    routes().split_for_parts().1
}

/// Whoever shows the token of a run that is under way.
impl FromRequestParts<App> for Pass {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        // OpenAI's clients show it in the one, Anthropic's in either.
        let bearer = text(header::AUTHORIZATION.as_str())
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token);
        let mut shown = [bearer, text("x-api-key")].into_iter().flatten().map(str::trim);
        let token = shown.find(|token| token.starts_with(super::PREFIX)).ok_or_else(Refusal::closed)?;
        store::pass(&app.db, super::hash(token), app.db.now()).await?.ok_or_else(Refusal::closed)
    }
}

/// Asks the run's model with a conversation (OpenAI's wire, streams too), with the run's own token.
#[utoipa::path(post, path = "/gateway/v1/chat/completions", tag = "gateway", request_body = Value,
    responses((status = OK, description = "The model's answer on OpenAI's wire"),
              (status = "default", description = "An error on OpenAI's wire; the codes are in docs/problems.md")))]
async fn chat_completions(State(app): State<App>, pass: Pass, body: Bytes) -> Result<Response, Refusal> {
    relay::answer(app, pass, Api::Chat, HeaderMap::new(), body).await
}

/// Asks the run's model by OpenAI's Responses API (streams too), with the run's own token.
#[utoipa::path(post, path = "/gateway/v1/responses", tag = "gateway", request_body = Value,
    responses((status = OK, description = "The model's answer on OpenAI's wire"),
              (status = "default", description = "An error on OpenAI's wire; the codes are in docs/problems.md")))]
async fn responses(State(app): State<App>, pass: Pass, body: Bytes) -> Result<Response, Refusal> {
    relay::answer(app, pass, Api::Responses, HeaderMap::new(), body).await
}

/// Turns texts into vectors at the run's provider (OpenAI's wire), with the run's own token.
#[utoipa::path(post, path = "/gateway/v1/embeddings", tag = "gateway", request_body = Value,
    responses((status = OK, description = "The provider's answer on OpenAI's wire"),
              (status = "default", description = "An error on OpenAI's wire; the codes are in docs/problems.md")))]
async fn embeddings(State(app): State<App>, pass: Pass, body: Bytes) -> Result<Response, Refusal> {
    relay::embed(app, pass, body).await
}

/// Asks the run's model by Anthropic's Messages API (streams too), with the run's own token.
#[utoipa::path(post, path = "/gateway/v1/messages", tag = "gateway", request_body = Value,
    responses((status = OK, description = "The model's answer on Anthropic's wire"),
              (status = "default", description = "An error on Anthropic's wire; the codes are in docs/problems.md")))]
async fn messages(State(app): State<App>, pass: Result<Pass, Refusal>, headers: HeaderMap, body: Bytes) -> Response {
    let answered = match pass {
        Ok(pass) => relay::answer(app, pass, Api::Messages, headers, body).await,
        Err(refusal) => Err(refusal),
    };
    answered.unwrap_or_else(|refusal| refusal.on(Api::Messages))
}

/// Counts the tokens of a message before it is sent, where the run's provider is Anthropic.
#[utoipa::path(post, path = "/gateway/v1/messages/count_tokens", tag = "gateway", request_body = Value,
    responses((status = OK, description = "The count on Anthropic's wire"),
              (status = "default", description = "An error on Anthropic's wire; the codes are in docs/problems.md")))]
async fn count_tokens(
    State(app): State<App>,
    pass: Result<Pass, Refusal>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let counted = match pass {
        Ok(pass) => relay::count_tokens(app, pass, headers, body).await,
        Err(refusal) => Err(refusal),
    };
    counted.unwrap_or_else(|refusal| refusal.on(Api::Messages))
}

/// Takes spans of the run's project in (OTLP over HTTP, protobuf or JSON, gzip or not), with the run's own token.
#[utoipa::path(post, path = "/gateway/v1/traces", tag = "gateway", request_body = Value,
    responses((status = OK, description = "An ExportTraceServiceResponse, which says how many spans were not taken"),
              (status = "default", description = "A google.rpc.Status; the codes are in docs/problems.md")))]
async fn traces(State(app): State<App>, pass: Result<Pass, Refusal>, headers: HeaderMap, body: Bytes) -> Response {
    spans::ingest(&app, pass, &headers, &body).await
}

/// Lists the one model that answers in this run (OpenAI's wire and Anthropic's), with the run's own token.
#[utoipa::path(get, path = "/gateway/v1/models", tag = "gateway",
    responses((status = OK, description = "The model on OpenAI's wire, with Anthropic's fields beside"),
              (status = "default", description = "An error on OpenAI's wire; the codes are in docs/problems.md")))]
async fn models(pass: Pass) -> axum::Json<Value> {
    let model = json!({
        "id": pass.model, "object": "model", "created": 0, "owned_by": "gantry",
        "type": "model", "display_name": pass.model, "created_at": "1970-01-01T00:00:00Z",
    });
    let id = &pass.model;
    axum::Json(json!({ "object": "list", "data": [model], "has_more": false, "first_id": id, "last_id": id }))
}
