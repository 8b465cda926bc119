//! A double of Anthropic's Messages API (versions 2023-06-01 and 2026-10-21), for tests: real HTTP on 127.0.0.1, answers by
//! a script, and as strict with requests as the published contract is. It is not Anthropic's software.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// The key that it knows.
pub const KEY: &str = "sk-ant-canary-0123456789";
/// The model that it has.
pub const MODEL: &str = "claude-double-1";

/// What the double does with one request.
#[derive(Clone, Debug)]
pub enum Saying {
    /// Says a text.
    Text(&'static str),
    /// Says a text and calls tools: names and inputs.
    Calls(&'static str, Vec<(&'static str, Value)>),
    /// Thinks before it calls tools, and wants its thoughts back.
    Thinks(&'static str, Vec<(&'static str, Value)>),
    /// Answers in one body, although it was asked for a stream.
    Plain(&'static str),
    /// Refuses, with a status and one of its error types.
    Refuses(u16, &'static str),
    /// Says a text and then that it has too much to do.
    Overloaded(&'static str),
    /// Says a text and hangs up.
    Cut(&'static str),
}

/// The double.
pub struct FakeAnthropic {
    /// Its address, without `/v1`.
    pub url: String,
    script: Arc<Script>,
}

struct Script {
    sayings: Mutex<VecDeque<Saying>>,
    requests: Mutex<Vec<Value>>,
    heads: Mutex<Vec<HeaderMap>>,
}

impl FakeAnthropic {
    /// Starts a double that says these in turn; the last one for ever.
    pub async fn start(sayings: Vec<Saying>) -> Self {
        let script = Arc::new(Script {
            sayings: Mutex::new(sayings.into()),
            requests: Mutex::default(),
            heads: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/messages", post(message))
            .route("/v1/messages/count_tokens", post(count))
            .route("/v1/models", get(models))
            .fallback(|| async { refusal(404, "not_found_error", "Not found") })
            .with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script }
    }

    /// The bodies of the messages that it was asked for and accepted.
    pub fn requests(&self) -> Vec<Value> {
        self.script.requests.lock().unwrap().clone()
    }

    /// The headers of every question.
    pub fn heads(&self) -> Vec<HeaderMap> {
        self.script.heads.lock().unwrap().clone()
    }
}

fn refusal(status: u16, kind: &str, message: &str) -> Response {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
    (StatusCode::from_u16(status).unwrap(), [("retry-after", "0")], Json(body)).into_response()
}

/// What every request must have.
fn head_fault(headers: &HeaderMap) -> Option<Response> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if text("x-api-key") != KEY {
        return Some(refusal(401, "authentication_error", &format!("invalid x-api-key {}", text("x-api-key"))));
    }
    (!matches!(text("anthropic-version"), "2023-06-01" | "2026-10-21"))
        .then(|| refusal(400, "invalid_request_error", "anthropic-version: header is required"))
}

async fn models(headers: HeaderMap) -> Response {
    head_fault(&headers).unwrap_or_else(|| {
        let model =
            json!({"type": "model", "id": MODEL, "display_name": "The double", "created_at": "2026-01-01T00:00:00Z"});
        Json(json!({"data": [model], "has_more": false, "first_id": MODEL, "last_id": MODEL})).into_response()
    })
}

/// What is wrong with a request, as far as the contract says it.
fn body_fault(request: &Value) -> Option<String> {
    if request["max_tokens"].as_u64().is_none_or(|limit| limit == 0) {
        return Some("max_tokens: Field required".to_owned());
    }
    if ["stream_options", "n", "tool_calls"].iter().any(|name| request.get(*name).is_some()) {
        return Some("Extra inputs are not permitted".to_owned());
    }
    for tool in request["tools"].as_array().into_iter().flatten() {
        // A tool of Anthropic's own has no schema.
        if tool["type"].as_str().is_some_and(|kind| kind != "custom") {
            continue;
        }
        if tool["name"].as_str().is_none() || tool["input_schema"]["type"] != "object" {
            return Some("tools.0.input_schema.type: Field required".to_owned());
        }
    }
    let format = &request["output_config"]["format"];
    if !format.is_null()
        && (format["type"] != "json_schema" || !format["schema"].is_object() || !format["name"].is_null())
    {
        return Some("output_config.format.schema: Field required".to_owned());
    }
    let Some(messages) = request["messages"].as_array().filter(|messages| !messages.is_empty()) else {
        return Some("messages: at least one message is required".to_owned());
    };
    if messages[0]["role"] != "user" {
        return Some("messages: first message must use the \"user\" role".to_owned());
    }
    let mut open: HashSet<&str> = HashSet::new();
    for (place, message) in messages.iter().enumerate() {
        if !matches!(message["role"].as_str(), Some("user" | "assistant")) {
            return Some(format!("messages.{place}.role: Input should be 'user' or 'assistant'"));
        }
        let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        if blocks.iter().any(|block| block["type"] == "text" && block["text"].as_str().is_none_or(str::is_empty)) {
            return Some("messages: text content blocks must be non-empty".to_owned());
        }
        let ids = |kind: &str, field: &str| -> HashSet<&str> {
            blocks.iter().filter(|block| block["type"] == kind).filter_map(|block| block[field].as_str()).collect()
        };
        if message["role"] == "user" && ids("tool_result", "tool_use_id") != open {
            return Some(format!(
                "messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after"
            ));
        }
        let thinks = request["thinking"]["type"] == "enabled";
        if thinks && !ids("tool_use", "id").is_empty() && blocks[0]["type"] != "thinking" {
            return Some(format!(
                "messages.{place}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{}`",
                blocks[0]["type"].as_str().unwrap_or_default()
            ));
        }
        open = ids("tool_use", "id");
    }
    None
}

async fn count(headers: HeaderMap, body: Bytes) -> Response {
    head_fault(&headers).unwrap_or_else(|| Json(json!({"input_tokens": body.len()})).into_response())
}

async fn message(State(script): State<Arc<Script>>, headers: HeaderMap, body: Bytes) -> Response {
    script.heads.lock().unwrap().push(headers.clone());
    if let Some(refused) = head_fault(&headers) {
        return refused;
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    if let Some(fault) = body_fault(&request) {
        return refusal(400, "invalid_request_error", &fault);
    }
    if request["model"] != MODEL {
        return refusal(404, "not_found_error", &format!("model: {}", request["model"].as_str().unwrap_or_default()));
    }
    let streams = request["stream"] == true;
    let number = {
        let mut requests = script.requests.lock().unwrap();
        requests.push(request);
        requests.len()
    };
    let saying = {
        let mut sayings = script.sayings.lock().unwrap();
        if sayings.len() > 1 { sayings.pop_front().unwrap() } else { sayings[0].clone() }
    };
    let mut streams = streams;
    let mut thoughts = Vec::new();
    if let Saying::Thinks(..) = saying {
        thoughts.push(json!({"type": "thinking", "thinking": "Hm, let me think.", "signature": "signed"}));
    }
    let (text, calls, end) = match saying {
        Saying::Refuses(status, kind) => return refusal(status, kind, "Said by the double."),
        Saying::Text(text) => (text, Vec::new(), End::Whole),
        Saying::Plain(text) => {
            streams = false;
            (text, Vec::new(), End::Whole)
        }
        Saying::Calls(text, calls) | Saying::Thinks(text, calls) => (text, calls, End::Whole),
        Saying::Overloaded(text) => (text, Vec::new(), End::Overloaded),
        Saying::Cut(text) => (text, Vec::new(), End::Cut),
    };
    let mut blocks = thoughts;
    blocks.push(json!({"type": "text", "text": text}));
    blocks.extend(calls.iter().enumerate().map(|(place, (name, input))| {
        json!({"type": "tool_use", "id": format!("toolu_{number}_{place}"), "name": name, "input": input})
    }));
    blocks.retain(|block| block["text"] != "");
    let stop_reason = if calls.is_empty() { "end_turn" } else { "tool_use" };
    if streams { streamed(&blocks, stop_reason, end) } else { whole(&blocks, stop_reason) }
}

enum End {
    Whole,
    Overloaded,
    Cut,
}

fn whole(blocks: &[Value], stop_reason: &str) -> Response {
    Json(json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": blocks,
        "stop_reason": stop_reason, "stop_sequence": null,
        "usage": {"input_tokens": 20, "cache_read_input_tokens": 5, "output_tokens": 9},
    }))
    .into_response()
}

fn streamed(blocks: &[Value], stop_reason: &str, end: End) -> Response {
    let mut events = vec![json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": [], "stop_reason": null,
        "usage": {"input_tokens": 20, "cache_read_input_tokens": 5, "output_tokens": 1},
    }})];
    for (index, block) in blocks.iter().enumerate() {
        let mut begun = block.clone();
        let written = match block["type"].as_str() {
            Some("text") => {
                begun["text"] = json!("");
                block["text"].as_str().unwrap().to_owned()
            }
            Some("thinking") => {
                begun["thinking"] = json!("");
                begun["signature"] = json!("");
                block["thinking"].as_str().unwrap().to_owned()
            }
            _ => {
                begun["input"] = json!({});
                if block["input"] == json!({}) { String::new() } else { block["input"].to_string() }
            }
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": begun}));
        events.push(json!({"type": "ping"}));
        let letters: Vec<char> = written.chars().collect();
        for piece in letters.chunks(5) {
            let piece: String = piece.iter().collect();
            let delta = match block["type"].as_str() {
                Some("text") => json!({"type": "text_delta", "text": piece}),
                Some("thinking") => json!({"type": "thinking_delta", "thinking": piece}),
                _ => json!({"type": "input_json_delta", "partial_json": piece}),
            };
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        if block["type"] == "thinking" {
            let delta = json!({"type": "signature_delta", "signature": block["signature"]});
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    match end {
        End::Whole => {
            events.push(json!({"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": null}, "usage": {"output_tokens": 9}}));
            events.push(json!({"type": "message_stop"}));
        }
        End::Overloaded => {
            events.push(json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}));
        }
        End::Cut => {}
    }
    let events: Vec<Result<String, Infallible>> = events
        .into_iter()
        .map(|event| Ok(format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())))
        .collect();
    ([("content-type", "text/event-stream; charset=utf-8")], Body::from_stream(futures::stream::iter(events)))
        .into_response()
}
