//! Plans over HTTP.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use gantry_domain::api::plan::{Plan, PlanRequest};
use gantry_domain::api::token::Scope;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Json;
use crate::identity::Actor;
use crate::outside::model::Endpoint;
use crate::provider;

/// How long a prompt may be, in characters.
const LONGEST_PROMPT: usize = 10_000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Makes a plan from a sentence: by rules, or by a provider's model if one is named. Where the model
/// fails, the rules make it and `provenance.fallback` says why.
#[utoipa::path(post, path = "/plans", tag = "plans", request_body = PlanRequest,
    responses((status = OK, body = Plan)))]
async fn create(State(app): State<App>, actor: Actor, Json(request): Json<PlanRequest>) -> Result<axum::Json<Plan>> {
    actor.require(Scope::Read)?;
    if request.prompt.trim().is_empty() || request.prompt.chars().count() > LONGEST_PROMPT {
        return Err(Error::invalid(
            "/prompt",
            "prompt_length",
            format!("Expected 1 to {LONGEST_PROMPT} characters that say what the agent is to do."),
        ));
    }
    let Some(provider_id) = request.provider_id else { return Ok(axum::Json(gantry_generator::plan(&request))) };
    let provider = provider::access(&app, provider_id).await.map_err(|error| match error.status() {
        StatusCode::NOT_FOUND => Error::invalid(
            "/providerId",
            "provider_unknown",
            "There is no such provider. Choose one of those under Settings, Providers, or none.",
        ),
        _ => error,
    })?;
    let named = request.planner_model.clone().filter(|model| !model.trim().is_empty());
    let endpoint = Endpoint {
        base_url: provider.base_url,
        key: provider.key,
        model: named.unwrap_or(provider.default_model),
        idle_timeout: Duration::from_secs(u64::from(app.config.model_idle_seconds)),
    };
    Ok(axum::Json(super::model::plan(&app.http, &endpoint, &request).await))
}
