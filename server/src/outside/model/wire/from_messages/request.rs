//! A request for a message as a request for a chat completion.

use serde_json::{Map, Value, json};

use super::super::anthropic::plain;

/// Fields that only Anthropic has: what they ask for is a detail.
const ONLY_ANTHROPICS: [&str; 9] = [
    "top_k",
    "thinking",
    "service_tier",
    "cache_control",
    "context_management",
    "inference_geo",
    "speed",
    "betas",
    "anthropic_version",
];

/// What a schema is called where a name is required.
const SCHEMA_NAME: &str = "answer";

/// Translates a request. `limit_field` is what the endpoint calls the limit of an answer's tokens.
///
/// # Errors
/// What cannot be said on OpenAI's wire, as a sentence.
pub(in super::super) fn request(message: &Value, limit_field: &str) -> Result<Value, String> {
    let Some(fields) = message.as_object() else {
        return Err("the request is not a JSON object.".to_owned());
    };
    let mut chat = Map::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        match name.as_str() {
            "messages" | "system" | "tools" | "tool_choice" | "output_format" | "output_config" => {}
            "max_tokens" => drop(chat.insert(limit_field.to_owned(), value.clone())),
            "stop_sequences" if value.as_array().is_some_and(Vec::is_empty) => {}
            "stop_sequences" => drop(chat.insert("stop".to_owned(), value.clone())),
            "metadata" => {
                if value["user_id"].is_string() {
                    chat.insert("user".to_owned(), value["user_id"].clone());
                }
            }
            "mcp_servers" | "container" if value.as_array().is_none_or(|known| !known.is_empty()) => {
                return Err(format!(
                    "{name} works at Anthropic only. Leave it out, or choose a provider of that kind."
                ));
            }
            "mcp_servers" | "container" => {}
            name if ONLY_ANTHROPICS.contains(&name) => {}
            _ => drop(chat.insert(name.clone(), value.clone())),
        }
    }
    if fields.get("stream") == Some(&Value::Bool(true)) {
        chat.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    }
    let format = [&message["output_config"]["format"], &message["output_format"]];
    if let Some(format) = format.into_iter().find(|format| format["schema"].is_object()) {
        let schema = json!({ "name": SCHEMA_NAME, "schema": format["schema"], "strict": true });
        chat.insert("response_format".to_owned(), json!({ "type": "json_schema", "json_schema": schema }));
    }
    chat.insert("messages".to_owned(), conversation(message)?.into());
    let tools = tools(&message["tools"])?;
    if !tools.is_empty() {
        chat.insert("tools".to_owned(), tools.into());
        let choice = &message["tool_choice"];
        if let Some(choice) = tool_choice(choice) {
            chat.insert("tool_choice".to_owned(), choice);
        }
        if choice["disable_parallel_tool_use"] == true {
            chat.insert("parallel_tool_calls".to_owned(), json!(false));
        }
    }
    Ok(chat.into())
}

fn tools(offered: &Value) -> Result<Vec<Value>, String> {
    let offered = offered.as_array().map(Vec::as_slice).unwrap_or_default();
    let tools = offered.iter().map(|tool| {
        if !matches!(tool["type"].as_str(), None | Some("custom")) {
            return Err(format!(
                "a tool of the type {} exists at Anthropic only. Offer tools with a name and an input_schema.",
                tool["type"]
            ));
        }
        let mut function = json!({ "name": tool["name"], "parameters": tool["input_schema"] });
        for name in ["description", "strict"] {
            if let Some(value) = tool.get(name).filter(|value| !value.is_null()) {
                function[name] = value.clone();
            }
        }
        Ok(json!({ "type": "function", "function": function }))
    });
    tools.collect()
}

fn tool_choice(choice: &Value) -> Option<Value> {
    Some(match choice["type"].as_str()? {
        "none" => json!("none"),
        "any" => json!("required"),
        "tool" => json!({ "type": "function", "function": { "name": choice["name"] } }),
        _ => json!("auto"),
    })
}

fn conversation(message: &Value) -> Result<Vec<Value>, String> {
    let mut messages = Vec::new();
    let system = plain(&message["system"]);
    if !system.trim().is_empty() {
        messages.push(json!({ "role": "system", "content": system }));
    }
    for turn in message["messages"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let whole = json!([{ "type": "text", "text": turn["content"] }]);
        let content = if turn["content"].is_string() { &whole } else { &turn["content"] };
        let blocks = content.as_array().map(Vec::as_slice).unwrap_or_default();
        match turn["role"].as_str().unwrap_or_default() {
            "assistant" => messages.extend(said_and_called(blocks)),
            "system" => messages.push(json!({ "role": "system", "content": plain(content) })),
            _ => answered_and_asked(blocks, &mut messages)?,
        }
    }
    Ok(messages)
}

/// A turn of the model. Its thoughts are signed for Anthropic alone, and no model reads another's.
fn said_and_called(blocks: &[Value]) -> Option<Value> {
    let of = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
    let text: String = of("text").filter_map(|block| block["text"].as_str()).collect();
    let calls: Vec<Value> = of("tool_use")
        .map(|call| {
            let arguments = super::super::anthropic::arguments(&call["input"]);
            json!({ "id": call["id"], "type": "function", "function": { "name": call["name"], "arguments": arguments } })
        })
        .collect();
    if calls.is_empty() {
        return (!text.is_empty()).then(|| json!({ "role": "assistant", "content": text }));
    }
    let content = if text.is_empty() { Value::Null } else { json!(text) };
    Some(json!({ "role": "assistant", "content": content, "tool_calls": calls }))
}

/// A turn of the project: what its tools answered, each a message of its own, and what is asked besides.
fn answered_and_asked(blocks: &[Value], messages: &mut Vec<Value>) -> Result<(), String> {
    let mut parts = Vec::new();
    for block in blocks {
        if block["type"] != "tool_result" {
            parts.extend(part(block)?);
            continue;
        }
        let mut content = plain(&block["content"]);
        if block["is_error"] == true && !content.starts_with("Error") {
            content.insert_str(0, "Error: ");
        }
        messages.push(json!({ "role": "tool", "tool_call_id": block["tool_use_id"], "content": content }));
        // On this wire a tool answers in words; a picture of its follows them.
        for inner in block["content"].as_array().into_iter().flatten().filter(|inner| inner["type"] == "image") {
            parts.extend(part(inner)?);
        }
    }
    match parts.as_slice() {
        [] => {}
        [one] if one["type"] == "text" => messages.push(json!({ "role": "user", "content": one["text"] })),
        _ => messages.push(json!({ "role": "user", "content": parts })),
    }
    Ok(())
}

/// A block as a part of a message; a blank text is none.
fn part(block: &Value) -> Result<Option<Value>, String> {
    let text = |text: &str| (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text }));
    let source = &block["source"];
    Ok(match (block["type"].as_str().unwrap_or("text"), source["type"].as_str().unwrap_or_default()) {
        ("text", _) => text(block["text"].as_str().unwrap_or_default()),
        ("image", "base64" | "url") => Some(json!({ "type": "image_url", "image_url": { "url": address(source) } })),
        ("document", "base64") => {
            let name = block["title"].as_str().unwrap_or("document.pdf");
            Some(json!({ "type": "file", "file": { "filename": name, "file_data": address(source) } }))
        }
        ("document", "text") => text(source["data"].as_str().unwrap_or_default()),
        ("document", "content") => text(&plain(&source["content"])),
        ("search_result", _) => text(&plain(&block["content"])),
        (kind, "") => return Err(format!("its wire has no place for a block of the type {kind}. Leave it out.")),
        (kind, source) => {
            return Err(format!(
                "its wire has no place for a block of the type {kind} whose source is of the type {source}. Send its content."
            ));
        }
    })
}

/// Where the bytes of a source are, or they themselves (RFC 2397).
fn address(source: &Value) -> String {
    let text = |name: &str| source[name].as_str().unwrap_or_default().to_owned();
    match source["type"].as_str() {
        Some("base64") => format!("data:{};base64,{}", text("media_type"), text("data")),
        _ => text("url"),
    }
}
