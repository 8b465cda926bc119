//! Long work: a durable queue, an append-only log per job, and the workers between them.
//!
//! A job is claimed under a lease with a fencing token, its `attempt`: whoever lost the lease
//! writes into nothing, because every write asks for the attempt it belongs to. What a job has
//! done is in its log as `step.done` events; a retry folds the log and skips what is there.
//!
//! A worker wakes up when the [`bell`] rings, when a job it knows of becomes due, and every five
//! seconds in any case. What a job does is not here: each noun brings its own [`Work`].

pub mod bell;
mod context;
pub mod http;
pub mod log;
mod queue;
mod reconcile;
mod store;
mod worker;

use gantry_domain::api::job::JobKind;
use gantry_domain::event::JobReason;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;

pub use context::JobContext;
pub use queue::Queue;
pub use reconcile::spawn_reconcilers;
pub(crate) use store::reason;
pub use worker::{WorkerCount, spawn_workers};

/// What one kind of job does.
#[async_trait::async_trait]
pub trait Work: Send + Sync {
    /// The kind.
    fn kind(&self) -> JobKind;

    /// Does the job, or what is left of it after an earlier attempt.
    ///
    /// It is also called when a job that had begun is to be cancelled and nobody holds it; then
    /// [`JobContext::cancelled`] is cancelled from the start, and the work only tidies up.
    async fn run(&self, app: &App, job: &JobContext) -> Result<Outcome, JobFailure>;
}

/// Every kind of work that this server knows.
pub fn works() -> Vec<Box<dyn Work>> {
    vec![
        Box::new(crate::run::RunWork),
        Box::new(crate::build::BuildWork),
        Box::new(crate::image::PublishWork),
        Box::new(crate::exchange::PushWork),
        Box::new(crate::eval::EvalWork),
    ]
}

/// How an attempt ended that did not fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The job is done; this came out of it.
    Done(Value),
    /// The job waits for a person or for the outside until [`Queue::wake`]; no worker is held.
    Waiting(JobReason),
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq)]
pub struct JobFailure {
    /// Whether another attempt may help.
    pub kind: JobFailureKind,
    /// Code and sentence for the person.
    pub reason: JobReason,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobFailureKind {
    /// Nothing will change by itself: the job is `failed`.
    Fatal,
    /// It may go better later: queued again with backoff while attempts are left.
    Retry,
    /// Somebody asked to cancel it: the job is `cancelled`.
    Cancelled,
    /// Another worker holds the job now; this one keeps silent.
    LeaseLost,
}

impl JobFailure {
    /// A failure that no retry mends.
    pub fn fatal(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(JobFailureKind::Fatal, code, message)
    }

    /// A failure that may mend by itself.
    pub fn retry(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(JobFailureKind::Retry, code, message)
    }

    /// The end that was asked for.
    pub fn cancelled() -> Self {
        Self::new(JobFailureKind::Cancelled, "cancelled", "Cancelled on request.")
    }

    pub(crate) fn lease_lost() -> Self {
        Self::new(JobFailureKind::LeaseLost, "lease_lost", "Another worker took the job over.")
    }

    fn new(kind: JobFailureKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, reason: JobReason { code: code.into(), message: message.into() } }
    }
}

impl std::fmt::Display for JobFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason.code, self.reason.message)
    }
}

/// The database is the one thing that every job needs: its faults are retried.
impl From<sqlx::Error> for JobFailure {
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!(%error, "a job's statement failed");
        Self::retry("database_error", "The database did not do what the job asked of it.")
    }
}

/// What a noun's own functions answer becomes a job's end: ours is retried, the caller's is final.
impl From<crate::error::Error> for JobFailure {
    fn from(error: crate::error::Error) -> Self {
        if error.status().is_server_error() {
            tracing::warn!(%error, "a job's step failed");
            Self::retry(error.code(), error.detail())
        } else {
            Self::fatal(error.code(), error.detail())
        }
    }
}

/// A job to be enqueued.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// The project that it is for.
    pub project_id: Option<Uuid>,
    /// The run, build or publication that it works on.
    pub subject_id: Option<Uuid>,
    /// What the work needs to know.
    pub args: Value,
    /// While a job with the same key is not over, a second one is refused.
    pub dedupe_key: Option<String>,
    /// How many attempts may fail, at least 1.
    pub max_attempts: i64,
    /// Who asked for it: a user's or token's name.
    pub created_by: String,
}
