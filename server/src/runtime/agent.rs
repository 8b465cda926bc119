//! An agent's loop: ask the model, run the tools that it calls, ask again, until it answers.

use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::approval::{Approval, ApprovalDecision};
use gantry_domain::event::EventBody;
use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Agent, Effect, Tool};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::approval;
use crate::jobs::JobFailure;
use crate::outside::model::{Message, ToolCall};

use super::journal::{Journal, RecordedCall, RecordedOutcome};
use super::speak::{millis, until};
use super::toolbox::{Answer, Verdict, judge};
use super::{Halt, Runtime};

impl<'a> Runtime<'a> {
    /// Lets an agent work until it answers.
    pub(super) async fn converse(
        &mut self,
        scope: &str,
        agent: &Agent,
        mut messages: Vec<Message>,
    ) -> Result<String, Halt> {
        let tools = self.tools_of(agent);
        for step in 0..agent.max_steps {
            let turn = self.turn(&format!("{scope}:{step}"), agent, &tools, &messages).await?;
            if turn.calls.is_empty() {
                return Ok(turn.text);
            }
            if step + 1 == agent.max_steps {
                self.leave_unanswered(&turn.calls).await?;
                break;
            }
            let calls = turn.calls.iter().map(|call| ToolCall {
                id: call.wire_id.clone(),
                name: call.name.clone(),
                arguments: call.arguments.clone(),
            });
            messages.push(Message::Assistant { text: turn.text, calls: calls.collect() });
            for (index, call) in turn.calls.iter().enumerate() {
                let content = self.answer(&tools, call, &turn.calls[index..]).await?;
                messages.push(Message::Tool { call_id: call.wire_id.clone(), content });
            }
        }
        Err(Halt::failed(
            "step_limit",
            format!(
                "{} asked its model {} times without coming to an answer. Raise maxSteps in the spec, or make its instructions say when it is done.",
                agent.id, agent.max_steps
            ),
        ))
    }

    /// The tools that an agent is offered; the pattern `single` offers none.
    fn tools_of(&self, agent: &Agent) -> Vec<&'a Tool> {
        let spec = &self.plan.spec;
        if spec.target.pattern == Pattern::Single {
            return Vec::new();
        }
        spec.tools.iter().filter(|tool| agent.tools.contains(&tool.id)).collect()
    }

    /// What the model reads of one of its calls. `rest` is this call and those after it in the turn.
    async fn answer(&mut self, tools: &[&'a Tool], call: &RecordedCall, rest: &[RecordedCall]) -> Result<String, Halt> {
        self.usage.tool_calls += 1;
        if let Some(outcome) = self.journal.outcome(&call.id) {
            return Ok(outcome.content.clone());
        }
        self.stop_if_cancelled().await?;
        match judge(&self.plan.spec, tools, self.plan.mode, &call.name, &call.arguments) {
            Verdict::Answer(answer) => self.record(call, answer, 0).await,
            Verdict::Run(tool, arguments) => self.run_tool(call, tool, &arguments, None).await,
            Verdict::Hold(tool, _) => {
                let approval =
                    approval::of_call(&self.app.db, self.plan.run_id, &call.id).await.map_err(JobFailure::from)?;
                match approval {
                    Some(approval) if approval.decision != ApprovalDecision::Pending => {
                        self.follow_decision(call, tool, &approval).await
                    }
                    _ => {
                        self.usage.tool_calls -= 1;
                        Err(self.ask_people(tools, rest).await?)
                    }
                }
            }
        }
    }

    async fn follow_decision(
        &mut self,
        call: &RecordedCall,
        tool: &'a Tool,
        approval: &Approval,
    ) -> Result<String, Halt> {
        let denied = |content: String| Answer::noted("tool_denied", content);
        match approval.decision {
            ApprovalDecision::Approved => {
                let Value::Object(arguments) = &approval.arguments else {
                    return self
                        .record(call, denied("Error: the approved arguments are not an object.".to_owned()), 0)
                        .await;
                };
                let asked: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
                let edited = (asked != approval.arguments)
                    .then(|| format!("[A person changed the arguments to {} and approved.]\n", approval.arguments));
                self.run_tool(call, tool, arguments, edited).await
            }
            ApprovalDecision::Expired => {
                let content = format!("Denied: nobody approved the call of {} in time. It was not run.", tool.id);
                self.record(call, denied(content), 0).await
            }
            _ => {
                let who = approval.decided_by.as_deref().unwrap_or("a person");
                let content = format!("Denied: {who} did not allow the call of {}. It was not run.", tool.id);
                self.record(call, denied(content), 0).await
            }
        }
    }

    async fn run_tool(
        &mut self,
        call: &RecordedCall,
        tool: &'a Tool,
        arguments: &Map<String, Value>,
        preface: Option<String>,
    ) -> Result<String, Halt> {
        if tool.effect != Effect::Read {
            if self.journal.has_started(&call.id) {
                let content = format!(
                    "The outcome of this call of {} is unknown: the server ended while it was running. It may or may not have taken effect, and it was not run again.",
                    tool.id
                );
                return self.record(call, Answer::noted("tool_outcome_unknown", content), 0).await;
            }
            self.enter_step();
            self.emitter.write(vec![Journal::start_entry(&call.id)]).await?;
        }
        let deadline = self.deadline()?;
        let cancelled = self.job.cancelled().clone();
        let began = Instant::now();
        let content = tokio::select! {
            biased;
            () = cancelled.cancelled() => return Err(self.stopped_in(call).await?),
            () = until(deadline) => return Err(self.out_of_time()),
            content = self.toolbox.run(tool, arguments) => content,
        };
        let content = format!("{}{content}", preface.unwrap_or_default());
        self.record(call, Answer { content, notice: None }, millis(began.elapsed())).await
    }

    /// Somebody stopped the run while a tool was at work: the reader learns that no answer will come.
    async fn stopped_in(&mut self, call: &RecordedCall) -> Result<Halt, Halt> {
        let why = self.why_cancelled().await;
        if matches!(why, Halt::Cancelled) {
            self.enter_step();
            self.tell_result(call, "Stopped before it answered.");
            self.emitter.flush().await?;
        }
        Ok(why)
    }

    async fn record(&mut self, call: &RecordedCall, answer: Answer, elapsed_ms: i64) -> Result<String, Halt> {
        self.enter_step();
        self.tell_result(call, &answer.content);
        if let Some(code) = answer.notice {
            self.notice(code, &answer.content);
        }
        self.journal.worked_ms += elapsed_ms;
        let outcome = RecordedOutcome { content: answer.content.clone(), elapsed_ms };
        self.emitter.write(vec![Journal::outcome_entry(&call.id, &outcome)]).await?;
        Ok(answer.content)
    }

    fn tell_result(&mut self, call: &RecordedCall, content: &str) {
        self.emitter.push(AgUiEvent::ToolCallResult {
            message_id: Uuid::now_v7().to_string(),
            tool_call_id: call.id.clone(),
            content: content.to_owned(),
            role: Some("tool".to_owned()),
        });
    }

    /// The last turn that was allowed asked for tools again: they are not run.
    async fn leave_unanswered(&mut self, calls: &[RecordedCall]) -> Result<(), Halt> {
        for call in calls {
            if self.journal.outcome(&call.id).is_none() {
                self.record(
                    call,
                    Answer { content: "Not run: the step limit was reached.".to_owned(), notice: None },
                    0,
                )
                .await?;
            }
        }
        Ok(())
    }

    /// Asks people about the calls of a turn that need it, all at once, and lets the run wait.
    async fn ask_people(&mut self, tools: &[&'a Tool], calls: &[RecordedCall]) -> Result<Halt, Halt> {
        let (run_id, now) = (self.plan.run_id, self.app.db.now());
        let expires_at = now.plus_millis(i64::from(self.app.config.approval_seconds) * 1_000);
        let mut waiting = Vec::new();
        let mut new = Vec::new();
        for call in calls {
            let Verdict::Hold(tool, arguments) =
                judge(&self.plan.spec, tools, self.plan.mode, &call.name, &call.arguments)
            else {
                continue;
            };
            match approval::of_call(&self.app.db, run_id, &call.id).await.map_err(JobFailure::from)? {
                Some(known) if known.decision == ApprovalDecision::Pending => waiting.push(known),
                Some(_) => {}
                None => {
                    let approval = Approval {
                        id: Uuid::now_v7(),
                        run_id,
                        tool_call_id: call.id.clone(),
                        tool: tool.id.clone(),
                        effect: tool.effect,
                        arguments: Value::Object(arguments),
                        decision: ApprovalDecision::Pending,
                        requested_at: now,
                        expires_at,
                        decided_at: None,
                        decided_by: None,
                    };
                    new.push(approval.clone());
                    waiting.push(approval);
                }
            }
        }
        // Woken by one decision while another is open, and nothing was done since: the reader knows already.
        if new.is_empty() && !self.journal.open {
            return Ok(Halt::Interrupted);
        }
        self.enter_step();
        self.leave_step();
        let interrupts: Vec<Value> = waiting
            .iter()
            .map(|approval| {
                json!({
                    "id": approval.id,
                    "reason": "tool_approval",
                    "message": format!("Allow {} to run?", approval.tool),
                    "toolCallId": approval.tool_call_id,
                    "expiresAt": approval.expires_at,
                })
            })
            .collect();
        self.emitter.push(AgUiEvent::RunFinished {
            thread_id: self.plan.thread_id.to_string(),
            run_id: run_id.to_string(),
            outcome: Some(json!({ "type": "interrupt", "interrupts": interrupts })),
        });
        let mut bodies: Vec<EventBody> =
            new.iter().map(|approval| EventBody::ApprovalRequested { approval: approval.clone() }).collect();
        bodies.extend(self.emitter.take());
        let mut tx = self.app.db.begin().await?;
        for approval in &new {
            approval::insert(&mut tx, approval).await.map_err(JobFailure::from)?;
        }
        self.job.append_within(&mut tx, &bodies).await?;
        tx.commit().await?;
        Ok(Halt::Interrupted)
    }
}
