//! What becomes of a turn: it is counted and told, its calls are decided, and what was denied is told too.

use std::collections::HashMap;

use gantry_domain::api::approval::{Approval, ApprovalDecision};
use gantry_domain::event::EventBody;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::gateway::judge::{Verdict, judge};
use crate::gateway::refusal::Refusal;
use crate::gateway::scribe::{call_events, clean, result_event};
use crate::gateway::store::{self, Spent};
use crate::gateway::wire::{Call, Denial, Said, Settled};
use crate::gateway::{Fact, claim, hold};

use super::notes::{notice, usage_event};
use super::{Relay, Source};

/// How many tools a model may call in one turn.
const MOST_CALLS: usize = 64;
/// How often the model may ask, within one answer, for nothing but what is denied.
const MOST_DENIED_TURNS: u32 = 8;

impl Relay {
    /// Counts a turn, tells of it, and decides about its calls: by the rules, or by asking a person.
    pub(super) async fn settle(&mut self, said: &Said) -> Result<Vec<Settled>, Refusal> {
        if said.calls.len() > MOST_CALLS {
            return Err(self.bad_response("it calls more than 64 tools in one turn"));
        }
        let message_id = self.scribe.end_message();
        if !self.scribe.flush().await {
            return Err(Refusal::closed());
        }
        let ids = self.note(said, message_id.as_deref()).await?;
        let verdicts: Vec<Verdict> =
            said.calls.iter().map(|call| judge(&self.pass.spec, self.pass.mode, call)).collect();
        let questions = ids.iter().zip(&said.calls).zip(&verdicts).filter_map(|((id, call), verdict)| match verdict {
            Verdict::Hold { effect, arguments } => Some(hold::Question {
                call_id: id.clone(),
                tool: call.name.clone(),
                effect: *effect,
                arguments: arguments.clone(),
            }),
            _ => None,
        });
        let questions: Vec<hold::Question> = questions.collect();
        let mut decided: HashMap<String, Approval> = HashMap::new();
        if !questions.is_empty() {
            let asked_at = Instant::now();
            let answers = hold::ask(&self.app, &self.pass, questions).await?;
            // The run's time stands still while a person thinks.
            self.deadline = self.deadline.map(|deadline| deadline + asked_at.elapsed());
            decided.extend(answers.into_iter().map(|approval| (approval.tool_call_id.clone(), approval)));
        }
        let mut settled = Vec::with_capacity(ids.len());
        let mut notices = Vec::new();
        for ((id, call), verdict) in ids.into_iter().zip(&said.calls).zip(verdicts) {
            let (outcome, code) = match verdict {
                Verdict::Run => (Ok(call.arguments.clone()), None),
                Verdict::Deny { answer, notice } => (Err(answer), notice),
                Verdict::Hold { arguments, .. } => (followed(call, arguments, decided.get(&id)), Some("tool_denied")),
            };
            settled.push(match outcome {
                Ok(arguments) => Settled::Released { id, arguments },
                Err(answer) => {
                    notices.extend(code.map(|code| notice(self.pass.run_id, code, &answer)));
                    Settled::Denied { id, answer }
                }
            });
        }
        self.tell_denials(said, &settled, notices).await?;
        Ok(settled)
    }

    /// Counts a turn and puts its calls into the log, each under an id that comes once in the run.
    async fn note(&mut self, said: &Said, message_id: Option<&str>) -> Result<Vec<String>, Refusal> {
        let run_id = self.pass.run_id;
        let prices = match &self.source {
            Source::Endpoint { prices, .. } => *prices,
            Source::Rehearsal => None,
        };
        let tokens = said.tokens.unwrap_or_default();
        let tool_calls = i64::try_from(said.calls.len()).unwrap_or(i64::MAX);
        let mut tx = self.app.db.begin().await?;
        if !said.text.trim().is_empty() {
            claim(&mut tx, run_id, &Fact::Text(&said.text)).await?;
        }
        let mut ids = Vec::with_capacity(said.calls.len());
        let mut events = Vec::new();
        for call in &said.calls {
            let mut id = clean(&call.id);
            // Some endpoints give no ids, and some count anew in every turn.
            if id.is_empty() || !claim(&mut tx, run_id, &Fact::Call(&id)).await? {
                id = format!("call_{}", Uuid::now_v7().simple());
                claim(&mut tx, run_id, &Fact::Call(&id)).await?;
            }
            let told = call_events(&id, &call.name, &call.arguments, message_id);
            events.extend(told.into_iter().map(|event| EventBody::RunEvent { run_id, event }));
            ids.push(id);
        }
        let guardrails = &self.pass.spec.guardrails;
        let has_endpoint = matches!(self.source, Source::Endpoint { .. });
        let counts = guardrails.max_tokens.is_some() || (guardrails.max_cost_micros.is_some() && prices.is_some());
        let unknown_cost = guardrails.max_cost_micros.is_some() && prices.is_none();
        for (code, applies, message) in [
            (
                "tokens_not_counted",
                counts && said.tokens.is_none(),
                "The model's endpoint does not say how many tokens it used, so the limits of tokens and of cost cannot be kept.",
            ),
            (
                "cost_not_known",
                unknown_cost,
                "The model's prices are not known, so the limit of cost cannot be kept. Enter them with the provider.",
            ),
        ] {
            if applies && has_endpoint && claim(&mut tx, run_id, &Fact::Notice(code)).await? {
                events.push(notice(run_id, code, message));
            }
        }
        let usage = store::count(&mut tx, run_id, Spent { tokens, tool_calls, prices }).await?;
        let usage = usage.ok_or_else(Refusal::closed)?;
        self.used_tokens = usage.input_tokens + usage.output_tokens;
        self.cost_micros = usage.cost_micros;
        events.push(usage_event(&self.app, &self.pass, usage));
        self.append(&mut tx, &events).await?;
        tx.commit().await?;
        Ok(ids)
    }

    async fn tell_denials(&mut self, said: &Said, settled: &[Settled], notices: Vec<EventBody>) -> Result<(), Refusal> {
        let released = settled.iter().find_map(|settled| match settled {
            Settled::Released { id, .. } => Some(id.clone()),
            Settled::Denied { .. } => None,
        });
        let denied: Vec<(&Call, &String, &String)> = said
            .calls
            .iter()
            .zip(settled)
            .filter_map(|(call, settled)| match settled {
                Settled::Denied { id, answer } => Some((call, id, answer)),
                Settled::Released { .. } => None,
            })
            .collect();
        if denied.is_empty() {
            return Ok(());
        }
        if released.is_none() {
            self.denied_turns += 1;
            if self.denied_turns > MOST_DENIED_TURNS {
                return Err(Refusal::limit(
                    "denied_too_often",
                    "The model keeps asking for tools that are denied. Allow them, or tell the agent in its instructions to do without.",
                ));
            }
        }
        let run_id = self.pass.run_id;
        let mut tx = self.app.db.begin().await?;
        let mut events = Vec::new();
        for (call, id, answer) in denied {
            if claim(&mut tx, run_id, &Fact::Result(id)).await? {
                events.push(EventBody::RunEvent { run_id, event: result_event(id, answer) });
            }
            if let Some(neighbour) = &released {
                let denial = Denial {
                    call_id: id.clone(),
                    neighbour: neighbour.clone(),
                    name: clean(&call.name),
                    arguments: clean(&call.arguments),
                    answer: clean(answer),
                };
                store::keep_denial(&mut tx, run_id, &denial).await?;
            }
        }
        events.extend(notices);
        self.append(&mut tx, &events).await?;
        Ok(tx.commit().await?)
    }
}

/// What follows from a person's decision: the arguments to run with, or what the model reads instead.
fn followed(call: &Call, asked: Value, approval: Option<&Approval>) -> Result<String, String> {
    let name = &call.name;
    match approval.map(|approval| (approval.decision, approval)) {
        Some((ApprovalDecision::Approved, approval)) if approval.arguments == asked => Ok(call.arguments.clone()),
        Some((ApprovalDecision::Approved, approval)) => Ok(approval.arguments.to_string()),
        Some((ApprovalDecision::Denied, approval)) => {
            let who = approval.decided_by.as_deref().unwrap_or("a person");
            Err(format!("Denied: {who} did not allow the call of {name}. It was not run."))
        }
        _ => Err(format!("Denied: nobody approved the call of {name} in time. It was not run.")),
    }
}
