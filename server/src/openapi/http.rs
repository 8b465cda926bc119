//! OpenAPI documents over HTTP.

use axum::extract::DefaultBodyLimit;
use gantry_domain::api::openapi::{DiscoverOpenApi, OpenApiDocument};
use gantry_domain::api::token::Scope;
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{LARGEST_DOCUMENT, Source};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Json;
use crate::identity::Actor;

/// How large a body is with the largest document in it: most of its characters escaped.
const BODY_LIMIT: usize = 2 * LARGEST_DOCUMENT + 10_000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(discover)).layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// Says which operations of a service an agent could call, each as the tool that it would be, and why the
/// others cannot be. An address is fetched by the rules for those of tools; whoever may talk to agents may
/// have them do the same, so this takes the same scope.
#[utoipa::path(post, path = "/openapi-documents/~discover", tag = "openapi-documents", request_body = DiscoverOpenApi,
    responses((status = OK, body = OpenApiDocument)))]
async fn discover(actor: Actor, Json(body): Json<DiscoverOpenApi>) -> Result<axum::Json<OpenApiDocument>> {
    actor.require(Scope::Write)?;
    let server = body.server.map(|server| server.trim().to_owned()).filter(|server| !server.is_empty());
    if let Some(server) = &server {
        address("/server", server)?;
    }
    let source = match (body.document, body.url) {
        (Some(document), None) => {
            if document.trim().is_empty() || document.len() > LARGEST_DOCUMENT {
                return Err(Error::invalid(
                    "/document",
                    "openapi_document_invalid",
                    format!("Expected an OpenAPI document of at most {LARGEST_DOCUMENT} bytes."),
                ));
            }
            Source::Text(document)
        }
        (None, Some(url)) => Source::Address(address("/url", &url)?),
        _ => {
            return Err(Error::invalid(
                "/document",
                "openapi_document_invalid",
                "Expected either a document or the address of one.",
            ));
        }
    };
    Ok(axum::Json(super::discover(source, server).await?))
}

fn address(path: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(|url| url.username().is_empty() && url.password().is_none()).ok_or_else(|| {
        Error::invalid(path, "url_invalid", "Expected an http or https address without a user or password.")
    })
}
