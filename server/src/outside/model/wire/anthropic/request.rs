//! A request for a chat completion as a request for a message.

use serde_json::{Map, Value, json};

/// Tokens of an answer when the request sets no limit: this API wants one. Every current model allows it.
const USUAL_MAX_TOKENS: u64 = 8_192;

/// Fields that only OpenAI has: what they ask for is a detail, or answered in another way.
const ONLY_OPENAIS: [&str; 17] = [
    "stream_options",
    "n",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "store",
    "reasoning_effort",
    "verbosity",
    "modalities",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
];

/// The field in which an object holds what a model wrote instead of one.
const MALFORMED: &str = "malformed_arguments";

/// Translates a request.
///
/// # Errors
/// What cannot be said on this wire, as a sentence.
pub(in super::super) fn request(chat: &Value) -> Result<Value, String> {
    let Some(fields) = chat.as_object() else {
        return Err("the request is not a JSON object.".to_owned());
    };
    let mut message = Map::new();
    for (name, value) in fields {
        match name.as_str() {
            "messages" | "tools" | "tool_choice" | "parallel_tool_calls" | "max_tokens" | "max_completion_tokens" => {}
            "stop" => drop(message.insert("stop_sequences".to_owned(), stops(value))),
            // OpenAI's goes to 2, this one to 1.
            "temperature" => {
                let known = value.as_f64().map_or(value.clone(), |known| json!(known.min(1.0)));
                message.insert(name.clone(), known);
            }
            "user" => drop(message.insert("metadata".to_owned(), json!({ "user_id": value }))),
            // OpenAI's metadata are any pairs; this API has one known field.
            "metadata" if value.get("user_id").is_none() => {}
            "response_format" => {
                if let Some(format) = format(value)? {
                    // Anthropic's own field may stand beside OpenAI's.
                    let mut config = fields.get("output_config").filter(|known| known.is_object()).cloned();
                    config.get_or_insert_with(|| json!({}))["format"] = format;
                    message.insert("output_config".to_owned(), config.into());
                }
            }
            "output_config" if message.contains_key("output_config") => {}
            name if ONLY_OPENAIS.contains(&name) => {}
            _ => drop(message.insert(name.clone(), value.clone())),
        }
    }
    message.retain(|_, value| !value.is_null());
    let limit = ["max_completion_tokens", "max_tokens"].iter().find_map(|name| fields.get(*name)?.as_u64());
    message.insert("max_tokens".to_owned(), json!(limit.unwrap_or(USUAL_MAX_TOKENS)));
    let (system, messages) = conversation(fields.get("messages").unwrap_or(&Value::Null))?;
    if !system.is_empty() {
        message.insert("system".to_owned(), json!(system));
    }
    message.insert("messages".to_owned(), messages.into());
    let tools = tools(fields.get("tools").unwrap_or(&Value::Null));
    if !tools.is_empty() {
        message.insert("tools".to_owned(), tools.into());
        if let Some(choice) = tool_choice(fields) {
            message.insert("tool_choice".to_owned(), choice);
        }
    }
    Ok(message.into())
}

/// The form of an answer. Models that know no forms refuse it themselves.
fn format(response_format: &Value) -> Result<Option<Value>, String> {
    match response_format["type"].as_str() {
        None | Some("text") => Ok(None),
        Some("json_schema") if response_format["json_schema"]["schema"].is_object() => {
            Ok(Some(json!({ "type": "json_schema", "schema": response_format["json_schema"]["schema"] })))
        }
        Some(kind) => Err(format!(
            "its wire has no response_format of the type {kind}. Send a json_schema with its schema, or offer a tool whose parameters are the schema and ask for it with tool_choice."
        )),
    }
}

fn stops(stop: &Value) -> Value {
    match stop {
        Value::String(one) => json!([one]),
        other => other.clone(),
    }
}

fn tools(offered: &Value) -> Vec<Value> {
    let offered = offered.as_array().map(Vec::as_slice).unwrap_or_default();
    let tools = offered.iter().map(|tool| {
        let function = &tool["function"];
        if !function.is_object() {
            // One of Anthropic's own, which runs there.
            return tool.clone();
        }
        let mut translated = json!({ "name": function["name"], "input_schema": schema(&function["parameters"]) });
        if let Some(description) = function["description"].as_str().filter(|text| !text.is_empty()) {
            translated["description"] = json!(description);
        }
        translated
    });
    tools.collect()
}

/// A schema that says that it is an object, as this API requires.
fn schema(parameters: &Value) -> Value {
    let mut schema = if parameters.is_object() { parameters.clone() } else { json!({}) };
    schema["type"] = json!("object");
    schema
}

fn tool_choice(fields: &Map<String, Value>) -> Option<Value> {
    let one_at_a_time = fields.get("parallel_tool_calls") == Some(&Value::Bool(false));
    let mut choice = match fields.get("tool_choice") {
        Some(Value::String(word)) if word == "none" => return Some(json!({ "type": "none" })),
        Some(Value::String(word)) if word == "required" => json!({ "type": "any" }),
        Some(named) if named["function"]["name"].is_string() => {
            json!({ "type": "tool", "name": named["function"]["name"] })
        }
        Some(Value::String(_)) => json!({ "type": "auto" }),
        _ if one_at_a_time => json!({ "type": "auto" }),
        _ => return None,
    };
    if one_at_a_time {
        choice["disable_parallel_tool_use"] = json!(true);
    }
    Some(choice)
}

/// The system's words, and the turns: neighbours of the same side are one turn, so that the results of
/// calls that were made together come back together, as this API requires.
fn conversation(messages: &Value) -> Result<(String, Vec<Value>), String> {
    let mut system = Vec::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages.as_array().map(Vec::as_slice).unwrap_or_default() {
        let (side, content) = match message["role"].as_str().unwrap_or_default() {
            "system" | "developer" => {
                system.extend(Some(plain(&message["content"])).filter(|text| !text.trim().is_empty()));
                continue;
            }
            "assistant" => ("assistant", said_and_called(message)?),
            "tool" => ("user", vec![result(message)]),
            _ => ("user", blocks(&message["content"])?),
        };
        match turns.last_mut() {
            _ if content.is_empty() => {}
            Some((last, known)) if *last == side => known.extend(content),
            _ => turns.push((side, content)),
        }
    }
    for (side, content) in &mut turns {
        if *side == "user" {
            // Results stand before anything else that is said in the same turn.
            content.sort_by_key(|block| block["type"] != "tool_result");
        }
    }
    let turns = turns.into_iter().map(|(side, content)| json!({ "role": side, "content": content }));
    Ok((system.join("\n\n"), turns.collect()))
}

fn result(message: &Value) -> Value {
    json!({
        "type": "tool_result",
        "tool_use_id": message["tool_call_id"],
        "content": plain(&message["content"]),
    })
}

fn said_and_called(message: &Value) -> Result<Vec<Value>, String> {
    let mut content = blocks(&message["content"])?;
    for call in message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default() {
        content.push(json!({
            "type": "tool_use",
            "id": call["id"],
            "name": call["function"]["name"],
            "input": input(&call["function"]["arguments"]),
        }));
    }
    Ok(content)
}

/// The arguments of a call as an object. What a model wrote that is no JSON object is kept in one.
pub(crate) fn input(arguments: &Value) -> Value {
    match arguments {
        Value::Object(_) => arguments.clone(),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(object @ Value::Object(_)) => object,
            _ if matches!(text.trim(), "" | "null") => json!({}),
            _ => json!({ MALFORMED: text }),
        },
        _ => json!({}),
    }
}

/// The arguments of a call as the model wrote them.
pub(crate) fn arguments(input: &Value) -> String {
    let malformed =
        input.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.get(MALFORMED)?.as_str());
    match malformed.filter(|text| !matches!(serde_json::from_str(text), Ok(Value::Object(_)))) {
        Some(text) => text.to_owned(),
        None if input.is_object() => input.to_string(),
        None => "{}".to_owned(),
    }
}

/// The text of a content, without what is no text.
pub(in super::super) fn plain(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

/// A content as blocks; empty texts are none, since this API refuses them.
fn blocks(content: &Value) -> Result<Vec<Value>, String> {
    match content {
        Value::String(text) if text.trim().is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![json!({ "type": "text", "text": text })]),
        Value::Array(parts) => {
            let blocks: Result<Vec<Option<Value>>, String> = parts.iter().map(block).collect();
            Ok(blocks?.into_iter().flatten().collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn block(part: &Value) -> Result<Option<Value>, String> {
    let kind = part["type"].as_str().unwrap_or("text");
    let mut block = match kind {
        "text" | "refusal" => {
            let text = part["text"].as_str().or_else(|| part["refusal"].as_str()).unwrap_or_default();
            if text.trim().is_empty() {
                return Ok(None);
            }
            json!({ "type": "text", "text": text })
        }
        "image_url" => {
            let address = part["image_url"]["url"].as_str().or_else(|| part["image_url"].as_str()).unwrap_or_default();
            json!({ "type": "image", "source": source(address) })
        }
        "file" if part["file"]["file_data"].is_string() => {
            json!({ "type": "document", "source": source(part["file"]["file_data"].as_str().unwrap_or_default()) })
        }
        other => return Err(format!("its wire has no place for a part of the type {other}. Leave it out.")),
    };
    if part["cache_control"].is_object() {
        block["cache_control"] = part["cache_control"].clone();
    }
    Ok(Some(block))
}

/// What an address says: the data in it (RFC 2397), or where they are.
fn source(address: &str) -> Value {
    let inline = address.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => json!({ "type": "base64", "media_type": media_type, "data": data }),
        None => json!({ "type": "url", "url": address }),
    }
}
