//! OpenAPI documents: which of a service's operations an agent could call, so that a person can choose among
//! them.
//!
//! Nothing is kept, and nothing but the document itself is fetched. What becomes of an operation is the
//! generator's to say, and calling one is the runtime's.

pub(crate) mod http;

use std::time::Duration;

use axum::http::StatusCode;
use gantry_domain::api::openapi::OpenApiDocument;
use gantry_domain::spec::yaml;
use gantry_generator::exchange::openapi;
use tokio::sync::Semaphore;
use url::Url;

use crate::error::{Error, Result};
use crate::outside::careful;

/// How large a document may be, in bytes.
pub(crate) const LARGEST_DOCUMENT: usize = 5_000_000;
/// How long a document may take to arrive.
const WITHIN: Duration = Duration::from_secs(20);
/// How many documents are read at the same time.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Where a document comes from.
enum Source {
    Text(String),
    Address(Url),
}

/// Reads a document.
///
/// # Errors
/// `422 openapi_document_failed` when it cannot be had or is none, `503 openapi_busy` while too many others
/// are being read.
async fn discover(source: Source, server: Option<String>) -> Result<OpenApiDocument> {
    let _place = AT_ONCE.try_acquire().map_err(|_| {
        Error::unavailable("openapi_busy", "Other OpenAPI documents are being read. Try again in a moment.")
    })?;
    let (text, from) = match source {
        Source::Text(text) => (text, None),
        Source::Address(url) => {
            let arrived = tokio::time::timeout(WITHIN, careful::text_at(&url, LARGEST_DOCUMENT)).await;
            let text = arrived
                .map_err(|_| failed(format!("{url} did not answer within {} seconds.", WITHIN.as_secs())))?
                .map_err(|why| failed(format!("{url} cannot be read: {why}.")))?;
            (text, Some(url.to_string()))
        }
    };
    // A large document keeps a processor busy for a while.
    let read = tokio::task::spawn_blocking(move || {
        // Most are JSON, which is read many times faster than YAML.
        let document = match serde_json::from_str(&text) {
            Ok(document) => document,
            Err(error) if text.trim_start().starts_with('{') => {
                return Err(format!("The document is not valid JSON: {error}."));
            }
            Err(_) => yaml::read_value(&text).map_err(|faults| {
                let what = faults.first().map(|fault| fault.message.as_str()).unwrap_or_default();
                format!("The document is neither JSON nor YAML: {what}.")
            })?,
        };
        openapi::read(&document, from.as_deref(), server.as_deref())
    });
    read.await.map_err(anyhow::Error::from)?.map_err(failed)
}

fn failed(why: String) -> Error {
    Error::new(StatusCode::UNPROCESSABLE_ENTITY, "openapi_document_failed", why)
}
