//! The SQL of runs. A run's state is its job's, so every query joins it.

use gantry_domain::Timestamp;
use gantry_domain::api::job::JobState;
use gantry_domain::api::run::{PermissionMode, Run, RunRuntime, TakenFrom};
use gantry_domain::event::Usage;
use gantry_domain::spec::Spec;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Executor, NewRun};
use crate::db::{Db, Tx};

/// How many turns of a session are read.
const MOST_TURNS: i64 = 500;

macro_rules! select_run {
    ($rest:literal) => {
        concat!(
            "SELECT run.id, run.project_id, run.session_id, run.job_id, run.input, run.output, run.mode, run.provider_id, ",
            "run.model, run.runtime, run.image, run.revision, run.from_run_id, run.from_point, run.from_edited, run.input_tokens, run.output_tokens, run.cost_micros, run.model_calls, run.tool_calls, ",
            "run.created_at, job.state, job.reason_code, job.reason_message, job.started_at, job.finished_at ",
            "FROM run JOIN job ON job.id = run.job_id ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct RunRow {
    id: Uuid,
    project_id: Uuid,
    session_id: Option<Uuid>,
    job_id: Uuid,
    input: String,
    output: Option<String>,
    mode: PermissionMode,
    provider_id: Option<Uuid>,
    model: String,
    runtime: RunRuntime,
    image: Option<String>,
    revision: Option<i64>,
    from_run_id: Option<Uuid>,
    from_point: Option<String>,
    from_edited: bool,
    input_tokens: i64,
    output_tokens: i64,
    cost_micros: Option<i64>,
    model_calls: i64,
    tool_calls: i64,
    created_at: Timestamp,
    state: JobState,
    reason_code: Option<String>,
    reason_message: Option<String>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            session_id: row.session_id,
            job_id: row.job_id,
            input: row.input,
            output: row.output,
            mode: row.mode,
            provider_id: row.provider_id,
            model: row.model,
            runtime: row.runtime,
            image: row.image.and_then(|digest| digest.parse().ok()),
            revision: row.revision,
            taken_from: row.from_point.map(|point| TakenFrom {
                run_id: row.from_run_id,
                point,
                edited: row.from_edited,
            }),
            state: row.state,
            reason: crate::jobs::reason(row.reason_code, row.reason_message),
            usage: Usage {
                input_tokens: row.input_tokens,
                output_tokens: row.output_tokens,
                cost_micros: row.cost_micros,
                model_calls: row.model_calls,
                tool_calls: row.tool_calls,
            },
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

fn runs(rows: Vec<RunRow>) -> Vec<Run> {
    rows.into_iter().map(Run::from).collect()
}

pub(super) async fn insert(
    tx: &mut Tx,
    id: Uuid,
    job_id: Uuid,
    spec: &Spec,
    run: &NewRun,
    now: Timestamp,
) -> sqlx::Result<()> {
    let (image, revision) = match &run.executor {
        Executor::Native => (None, None),
        Executor::Container(digest) => (Some(digest.to_string()), None),
        Executor::Process(revision) => (None, Some(*revision)),
    };
    let spec = serde_json::to_value(spec).map_err(|error| sqlx::Error::Encode(error.into()))?;
    tx.sql(
        "INSERT INTO run (id, project_id, session_id, job_id, spec, input, mode, provider_id, model, created_at,
                          runtime, image, revision, from_run_id, from_point, from_edited)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(id)
    .bind(run.project_id)
    .bind(run.session_id)
    .bind(job_id)
    .bind(spec)
    .bind(run.input.clone())
    .bind(run.mode)
    .bind(run.provider_id)
    .bind(run.model.clone())
    .bind(now)
    .bind(run.executor.runtime())
    .bind(image)
    .bind(revision)
    .bind(run.origin.as_ref().map(|origin| origin.run_id))
    .bind(run.origin.as_ref().map(|origin| origin.point.clone()))
    .bind(run.origin.as_ref().is_some_and(|origin| origin.edited))
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn get(db: &Db, id: Uuid) -> sqlx::Result<Option<Run>> {
    let row: Option<RunRow> = db.sql(select_run!("WHERE run.id = $1")).bind(id).optional().await?;
    Ok(row.map(Run::from))
}

/// Runs of a project, newest first.
pub(super) async fn list(db: &Db, project_id: Uuid, before: Option<Uuid>, limit: i64) -> sqlx::Result<Vec<Run>> {
    let rows = db
        .sql(select_run!("WHERE run.project_id = $1 AND run.id < $2 ORDER BY run.id DESC LIMIT $3"))
        .bind(project_id)
        .bind(before.unwrap_or(Uuid::max()))
        .bind(limit)
        .all()
        .await?;
    Ok(runs(rows))
}

/// The runs that did a run anew, newest first.
pub(super) async fn taken_from(db: &Db, id: Uuid, before: Option<Uuid>, limit: i64) -> sqlx::Result<Vec<Run>> {
    let rows = db
        .sql(select_run!("WHERE run.from_run_id = $1 AND run.id < $2 ORDER BY run.id DESC LIMIT $3"))
        .bind(id)
        .bind(before.unwrap_or(Uuid::max()))
        .bind(limit)
        .all()
        .await?;
    Ok(runs(rows))
}

/// The newest turns of a session, oldest first.
pub(super) async fn of_session(db: &Db, session_id: Uuid) -> sqlx::Result<Vec<Run>> {
    let rows: Vec<RunRow> = db
        .sql(select_run!("WHERE run.session_id = $1 ORDER BY run.id DESC LIMIT $2"))
        .bind(session_id)
        .bind(MOST_TURNS)
        .all()
        .await?;
    let mut turns = runs(rows);
    turns.reverse();
    Ok(turns)
}

pub(super) async fn under_way_in(db: &Db, session_id: Uuid) -> sqlx::Result<Option<Run>> {
    let row: Option<RunRow> = db
        .sql(select_run!(
            "WHERE run.session_id = $1 AND job.state IN ('queued', 'running', 'waiting') ORDER BY run.id DESC LIMIT 1"
        ))
        .bind(session_id)
        .optional()
        .await?;
    Ok(row.map(Run::from))
}

pub(super) async fn spec_of(db: &Db, id: Uuid) -> sqlx::Result<Option<Spec>> {
    let row: Option<(Json<Spec>,)> = db.sql("SELECT spec FROM run WHERE id = $1").bind(id).optional().await?;
    Ok(row.map(|(Json(spec),)| spec))
}

/// Whether an attempt at a run is under way.
pub(super) async fn is_attempted(db: &Db, id: Uuid, attempt: i64) -> sqlx::Result<bool> {
    let found: Option<(i64,)> = db
        .sql(
            "SELECT job.attempt FROM run JOIN job ON job.id = run.job_id
              WHERE run.id = $1 AND job.attempt = $2 AND job.state = 'running'",
        )
        .bind(id)
        .bind(attempt)
        .optional()
        .await?;
    Ok(found.is_some())
}

/// What was said and answered in a session before a run, oldest first.
pub(super) async fn earlier_turns(
    db: &Db,
    session_id: Uuid,
    before: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<(String, String)>> {
    let mut turns: Vec<(String, String)> = db
        .sql(
            "SELECT input, output FROM run WHERE session_id = $1 AND id < $2 AND output IS NOT NULL
              ORDER BY id DESC LIMIT $3",
        )
        .bind(session_id)
        .bind(before)
        .bind(limit)
        .all()
        .await?;
    turns.reverse();
    Ok(turns)
}

/// What a run has used so far, and its answer once there is one.
pub(super) async fn save(tx: &mut Tx, id: Uuid, usage: &Usage, output: Option<&str>) -> sqlx::Result<()> {
    tx.sql(
        "UPDATE run SET input_tokens = $2, output_tokens = $3, cost_micros = $4, model_calls = $5, tool_calls = $6,
                output = $7
          WHERE id = $1",
    )
    .bind(id)
    .bind(usage.input_tokens)
    .bind(usage.output_tokens)
    .bind(usage.cost_micros)
    .bind(usage.model_calls)
    .bind(usage.tool_calls)
    .bind(output.map(str::to_owned))
    .execute()
    .await?;
    Ok(())
}
