//! What an attempt at a job may do: append to the log, remember steps, notice cancellation.

use std::future::Future;

use gantry_domain::event::{Event, EventBody};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::JobFailure;
use super::log::Log;
use super::store::{self, ClaimedJob};
use crate::db::Db;

/// One attempt at a job.
pub struct JobContext {
    db: Db,
    log: Log,
    job: ClaimedJob,
    cancelled: CancellationToken,
}

impl JobContext {
    pub(super) fn new(db: Db, log: Log, job: ClaimedJob, cancelled: CancellationToken) -> Self {
        Self { db, log, job, cancelled }
    }

    /// The job.
    pub fn id(&self) -> Uuid {
        self.job.id
    }

    /// Which attempt this is, from 1: the fencing token of everything it writes.
    pub fn attempt(&self) -> i64 {
        self.job.attempt
    }

    /// What the work needs to know.
    pub fn args(&self) -> &Value {
        &self.job.args
    }

    /// The project that the job is for.
    pub fn project_id(&self) -> Option<Uuid> {
        self.job.project_id
    }

    /// The run, build or publication that the job works on.
    pub fn subject_id(&self) -> Option<Uuid> {
        self.job.subject_id
    }

    /// Who asked for the job.
    pub fn created_by(&self) -> &str {
        &self.job.created_by
    }

    /// Cancelled within a second of somebody asking for it, when the lease is lost, and when the
    /// server stops.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Appends an entry to the log; its sequence number.
    ///
    /// # Errors
    /// A lost lease, after which nothing of this attempt may be written.
    pub async fn append(&self, body: EventBody) -> Result<i64, JobFailure> {
        self.append_all(vec![body]).await
    }

    /// Appends entries at once; the sequence number of the last.
    ///
    /// # Errors
    /// A lost lease, after which nothing of this attempt may be written.
    pub async fn append_all(&self, bodies: Vec<EventBody>) -> Result<i64, JobFailure> {
        let mut tx = self.db.begin().await?;
        let last = store::append(&mut tx, self.job.id, Some(self.job.attempt), &bodies, self.db.now()).await?;
        let last = last.ok_or_else(JobFailure::lease_lost)?;
        tx.commit().await?;
        Ok(last)
    }

    /// Appends entries within the caller's transaction, for a noun whose rows change with them.
    ///
    /// # Errors
    /// A lost lease; the caller must then drop the transaction.
    pub async fn append_within(&self, tx: &mut crate::db::Tx, bodies: &[EventBody]) -> Result<i64, JobFailure> {
        store::append(tx, self.job.id, Some(self.job.attempt), bodies, self.db.now())
            .await?
            .ok_or_else(JobFailure::lease_lost)
    }

    /// Everything that was appended so far, by this and earlier attempts.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn history(&self) -> Result<Vec<Event>, JobFailure> {
        Ok(self.log.history(self.job.id).await?)
    }

    /// Does a named step once: if an earlier attempt finished it, its output comes from the log.
    ///
    /// The output is in the log for everybody to read, so it never holds a secret.
    ///
    /// # Errors
    /// What the step fails with, or a lost lease.
    pub async fn step<T, F>(&self, name: &str, work: F) -> Result<T, JobFailure>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, JobFailure>>,
    {
        if let Some(output) = self.step_output(name).await? {
            return serde_json::from_value(output).map_err(|error| {
                JobFailure::fatal("step_unreadable", format!("The record of step {name} cannot be read: {error}."))
            });
        }
        let output = work.await?;
        let value = serde_json::to_value(&output).map_err(|error| {
            JobFailure::fatal("step_unwritable", format!("The outcome of step {name} cannot be recorded: {error}."))
        })?;
        self.append(EventBody::StepDone { step: name.to_owned(), output: value }).await?;
        Ok(output)
    }

    /// The output of a step that an attempt has finished.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn step_output(&self, name: &str) -> Result<Option<Value>, JobFailure> {
        let done: Vec<(Value,)> = self
            .db
            .sql("SELECT body FROM job_event WHERE job_id = $1 AND kind = 'step.done' ORDER BY seq")
            .bind(self.job.id)
            .all()
            .await?;
        Ok(done.into_iter().find_map(|(body,)| match serde_json::from_value(body) {
            Ok(EventBody::StepDone { step, output }) if step == name => Some(output),
            _ => None,
        }))
    }
}
