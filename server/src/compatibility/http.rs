//! The matrix, what is wrong with a spec, and the schema of a spec, over HTTP.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use gantry_domain::api::compatibility::{Compatibility, Diagnosis};
use gantry_domain::api::token::Scope;
use gantry_domain::matrix::diagnose::diagnose_in;
use gantry_domain::spec::{self, Spec};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::http::Json;
use crate::http::fixed::Fixed;
use crate::identity::Actor;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(diagnose)).routes(routes!(agent_schema))
}

/// Shows what goes with what: frameworks, patterns and tools, with the evidence there is.
#[utoipa::path(get, path = "/compatibility", tag = "compatibility", responses((status = OK, body = Compatibility)))]
async fn show(State(app): State<App>, actor: Actor, headers: HeaderMap) -> Result<Response> {
    actor.require(Scope::Read)?;
    let version = app.matrix.current();
    version.document.answer(&headers, || &version.matrix)
}

/// Says what is wrong with a spec and how to mend it; nothing is kept.
#[utoipa::path(post, path = "/compatibility/~diagnose", tag = "compatibility", request_body = Spec,
    responses((status = OK, body = Diagnosis)))]
async fn diagnose(State(app): State<App>, actor: Actor, Json(spec): Json<Spec>) -> Result<axum::Json<Diagnosis>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(Diagnosis { diagnostics: diagnose_in(&app.matrix.current().matrix, &spec) }))
}

/// Shows the JSON Schema of a spec, `agent.gantry.yaml`.
#[utoipa::path(get, path = "/schemas/agent/v1", tag = "compatibility",
    responses((status = OK, description = "JSON Schema 2020-12", content_type = "application/schema+json", body = serde_json::Value)))]
async fn agent_schema(actor: Actor, headers: HeaderMap) -> Result<Response> {
    static SCHEMA: Fixed = Fixed::new("application/schema+json");
    actor.require(Scope::Read)?;
    SCHEMA.answer(&headers, spec::json_schema)
}
