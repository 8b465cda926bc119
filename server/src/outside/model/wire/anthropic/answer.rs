//! A message as a chat completion.

use serde_json::{Value, json};

use super::request::arguments;
use super::{Counted, finish_reason};
use crate::outside::model::chat::error_text;

/// Translates a whole answer.
///
/// # Errors
/// The endpoint's own words when it is an error, or what is missing.
pub(in super::super) fn answer(message: &Value) -> Result<Value, String> {
    if message["type"] == "error" {
        return Err(error_text(&message["error"]));
    }
    let Some(content) = message["content"].as_array() else {
        return Err("it has no content".to_owned());
    };
    let mut text = String::new();
    let mut calls = Vec::new();
    for block in content {
        match block["type"].as_str() {
            Some("text") => text.push_str(block["text"].as_str().unwrap_or_default()),
            Some("tool_use") => calls.push(json!({
                "id": block["id"],
                "type": "function",
                "function": { "name": block["name"], "arguments": arguments(&block["input"]) },
            })),
            // Thoughts, and tools that ran there.
            _ => {}
        }
    }
    let mut said = json!({ "role": "assistant", "content": if text.is_empty() { Value::Null } else { json!(text) } });
    if calls.is_empty() {
        said["content"] = json!(text);
    } else {
        said["tool_calls"] = calls.into();
    }
    let mut counted = Counted::default();
    counted.take(&message["usage"]);
    Ok(json!({
        "id": message["id"],
        "object": "chat.completion",
        "created": 0,
        "model": message["model"],
        "choices": [{
            "index": 0,
            "message": said,
            "finish_reason": finish_reason(message["stop_reason"].as_str().unwrap_or_default()),
            "logprobs": null,
        }],
        "usage": counted.usage(),
    }))
}
