//! What the gateway says when it does not pass a request on. Its wire is OpenAI's, so its errors are too.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::outside::model::{ModelError, error_body};

/// A request that the gateway refuses, or could not see through.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// The stable code, documented in `docs/problems.md`.
    pub(super) code: &'static str,
    /// What happened and what to do, as a sentence.
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// `400`: the request cannot be passed on as it is.
    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// `401`: the token opens nothing, or not any more.
    pub(super) fn closed() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "gateway_token_invalid",
            "Expected \"Authorization: Bearer …\" with the token of a run that is under way. The token of a run opens the gateway from its start to its end only.",
        )
    }

    /// `403`: a limit of the run is reached. Clients do not repeat such a request by themselves.
    pub(super) fn limit(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }
}

/// An error in the shape that OpenAI's clients read.
pub(super) fn body(code: &str, message: &str) -> Value {
    error_body("gantry_gateway", code, message, None)
}

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Self {
        let status = match error.code() {
            "model_timeout" => StatusCode::GATEWAY_TIMEOUT,
            "model_request_unsupported" => StatusCode::BAD_REQUEST,
            _ => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, error.code(), error.message)
    }
}

impl From<crate::error::Error> for Refusal {
    fn from(error: crate::error::Error) -> Self {
        if error.status().is_server_error() {
            tracing::warn!(%error, "the gateway could not do its work");
        }
        Self::new(error.status(), error.code(), error.detail())
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        crate::error::Error::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(body(self.code, &self.message))).into_response();
        // The model is asked again by the gateway where that helps; a client need not.
        response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gantry gateway\""));
        }
        response
    }
}
