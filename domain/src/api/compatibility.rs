//! The compatibility matrix as the interface shows it, and what is wrong with a selection.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::matrix::{Diagnostic, Framework, Language, Pattern, Support};
use crate::problem::FieldProblem;
use crate::spec::Effect;

/// The body of `GET /compatibility`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Compatibility {
    /// The frameworks, in the order in which they are offered.
    pub frameworks: Vec<FrameworkEntry>,
    /// How frameworks think of an agent: what `philosophy` of a framework names.
    #[serde(default)]
    pub philosophies: Vec<PhilosophyEntry>,
    /// The patterns, simplest first.
    pub patterns: Vec<PatternEntry>,
    /// The kinds of tools, builtin ones one by one.
    pub tools: Vec<ToolEntry>,
    /// Where agents run.
    pub clouds: Vec<CloudEntry>,
    /// Models that are known by name; any other may be used too.
    pub models: Vec<ModelEntry>,
    /// What a project can become.
    pub exports: Vec<ExportEntry>,
    /// What this instance does not allow, from its `compatibility.toml`.
    #[serde(default)]
    pub restrictions: Vec<Restriction>,
    /// What is wrong with this instance's `compatibility.toml`; while it is, the last sound one counts.
    #[serde(default)]
    pub extension_problems: Vec<FieldProblem>,
}

/// How a framework thinks of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PhilosophyEntry {
    /// The word in `philosophy` of a framework.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who decides what comes next, in a sentence.
    pub summary: String,
}

/// Where agents run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudEntry {
    /// The word in a spec.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who runs it.
    pub vendor: String,
}

/// A model, with what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelEntry {
    /// Its name at its provider: the word in a spec.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Who makes or serves it.
    pub provider: String,
    /// The clouds that offer it; `on_premises` where it can be run by oneself.
    pub clouds: Vec<String>,
    /// How many tokens it reads at most; none is unknown.
    #[serde(default)]
    pub context_tokens: Option<u64>,
    /// How many tokens it writes at most; none is unknown.
    #[serde(default)]
    pub output_tokens: Option<u64>,
    /// Whether it calls tools; none is unknown.
    #[serde(default)]
    pub tools: Option<bool>,
    /// Whether it keeps to a JSON Schema; none is unknown.
    #[serde(default)]
    pub structured_output: Option<bool>,
    /// US dollars per million tokens read; none is unknown or depends on where it runs.
    #[serde(default)]
    pub input_price: Option<f64>,
    /// US dollars per million tokens written; none is unknown or depends on where it runs.
    #[serde(default)]
    pub output_price: Option<f64>,
    /// When this was looked up, as a date; none is unverified.
    #[serde(default)]
    pub verified_on: Option<String>,
    /// Where it was looked up.
    #[serde(default)]
    pub source: String,
}

/// What a project can become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportEntry {
    /// The word in a spec.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What comes out.
    pub description: String,
}

/// A framework, or one pattern of it, that an instance does not allow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restriction {
    /// The framework.
    pub framework: Framework,
    /// The pattern; none is all of them.
    #[serde(default)]
    pub pattern: Option<Pattern>,
    /// Why, as a sentence for people.
    pub reason: String,
}

/// A framework and what it does well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FrameworkEntry {
    /// The word in a spec.
    pub id: Framework,
    /// Its name.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// How it thinks of an agent: an id of `philosophies`.
    pub philosophy: String,
    /// What it is, in a sentence.
    pub tagline: String,
    /// What speaks for it.
    pub strength: String,
    /// What to watch out for.
    pub risk: String,
    /// The language that is generated.
    pub language: Language,
    /// The versions of Python (PEP 440) or of Node.js that the generated project runs on.
    pub versions: String,
    /// The licence of the framework's code (SPDX).
    pub license: String,
    /// The packages that a generated project names, with the versions that its lock pins.
    pub packages: Vec<PinnedPackage>,
    /// The clouds that it is at home on; on others it runs as an image, unless it is `hosted`.
    pub clouds: Vec<String>,
    /// Whether it runs on the clouds that are named, and nowhere else.
    #[serde(default)]
    pub hosted: bool,
    /// What its projects can become, ids of `exports`.
    pub exports: Vec<String>,
    /// What installing it costs; none until it was measured.
    #[serde(default)]
    pub install: Option<InstallCost>,
    /// What one run with two model calls costs; none until it was measured.
    #[serde(default)]
    pub run: Option<RunCost>,
    /// When the costs were measured, as a date; on a machine with two cores.
    #[serde(default)]
    pub measured_on: Option<String>,
    /// How well it does each pattern.
    pub patterns: Vec<PatternSupport>,
}

/// A package at an exact version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PinnedPackage {
    /// Its name on its package index.
    pub name: String,
    /// The version.
    pub version: String,
}

/// What installing a framework costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InstallCost {
    /// Size on disk in megabytes.
    pub megabytes: u32,
    /// How many packages, with those that it needs itself.
    pub packages: u32,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// What one run with two model calls costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunCost {
    /// Processor time in seconds, mostly start-up.
    pub cpu_seconds: f64,
    /// Memory in megabytes.
    pub megabytes: u32,
}

/// How well a framework does a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PatternSupport {
    /// The pattern.
    pub pattern: Pattern,
    /// How well.
    pub support: Support,
    /// Why not better, where there is something to say.
    #[serde(default)]
    pub reason: String,
    /// When a generated project of this kind last ran and called its tool, as a date; none is unverified.
    #[serde(default)]
    pub verified_on: Option<String>,
    /// The version of the framework with which it ran; empty where there is nothing to install.
    #[serde(default)]
    pub verified_version: Option<String>,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PatternEntry {
    /// The word in a spec.
    pub id: Pattern,
    /// Its name.
    pub name: String,
    /// How agents work together in it, in a sentence.
    pub summary: String,
    /// What happens, step by step.
    pub steps: Vec<String>,
    /// Who or what decides what comes next.
    pub flow: String,
    /// What agents give to one another.
    pub communication: String,
    /// How freely it takes to a message that nobody thought of, beside the other patterns.
    pub flexibility: Level,
    /// How surely the same message takes the same way, beside the other patterns.
    pub predictability: Level,
    /// How often a model is asked for one answer, beside the other patterns.
    pub cost: Level,
}

/// How much of something, beside others of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Little.
    Low,
    /// Between the two.
    Medium,
    /// Much.
    High,
}

/// A kind of tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ToolEntry {
    /// A name for lists; for a builtin tool the word in a spec.
    pub id: String,
    /// The kind in a spec: `builtin`, `http`, `mcp`, `python` or `typescript`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it may do to the world, unless the spec says otherwise.
    pub effect: Effect,
    /// What a person has to give for it to work.
    pub needs: String,
    /// A builtin tool's arguments as JSON Schema; none where the spec defines them.
    #[serde(default)]
    pub parameters: Option<Value>,
}

/// The answer of `POST /compatibility:diagnose`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Everything found; empty is a sound spec.
    pub diagnostics: Vec<Diagnostic>,
}
