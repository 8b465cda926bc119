//! Questions to people: calls that wait for an approval, and how the run says that it waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::approval::{Approval, ApprovalDecision};
use gantry_domain::event::EventBody;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::approval;
use crate::jobs::JobFailure;

use super::journal::RecordedCall;
use super::offer::Offer;
use super::toolbox::{Verdict, judge};
use super::{Halt, Pause, Place, Runtime};

/// How often somebody who waits beside others at work looks whether a person has decided.
const LOOK_EVERY: Duration = Duration::from_millis(300);

impl<'a> Runtime<'a> {
    /// Puts what people decided into the log, once, and says whether there was news.
    pub(super) async fn tell_decisions(&self) -> Result<bool, Halt> {
        let has_asked = {
            let shared = self.shared();
            shared.asked || shared.journal.asked_for_approval
        };
        if !has_asked {
            return Ok(false);
        }
        let decided = approval::decided_of_run(&self.app.db, self.plan.run_id).await.map_err(JobFailure::from)?;
        let news: Vec<EventBody> = {
            let mut shared = self.shared();
            shared.waiting.retain(|waiting| decided.iter().all(|approval| approval.id != waiting.id));
            let fresh = decided.into_iter().filter(|approval| shared.journal.decided.insert(approval.id));
            fresh.map(|approval| EventBody::ApprovalDecided { approval }).collect()
        };
        let is_news = !news.is_empty();
        if is_news {
            self.emitter.write(news).await?;
        }
        Ok(is_news)
    }

    /// Waits until a person has decided something, as long as others are at work; whether one has.
    pub(super) async fn decided_meanwhile(&self, at_work: &AtomicUsize) -> Result<bool, Halt> {
        let known = self.shared().journal.decided.len();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.stop_if_cancelled().await?;
            if at_work.load(Ordering::SeqCst) == 0 {
                return Ok(false);
            }
            self.tell_decisions().await?;
            // Who of those that wait was meant finds out by going over its way again.
            if self.shared().journal.decided.len() > known {
                return Ok(true);
            }
        }
    }

    /// Asks people about the calls of a turn that need it, all at once. Agents that work at the same
    /// time go on meanwhile; the run waits when nobody can.
    pub(super) async fn ask_people(
        &self,
        place: &Place,
        offer: &Offer<'a>,
        calls: &[RecordedCall],
    ) -> Result<Halt, Halt> {
        let (run_id, now) = (self.plan.run_id, self.app.db.now());
        let expires_at = now.plus_millis(i64::from(self.app.config.approval_seconds) * 1_000);
        let mut waiting = Vec::new();
        let mut new = Vec::new();
        for call in calls {
            let Verdict::Hold(tool, arguments) =
                judge(&self.plan.spec, offer, self.plan.mode, &call.name, &call.arguments)
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
        if !new.is_empty() {
            self.enter(place);
            let _turn = self.emitter.writing().await;
            let mut bodies = self.emitter.take();
            bodies.extend(new.iter().map(|approval| EventBody::ApprovalRequested { approval: approval.clone() }));
            let mut tx = self.app.db.begin().await?;
            for approval in &new {
                approval::insert(&mut tx, approval).await.map_err(JobFailure::from)?;
            }
            self.job.append_within(&mut tx, &bodies).await?;
            tx.commit().await?;
        }
        let mut shared = self.shared();
        shared.asked |= !new.is_empty();
        waiting.retain(|approval| shared.waiting.iter().all(|known| known.id != approval.id));
        shared.waiting.extend(waiting);
        Ok(Halt::Own(Pause::Interrupted))
    }

    /// Says that the run waits for people, and for whom.
    pub(super) async fn tell_interrupts(&self) -> Result<(), JobFailure> {
        let (waiting, is_known) = {
            let mut shared = self.shared();
            (std::mem::take(&mut shared.waiting), !shared.asked && !shared.journal.open)
        };
        // Woken by one decision while another is open, and nothing was done since: the reader knows already.
        if is_known {
            return Ok(());
        }
        self.open_run();
        self.close_loose_ends();
        self.leave_all();
        let interrupts: Vec<Value> = waiting
            .iter()
            .map(|approval| {
                json!({
                    "id": approval.id,
                    "reason": "tool_approval",
                    "message": format!("Allow {} to run?", approval.tool),
                    "toolCallId": approval.tool_call_id,
                    "expiresAt": approval.expires_at,
                    "responseSchema": {
                        "type": "object",
                        "properties": { "approved": { "type": "boolean" }, "arguments": { "type": "object" } },
                        "required": ["approved"],
                    },
                })
            })
            .collect();
        self.emitter.push(AgUiEvent::RunFinished {
            thread_id: self.plan.thread_id.to_string(),
            run_id: self.plan.run_id.to_string(),
            outcome: Some(json!({ "type": "interrupt", "interrupts": interrupts })),
        });
        self.emitter.flush().await
    }
}
