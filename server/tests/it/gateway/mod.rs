//! The gateway, asked as a project asks it: with the token of a run that is under way.

mod clients;
mod hold;
mod messages;
mod pass;
mod spans;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use gantry_domain::api::job::JobKind;
use gantry_server::app::App;
use gantry_server::gateway;
use gantry_server::jobs::{JobContext, JobFailure, Outcome, Work};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::support::stories::{project, start};
use crate::support::{Answer, Persona, TestApp};

/// The work of a run that opens the gateway and leaves the rest to the test.
struct Door {
    tokens: mpsc::UnboundedSender<String>,
    leave: Arc<Notify>,
}

#[async_trait::async_trait]
impl Work for Door {
    fn kind(&self) -> JobKind {
        JobKind::Run
    }

    async fn run(&self, app: &App, job: &JobContext) -> Result<Outcome, JobFailure> {
        let run_id = job.subject_id().unwrap();
        let token = gateway::open(app, job, run_id, &[]).await?;
        self.tokens.send(token.expose_secret().to_owned()).unwrap();
        tokio::select! {
            () = job.cancelled().cancelled() => Err(JobFailure::cancelled()),
            () = self.leave.notified() => Ok(Outcome::Done(Value::Null)),
        }
    }
}

/// A run that is under way, and its token.
pub(super) struct Run {
    pub(super) id: Uuid,
    pub(super) job: Uuid,
    pub(super) token: String,
    pub(super) leave: Arc<Notify>,
}

impl Run {
    /// Starts a run of a project with this spec.
    pub(super) async fn start(test: &TestApp, admin: &Persona<'_>, spec: &Value, body: Value) -> Self {
        let (tokens, mut given) = mpsc::unbounded_channel();
        let leave = Arc::new(Notify::new());
        let project = project(&test.app, spec).await;
        let (id, job) = start(admin, project, body).await;
        test.start_workers_on(vec![Box::new(Door { tokens, leave: leave.clone() })]).await;
        let token = given.recv().await.unwrap();
        Self { id, job, token, leave }
    }

    /// Asks the gateway, and reads the answer to its end.
    pub(super) async fn ask(&self, test: &TestApp, path: &str, body: Value) -> Answer {
        ask(test, &self.token, path, body.to_string()).await
    }

    /// Asks with a conversation of one message and these tools.
    pub(super) async fn chat(&self, test: &TestApp, tools: &[&str], stream: bool) -> Answer {
        self.ask(test, "chat/completions", conversation(tools, stream)).await
    }
}

/// A request with one message and these tools.
pub(super) fn conversation(tools: &[&str], stream: bool) -> Value {
    let tools: Vec<Value> = tools
        .iter()
        .map(|name| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}))
        .collect();
    json!({"model": "theirs", "messages": [{"role": "user", "content": "go"}], "tools": tools, "stream": stream})
}

/// Asks the gateway with a token.
pub(super) async fn ask(test: &TestApp, token: &str, path: &str, body: String) -> Answer {
    let request = Request::post(format!("/gateway/v1/{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap();
    test.anonymous().raw(request).await
}

/// The JSON of a stream's events.
pub(super) fn events(answer: &Answer) -> Vec<Value> {
    let text = answer.text();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// What the calls of a stream of chunks come to: ids, names and arguments.
pub(super) fn calls(answer: &Answer) -> Vec<(String, String, String)> {
    let mut found: Vec<(String, String, String)> = Vec::new();
    for event in events(answer) {
        for call in event["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let place = call["index"].as_u64().unwrap() as usize;
            if found.len() <= place {
                found.resize(place + 1, Default::default());
            }
            let known = &mut found[place];
            known.0.push_str(&text(&call["id"]));
            known.1.push_str(&text(&call["function"]["name"]));
            known.2.push_str(&text(&call["function"]["arguments"]));
        }
    }
    found
}

/// The text of a stream of chunks.
pub(super) fn text(answer: &Answer) -> String {
    events(answer).iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}
