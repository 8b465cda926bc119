//! The SQL of approvals.

use gantry_domain::Timestamp;
use gantry_domain::api::approval::{Approval, ApprovalDecision};
use gantry_domain::spec::Effect;
use serde_json::Value;
use uuid::Uuid;

use crate::db::{Db, Tx};

#[derive(sqlx::FromRow)]
struct ApprovalRow {
    id: Uuid,
    run_id: Uuid,
    tool_call_id: String,
    tool: String,
    effect: Effect,
    arguments: Value,
    decision: ApprovalDecision,
    requested_at: Timestamp,
    expires_at: Timestamp,
    decided_at: Option<Timestamp>,
    decided_by: Option<String>,
}

impl From<ApprovalRow> for Approval {
    fn from(row: ApprovalRow) -> Self {
        Self {
            id: row.id,
            run_id: row.run_id,
            tool_call_id: row.tool_call_id,
            tool: row.tool,
            effect: row.effect,
            arguments: row.arguments,
            decision: row.decision,
            requested_at: row.requested_at,
            expires_at: row.expires_at,
            decided_at: row.decided_at,
            decided_by: row.decided_by,
        }
    }
}

pub(super) async fn insert(tx: &mut Tx, approval: &Approval) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO approval (id, run_id, tool_call_id, tool, effect, arguments, decision, requested_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8)",
    )
    .bind(approval.id)
    .bind(approval.run_id)
    .bind(approval.tool_call_id.clone())
    .bind(approval.tool.clone())
    .bind(approval.effect)
    .bind(approval.arguments.clone())
    .bind(approval.requested_at)
    .bind(approval.expires_at)
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn get(db: &Db, id: Uuid) -> sqlx::Result<Option<Approval>> {
    let row: Option<ApprovalRow> = db.sql("SELECT * FROM approval WHERE id = $1").bind(id).optional().await?;
    Ok(row.map(Approval::from))
}

pub(super) async fn of_call(db: &Db, run_id: Uuid, tool_call_id: &str) -> sqlx::Result<Option<Approval>> {
    let row: Option<ApprovalRow> = db
        .sql("SELECT * FROM approval WHERE run_id = $1 AND tool_call_id = $2")
        .bind(run_id)
        .bind(tool_call_id.to_owned())
        .optional()
        .await?;
    Ok(row.map(Approval::from))
}

pub(super) async fn decided_of_run(db: &Db, run_id: Uuid) -> sqlx::Result<Vec<Approval>> {
    let rows: Vec<ApprovalRow> = db
        .sql("SELECT * FROM approval WHERE run_id = $1 AND decision <> 'pending' ORDER BY id")
        .bind(run_id)
        .all()
        .await?;
    Ok(rows.into_iter().map(Approval::from).collect())
}

/// Approvals, newest first: of one run, or those of all runs that are pending.
pub(super) async fn list(
    db: &Db,
    run_id: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Approval>> {
    let before = before.unwrap_or(Uuid::max());
    let rows: Vec<ApprovalRow> = match run_id {
        Some(run_id) => {
            db.sql("SELECT * FROM approval WHERE run_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
                .bind(run_id)
                .bind(before)
                .bind(limit)
                .all()
                .await?
        }
        None => {
            db.sql("SELECT * FROM approval WHERE decision = 'pending' AND id < $1 ORDER BY id DESC LIMIT $2")
                .bind(before)
                .bind(limit)
                .all()
                .await?
        }
    };
    Ok(rows.into_iter().map(Approval::from).collect())
}

/// Decides what is pending and in time; none when it is neither.
pub(super) async fn decide(
    tx: &mut Tx,
    id: Uuid,
    approve: bool,
    arguments: Option<Value>,
    actor: &str,
    now: Timestamp,
) -> sqlx::Result<Option<Approval>> {
    let decision = if approve { ApprovalDecision::Approved } else { ApprovalDecision::Denied };
    let row: Option<ApprovalRow> = tx
        .sql(
            "UPDATE approval SET decision = $2, arguments = coalesce($3, arguments), decided_by = $4, decided_at = $5
              WHERE id = $1 AND decision = 'pending' AND expires_at > $5
             RETURNING *",
        )
        .bind(id)
        .bind(decision)
        .bind(arguments)
        .bind(actor.to_owned())
        .bind(now)
        .returning()
        .await?;
    Ok(row.map(Approval::from))
}

/// Takes back what is pending of a run.
pub(super) async fn withdraw(tx: &mut Tx, run_id: Uuid, now: Timestamp) -> sqlx::Result<Vec<Approval>> {
    let rows: Vec<ApprovalRow> = tx
        .sql(
            "UPDATE approval SET decision = 'withdrawn', decided_at = $2
              WHERE run_id = $1 AND decision = 'pending'
             RETURNING *",
        )
        .bind(run_id)
        .bind(now)
        .returning_all()
        .await?;
    Ok(rows.into_iter().map(Approval::from).collect())
}

/// Takes one back if it is pending.
pub(super) async fn withdraw_one(tx: &mut Tx, id: Uuid, now: Timestamp) -> sqlx::Result<Option<Approval>> {
    let row: Option<ApprovalRow> = tx
        .sql(
            "UPDATE approval SET decision = 'withdrawn', decided_at = $2 WHERE id = $1 AND decision = 'pending'
             RETURNING *",
        )
        .bind(id)
        .bind(now)
        .returning()
        .await?;
    Ok(row.map(Approval::from))
}

/// Denies what is pending past its time; the runs that asked.
pub(super) async fn expire(tx: &mut Tx, now: Timestamp) -> sqlx::Result<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = tx
        .sql(
            "UPDATE approval SET decision = 'expired', decided_at = $1
              WHERE decision = 'pending' AND expires_at <= $1
             RETURNING run_id",
        )
        .bind(now)
        .returning_all()
        .await?;
    Ok(rows.into_iter().map(|(run_id,)| run_id).collect())
}

/// The job of a run, if it is not over.
pub(super) async fn unfinished_job_of(tx: &mut Tx, run_id: Uuid) -> sqlx::Result<Option<Uuid>> {
    let row: Option<(Uuid,)> = tx
        .sql(
            "SELECT job.id FROM run JOIN job ON job.id = run.job_id
              WHERE run.id = $1 AND job.state IN ('queued', 'running', 'waiting')",
        )
        .bind(run_id)
        .optional()
        .await?;
    Ok(row.map(|(id,)| id))
}
