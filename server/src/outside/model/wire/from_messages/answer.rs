//! A chat completion as a message.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::anthropic::input;
use crate::outside::model::chat::{Turn, TurnAssembly};

/// Translates a whole answer.
///
/// # Errors
/// The endpoint's own words when it is an error, or what is missing.
pub(in super::super) fn answer(chat: &Value) -> Result<Value, String> {
    let mut assembly = TurnAssembly::default();
    assembly.take(chat)?;
    if !chat["choices"][0].is_object() {
        return Err("it has no choices".to_owned());
    }
    assembly.finish();
    let turn = assembly.turn();
    let mut message = empty(chat);
    message["content"] = content(turn).into();
    message["stop_reason"] = json!(stop_reason(turn));
    message["usage"] = usage(&chat["usage"]);
    Ok(message)
}

/// The message that a completion or the first chunk of one begins.
pub(super) fn empty(chat: &Value) -> Value {
    let id = chat["id"].as_str().filter(|id| !id.is_empty());
    json!({
        "id": id.map_or_else(|| format!("msg_{}", Uuid::now_v7().simple()), str::to_owned),
        "type": "message",
        "role": "assistant",
        "model": chat["model"].as_str().unwrap_or_default(),
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage(&Value::Null),
    })
}

fn content(turn: &Turn) -> Vec<Value> {
    let text = (!turn.text.is_empty()).then(|| json!({ "type": "text", "text": turn.text }));
    text.into_iter().chain(calls(turn)).collect()
}

/// The calls of a turn as blocks.
pub(super) fn calls(turn: &Turn) -> impl Iterator<Item = Value> {
    turn.calls.iter().map(
        |call| json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input(&json!(call.arguments)) }),
    )
}

/// Anthropic's word for a reason to stop. Some endpoints say `stop` although they call tools.
pub(super) fn stop_reason(turn: &Turn) -> &'static str {
    match turn.finish_reason.as_str() {
        "length" => "max_tokens",
        "content_filter" => "refusal",
        _ if !turn.calls.is_empty() => "tool_use",
        _ => "end_turn",
    }
}

/// Tokens as Anthropic counts them: what was read from a cache stands apart. Nothing where the endpoint did
/// not count.
pub(super) fn usage(counted: &Value) -> Value {
    let count = |value: &Value| value.as_i64().unwrap_or(0).max(0);
    let sent = count(&counted["prompt_tokens"]);
    let cached = count(&counted["prompt_tokens_details"]["cached_tokens"]).min(sent);
    json!({
        "input_tokens": sent - cached,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": count(&counted["completion_tokens"]),
    })
}
