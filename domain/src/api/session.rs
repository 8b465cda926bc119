//! Sessions: chat threads with an agent; each turn is a run.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::run::{PermissionMode, Run, RunRuntime};
use crate::Timestamp;

/// A chat thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id; AG-UI's `threadId`.
    pub id: Uuid,
    /// The project whose agent is talked to.
    pub project_id: Uuid,
    /// The first words of its first message, or what the person called it.
    pub title: String,
    /// What its tools may do without asking.
    pub mode: PermissionMode,
    /// The model provider; none is the rehearsal model.
    pub provider_id: Option<Uuid>,
    /// The model's name at the provider; empty for the rehearsal model.
    pub model: String,
    /// What executes its turns: in a container the project's newest image, as a process its newest revision.
    pub runtime: RunRuntime,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its newest turn began, or it was changed.
    pub updated_at: Timestamp,
}

/// The body of `POST /projects/{id}/sessions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSession {
    /// A title; else the first message gives it.
    #[serde(default)]
    pub title: Option<String>,
    /// What its tools may do without asking; `ask` when left out.
    #[serde(default)]
    pub mode: PermissionMode,
    /// The model provider; none is the rehearsal model.
    #[serde(default)]
    pub provider_id: Option<Uuid>,
    /// The model's name at the provider; the provider's default when left out.
    #[serde(default)]
    pub model: Option<String>,
    /// What executes its turns; `native` when left out.
    #[serde(default)]
    pub runtime: RunRuntime,
}

/// The body of `PATCH /sessions/{id}`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateSession {
    /// A new title.
    #[serde(default)]
    pub title: Option<String>,
    /// A new permission mode, from the next turn on.
    #[serde(default)]
    pub mode: Option<PermissionMode>,
    /// A model: the provider (none is the rehearsal model) and the model's name there.
    #[serde(default)]
    pub model: Option<ModelChoice>,
    /// What executes the turns from the next one on.
    #[serde(default)]
    pub runtime: Option<RunRuntime>,
}

/// Which model answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelChoice {
    /// The model provider; none is the rehearsal model.
    #[serde(default)]
    pub provider_id: Option<Uuid>,
    /// The model's name at the provider; the provider's default when left out.
    #[serde(default)]
    pub model: Option<String>,
}

/// The body of `POST /sessions/{id}/messages`; the answer is `202` with the run as `id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendMessage {
    /// What the person says; 1 to 65 536 bytes.
    pub text: String,
}

/// A session with its turns, oldest first. Their events are at `/runs/{id}/events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionThread {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// Its turns.
    pub runs: Vec<Run>,
}
