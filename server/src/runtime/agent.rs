//! An agent's loop: ask the model, run the tools that it calls, ask again, until it answers.

use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::approval::{Approval, ApprovalDecision};
use gantry_domain::spec::{Agent, Effect, Tool};
use serde_json::{Map, Value};
use tokio::time::Instant;
use uuid::Uuid;

use crate::approval;
use crate::jobs::JobFailure;
use crate::outside::model::{Message, ToolCall};

use super::journal::{Journal, RecordedCall, RecordedOutcome, RecordedTurn};
use super::limits::{millis, until};
use super::offer::{Meaning, Offer};
use super::toolbox::{Answer, Verdict, judge};
use super::{Halt, Pause, Place, Runtime};

/// How an agent's loop ended.
pub(super) enum Spoke<'a> {
    /// With an answer.
    Answer(String),
    /// By passing the conversation on.
    Transfer(&'a Agent),
}

impl<'a> Runtime<'a> {
    /// Lets an agent work with its own tools until it answers.
    pub(super) async fn converse(
        &self,
        place: &Place,
        agent: &'a Agent,
        mut messages: Vec<Message>,
    ) -> Result<String, Halt> {
        let offer = Offer::of(&self.plan.spec, agent);
        match self.talk(place, agent, &offer, &mut messages).await? {
            Spoke::Answer(answer) => Ok(answer),
            // Nobody was offered.
            Spoke::Transfer(_) => Err(step_limit(agent)),
        }
    }

    /// Lets an agent work with what it is offered; what is said is added to the messages, which begin
    /// with what the agent is told.
    pub(super) async fn talk(
        &self,
        place: &Place,
        agent: &'a Agent,
        offer: &Offer<'a>,
        messages: &mut Vec<Message>,
    ) -> Result<Spoke<'a>, Halt> {
        for number in 0..agent.max_steps {
            let turn = self.turn(place, number, agent, offer, messages).await?;
            messages.push(said(&turn));
            if turn.calls.is_empty() {
                return Ok(Spoke::Answer(turn.text));
            }
            if number + 1 == agent.max_steps && !turn.calls.iter().any(|call| offer.is_transfer(&call.name)) {
                self.leave_unanswered(place, &turn.calls).await?;
                break;
            }
            let mut target = None;
            for (index, call) in turn.calls.iter().enumerate() {
                let content = match offer.choice(&call.name) {
                    Some(choice) if choice.meaning == Meaning::Ask => {
                        let key = format!("{}:{number}/{index}", place.key);
                        self.consult(place, key, choice.agent, call).await?
                    }
                    Some(choice) => {
                        let target = *target.get_or_insert(choice.agent);
                        format!("The conversation goes on with {}", target.id)
                    }
                    None => self.answer(place, offer, call, &turn.calls[index..]).await?,
                };
                messages.push(Message::Tool { call_id: call.wire_id.clone(), content });
            }
            if let Some(target) = target {
                return Ok(Spoke::Transfer(target));
            }
        }
        Err(step_limit(agent))
    }

    /// What the model reads of one of its calls. `rest` is this call and those after it in the turn.
    async fn answer(
        &self,
        place: &Place,
        offer: &Offer<'a>,
        call: &RecordedCall,
        rest: &[RecordedCall],
    ) -> Result<String, Halt> {
        if let Some(content) = self.known_outcome(call) {
            return Ok(content);
        }
        self.stop_if_cancelled().await?;
        if let Some(taken) = self.taken_outcome(call) {
            return self.tell_taken_outcome(place, call, taken).await;
        }
        self.shared().usage.tool_calls += 1;
        match judge(&self.plan.spec, offer, self.plan.mode, &call.name, &call.arguments) {
            Verdict::Answer(answer) => self.record(place, call, answer, 0).await,
            Verdict::Run(tool, arguments) => self.run_tool(place, call, tool, &arguments, None).await,
            Verdict::Hold(tool, _) => {
                let approval =
                    approval::of_call(&self.app.db, self.plan.run_id, &call.id).await.map_err(JobFailure::from)?;
                match approval {
                    Some(approval) if approval.decision != ApprovalDecision::Pending => {
                        self.follow_decision(place, call, tool, &approval).await
                    }
                    _ => {
                        self.shared().usage.tool_calls -= 1;
                        Err(self.ask_people(place, offer, rest).await?)
                    }
                }
            }
        }
    }

    /// What the model read of a call in an earlier attempt.
    pub(super) fn known_outcome(&self, call: &RecordedCall) -> Option<String> {
        self.shared().journal.outcome(&call.id).map(|outcome| outcome.content.clone())
    }

    async fn follow_decision(
        &self,
        place: &Place,
        call: &RecordedCall,
        tool: &'a Tool,
        approval: &Approval,
    ) -> Result<String, Halt> {
        let denied = |content: String| Answer::noted("tool_denied", content);
        match approval.decision {
            ApprovalDecision::Approved => {
                let Value::Object(arguments) = &approval.arguments else {
                    let answer = denied("Error: the approved arguments are not an object.".to_owned());
                    return self.record(place, call, answer, 0).await;
                };
                let asked: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
                let edited = (asked != approval.arguments)
                    .then(|| format!("[A person changed the arguments to {} and approved.]\n", approval.arguments));
                self.run_tool(place, call, tool, arguments, edited).await
            }
            ApprovalDecision::Expired => {
                let content = format!("Denied: nobody approved the call of {} in time. It was not run.", tool.id);
                self.record(place, call, denied(content), 0).await
            }
            _ => {
                let who = approval.decided_by.as_deref().unwrap_or("a person");
                let content = format!("Denied: {who} did not allow the call of {}. It was not run.", tool.id);
                self.record(place, call, denied(content), 0).await
            }
        }
    }

    async fn run_tool(
        &self,
        place: &Place,
        call: &RecordedCall,
        tool: &'a Tool,
        arguments: &Map<String, Value>,
        preface: Option<String>,
    ) -> Result<String, Halt> {
        if tool.effect != Effect::Read {
            let has_started = self.shared().journal.has_started(&call.id);
            if has_started {
                let content = format!(
                    "The outcome of this call of {} is unknown: the server ended while it was running. It may or may not have taken effect, and it was not run again.",
                    tool.id
                );
                return self.record(place, call, Answer::noted("tool_outcome_unknown", content), 0).await;
            }
            self.enter(place);
            self.emitter.write(vec![Journal::start_entry(&call.id)]).await?;
        }
        let deadline = self.deadline()?;
        let cancelled = self.job.cancelled().clone();
        let began = Instant::now();
        let content = tokio::select! {
            biased;
            () = cancelled.cancelled() => return Err(self.stopped_in(place, call).await?),
            // What may change something is let finish, so that its outcome is known.
            () = self.abandoned.cancelled(), if tool.effect == Effect::Read => return Err(Halt::Own(Pause::Abandoned)),
            () = until(deadline) => return Err(self.out_of_time()),
            content = self.toolbox.run(tool, arguments) => content,
        };
        let content = format!("{}{content}", preface.unwrap_or_default());
        self.record(place, call, Answer { content, notice: None }, millis(began.elapsed())).await
    }

    /// Somebody stopped the run while a tool was at work: the reader learns that no answer will come.
    async fn stopped_in(&self, place: &Place, call: &RecordedCall) -> Result<Halt, Halt> {
        let why = self.why_cancelled().await;
        if matches!(why, Halt::Cancelled) {
            self.enter(place);
            self.tell_result(call, "Stopped before it answered.");
            self.emitter.flush().await?;
        }
        Ok(why)
    }

    /// Tells the model's reader what came of a call and keeps it.
    pub(super) async fn record(
        &self,
        place: &Place,
        call: &RecordedCall,
        answer: Answer,
        elapsed_ms: i64,
    ) -> Result<String, Halt> {
        self.keep(place, call, answer, elapsed_ms, false).await
    }

    async fn keep(
        &self,
        place: &Place,
        call: &RecordedCall,
        answer: Answer,
        elapsed_ms: i64,
        left: bool,
    ) -> Result<String, Halt> {
        self.enter(place);
        self.tell_result(call, &answer.content);
        if let Some(code) = answer.notice {
            self.notice(code, &answer.content);
        }
        let worked_ms = Some(self.worked_ms());
        let outcome =
            RecordedOutcome { content: answer.content.clone(), elapsed_ms, worked_ms, left, taken_over: false };
        self.emitter.write(vec![Journal::outcome_entry(&call.id, &outcome)]).await?;
        self.shared().journal.keep_outcome(call.id.clone(), outcome);
        Ok(answer.content)
    }

    fn tell_result(&self, call: &RecordedCall, content: &str) {
        self.emitter.push(result_of(call, content));
    }

    /// The last turn that was allowed asked for tools again: they are not run.
    async fn leave_unanswered(&self, place: &Place, calls: &[RecordedCall]) -> Result<(), Halt> {
        for call in calls {
            if self.known_outcome(call).is_none() {
                let answer = Answer { content: "Not run: the step limit was reached.".to_owned(), notice: None };
                self.keep(place, call, answer, 0, true).await?;
            }
        }
        Ok(())
    }
}

/// What readers are told of what came of a call.
pub(super) fn result_of(call: &RecordedCall, content: &str) -> AgUiEvent {
    AgUiEvent::ToolCallResult {
        message_id: Uuid::now_v7().to_string(),
        tool_call_id: call.id.clone(),
        content: content.to_owned(),
        role: Some("tool".to_owned()),
    }
}

/// A turn as the model reads it later.
pub(super) fn said(turn: &RecordedTurn) -> Message {
    let calls = turn.calls.iter().map(|call| ToolCall {
        id: call.wire_id.clone(),
        name: call.name.clone(),
        arguments: call.arguments.clone(),
    });
    Message::Assistant { text: turn.text.clone(), calls: calls.collect() }
}

pub(super) fn step_limit(agent: &Agent) -> Halt {
    Halt::failed(
        "step_limit",
        format!(
            "{} asked its model {} times without coming to an answer. Raise maxSteps in the spec, or make its instructions say when it is done.",
            agent.id, agent.max_steps
        ),
    )
}
