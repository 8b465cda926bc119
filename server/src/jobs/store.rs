//! The SQL of jobs and their logs.

use gantry_domain::Timestamp;
use gantry_domain::api::job::{Job, JobKind, JobState};
use gantry_domain::event::{Event, EventBody, JobReason};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::NewJob;
use crate::db::{Db, Tx};

/// How many events one read takes at most.
pub(super) const READ_LIMIT: i64 = 512;

/// What a worker needs to know of a job that it claimed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct ClaimedJob {
    pub id: Uuid,
    pub kind: String,
    pub args: Value,
    pub attempt: i64,
    pub failures: i64,
    pub max_attempts: i64,
    pub project_id: Option<Uuid>,
    pub subject_id: Option<Uuid>,
    pub created_by: String,
    pub cancel_requested_at: Option<Timestamp>,
}

const CLAIM_SQLITE: &str = "\
    UPDATE job SET state = 'running', attempt = attempt + 1, lease_owner = $1, lease_until = $2,
           failures = failures + CASE WHEN state = 'running' THEN 1 ELSE 0 END,
           started_at = coalesce(started_at, $3), reason_code = NULL, reason_message = NULL,
           wake_requested_at = NULL
     WHERE id = (SELECT id FROM job
                  WHERE (state = 'queued' AND run_at <= $3) OR (state = 'running' AND lease_until < $3)
                  ORDER BY priority, run_at LIMIT 1)
    RETURNING id, kind, args, attempt, failures, max_attempts, project_id, subject_id, created_by, cancel_requested_at";

const CLAIM_POSTGRES: &str = "\
    UPDATE job SET state = 'running', attempt = attempt + 1, lease_owner = $1, lease_until = $2,
           failures = failures + CASE WHEN state = 'running' THEN 1 ELSE 0 END,
           started_at = coalesce(started_at, $3), reason_code = NULL, reason_message = NULL,
           wake_requested_at = NULL
     WHERE id = (SELECT id FROM job
                  WHERE (state = 'queued' AND run_at <= $3) OR (state = 'running' AND lease_until < $3)
                  ORDER BY priority, run_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, args, attempt, failures, max_attempts, project_id, subject_id, created_by, cancel_requested_at";

/// Takes the first job that is due, or whose holder stopped renewing its lease.
pub(super) async fn claim(
    tx: &mut Tx,
    node: &str,
    now: Timestamp,
    lease_until: Timestamp,
) -> sqlx::Result<Option<ClaimedJob>> {
    let sql = tx.pick(CLAIM_SQLITE, CLAIM_POSTGRES);
    tx.sql(sql).bind(node.to_owned()).bind(lease_until).bind(now).returning().await
}

/// When the next queued job becomes due, if one is queued.
pub(super) async fn next_due(db: &Db) -> sqlx::Result<Option<Timestamp>> {
    let (due,): (Option<Timestamp>,) = db.sql("SELECT min(run_at) FROM job WHERE state = 'queued'").one().await?;
    Ok(due)
}

pub(super) async fn insert(tx: &mut Tx, id: Uuid, job: &NewJob, now: Timestamp) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO job (id, kind, args, state, max_attempts, run_at, dedupe_key, project_id, subject_id, created_by, created_at)
         VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $5)",
    )
    .bind(id)
    .bind(job.kind.as_str())
    .bind(job.args.clone())
    .bind(job.max_attempts.max(1))
    .bind(now)
    .bind(job.dedupe_key.clone())
    .bind(job.project_id)
    .bind(job.subject_id)
    .bind(job.created_by.clone())
    .execute()
    .await?;
    Ok(())
}

/// What a job was given to work on; none when there is no such job.
pub(super) async fn args(db: &Db, id: Uuid) -> sqlx::Result<Option<Value>> {
    let row: Option<(Value,)> = db.sql("SELECT args FROM job WHERE id = $1").bind(id).optional().await?;
    Ok(row.map(|(args,)| args))
}

/// Renews a lease and says whether cancellation was asked for; none when the lease is lost.
pub(super) async fn renew(db: &Db, id: Uuid, attempt: i64, lease_until: Timestamp) -> sqlx::Result<Option<bool>> {
    let row: Option<(Option<Timestamp>,)> = db
        .sql(
            "UPDATE job SET lease_until = $3 WHERE id = $1 AND attempt = $2 AND state = 'running'
             RETURNING cancel_requested_at",
        )
        .bind(id)
        .bind(attempt)
        .bind(lease_until)
        .returning()
        .await?;
    Ok(row.map(|(cancel_requested_at,)| cancel_requested_at.is_some()))
}

/// Whether the attempt still holds its job, and whether cancellation was asked for.
pub(super) async fn holds(db: &Db, id: Uuid, attempt: i64) -> sqlx::Result<Option<bool>> {
    let row: Option<(Option<Timestamp>,)> = db
        .sql("SELECT cancel_requested_at FROM job WHERE id = $1 AND attempt = $2 AND state = 'running'")
        .bind(id)
        .bind(attempt)
        .optional()
        .await?;
    Ok(row.map(|(cancel_requested_at,)| cancel_requested_at.is_some()))
}

/// The end of an attempt: moves the job on if the attempt still holds it.
pub(super) struct Transition<'a> {
    pub state: JobState,
    pub reason: Option<&'a JobReason>,
    pub result: Option<Value>,
    pub failed: bool,
    pub run_at: Timestamp,
    pub now: Timestamp,
}

pub(super) async fn end_attempt(tx: &mut Tx, id: Uuid, attempt: i64, to: Transition<'_>) -> sqlx::Result<bool> {
    let touched = tx
        .sql(
            "UPDATE job SET state = $3, reason_code = $4, reason_message = $5, result = $6, run_at = $7,
                    failures = failures + $8, finished_at = $9, lease_owner = NULL, lease_until = NULL
              WHERE id = $1 AND attempt = $2 AND state = 'running'",
        )
        .bind(id)
        .bind(attempt)
        .bind(to.state.as_str())
        .bind(to.reason.map(|reason| reason.code.clone()))
        .bind(to.reason.map(|reason| reason.message.clone()))
        .bind(to.result.map(Json))
        .bind(to.run_at)
        .bind(i64::from(to.failed))
        .bind(to.state.is_final().then_some(to.now))
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Moves the log's end by `count` if the attempt still holds its job; the last sequence number then taken.
async fn advance(tx: &mut Tx, id: Uuid, attempt: Option<i64>, count: i64) -> sqlx::Result<Option<i64>> {
    let row: Option<(i64,)> = match attempt {
        Some(attempt) => {
            tx.sql(
                "UPDATE job SET last_seq = last_seq + $2 WHERE id = $1 AND attempt = $3 AND state = 'running'
                 RETURNING last_seq",
            )
            .bind(id)
            .bind(count)
            .bind(attempt)
            .returning()
            .await?
        }
        None => {
            tx.sql("UPDATE job SET last_seq = last_seq + $2 WHERE id = $1 RETURNING last_seq")
                .bind(id)
                .bind(count)
                .returning()
                .await?
        }
    };
    Ok(row.map(|(last,)| last))
}

/// Appends events and rings with the commit. With an attempt, only if it still holds the job.
/// The row of the job is the lock: sequence numbers have neither gaps nor doubles.
pub(super) async fn append(
    tx: &mut Tx,
    id: Uuid,
    attempt: Option<i64>,
    bodies: &[EventBody],
    now: Timestamp,
) -> sqlx::Result<Option<i64>> {
    let count = i64::try_from(bodies.len()).unwrap_or(i64::MAX);
    let Some(last) = advance(tx, id, attempt, count).await? else {
        return Ok(None);
    };
    for (seq, body) in (last - count + 1..).zip(bodies) {
        let json = serde_json::to_value(body).map_err(|error| sqlx::Error::Encode(error.into()))?;
        tx.sql("INSERT INTO job_event (job_id, seq, at, kind, body) VALUES ($1, $2, $3, $4, $5)")
            .bind(id)
            .bind(seq)
            .bind(now)
            .bind(body.kind())
            .bind(json)
            .execute()
            .await?;
    }
    tx.ring(id);
    Ok(Some(last))
}

#[derive(sqlx::FromRow)]
struct EventRow {
    seq: i64,
    at: Timestamp,
    body: Value,
}

/// The events after a sequence number, oldest first, at most [`READ_LIMIT`].
pub(super) async fn events_after(db: &Db, id: Uuid, after: i64, limit: i64) -> sqlx::Result<Vec<Event>> {
    let rows: Vec<EventRow> = db
        .sql("SELECT seq, at, body FROM job_event WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(id)
        .bind(after)
        .bind(limit.clamp(1, READ_LIMIT))
        .all()
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Event {
            seq: row.seq,
            at: row.at,
            job_id: id,
            // A kind from a newer node is passed over, not an error.
            body: serde_json::from_value(row.body).unwrap_or(EventBody::Unknown),
        })
        .collect())
}

/// Where a job is and where its log ends.
pub(super) async fn position(db: &Db, id: Uuid) -> sqlx::Result<Option<(JobState, i64)>> {
    db.sql("SELECT state, last_seq FROM job WHERE id = $1").bind(id).optional().await
}

#[derive(sqlx::FromRow)]
struct JobRow {
    id: Uuid,
    kind: JobKind,
    state: JobState,
    project_id: Option<Uuid>,
    project_name: Option<String>,
    subject_id: Option<Uuid>,
    attempt: i64,
    max_attempts: i64,
    created_at: Timestamp,
    run_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    cancel_requested_at: Option<Timestamp>,
    reason_code: Option<String>,
    reason_message: Option<String>,
    lease_owner: Option<String>,
    created_by: String,
    result: Option<Value>,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            state: row.state,
            project_id: row.project_id,
            project_name: row.project_name,
            subject_id: row.subject_id,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            created_at: row.created_at,
            run_at: row.run_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            cancel_requested_at: row.cancel_requested_at,
            reason: reason(row.reason_code, row.reason_message),
            lease_owner: row.lease_owner,
            created_by: row.created_by,
            result: row.result,
        }
    }
}

/// The two columns of a reason as one thing; nouns that join `job` use it too.
pub(crate) fn reason(code: Option<String>, message: Option<String>) -> Option<JobReason> {
    Some(JobReason { code: code?, message: message.unwrap_or_default() })
}

pub(super) async fn get(db: &Db, id: Uuid) -> sqlx::Result<Option<Job>> {
    let row: Option<JobRow> = db
        .sql(
            "SELECT job.id, job.kind, job.state, job.project_id, project.name AS project_name, job.subject_id,
                    job.attempt, job.max_attempts, job.created_at, job.run_at, job.started_at, job.finished_at,
                    job.cancel_requested_at, job.reason_code, job.reason_message, job.lease_owner, job.created_by,
                    job.result
               FROM job LEFT JOIN project ON project.id = job.project_id
              WHERE job.id = $1",
        )
        .bind(id)
        .optional()
        .await?;
    Ok(row.map(Job::from))
}

/// What a list of jobs is narrowed down to.
#[derive(Clone, Debug, Default)]
pub(super) struct JobFilter {
    pub state: Option<JobState>,
    pub kind: Option<JobKind>,
    pub project_id: Option<Uuid>,
    pub created_by: Option<String>,
    pub before: Option<Uuid>,
}

/// Jobs, newest first.
pub(super) async fn list(db: &Db, filter: &JobFilter, limit: u64) -> sqlx::Result<Vec<Job>> {
    use sea_query::{Expr, ExprTrait, JoinType, Order, Query};
    let mut query = Query::select();
    query
        .columns(
            [
                "id",
                "kind",
                "state",
                "project_id",
                "subject_id",
                "attempt",
                "max_attempts",
                "created_at",
                "run_at",
                "started_at",
                "finished_at",
                "cancel_requested_at",
                "reason_code",
                "reason_message",
                "lease_owner",
                "created_by",
                "result",
            ]
            .map(|column| ("job", column)),
        )
        .expr_as(Expr::col(("project", "name")), "project_name")
        .from("job")
        .join(JoinType::LeftJoin, "project", Expr::col(("project", "id")).equals(("job", "project_id")))
        .and_where_option(filter.state.map(|state| Expr::col(("job", "state")).eq(state.as_str())))
        .and_where_option(filter.kind.map(|kind| Expr::col(("job", "kind")).eq(kind.as_str())))
        .and_where_option(filter.project_id.map(|id| Expr::col(("job", "project_id")).eq(id)))
        .and_where_option(filter.created_by.as_ref().map(|name| Expr::col(("job", "created_by")).eq(name.as_str())))
        // Version 7 ids sort by the time they were made.
        .and_where_option(filter.before.map(|id| Expr::col(("job", "id")).lt(id)))
        .order_by(("job", "id"), Order::Desc)
        .limit(limit);
    let rows: Vec<JobRow> = db.all(&query).await?;
    Ok(rows.into_iter().map(Job::from).collect())
}

/// Asks for cancellation. A job that never began is cancelled at once; one that waits is queued so
/// that its work can tidy up; one that runs is told by the bell. The state it is in now, or none if
/// it was over already.
pub(super) async fn request_cancel(tx: &mut Tx, id: Uuid, now: Timestamp) -> sqlx::Result<Option<JobState>> {
    let row: Option<(JobState,)> = tx
        .sql(
            "UPDATE job SET cancel_requested_at = coalesce(cancel_requested_at, $2),
                    state = CASE WHEN state = 'queued' AND attempt = 0 THEN 'cancelled'
                                 WHEN state = 'waiting' THEN 'queued' ELSE state END,
                    finished_at = CASE WHEN state = 'queued' AND attempt = 0 THEN $2 END,
                    run_at = CASE WHEN state = 'running' THEN run_at ELSE $2 END,
                    reason_code = 'cancelled', reason_message = 'Cancelled on request.'
              WHERE id = $1 AND state IN ('queued', 'running', 'waiting')
             RETURNING state",
        )
        .bind(id)
        .bind(now)
        .returning()
        .await?;
    Ok(row.map(|(state,)| state))
}

/// Queues a waiting job, or notes for the attempt that is about to wait that it need not; the state
/// it is in now, or none if it was over.
pub(super) async fn wake(tx: &mut Tx, id: Uuid, now: Timestamp) -> sqlx::Result<Option<JobState>> {
    let row: Option<(JobState,)> = tx
        .sql(
            "UPDATE job SET wake_requested_at = $2,
                    run_at = CASE WHEN state = 'waiting' THEN $2 ELSE run_at END,
                    state = CASE WHEN state = 'waiting' THEN 'queued' ELSE state END,
                    reason_code = NULL, reason_message = NULL
              WHERE id = $1 AND state IN ('queued', 'running', 'waiting')
             RETURNING state",
        )
        .bind(id)
        .bind(now)
        .returning()
        .await?;
    Ok(row.map(|(state,)| state))
}

/// Names the job that is woken when this one is over.
pub(super) async fn wake_when_over(tx: &mut Tx, id: Uuid, who_waits: Uuid) -> sqlx::Result<()> {
    tx.sql("UPDATE job SET wakes_job_id = $2 WHERE id = $1").bind(id).bind(who_waits).execute().await?;
    Ok(())
}

/// The jobs that a job waits for and that are not over.
pub(super) async fn unfinished_awaited_by(tx: &mut Tx, id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = tx
        .sql("SELECT id FROM job WHERE wakes_job_id = $1 AND state IN ('queued', 'running', 'waiting')")
        .bind(id)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Wakes the job that waits for this one, if there is one and it is not over.
pub(super) async fn wake_who_waits_for(tx: &mut Tx, id: Uuid, now: Timestamp) -> sqlx::Result<()> {
    let named: Option<(Option<Uuid>,)> =
        tx.sql("SELECT wakes_job_id FROM job WHERE id = $1").bind(id).optional().await?;
    let Some((Some(who_waits),)) = named else { return Ok(()) };
    // One that is at work is told when it begins to wait.
    if wake(tx, who_waits, now).await? == Some(JobState::Queued) {
        let queued = EventBody::JobState { state: JobState::Queued, attempt: 0, reason: None };
        append(tx, who_waits, None, &[queued], now).await?;
    }
    Ok(())
}

/// Queues a job that has just begun to wait for what has happened in the meantime; whether it had.
pub(super) async fn requeue_if_wanted(tx: &mut Tx, id: Uuid, now: Timestamp) -> sqlx::Result<bool> {
    let touched = tx
        .sql(
            "UPDATE job SET state = 'queued', run_at = $2
              WHERE id = $1 AND state = 'waiting'
                AND (cancel_requested_at IS NOT NULL OR wake_requested_at IS NOT NULL)",
        )
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Queues a job that failed or was cancelled; whether it had.
pub(super) async fn retry(tx: &mut Tx, id: Uuid, now: Timestamp) -> sqlx::Result<bool> {
    let touched = tx
        .sql(
            "UPDATE job SET state = 'queued', run_at = $2, failures = 0, finished_at = NULL, cancel_requested_at = NULL,
                    reason_code = NULL, reason_message = NULL
              WHERE id = $1 AND state IN ('failed', 'cancelled')",
        )
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Ids of a project's jobs that are not over.
pub(super) async fn unfinished_of_project(tx: &mut Tx, project_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = tx
        .sql("SELECT id FROM job WHERE project_id = $1 AND state IN ('queued', 'running', 'waiting')")
        .bind(project_id)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Lets go of every lease: on SQLite there is one process, so at its start nobody else holds any.
pub(super) async fn release_all(db: &Db) -> sqlx::Result<u64> {
    db.sql("UPDATE job SET lease_until = 0 WHERE state = 'running'").execute().await
}

/// Deletes the logs of jobs that ended before a moment, a few at a time.
pub(super) async fn delete_events_before(db: &Db, moment: Timestamp) -> sqlx::Result<u64> {
    db.sql(
        "DELETE FROM job_event WHERE job_id IN (
             SELECT id FROM job WHERE finished_at < $1
                AND EXISTS (SELECT 1 FROM job_event WHERE job_event.job_id = job.id) LIMIT 100)",
    )
    .bind(moment)
    .execute()
    .await
}
