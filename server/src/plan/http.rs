//! Plans over HTTP.

use gantry_domain::api::plan::{Plan, PlanRequest};
use gantry_domain::api::token::Scope;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Json;
use crate::identity::Actor;

/// How long a prompt may be, in characters.
const LONGEST_PROMPT: usize = 10_000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Makes a plan from a sentence.
#[utoipa::path(post, path = "/plans", tag = "plans", request_body = PlanRequest,
    responses((status = OK, body = Plan)))]
async fn create(actor: Actor, Json(request): Json<PlanRequest>) -> Result<axum::Json<Plan>> {
    actor.require(Scope::Read)?;
    if request.prompt.trim().is_empty() || request.prompt.chars().count() > LONGEST_PROMPT {
        return Err(Error::invalid(
            "/prompt",
            "prompt_length",
            format!("Expected 1 to {LONGEST_PROMPT} characters that say what the agent is to do."),
        ));
    }
    Ok(axum::Json(gantry_generator::plan(&request)))
}
