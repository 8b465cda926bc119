//! The router and its layers. What a noun answers is in the noun's `http.rs`.
//!
//! From the outside in: verbs are rewritten (`…:cancel` to `…/~cancel`), a request id is given, the
//! request is traced, a panic becomes a problem, headers for the browser's safety are set, answers
//! are compressed; then, under `/api/v1`, the actor is resolved and repeated requests are answered.

mod assets;
mod extract;
pub(crate) mod fixed;
pub mod idempotency;
mod layers;
mod paging;
mod verbs;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use tower::{Layer, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::Error;

use fixed::Fixed;

pub use extract::{Json, Path, Query};
pub(crate) use paging::{NamedPageQuery, PageQuery, page, page_limit};

/// What a request's body may hold.
const BODY_LIMIT: usize = 1024 * 1024;

/// What the body of a request may hold that brings a file of up to 1 MiB: as JSON, its characters may be longer.
pub(crate) const FILE_BODY_LIMIT: usize = 8 * 1024 * 1024;

/// How long a request may take to be answered; streams begin within it and then last.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gantry",
        description = "A self-hosted control plane that takes an AI agent from a sentence to a signed, versioned release.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(gantry_domain::problem::Problem))
)]
struct Document;

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", routes())
}

/// Every noun's routes, relative to `/api/v1`.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(crate::build::http::routes())
        .merge(crate::image::http::routes())
        .merge(crate::eval::http::routes())
        .merge(crate::jobs::http::routes())
        .merge(crate::project::http::routes())
        .merge(crate::run::http::routes())
        .merge(crate::protocol::agui::routes())
        .merge(crate::session::http::routes())
        .merge(crate::approval::http::routes())
        .merge(crate::plan::http::routes())
        .merge(crate::mcp::http::routes())
        .merge(crate::openapi::http::routes())
        .merge(crate::compatibility::http::routes())
        .merge(crate::exchange::http::routes())
        .merge(crate::system::http::routes())
        .merge(crate::identity::http::routes())
        .merge(crate::token::http::routes())
        .merge(crate::secret::http::routes())
        .merge(crate::provider::http::routes())
        .merge(crate::registry::http::routes())
        .merge(crate::usage::http::routes())
}

/// The contract of the REST API, OpenAPI 3.1.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = document(api().split_for_parts().1);
    document.merge(crate::gateway::http::document());
    document
}

/// The contract as it is committed in `openapi/gantry.json`.
pub fn openapi_json() -> String {
    let mut json = openapi().to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}

/// Adds to the nouns' own words what holds for all of them: verbs with colons, and problems.
fn document(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
    let problem = ResponseBuilder::new()
        .description("What went wrong (RFC 9457); the codes are in docs/problems.md")
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        )
        .build();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    verbs::with_colons(document)
}

/// The whole server as a service.
pub fn router(app: App) -> Router {
    // What the document is made of goes at once: it is made again when somebody asks for it.
    let api = api().split_for_parts().0;
    let api = api
        .layer(middleware::from_fn_with_state(app.clone(), idempotency::layer))
        .route("/api/v1/openapi.json", axum::routing::get(show_document))
        .route("/api/{*rest}", axum::routing::any(|| async { Error::not_found("route") }))
        .layer(middleware::from_fn_with_state(app.clone(), crate::identity::layer))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(layers::interface_build));
    let compressible = SizeAbove::new(512)
        .and(NotForContentType::new("text/event-stream"))
        .and(NotForContentType::new("application/zip"))
        // The request's id is written into a problem after this layer, so it must reach that as it is.
        .and(NotForContentType::new("application/problem+json"));
    // An agent may take longer than any other answer, so these doors keep their own time.
    let mcp = Router::new()
        .route_service("/mcp", crate::protocol::mcp::service(&app))
        .route_service("/mcp/{project}", crate::protocol::mcp::service(&app))
        .layer(middleware::from_fn_with_state(app.clone(), crate::identity::layer));
    let a2a = crate::protocol::a2a::routes()
        .layer(middleware::from_fn_with_state(app.clone(), crate::identity::layer))
        .layer(DefaultBodyLimit::max(BODY_LIMIT));
    let inner = api
        .layer(CompressionLayer::new().compress_when(compressible))
        .merge(crate::system::http::probes())
        .fallback(assets::serve)
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_WITHIN))
        .merge(openai(&app))
        .merge(mcp)
        .merge(a2a);
    // A router matches before its own layers run, so the rewriting stands outside of it.
    Router::new().fallback_service(verbs::rewrite().layer(framed(inner, app)))
}

/// The engine alone as a service: the door for OpenAI's clients, the gateway of runs, and the probes. There is no
/// interface and no REST API.
pub fn engine_router(app: App) -> Router {
    let probes = crate::system::http::probes()
        .fallback(|| async { Error::not_found("route") })
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_WITHIN));
    framed(probes.merge(openai(&app)), app)
}

/// The door for OpenAI's clients.
fn openai(app: &App) -> Router<App> {
    crate::protocol::openai::routes()
        .layer(middleware::from_fn_with_state(app.clone(), crate::identity::layer))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(crate::protocol::openai::errors_as_openai_has_them))
}

/// What stands around all answers, and beside them the gateway, whose own are a model's.
fn framed(inner: Router<App>, app: App) -> Router {
    inner
        .layer(
            ServiceBuilder::new()
                .layer(middleware::from_fn(layers::request_id))
                .layer(middleware::from_fn(layers::safety_headers))
                .layer(CatchPanicLayer::custom(panicked)),
        )
        // A model thinks for as long as it likes, and its answers are passed on as they come.
        .merge(
            crate::gateway::http::router()
                .layer(middleware::from_fn(layers::request_id))
                .layer(CatchPanicLayer::custom(panicked)),
        )
        .with_state(app)
}

/// The contract of the REST API.
async fn show_document(headers: HeaderMap) -> crate::error::Result<Response> {
    static DOCUMENT: Fixed = Fixed::new("application/json");
    DOCUMENT.answer(&headers, openapi)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Error::from(anyhow::anyhow!("a handler panicked")).into_response()
}
