//! Taking up a run in its middle: at which points of its log that is possible, what of the log another run
//! takes over, and how that run tells it.
//!
//! A log is in an order in which nothing comes before what it follows from, so everything up to a point of it
//! is a state that the run was in. Only where several tasks were at work at once is that state a matter of
//! chance, and such points are refused. Which run is done anew, and with what, belongs in `run/`.

use std::collections::HashSet;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::run::{RunPoint, RunPointKind};
use gantry_domain::event::{Event, EventBody};
use gantry_domain::matrix::Pattern;
use gantry_domain::spec::Agent;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Error, Result};

use super::agent::result_of;
use super::journal::{CALL, Journal, RecordedCall, RecordedOutcome, RecordedTurn, TURN};
use super::offer::Offer;
use super::speak::clean;
use super::{Halt, Place, Runtime};

/// Bytes of turns and answers that a run takes over at most: they are kept with its job.
const MOST_TAKEN_OVER: usize = 8 * 1024 * 1024;
/// Bytes of what may be put in the place of what was said.
const LONGEST_EDIT: usize = 256 * 1024;

/// The name of a result's point.
const RESULT: &str = "result:";

/// What a run does not do anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TakenOver {
    /// The run whose log it is from.
    run_id: Uuid,
    /// Turns by their keys, in the order of that log.
    turns: Vec<(String, RecordedTurn)>,
    /// What came of calls, by their ids.
    outcomes: Vec<(String, RecordedOutcome)>,
    /// The key of the turn, or the id of the call, that a person changed.
    edited: Option<String>,
}

impl TakenOver {
    pub(super) fn turn(&self, key: &str) -> Option<&RecordedTurn> {
        self.turns.iter().find(|(known, _)| known == key).map(|(_, turn)| turn)
    }

    fn outcome(&self, call_id: &str) -> Option<&RecordedOutcome> {
        self.outcomes.iter().find(|(known, _)| known == call_id).map(|(_, outcome)| outcome)
    }

    fn is_edited(&self, key: &str) -> bool {
        self.edited.as_deref() == Some(key)
    }

    fn bytes(&self) -> usize {
        let of_turn = |turn: &RecordedTurn| {
            turn.text.len() + turn.calls.iter().map(|call| call.arguments.len() + call.name.len()).sum::<usize>()
        };
        self.turns.iter().map(|(key, turn)| key.len() + of_turn(turn)).sum::<usize>()
            + self.outcomes.iter().map(|(id, outcome)| id.len() + outcome.content.len()).sum::<usize>()
    }
}

/// Something that a log has recorded for good.
struct Record {
    seq: i64,
    what: What,
}

enum What {
    Turn(String, RecordedTurn),
    Outcome(String, RecordedOutcome),
}

/// What a log says about where it can be taken up.
struct Recorded {
    records: Vec<Record>,
    /// When each step first began.
    steps: Vec<(String, i64)>,
    /// The calls that readers were told of; the others move the run on.
    told_calls: HashSet<String>,
    pattern: Pattern,
}

impl Recorded {
    fn of(history: &[Event], pattern: Pattern) -> Self {
        let mut recorded = Self { records: Vec::new(), steps: Vec::new(), told_calls: HashSet::new(), pattern };
        for event in history {
            let what = match &event.body {
                EventBody::StepDone { step, output } => what_of(step, output),
                EventBody::RunEvent { event: AgUiEvent::StepStarted { step_name }, .. } => {
                    recorded.steps.push((step_name.clone(), event.seq));
                    None
                }
                EventBody::RunEvent { event: AgUiEvent::ToolCallStart { tool_call_id, .. }, .. } => {
                    recorded.told_calls.insert(tool_call_id.clone());
                    None
                }
                _ => None,
            };
            recorded.records.extend(what.map(|what| Record { seq: event.seq, what }));
        }
        recorded
    }

    fn turns(&self) -> impl Iterator<Item = (usize, &str, &RecordedTurn)> {
        self.records.iter().enumerate().filter_map(|(index, record)| match &record.what {
            What::Turn(key, turn) => Some((index, key.as_str(), turn)),
            What::Outcome(..) => None,
        })
    }

    /// Where what came of a call was recorded.
    fn outcome(&self, call_id: &str) -> Option<(usize, &RecordedOutcome)> {
        self.records.iter().enumerate().find_map(|(index, record)| match &record.what {
            What::Outcome(id, outcome) if id == call_id => Some((index, outcome)),
            _ => None,
        })
    }

    /// The turn that asked for a call, and the call's place in it.
    fn call(&self, call_id: &str) -> Option<(usize, &str, &RecordedTurn, usize)> {
        self.turns().find_map(|(index, key, turn)| {
            let place = turn.calls.iter().position(|call| call.id == call_id)?;
            Some((index, key, turn, place))
        })
    }

    /// Why what there was after `kept` records is no state to go on from with the task of `key`.
    fn refusal(&self, key: &str, kept: usize) -> Option<String> {
        if self.pattern != Pattern::Parallel {
            return None;
        }
        let own = task_of(key);
        // Everything before the first record that is not kept had happened.
        let until = self.records.get(kept).map_or(i64::MAX, |next| next.seq);
        let kept = &self.records[..kept];
        let is_done = |task: &str| {
            kept.iter().any(
                |record| matches!(&record.what, What::Turn(key, turn) if task_of(key) == task && turn.calls.is_empty()),
            )
        };
        let mut at_work: Vec<&str> = self
            .steps
            .iter()
            .filter(|(task, began)| task != own && *began < until && !is_done(task))
            .map(|(task, _)| task.as_str())
            .collect();
        at_work.sort_unstable();
        at_work.dedup();
        if at_work.is_empty() {
            return None;
        }
        Some(format!(
            "At this moment {} was at work as well, and how far it had come is a matter of chance. Take the run up where one task is at work, or at its input.",
            at_work.join(", ")
        ))
    }

    /// How many records are kept when a call is made anew, or why that cannot be.
    fn before_call(&self, turn: usize, calls: &[RecordedCall], place: usize) -> std::result::Result<usize, String> {
        let mut kept = turn + 1;
        for call in calls[..place].iter().filter(|call| self.told_calls.contains(&call.id)) {
            match self.outcome(&call.id) {
                Some((index, _)) => kept = kept.max(index + 1),
                None => {
                    return Err(format!(
                        "The call of {} before it in the same turn has no answer. Take the run up there.",
                        call.name
                    ));
                }
            }
        }
        Ok(kept)
    }
}

fn what_of(step: &str, output: &Value) -> Option<What> {
    if let Some(key) = step.strip_prefix(TURN) {
        return serde_json::from_value(output.clone()).ok().map(|turn| What::Turn(key.to_owned(), turn));
    }
    let id = step.strip_prefix(CALL)?;
    serde_json::from_value(output.clone()).ok().map(|outcome| What::Outcome(id.to_owned(), outcome))
}

/// The task that a turn is part of, where tasks are done at the same time.
fn task_of(key: &str) -> &str {
    key.rsplit_once(':').map_or(key, |(task, _)| task)
}

/// Who speaks in a turn: the last part of its place.
fn label_of(key: &str) -> &str {
    let place = task_of(key);
    place.rsplit_once('/').map_or(place, |(_, last)| last)
}

/// The points in the middle of a run that was interpreted, in the order of its log.
pub(crate) fn points(history: &[Event], pattern: Pattern) -> Vec<RunPoint> {
    let recorded = Recorded::of(history, pattern);
    let mut points = Vec::new();
    for (index, record) in recorded.records.iter().enumerate() {
        match &record.what {
            What::Turn(key, turn) => {
                points.push(RunPoint {
                    name: format!("{TURN}{key}"),
                    kind: RunPointKind::Turn,
                    subject: turn.message_id.clone(),
                    label: label_of(key).to_owned(),
                    refusal: recorded.refusal(key, index),
                });
                for (place, call) in turn.calls.iter().enumerate() {
                    if !recorded.told_calls.contains(&call.id) {
                        continue;
                    }
                    let refusal = match recorded.before_call(index, &turn.calls, place) {
                        Ok(kept) => recorded.refusal(key, kept),
                        Err(refusal) => Some(refusal),
                    };
                    points.push(of_call(CALL, RunPointKind::Call, call, refusal));
                }
            }
            What::Outcome(id, outcome) => {
                let Some((_, key, turn, place)) = recorded.call(id) else { continue };
                let refusal = if outcome.left { Some(left()) } else { recorded.refusal(key, index + 1) };
                points.push(of_call(RESULT, RunPointKind::Result, &turn.calls[place], refusal));
            }
        }
    }
    points
}

fn of_call(prefix: &str, kind: RunPointKind, call: &RecordedCall, refusal: Option<String>) -> RunPoint {
    RunPoint { name: format!("{prefix}{}", call.id), kind, subject: call.id.clone(), label: call.name.clone(), refusal }
}

fn left() -> String {
    "The agent had reached its step limit here: its model is not asked again.".to_owned()
}

/// What another run takes over of a run that was interpreted, up to a point in its middle.
///
/// # Errors
/// `422` in `errors` at `/from`: `point_unknown`, or `point_refused` with the reason; at `/input`:
/// `input_empty`, `input_too_long`, `arguments_invalid`. `409 too_much_to_take_over`.
pub(crate) fn take_over(
    history: &[Event],
    pattern: Pattern,
    run_id: Uuid,
    point: &str,
    edit: Option<&str>,
) -> Result<TakenOver> {
    let recorded = Recorded::of(history, pattern);
    let known = points(history, pattern).into_iter().find(|known| known.name == point).ok_or_else(|| {
        let message = format!("The run has no point {point:?}. GET /runs/{run_id}/points lists them.");
        Error::invalid("/from", "point_unknown", message)
    })?;
    if let Some(refusal) = known.refusal {
        return Err(Error::invalid("/from", "point_refused", refusal));
    }
    let edit = edit.map(clean);
    if let Some(edit) = &edit {
        check_edit(known.kind, edit)?;
    }
    // The records of a point that was just found are there.
    let gone = || Error::invalid("/from", "point_unknown", "The run has no such point.");
    let mut taken = TakenOver { run_id, turns: Vec::new(), outcomes: Vec::new(), edited: None };
    match known.kind {
        RunPointKind::Input => return Err(gone()),
        RunPointKind::Turn => {
            let key = &point[TURN.len()..];
            let (index, ..) = recorded.turns().find(|(_, known, _)| *known == key).ok_or_else(gone)?;
            take(&mut taken, &recorded.records[..index + usize::from(edit.is_some())]);
            if let (Some(edit), Some((_, turn))) = (edit, taken.turns.last_mut()) {
                turn.text = edit;
                taken.edited = Some(key.to_owned());
            }
        }
        RunPointKind::Call => {
            let (index, key, turn, place) = recorded.call(&known.subject).ok_or_else(gone)?;
            let kept = recorded.before_call(index, &turn.calls, place).map_err(|_| gone())?;
            take(&mut taken, &recorded.records[..kept]);
            let asking = taken.turns.iter_mut().find(|(known, _)| known == key);
            if let (Some(edit), Some((_, turn))) = (edit, asking) {
                turn.calls[place].arguments = edit;
                taken.edited = Some(key.to_owned());
            }
        }
        RunPointKind::Result => {
            let (index, _) = recorded.outcome(&known.subject).ok_or_else(gone)?;
            take(&mut taken, &recorded.records[..=index]);
            if let (Some(edit), Some((id, outcome))) = (edit, taken.outcomes.last_mut()) {
                outcome.content = edit;
                taken.edited = Some(id.clone());
            }
        }
    }
    if taken.bytes() > MOST_TAKEN_OVER {
        return Err(Error::conflict(
            "too_much_to_take_over",
            "What the run had said and read up to this point is more than 8 MiB. Take it up at an earlier point.",
        ));
    }
    Ok(taken)
}

fn check_edit(kind: RunPointKind, edit: &str) -> Result<()> {
    if edit.len() > LONGEST_EDIT {
        let message = format!("Expected at most 262 144 bytes, got {}.", edit.len());
        return Err(Error::invalid("/input", "input_too_long", message));
    }
    match kind {
        RunPointKind::Call if !matches!(serde_json::from_str(edit), Ok(Value::Object(_))) => Err(Error::invalid(
            "/input",
            "arguments_invalid",
            "Expected the arguments of the call as a JSON object, such as {\"city\": \"Rome\"}.",
        )),
        RunPointKind::Turn if edit.trim().is_empty() => Err(Error::invalid(
            "/input",
            "input_empty",
            "Expected what the model is to have said. Leave input out for the model to be asked anew.",
        )),
        _ => Ok(()),
    }
}

/// Takes over records: nothing of them is used or takes time in the run that takes them over.
fn take(taken: &mut TakenOver, records: &[Record]) {
    for record in records {
        match &record.what {
            What::Turn(key, turn) => {
                let turn =
                    RecordedTurn { tokens: None, elapsed_ms: 0, worked_ms: None, taken_over: true, ..turn.clone() };
                taken.turns.push((key.clone(), turn));
            }
            What::Outcome(id, outcome) => {
                let outcome = RecordedOutcome { elapsed_ms: 0, worked_ms: None, taken_over: true, ..outcome.clone() };
                taken.outcomes.push((id.clone(), outcome));
            }
        }
    }
}

impl Runtime<'_> {
    /// What another run found out about a call.
    pub(super) fn taken_outcome(&self, call: &RecordedCall) -> Option<RecordedOutcome> {
        self.plan.taken_over.as_ref()?.outcome(&call.id).cloned()
    }

    /// Tells a turn of another run and records it as this run's.
    pub(super) async fn tell_taken_turn(
        &self,
        place: &Place,
        agent: &Agent,
        offer: &Offer<'_>,
        key: &str,
        turn: &RecordedTurn,
    ) -> std::result::Result<RecordedTurn, Halt> {
        self.enter(place);
        let message_id = turn.message_id.clone();
        let mut events = Vec::new();
        if !turn.text.is_empty() {
            events.extend([
                AgUiEvent::TextMessageStart {
                    message_id: message_id.clone(),
                    role: "assistant".to_owned(),
                    name: self.speaker(agent),
                },
                AgUiEvent::TextMessageContent { message_id: message_id.clone(), delta: turn.text.clone() },
                AgUiEvent::TextMessageEnd { message_id: message_id.clone() },
            ]);
        }
        let told: Vec<&RecordedCall> = turn.calls.iter().filter(|call| !offer.is_silent(&call.name)).collect();
        for call in &told {
            let tool_call_id = call.id.clone();
            events.push(AgUiEvent::ToolCallStart {
                tool_call_id: tool_call_id.clone(),
                tool_call_name: call.name.clone(),
                parent_message_id: Some(message_id.clone()),
            });
            if !call.arguments.is_empty() {
                let delta = call.arguments.clone();
                events.push(AgUiEvent::ToolCallArgs { tool_call_id: tool_call_id.clone(), delta });
            }
            events.push(AgUiEvent::ToolCallEnd { tool_call_id });
        }
        let call_ids: Vec<&str> = told.iter().map(|call| call.id.as_str()).collect();
        events.push(self.taken_over(Some(&message_id), &call_ids, key));
        self.tell_at_once(events, Journal::turn_entry(key, turn)).await?;
        let mut shared = self.shared();
        shared.journal.call_ids.extend(turn.calls.iter().map(|call| call.id.clone()));
        shared.journal.keep_turn(key.to_owned(), turn.clone());
        Ok(turn.clone())
    }

    /// Tells what came of a call in another run and records it as this run's.
    pub(super) async fn tell_taken_outcome(
        &self,
        place: &Place,
        call: &RecordedCall,
        outcome: RecordedOutcome,
    ) -> std::result::Result<String, Halt> {
        self.enter(place);
        let events = vec![result_of(call, &outcome.content), self.taken_over(None, &[call.id.as_str()], &call.id)];
        self.tell_at_once(events, Journal::outcome_entry(&call.id, &outcome)).await?;
        let content = outcome.content.clone();
        self.shared().journal.keep_outcome(call.id.clone(), outcome);
        Ok(content)
    }

    fn taken_over(&self, message_id: Option<&str>, tool_call_ids: &[&str], key: &str) -> AgUiEvent {
        let taken = self.plan.taken_over.as_ref();
        let mut value = json!({
            "runId": taken.map(|taken| taken.run_id),
            "toolCallIds": tool_call_ids,
            "edited": taken.is_some_and(|taken| taken.is_edited(key)),
        });
        if let Some(message_id) = message_id {
            value["messageId"] = json!(message_id);
        }
        AgUiEvent::Custom { name: "gantry.takenOver".to_owned(), value }
    }

    /// Writes events and their record together, so that none of them is ever told without the others.
    async fn tell_at_once(&self, events: Vec<AgUiEvent>, record: EventBody) -> std::result::Result<(), Halt> {
        let run_id = self.plan.run_id;
        let mut entries: Vec<EventBody> =
            events.into_iter().map(|event| EventBody::RunEvent { run_id, event }).collect();
        entries.push(record);
        self.emitter.write(entries).await?;
        Ok(())
    }
}
