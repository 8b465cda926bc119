//! A run as A2A's `Task`.

use gantry_domain::Timestamp;
use gantry_domain::api::approval::{Approval, ApprovalDecision};
use gantry_domain::api::job::JobState;
use gantry_domain::api::run::Run;
use gantry_domain::event::EventBody;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::approval;
use crate::error::Result;

/// The id of the artifact that is the agent's answer.
pub(super) const ANSWER: &str = "answer";

/// A task as it stands. `history` is how many messages of it are wanted; all when left out.
pub(super) async fn of(app: &App, run: &Run, history: Option<i64>) -> Result<Value> {
    let mut task = json!({ "id": run.id, "contextId": context_of(run), "status": status(app, run).await? });
    if let Some(output) = &run.output {
        task["artifacts"] = json!([artifact(output)]);
    }
    if history != Some(0) {
        let said = message(run, &format!("{}-input", run.id), "ROLE_USER", json!([{ "text": run.input }]));
        task["history"] = json!([said]);
    }
    Ok(task)
}

/// The context of a task: its chat, or the run itself.
pub(super) fn context_of(run: &Run) -> Uuid {
    run.session_id.unwrap_or(run.id)
}

/// A2A's `TaskStatus`.
pub(super) async fn status(app: &App, run: &Run) -> Result<Value> {
    let at = run.finished_at.or(run.started_at).unwrap_or(run.created_at);
    let said = match run.state {
        JobState::Waiting => Some(question(run, &waiting(app, run).await?)),
        JobState::Failed | JobState::Cancelled => run.reason.as_ref().map(|reason| {
            let parts = json!([{ "text": reason.message }, { "data": { "code": reason.code } }]);
            message(run, &format!("{}-reason", run.id), "ROLE_AGENT", parts)
        }),
        _ => None,
    };
    Ok(status_of(run.state, at, said))
}

pub(super) fn status_of(state: JobState, at: Timestamp, said: Option<Value>) -> Value {
    let mut status = json!({ "state": word(state), "timestamp": at.to_string() });
    if let Some(said) = said {
        status["message"] = said;
    }
    status
}

fn word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "TASK_STATE_SUBMITTED",
        JobState::Running => "TASK_STATE_WORKING",
        JobState::Waiting => "TASK_STATE_INPUT_REQUIRED",
        JobState::Done => "TASK_STATE_COMPLETED",
        JobState::Failed => "TASK_STATE_FAILED",
        JobState::Cancelled => "TASK_STATE_CANCELED",
    }
}

/// The calls of a task that wait for a person.
pub(super) async fn waiting(app: &App, run: &Run) -> Result<Vec<Approval>> {
    if run.state != JobState::Waiting {
        return Ok(Vec::new());
    }
    let held = approval::of_run(&app.db, run.id).await?;
    Ok(held.into_iter().filter(|held| held.decision == ApprovalDecision::Pending).collect())
}

/// Whether a run began to wait for a person with this.
pub(super) fn is_wait(body: &EventBody) -> bool {
    matches!(body, EventBody::JobState { state: JobState::Waiting, .. })
}

/// What a person is asked: in words, and as data that says how to answer.
fn question(run: &Run, waiting: &[Approval]) -> Value {
    let tools: Vec<&str> = waiting.iter().map(|held| held.tool.as_str()).collect();
    let text = format!("May {} run? Answer with approve or deny.", tools.join(", "));
    let asked: Vec<Value> = waiting
        .iter()
        .map(|held| {
            json!({
                "interruptId": held.id,
                "tool": held.tool,
                "effect": held.effect,
                "arguments": held.arguments,
                "expiresAt": held.expires_at,
            })
        })
        .collect();
    let id = waiting.first().map_or(run.id, |held| held.id);
    message(run, &id.to_string(), "ROLE_AGENT", json!([{ "text": text }, { "data": { "interrupts": asked } }]))
}

/// A2A's `Message`, in the context of a task.
pub(super) fn message(run: &Run, id: &str, role: &str, parts: Value) -> Value {
    json!({ "messageId": id, "contextId": context_of(run), "taskId": run.id, "role": role, "parts": parts })
}

/// The agent's answer, whole.
pub(super) fn artifact(text: &str) -> Value {
    json!({ "artifactId": ANSWER, "name": ANSWER, "parts": [{ "text": text, "mediaType": "text/plain" }] })
}
