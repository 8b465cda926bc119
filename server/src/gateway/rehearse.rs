//! The rehearsal model behind the gateway, so that a project in a container can be tried without a key. It
//! speaks chat completions; `outside/model` translates for projects that speak otherwise.

use std::time::SystemTime;

use gantry_domain::spec::{Effect, Spec, Tool, ToolSource};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::outside::model::{Message, ToolCall, Turn, as_chat, from_chat};
use crate::runtime::rehearsal;

use super::refusal::Refusal;
use super::wire::Api;

/// What the rehearsal model answers to a request; `words` are the person's own.
///
/// # Errors
/// `model_request_unsupported` for what a chat completion has no place for.
pub(super) fn answer(api: Api, request: &Value, spec: &Spec, words: &str) -> Result<Value, Refusal> {
    let unsupported = |what: String| {
        Refusal::bad("model_request_unsupported", format!("The rehearsal model cannot be asked for this: {what}"))
    };
    let chat = as_chat(api.route(), request).map_err(unsupported)?;
    let turn = rehearsal::turn_elsewhere(spec, &tools_of(&chat, spec), &chat_messages(&chat), words);
    from_chat(api.route(), &chat_answer(&turn)).map_err(unsupported)
}

/// The tools that a request offers. One that the spec has is the spec's, with what is known of it.
fn tools_of(request: &Value, spec: &Spec) -> Vec<Tool> {
    let offered = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let tools = offered.iter().map(|tool| &tool["function"]).filter_map(|function| {
        let name = function["name"].as_str()?;
        if let Some(known) = spec.tools.iter().find(|tool| tool.id == name) {
            return Some(known.clone());
        }
        let parameters = Some(&function["parameters"]).filter(|parameters| parameters.is_object());
        Some(Tool {
            id: name.to_owned(),
            description: text(&function["description"]),
            parameters: parameters.cloned().unwrap_or_else(|| json!({ "type": "object" })),
            effect: Effect::Read,
            timeout_ms: 0,
            source: ToolSource::Python { body: String::new() },
        })
    });
    tools.collect()
}

fn chat_messages(request: &Value) -> Vec<Message> {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let understood = messages.iter().filter_map(|message| {
        let content = text(&message["content"]);
        match message["role"].as_str()? {
            "user" => Some(Message::User(content)),
            "assistant" => {
                let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
                let calls = calls.iter().map(|call| ToolCall {
                    id: text(&call["id"]),
                    name: text(&call["function"]["name"]),
                    arguments: text(&call["function"]["arguments"]),
                });
                Some(Message::Assistant { text: content, calls: calls.collect() })
            }
            "tool" => Some(Message::Tool { call_id: text(&message["tool_call_id"]), content }),
            _ => Some(Message::System(content)),
        }
    });
    understood.collect()
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn chat_answer(turn: &Turn) -> Value {
    let mut message = json!({ "role": "assistant", "content": turn.text });
    if !turn.calls.is_empty() {
        let calls = turn.calls.iter().map(|call| {
            json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } })
        });
        message["tool_calls"] = calls.collect();
    }
    json!({
        "id": format!("chatcmpl-{}", Uuid::now_v7().simple()),
        "object": "chat.completion",
        "created": seconds(),
        "model": rehearsal::NAME,
        "choices": [{ "index": 0, "message": message, "finish_reason": turn.finish_reason, "logprobs": null }],
        "usage": { "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 },
    })
}
