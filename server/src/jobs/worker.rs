//! Workers: claim, do, end; and keep the lease while doing.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use gantry_domain::api::job::JobState;
use gantry_domain::event::{EventBody, JobReason};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::store::{self, ClaimedJob, Transition};
use super::{JobContext, JobFailure, JobFailureKind, Outcome, Work};
use crate::app::App;
use crate::db::Engine;

/// How long a lease lasts without being renewed.
const LEASE_MILLIS: i64 = 30_000;

/// How often a lease is renewed.
const RENEW: Duration = Duration::from_secs(10);

/// The safety net when no bell rings.
const POLL: Duration = Duration::from_secs(5);

/// Starts this node's workers. They end, after what they are doing was handed back, when `shutdown`
/// is cancelled; `tracker` tells when.
///
/// # Errors
/// Whatever the database answers.
pub async fn spawn_workers(app: &App, tracker: &TaskTracker, works: Vec<Box<dyn Work>>) -> sqlx::Result<()> {
    if app.db.engine() == Engine::Sqlite {
        // One process holds the file, so what is marked as running was running when it last ended.
        let released = store::release_all(&app.db).await?;
        if released > 0 {
            tracing::info!(jobs = released, "taking up jobs that were running when the server ended");
        }
    }
    let works: Arc<[Box<dyn Work>]> = works.into();
    for _ in 0..app.config.workers {
        tracker.spawn(work(app.clone(), works.clone()));
    }
    Ok(())
}

/// How many workers of this node run: what `/readyz` asks.
#[derive(Default)]
pub struct WorkerCount(std::sync::atomic::AtomicI64);

impl WorkerCount {
    /// How many run now.
    pub fn alive(&self) -> i64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn one_more(&self) -> Alive<'_> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Alive(self)
    }
}

/// Counts a worker for as long as it lives, however it ends.
struct Alive<'a>(&'a WorkerCount);

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}

async fn work(app: App, works: Arc<[Box<dyn Work>]>) {
    let _alive = app.workers.one_more();
    let mut rings = app.db.bell().listen();
    let node = app.node.clone();
    while !app.shutdown.is_cancelled() {
        match claim(&app, &node).await {
            Ok(Some(job)) => attempt(&app, &works, job).await,
            Ok(None) => {
                let pause = until_next_due(&app).await;
                tokio::select! {
                    () = app.shutdown.cancelled() => return,
                    ring = rings.recv() => {
                        // One look answers every ring that is waiting.
                        if matches!(ring, Err(RecvError::Closed)) { return }
                        while rings.try_recv().is_ok() {}
                    }
                    () = tokio::time::sleep(pause) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "no job could be claimed");
                tokio::select! {
                    () = app.shutdown.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                }
            }
        }
    }
}

async fn until_next_due(app: &App) -> Duration {
    let due = store::next_due(&app.db).await.ok().flatten();
    let wait = due.map_or(i64::MAX, |due| due.millis_since(app.db.now()).max(0) + 1);
    POLL.min(Duration::from_millis(u64::try_from(wait).unwrap_or(u64::MAX)))
}

async fn claim(app: &App, node: &str) -> sqlx::Result<Option<ClaimedJob>> {
    let now = app.db.lease_clock().await?;
    let mut tx = app.db.begin().await?;
    let Some(job) = store::claim(&mut tx, node, now, now.plus_millis(LEASE_MILLIS)).await? else {
        return Ok(None);
    };
    let started = EventBody::JobState { state: JobState::Running, attempt: job.attempt, reason: None };
    store::append(&mut tx, job.id, Some(job.attempt), &[started], app.db.now()).await?;
    tx.commit().await?;
    Ok(Some(job))
}

#[tracing::instrument(name = "job", skip_all, fields(job.id = %job.id, job.kind = job.kind, job.attempt = job.attempt))]
async fn attempt(app: &App, works: &[Box<dyn Work>], job: ClaimedJob) {
    let cancelled = app.shutdown.child_token();
    if job.cancel_requested_at.is_some() {
        cancelled.cancel();
    }
    let keeper = tokio::spawn(keep_lease(app.clone(), job.id, job.attempt, cancelled.clone()));
    let context = JobContext::new(app.db.clone(), app.jobs.log().clone(), job.clone(), cancelled);
    let outcome = run(app, works, &job, &context).await;
    keeper.abort();
    if let Err(error) = end(app, &job, outcome).await {
        // The lease runs out and somebody takes the job up again.
        tracing::error!(%error, "the end of an attempt could not be recorded");
    }
}

async fn run(
    app: &App,
    works: &[Box<dyn Work>],
    job: &ClaimedJob,
    context: &JobContext,
) -> Result<Outcome, JobFailure> {
    if job.failures >= job.max_attempts && !context.cancelled().is_cancelled() {
        return Err(JobFailure::fatal(
            "abandoned",
            "The server ended in the middle of this job as often as it may be tried. Look at its log, then retry it.",
        ));
    }
    let Some(work) = works.iter().find(|work| work.kind().as_str() == job.kind) else {
        return Err(JobFailure::fatal(
            "kind_unknown",
            format!("This version of Gantry does not know jobs of kind {}.", job.kind),
        ));
    };
    // A fault in one job's code ends that job, not the worker.
    match std::panic::AssertUnwindSafe(work.run(app, context)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => Err(JobFailure::fatal("panicked", "The job's code failed. The server's log has the cause.")),
    }
}

/// Renews the lease and passes on a request to cancel, until the attempt ends.
async fn keep_lease(app: App, id: uuid::Uuid, attempt: i64, cancelled: CancellationToken) {
    let mut rings = app.db.bell().listen();
    let mut renew = tokio::time::interval(RENEW);
    loop {
        let held = tokio::select! {
            _ = renew.tick() => match app.db.lease_clock().await {
                Ok(now) => store::renew(&app.db, id, attempt, now.plus_millis(LEASE_MILLIS)).await,
                Err(error) => Err(error),
            },
            ring = rings.recv() => match ring {
                Ok(rung) if rung != id => continue,
                Ok(_) | Err(RecvError::Lagged(_)) => store::holds(&app.db, id, attempt).await,
                Err(RecvError::Closed) => return,
            },
        };
        match held {
            Ok(Some(false)) => {}
            // Cancellation was asked for, or the lease is lost: either way the attempt is to end.
            Ok(Some(true)) | Ok(None) => cancelled.cancel(),
            Err(error) => tracing::warn!(%error, "a lease could not be renewed; trying again"),
        }
    }
}

async fn end(app: &App, job: &ClaimedJob, outcome: Result<Outcome, JobFailure>) -> sqlx::Result<()> {
    let now = app.db.now();
    let mut to = Transition { state: JobState::Done, reason: None, result: None, failed: false, run_at: now, now };
    let reason: JobReason;
    match outcome {
        Ok(Outcome::Done(result)) => to.result = Some(result),
        Ok(Outcome::Waiting(why)) => {
            to.state = JobState::Waiting;
            reason = why;
            to.reason = Some(&reason);
        }
        Err(failure) => {
            reason = failure.reason;
            to.reason = Some(&reason);
            match failure.kind {
                JobFailureKind::LeaseLost => return Ok(()),
                JobFailureKind::Cancelled if app.shutdown.is_cancelled() && !cancel_requested(app, job).await? => {
                    // The server stops, nobody cancelled: whoever starts next goes on.
                    to.state = JobState::Queued;
                    to.reason = None;
                }
                JobFailureKind::Cancelled => to.state = JobState::Cancelled,
                JobFailureKind::Fatal => to.state = JobState::Failed,
                JobFailureKind::Retry if job.failures + 1 >= job.max_attempts => to.state = JobState::Failed,
                JobFailureKind::Retry => {
                    to.state = JobState::Queued;
                    to.failed = true;
                    to.run_at = now.plus_millis(backoff_millis(job.failures, job.id));
                }
            }
        }
    }
    let body = EventBody::JobState { state: to.state, attempt: job.attempt, reason: to.reason.cloned() };
    if let (JobState::Failed, Some(reason)) = (to.state, to.reason) {
        tracing::warn!(code = reason.code, message = reason.message, "job failed");
    }
    let mut tx = app.db.begin().await?;
    if store::append(&mut tx, job.id, Some(job.attempt), &[body], now).await?.is_none() {
        return Ok(());
    }
    let (waits, is_over) = (to.state == JobState::Waiting, to.state.is_final());
    if !store::end_attempt(&mut tx, job.id, job.attempt, to).await? {
        return Ok(());
    }
    // What it waits for, or a request to cancel, may have come in the moment before.
    if waits && store::requeue_if_wanted(&mut tx, job.id, now).await? {
        let queued = EventBody::JobState { state: JobState::Queued, attempt: job.attempt, reason: None };
        store::append(&mut tx, job.id, None, &[queued], now).await?;
    }
    if is_over {
        store::wake_who_waits_for(&mut tx, job.id, now).await?;
    }
    tx.commit().await
}

async fn cancel_requested(app: &App, job: &ClaimedJob) -> sqlx::Result<bool> {
    Ok(store::holds(&app.db, job.id, job.attempt).await? == Some(true))
}

/// One second, doubled with every failure, at most five minutes; spread by up to a quarter so that
/// jobs which failed together do not come back together.
fn backoff_millis(failures: i64, id: uuid::Uuid) -> i64 {
    let base = 1_000_i64.saturating_mul(1 << failures.clamp(0, 10)).min(300_000);
    let spread = i64::from(id.as_bytes()[15]) * base / 4 / 255;
    base + spread
}

#[cfg(test)]
mod tests {
    use gantry_domain::Timestamp;

    use super::*;

    #[test]
    fn backoff_doubles_and_is_bounded() {
        let id = uuid::Uuid::nil();
        assert_eq!(backoff_millis(0, id), 1_000);
        assert_eq!(backoff_millis(3, id), 8_000);
        assert_eq!(backoff_millis(60, id), 300_000);
        let last = uuid::Uuid::max();
        assert_eq!(backoff_millis(0, last), 1_250);
    }

    #[test]
    fn a_moment_is_moved_by_the_lease() {
        let now = Timestamp::from_micros(0);
        assert_eq!(now.plus_millis(LEASE_MILLIS).micros(), 30_000_000);
    }
}
