//! Approvals: tool calls that wait for a person. What a run does with a decision belongs in `runtime/`.

pub(crate) mod http;
mod store;

use gantry_domain::api::approval::{Approval, DecideApproval};
use uuid::Uuid;

use crate::app::App;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

/// Keeps a call that a run asks about.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn insert(tx: &mut Tx, approval: &Approval) -> Result<()> {
    Ok(store::insert(tx, approval).await?)
}

/// What was asked, if there is such a question.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn find(db: &Db, id: Uuid) -> Result<Option<Approval>> {
    Ok(store::get(db, id).await?)
}

/// What was asked about a call, if anything was.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn of_call(db: &Db, run_id: Uuid, tool_call_id: &str) -> Result<Option<Approval>> {
    Ok(store::of_call(db, run_id, tool_call_id).await?)
}

/// What a run asked, newest first; the hundred newest.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn of_run(db: &Db, run_id: Uuid) -> Result<Vec<Approval>> {
    Ok(store::list(db, Some(run_id), None, 100).await?)
}

/// The approvals of a run that are decided, in the order in which they were asked for.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn decided_of_run(db: &Db, run_id: Uuid) -> Result<Vec<Approval>> {
    Ok(store::decided_of_run(db, run_id).await?)
}

/// Takes back what a run still asks about, because the run is over.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn withdraw(tx: &mut Tx, run_id: Uuid, now: gantry_domain::Timestamp) -> Result<Vec<Approval>> {
    Ok(store::withdraw(tx, run_id, now).await?)
}

/// Takes one question back that nobody waits for any more; none when it was decided.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn withdraw_one(tx: &mut Tx, id: Uuid, now: gantry_domain::Timestamp) -> Result<Option<Approval>> {
    Ok(store::withdraw_one(tx, id, now).await?)
}

/// Writes a decision down and lets the run go on.
///
/// # Errors
/// `404`, `409 approval_decided` when it was decided or its time is over, `422 arguments_invalid`
/// when arguments were edited and do not fit the tool's schema.
pub(crate) async fn decide(app: &App, id: Uuid, body: &DecideApproval, actor: &str) -> Result<Approval> {
    let known = store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("approval"))?;
    if let Some(arguments) = body.arguments.as_ref().filter(|_| body.approve) {
        let spec = crate::run::spec_of(&app.db, known.run_id).await?;
        if !arguments.is_object() {
            return Err(Error::invalid("/arguments", "arguments_invalid", "The arguments must be a JSON object."));
        }
        // A project in a container may have tools of its own: what they take is known to it alone.
        if let Some(tool) = spec.tools.iter().find(|tool| tool.id == known.tool) {
            crate::runtime::check_arguments(tool, arguments)
                .map_err(|fault| Error::invalid("/arguments", "arguments_invalid", fault))?;
        }
    }
    let job_id = crate::run::job_of(&app.db, known.run_id).await?;
    let mut tx = app.db.begin().await?;
    let arguments = body.arguments.clone().filter(|_| body.approve);
    let decided = store::decide(&mut tx, id, body.approve, arguments, actor, app.db.now()).await?;
    let decided = decided.ok_or_else(|| {
        Error::conflict(
            "approval_decided",
            "This call was decided already, or its time is over. Load it again to see how it stands.",
        )
    })?;
    app.jobs.wake(&mut tx, job_id).await?;
    // A run that is at work all the while waits for it in the gateway.
    tx.ring(job_id);
    tx.commit().await?;
    Ok(decided)
}

/// Denies what nobody decided in time, and lets those runs go on. A reconciler: may run any time, on
/// any node.
///
/// # Errors
/// Whatever the database answers.
pub async fn expire(app: &App) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let runs = store::expire(&mut tx, app.db.now()).await?;
    for run_id in runs {
        if let Some(job_id) = store::unfinished_job_of(&mut tx, run_id).await? {
            app.jobs.wake(&mut tx, job_id).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
