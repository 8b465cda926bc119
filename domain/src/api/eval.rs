//! Evals: their reports, a project's cases, and gates.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::job::JobState;
use super::run::{PermissionMode, RunRuntime};
use crate::eval::gate::{Channel, GateAction, GatePolicy};
use crate::eval::{Case, Check, Layer};
use crate::event::{JobReason, Usage};
use crate::problem::FieldProblem;
use crate::{Digest, Timestamp};

/// One eval of a project at a revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Eval {
    /// Its id.
    pub id: Uuid,
    /// Counts the project's evals from 1.
    pub number: i64,
    /// The project.
    pub project_id: Uuid,
    /// The job that does it.
    pub job_id: Uuid,
    /// The revision of the project that was looked at.
    pub revision: i64,
    /// SHA-256 of its spec, in hexadecimal.
    pub spec_hash: String,
    /// What executed the runs; the judge's are interpreted always.
    pub runtime: RunRuntime,
    /// The digest of the image that was run, when they ran in containers.
    #[serde(default)]
    pub image: Option<Digest>,
    /// What tools could do without asking in the contract and in the cases.
    pub mode: PermissionMode,
    /// The model provider of the cases; none: there were no live cases.
    pub provider_id: Option<Uuid>,
    /// The model of the cases; empty without a provider.
    pub model: String,
    /// The provider of the judge.
    pub judge_provider_id: Option<Uuid>,
    /// The judge's model; empty without a judge.
    pub judge_model: String,
    /// SHA-256 of what the judge is told before everything else, in hexadecimal; empty without a judge.
    pub judge_prompt_hash: String,
    /// How often each case is run, 1 to 10.
    pub repeats: i64,
    /// Where it is.
    pub state: JobState,
    /// Why it failed, waits or was cancelled.
    pub reason: Option<JobReason>,
    /// How it came out, once it is done.
    pub outcome: Option<EvalOutcome>,
    /// Percent of the decided results that passed, judges apart; rounded down.
    pub score: Option<i64>,
    /// What the layers came to so far.
    pub layers: Vec<LayerReport>,
    /// What its runs used.
    pub usage: Usage,
    /// Who asked for it.
    pub created_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// An eval with all of its results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EvalReport {
    /// The eval.
    #[serde(flatten)]
    pub eval: Eval,
    /// Its results, by layer, in the order of the cases.
    pub results: Vec<EvalResult>,
    /// The eval before it on the same runtime that came to its end, with which it is compared.
    pub compared_with: Option<ComparedEval>,
    /// What is otherwise than in that one.
    pub changes: Vec<EvalChange>,
    /// The newest eval of the same revision on another runtime that came to its end.
    #[serde(default)]
    pub other_runtime: Option<ComparedEval>,
    /// The cases that came out otherwise than there: what passes on one runtime alone is a fault of what was
    /// generated, or of the interpreter.
    #[serde(default)]
    pub differences: Vec<EvalChange>,
}

/// The eval that another is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ComparedEval {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub number: i64,
    /// The revision that it looked at.
    pub revision: i64,
    /// What executed its runs.
    #[serde(default)]
    pub runtime: RunRuntime,
    /// Its score.
    pub score: Option<i64>,
}

/// How an eval came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum EvalOutcome {
    /// Nothing failed; what a judge says does not count.
    Passed,
    /// Something failed.
    Failed,
}

/// What a layer came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LayerReport {
    /// The layer.
    pub layer: Layer,
    /// How it stands.
    pub state: LayerState,
    /// Results that passed.
    pub passed: i64,
    /// Results that failed.
    pub failed: i64,
    /// Results that prove nothing.
    pub skipped: i64,
}

/// How a layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum LayerState {
    /// Not everything of it has ended.
    Open,
    /// Something passed and nothing failed.
    Passed,
    /// Something failed.
    Failed,
    /// Nothing could be decided.
    Skipped,
}

/// One result: what was looked at, and how it came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EvalResult {
    /// The layer.
    pub layer: Layer,
    /// What was looked at: the id of a case, `agent:<id>`, `pattern`, `project`, `secrets`.
    pub name: String,
    /// Which repeat, from 1.
    pub repeat: i64,
    /// How it stands.
    pub state: ResultState,
    /// The run that was made for it.
    pub run_id: Option<Uuid>,
    /// What the agent was told.
    pub input: String,
    /// What it answered.
    pub answer: Option<String>,
    /// What was looked at one by one.
    pub checks: Vec<Check>,
    /// Milliseconds from the run's beginning to its end.
    pub duration_ms: Option<i64>,
    /// What the run used.
    pub usage: Usage,
}

/// How a result stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum ResultState {
    /// It was not begun.
    Waiting,
    /// Its run is under way.
    Running,
    /// Everything that was decided passed.
    Passed,
    /// Something failed.
    Failed,
    /// Nothing could be decided; a check says why.
    Skipped,
    /// The eval was cancelled before it ended.
    Cancelled,
}

impl ResultState {
    /// Whether it has come to its end.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// What is otherwise than in the eval before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EvalChange {
    /// The layer.
    pub layer: Layer,
    /// The result's name.
    pub name: String,
    /// How it changed.
    pub change: ResultChange,
}

/// How a result changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ResultChange {
    /// It passes now.
    Better,
    /// It passed before.
    Worse,
    /// It was not there before.
    New,
    /// It is not there any more.
    Gone,
}

/// The body of `POST /projects/{project}/evals`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateEval {
    /// What executes the runs; `native` when left out.
    #[serde(default)]
    pub runtime: RunRuntime,
    /// The image of the project to run in containers, by its digest; the newest when left out. What is looked at
    /// is the revision that it was built from.
    #[serde(default)]
    pub image: Option<Digest>,
    /// What tools may do without asking, in the contract and in the cases: `safe` (when left out) or `dev`.
    /// Nobody is there to be asked, so `ask` is refused.
    #[serde(default)]
    pub mode: Option<PermissionMode>,
    /// The model provider for the cases; without one the live cases are left out.
    #[serde(default)]
    pub provider_id: Option<Uuid>,
    /// The model's name at the provider; the provider's default when left out.
    #[serde(default)]
    pub model: Option<String>,
    /// The provider of the judge; the one of the cases when left out.
    #[serde(default)]
    pub judge_provider_id: Option<Uuid>,
    /// The judge's model; its provider's default when left out.
    #[serde(default)]
    pub judge_model: Option<String>,
    /// How often each case is run, 1 to 10; once when left out.
    #[serde(default)]
    pub repeats: Option<i64>,
}

/// The cases of a project: the answer of `GET /projects/{project}/evals/cases`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectCases {
    /// The file of the project that they are in.
    pub path: String,
    /// The revision that they were read from.
    pub revision: i64,
    /// The cases; none when the file cannot be read.
    pub cases: Vec<Case>,
    /// What is wrong with the file.
    pub faults: Vec<FieldProblem>,
}

/// The body of `PUT /projects/{project}/evals/cases`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplaceCases {
    /// The revision that the change was made from; a newer one on the server is a conflict.
    pub expected_revision: i64,
    /// All cases.
    pub cases: Vec<Case>,
}

/// A gate of a project, and how the project as it is now stands before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// The channel.
    pub channel: Channel,
    /// What must have been shown.
    pub policy: GatePolicy,
    /// Who changed the policy last; none when nobody did.
    pub changed_by: Option<String>,
    /// When.
    pub changed_at: Option<Timestamp>,
    /// The revision that is asked about: the project's newest.
    pub revision: i64,
    /// Whether that revision would pass now; it does while the gate is off.
    pub passes: bool,
    /// What is missing.
    pub missing: Vec<FieldProblem>,
    /// Every time that somebody let something through, newest first.
    pub overrides: Vec<GateOverride>,
}

/// One time that somebody let a revision through a gate. Kept for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GateOverride {
    /// Its id.
    pub id: Uuid,
    /// The channel.
    pub channel: Channel,
    /// What was let through.
    pub action: GateAction,
    /// The revision.
    pub revision: i64,
    /// Why, in the words of who did it.
    pub reason: String,
    /// What was missing then.
    pub missing: Vec<FieldProblem>,
    /// Who did it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The build or publication that went through with it; none while it was not used.
    pub used_for: Option<Uuid>,
    /// When it was used. It works once.
    pub used_at: Option<Timestamp>,
}

/// One time that somebody let a revision of a project through a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OverriddenGate {
    /// The project's name, as it was then.
    pub project: String,
    /// What was let through, by whom and why.
    #[serde(flatten)]
    pub made: GateOverride,
}

/// The body of `POST /projects/{project}/gates/{channel}:override`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverrideGate {
    /// What is to be let through.
    pub action: GateAction,
    /// The revision; the project's newest when left out.
    #[serde(default)]
    pub revision: Option<i64>,
    /// Why, 10 to 1000 characters.
    pub reason: String,
}
