//! Runs: single executions of a project's agent.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::job::JobState;
use crate::event::{JobReason, Usage};
use crate::{Digest, Timestamp};

/// What tools may do without asking a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum PermissionMode {
    /// Tools that read run; all others are denied.
    Safe,
    /// Tools that read run; all others wait for an approval.
    #[default]
    Ask,
    /// All tools run.
    Dev,
}

/// What executes a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum RunRuntime {
    /// The server interprets the spec.
    #[default]
    Native,
    /// The project that was generated, out of its image, in a container that reaches its model alone.
    Container,
    /// The project that was generated, as a plain process of the server's own user: with its rights, without a
    /// sandbox, and only where the operator allows it.
    Process,
}

impl RunRuntime {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Container => "container",
            Self::Process => "process",
        }
    }
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// The project.
    pub project_id: Uuid,
    /// The chat session, if it is a turn of one.
    pub session_id: Option<Uuid>,
    /// The job that executes it.
    pub job_id: Uuid,
    /// What the agent was told.
    pub input: String,
    /// The agent's final answer, once there is one.
    pub output: Option<String>,
    /// What its tools may do without asking.
    pub mode: PermissionMode,
    /// The model provider; none is the rehearsal model.
    pub provider_id: Option<Uuid>,
    /// The model's name; `rehearsal` for the built-in model, which is not an LLM.
    pub model: String,
    /// What executes it.
    pub runtime: RunRuntime,
    /// The digest of the image, when it runs in a container.
    pub image: Option<Digest>,
    /// The run that it does anew, and from where on; none when it began by itself.
    #[serde(default)]
    pub taken_from: Option<TakenFrom>,
    /// The revision of the project, when it runs as a process.
    #[serde(default)]
    pub revision: Option<i64>,
    /// Where it is.
    pub state: JobState,
    /// Why it failed or waits.
    pub reason: Option<JobReason>,
    /// What it used.
    pub usage: Usage,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// One step of a project by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum RunStep {
    /// The agent with this id, alone with its tools.
    Agent(String),
    /// The task with this id, done by its agent without the results of tasks before it.
    Task(String),
}

/// The body of `POST /projects/{id}/runs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateRun {
    /// What the agent is told; 1 to 65 536 bytes.
    pub input: String,
    /// What its tools may do without asking; `ask` when left out.
    #[serde(default)]
    pub mode: PermissionMode,
    /// The model provider; none is the rehearsal model.
    #[serde(default)]
    pub provider_id: Option<Uuid>,
    /// The model's name at the provider; the provider's default when left out.
    #[serde(default)]
    pub model: Option<String>,
    /// Tries this step alone; the whole project runs when left out.
    #[serde(default)]
    pub step: Option<RunStep>,
    /// What executes it; `native` when left out.
    #[serde(default)]
    pub runtime: RunRuntime,
    /// The image of the project to run in a container, by its digest; the newest when left out.
    #[serde(default)]
    pub image: Option<Digest>,
}

/// Which run another one does anew, and from where on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TakenFrom {
    /// The run; none when it was deleted since.
    pub run_id: Option<Uuid>,
    /// The point up to which everything was taken over: `input` for nothing, else a [`RunPoint::name`].
    pub point: String,
    /// Whether what was said there was changed.
    pub edited: bool,
}

/// The body of `POST /runs/{id}:again`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunAgain {
    /// The name of the point from which it is done anew, as `GET /runs/{id}/points` has it; `input`, its
    /// beginning, when left out.
    #[serde(default)]
    pub from: Option<String>,
    /// What is said at that point instead: what the agent is told (1 to 65 536 bytes), the model's words, the
    /// arguments of a call as a JSON object, or a tool's result; the same as before when left out.
    #[serde(default)]
    pub input: Option<String>,
}

/// Where a run can be taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RunPointKind {
    /// What the agent was told: everything is done anew.
    Input,
    /// A turn of the model: it is asked anew, or it is taken to have said something else.
    Turn,
    /// A tool call: it is made anew, maybe with other arguments.
    Call,
    /// A tool's answer: the model reads it, or another one in its place.
    Result,
}

/// A point of a run from which it can be done anew. What was recorded before it is taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunPoint {
    /// Names it within the run: `input`, `turn:<place>:<number>`, `call:<tool call id>`, `result:<tool call id>`.
    pub name: String,
    /// What is there.
    pub kind: RunPointKind,
    /// The message of the turn or the id of the call; empty for the input.
    pub subject: String,
    /// Who speaks there: an agent or task by its place in the pattern, or the tool's name; empty for the input.
    pub label: String,
    /// Why the run cannot be taken up here, as a sentence; none when it can.
    pub refusal: Option<String>,
}

/// Where a run can be taken up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunPoints {
    /// Its points, in the order of its log.
    pub items: Vec<RunPoint>,
    /// The parts of the run's spec, which a new run has too, that are not as the project's spec has them now.
    pub differs: Vec<String>,
}
