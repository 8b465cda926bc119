//! One turn of a chat as people see it, folded from the events of its run.
//!
//! Folding is pure and exact: the same events give the same turn, whether they arrive live, from a
//! page of the log, or both. What is on the screen is made from it elsewhere.

use gantry_domain::Timestamp;
use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::approval::{Approval, ApprovalDecision};
use gantry_domain::api::job::JobState;
use gantry_domain::api::run::Run;
use gantry_domain::event::{Event, EventBody, JobReason, Usage};
use serde::Deserialize;
use serde_json::Value;

use super::timeline::{TimelineEntry, note};
use crate::parts::markdown::GrowingText;

/// One turn: what came of what the person said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    /// What was said and done, in order.
    pub(crate) items: Vec<Item>,
    /// Where the run is.
    pub(crate) state: JobState,
    /// Why it failed, waits or is tried again.
    pub(crate) reason: Option<JobReason>,
    /// What it used so far.
    pub(crate) usage: Usage,
    /// When it began.
    pub(crate) started_at: Option<Timestamp>,
    /// When it ended.
    pub(crate) finished_at: Option<Timestamp>,
    /// The agents or tasks that are at work, by their ids.
    pub(crate) working: Vec<String>,
    /// The newest event that was folded in; 0 when none was.
    pub(crate) last_seq: i64,
    /// The log in short, for the inspector.
    pub(crate) timeline: Vec<TimelineEntry>,
}

/// What a turn consists of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// The agent speaks.
    Message(Message),
    /// The agent calls a tool.
    ToolCall(ToolCall),
    /// Something that a person should know.
    Notice(JobReason),
}

/// Which item of a turn: a key that is unique within the turn and stays.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ItemKey {
    /// The message with this id.
    Message(String),
    /// The call with this id.
    Call(String),
    /// The notice with this text.
    Notice(String),
}

impl Item {
    /// Which one it is.
    pub(crate) fn key(&self) -> ItemKey {
        match self {
            Self::Message(message) => ItemKey::Message(message.id.clone()),
            Self::ToolCall(call) => ItemKey::Call(call.id.clone()),
            Self::Notice(notice) => ItemKey::Notice(notice.message.clone()),
        }
    }
}

/// Something that the agent said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// Its id.
    pub(crate) id: String,
    /// Which agent speaks, by its id, when several do.
    pub(crate) speaker: Option<String>,
    /// The text so far, as Markdown.
    pub(crate) text: GrowingText,
    /// Whether nothing more comes.
    pub(crate) complete: bool,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    /// Its id.
    pub(crate) id: String,
    /// The tool's id in the spec.
    pub(crate) name: String,
    /// The arguments as JSON text, as far as they are known.
    pub(crate) arguments: String,
    /// Where it is.
    pub(crate) state: CallState,
    /// What the tool answered.
    pub(crate) result: Option<String>,
    /// The person's decision, when one is or was needed.
    pub(crate) approval: Option<Approval>,
    /// When it could begin: its arguments were complete, or it was approved.
    pub(crate) began_at: Timestamp,
    /// How long the tool took, in milliseconds.
    pub(crate) duration_ms: Option<i64>,
}

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallState {
    /// The model is still writing the arguments.
    Asking,
    /// A person has to decide.
    Waiting,
    /// The tool works.
    Running,
    /// It answered.
    Done,
    /// It answered that it could not.
    Failed,
    /// A person, or the time that ran out, said no.
    Denied,
    /// The run ended before it answered.
    Stopped,
}

impl CallState {
    /// The word for it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Asking => "Preparing",
            Self::Waiting => "Waiting for you",
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Denied => "Denied",
            Self::Stopped => "Stopped",
        }
    }
}

/// What `gantry.discard` carries.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Discard {
    message_ids: Vec<String>,
    tool_call_ids: Vec<String>,
}

impl Turn {
    /// A turn of which only the run's record is known.
    pub(crate) fn new(run: &Run) -> Self {
        Self {
            items: Vec::new(),
            state: run.state,
            reason: run.reason.clone(),
            usage: run.usage,
            started_at: run.started_at,
            finished_at: run.finished_at,
            working: Vec::new(),
            last_seq: 0,
            timeline: Vec::new(),
        }
    }

    /// A turn of which nothing is known but where it is.
    pub(crate) fn blank(state: JobState) -> Self {
        Self {
            items: Vec::new(),
            state,
            reason: None,
            usage: Usage::default(),
            started_at: None,
            finished_at: None,
            working: Vec::new(),
            last_seq: 0,
            timeline: Vec::new(),
        }
    }

    /// A turn that ended, shown from its record while its events are not here: the answer without the calls.
    pub(crate) fn from_record(run: &Run) -> Self {
        let mut turn = Self::new(run);
        if let Some(output) = run.output.as_deref().filter(|output| !output.is_empty()) {
            turn.items.push(Item::Message(Message {
                id: "record".to_owned(),
                speaker: None,
                text: GrowingText::from(output),
                complete: true,
            }));
        }
        turn
    }

    /// Folds in one event; one that was folded in before changes nothing.
    pub(crate) fn apply(&mut self, event: &Event) {
        if event.seq <= self.last_seq {
            return;
        }
        self.last_seq = event.seq;
        note(&mut self.timeline, event);
        match &event.body {
            EventBody::JobState { state, reason, .. } => {
                self.state = *state;
                // An ending without a reason keeps the one that the run itself gave.
                if reason.is_some() || !state.is_final() {
                    self.reason.clone_from(reason);
                }
                if *state == JobState::Running && self.started_at.is_none() {
                    self.started_at = Some(event.at);
                }
                if state.is_final() {
                    self.finished_at = Some(event.at);
                    self.end();
                }
            }
            EventBody::RunEvent { event: inner, .. } => self.apply_run_event(inner, event.at),
            EventBody::RunDone { usage, .. } => self.usage = *usage,
            EventBody::ApprovalRequested { approval } | EventBody::ApprovalDecided { approval } => {
                self.apply_approval(approval, event.at);
            }
            _ => {}
        }
    }

    fn apply_run_event(&mut self, event: &AgUiEvent, at: Timestamp) {
        match event {
            AgUiEvent::TextMessageStart { message_id, name, .. } => {
                self.with_message(message_id, |message| message.speaker.clone_from(name));
            }
            AgUiEvent::TextMessageContent { message_id, delta } => {
                self.with_message(message_id, |message| message.text.push(delta));
            }
            AgUiEvent::TextMessageEnd { message_id } => {
                self.with_message(message_id, |message| message.complete = true)
            }
            AgUiEvent::ToolCallStart { tool_call_id, tool_call_name, .. } => {
                self.with_call(tool_call_id, at, |call| call.name.clone_from(tool_call_name));
            }
            AgUiEvent::ToolCallArgs { tool_call_id, delta } => {
                self.with_call(tool_call_id, at, |call| call.arguments.push_str(delta));
            }
            AgUiEvent::ToolCallEnd { tool_call_id } => self.with_call(tool_call_id, at, |call| {
                call.began_at = at;
                if call.state == CallState::Asking {
                    call.state = CallState::Running;
                }
            }),
            AgUiEvent::ToolCallResult { tool_call_id, content, .. } => self.with_call(tool_call_id, at, |call| {
                call.result = Some(content.clone());
                if call.state != CallState::Denied {
                    call.state = outcome_of(content);
                    call.duration_ms = Some(at.millis_since(call.began_at).max(0));
                }
            }),
            AgUiEvent::RunError { message, code } => {
                let code = code.clone().unwrap_or_default();
                self.reason = Some(JobReason { code, message: message.clone() });
            }
            AgUiEvent::Custom { name, value } => self.apply_custom(name, value),
            AgUiEvent::StepStarted { step_name } => self.working.push(step_name.clone()),
            AgUiEvent::StepFinished { step_name } => self.working.retain(|step| step != step_name),
            AgUiEvent::RunStarted { .. } | AgUiEvent::RunFinished { .. } => {}
        }
    }

    fn apply_custom(&mut self, name: &str, value: &Value) {
        match name {
            "gantry.usage" => {
                if let Ok(usage) = Usage::deserialize(value) {
                    self.usage = usage;
                }
            }
            "gantry.notice" => {
                if let Ok(notice) = JobReason::deserialize(value) {
                    self.mark_refused(&notice);
                    let notice = Item::Notice(notice);
                    if !self.items.contains(&notice) {
                        self.items.push(notice);
                    }
                }
            }
            "gantry.discard" => {
                let discard = Discard::deserialize(value).unwrap_or_default();
                self.items.retain(|item| match item {
                    Item::Message(message) => !discard.message_ids.contains(&message.id),
                    Item::ToolCall(call) => !discard.tool_call_ids.contains(&call.id),
                    Item::Notice(_) => true,
                });
            }
            _ => {}
        }
    }

    fn apply_approval(&mut self, approval: &Approval, at: Timestamp) {
        self.with_call(&approval.tool_call_id, at, |call| {
            call.name.clone_from(&approval.tool);
            match approval.decision {
                ApprovalDecision::Pending => call.state = CallState::Waiting,
                ApprovalDecision::Approved => {
                    call.state = CallState::Running;
                    call.began_at = at;
                    // The person may have changed them.
                    call.arguments = approval.arguments.to_string();
                }
                ApprovalDecision::Denied | ApprovalDecision::Expired => call.state = CallState::Denied,
                ApprovalDecision::Withdrawn => call.state = CallState::Stopped,
            }
            call.approval = Some(approval.clone());
        });
    }

    /// A notice with the very text of a call's answer says that the tool did not run, and why.
    fn mark_refused(&mut self, notice: &JobReason) {
        for item in &mut self.items {
            if let Item::ToolCall(call) = item
                && call.result.as_ref() == Some(&notice.message)
            {
                call.state = if notice.code == "tool_denied" { CallState::Denied } else { CallState::Failed };
                call.duration_ms = None;
            }
        }
    }

    /// Nothing comes any more: what is still open stays as it is.
    pub(crate) fn end(&mut self) {
        self.working.clear();
        for item in &mut self.items {
            match item {
                Item::Message(message) => message.complete = true,
                Item::ToolCall(call) => {
                    if matches!(call.state, CallState::Asking | CallState::Waiting | CallState::Running) {
                        call.state = CallState::Stopped;
                    }
                }
                Item::Notice(_) => {}
            }
        }
    }

    /// Changes the message with this id, which is begun if it is not there.
    fn with_message(&mut self, id: &str, change: impl FnOnce(&mut Message)) {
        for item in self.items.iter_mut().rev() {
            if let Item::Message(message) = item
                && message.id == id
            {
                return change(message);
            }
        }
        let mut message = Message { id: id.to_owned(), speaker: None, text: GrowingText::default(), complete: false };
        change(&mut message);
        self.items.push(Item::Message(message));
    }

    /// Changes the call with this id, which is begun if it is not there.
    fn with_call(&mut self, id: &str, at: Timestamp, change: impl FnOnce(&mut ToolCall)) {
        for item in self.items.iter_mut().rev() {
            if let Item::ToolCall(call) = item
                && call.id == id
            {
                return change(call);
            }
        }
        let mut call = ToolCall {
            id: id.to_owned(),
            name: String::new(),
            arguments: String::new(),
            state: CallState::Asking,
            result: None,
            approval: None,
            began_at: at,
            duration_ms: None,
        };
        change(&mut call);
        self.items.push(Item::ToolCall(call));
    }

    /// Whether an answer, or a decision, is still to come.
    pub(crate) fn is_active(&self) -> bool {
        !self.state.is_final()
    }

    /// The calls of the turn, in order.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.items.iter().filter_map(|item| match item {
            Item::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    /// Everything that the agent said, as it wrote it.
    pub(crate) fn text(&self) -> String {
        let texts = self.items.iter().filter_map(|item| match item {
            Item::Message(message) => Some(message.text.whole()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n\n")
    }

    /// Milliseconds from the beginning to the end, or to `now`.
    pub(crate) fn elapsed_ms(&self, now: Timestamp) -> Option<i64> {
        let began = self.started_at?;
        Some(self.finished_at.unwrap_or(now).millis_since(began).max(0))
    }
}

/// The runtime begins the answer of a tool that could not with `Error:`; many tools of others answer
/// with a JSON object that has `error`.
fn outcome_of(content: &str) -> CallState {
    let has_error = || match serde_json::from_str::<Value>(content) {
        Ok(Value::Object(result)) => result.get("error").is_some_and(|error| !error.is_null()),
        _ => false,
    };
    if content.starts_with("Error:") || has_error() { CallState::Failed } else { CallState::Done }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
