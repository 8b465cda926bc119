//! Images: what builds produced, known by digest, and where they are published.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::job::JobState;
use crate::event::JobReason;
use crate::{Digest, RepositoryName, Tag, Timestamp};

/// An image in Gantry's store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// The digest of its manifest: the same in every registry.
    pub digest: Digest,
    /// The project it was built from.
    pub project_id: Uuid,
    /// The build that made it first.
    pub build_id: Uuid,
    /// The number of that build.
    pub build_number: i64,
    /// The version in the spec that was built.
    pub version: String,
    /// Compressed size in bytes: configuration and layers.
    pub size: i64,
    /// `linux/amd64` and the like.
    pub platform: String,
    /// When it was built.
    pub created_at: Timestamp,
    /// Where it was sent, newest first.
    pub publications: Vec<Publication>,
}

/// One sending of an image to a registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Publication {
    /// Its id.
    pub id: Uuid,
    /// The job that does it.
    pub job_id: Uuid,
    /// The registry.
    pub registry_id: Uuid,
    /// The registry's name here.
    pub registry_name: String,
    /// Where it can be pulled from: `host/repository:tag`.
    pub reference: String,
    /// `docker pull host/repository@digest`, once it was read back.
    pub pull_command: Option<String>,
    /// Where it is; `done` means that the digest was read back from the registry.
    pub state: JobState,
    /// Why it failed or was cancelled.
    pub reason: Option<JobReason>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the digest was read back.
    pub published_at: Option<Timestamp>,
}

/// What of a project is live: the answer of `GET /projects/{project}/live`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Live {
    /// The image whose digest was last read back from a registry; none before the first publication.
    pub image: Option<Image>,
}

/// The body of `POST /images/{digest}:publish`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishImage {
    /// The registry.
    pub registry_id: Uuid,
    /// The repository; the registry's prefix and the project's name when left out.
    #[serde(default)]
    pub repository: Option<RepositoryName>,
    /// The tag; the version in the spec when left out.
    #[serde(default)]
    pub tag: Option<Tag>,
}
