//! Counting tokens before anything is sent: Anthropic's own count, or none. A guess would be no count.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::gateway::refusal::Refusal;
use crate::gateway::store::Pass;
use crate::gateway::wire::Api;
use crate::gateway::wire::fields::with_field;
use crate::outside::model::{self, Relayed, Route};

use super::check::object;
use super::limits::deadline;
use super::{Source, refused, source, stopped};

/// Asks how many tokens a message has. It is no question to the model: nothing is used up.
///
/// # Errors
/// What the gateway refuses, in its own words.
pub(in crate::gateway) async fn count_tokens(
    app: App,
    pass: Pass,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    object(&body)?;
    let Source::Endpoint { endpoint, .. } = source(&app, &pass).await? else {
        return Err(Refusal::bad(
            "model_request_unsupported",
            "The rehearsal model counts no tokens. Start the run with a provider of the kind Anthropic, or count from the usage of an answer.",
        ));
    };
    deadline(&app, &pass)?;
    let body = with_field(&body, "model", &json!(endpoint.model).to_string()).into();
    match model::relay_as(&app.http, &endpoint, Route::CountTokens, body, &headers).await? {
        Relayed::Whole(body) => Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response()),
        Relayed::Refused(told) => Ok(stopped(Api::Messages, refused(Api::Messages, &endpoint, told))),
        Relayed::Events(_) => {
            Err(Refusal::new(StatusCode::BAD_GATEWAY, "model_bad_response", "The endpoint streams a count of tokens."))
        }
    }
}
