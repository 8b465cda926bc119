//! The SQL of sessions.

use gantry_domain::Timestamp;
use gantry_domain::api::run::{PermissionMode, RunRuntime};
use gantry_domain::api::session::Session;
use uuid::Uuid;

use crate::db::{Db, Tx};

#[derive(sqlx::FromRow)]
struct SessionRow {
    id: Uuid,
    project_id: Uuid,
    title: String,
    mode: PermissionMode,
    provider_id: Option<Uuid>,
    model: String,
    runtime: RunRuntime,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            title: row.title,
            mode: row.mode,
            provider_id: row.provider_id,
            model: row.model,
            runtime: row.runtime,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn insert(db: &Db, session: &Session, created_by: &str) -> sqlx::Result<()> {
    db.sql(
        "INSERT INTO session (id, project_id, title, mode, provider_id, model, created_by, created_at, updated_at,
                              runtime)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(session.id)
    .bind(session.project_id)
    .bind(session.title.clone())
    .bind(session.mode)
    .bind(session.provider_id)
    .bind(session.model.clone())
    .bind(created_by.to_owned())
    .bind(session.created_at)
    .bind(session.updated_at)
    .bind(session.runtime)
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn get(db: &Db, id: Uuid) -> sqlx::Result<Option<Session>> {
    let row: Option<SessionRow> = db.sql("SELECT * FROM session WHERE id = $1").bind(id).optional().await?;
    Ok(row.map(Session::from))
}

/// Sessions of a project, newest first.
pub(super) async fn list(db: &Db, project_id: Uuid, before: Option<Uuid>, limit: i64) -> sqlx::Result<Vec<Session>> {
    let rows: Vec<SessionRow> = db
        .sql("SELECT * FROM session WHERE project_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
        .bind(project_id)
        .bind(before.unwrap_or(Uuid::max()))
        .bind(limit)
        .all()
        .await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

pub(super) async fn set_title(tx: &mut Tx, id: Uuid, title: &str, now: Timestamp) -> sqlx::Result<()> {
    tx.sql("UPDATE session SET title = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(title.to_owned())
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

pub(super) async fn set_mode(tx: &mut Tx, id: Uuid, mode: PermissionMode, now: Timestamp) -> sqlx::Result<()> {
    tx.sql("UPDATE session SET mode = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(mode)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

pub(super) async fn set_runtime(tx: &mut Tx, id: Uuid, runtime: RunRuntime, now: Timestamp) -> sqlx::Result<()> {
    tx.sql("UPDATE session SET runtime = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(runtime)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

pub(super) async fn set_model(
    tx: &mut Tx,
    id: Uuid,
    provider_id: Option<Uuid>,
    model: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    tx.sql("UPDATE session SET provider_id = $2, model = $3, updated_at = $4 WHERE id = $1")
        .bind(id)
        .bind(provider_id)
        .bind(model.to_owned())
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// A turn began: the session is the newest, and named by its first message if it has no name.
pub(super) async fn touch(tx: &mut Tx, id: Uuid, title: &str, now: Timestamp) -> sqlx::Result<()> {
    tx.sql("UPDATE session SET title = CASE WHEN title = '' THEN $2 ELSE title END, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(title.to_owned())
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> sqlx::Result<bool> {
    Ok(tx.sql("DELETE FROM session WHERE id = $1").bind(id).execute().await? == 1)
}
