//! Why a run leaves off, whichever runtime is at work.

use gantry_domain::event::JobReason;

use crate::app::App;
use crate::jobs::{JobContext, JobFailure};

/// Why the work on a run leaves off. `Own` is what only one runtime knows.
#[derive(Debug)]
pub(crate) enum Halt<Own> {
    /// The job cannot go on, and the log is not to be touched.
    Job(JobFailure),
    /// The run fails.
    Failed(JobReason),
    /// Somebody stopped it.
    Cancelled,
    /// What only one runtime knows.
    Own(Own),
}

impl<Own> Halt<Own> {
    /// The run fails for this reason.
    pub(crate) fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::Failed(JobReason { code: code.to_owned(), message: message.into() })
    }

    /// Why a job's token was cancelled: somebody stopped the run, or whoever takes the job up next goes on,
    /// because the server stops or the lease is lost.
    pub(crate) async fn why_cancelled(app: &App, job: &JobContext) -> Self {
        match app.jobs.is_cancel_requested(job.id()).await {
            Ok(true) => Self::Cancelled,
            Ok(false) => Self::Job(JobFailure::cancelled()),
            Err(error) => Self::Job(error.into()),
        }
    }
}

impl<Own> From<JobFailure> for Halt<Own> {
    fn from(failure: JobFailure) -> Self {
        Self::Job(failure)
    }
}

impl<Own> From<sqlx::Error> for Halt<Own> {
    fn from(error: sqlx::Error) -> Self {
        Self::Job(error.into())
    }
}

impl<Own> From<crate::error::Error> for Halt<Own> {
    fn from(error: crate::error::Error) -> Self {
        Self::Job(error.into())
    }
}
