//! `POST /v1/chat/completions` and `GET /v1/models`: any client of OpenAI's chat completions talks to any
//! agent (OpenAI API reference, "Chat" and "Models").
//!
//! The model's name is the agent's: a project's name, with `@` and a model provider behind it where there
//! are several. Tools are the agent's own and are called here, so a client sees text only. While an agent
//! with several parts works, what the parts say is sent as `reasoning_content`, as several servers do, and
//! its answer as `content`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Router, middleware};
use futures::StreamExt;
use futures::stream::BoxStream;
use gantry_domain::Timestamp;
use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::job::JobState;
use gantry_domain::api::run::{PermissionMode, Run};
use gantry_domain::api::token::Scope;
use gantry_domain::event::EventBody;
use gantry_domain::matrix::Pattern;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{self, StopWhenLeft};
use super::conversation::Content;
use super::{Conversation, Said, Speaker};
use crate::app::App;
use crate::error::{Error, ProblemBody, Result};
use crate::http::{Json, Path};
use crate::identity::{Actor, Standing};
use crate::jobs::log::Entry;
use crate::outside::model::error_body;
use crate::project;
use crate::{provider, run, runtime};

/// How often a stream in which nobody says anything says that it is alive: an approval may take minutes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long an answer without a stream is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(900);

/// Tells OpenAI's clients not to send a request again by themselves: an agent may have done something.
const DO_NOT_RETRY: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));

/// The routes, at the root of the server; who asks is resolved by a layer around them.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v1/models", get(models))
        .route("/v1/models/{model}", get(model))
        .route("/v1/{*rest}", any(|| async { Error::not_found("route") }))
}

/// Puts problems into the form that OpenAI's clients read.
pub(crate) async fn errors_as_openai_has_them(request: axum::extract::Request, next: middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let Some(ProblemBody(problem)) = response.extensions_mut().remove::<ProblemBody>() else { return response };
    let kind = match problem.status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    let field = problem.errors.first().map(|fault| fault.path.trim_start_matches('/').replace('/', "."));
    let message = problem.errors.first().map_or(problem.detail, |fault| fault.message.clone());
    let code = problem.errors.first().map_or(problem.code, |fault| fault.code.clone());
    let body = error_body(kind, code, &message, field.as_deref());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = body.to_string().into();
    response
}

/// What is asked for. Fields that tell a model how to speak (`temperature` and its like) are taken and not
/// used: how an agent's model is asked is in its spec.
#[derive(Deserialize)]
struct CompletionRequest {
    model: String,
    messages: Vec<RequestMessage>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    n: Option<u64>,
    #[serde(default)]
    tools: Option<Vec<Value>>,
    #[serde(default)]
    functions: Option<Vec<Value>>,
    #[serde(default)]
    response_format: Option<Value>,
    /// `gantry_mode`: `safe`, `ask` or `dev`.
    #[serde(default)]
    metadata: Option<Value>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct RequestMessage {
    role: String,
    #[serde(default)]
    content: Option<Content>,
}

impl CompletionRequest {
    /// Refuses what would be silently without effect.
    fn check(&self) -> Result<()> {
        let refuse = |path: &str, message: &str| Err(Error::invalid(path, "unsupported_parameter", message));
        if self.n.is_some_and(|count| count > 1) {
            return refuse("/n", "An agent gives one answer: leave n out.");
        }
        if [&self.tools, &self.functions].into_iter().flatten().any(|list| !list.is_empty()) {
            return refuse("/tools", "An agent calls its own tools: leave tools and functions out.");
        }
        let format = self.response_format.as_ref().and_then(|format| format["type"].as_str());
        if format.is_some_and(|kind| kind != "text") {
            return refuse("/response_format", "An agent answers as its spec says: leave response_format out.");
        }
        Ok(())
    }

    fn mode(&self) -> Result<PermissionMode> {
        let Some(word) = self.metadata.as_ref().map(|data| &data["gantry_mode"]).filter(|word| !word.is_null()) else {
            return Ok(PermissionMode::default());
        };
        serde_json::from_value(word.clone())
            .map_err(|_| Error::invalid("/metadata/gantry_mode", "invalid_value", "Expected safe, ask or dev."))
    }

    fn take_conversation(&mut self) -> Result<Conversation> {
        let mut said = Vec::with_capacity(self.messages.len());
        for (index, message) in std::mem::take(&mut self.messages).into_iter().enumerate() {
            let by = Speaker::of_role(&message.role).ok_or_else(|| {
                Error::invalid(
                    format!("/messages/{index}/role"),
                    "unsupported_role",
                    "Expected system, developer, user or assistant: an agent calls its tools itself.",
                )
            })?;
            let text = match message.content {
                Some(content) => content.into_text(&format!("/messages/{index}/content"))?,
                None => String::new(),
            };
            said.push(Said { by, text });
        }
        Conversation::of(said)
    }
}

async fn complete(
    State(app): State<App>,
    actor: Actor,
    standing: Standing,
    Json(mut request): Json<CompletionRequest>,
) -> Result<Response> {
    actor.require(Scope::Write)?;
    request.check()?;
    let (name, choice) = match request.model.split_once('@') {
        Some((name, choice)) => (name, Some(choice)),
        None => (request.model.as_str(), None),
    };
    let project = project::find(&app.db, name).await.map_err(|error| match error.code() {
        "not_found" => Error::new(
            StatusCode::NOT_FOUND,
            "model_not_found",
            format!("There is no agent {name:?} here. GET /v1/models lists them."),
        ),
        _ => error,
    })?;
    let choice = call::choose_model(&app, choice, "/model").await?;
    let mode = request.mode()?;
    let conversation = request.take_conversation()?;
    let accepted = call::start(&app, &actor, &project, conversation, mode, choice).await?;
    let reading = Reading {
        // First of all: from here on, whoever leaves stops the run.
        guard: StopWhenLeft::new(&app, accepted.job_id),
        entries: call::listen(&app, accepted.job_id, 0, standing).await?,
        run_id: accepted.id,
        head: Head { id: format!("chatcmpl-{}", accepted.id), created: seconds(app.db.now()), model: request.model },
        include_usage: request.stream_options.is_some_and(|options| options.include_usage),
        is_one_voice: matches!(project.spec.target.pattern, Pattern::Single | Pattern::React),
        app,
        message: String::new(),
        has_begun: false,
        ready: VecDeque::new(),
        is_over: false,
    };
    if request.stream != Some(true) {
        return whole(reading).await;
    }
    let events = futures::stream::unfold(reading, |mut reading| async move {
        let event = reading.next().await?;
        Some((Ok::<_, Infallible>(event), reading))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// What every piece of an answer carries.
struct Head {
    id: String,
    created: i64,
    model: String,
}

/// An answer on its way out.
struct Reading {
    app: App,
    entries: BoxStream<'static, Arc<Entry>>,
    guard: StopWhenLeft,
    run_id: Uuid,
    head: Head,
    include_usage: bool,
    /// Whether one agent speaks, so that what it says is the answer.
    is_one_voice: bool,
    /// The text of the message that was sent last as an answer.
    message: String,
    /// Whether any of the answer was sent.
    has_begun: bool,
    ready: VecDeque<SseEvent>,
    is_over: bool,
}

/// How a run came out for its caller.
enum Outcome {
    Answered(Box<Run>),
    Failed { code: String, message: String },
}

impl Reading {
    /// The next event of the stream; none after the last.
    async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            match self.entries.next().await {
                Some(entry) => self.take(&entry.event.body),
                None => self.finish().await,
            }
        }
    }

    fn take(&mut self, body: &EventBody) {
        let EventBody::RunEvent { event, .. } = body else { return };
        match event {
            AgUiEvent::TextMessageStart { .. } => {
                if self.is_one_voice {
                    if !self.message.is_empty() {
                        self.delta(json!({ "content": "\n\n" }));
                    }
                    self.message.clear();
                } else if self.has_begun {
                    self.delta(json!({ "reasoning_content": "\n\n" }));
                }
            }
            AgUiEvent::TextMessageContent { delta, .. } if self.is_one_voice => {
                self.message.push_str(delta);
                self.delta(json!({ "content": delta }));
            }
            AgUiEvent::TextMessageContent { delta, .. } => self.delta(json!({ "reasoning_content": delta })),
            _ => {}
        }
    }

    /// What follows when the log has no more.
    async fn finish(&mut self) {
        self.is_over = true;
        let run = match self.outcome().await {
            Outcome::Answered(run) => run,
            Outcome::Failed { code, message } => {
                let error = error_body("agent_error", code, &message, None);
                self.ready.push_back(SseEvent::default().data(error.to_string()));
                return;
            }
        };
        let output = run.output.as_deref().unwrap_or_default();
        if output != self.message {
            let gap = if self.message.is_empty() { "" } else { "\n\n" };
            self.delta(json!({ "content": format!("{gap}{output}") }));
        }
        self.chunk(json!({}), json!("stop"));
        if self.include_usage {
            let mut last = self.head.object("chat.completion.chunk");
            last["choices"] = json!([]);
            last["usage"] = usage(&run);
            self.ready.push_back(SseEvent::default().data(last.to_string()));
        }
        self.ready.push_back(SseEvent::default().data("[DONE]"));
    }

    async fn outcome(&mut self) -> Outcome {
        let failed = |code: &str, message: String| Outcome::Failed { code: code.to_owned(), message };
        let run = match run::get(&self.app.db, self.run_id).await {
            Ok(run) => run,
            Err(error) => return failed(error.code(), error.detail().to_owned()),
        };
        if run.state.is_final() {
            self.guard.keep();
        }
        match run.state {
            JobState::Done => Outcome::Answered(Box::new(run)),
            JobState::Cancelled => failed("cancelled", "The run was stopped before the agent answered.".to_owned()),
            JobState::Failed => match run.reason {
                Some(reason) => failed(&reason.code, reason.message),
                None => failed("failed", "The run failed.".to_owned()),
            },
            _ => failed(
                "interrupted",
                "The server stops, or your token works no more. Look at the run in Gantry before you ask again."
                    .to_owned(),
            ),
        }
    }

    fn delta(&mut self, mut delta: Value) {
        if !std::mem::replace(&mut self.has_begun, true) {
            delta["role"] = json!("assistant");
        }
        self.chunk(delta, Value::Null);
    }

    fn chunk(&mut self, delta: Value, finish_reason: Value) {
        let mut chunk = self.head.object("chat.completion.chunk");
        chunk["choices"] = json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason }]);
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        self.ready.push_back(SseEvent::default().data(chunk.to_string()));
    }
}

impl Head {
    fn object(&self, kind: &str) -> Value {
        json!({ "id": self.id, "object": kind, "created": self.created, "model": self.model })
    }
}

/// The answer at once, when the run is over.
async fn whole(mut reading: Reading) -> Result<Response> {
    let until_over = async { while reading.entries.next().await.is_some() {} };
    if tokio::time::timeout(LONGEST_WAIT, until_over).await.is_err() {
        let message =
            "The agent did not answer within 15 minutes and was stopped. Ask with \"stream\": true for long work.";
        return Err(refusal("answer_too_slow", message));
    }
    match reading.outcome().await {
        Outcome::Answered(run) => {
            let mut answer = reading.head.object("chat.completion");
            let message = json!({ "role": "assistant", "content": run.output, "refusal": null });
            answer["choices"] = json!([{ "index": 0, "message": message, "logprobs": null, "finish_reason": "stop" }]);
            answer["usage"] = usage(&run);
            Ok(axum::Json(answer).into_response())
        }
        Outcome::Failed { code, message } => {
            // Codes of runs are made at run time; the code of a problem is one of the program's own.
            let body = error_body("agent_error", code, &message, None);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, [DO_NOT_RETRY], axum::Json(body)).into_response())
        }
    }
}

fn refusal(code: &'static str, message: &str) -> Error {
    Error::new(StatusCode::UNPROCESSABLE_ENTITY, code, message).with_header(DO_NOT_RETRY.0, DO_NOT_RETRY.1)
}

fn usage(run: &Run) -> Value {
    let (input, output) = (run.usage.input_tokens, run.usage.output_tokens);
    json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output })
}

fn seconds(at: Timestamp) -> i64 {
    at.micros() / 1_000_000
}

/// Lists the agents as models: with each provider's name where there are several.
async fn models(State(app): State<App>, actor: Actor) -> Result<axum::Json<Value>> {
    actor.require(Scope::Read)?;
    let providers = provider::names(&app.db).await?;
    let choices: Vec<String> = match providers.as_slice() {
        [_] => vec![String::new()],
        many => many.iter().map(|(_, name)| format!("@{name}")).collect(),
    };
    let rehearsal = format!("@{}", runtime::rehearsal::NAME);
    let data: Vec<Value> = project::names(&app.db)
        .await?
        .iter()
        .flat_map(|agent| {
            let choices = choices.iter().chain([&rehearsal]);
            choices.map(|choice| described(&format!("{}{choice}", agent.name), agent.created_at)).collect::<Vec<_>>()
        })
        .collect();
    Ok(axum::Json(json!({ "object": "list", "data": data })))
}

/// Describes one agent as a model.
async fn model(State(app): State<App>, actor: Actor, Path(model): Path<String>) -> Result<axum::Json<Value>> {
    actor.require(Scope::Read)?;
    let (name, choice) = model.split_once('@').map_or((model.as_str(), None), |(name, choice)| (name, Some(choice)));
    let project = project::find(&app.db, name).await?;
    if choice.is_some() {
        call::choose_model(&app, choice, "/model").await?;
    }
    Ok(axum::Json(described(&model, project.summary.created_at)))
}

fn described(id: &str, created: Timestamp) -> Value {
    json!({ "id": id, "object": "model", "created": seconds(created), "owned_by": "gantry" })
}
