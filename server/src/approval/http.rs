//! Approvals over HTTP.

use axum::extract::State;
use gantry_domain::api::Page;
use gantry_domain::api::approval::{Approval, DecideApproval};
use gantry_domain::api::token::Scope;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::error::Result;
use crate::http::{Json, Path, Query, page, page_limit};
use crate::identity::Actor;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(decide))
}

/// What a list of approvals is narrowed down to.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    /// All approvals of this run; when left out, the pending ones of all runs.
    run_id: Option<Uuid>,
    /// `nextCursor` of the page before.
    cursor: Option<Uuid>,
    /// How many, 1 to 100; 50 when left out.
    limit: Option<u64>,
}

/// Lists approvals, newest first.
#[utoipa::path(get, path = "/approvals", tag = "approvals", params(ListQuery), responses((status = OK, body = Page<Approval>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<Approval>>> {
    actor.require(Scope::Read)?;
    let limit = page_limit(query.limit);
    let asked = i64::try_from(limit).unwrap_or(100) + 1;
    let items = store::list(&app.db, query.run_id, query.cursor, asked).await?;
    Ok(axum::Json(page(items, limit, |approval| approval.id.to_string())))
}

/// Approves or denies a held tool call; the run goes on by itself.
#[utoipa::path(post, path = "/approvals/{id}/~decide", tag = "approvals", params(("id" = Uuid, Path)),
    request_body = DecideApproval, responses((status = OK, body = Approval)))]
async fn decide(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<Uuid>,
    Json(body): Json<DecideApproval>,
) -> Result<axum::Json<Approval>> {
    actor.require(Scope::Write)?;
    Ok(axum::Json(super::decide(&app, id, &body, &actor.name).await?))
}
