//! Whether a request may be passed on at all: its form, and what could not be held if the model asked for it.

use gantry_domain::api::run::PermissionMode;
use serde_json::Value;

use crate::gateway::refusal::Refusal;
use crate::gateway::wire::Api;

/// The request as an object.
pub(super) fn object(body: &[u8]) -> Result<Value, Refusal> {
    match serde_json::from_slice(body) {
        Ok(request @ Value::Object(_)) => Ok(request),
        _ => Err(Refusal::bad("malformed_json", "Expected a JSON object, as the API that is asked describes it.")),
    }
}

/// Refuses what the gateway could not hold if the model asked for it.
pub(super) fn check(api: Api, request: &Value, mode: PermissionMode) -> Result<(), Refusal> {
    if request["n"].as_u64().is_some_and(|count| count > 1) {
        return Err(Refusal::bad("choices_unsupported", "Expected one answer: leave out n, or send 1."));
    }
    if request.get("functions").is_some_and(|functions| !functions.is_null()) {
        return Err(Refusal::bad(
            "functions_unsupported",
            "Expected tools instead of functions, which OpenAI retired.",
        ));
    }
    if mode == PermissionMode::Dev {
        return Ok(());
    }
    match api.runs_elsewhere(request) {
        None => Ok(()),
        Some(kind) => Err(Refusal::bad(
            "tool_kind_unsupported",
            format!(
                "A tool of type {kind:?} runs at the model's provider, where no permission can be kept. Offer functions only, or run in Dev mode."
            ),
        )),
    }
}
