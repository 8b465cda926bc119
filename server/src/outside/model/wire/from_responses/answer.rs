//! A chat completion as a response.

use std::time::SystemTime;

use serde_json::{Map, Value, json};
use uuid::Uuid;

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
    let text = (!turn.text.is_empty()).then(|| said(&new_id("msg"), &turn.text));
    let mut response = empty(&chat["model"]);
    end(&mut response, turn, &chat["usage"], text);
    Ok(response)
}

pub(super) fn new_id(start: &str) -> String {
    format!("{start}_{}", Uuid::now_v7().simple())
}

/// A response that nothing is in yet.
pub(super) fn empty(model: &Value) -> Value {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut response = Map::new();
    for (name, value) in [
        ("id", json!(new_id("resp"))),
        ("object", json!("response")),
        ("created_at", json!(seconds)),
        ("status", json!("in_progress")),
        ("model", json!(model.as_str().unwrap_or_default())),
        ("output", json!([])),
        ("error", Value::Null),
        ("incomplete_details", Value::Null),
        ("instructions", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("temperature", Value::Null),
        ("top_p", Value::Null),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("usage", Value::Null),
    ] {
        response.insert(name.to_owned(), value);
    }
    Value::Object(response)
}

/// The item of a text.
pub(super) fn said(id: &str, text: &str) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "status": "completed",
        "content": [{ "type": "output_text", "text": text, "annotations": [] }],
    })
}

/// Puts a turn that is whole into its response; `text` is the item of its text.
pub(super) fn end(response: &mut Value, turn: &Turn, usage: &Value, text: Option<Value>) {
    let calls = turn.calls.iter().map(|call| {
        json!({
            "id": new_id("fc"), "type": "function_call", "status": "completed",
            "call_id": call.id, "name": call.name, "arguments": call.arguments,
        })
    });
    response["output"] = text.into_iter().chain(calls).collect();
    let why = match turn.finish_reason.as_str() {
        "length" => Some("max_output_tokens"),
        "content_filter" => Some("content_filter"),
        _ => None,
    };
    response["status"] = json!(if why.is_some() { "incomplete" } else { "completed" });
    response["incomplete_details"] = why.map_or(Value::Null, |reason| json!({ "reason": reason }));
    if usage.is_object() {
        let count = |value: &Value| value.as_i64().unwrap_or(0).max(0);
        let (input, output) = (count(&usage["prompt_tokens"]), count(&usage["completion_tokens"]));
        let cached = count(&usage["prompt_tokens_details"]["cached_tokens"]);
        let reasoning = count(&usage["completion_tokens_details"]["reasoning_tokens"]);
        response["usage"] = json!({
            "input_tokens": input, "input_tokens_details": { "cached_tokens": cached },
            "output_tokens": output, "output_tokens_details": { "reasoning_tokens": reasoning },
            "total_tokens": input + output,
        });
    }
}
