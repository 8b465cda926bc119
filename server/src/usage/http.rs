//! Usage over HTTP.

use axum::extract::State;
use gantry_domain::api::token::Scope;
use gantry_domain::api::usage::UsageReport;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::http::Query;
use crate::identity::Actor;

/// How many days are reported when nothing is said, and at most.
const USUAL_DAYS: i64 = 30;
const MOST_DAYS: i64 = 92;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(report))
}

/// Which days are reported.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct UsageQuery {
    /// How many days, today's among them, 1 to 92; 30 when left out.
    days: Option<i64>,
}

/// Reports what runs asked of models, by day in UTC, project and model. Runs of deleted projects are not in it.
#[utoipa::path(get, path = "/usage", tag = "usage", params(UsageQuery), responses((status = OK, body = UsageReport)))]
async fn report(
    State(app): State<App>,
    actor: Actor,
    Query(query): Query<UsageQuery>,
) -> Result<axum::Json<UsageReport>> {
    actor.require(Scope::Read)?;
    let days = query.days.unwrap_or(USUAL_DAYS).clamp(1, MOST_DAYS);
    Ok(axum::Json(super::report(&app, days).await?))
}
