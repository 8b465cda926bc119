//! A stand-in for a model's endpoint, for tests: real HTTP on 127.0.0.1, answers by a script.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use serde_json::{Value, json};

/// What the endpoint does with one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Streams a text.
    Text(&'static str),
    /// Streams calls of tools: name and arguments, as the model wrote them.
    Calls(Vec<(&'static str, &'static str)>),
    /// Streams words with a pause before each.
    Slow(Vec<&'static str>, Duration),
    /// Streams a text and closes the connection before the end.
    Truncated(&'static str),
    /// Answers in one JSON body.
    Plain(&'static str),
    /// Says nothing.
    Silent,
    /// Refuses, with headers and a body.
    Status(u16, Vec<(&'static str, &'static str)>, String),
    /// Answers with this body and type.
    Raw(&'static str, &'static str),
}

/// The endpoint.
pub struct FakeModel {
    /// Its base URL.
    pub url: String,
    script: Arc<Script>,
}

/// What to answer to a request.
type Answering = Box<dyn Fn(&Value) -> Reply + Send + Sync>;

#[derive(Default)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    answering: Option<Answering>,
    requests: Mutex<Vec<Value>>,
    keys: Mutex<Vec<String>>,
    heads: Mutex<Vec<(String, HeaderMap)>>,
}

impl FakeModel {
    /// Starts an endpoint that gives these replies in turn; the last one is given for ever.
    pub async fn start(replies: Vec<Reply>) -> Self {
        Self::play(Script { replies: Mutex::new(replies.into()), ..Script::default() }).await
    }

    /// Starts an endpoint whose replies follow from the request: for agents that ask at the same time.
    pub async fn answering(answer: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        Self::play(Script { answering: Some(Box::new(answer)), ..Script::default() }).await
    }

    async fn play(script: Script) -> Self {
        let script = Arc::new(script);
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/v1/responses", post(complete))
            .route("/v1/embeddings", post(complete))
            // Azure OpenAI's paths: one for each deployment, and its v1 API.
            .route("/openai/deployments/{deployment}/chat/completions", post(complete))
            .route("/openai/deployments/{deployment}/embeddings", post(complete))
            .route("/openai/responses", post(complete))
            .route("/openai/v1/chat/completions", post(complete))
            .route("/v1/models", get(|| async { axum::Json(json!({"data": [{"id": "fake-1"}]})) }))
            .with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script }
    }

    /// The bodies that were received.
    pub fn requests(&self) -> Vec<Value> {
        self.script.requests.lock().unwrap().clone()
    }

    /// The paths with their queries at which it was asked, and the headers.
    pub fn heads(&self) -> Vec<(String, HeaderMap)> {
        self.script.heads.lock().unwrap().clone()
    }

    /// The `Authorization` headers that were received.
    pub fn keys(&self) -> Vec<String> {
        self.script.keys.lock().unwrap().clone()
    }
}

async fn complete(State(script): State<Arc<Script>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let reply = match &script.answering {
        Some(answer) => answer(&request),
        None => {
            let mut replies = script.replies.lock().unwrap();
            if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() }
        }
    };
    let streams = request["stream"] == true;
    script.requests.lock().unwrap().push(request);
    let key = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    script.keys.lock().unwrap().push(key.to_owned());
    script.heads.lock().unwrap().push((uri.to_string(), headers));
    let usage = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake-1", "choices": [],
                       "usage": {"prompt_tokens": 11, "completion_tokens": 7}});
    let end = |reason: &str| {
        let mut last = delta(json!({}));
        last["choices"][0]["finish_reason"] = json!(reason);
        vec![last, usage.clone()]
    };
    match reply {
        Reply::Text(text) if !streams => {
            axum::Json(whole(json!({"role": "assistant", "content": text}))).into_response()
        }
        Reply::Calls(calls) if !streams => {
            let calls = calls.iter().enumerate().map(|(index, (name, arguments))| {
                json!({"id": format!("call_{index}"), "type": "function",
                       "function": {"name": name, "arguments": arguments}})
            });
            let calls: Vec<Value> = calls.collect();
            axum::Json(whole(json!({"role": "assistant", "content": null, "tool_calls": calls}))).into_response()
        }
        Reply::Text(text) => stream(words(text).into_iter().chain(end("stop")).collect(), Duration::ZERO, true),
        Reply::Slow(texts, pause) => {
            let chunks = texts.iter().map(|text| delta(json!({"content": text}))).chain(end("stop"));
            stream(chunks.collect(), pause, true)
        }
        Reply::Truncated(text) => stream(words(text), Duration::ZERO, false),
        Reply::Calls(calls) => {
            let mut chunks = Vec::new();
            for (index, (name, arguments)) in calls.iter().enumerate() {
                // The ids come again in every turn, as some endpoints do it.
                let id = format!("call_{index}");
                chunks.push(delta(json!({"tool_calls": [{"index": index, "id": id, "type": "function",
                    "function": {"name": name, "arguments": ""}}]})));
                let (first, second) = arguments.split_at(arguments.len() / 2);
                for piece in [first, second] {
                    chunks.push(delta(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})));
                }
            }
            stream(chunks.into_iter().chain(end("tool_calls")).collect(), Duration::ZERO, true)
        }
        Reply::Plain(text) => axum::Json(json!({
            "object": "chat.completion",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2},
        }))
        .into_response(),
        Reply::Silent => {
            std::future::pending::<()>().await;
            unreachable!()
        }
        Reply::Status(status, headers, body) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Reply::Raw(kind, body) => ([("content-type", kind)], body).into_response(),
    }
}

/// An answer to a request that asks for no stream.
fn whole(message: Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "fake-1",
           "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
}

fn delta(delta: Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake-1",
           "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn words(text: &str) -> Vec<Value> {
    text.split_inclusive(' ').map(|word| delta(json!({"content": word}))).collect()
}

fn stream(chunks: Vec<Value>, pause: Duration, complete: bool) -> Response {
    let mut events: Vec<String> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    if complete {
        events.push("data: [DONE]\n\n".to_owned());
    }
    let body = futures::stream::iter(events).then(move |event| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, Infallible>(event)
    });
    ([("content-type", "text/event-stream")], Body::from_stream(body)).into_response()
}
