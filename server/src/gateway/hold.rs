//! Where a call waits for a person: the request stays open, the run's clock stands still, and what was
//! decided is followed once.

use std::time::Duration;

use gantry_domain::api::approval::{Approval, ApprovalDecision};
use gantry_domain::event::EventBody;
use gantry_domain::spec::Effect;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::approval;

use super::refusal::Refusal;
use super::store::{self, Pass};

/// How often somebody looks without having heard the bell.
const POLL: Duration = Duration::from_secs(1);

/// A call that a person is to decide.
pub(super) struct Question {
    pub(super) call_id: String,
    pub(super) tool: String,
    pub(super) effect: Effect,
    pub(super) arguments: Value,
}

/// Asks people about calls, all at once, and waits until each is decided. Dropped before that, because
/// the project went away, the questions are taken back.
///
/// # Errors
/// `gateway_token_invalid` when the run ends first.
pub(super) async fn ask(app: &App, pass: &Pass, questions: Vec<Question>) -> Result<Vec<Approval>, Refusal> {
    // Listening begins before the questions are there, so no answer falls between.
    let mut rings = app.db.bell().listen();
    let now = app.db.now();
    let expires_at = now.plus_millis(i64::from(app.config.approval_seconds) * 1_000);
    let asked = questions.into_iter().map(|question| Approval {
        id: Uuid::now_v7(),
        run_id: pass.run_id,
        tool_call_id: question.call_id,
        tool: question.tool,
        effect: question.effect,
        arguments: question.arguments,
        decision: ApprovalDecision::Pending,
        requested_at: now,
        expires_at,
        decided_at: None,
        decided_by: None,
    });
    let asked: Vec<Approval> = asked.collect();
    let mut tx = app.db.begin().await?;
    store::begin_hold(&mut tx, pass.run_id, now).await?;
    for approval in &asked {
        approval::insert(&mut tx, approval).await?;
    }
    let told: Vec<EventBody> =
        asked.iter().map(|approval| EventBody::ApprovalRequested { approval: approval.clone() }).collect();
    if !super::append(app, &mut tx, pass, &told).await? {
        return Err(Refusal::closed());
    }
    // Armed before the commit: a future that is dropped in the middle of it may have asked.
    let mut held = Held { app: app.clone(), pass: pass.clone(), ids: asked.iter().map(|one| one.id).collect() };
    tx.commit().await?;

    loop {
        let mut decided = Vec::with_capacity(asked.len());
        for approval in &asked {
            let known = approval::of_call(&app.db, pass.run_id, &approval.tool_call_id).await?;
            decided.extend(known.filter(|known| known.decision != ApprovalDecision::Pending));
        }
        if decided.len() == asked.len() {
            held.ids.clear();
            end(app, pass, decided.clone()).await?;
            return Ok(decided);
        }
        let left = expires_at.millis_since(app.db.now());
        if left <= 0 {
            approval::expire(app).await?;
            continue;
        }
        if !store::is_open(&app.db, pass, app.db.now()).await? {
            return Err(Refusal::closed());
        }
        let pause = POLL.min(Duration::from_millis(u64::try_from(left).unwrap_or(0) + 1));
        let rung = async {
            // Every event of the run rings too; a decision is looked for at each.
            while let Ok(job_id) = rings.recv().await {
                if job_id == pass.job_id {
                    return;
                }
            }
            std::future::pending::<()>().await;
        };
        let _ = tokio::time::timeout(pause, rung).await;
    }
}

/// Writes down that nobody waits any more, and what was decided.
async fn end(app: &App, pass: &Pass, decided: Vec<Approval>) -> Result<(), Refusal> {
    let mut tx = app.db.begin().await?;
    store::end_hold(&mut tx, pass.run_id, app.db.now()).await?;
    let told: Vec<EventBody> = decided.into_iter().map(|approval| EventBody::ApprovalDecided { approval }).collect();
    if !super::append(app, &mut tx, pass, &told).await? {
        return Err(Refusal::closed());
    }
    tx.commit().await?;
    Ok(())
}

/// Questions that somebody waits for.
struct Held {
    app: App,
    pass: Pass,
    ids: Vec<Uuid>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.ids.is_empty() {
            return;
        }
        let (app, pass, ids) = (self.app.clone(), self.pass.clone(), std::mem::take(&mut self.ids));
        tokio::spawn(async move {
            if let Err(error) = take_back(&app, &pass, &ids).await {
                // They expire by themselves, and the run's end takes them back as well.
                tracing::warn!(code = error.code, "a question that nobody waits for could not be taken back");
            }
        });
    }
}

async fn take_back(app: &App, pass: &Pass, ids: &[Uuid]) -> Result<(), Refusal> {
    let now = app.db.now();
    let mut tx = app.db.begin().await?;
    store::end_hold(&mut tx, pass.run_id, now).await?;
    let mut told = Vec::new();
    for id in ids {
        let withdrawn = approval::withdraw_one(&mut tx, *id, now).await?;
        told.extend(withdrawn.map(|approval| EventBody::ApprovalDecided { approval }));
    }
    // When the run is over, its end has taken them back and said so.
    if super::append(app, &mut tx, pass, &told).await? {
        tx.commit().await?;
    }
    Ok(())
}
