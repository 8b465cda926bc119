//! The spec, `agent.gantry.yaml`: what an agent is, before any framework.
//!
//! The types are the schema: what they do not know they refuse, with the path of what is wrong.
//! Reading and writing YAML is in [`yaml`]; rules that a type cannot express are in [`check`];
//! what the builtin tools take and answer is in [`builtin`].

pub mod builtin;
pub mod check;
mod header_secret;
mod layout;
mod merge;
mod names;
mod read;
mod tool_wire;
pub mod yaml;

pub use check::{task_order, url_placeholders};
pub use header_secret::header_secret;
pub use layout::{Layout, Position};
pub use merge::merge_patch;
pub use names::{argument_names, is_invisible, is_python_identifier, is_taken_by_generated_code};
pub use read::from_value;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Slug;
use crate::matrix::{Framework, Language, Pattern};

/// The `apiVersion` of this version of the spec.
pub const API_VERSION: &str = "gantry/v1";

/// The file's name within a project.
pub const FILE_NAME: &str = "agent.gantry.yaml";

/// A whole spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// Always `gantry/v1`.
    pub api_version: String,
    /// Always `Agent`.
    pub kind: String,
    /// Name, version and what it is for.
    pub metadata: Metadata,
    /// What code is generated.
    pub target: Target,
    /// The models that agents name; there is at least `default`.
    pub models: BTreeMap<String, Model>,
    /// The agents, at least one; the first is the one that people talk to.
    pub agents: Vec<Agent>,
    /// Pieces of work, when the pattern needs them; a graph without cycles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// The way through the tasks, for the pattern `graph`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<Graph>,
    /// What agents may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// What an agent remembers between turns.
    #[serde(default)]
    pub memory: Memory,
    /// Limits that the runtime keeps.
    #[serde(default)]
    pub guardrails: Guardrails,
    /// Where the eval cases are and what must pass.
    #[serde(default)]
    pub evals: Evals,
    /// How its image is built.
    #[serde(default)]
    pub build: BuildOptions,
    /// Where people put the nodes of the pipeline; nothing is generated from it.
    #[serde(default, skip_serializing_if = "Layout::is_empty")]
    pub layout: Layout,
}

/// Name, version and what it is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The project's name.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub name: Slug,
    /// Semantic version (semver.org 2.0.0).
    pub version: String,
    /// What the agent is for; at most 10 000 characters.
    #[serde(default)]
    pub description: String,
    /// Free-form labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What code is generated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The framework.
    pub framework: Framework,
    /// Its language.
    pub language: Language,
    /// How the agents work together.
    pub pattern: Pattern,
    /// The cloud that it is meant for, an id of the compatibility matrix; none is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// What it is meant to become, ids of the matrix's export targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<String>,
}

/// A model and where it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Model {
    /// The model's name at its provider; empty leaves it to the environment (`MODEL_NAME`).
    #[serde(default)]
    pub model: String,
    /// Environment variable with the endpoint's base URL.
    #[serde(default = "default_base_url_variable")]
    pub base_url_variable: String,
    /// Environment variable with the endpoint's key.
    #[serde(default = "default_key_variable")]
    pub key_variable: String,
    /// Sampling temperature, 0 to 2; none is the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
}

fn default_base_url_variable() -> String {
    "OPENAI_BASE_URL".to_owned()
}

fn default_key_variable() -> String {
    "OPENAI_API_KEY".to_owned()
}

impl Default for Model {
    fn default() -> Self {
        Self {
            model: String::new(),
            base_url_variable: default_base_url_variable(),
            key_variable: default_key_variable(),
            temperature: None,
        }
    }
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Agent {
    /// Its id: a name that is valid in Python, unique among the agents.
    pub id: String,
    /// What it is, in a few words.
    pub role: String,
    /// What it is told before every conversation.
    pub instructions: String,
    /// A key of `models`.
    #[serde(default = "default_model_key")]
    pub model: String,
    /// Ids of the tools that it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Ids of the agents that it may pass the conversation on to, for the pattern `handoff`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handoffs: Vec<String>,
    /// How often it may call the model in one run, 1 to 100.
    #[serde(default = "default_max_steps")]
    pub max_steps: u32,
}

fn default_model_key() -> String {
    "default".to_owned()
}

fn default_max_steps() -> u32 {
    8
}

/// A piece of work for one agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Task {
    /// Its id, unique among the tasks.
    pub id: String,
    /// The agent that does it.
    pub agent: String,
    /// What is to be done.
    pub description: String,
    /// What should come out.
    #[serde(default)]
    pub expected_output: String,
    /// Ids of the tasks that come before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
}

/// The way through the tasks: its nodes are the tasks, and after each the first edge that holds is
/// followed. One node at a time; loops are allowed and end at `maxSteps`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Graph {
    /// The task that is done first.
    pub start: String,
    /// How many nodes may be done in one run, 1 to 100.
    #[serde(default = "default_graph_steps")]
    pub max_steps: u32,
    /// The edges; those that leave one task are tried in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
}

fn default_graph_steps() -> u32 {
    20
}

/// Where an edge leads that ends the run.
pub const GRAPH_END: &str = "end";

/// A way from a task to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edge {
    /// The task that was done.
    pub from: String,
    /// The task that is done next, or `end`.
    pub to: String,
    /// What must hold of the result; none always holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
}

/// What must hold of a task's result. Capital and small letters are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// The result has this text in it.
    Contains(String),
    /// The result does not have this text in it.
    Lacks(String),
}

impl Condition {
    /// The text that is looked for.
    pub fn text(&self) -> &str {
        match self {
            Self::Contains(text) | Self::Lacks(text) => text,
        }
    }

    /// Whether it holds of a result.
    pub fn holds(&self, result: &str) -> bool {
        let is_there = result.to_lowercase().contains(&self.text().to_lowercase());
        match self {
            Self::Contains(_) => is_there,
            Self::Lacks(_) => !is_there,
        }
    }
}

/// Something an agent may call.
///
/// Read through `tool_wire`: serde cannot refuse unknown fields beside a flattened enum.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Tool {
    /// Its id: a name that is valid in Python, unique among the tools.
    pub id: String,
    /// What it does, for the model to read.
    pub description: String,
    /// Its arguments: a JSON Schema of type `object`.
    pub parameters: Value,
    /// What it may do to the world.
    pub effect: Effect,
    /// How long one call may take, 100 to 600 000 milliseconds.
    #[cfg_attr(feature = "schema", schemars(default = "default_timeout"))]
    pub timeout_ms: u64,
    /// How it is called.
    #[serde(flatten)]
    pub source: ToolSource,
}

fn default_timeout() -> u64 {
    10_000
}

/// How a tool is called. The wire form carries it in `kind`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum ToolSource {
    /// An HTTP request. `{name}` in the address stands for the argument of that name, percent-encoded;
    /// arguments without a place in it go into the query (GET, DELETE) or a JSON body.
    Http {
        /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
        method: String,
        /// An http or https address.
        url: String,
        /// Headers of each request, as for a tool of an MCP server at an address.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        #[cfg_attr(feature = "schema", schemars(default))]
        headers: BTreeMap<String, String>,
    },
    /// One of Gantry's own, the same in every framework: `current_time`, `calculator`, `text_statistics`.
    Builtin {
        /// Which one.
        name: Builtin,
    },
    /// A tool of a server that speaks the Model Context Protocol over standard input and output.
    Mcp {
        /// The program and its arguments.
        command: Vec<String>,
        /// The tool's name at the server.
        tool: String,
    },
    /// A tool of a server that speaks the Model Context Protocol at an address (streamable HTTP).
    #[serde(rename = "mcp")]
    McpOverHttp {
        /// An http or https address, without places for arguments.
        url: String,
        /// Headers of each request: their names, and for each the name of what has its value, capital letters
        /// like `CRM_AUTHORIZATION`. In the generated project that is an environment variable; here it is the
        /// secret `tools/<host>/CRM_AUTHORIZATION`.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        #[cfg_attr(feature = "schema", schemars(default))]
        headers: BTreeMap<String, String>,
        /// The tool's name at the server.
        tool: String,
    },
    /// A Python function of the project's own: a body that the person writes in `tools.py`.
    Python {
        /// The body, indented from column 0; it sees the arguments as variables and returns text.
        body: String,
    },
    /// A TypeScript function of the project's own: a body that the person writes in `tools.ts`.
    Typescript {
        /// The body, indented from column 0; it sees the arguments as variables, may `await`, and returns text.
        body: String,
    },
}

/// Gantry's own tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Builtin {
    /// The time now, in a zone given as an offset from UTC.
    CurrentTime,
    /// The value of an arithmetic expression.
    Calculator,
    /// Counts characters, words and lines.
    TextStatistics,
}

/// What a tool may do to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Only reads.
    Read,
    /// Changes something.
    Write,
    /// Runs a program.
    Exec,
    /// Reaches a host outside.
    Network,
}

/// What an agent remembers between turns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Memory {
    /// Nothing, or the whole thread.
    #[serde(default)]
    pub kind: MemoryKind,
}

/// The kinds of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MemoryKind {
    /// Every turn starts anew.
    None,
    /// The turns of the thread so far.
    #[default]
    Thread,
}

/// Limits that the runtime keeps for one run; none is no limit of that kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrails {
    /// Input and output tokens together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Seconds of work, not counting time spent waiting for approvals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_seconds: Option<u64>,
    /// What the model may cost, in millionths of a US dollar; kept when the provider has prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost_micros: Option<u64>,
    /// Ids of tools that are never run, whatever the mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

/// Where the eval cases are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evals {
    /// A file of the project.
    #[serde(default = "default_cases")]
    pub cases: String,
}

fn default_cases() -> String {
    "evals/cases.yaml".to_owned()
}

impl Default for Evals {
    fn default() -> Self {
        Self { cases: default_cases() }
    }
}

/// How the project's image is built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildOptions {
    /// The image that the project's own is built on.
    #[serde(default = "default_base")]
    pub base: String,
}

fn default_base() -> String {
    BuildOptions::of(Language::Python).base
}

impl BuildOptions {
    /// On the usual image for a language.
    pub fn of(language: Language) -> Self {
        let base = match language {
            Language::Python => "python:3.12-slim",
            Language::Typescript => "node:22-slim",
        };
        Self { base: base.to_owned() }
    }
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { base: default_base() }
    }
}

/// The JSON Schema (2020-12) of a spec.
#[cfg(feature = "schema")]
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Spec);
    schema.insert("$id".to_owned(), "/api/v1/schemas/agent/v1".into());
    schema.insert("title".to_owned(), "agent.gantry.yaml (gantry/v1)".into());
    schema.to_value()
}
