//! What the gateway says when it does not pass a request on: in the form that whoever asked reads, OpenAI's
//! or Anthropic's.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::outside::model::{ModelError, Refused, error_body};

use super::wire::Api;

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
            "Expected \"Authorization: Bearer …\" or \"x-api-key: …\" with the token of a run that is under way. The token of a run opens the gateway from its start to its end only.",
        )
    }

    /// `403`: a limit of the run is reached. Clients do not repeat such a request by themselves.
    pub(super) fn limit(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }
}

/// What somebody without a token is to show (RFC 9110, "WWW-Authenticate").
pub(super) fn challenge() -> HeaderValue {
    HeaderValue::from_static("Bearer realm=\"gantry gateway\"")
}

/// An error in the shape that the clients of a conversation read; without a status it is one in the middle
/// of an answer. Anthropic's shape has no place for a code, and allows more fields.
pub(super) fn body(api: Api, status: Option<StatusCode>, code: &str, message: &str) -> Value {
    if api != Api::Messages {
        return error_body("gantry_gateway", code, message, None);
    }
    let kind = match status.map_or(500, |status| status.as_u16()) {
        400 | 422 => "invalid_request_error",
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": message, "code": code } })
}

/// What an endpoint refused, in the shape that the clients of a conversation read: its own words where they
/// have that shape.
pub(super) fn passed_on(api: Api, refused: &Refused) -> String {
    let has_shape = match serde_json::from_str::<Value>(&refused.body) {
        Ok(body) if api == Api::Messages => body["type"] == "error" && body["error"].is_object(),
        Ok(body) => body.is_object(),
        Err(_) => false,
    };
    if has_shape {
        return refused.body.clone();
    }
    let words = if refused.said.is_empty() { refused.status.to_string() } else { refused.said.clone() };
    let words = if api == Api::Messages { &words } else { &refused.body };
    body(api, Some(refused.status), "model_refused", words).to_string()
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

impl Refusal {
    /// The answer to whoever has this conversation.
    pub(super) fn on(self, api: Api) -> Response {
        let body = body(api, Some(self.status), self.code, &self.message);
        let mut response = (self.status, axum::Json(body)).into_response();
        // The model is asked again by the gateway where that helps; a client need not.
        response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge());
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.on(Api::Chat)
    }
}
