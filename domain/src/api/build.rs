//! Builds: attempts to make an image of a project.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::job::JobState;
use crate::event::JobReason;
use crate::{Digest, Timestamp};

/// One build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// Its id.
    pub id: Uuid,
    /// Counts the project's builds from 1.
    pub number: i64,
    /// The project.
    pub project_id: Uuid,
    /// The job that does it.
    pub job_id: Uuid,
    /// The version in the spec that was built.
    pub version: String,
    /// The revision of the spec that was built.
    pub revision: i64,
    /// Where it is.
    pub state: JobState,
    /// Why it failed or was cancelled.
    pub reason: Option<JobReason>,
    /// The image's manifest digest, once there is one.
    pub digest: Option<Digest>,
    /// The image's compressed size in bytes, once there is one.
    pub size: Option<i64>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// The body of `POST /projects/{id}/builds`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateBuild {
    /// Builds every step anew.
    #[serde(default)]
    pub no_cache: bool,
}
