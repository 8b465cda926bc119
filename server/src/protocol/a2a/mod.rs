//! A2A 1.0 (Agent2Agent, JSON-RPC binding): agents for other people's agents. A task is a run, its context a
//! chat, so what is said there is known in its next turn. The wire is that of the specification's protobuf as
//! JSON, as the official Python package `a2a-sdk` speaks it; A2A before 1.0 is not spoken.
//!
//! `/a2a/{project}` is one agent, `/a2a` the instance, which passes on to the agent that the request names.
//! What a task looks like is in [`task`], how it is watched in [`reading`], what the cards say in [`card`].

mod card;
mod reading;
mod request;
mod task;

use std::convert::Infallible;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use gantry_domain::api::approval::DecideApproval;
use gantry_domain::api::job::JobState;
use gantry_domain::api::project::Project;
use gantry_domain::api::run::Run;
use gantry_domain::api::session::{CreateSession, ModelChoice, UpdateSession};
use gantry_domain::api::token::Scope;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call;
use crate::app::App;
use crate::error::Result;
use crate::http::Path;
use crate::identity::{Actor, AskedAt, Standing};
use crate::{approval, project, run, session};

use reading::{KEEP_ALIVE, Reading};
use request::{Answers, SendParams, TaskParams};

/// The routes, at the root of the server; who asks is resolved by a layer around them.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/.well-known/agent-card.json", get(card::of_instance))
        .route("/a2a", post(instance))
        .route("/a2a/{project}", post(agent))
        .route("/a2a/{project}/.well-known/agent-card.json", get(card::of_agent))
}

/// A request that is refused: a code of JSON-RPC or A2A, and a sentence.
#[derive(Debug)]
pub(super) struct Refused {
    code: i64,
    /// A2A's word for the code.
    reason: &'static str,
    message: String,
    /// Gantry's stable code, where a problem is behind it.
    problem: Option<&'static str>,
}

impl Refused {
    fn new(code: i64, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), problem: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(-32_602, "INVALID_PARAMS", message)
    }

    fn unsupported(message: impl Into<String>) -> Self {
        Self::new(-32_004, "UNSUPPORTED_OPERATION", message)
    }

    fn no_task() -> Self {
        Self::new(-32_001, "TASK_NOT_FOUND", "There is no such task of this agent.")
    }

    fn body(&self) -> Value {
        let info = json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.reason,
            "domain": "a2a-protocol.org",
            "metadata": self.problem.map_or_else(|| json!({}), |code| json!({ "code": code })),
        });
        json!({ "code": self.code, "message": self.message, "data": [info] })
    }
}

impl From<crate::error::Error> for Refused {
    fn from(error: crate::error::Error) -> Self {
        let status = error.status().as_u16();
        let (code, reason) = match status {
            500.. => (-32_603, "INTERNAL_ERROR"),
            409 => (-32_004, "UNSUPPORTED_OPERATION"),
            _ => (-32_602, "INVALID_PARAMS"),
        };
        Self { code, reason, message: error.detail().to_owned(), problem: Some(error.code()) }
    }
}

/// One agent.
async fn agent(
    State(app): State<App>,
    actor: Actor,
    standing: Standing,
    Path(project): Path<String>,
    AskedAt(address): AskedAt,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let project = project::find(&app.db, &project).await?;
    Call { app, actor, standing, address, version: version_of(&headers), of: Some(project) }.answer(&body).await
}

/// The instance.
async fn instance(
    State(app): State<App>,
    actor: Actor,
    standing: Standing,
    AskedAt(address): AskedAt,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    Call { app, actor, standing, address, version: version_of(&headers), of: None }.answer(&body).await
}

/// The version of A2A that is spoken; empty when nobody says.
fn version_of(headers: &HeaderMap) -> String {
    headers.get("a2a-version").and_then(|version| version.to_str().ok()).unwrap_or_default().to_owned()
}

/// A request to be answered.
struct Call {
    app: App,
    actor: Actor,
    standing: Standing,
    /// Where the caller has reached the server.
    address: String,
    version: String,
    /// The agent that is asked; none where the request names it.
    of: Option<Project>,
}

/// What a request is answered with.
enum Answer {
    Result(Value),
    Stream(Box<Reading>),
}

#[derive(serde::Deserialize)]
struct RpcRequest {
    jsonrpc: String,
    method: String,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    params: Value,
}

impl Call {
    async fn answer(self, body: &[u8]) -> Result<Response> {
        let request: RpcRequest = match parse(body) {
            Ok(request) => request,
            Err(refused) => return Ok(refusal(&Value::Null, &refused)),
        };
        let id = if request.id.is_string() || request.id.is_number() { request.id } else { Value::Null };
        self.actor.require(scope_of(&request.method))?;
        match self.result(&request.method, request.params).await {
            Ok(Answer::Result(result)) => Ok(axum::Json(enveloped(&id, &result)).into_response()),
            Ok(Answer::Stream(reading)) => {
                let events = futures::stream::unfold(*reading, move |mut reading| {
                    let id = id.clone();
                    async move {
                        let event = reading.next().await?;
                        let told = SseEvent::default().data(enveloped(&id, &event).to_string());
                        Some((Ok::<_, Infallible>(told), reading))
                    }
                });
                Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
            }
            Err(refused) => Ok(refusal(&id, &refused)),
        }
    }

    async fn result(self, method: &str, params: Value) -> std::result::Result<Answer, Refused> {
        let version = &self.version;
        if !version.is_empty() && version != "1" && !version.starts_with("1.") {
            let message = format!("A2A {version:?} is not spoken here: expected 1.0.");
            return Err(Refused::new(-32_009, "VERSION_NOT_SUPPORTED", message));
        }
        match method {
            "SendMessage" => self.send(read(params)?).await,
            "SendStreamingMessage" => {
                let params: SendParams = read(params)?;
                let Some((run, after)) = self.begin(&params).await? else {
                    let found = card::choice(&self.app).await?;
                    return Ok(Answer::Stream(Box::new(Reading::of_message(found))));
                };
                let Self { app, standing, .. } = self;
                Ok(Answer::Stream(Box::new(Reading::of_run(app, run, after, standing).await?)))
            }
            "GetTask" => {
                let params: TaskParams = read(params)?;
                let run = self.task(&params.id).await?;
                Ok(Answer::Result(task::of(&self.app, &run, params.history_length).await?))
            }
            "CancelTask" => self.cancel(read(params)?).await,
            "SubscribeToTask" => {
                let params: TaskParams = read(params)?;
                let run = self.task(&params.id).await?;
                if run.state.is_final() {
                    return Err(Refused::unsupported("The task is over: GetTask has what came of it."));
                }
                // One that waits is told as that at once; of another is told what came since it last waited.
                let waits = i64::from(run.state == JobState::Waiting);
                let after = self.last_wait(&run).await? - waits;
                let Self { app, standing, .. } = self;
                Ok(Answer::Stream(Box::new(Reading::of_run(app, run, after, standing).await?)))
            }
            "GetExtendedAgentCard" if self.of.is_none() => {
                Ok(Answer::Result(card::extended(&self.app, &self.address).await?))
            }
            "GetExtendedAgentCard" => {
                Err(Refused::new(-32_007, "EXTENDED_AGENT_CARD_NOT_CONFIGURED", "This agent's card has all there is."))
            }
            "ListTasks" => Err(Refused::unsupported("Tasks are not listed here: keep a task's id, or look in Gantry.")),
            other if other.contains("PushNotification") => Err(no_push()),
            other => Err(Refused::new(
                -32_601,
                "METHOD_NOT_FOUND",
                format!(
                    "There is no method {:?}: expected one of A2A 1.0, such as SendMessage.",
                    other.chars().take(60).collect::<String>()
                ),
            )),
        }
    }

    /// Answers when the task is over or waits for a person.
    async fn send(self, params: SendParams) -> std::result::Result<Answer, Refused> {
        let Some((run, after)) = self.begin(&params).await? else {
            return Ok(Answer::Result(json!({ "message": card::choice(&self.app).await? })));
        };
        if !params.configuration.return_immediately {
            reading::until_it_stands(&self.app, &run, after, self.standing).await?;
        }
        let run = run::get(&self.app.db, run.id).await?;
        let task = task::of(&self.app, &run, params.configuration.history_length).await?;
        Ok(Answer::Result(json!({ "task": task })))
    }

    /// Begins the run of a message, or decides what its task waits for: the run, and what of its log is old.
    /// None when the message does not say which agent is asked.
    async fn begin(&self, params: &SendParams) -> std::result::Result<Option<(Run, i64)>, Refused> {
        if params.configuration.task_push_notification_config.is_some() {
            return Err(no_push());
        }
        params.check()?;
        if let Some(id) = params.message.task_id() {
            return Ok(Some(self.go_on(id, params).await?));
        }
        let named;
        let project = match (&self.of, params.agent()) {
            (Some(project), _) => project,
            (None, Some(name)) => {
                named = project::find(&self.app.db, name).await.map_err(|error| match error.code() {
                    "not_found" => Refused::invalid(format!("There is no agent {name:?} here.")),
                    _ => error.into(),
                })?;
                &named
            }
            (None, None) => return Ok(None),
        };
        let text = params.message.text()?;
        run::check_input("/params/message", &text)?;
        let session_id = self.context(project, params).await?;
        let accepted = session::say(&self.app, session_id, text, self.actor.name.clone()).await?;
        Ok(Some((run::get(&self.app.db, accepted.id).await?, 0)))
    }

    /// The chat that a message belongs to.
    async fn context(&self, project: &Project, params: &SendParams) -> std::result::Result<Uuid, Refused> {
        let wanted = params.wanted()?;
        let place = "/params/metadata/gantry/model";
        let Some(id) = params.message.context_id() else {
            let choice = call::choose_model(&self.app, wanted.model.as_deref(), place).await?;
            let body = CreateSession {
                mode: wanted.mode.unwrap_or_default(),
                provider_id: choice.provider_id,
                model: choice.model,
                ..CreateSession::default()
            };
            return Ok(session::create(&self.app, project.summary.id, &body, &self.actor.name).await?.id);
        };
        let unknown = || Refused::invalid("There is no such context of this agent. Leave contextId out to begin one.");
        let id = id.parse::<Uuid>().map_err(|_| unknown())?;
        let known = session::get(&self.app.db, id).await.map_err(|_| unknown())?;
        if known.project_id != project.summary.id {
            return Err(unknown());
        }
        let model = match wanted.model.as_deref() {
            None => None,
            named => {
                let choice = call::choose_model(&self.app, named, place).await?;
                Some(ModelChoice { provider_id: choice.provider_id, model: choice.model })
            }
        };
        if model.is_some() || wanted.mode.is_some() {
            let change = UpdateSession { mode: wanted.mode, model, ..UpdateSession::default() };
            session::update(&self.app, id, &change).await?;
        }
        Ok(id)
    }

    /// Decides about the calls that a task waits with.
    async fn go_on(&self, id: &str, params: &SendParams) -> std::result::Result<(Run, i64), Refused> {
        let run = self.task(id).await?;
        let waiting = task::waiting(&self.app, &run).await?;
        if waiting.is_empty() {
            return Err(Refused::unsupported(
                "The task waits for nothing: begin another in its context, without taskId.",
            ));
        }
        let after = self.last_wait(&run).await?;
        let decisions: Vec<(Uuid, DecideApproval)> = match params.message.answers()? {
            Answers::All(approve) => {
                waiting.iter().map(|held| (held.id, DecideApproval { approve, arguments: None })).collect()
            }
            Answers::Some(answers) => answers,
        };
        if decisions.iter().any(|(id, _)| waiting.iter().all(|held| held.id != *id)) {
            return Err(Refused::invalid("The task does not wait for a decision with this interruptId."));
        }
        for (id, decision) in &decisions {
            approval::decide(&self.app, *id, decision, &self.actor.name).await?;
        }
        Ok((run, after))
    }

    /// Where in its log a run began to wait for a person last; 0 when it never did.
    async fn last_wait(&self, run: &Run) -> std::result::Result<i64, Refused> {
        let log = self.app.jobs.log().history(run.job_id).await.map_err(crate::error::Error::from)?;
        Ok(log.iter().rev().find(|event| task::is_wait(&event.body)).map_or(0, |event| event.seq))
    }

    /// A task of this agent; of any where the request came to the instance.
    async fn task(&self, id: &str) -> std::result::Result<Run, Refused> {
        let id = id.parse::<Uuid>().map_err(|_| Refused::no_task())?;
        let run = run::get(&self.app.db, id).await.map_err(|error| match error.code() {
            "not_found" => Refused::no_task(),
            _ => error.into(),
        })?;
        match &self.of {
            Some(project) if project.summary.id != run.project_id => Err(Refused::no_task()),
            _ => Ok(run),
        }
    }

    async fn cancel(self, params: TaskParams) -> std::result::Result<Answer, Refused> {
        let run = self.task(&params.id).await?;
        let over = || Refused::new(-32_002, "TASK_NOT_CANCELABLE", "The task is over: there is nothing to cancel.");
        if run.state.is_final() {
            return Err(over());
        }
        self.app.jobs.cancel(run.job_id).await.map_err(|error| match error.status().as_u16() {
            409 => over(),
            _ => error.into(),
        })?;
        reading::until_cancelled(&self.app, &run, self.standing).await?;
        let run = run::get(&self.app.db, run.id).await?;
        Ok(Answer::Result(task::of(&self.app, &run, Some(0)).await?))
    }
}

/// What a caller must be allowed to do.
fn scope_of(method: &str) -> Scope {
    match method {
        "SendMessage" | "SendStreamingMessage" | "CancelTask" => Scope::Write,
        _ => Scope::Read,
    }
}

fn no_push() -> Refused {
    Refused::new(
        -32_003,
        "PUSH_NOTIFICATION_NOT_SUPPORTED",
        "Nothing is pushed from here: use SendStreamingMessage or SubscribeToTask.",
    )
}

fn parse(body: &[u8]) -> std::result::Result<RpcRequest, Refused> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Refused::new(-32_700, "PARSE_ERROR", format!("Expected a JSON document: {error}.")))?;
    let request: Option<RpcRequest> = serde_json::from_value(value).ok();
    request.filter(|request| request.jsonrpc == "2.0").ok_or_else(|| {
        Refused::new(-32_600, "INVALID_REQUEST", "Expected one JSON-RPC 2.0 request with a method; no batch.")
    })
}

fn read<T: DeserializeOwned>(params: Value) -> std::result::Result<T, Refused> {
    serde_json::from_value(params).map_err(|error| Refused::invalid(format!("The params cannot be read: {error}.")))
}

fn enveloped(id: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn refusal(id: &Value, refused: &Refused) -> Response {
    axum::Json(json!({ "jsonrpc": "2.0", "id": id, "error": refused.body() })).into_response()
}
