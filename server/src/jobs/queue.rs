//! What the rest of the server may ask of jobs.

use gantry_domain::api::job::{Job, JobState};
use gantry_domain::event::{EventBody, JobReason};
use uuid::Uuid;

use super::log::Log;
use super::{NewJob, store};
use crate::db::{Db, Tx};
use crate::error::{Error, Result, ResultExt};

/// The queue.
#[derive(Clone)]
pub struct Queue {
    db: Db,
    log: Log,
}

impl Queue {
    /// The queue in a database.
    pub fn new(db: Db) -> Self {
        Self { log: Log::new(db.clone()), db }
    }

    /// The logs of all jobs.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Adds a job within the caller's transaction.
    ///
    /// # Errors
    /// `409 job_active` while another job holds the same dedupe key.
    pub async fn enqueue(&self, tx: &mut Tx, job: NewJob) -> Result<Uuid> {
        let id = Uuid::now_v7();
        let now = self.db.now();
        store::insert(tx, id, &job, now).await.on_constraint("job_dedupe_key", || {
            Error::conflict("job_active", "The same work is under way already. Wait for it or cancel it.")
        })?;
        self.append_state(tx, id, JobState::Queued, 0, None).await?;
        Ok(id)
    }

    /// A job as people see it.
    ///
    /// # Errors
    /// `404` when there is none.
    pub async fn get(&self, id: Uuid) -> Result<Job> {
        store::get(&self.db, id).await?.ok_or_else(|| Error::not_found("job"))
    }

    /// What a job was given to work on.
    ///
    /// # Errors
    /// `404` when there is none.
    pub(crate) async fn args(&self, id: Uuid) -> Result<serde_json::Value> {
        store::args(&self.db, id).await?.ok_or_else(|| Error::not_found("job"))
    }

    /// Whether somebody asked for a job to be cancelled.
    ///
    /// # Errors
    /// `404` when there is none.
    pub(crate) async fn is_cancel_requested(&self, id: Uuid) -> Result<bool> {
        Ok(self.get(id).await?.cancel_requested_at.is_some())
    }

    /// Lets a job that waits, or is about to, go on.
    ///
    /// # Errors
    /// `409 job_over` when it has ended.
    pub async fn wake(&self, tx: &mut Tx, id: Uuid) -> Result<()> {
        match store::wake(tx, id, self.db.now()).await? {
            None => Err(Error::conflict("job_over", "The job has ended already.")),
            Some(JobState::Queued) => self.append_state(tx, id, JobState::Queued, 0, None).await,
            // It is told when it begins to wait.
            Some(_) => Ok(()),
        }
    }

    /// Appends to the log of a job that somebody else does, for that attempt at it; whether the attempt
    /// still holds the job. If not, nothing was appended.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub(crate) async fn append_for(
        &self,
        tx: &mut Tx,
        id: Uuid,
        attempt: i64,
        bodies: &[EventBody],
    ) -> sqlx::Result<bool> {
        Ok(store::append(tx, id, Some(attempt), bodies, self.db.now()).await?.is_some())
    }

    /// Names the job that is woken when another is over, however that ends.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub(crate) async fn wake_when_over(&self, tx: &mut Tx, id: Uuid, who_waits: Uuid) -> sqlx::Result<()> {
        store::wake_when_over(tx, id, who_waits).await
    }

    /// Appends to the log of a job that nobody does yet: what is to be known of how it came to be.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub(crate) async fn note(&self, tx: &mut Tx, id: Uuid, bodies: &[EventBody]) -> Result<()> {
        store::append(tx, id, None, bodies, self.db.now()).await?;
        Ok(())
    }

    /// Asks for a job to be cancelled, and with it the jobs that it waits for; asking twice is no error.
    ///
    /// # Errors
    /// `409 job_over` when it has ended.
    pub async fn request_cancel(&self, tx: &mut Tx, id: Uuid) -> Result<()> {
        // What it waits for goes first: that may be what keeps the workers that its own tidying up needs.
        for awaited in store::unfinished_awaited_by(tx, id).await? {
            self.request_cancel_of(tx, awaited).await?;
        }
        if self.request_cancel_of(tx, id).await? {
            return Ok(());
        }
        Err(Error::conflict("job_over", "The job has ended already."))
    }

    /// The same in a transaction of its own.
    ///
    /// # Errors
    /// `409 job_over` when it has ended.
    pub async fn cancel(&self, id: Uuid) -> Result<()> {
        let mut tx = self.db.begin().await?;
        self.request_cancel(&mut tx, id).await?;
        Ok(tx.commit().await?)
    }

    /// Asks for one job alone to be cancelled; whether it was not over.
    async fn request_cancel_of(&self, tx: &mut Tx, id: Uuid) -> Result<bool> {
        let now = self.db.now();
        let Some(state) = store::request_cancel(tx, id, now).await? else { return Ok(false) };
        if state == JobState::Cancelled {
            let reason = JobReason { code: "cancelled".into(), message: "Cancelled on request.".into() };
            self.append_state(tx, id, state, 0, Some(reason)).await?;
            store::wake_who_waits_for(tx, id, now).await?;
        }
        // A job that runs hears of it by the bell.
        tx.ring(id);
        Ok(true)
    }

    /// Queues a job that failed or was cancelled; what it had done stays done.
    ///
    /// # Errors
    /// `409 job_not_failed` when it did neither, `409 job_active` while the same work is under way.
    pub async fn retry(&self, tx: &mut Tx, id: Uuid) -> Result<()> {
        let retried = store::retry(tx, id, self.db.now()).await.on_constraint("job_dedupe_key", || {
            Error::conflict("job_active", "The same work is under way already. Wait for it or cancel it.")
        })?;
        if !retried {
            return Err(Error::conflict("job_not_failed", "Only a job that failed or was cancelled can be retried."));
        }
        self.append_state(tx, id, JobState::Queued, 0, None).await
    }

    /// Asks for all of a project's jobs to be cancelled.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn cancel_project(&self, tx: &mut Tx, project_id: Uuid) -> Result<()> {
        for id in store::unfinished_of_project(tx, project_id).await? {
            self.request_cancel_of(tx, id).await?;
        }
        Ok(())
    }

    async fn append_state(
        &self,
        tx: &mut Tx,
        id: Uuid,
        state: JobState,
        attempt: i64,
        reason: Option<JobReason>,
    ) -> Result<()> {
        let body = EventBody::JobState { state, attempt, reason };
        store::append(tx, id, None, &[body], self.db.now()).await?;
        Ok(())
    }
}
