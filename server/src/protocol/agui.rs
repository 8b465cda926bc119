//! `POST /api/v1/agents/{project}/agui`: an agent for whoever speaks AG-UI 1.0 (`RunAgentInput` in, events
//! as server-sent events out; the schemas ship with npm's `@ag-ui/core`).
//!
//! A tool call that waits for a person ends the run with an interrupt; the next request answers it in
//! `resume`, and the same run goes on under the request's new id.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream::BoxStream;
use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::approval::DecideApproval;
use gantry_domain::api::project::Project;
use gantry_domain::api::run::PermissionMode;
use gantry_domain::api::token::Scope;
use gantry_domain::event::EventBody;
use serde::Deserialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::call::{self, StopWhenLeft};
use super::conversation::Content;
use super::{Conversation, Said, Speaker};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::{Json, Path};
use crate::identity::{Actor, Standing};
use crate::jobs::log::Entry;
use crate::{approval, project, run};

/// How often a quiet stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(run_agent))
}

/// A request to run an agent: AG-UI's `RunAgentInput`.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct RunAgentInput {
    /// The conversation, as the caller calls it; comes back in the events.
    thread_id: String,
    /// This run, as the caller calls it; comes back in the events.
    run_id: String,
    /// The conversation so far, in order.
    messages: Vec<RunMessage>,
    /// Tools of the caller's. Agents call their own: must be empty.
    #[serde(default)]
    tools: Vec<Value>,
    /// What the caller wants the agent to know.
    #[serde(default)]
    context: Vec<RunContext>,
    /// `{"gantry":{"model":"provider/model","mode":"safe|ask|dev"}}`; both may be left out.
    #[serde(default)]
    forwarded_props: Option<ForwardedProperties>,
    /// Answers to the interrupts that the run before ended with.
    #[serde(default)]
    resume: Vec<ResumeEntry>,
}

/// A message of a conversation.
#[derive(Deserialize, utoipa::ToSchema)]
struct RunMessage {
    /// `user`, `assistant`, `system`, `developer`; others are what the agent did itself and are passed over.
    role: String,
    /// What was said.
    #[serde(default)]
    content: Option<Content>,
}

/// Something to know.
#[derive(Deserialize, utoipa::ToSchema)]
struct RunContext {
    /// What it is.
    description: String,
    /// Its value.
    value: String,
}

/// What is meant for the server.
#[derive(Default, Deserialize, utoipa::ToSchema)]
struct ForwardedProperties {
    /// What is meant for Gantry.
    #[serde(default)]
    gantry: RunChoice,
}

/// Who answers, and what tools may do.
#[derive(Default, Deserialize, utoipa::ToSchema)]
struct RunChoice {
    /// A model provider's name, with `/` and a model behind it if it is not the default one, or `rehearsal`; the
    /// only provider when left out.
    #[serde(default)]
    model: Option<String>,
    /// What tools may do without asking; `ask` when left out.
    #[serde(default)]
    mode: PermissionMode,
}

/// An answer to an interrupt.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct ResumeEntry {
    /// The interrupt.
    interrupt_id: String,
    /// Whether it was answered.
    status: ResumeStatus,
    /// `{"approved":true}`, with `arguments` to use in place of the model's.
    #[serde(default)]
    payload: Option<ResumePayload>,
}

/// Whether an interrupt was answered.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum ResumeStatus {
    /// It was: the payload says how.
    Resolved,
    /// It was abandoned: the call is denied.
    Cancelled,
}

/// A person's decision.
#[derive(Deserialize, utoipa::ToSchema)]
struct ResumePayload {
    /// Whether the call may go ahead.
    approved: bool,
    /// Arguments in place of the model's.
    #[serde(default)]
    arguments: Option<Value>,
}

/// Runs an agent for a client of AG-UI. `{project}` is its id or its name. The answer is a stream of AG-UI's
/// events; closing it stops the run.
#[utoipa::path(post, path = "/agents/{project}/agui", tag = "agents", params(("project" = String, Path)),
    request_body = RunAgentInput, responses((status = OK, content_type = "text/event-stream", body = AgUiEvent)))]
async fn run_agent(
    State(app): State<App>,
    actor: Actor,
    standing: Standing,
    Path(project): Path<String>,
    Json(input): Json<RunAgentInput>,
) -> Result<Response> {
    actor.require(Scope::Write)?;
    let project = project::find(&app.db, &project).await?;
    if !input.tools.is_empty() {
        return Err(Error::invalid("/tools", "tools_unsupported", "An agent calls its own tools: leave tools empty."));
    }
    let (thread_id, run_id) = (input.thread_id.clone(), input.run_id.clone());
    let (job_id, after) = if input.resume.is_empty() {
        (begin(&app, &actor, &project, input).await?, 0)
    } else {
        resume(&app, &actor, &project, &input.resume).await?
    };
    let reading = Reading {
        // First of all: from here on, whoever leaves stops the run.
        guard: StopWhenLeft::new(&app, job_id),
        entries: call::listen(&app, job_id, after, standing).await?,
        thread_id,
        run_id,
        has_begun: false,
        is_over: false,
        ready: VecDeque::new(),
    };
    let events = futures::stream::unfold(reading, |mut reading| async move {
        let event = reading.next().await?;
        Some((Ok::<_, Infallible>(event), reading))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// Starts a run for a conversation; its job.
async fn begin(app: &App, actor: &Actor, project: &Project, input: RunAgentInput) -> Result<Uuid> {
    let known = input.context.into_iter().map(|known| format!("{}: {}", known.description, known.value));
    let mut said: Vec<Said> = known.map(|text| Said { by: Speaker::Caller, text }).collect();
    for (index, message) in input.messages.into_iter().enumerate() {
        let Some(by) = Speaker::of_role(&message.role) else { continue };
        // An agent that only called a tool said nothing.
        let Some(content) = message.content else { continue };
        let text = content.into_text(&format!("/messages/{index}/content"))?;
        if by != Speaker::Agent || !text.is_empty() {
            said.push(Said { by, text });
        }
    }
    let conversation = Conversation::of(said)?;
    let wanted = input.forwarded_props.unwrap_or_default().gantry;
    let choice = call::choose_model(app, wanted.model.as_deref(), "/forwardedProps/gantry/model").await?;
    Ok(call::start(app, actor, project, conversation, wanted.mode, choice).await?.job_id)
}

/// Decides what a run asked; its job, and what of its log was told before.
async fn resume(app: &App, actor: &Actor, project: &Project, answers: &[ResumeEntry]) -> Result<(Uuid, i64)> {
    let unknown = |index: usize| {
        Error::invalid(
            format!("/resume/{index}/interruptId"),
            "interrupt_unknown",
            "Expected the id of an interrupt of this agent, all of one run.",
        )
    };
    let mut decisions = Vec::with_capacity(answers.len());
    let mut asked_by = None;
    for (index, answer) in answers.iter().enumerate() {
        let id = answer.interrupt_id.parse::<Uuid>().map_err(|_| unknown(index))?;
        let held = approval::find(&app.db, id).await?.ok_or_else(|| unknown(index))?;
        if *asked_by.get_or_insert(held.run_id) != held.run_id {
            return Err(unknown(index));
        }
        let decision = match (answer.status, &answer.payload) {
            (ResumeStatus::Cancelled, _) => DecideApproval { approve: false, arguments: None },
            (ResumeStatus::Resolved, Some(payload)) => {
                DecideApproval { approve: payload.approved, arguments: payload.arguments.clone() }
            }
            (ResumeStatus::Resolved, None) => {
                return Err(Error::invalid(
                    format!("/resume/{index}/payload"),
                    "payload_missing",
                    "Expected {\"approved\": true} or {\"approved\": false}.",
                ));
            }
        };
        decisions.push((id, decision));
    }
    let run_id = asked_by.ok_or_else(|| unknown(0))?;
    let run = run::get(&app.db, run_id).await?;
    if run.project_id != project.summary.id {
        return Err(unknown(0));
    }
    let told = app.jobs.log().history(run.job_id).await?;
    let after = told.iter().rev().find(|event| is_interrupt(&event.body)).map_or(0, |event| event.seq);
    for (id, decision) in decisions {
        approval::decide(app, id, &decision, &actor.name).await?;
    }
    Ok((run.job_id, after))
}

fn is_interrupt(body: &EventBody) -> bool {
    matches!(body, EventBody::RunEvent { event: AgUiEvent::RunFinished { outcome: Some(outcome), .. }, .. }
        if outcome["type"] == "interrupt")
}

/// A run on its way out.
struct Reading {
    entries: BoxStream<'static, Arc<Entry>>,
    guard: StopWhenLeft,
    thread_id: String,
    run_id: String,
    has_begun: bool,
    is_over: bool,
    ready: VecDeque<AgUiEvent>,
}

impl Reading {
    /// The next event of the stream; none after the one that ends a run.
    async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                let json = serde_json::to_string(&event).unwrap_or_default();
                return Some(SseEvent::default().data(json));
            }
            if self.is_over {
                return None;
            }
            match self.entries.next().await {
                Some(entry) => self.take(&entry.event.body),
                None => self.finish(AgUiEvent::RunError {
                    message:
                        "The server stops, or your token works no more. Look at the run in Gantry before you ask again."
                            .to_owned(),
                    code: Some("interrupted".to_owned()),
                }),
            }
        }
    }

    fn take(&mut self, body: &EventBody) {
        match body {
            EventBody::RunEvent { event, .. } => self.pass(event.clone()),
            // A job that ended before its run began.
            EventBody::JobState { reason, .. } if body.is_last() => {
                self.guard.keep();
                let reason = reason.clone();
                self.finish(AgUiEvent::RunError {
                    message: reason.as_ref().map_or("The run was stopped.", |reason| &reason.message).to_owned(),
                    code: Some(reason.map_or_else(|| "cancelled".to_owned(), |reason| reason.code)),
                });
            }
            _ => {}
        }
    }

    /// Passes an event on under the caller's names.
    fn pass(&mut self, event: AgUiEvent) {
        match event {
            AgUiEvent::RunStarted { .. } => self.begin(),
            AgUiEvent::RunFinished { outcome, .. } => {
                self.guard.keep();
                self.finish(AgUiEvent::RunFinished {
                    thread_id: self.thread_id.clone(),
                    run_id: self.run_id.clone(),
                    outcome,
                });
            }
            AgUiEvent::RunError { .. } => {
                self.guard.keep();
                self.finish(event);
            }
            event => {
                self.begin();
                self.ready.push_back(event);
            }
        }
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.ready.push_back(AgUiEvent::RunStarted {
                thread_id: self.thread_id.clone(),
                run_id: self.run_id.clone(),
                protocol_version: "1.0".to_owned(),
            });
        }
    }

    fn finish(&mut self, last: AgUiEvent) {
        self.begin();
        self.ready.push_back(last);
        self.is_over = true;
    }
}
