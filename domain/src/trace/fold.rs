//! Which span an event begins, goes on with or ends.

use serde::Deserialize;
use serde_json::Value;

use super::spans::{Open, RUN};
use super::{SpanKind, SpanState, TOLD_SPAN, Taken, ToldSpan, Trace};
use crate::Timestamp;
use crate::agui::AgUiEvent;
use crate::api::approval::{Approval, ApprovalDecision};
use crate::api::job::JobState;
use crate::event::{Event, EventBody, JobReason, Usage};

/// What has to be remembered between two events.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    /// Steps that have begun and not ended, the newest last.
    pub(super) steps: Vec<usize>,
    /// Steps that the events just before this one ended: what ended them may come next.
    just_ended: Vec<usize>,
    /// Steps that a wait for people ended: they go on when they are begun again.
    interrupted: Vec<usize>,
    /// Turns of the model that nothing says the end of.
    pub(super) turns: Vec<Open>,
    /// What the run had used when the newest turn ended.
    used: Usage,
    /// How many turns there were.
    pub(super) turn_count: usize,
}

/// What the runtime records of a turn.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RecordedTurn {
    message_id: String,
    elapsed_ms: i64,
    calls: Vec<CallOfTurn>,
}

/// A call that a turn asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CallOfTurn {
    id: String,
}

/// What the runtime records of a call.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RecordedCall {
    elapsed_ms: Option<i64>,
}

/// What `gantry.discard` carries.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Discard {
    message_ids: Vec<String>,
    tool_call_ids: Vec<String>,
}

/// What `gantry.takenOver` carries.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TakenOver {
    message_id: Option<String>,
    tool_call_ids: Vec<String>,
    edited: bool,
}

impl Trace {
    /// Folds in an event and gives its span.
    pub(super) fn fold(&mut self, event: &Event) -> usize {
        let at = event.at;
        if self.spans.is_empty() {
            self.open(SpanKind::Run, "", "Run", None, at);
        }
        let owner = self.fold_body(&event.body, at);
        let ends_step = matches!(&event.body, EventBody::RunEvent { event: AgUiEvent::StepFinished { .. }, .. });
        if !ends_step {
            self.fold.just_ended.clear();
        }
        owner
    }

    fn fold_body(&mut self, body: &EventBody, at: Timestamp) -> usize {
        match body {
            EventBody::JobState { state, attempt, reason } => self.job_state(*state, *attempt, reason.as_ref(), at),
            EventBody::StepDone { step, output } => self.step_done(step, output, at),
            EventBody::RunEvent { event, .. } => self.run_event(event, at),
            EventBody::RunDone { usage, .. } => {
                let run = &mut self.spans[RUN];
                (run.input_tokens, run.output_tokens) = (usage.input_tokens, usage.output_tokens);
                run.cost_micros = usage.cost_micros;
                RUN
            }
            EventBody::ApprovalRequested { approval } | EventBody::ApprovalDecided { approval } => {
                self.approval(approval, at)
            }
            _ => self.innermost(),
        }
    }

    fn job_state(&mut self, state: JobState, attempt: i64, reason: Option<&JobReason>, at: Timestamp) -> usize {
        if let Some(reason) = reason {
            self.spans[RUN].note.clone_from(&reason.message);
        }
        match state {
            JobState::Queued => {
                self.goes_on(RUN, SpanState::Running);
                let name = if attempt > 0 { "Waiting for a worker again" } else { "Waiting for a worker" };
                if let Some(open) = self.last_open(SpanKind::Queue, None) {
                    return open;
                }
                self.open(SpanKind::Queue, "", name, Some(RUN), at)
            }
            JobState::Running => {
                self.goes_on(RUN, SpanState::Running);
                if let Some(queue) = self.last_open(SpanKind::Queue, None) {
                    self.close(queue, SpanState::Done, at);
                }
                RUN
            }
            JobState::Waiting => {
                self.goes_on(RUN, SpanState::Waiting);
                RUN
            }
            JobState::Done | JobState::Failed | JobState::Cancelled => {
                let ending = match state {
                    JobState::Done => SpanState::Done,
                    JobState::Failed => SpanState::Failed,
                    _ => SpanState::Unfinished,
                };
                self.close(RUN, ending, at);
                self.nothing_comes(at);
                RUN
            }
        }
    }

    /// The run is over: what has no end will have none.
    fn nothing_comes(&mut self, at: Timestamp) {
        for turn in std::mem::take(&mut self.fold.turns) {
            if turn.writing.is_empty() && self.spans[RUN].state == SpanState::Done {
                self.close_at_last_event(turn.span, SpanState::Done);
            }
        }
        self.fold.steps.clear();
        self.fold.interrupted.clear();
        for index in 0..self.spans.len() {
            if self.spans[index].ended_at.is_none() {
                self.close(index, SpanState::Unfinished, at);
            }
        }
    }

    fn step_done(&mut self, step: &str, output: &Value, at: Timestamp) -> usize {
        if let Some(key) = step.strip_prefix("turn:") {
            let recorded = RecordedTurn::deserialize(output).unwrap_or_default();
            let turn = self.turn_for_record(&recorded.message_id, key, at);
            self.close(turn, SpanState::Done, at);
            self.spans[turn].worked_ms = Some(recorded.elapsed_ms);
            // The model was asked before it said its first word.
            let parent = self.spans[turn].parent.map_or(at, |parent| self.spans[parent].began_at);
            let asked = at.plus_millis(-recorded.elapsed_ms.max(0)).max(parent.min(at));
            self.spans[turn].began_at = self.spans[turn].began_at.min(asked);
            self.fold.turns.retain(|open| open.span != turn);
            for asked_for in &recorded.calls {
                let call = self.known(SpanKind::ToolCall, &asked_for.id);
                let parent = self.spans[turn].parent;
                if let Some(call) = call.filter(|call| parent.is_some_and(|parent| parent < *call)) {
                    self.spans[call].parent = parent;
                }
            }
            turn
        } else if let Some(id) = step.strip_prefix("start:") {
            self.call(id, at)
        } else if let Some(id) = step.strip_prefix("call:") {
            let call = self.call(id, at);
            let recorded = RecordedCall::deserialize(output).unwrap_or_default();
            self.spans[call].worked_ms = recorded.elapsed_ms;
            if self.spans[call].ended_at.is_none() {
                self.close(call, SpanState::Done, at);
            }
            call
        } else {
            self.innermost()
        }
    }

    fn run_event(&mut self, event: &AgUiEvent, at: Timestamp) -> usize {
        match event {
            AgUiEvent::RunStarted { .. } => RUN,
            AgUiEvent::RunFinished { outcome, .. } => {
                let kind = outcome.as_ref().and_then(|outcome| outcome.get("type")).and_then(Value::as_str);
                match kind {
                    Some("interrupt") => {
                        self.supersede_turns();
                        for step in std::mem::take(&mut self.fold.just_ended) {
                            self.goes_on(step, SpanState::Waiting);
                            self.fold.interrupted.push(step);
                        }
                    }
                    Some("cancelled") => self.step_ended_as(SpanState::Unfinished, ""),
                    _ => self.supersede_turns(),
                }
                RUN
            }
            AgUiEvent::RunError { message, .. } => {
                self.step_ended_as(SpanState::Failed, message);
                self.spans[RUN].note.clone_from(message);
                RUN
            }
            AgUiEvent::StepStarted { step_name } => self.step_started(step_name, at),
            AgUiEvent::StepFinished { step_name } => self.step_finished(step_name, at),
            AgUiEvent::TextMessageStart { message_id, name, .. } => {
                let turn = self.write_text(message_id, "", at);
                if let Some(name) = name {
                    self.spans[turn].name.push_str(&format!(" ({name})"));
                }
                turn
            }
            AgUiEvent::TextMessageContent { message_id, delta } => self.write_text(message_id, delta, at),
            AgUiEvent::TextMessageEnd { message_id } => {
                let turn = self.turn(message_id, at);
                self.wrote(message_id);
                turn
            }
            AgUiEvent::ToolCallStart { tool_call_id, tool_call_name, parent_message_id } => {
                if let Some(message_id) = parent_message_id {
                    let turn = self.turn(message_id, at);
                    self.writes(turn, tool_call_id);
                }
                let call = self.call(tool_call_id, at);
                self.spans[call].name.clone_from(tool_call_name);
                call
            }
            AgUiEvent::ToolCallArgs { tool_call_id, delta } => {
                let call = self.call(tool_call_id, at);
                self.spans[call].input.push_str(delta);
                call
            }
            AgUiEvent::ToolCallEnd { tool_call_id } => {
                self.wrote(tool_call_id);
                let call = self.call(tool_call_id, at);
                // The time in which the model wrote the arguments is the model's.
                if self.spans[call].ended_at.is_none() {
                    self.spans[call].began_at = at;
                }
                call
            }
            AgUiEvent::ToolCallResult { tool_call_id, content, .. } => {
                self.supersede_turns();
                let call = self.call(tool_call_id, at);
                self.spans[call].output.clone_from(content);
                self.close(call, outcome_of(content), at);
                call
            }
            AgUiEvent::Custom { name, value } => self.custom(name, value, at),
        }
    }

    fn step_started(&mut self, name: &str, at: Timestamp) -> usize {
        self.supersede_turns();
        let waited = self.fold.interrupted.iter().position(|step| self.spans[*step].key == name);
        let step = match waited {
            Some(position) => {
                let step = self.fold.interrupted.remove(position);
                self.goes_on(step, SpanState::Running);
                step
            }
            None => self.open(SpanKind::Step, name, name, Some(RUN), at),
        };
        self.fold.steps.push(step);
        step
    }

    fn step_finished(&mut self, name: &str, at: Timestamp) -> usize {
        let Some(position) = self.fold.steps.iter().rposition(|step| self.spans[*step].key == name) else {
            return self.innermost();
        };
        let step = self.fold.steps.remove(position);
        self.close(step, SpanState::Done, at);
        self.fold.just_ended.push(step);
        step
    }

    /// The steps that ended just now did so because the run did.
    fn step_ended_as(&mut self, state: SpanState, note: &str) {
        for step in std::mem::take(&mut self.fold.just_ended) {
            self.spans[step].state = state;
            self.spans[step].note = note.to_owned();
        }
        for turn in std::mem::take(&mut self.fold.turns) {
            self.close_at_last_event(turn.span, SpanState::Unfinished);
        }
    }

    fn write_text(&mut self, message_id: &str, delta: &str, at: Timestamp) -> usize {
        let turn = self.turn(message_id, at);
        self.spans[turn].output.push_str(delta);
        self.writes(turn, message_id);
        turn
    }

    fn custom(&mut self, name: &str, value: &Value, at: Timestamp) -> usize {
        match name {
            "gantry.usage" => {
                let usage = Usage::deserialize(value).unwrap_or_default();
                let uncounted = self.fold.turns.iter().rposition(|turn| !turn.is_counted);
                let turn = match uncounted {
                    Some(position) => {
                        self.fold.turns[position].is_counted = true;
                        self.fold.turns[position].span
                    }
                    None => {
                        let turn = self.open_turn("", at);
                        if let Some(open) = self.fold.turns.last_mut() {
                            open.is_counted = true;
                        }
                        turn
                    }
                };
                let before = std::mem::replace(&mut self.fold.used, usage);
                let span = &mut self.spans[turn];
                span.input_tokens = (usage.input_tokens - before.input_tokens).max(0);
                span.output_tokens = (usage.output_tokens - before.output_tokens).max(0);
                span.cost_micros = usage.cost_micros.map(|cost| (cost - before.cost_micros.unwrap_or(0)).max(0));
                turn
            }
            "gantry.notice" => {
                let Ok(notice) = JobReason::deserialize(value) else { return self.innermost() };
                let said_no = self.spans.iter().rposition(|span| {
                    span.kind == SpanKind::ToolCall && !span.output.is_empty() && span.output == notice.message
                });
                let Some(call) = said_no else { return self.innermost() };
                self.spans[call].state =
                    if notice.code == "tool_denied" { SpanState::Denied } else { SpanState::Failed };
                call
            }
            "gantry.discard" => {
                let discard = Discard::deserialize(value).unwrap_or_default();
                for span in 0..self.spans.len() {
                    let void = match self.spans[span].kind {
                        SpanKind::ModelTurn => discard.message_ids.contains(&self.spans[span].key),
                        SpanKind::ToolCall => discard.tool_call_ids.contains(&self.spans[span].key),
                        _ => false,
                    };
                    if void {
                        self.close_at_last_event(span, SpanState::Discarded);
                        self.fold.turns.retain(|open| open.span != span);
                    }
                }
                self.innermost_step()
            }
            "gantry.takenOver" => {
                let taken = TakenOver::deserialize(value).unwrap_or_default();
                let how = if taken.edited { Taken::Edited } else { Taken::AsItWas };
                match (taken.message_id, taken.tool_call_ids.first()) {
                    (Some(message_id), _) => {
                        let turn = self.turn(&message_id, at);
                        self.spans[turn].taken = Some(how);
                        turn
                    }
                    (None, Some(call_id)) => {
                        let call = self.call(call_id, at);
                        self.spans[call].taken = Some(how);
                        call
                    }
                    (None, None) => self.innermost(),
                }
            }
            TOLD_SPAN => match ToldSpan::deserialize(value) {
                Ok(told) => self.told(told, at),
                Err(_) => self.innermost(),
            },
            _ => self.innermost(),
        }
    }

    fn approval(&mut self, approval: &Approval, at: Timestamp) -> usize {
        let call = self.call(&approval.tool_call_id, at);
        self.spans[call].name.clone_from(&approval.tool);
        let key = approval.id.to_string();
        let known = self.known(SpanKind::Approval, &key);
        let span = match known {
            Some(span) => span,
            None => self.open(SpanKind::Approval, &key, "Approval", Some(call), approval.requested_at.min(at)),
        };
        self.spans[span].input = approval.arguments.to_string();
        let who = || approval.decided_by.clone().unwrap_or_else(|| "nobody in time".to_owned());
        let (state, note) = match approval.decision {
            ApprovalDecision::Pending => {
                self.goes_on(span, SpanState::Waiting);
                self.goes_on(call, SpanState::Waiting);
                return span;
            }
            ApprovalDecision::Approved => {
                // The person may have changed them.
                self.spans[call].input = approval.arguments.to_string();
                self.goes_on(call, SpanState::Running);
                (SpanState::Done, format!("Approved by {}.", who()))
            }
            ApprovalDecision::Denied => (SpanState::Denied, format!("Denied by {}.", who())),
            ApprovalDecision::Expired => (SpanState::Denied, "Nobody decided in time.".to_owned()),
            ApprovalDecision::Withdrawn => (SpanState::Unfinished, "The run ended before anybody decided.".to_owned()),
        };
        // What was decided is written down when the run goes on; the person did it before.
        let began = self.spans[span].began_at;
        self.close(span, state, approval.decided_at.unwrap_or(at).min(at).max(began));
        self.spans[span].note = note;
        span
    }
}

/// What a tool's answer says about its call: the runtime begins the answer of one that could not with
/// `Error`, and many tools of others answer with a JSON object that has `error`.
fn outcome_of(content: &str) -> SpanState {
    // A person who changed the arguments is told of in a line of its own.
    let answer = match content.split_once('\n') {
        Some((first, rest)) if first.starts_with("[A person changed the arguments") => rest,
        _ => content,
    };
    if answer == "Stopped before it answered." || answer.starts_with("Not run:") {
        return SpanState::Unfinished;
    }
    let has_error = || match serde_json::from_str::<Value>(answer) {
        Ok(Value::Object(result)) => result.get("error").is_some_and(|error| !error.is_null()),
        _ => false,
    };
    if answer.starts_with("Error:") || answer.starts_with("Error (") || has_error() {
        SpanState::Failed
    } else {
        SpanState::Done
    }
}
