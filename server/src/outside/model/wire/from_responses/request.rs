//! A request for a response as a request for a chat completion.

use serde_json::{Map, Value, json};

/// Fields that ask for a detail of OpenAI's service.
const DETAILS: [&str; 8] = [
    "include",
    "truncation",
    "store",
    "service_tier",
    "max_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
];

/// Fields whose meaning is kept at OpenAI.
const KEPT_THERE: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

/// Translates a request.
///
/// # Errors
/// What cannot be said in a chat completion, as a sentence.
pub(in super::super) fn request(response: &Value) -> Result<Value, String> {
    let Some(fields) = response.as_object() else {
        return Err("the request is not a JSON object.".to_owned());
    };
    let mut chat = Map::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        match name.as_str() {
            "input" | "instructions" | "tools" | "tool_choice" | "text" | "reasoning" => {}
            "max_output_tokens" => drop(chat.insert("max_completion_tokens".to_owned(), value.clone())),
            "background" if *value == json!(false) => {}
            "background" => return Err("it does not work in the background. Leave background out.".to_owned()),
            name if KEPT_THERE.contains(&name) => {
                return Err(format!(
                    "nothing is kept there that {name} could name. Send the whole conversation as input."
                ));
            }
            name if DETAILS.contains(&name) => {}
            _ => drop(chat.insert(name.clone(), value.clone())),
        }
    }
    if fields.get("stream") == Some(&Value::Bool(true)) {
        chat.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    }
    for (name, value) in [
        ("reasoning_effort", &response["reasoning"]["effort"]),
        ("verbosity", &response["text"]["verbosity"]),
        ("response_format", &format(&response["text"]["format"])),
    ] {
        if !value.is_null() {
            chat.insert(name.to_owned(), value.clone());
        }
    }
    chat.insert("messages".to_owned(), conversation(response)?.into());
    let tools = tools(&response["tools"])?;
    if tools.is_empty() {
        chat.remove("parallel_tool_calls");
    } else {
        chat.insert("tools".to_owned(), tools.into());
        let choice = &response["tool_choice"];
        if choice.is_string() {
            chat.insert("tool_choice".to_owned(), choice.clone());
        } else if choice["type"] == "function" {
            let named = json!({ "type": "function", "function": { "name": choice["name"] } });
            chat.insert("tool_choice".to_owned(), named);
        } else if !choice.is_null() {
            return Err(format!("a tool_choice of the type {} has no counterpart. Name a function.", choice["type"]));
        }
    }
    Ok(chat.into())
}

/// The form of an answer as chat completions name it.
fn format(format: &Value) -> Value {
    if format["type"] != "json_schema" {
        return format.clone();
    }
    let mut schema = format.clone();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("type");
    }
    json!({ "type": "json_schema", "json_schema": schema })
}

fn tools(offered: &Value) -> Result<Vec<Value>, String> {
    let offered = offered.as_array().map(Vec::as_slice).unwrap_or_default();
    let tools = offered.iter().map(|tool| {
        if tool["type"] != "function" {
            return Err(format!("a tool of the type {} exists at OpenAI only. Offer functions.", tool["type"]));
        }
        let mut function = tool.clone();
        if let Some(fields) = function.as_object_mut() {
            fields.remove("type");
            fields.retain(|_, value| !value.is_null());
        }
        Ok(json!({ "type": "function", "function": function }))
    });
    tools.collect()
}

fn conversation(response: &Value) -> Result<Vec<Value>, String> {
    let mut messages = Vec::new();
    if let Some(instructions) = response["instructions"].as_str().filter(|text| !text.trim().is_empty()) {
        messages.push(json!({ "role": "system", "content": instructions }));
    }
    if response["input"].is_string() {
        messages.push(json!({ "role": "user", "content": response["input"] }));
        return Ok(messages);
    }
    for item in response["input"].as_array().map(Vec::as_slice).unwrap_or_default() {
        match item["type"].as_str() {
            None | Some("message") => {
                messages.push(json!({ "role": item["role"], "content": content(&item["content"])? }));
            }
            Some("function_call") => {
                let function = json!({ "name": item["name"], "arguments": item["arguments"] });
                let call = json!({ "id": item["call_id"], "type": "function", "function": function });
                call_in_turn(&mut messages, call);
            }
            Some("function_call_output") => {
                let content = content(&item["output"])?;
                messages.push(json!({ "role": "tool", "tool_call_id": item["call_id"], "content": content }));
            }
            // The model's own thoughts, which no other model reads.
            Some("reasoning") => {}
            Some(kind) => return Err(format!("it knows no item of the type {kind}. Leave it out.")),
        }
    }
    Ok(messages)
}

/// The calls of a turn are one message on the other wire.
fn call_in_turn(messages: &mut Vec<Value>, call: Value) {
    match messages.last_mut() {
        Some(last) if last["role"] == "assistant" => match last["tool_calls"].as_array_mut() {
            Some(calls) => calls.push(call),
            None => last["tool_calls"] = json!([call]),
        },
        _ => messages.push(json!({ "role": "assistant", "content": null, "tool_calls": [call] })),
    }
}

/// A content as chat completions have it: a text, or parts.
fn content(content: &Value) -> Result<Value, String> {
    let Some(parts) = content.as_array() else { return Ok(content.clone()) };
    let parts: Result<Vec<Value>, String> = parts.iter().map(part).collect();
    let parts = parts?;
    match parts.as_slice() {
        [one] if one["type"] == "text" => Ok(one["text"].clone()),
        _ => Ok(parts.into()),
    }
}

fn part(part: &Value) -> Result<Value, String> {
    match part["type"].as_str().unwrap_or_default() {
        "input_text" | "output_text" | "text" => Ok(json!({ "type": "text", "text": part["text"] })),
        "refusal" => Ok(json!({ "type": "text", "text": part["refusal"] })),
        "input_image" if part["image_url"].is_string() => {
            let mut image = json!({ "url": part["image_url"] });
            if part["detail"].is_string() {
                image["detail"] = part["detail"].clone();
            }
            Ok(json!({ "type": "image_url", "image_url": image }))
        }
        "input_file" if part["file_data"].is_string() => {
            let file = json!({ "filename": part["filename"], "file_data": part["file_data"] });
            Ok(json!({ "type": "file", "file": file }))
        }
        kind => Err(format!("it has no place for a part of the type {kind} like this one. Send the content itself.")),
    }
}
