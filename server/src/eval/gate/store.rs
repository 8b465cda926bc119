//! The SQL of gates and of what was let through them.

use gantry_domain::Timestamp;
use gantry_domain::api::eval::{GateOverride, OverriddenGate};
use gantry_domain::eval::gate::{Channel, GateAction, GatePolicy};
use gantry_domain::problem::FieldProblem;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Asked, KeptPolicy};
use crate::db::{Db, Tx};
use crate::error::Result;

/// The policy of a gate; that of one which nobody has set is off.
pub(super) async fn policy(db: &Db, project_id: Uuid, channel: Channel) -> Result<KeptPolicy> {
    let row: Option<(Json<GatePolicy>, String, Timestamp)> = db
        .sql("SELECT policy, changed_by, changed_at FROM gate WHERE project_id = $1 AND channel = $2")
        .bind(project_id)
        .bind(channel)
        .optional()
        .await?;
    Ok(match row {
        Some((Json(policy), by, at)) => KeptPolicy { policy, changed: Some((by, at)) },
        None => KeptPolicy { policy: GatePolicy::default(), changed: None },
    })
}

pub(super) async fn set_policy(
    db: &Db,
    project_id: Uuid,
    channel: Channel,
    policy: &GatePolicy,
    by: &str,
) -> Result<()> {
    db.sql(
        "INSERT INTO gate (project_id, channel, policy, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (project_id, channel) DO UPDATE
            SET policy = excluded.policy, changed_by = excluded.changed_by, changed_at = excluded.changed_at",
    )
    .bind(project_id)
    .bind(channel)
    .bind(serde_json::to_value(policy)?)
    .bind(by.to_owned())
    .bind(db.now())
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn insert_override(db: &Db, project_id: Uuid, project_name: &str, made: &GateOverride) -> Result<()> {
    db.sql(
        "INSERT INTO gate_override (id, project_id, project_name, channel, action, revision, reason, missing,
                                    created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(made.id)
    .bind(project_id)
    .bind(project_name.to_owned())
    .bind(made.channel)
    .bind(made.action)
    .bind(made.revision)
    .bind(made.reason.clone())
    .bind(serde_json::to_value(&made.missing)?)
    .bind(made.created_by.clone())
    .bind(made.created_at)
    .execute()
    .await?;
    Ok(())
}

/// An override that lets somebody through.
#[derive(sqlx::FromRow)]
pub(super) struct Used {
    pub(super) id: Uuid,
    pub(super) reason: String,
    pub(super) created_by: String,
}

/// Uses up an override of this action on this revision, the oldest first; none when there is none left.
pub(super) async fn use_override(
    tx: &mut Tx,
    asked: &Asked<'_>,
    channel: Channel,
    now: Timestamp,
) -> Result<Option<Used>> {
    Ok(tx
        .sql(
            "UPDATE gate_override SET used_for = $5, used_at = $6
              WHERE used_at IS NULL AND id = (
                    SELECT id FROM gate_override
                     WHERE project_id = $1 AND channel = $2 AND action = $3 AND revision = $4 AND used_at IS NULL
                     ORDER BY id LIMIT 1)
             RETURNING id, reason, created_by",
        )
        .bind(asked.project_id)
        .bind(channel)
        .bind(asked.action)
        .bind(asked.revision)
        .bind(asked.subject_id)
        .bind(now)
        .returning()
        .await?)
}

#[derive(sqlx::FromRow)]
struct OverrideRow {
    id: Uuid,
    channel: Channel,
    action: GateAction,
    revision: i64,
    reason: String,
    missing: Json<Vec<FieldProblem>>,
    created_by: String,
    created_at: Timestamp,
    used_for: Option<Uuid>,
    used_at: Option<Timestamp>,
}

impl From<OverrideRow> for GateOverride {
    fn from(row: OverrideRow) -> Self {
        Self {
            id: row.id,
            channel: row.channel,
            action: row.action,
            revision: row.revision,
            reason: row.reason,
            missing: row.missing.0,
            created_by: row.created_by,
            created_at: row.created_at,
            used_for: row.used_for,
            used_at: row.used_at,
        }
    }
}

/// Everything that was let through a gate, newest first.
pub(super) async fn overrides(db: &Db, project_id: Uuid, channel: Channel) -> Result<Vec<GateOverride>> {
    let rows: Vec<OverrideRow> = db
        .sql(
            "SELECT id, channel, action, revision, reason, missing, created_by, created_at, used_for, used_at
               FROM gate_override WHERE project_id = $1 AND channel = $2 ORDER BY id DESC",
        )
        .bind(project_id)
        .bind(channel)
        .all()
        .await?;
    Ok(rows.into_iter().map(GateOverride::from).collect())
}

#[derive(sqlx::FromRow)]
struct OverriddenRow {
    project_name: String,
    #[sqlx(flatten)]
    made: OverrideRow,
}

/// Everything that was let through any gate, newest first.
pub(super) async fn all_overrides(db: &Db, before: Option<Uuid>, limit: i64) -> Result<Vec<OverriddenGate>> {
    let rows: Vec<OverriddenRow> = db
        .sql(
            "SELECT project_name, id, channel, action, revision, reason, missing, created_by, created_at, used_for,
                    used_at
               FROM gate_override WHERE id < $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(before.unwrap_or(Uuid::max()))
        .bind(limit)
        .all()
        .await?;
    let told = |row: OverriddenRow| OverriddenGate { project: row.project_name, made: GateOverride::from(row.made) };
    Ok(rows.into_iter().map(told).collect())
}
