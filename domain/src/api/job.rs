//! Jobs: the durable units of long work, and the list on the Activity page.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::Timestamp;
use crate::event::JobReason;

/// Where a job is. Legal transitions: queued → running; running → waiting, queued (retry), done,
/// failed, cancelled; waiting → queued, cancelled, failed; queued → cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Due at `runAt`, waiting for a worker.
    Queued,
    /// Held by a worker under a lease.
    Running,
    /// Held by nobody until a person or the outside answers.
    Waiting,
    /// Ended well.
    Done,
    /// Ended badly; nobody will try again by itself.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

impl JobState {
    /// Whether the job has ended.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Runs an agent once.
    Run,
    /// Builds an image.
    Build,
    /// Pushes an image to a registry.
    Publish,
    /// Pushes a project's files to a git repository.
    Push,
    /// Holds a project against its cases.
    Eval,
}

impl JobKind {
    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Build => "build",
            Self::Publish => "publish",
            Self::Push => "push",
            Self::Eval => "eval",
        }
    }
}

/// A job as lists and pages show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// What it does.
    pub kind: JobKind,
    /// Where it is.
    pub state: JobState,
    /// The project it is for.
    pub project_id: Option<Uuid>,
    /// The project's name at the time of asking.
    pub project_name: Option<String>,
    /// The run, build, publication or eval that it works on.
    pub subject_id: Option<Uuid>,
    /// How many attempts have begun.
    pub attempt: i64,
    /// How many there may be.
    pub max_attempts: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it may begin.
    pub run_at: Timestamp,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When somebody asked to cancel it.
    pub cancel_requested_at: Option<Timestamp>,
    /// Why it is waiting, being retried, failed or cancelled.
    pub reason: Option<JobReason>,
    /// Which node holds it.
    pub lease_owner: Option<String>,
    /// Who asked for it: a user's or token's name.
    pub created_by: String,
    /// What came out of it.
    #[serde(default)]
    pub result: Option<Value>,
}
