//! `GET /system` for people, `/livez`, `/readyz` and `/healthz` for orchestrators.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use gantry_domain::api::system::{PartState, System};
use gantry_domain::api::token::Scope;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::identity::Actor;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(system))
}

/// Probes, which need no account and tell nothing but states.
pub(crate) fn probes() -> Router<App> {
    Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready)).route("/healthz", get(ready))
}

/// Shows what this instance runs on and which of its parts work.
#[utoipa::path(get, path = "/system", tag = "system", responses((status = OK, body = System)))]
async fn system(State(app): State<App>, actor: Actor) -> Result<axum::Json<System>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(System {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database: app.db.engine().as_str().to_owned(),
        node: app.node.clone(),
        process_runs: app.config.allows_processes(),
        parts: super::parts(&app).await,
    }))
}

/// `200` when every part that is needed works, else `503`; the body says which does not.
async fn ready(State(app): State<App>) -> (StatusCode, axum::Json<Vec<PartState>>) {
    let parts = super::parts(&app).await;
    let ready = parts.iter().all(|part| part.ok || part.optional);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(parts))
}
