//! The SQL of builds.

use gantry_domain::Timestamp;
use gantry_domain::api::build::Build;
use gantry_domain::api::job::JobState;
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::Result;
use crate::jobs::reason;

/// A build to be kept.
pub(super) struct NewBuild {
    pub id: Uuid,
    pub project_id: Uuid,
    pub job_id: Uuid,
    pub version: String,
    pub revision: i64,
    pub created_by: String,
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct BuildRow {
    id: Uuid,
    number: i64,
    project_id: Uuid,
    job_id: Uuid,
    version: String,
    revision: i64,
    state: JobState,
    reason_code: Option<String>,
    reason_message: Option<String>,
    digest: Option<String>,
    size: Option<i64>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

impl TryFrom<BuildRow> for Build {
    type Error = crate::error::Error;

    fn try_from(row: BuildRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            number: row.number,
            project_id: row.project_id,
            job_id: row.job_id,
            version: row.version,
            revision: row.revision,
            state: row.state,
            reason: reason(row.reason_code, row.reason_message),
            digest: row.digest.map(|digest| digest.parse()).transpose().map_err(anyhow::Error::from)?,
            size: row.size,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}

macro_rules! select_build {
    ($rest:literal) => {
        concat!(
            "SELECT build.id, build.number, build.project_id, build.job_id, build.version, build.revision,
                    job.state, job.reason_code, job.reason_message, build.digest, build.size, build.created_at,
                    job.started_at, job.finished_at
               FROM build JOIN job ON job.id = build.job_id ",
            $rest
        )
    };
}

/// Keeps a build and gives it the project's next number.
pub(super) async fn insert(tx: &mut Tx, build: &NewBuild) -> Result<()> {
    tx.sql(
        "INSERT INTO build (id, project_id, number, job_id, version, revision, created_by, created_at)
         SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7 FROM build WHERE project_id = $2",
    )
    .bind(build.id)
    .bind(build.project_id)
    .bind(build.job_id)
    .bind(build.version.clone())
    .bind(build.revision)
    .bind(build.created_by.clone())
    .bind(build.created_at)
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn get(db: &Db, id: Uuid) -> Result<Option<Build>> {
    let row: Option<BuildRow> = db.sql(select_build!("WHERE build.id = $1")).bind(id).optional().await?;
    row.map(Build::try_from).transpose()
}

/// A project's builds, newest first.
pub(super) async fn list(db: &Db, project_id: Uuid, before: Option<Uuid>, limit: u64) -> Result<Vec<Build>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<BuildRow> = db
        .sql(select_build!(
            // Version 7 ids sort by the time they were made; the largest one is after all of them.
            "WHERE build.project_id = $1 AND build.id < $2 ORDER BY build.id DESC LIMIT $3"
        ))
        .bind(project_id)
        .bind(before.unwrap_or(Uuid::max()))
        .bind(limit)
        .all()
        .await?;
    rows.into_iter().map(Build::try_from).collect()
}

/// Notes what came out of a build; whether the build is still there.
pub(super) async fn finish(tx: &mut Tx, id: Uuid, digest: &str, size: i64) -> sqlx::Result<bool> {
    let touched = tx
        .sql("UPDATE build SET digest = $2, size = $3 WHERE id = $1")
        .bind(id)
        .bind(digest.to_owned())
        .bind(size)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Versions and revisions before this one that an image was built of, newest first.
pub(super) async fn built_before(db: &Db, project_id: Uuid, revision: i64) -> Result<Vec<(String, i64)>> {
    Ok(db
        .sql(
            "SELECT version, revision FROM build WHERE project_id = $1 AND revision < $2 AND digest IS NOT NULL
              GROUP BY version, revision ORDER BY revision DESC LIMIT 100",
        )
        .bind(project_id)
        .bind(revision)
        .all()
        .await?)
}
