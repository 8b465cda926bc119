//! Images over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use gantry_domain::Digest;
use gantry_domain::api::image::{Image, Live, PublishImage};
use gantry_domain::api::token::Scope;
use gantry_domain::api::{Accepted, Page};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{Json, PageQuery, Path, Query, page, page_limit};
use crate::identity::Actor;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(live)).routes(routes!(get)).routes(routes!(publish))
}

/// Lists a project's images, newest first. `{project}` is its id or its name.
#[utoipa::path(get, path = "/projects/{project}/images", tag = "images", params(("project" = String, Path), PageQuery),
    responses((status = OK, body = Page<Image>)))]
async fn list(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<Page<Image>>> {
    actor.require(Scope::Read)?;
    let project_id = crate::project::find_id(&app.db, &project).await?;
    let limit = page_limit(query.limit);
    let items = store::list(&app.db, project_id, query.cursor, limit + 1).await?;
    Ok(axum::Json(page(items, limit, |image| image.build_id.to_string())))
}

/// Shows what of a project is live: the image that was published last, and where it is.
#[utoipa::path(get, path = "/projects/{project}/live", tag = "images", params(("project" = String, Path)),
    responses((status = OK, body = Live)))]
async fn live(State(app): State<App>, actor: Actor, Path(project): Path<String>) -> Result<axum::Json<Live>> {
    actor.require(Scope::Read)?;
    let project_id = crate::project::find_id(&app.db, &project).await?;
    Ok(axum::Json(Live { image: store::live(&app.db, project_id).await? }))
}

/// Shows an image and where it was published.
#[utoipa::path(get, path = "/images/{digest}", tag = "images", params(("digest" = String, Path)),
    responses((status = OK, body = Image)))]
async fn get(State(app): State<App>, actor: Actor, Path(digest): Path<String>) -> Result<axum::Json<Image>> {
    actor.require(Scope::Read)?;
    Ok(axum::Json(super::find(&app, &parse(&digest)?).await?))
}

/// Publishes an image: pushes it to a registry and reads its digest back from there.
#[utoipa::path(post, path = "/images/{digest}/~publish", tag = "images", params(("digest" = String, Path)),
    request_body = PublishImage, responses((status = ACCEPTED, body = Accepted)))]
async fn publish(
    State(app): State<App>,
    actor: Actor,
    Path(digest): Path<String>,
    Json(body): Json<PublishImage>,
) -> Result<(StatusCode, axum::Json<Accepted>)> {
    actor.require(Scope::Publish)?;
    let accepted = super::begin(&app, &parse(&digest)?, body, &actor.name).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

fn parse(digest: &str) -> Result<Digest> {
    digest.parse().map_err(|error| {
        Error::new(StatusCode::NOT_FOUND, "not_found", format!("There is no image at this address: {error}."))
    })
}
