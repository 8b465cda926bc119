//! What a run did, as an eval looks at it: its calls, its steps and its end, folded from its log.

use std::collections::HashSet;

use serde_json::Value;

use crate::Timestamp;
use crate::agui::AgUiEvent;
use crate::event::{Event, EventBody, Usage};

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// How it ended.
    pub end: ObservedEnd,
    /// The agent's answer; empty when there is none.
    pub answer: String,
    /// The tools that models called, in order; what was discarded is not among them.
    pub calls: Vec<ObservedCall>,
    /// The agents or tasks that had their turn, in order, as often as they had it.
    pub steps: Vec<String>,
    /// What it used.
    pub usage: Usage,
    /// Milliseconds from its beginning to its end.
    pub duration_ms: i64,
    /// Whether it was told that its tools reach no network.
    pub has_no_network: bool,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ObservedEnd {
    /// With an answer.
    Answered,
    /// It could not go on: code and sentence.
    Failed(String, String),
    /// Somebody stopped it, or it never came to an end.
    #[default]
    Stopped,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedCall {
    id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as the model wrote them.
    pub arguments: String,
    /// What the model read of it; none when nothing came back.
    pub result: Option<String>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing came back.
    Open,
    /// The tool answered.
    Answered,
    /// It was answered with an error.
    Failed,
    /// A rule or a person said no: the tool did not run.
    Denied,
    /// This runtime does not run functions of the project.
    NotRunnable,
}

impl ObservedCall {
    /// The arguments as JSON; null when they are none.
    pub fn values(&self) -> Value {
        serde_json::from_str(&self.arguments).unwrap_or_default()
    }
}

impl Observation {
    /// Folds the log of a run that is over.
    pub fn of(events: &[Event], answer: Option<&str>) -> Self {
        let mut seen = Self { answer: answer.unwrap_or_default().to_owned(), ..Self::default() };
        let (mut began, mut ended): (Option<Timestamp>, Option<Timestamp>) = (None, None);
        for event in events {
            match &event.body {
                EventBody::RunEvent { event: run_event, .. } => {
                    if matches!(run_event, AgUiEvent::RunStarted { .. }) {
                        began.get_or_insert(event.at);
                    }
                    seen.take(run_event);
                }
                EventBody::RunDone { outcome, usage, .. } => {
                    ended = Some(event.at);
                    seen.usage = *usage;
                    match outcome.as_str() {
                        "success" => seen.end = ObservedEnd::Answered,
                        "cancelled" => seen.end = ObservedEnd::Stopped,
                        _ => {}
                    }
                }
                // A run that is retried has another end.
                EventBody::JobState { state, reason: Some(reason), .. } if state.is_final() => {
                    ended.get_or_insert(event.at);
                    if *state == crate::api::job::JobState::Failed && !matches!(seen.end, ObservedEnd::Failed(..)) {
                        seen.end = ObservedEnd::Failed(reason.code.clone(), reason.message.clone());
                    }
                }
                _ => {}
            }
        }
        if let (Some(began), Some(ended)) = (began, ended) {
            seen.duration_ms = ended.millis_since(began).max(0);
        }
        seen
    }

    /// The calls of a tool.
    pub fn calls_of<'o>(&'o self, name: &'o str) -> impl Iterator<Item = &'o ObservedCall> {
        self.calls.iter().filter(move |call| call.name == name)
    }

    fn take(&mut self, event: &AgUiEvent) {
        match event {
            AgUiEvent::StepStarted { step_name } => self.steps.push(step_name.clone()),
            AgUiEvent::ToolCallStart { tool_call_id, tool_call_name, .. } => self.calls.push(ObservedCall {
                id: tool_call_id.clone(),
                name: tool_call_name.clone(),
                arguments: String::new(),
                result: None,
                fate: Fate::Open,
            }),
            AgUiEvent::ToolCallArgs { tool_call_id, delta } => {
                if let Some(call) = self.call(tool_call_id) {
                    call.arguments.push_str(delta);
                }
            }
            AgUiEvent::ToolCallResult { tool_call_id, content, .. } => {
                if let Some(call) = self.call(tool_call_id) {
                    call.fate = if content.starts_with("Error") { Fate::Failed } else { Fate::Answered };
                    call.result = Some(content.clone());
                }
            }
            AgUiEvent::RunError { message, code } => {
                self.end = ObservedEnd::Failed(code.clone().unwrap_or_default(), message.clone());
            }
            AgUiEvent::Custom { name, value } if name == "gantry.notice" => self.take_notice(value),
            AgUiEvent::Custom { name, value } if name == "gantry.discard" => {
                let ids: HashSet<String> =
                    serde_json::from_value(value.get("toolCallIds").cloned().unwrap_or_default()).unwrap_or_default();
                self.calls.retain(|call| !ids.contains(&call.id));
            }
            _ => {}
        }
    }

    /// What a rule did with a call is a notice right behind its result, in the same words.
    fn take_notice(&mut self, value: &Value) {
        let fate = match value["code"].as_str() {
            Some("tool_denied") => Fate::Denied,
            Some("tool_not_runnable_natively") => Fate::NotRunnable,
            Some("tool_without_network") => {
                self.has_no_network = true;
                return;
            }
            _ => return,
        };
        let message = value["message"].as_str();
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.result.as_deref() == message) {
            call.fate = fate;
        }
    }

    fn call(&mut self, id: &str) -> Option<&mut ObservedCall> {
        self.calls.iter_mut().rev().find(|call| call.id == id)
    }
}
