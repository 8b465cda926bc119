//! The gateway over HTTP: OpenAI's routes below `/gateway/v1`.
//!
//! Not below `/api/v1`, because nobody who may use the one may for that reason use the other: the
//! token of a run opens nothing else, and an API token or a login opens nothing here.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::Refusal;
use super::relay;
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
        .routes(routes!(models))
}

/// The gateway and nothing else: what a container is let to.
pub(crate) fn router() -> Router<App> {
    let unknown = || async {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "gateway_route_unknown",
            "Expected POST /gateway/v1/chat/completions, /responses or /embeddings, or GET /gateway/v1/models.",
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
        let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = authorization
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && token.trim().starts_with(super::PREFIX));
        let (_, token) = token.ok_or_else(Refusal::closed)?;
        store::pass(&app.db, super::hash(token.trim()), app.db.now()).await?.ok_or_else(Refusal::closed)
    }
}

/// Asks the run's model with a conversation (OpenAI's wire, streams too), with the run's own token.
#[utoipa::path(post, path = "/gateway/v1/chat/completions", tag = "gateway", request_body = Value,
    responses((status = OK, description = "The model's answer on OpenAI's wire"),
              (status = "default", description = "An error on OpenAI's wire; the codes are in docs/problems.md")))]
async fn chat_completions(State(app): State<App>, pass: Pass, body: Bytes) -> Result<Response, Refusal> {
    relay::answer(app, pass, Api::Chat, body).await
}

/// Asks the run's model by OpenAI's Responses API (streams too), with the run's own token.
#[utoipa::path(post, path = "/gateway/v1/responses", tag = "gateway", request_body = Value,
    responses((status = OK, description = "The model's answer on OpenAI's wire"),
              (status = "default", description = "An error on OpenAI's wire; the codes are in docs/problems.md")))]
async fn responses(State(app): State<App>, pass: Pass, body: Bytes) -> Result<Response, Refusal> {
    relay::answer(app, pass, Api::Responses, body).await
}

/// Turns texts into vectors at the run's provider (OpenAI's wire), with the run's own token.
#[utoipa::path(post, path = "/gateway/v1/embeddings", tag = "gateway", request_body = Value,
    responses((status = OK, description = "The provider's answer on OpenAI's wire"),
              (status = "default", description = "An error on OpenAI's wire; the codes are in docs/problems.md")))]
async fn embeddings(State(app): State<App>, pass: Pass, body: Bytes) -> Result<Response, Refusal> {
    relay::embed(app, pass, body).await
}

/// Lists the one model that answers in this run (OpenAI's wire), with the run's own token.
#[utoipa::path(get, path = "/gateway/v1/models", tag = "gateway",
    responses((status = OK, description = "The model on OpenAI's wire"),
              (status = "default", description = "An error on OpenAI's wire; the codes are in docs/problems.md")))]
async fn models(pass: Pass) -> axum::Json<Value> {
    let model = json!({ "id": pass.model, "object": "model", "created": 0, "owned_by": "gantry" });
    axum::Json(json!({ "object": "list", "data": [model] }))
}
