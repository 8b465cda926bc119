//! Questions to people: calls that wait for an approval, and how the run says that it waits.

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
use super::{Halt, Place, Runtime};

impl<'a> Runtime<'a> {
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
        shared.waiting.extend(waiting);
        Ok(Halt::Interrupted)
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
