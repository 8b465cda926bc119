//! The rehearsal model on OpenAI's wire, so that a project in a container can be tried without a key.

use std::time::SystemTime;

use gantry_domain::spec::{Effect, Spec, Tool, ToolSource};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::outside::model::{Message, ToolCall, Turn};
use crate::runtime::rehearsal;

use super::wire::Api;

/// What the rehearsal model answers to a request; `words` are the person's own.
pub(super) fn answer(api: Api, request: &Value, spec: &Spec, words: &str) -> Value {
    let tools = tools_of(request, spec);
    let messages = match api {
        Api::Chat => chat_messages(request),
        Api::Responses => items(request),
    };
    let turn = rehearsal::turn_elsewhere(spec, &tools, &messages, words);
    match api {
        Api::Chat => chat_answer(&turn),
        Api::Responses => response(&turn),
    }
}

/// The tools that a request offers. One that the spec has is the spec's, with what is known of it.
fn tools_of(request: &Value, spec: &Spec) -> Vec<Tool> {
    let offered = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let functions = offered.iter().map(|tool| if tool["function"].is_object() { &tool["function"] } else { tool });
    let tools = functions.filter_map(|function| {
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

fn items(request: &Value) -> Vec<Message> {
    let Some(items) = request["input"].as_array() else {
        return vec![Message::User(text(&request["input"]))];
    };
    let mut messages: Vec<Message> = Vec::new();
    for item in items {
        match item["type"].as_str() {
            Some("function_call") => {
                let call = ToolCall {
                    id: text(&item["call_id"]),
                    name: text(&item["name"]),
                    arguments: text(&item["arguments"]),
                };
                // The calls of a turn are one message on the other wire.
                match messages.last_mut() {
                    Some(Message::Assistant { calls, .. }) => calls.push(call),
                    _ => messages.push(Message::Assistant { text: String::new(), calls: vec![call] }),
                }
            }
            Some("function_call_output") => {
                messages.push(Message::Tool { call_id: text(&item["call_id"]), content: text(&item["output"]) });
            }
            None | Some("message") => {
                let content = text(&item["content"]);
                messages.push(match item["role"].as_str() {
                    Some("user") => Message::User(content),
                    Some("assistant") => Message::Assistant { text: content, calls: Vec::new() },
                    _ => Message::System(content),
                });
            }
            Some(_) => {}
        }
    }
    messages
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

fn response(turn: &Turn) -> Value {
    let mut output = Vec::new();
    if !turn.text.is_empty() {
        output.push(json!({
            "id": format!("msg_{}", Uuid::now_v7().simple()), "type": "message", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": turn.text, "annotations": [] }],
        }));
    }
    output.extend(turn.calls.iter().map(|call| {
        json!({
            "id": format!("fc_{}", Uuid::now_v7().simple()), "type": "function_call", "status": "completed",
            "call_id": call.id, "name": call.name, "arguments": call.arguments,
        })
    }));
    let mut whole = Map::new();
    for (name, value) in [
        ("id", json!(format!("resp_{}", Uuid::now_v7().simple()))),
        ("object", json!("response")),
        ("created_at", json!(seconds())),
        ("status", json!("completed")),
        ("model", json!(rehearsal::NAME)),
        ("output", output.into()),
        ("error", Value::Null),
        ("incomplete_details", Value::Null),
        ("instructions", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("temperature", Value::Null),
        ("top_p", Value::Null),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        (
            "usage",
            json!({
                "input_tokens": 0, "input_tokens_details": { "cached_tokens": 0 },
                "output_tokens": 0, "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 0,
            }),
        ),
    ] {
        whole.insert(name.to_owned(), value);
    }
    Value::Object(whole)
}
