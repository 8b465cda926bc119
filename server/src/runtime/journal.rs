//! What a run has done so far, folded from its log.
//!
//! Completed turns of the model and answers of tools are `step.done` entries, each appended in one
//! transaction with the events that people see of it. After a crash or an approval the interpreter
//! walks the spec from the start and takes from here what is done already.

use std::collections::{HashMap, HashSet};

use gantry_domain::agui::AgUiEvent;
use gantry_domain::event::{Event, EventBody, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::outside::model::TokenCount;

/// A turn of the model, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordedTurn {
    /// The message that carries its text.
    pub(super) message_id: String,
    /// Its text.
    pub(super) text: String,
    /// The tools that it called.
    pub(super) calls: Vec<RecordedCall>,
    /// Tokens, when the endpoint said.
    pub(super) tokens: Option<TokenCount>,
    /// How long it took.
    pub(super) elapsed_ms: i64,
    /// How long the run had worked when it was recorded; none in logs of older versions.
    #[serde(default)]
    pub(super) worked_ms: Option<i64>,
    /// It comes from the log of another run: no model was asked in this one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) taken_over: bool,
}

/// A call that the model asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordedCall {
    /// Its id in the run's events, unique within the run.
    pub(super) id: String,
    /// Its id as the model gave it, which may come twice in a run.
    pub(super) wire_id: String,
    /// The tool's name.
    pub(super) name: String,
    /// The arguments as the model wrote them.
    pub(super) arguments: String,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordedOutcome {
    /// What the model reads.
    pub(super) content: String,
    /// How long it took.
    pub(super) elapsed_ms: i64,
    /// How long the run had worked when it was recorded; none in logs of older versions.
    #[serde(default)]
    pub(super) worked_ms: Option<i64>,
    /// It was answered without being looked at, so it does not count as a call.
    #[serde(default)]
    pub(super) left: bool,
    /// It comes from the log of another run: no tool was run in this one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) taken_over: bool,
}

/// As serde asks it.
fn is_false(value: &bool) -> bool {
    !value
}

/// How a run ended, when its log says so already.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordedEnd {
    /// `success`, `cancelled` or `failed`.
    pub(crate) outcome: String,
    /// The code and message of `RUN_ERROR`.
    pub(crate) error: Option<(String, String)>,
    /// What it used.
    pub(crate) usage: Usage,
}

/// What the log says.
#[derive(Default)]
pub(crate) struct Journal {
    turns: HashMap<String, RecordedTurn>,
    started: HashSet<String>,
    outcomes: HashMap<String, RecordedOutcome>,
    /// Every call id that was ever written, so that none is given twice.
    pub(crate) call_ids: HashSet<String>,
    /// `RUN_STARTED` came and no end of it since.
    pub(crate) open: bool,
    /// The steps of which `STEP_STARTED` came and no end since, in that order.
    pub(super) open_steps: Vec<String>,
    /// Messages that were begun, in no recorded turn and not discarded; whether they were ended.
    pub(super) loose_messages: Vec<(String, bool)>,
    /// Calls of such messages; whether they were ended.
    pub(super) loose_calls: Vec<(String, bool)>,
    /// Approvals whose decision is in the log.
    pub(super) decided: HashSet<Uuid>,
    /// Whether the run ever asked for an approval.
    pub(super) asked_for_approval: bool,
    /// The end, unless the job was queued again after it.
    pub(crate) end: Option<RecordedEnd>,
    /// What `RUN_ERROR` last said.
    error: Option<(String, String)>,
    /// Work done by earlier attempts, not counting what was lost.
    pub(super) worked_ms: i64,
    /// What earlier attempts used, without what it costs.
    pub(super) usage: Usage,
}

pub(super) const TURN: &str = "turn:";
const START: &str = "start:";
pub(super) const CALL: &str = "call:";

impl Journal {
    /// Folds a log.
    pub(crate) fn of(history: &[Event]) -> Self {
        let mut journal = Self::default();
        for event in history {
            journal.take(&event.body);
        }
        journal
    }

    fn take(&mut self, body: &EventBody) {
        match body {
            EventBody::StepDone { step, output } => self.take_step(step, output),
            EventBody::RunEvent { event, .. } => self.take_event(event),
            EventBody::ApprovalRequested { .. } => self.asked_for_approval = true,
            EventBody::ApprovalDecided { approval } => {
                self.decided.insert(approval.id);
            }
            EventBody::RunDone { outcome, usage, .. } => {
                self.end = Some(RecordedEnd { outcome: outcome.clone(), error: self.error.take(), usage: *usage });
            }
            // Ended and recorded as ended: whatever comes after is a retry that somebody asked for.
            EventBody::JobState { state, .. } if state.is_final() => self.end = None,
            _ => {}
        }
    }

    fn take_step(&mut self, step: &str, output: &Value) {
        if let Some(key) = step.strip_prefix(TURN)
            && let Ok(turn) = serde_json::from_value::<RecordedTurn>(output.clone())
        {
            self.loose_messages.retain(|(id, _)| *id != turn.message_id);
            self.loose_calls.retain(|(id, _)| turn.calls.iter().all(|call| call.id != *id));
            self.work(turn.elapsed_ms, turn.worked_ms);
            let tokens = turn.tokens.unwrap_or_default();
            self.usage.model_calls += i64::from(!turn.taken_over);
            self.usage.input_tokens += tokens.input;
            self.usage.output_tokens += tokens.output;
            self.turns.insert(key.to_owned(), turn);
        } else if let Some(id) = step.strip_prefix(START) {
            self.started.insert(id.to_owned());
        } else if let Some(id) = step.strip_prefix(CALL)
            && let Ok(outcome) = serde_json::from_value::<RecordedOutcome>(output.clone())
        {
            self.work(outcome.elapsed_ms, outcome.worked_ms);
            self.usage.tool_calls += i64::from(!outcome.left && !outcome.taken_over);
            self.outcomes.insert(id.to_owned(), outcome);
        }
    }

    fn take_event(&mut self, event: &AgUiEvent) {
        match event {
            AgUiEvent::RunStarted { .. } => self.open = true,
            AgUiEvent::RunFinished { .. } => self.close(),
            AgUiEvent::RunError { message, code } => {
                self.error = Some((code.clone().unwrap_or_default(), message.clone()));
                self.close();
            }
            AgUiEvent::StepStarted { step_name } => self.open_steps.push(step_name.clone()),
            AgUiEvent::StepFinished { step_name } => self.open_steps.retain(|open| open != step_name),
            AgUiEvent::TextMessageStart { message_id, .. } => self.loose_messages.push((message_id.clone(), false)),
            AgUiEvent::TextMessageEnd { message_id } => mark_ended(&mut self.loose_messages, message_id),
            AgUiEvent::ToolCallStart { tool_call_id, .. } => {
                self.call_ids.insert(tool_call_id.clone());
                self.loose_calls.push((tool_call_id.clone(), false));
            }
            AgUiEvent::ToolCallEnd { tool_call_id } => mark_ended(&mut self.loose_calls, tool_call_id),
            AgUiEvent::Custom { name, value } if name == "gantry.discard" => {
                let names = |field: &str| -> HashSet<String> {
                    serde_json::from_value(value.get(field).cloned().unwrap_or_default()).unwrap_or_default()
                };
                let (messages, calls) = (names("messageIds"), names("toolCallIds"));
                self.loose_messages.retain(|(id, _)| !messages.contains(id));
                self.loose_calls.retain(|(id, _)| !calls.contains(id));
            }
            _ => {}
        }
    }

    fn work(&mut self, elapsed_ms: i64, worked_ms: Option<i64>) {
        self.worked_ms = worked_ms.unwrap_or(self.worked_ms + elapsed_ms).max(self.worked_ms);
    }

    fn close(&mut self) {
        self.open = false;
        self.open_steps.clear();
        for (_, ended) in self.loose_messages.iter_mut().chain(&mut self.loose_calls) {
            *ended = true;
        }
    }

    /// AG-UI wants every message and call ended before the run is: their ends.
    pub(crate) fn end_loose_ends(&mut self) -> Vec<AgUiEvent> {
        let mut ends = Vec::new();
        for (message_id, ended) in &mut self.loose_messages {
            if !std::mem::replace(ended, true) {
                ends.push(AgUiEvent::TextMessageEnd { message_id: message_id.clone() });
            }
        }
        for (tool_call_id, ended) in &mut self.loose_calls {
            if !std::mem::replace(ended, true) {
                ends.push(AgUiEvent::ToolCallEnd { tool_call_id: tool_call_id.clone() });
            }
        }
        ends
    }

    /// What was cut off is done anew: readers drop what they saw of it.
    pub(crate) fn discard_loose_ends(&mut self) -> Vec<AgUiEvent> {
        let mut events = self.end_loose_ends();
        let ids = |list: &mut Vec<(String, bool)>| list.drain(..).map(|(id, _)| id).collect::<Vec<_>>();
        let (messages, calls) = (ids(&mut self.loose_messages), ids(&mut self.loose_calls));
        if !messages.is_empty() || !calls.is_empty() {
            events.push(AgUiEvent::Custom {
                name: "gantry.discard".to_owned(),
                value: json!({ "messageIds": messages, "toolCallIds": calls }),
            });
        }
        events
    }

    /// The ends of the steps that are open, the newest first.
    pub(crate) fn leave_steps(&mut self) -> Vec<AgUiEvent> {
        let open = std::mem::take(&mut self.open_steps);
        open.into_iter().rev().map(|step_name| AgUiEvent::StepFinished { step_name }).collect()
    }

    /// Keeps a turn of this attempt, for an agent that goes over its way again.
    pub(super) fn keep_turn(&mut self, key: String, turn: RecordedTurn) {
        self.turns.insert(key, turn);
    }

    /// Keeps what came of a call in this attempt.
    pub(super) fn keep_outcome(&mut self, call_id: String, outcome: RecordedOutcome) {
        self.outcomes.insert(call_id, outcome);
    }

    pub(super) fn turn(&self, key: &str) -> Option<&RecordedTurn> {
        self.turns.get(key)
    }

    pub(super) fn outcome(&self, call_id: &str) -> Option<&RecordedOutcome> {
        self.outcomes.get(call_id)
    }

    /// Whether an earlier attempt had begun to run a call whose outcome may not be repeated.
    pub(super) fn has_started(&self, call_id: &str) -> bool {
        self.started.contains(call_id)
    }

    /// The entry that records a turn.
    pub(super) fn turn_entry(key: &str, turn: &RecordedTurn) -> EventBody {
        EventBody::StepDone { step: format!("{TURN}{key}"), output: serde_json::to_value(turn).unwrap_or_default() }
    }

    /// The entry that says that a call is about to be run.
    pub(super) fn start_entry(call_id: &str) -> EventBody {
        EventBody::StepDone { step: format!("{START}{call_id}"), output: Value::Null }
    }

    /// The entry that records what became of a call.
    pub(super) fn outcome_entry(call_id: &str, outcome: &RecordedOutcome) -> EventBody {
        EventBody::StepDone {
            step: format!("{CALL}{call_id}"),
            output: serde_json::to_value(outcome).unwrap_or_default(),
        }
    }
}

fn mark_ended(list: &mut [(String, bool)], wanted: &str) {
    for (id, ended) in list {
        *ended |= id == wanted;
    }
}
