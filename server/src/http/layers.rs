//! Layers that every answer passes.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use crate::error::ProblemBody;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Which interface this server has, so that a page from before an upgrade notices that it is old.
const BUILD: HeaderName = HeaderName::from_static("x-gantry-build");

/// What the browser may load and who may frame it: nothing but our own files, and nobody.
/// `wasm-unsafe-eval` is what compiling WebAssembly needs (CSP Level 3, section 4.4).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Gives the request an id, puts it into the log, the answer and the problem.
pub(super) async fn request_id(request: Request, next: Next) -> Response {
    // The id is ours, so that nobody outside can write into our log with it.
    let id = Uuid::now_v7().to_string();
    let span = tracing::info_span!(
        "request",
        request.id = id,
        http.method = %request.method(),
        // The query stays out of the log: a set-up token travels in it.
        http.path = request.uri().path(),
    );
    let started = std::time::Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let duration_ms = started.elapsed().as_millis() as u64;
    span.in_scope(|| tracing::debug!(http.status = response.status().as_u16(), duration_ms, "answered"));
    if let Some(ProblemBody(mut problem)) = response.extensions_mut().remove::<ProblemBody>() {
        problem.request_id = id.clone();
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = body.into();
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Headers that keep a browser from being used against its owner.
pub(super) async fn safety_headers(request: Request, next: Next) -> Response {
    let is_api = crate::identity::is_behind_the_gate(request.uri().path());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    if is_api && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Says with every answer of the API which interface belongs to it.
pub(super) async fn interface_build(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(build) = super::assets::build_id() {
        response.headers_mut().insert(BUILD, build.clone());
    }
    response
}
