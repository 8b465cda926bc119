//! Projects: agents under development.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::revision::{ConflictKind, FileOrigin};
use crate::matrix::Framework;
use crate::spec::Spec;
use crate::{Slug, Timestamp};

/// A project as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectSummary {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique on this instance.
    pub name: Slug,
    /// What the agent is for.
    pub description: String,
    /// The framework its code is written for.
    pub framework: Framework,
    /// The version in its spec.
    pub version: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its spec or files last changed.
    pub updated_at: Timestamp,
    /// How far it has come.
    pub progress: ProjectProgress,
}

/// The five verbs of the strip on a project's overview, each with the state it is in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectProgress {
    /// The newest run, if any.
    pub last_run: Option<ProgressMark>,
    /// The newest build, if any.
    pub last_build: Option<ProgressMark>,
    /// The newest publication, if any.
    pub last_publication: Option<ProgressMark>,
}

/// The newest of its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProgressMark {
    /// The run, build or publication.
    pub id: Uuid,
    /// Where it is.
    pub state: super::job::JobState,
    /// When it was asked for.
    pub at: Timestamp,
}

/// What a list of projects can be narrowed down to. A project may be in several of these at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProjectState {
    /// A run, build or publication is queued, under way or waiting.
    Active,
    /// The newest run, build or publication failed.
    Failed,
    /// An image of it was published.
    Published,
    /// No image of it was published yet.
    Unpublished,
}

impl ProjectState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::Failed, Self::Published, Self::Unpublished];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Failed => "failed",
            Self::Published => "published",
            Self::Unpublished => "unpublished",
        }
    }
}

/// A project with its spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// What lists show.
    #[serde(flatten)]
    pub summary: ProjectSummary,
    /// The spec that its files were generated from.
    pub spec: Spec,
    /// Rises by one with every write of its spec or files; pass it back as `expectedRevision`.
    pub revision: i64,
}

/// The body of `POST /projects`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProject {
    /// The spec; the project takes its name from `metadata.name`.
    pub spec: Spec,
}

/// The body of `PUT /projects/{id}/spec`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplaceSpec {
    /// The new spec.
    pub spec: Spec,
    /// The revision that the change was made from; a newer one on the server is a conflict.
    pub expected_revision: i64,
}

/// A file of a project, without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectFile {
    /// Path within the project, with `/` between its parts.
    pub path: String,
    /// Size in bytes.
    pub size: i64,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// Where its text comes from.
    pub origin: FileOrigin,
    /// What is at odds in it, while that waits for a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictKind>,
}

/// A file of a project with its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectFileContent {
    /// The file.
    #[serde(flatten)]
    pub file: ProjectFile,
    /// Its text (all files of a project are UTF-8).
    pub content: String,
}
