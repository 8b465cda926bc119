//! The SQL of revisions.

use gantry_domain::Timestamp;
use gantry_domain::api::revision::{Revision, RevisionCause};
use uuid::Uuid;

use super::super::{unpacked, unpacked_files};
use super::NewRevision;
use super::snapshot::{Snapshot, StoredConflict, told};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

#[derive(sqlx::FromRow)]
struct RevisionRow {
    number: i64,
    cause: RevisionCause,
    summary: String,
    created_by: String,
    created_at: Timestamp,
    generator_version: String,
    conflicts: Option<Vec<u8>>,
    edited_files: i64,
}

impl TryFrom<RevisionRow> for Revision {
    type Error = Error;

    fn try_from(row: RevisionRow) -> Result<Self> {
        Ok(Self {
            number: row.number,
            cause: row.cause,
            summary: row.summary,
            created_by: row.created_by,
            created_at: row.created_at,
            generator_version: row.generator_version,
            conflicts: told(&conflicts(row.conflicts)?),
            edited_files: row.edited_files,
        })
    }
}

#[derive(sqlx::FromRow)]
struct SnapshotRow {
    generator_version: String,
    files: Vec<u8>,
    generated: Option<Vec<u8>>,
    conflicts: Option<Vec<u8>>,
}

fn conflicts(packed: Option<Vec<u8>>) -> Result<Vec<StoredConflict>> {
    packed.map_or_else(|| Ok(Vec::new()), |bytes| unpacked(&bytes))
}

/// A revision.
pub(super) async fn get(db: &Db, project_id: Uuid, number: i64) -> Result<Option<Revision>> {
    let row: Option<RevisionRow> = db
        .sql(
            "SELECT number, cause, summary, created_by, created_at, generator_version, conflicts, edited_files
               FROM revision WHERE project_id = $1 AND number = $2",
        )
        .bind(project_id)
        .bind(number)
        .optional()
        .await?;
    row.map(Revision::try_from).transpose()
}

/// The revisions before one, newest first.
pub(super) async fn list(db: &Db, project_id: Uuid, before: Option<i64>, limit: u64) -> Result<Vec<Revision>> {
    let rows: Vec<RevisionRow> = db
        .sql(
            "SELECT number, cause, summary, created_by, created_at, generator_version, conflicts, edited_files
               FROM revision WHERE project_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
        )
        .bind(project_id)
        .bind(before.unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all()
        .await?;
    rows.into_iter().map(Revision::try_from).collect()
}

/// A revision with its files.
pub(super) async fn snapshot(db: &Db, project_id: Uuid, number: i64) -> Result<Option<Snapshot>> {
    let row: Option<SnapshotRow> = db
        .sql(
            "SELECT generator_version, files, generated, conflicts FROM revision WHERE project_id = $1 AND number = $2",
        )
        .bind(project_id)
        .bind(number)
        .optional()
        .await?;
    row.map(|row| {
        let generated = row.generated.as_deref().map(unpacked_files).transpose()?;
        Ok(Snapshot::new(row.generator_version, unpacked_files(&row.files)?, generated, conflicts(row.conflicts)?))
    })
    .transpose()
}

/// The files of a revision, packed.
pub(in crate::project) async fn files(db: &Db, project_id: Uuid, number: i64) -> Result<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>,)> = db
        .sql("SELECT files FROM revision WHERE project_id = $1 AND number = $2")
        .bind(project_id)
        .bind(number)
        .optional()
        .await?;
    Ok(row.map(|(files,)| files))
}

/// Keeps a revision.
pub(in crate::project) async fn insert(tx: &mut Tx, new: NewRevision) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO revision (project_id, number, cause, summary, created_by, created_at, generator_version,
                               files, generated, conflicts, edited_files)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(new.project_id)
    .bind(new.number)
    .bind(new.cause)
    .bind(new.summary)
    .bind(new.created_by)
    .bind(new.created_at)
    .bind(new.generator_version)
    .bind(new.files)
    .bind(new.generated)
    .bind(new.conflicts)
    .bind(new.edited_files)
    .execute()
    .await?;
    Ok(())
}
