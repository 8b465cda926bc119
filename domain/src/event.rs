//! Every event of every stream: what a job appends to its log and what browser, command line and
//! CI read from it.
//!
//! The envelope is flat: `{"seq":7,"at":"…","jobId":"…","type":"build.log","lines":[…]}`. The
//! sequence of one job starts at 1 and has no gaps, so a reader that saw 7 asks for what is after 7.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::Timestamp;
use crate::agui::AgUiEvent;
use crate::api::approval::Approval;
use crate::api::eval::{EvalOutcome, ResultState};
use crate::api::job::JobState;
use crate::eval::Layer;
use crate::eval::gate::Channel;

/// One entry of a job's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Position in the job's log, from 1, without gaps.
    pub seq: i64,
    /// When it was appended.
    pub at: Timestamp,
    /// Whose log it is in.
    pub job_id: Uuid,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened. The wire form carries the kind in `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum EventBody {
    /// The job changed state. `done`, `failed` and `cancelled` end the stream.
    #[serde(rename = "job.state")]
    JobState {
        /// The state it is in now.
        state: JobState,
        /// Which attempt this is, from 1; 0 before the first.
        attempt: i64,
        /// Why, when the state is `failed`, `cancelled`, `waiting` or a retry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<JobReason>,
    },
    /// A named step ended and will not be done again by a retry.
    #[serde(rename = "step.done")]
    StepDone {
        /// The step's name, unique within the job.
        step: String,
        /// What later steps need of it.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        output: Value,
    },
    /// An event of a run, in AG-UI's language.
    #[serde(rename = "run.event")]
    #[serde(rename_all = "camelCase")]
    RunEvent {
        /// The run.
        run_id: Uuid,
        /// The AG-UI event.
        event: AgUiEvent,
    },
    /// A run came to its end.
    #[serde(rename = "run.done")]
    #[serde(rename_all = "camelCase")]
    RunDone {
        /// The run.
        run_id: Uuid,
        /// Whether the agent gave its answer.
        ok: bool,
        /// How it ended: `success`, `cancelled` or `failed`.
        outcome: String,
        /// What it used.
        usage: Usage,
    },
    /// A tool call is held until a person decides.
    #[serde(rename = "approval.requested")]
    ApprovalRequested {
        /// What is to be decided.
        approval: Approval,
    },
    /// A person decided, or the time ran out.
    #[serde(rename = "approval.decided")]
    ApprovalDecided {
        /// The approval with its decision.
        approval: Approval,
    },
    /// A step of a build changed state.
    #[serde(rename = "build.step")]
    BuildStep {
        /// The step.
        step: BuildStep,
    },
    /// Lines that a step of a build wrote; at most 64, gathered for at most 100 ms.
    #[serde(rename = "build.log")]
    BuildLog {
        /// The step's id; empty for lines of the build itself.
        step: String,
        /// The lines, in order.
        lines: Vec<LogLine>,
    },
    /// A build came to its end with an image.
    #[serde(rename = "build.done")]
    #[serde(rename_all = "camelCase")]
    BuildDone {
        /// The build.
        build_id: Uuid,
        /// The image's manifest digest.
        digest: String,
        /// Compressed size in bytes: configuration and layers.
        size: i64,
    },
    /// How far a transfer is.
    #[serde(rename = "publish.progress")]
    PublishProgress {
        /// What is under way, as a sentence.
        message: String,
        /// The blob's digest, when it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blob: Option<String>,
        /// Bytes moved so far.
        current: i64,
        /// Bytes in all.
        total: i64,
    },
    /// An image was read back from the registry with the digest that was pushed.
    #[serde(rename = "publish.done")]
    #[serde(rename_all = "camelCase")]
    PublishDone {
        /// The publication.
        publication_id: Uuid,
        /// Where it can be pulled from.
        reference: String,
        /// The digest as the registry gave it.
        digest: String,
    },
    /// How far a push to a git repository is.
    #[serde(rename = "push.progress")]
    PushProgress {
        /// What is under way, as a sentence.
        message: String,
    },
    /// A branch was read back from its repository with the commit that was pushed.
    #[serde(rename = "push.done")]
    PushDone {
        /// Where the repository is.
        url: String,
        /// The branch.
        branch: String,
        /// The commit that the branch is at.
        commit: String,
        /// Whether there was anything to push; the branch had it all otherwise.
        changed: bool,
    },
    /// A result of an eval was begun or came to its end.
    #[serde(rename = "eval.result")]
    EvalResult {
        /// The layer.
        layer: Layer,
        /// What was looked at, such as the id of a case.
        name: String,
        /// Which repeat, from 1.
        repeat: i64,
        /// How it stands.
        state: ResultState,
        /// What is to be said of it: the first check that failed, or was not decided.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// An eval came to its end.
    #[serde(rename = "eval.done")]
    #[serde(rename_all = "camelCase")]
    EvalDone {
        /// The eval.
        eval_id: Uuid,
        /// How it came out.
        outcome: EvalOutcome,
        /// Percent of the decided results that passed.
        score: Option<i64>,
    },
    /// Somebody had let what the job does through a gate that it did not pass.
    #[serde(rename = "gate.overridden")]
    #[serde(rename_all = "camelCase")]
    GateOverridden {
        /// The override.
        override_id: Uuid,
        /// The channel.
        channel: Channel,
        /// Why, in the words of who did it.
        reason: String,
        /// Who did it.
        by: String,
    },
    /// A kind that this version does not know: written by a newer node.
    #[serde(other, rename = "unknown")]
    Unknown,
}

impl EventBody {
    /// The kind, as in `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::JobState { .. } => "job.state",
            Self::StepDone { .. } => "step.done",
            Self::RunEvent { .. } => "run.event",
            Self::RunDone { .. } => "run.done",
            Self::ApprovalRequested { .. } => "approval.requested",
            Self::ApprovalDecided { .. } => "approval.decided",
            Self::BuildStep { .. } => "build.step",
            Self::BuildLog { .. } => "build.log",
            Self::BuildDone { .. } => "build.done",
            Self::PublishProgress { .. } => "publish.progress",
            Self::PublishDone { .. } => "publish.done",
            Self::PushProgress { .. } => "push.progress",
            Self::PushDone { .. } => "push.done",
            Self::EvalResult { .. } => "eval.result",
            Self::EvalDone { .. } => "eval.done",
            Self::GateOverridden { .. } => "gate.overridden",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing comes after it: the job is `done`, `failed` or `cancelled`.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::JobState { state, .. } if state.is_final())
    }
}

/// Why a job is where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct JobReason {
    /// The stable code.
    pub code: String,
    /// What happened and what to do, as a sentence.
    pub message: String,
}

/// What a run used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens sent, as the model's endpoint counted them; 0 when it did not say.
    pub input_tokens: i64,
    /// Tokens received.
    pub output_tokens: i64,
    /// Cost in millionths of a US dollar; none when the model's price is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<i64>,
    /// Requests made to the model.
    pub model_calls: i64,
    /// Tools called.
    pub tool_calls: i64,
}

/// A step of a build: one BuildKit vertex, or a step of Gantry's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BuildStep {
    /// Unique within the build.
    pub id: String,
    /// The stage it belongs to: `context`, `base`, the Dockerfile's stage, `export`, `image`.
    pub stage: String,
    /// What it does, as BuildKit names it.
    pub name: String,
    /// Where it is.
    pub state: BuildStepState,
    /// How long it took, in milliseconds, once it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Where a step of a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum BuildStepState {
    /// Not begun.
    Queued,
    /// Under way.
    Running,
    /// Ended well.
    Done,
    /// Taken from the cache.
    Cached,
    /// Ended badly.
    Failed,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// How serious it is.
    pub level: LogLevel,
    /// The line without its end.
    pub text: String,
}

/// How serious a line of a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum LogLevel {
    /// Said in passing.
    Info,
    /// Worth a look.
    Warning,
    /// Went wrong.
    Error,
}
