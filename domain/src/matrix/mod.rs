//! The compatibility matrix: frameworks, patterns and tools, and what goes with what.
//!
//! The data is TOML beside this file; the rules that read it are in [`diagnose`]. Server, browser
//! and command line run the same code.

pub mod diagnose;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A framework that code can be generated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "kebab-case"))]
#[serde(rename_all = "kebab-case")]
pub enum Framework {
    /// The plain reason-and-act loop on Python's standard library.
    React,
    /// LangGraph.
    Langgraph,
}

impl Framework {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::React, Self::Langgraph];

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::React => "react",
            Self::Langgraph => "langgraph",
        }
    }
}

/// A language that code can be generated in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Python.
    Python,
}

/// How agents work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Pattern {
    /// One agent answers once, without tools.
    Single,
    /// One agent reasons, calls tools and answers.
    React,
    /// Tasks one after another, each with what came before.
    Sequential,
    /// Tasks side by side, then one that joins them.
    Parallel,
    /// One agent picks who answers.
    Router,
    /// One agent gives work to others and gathers it.
    Supervisor,
    /// Agents pass the conversation on.
    Handoff,
    /// A graph with conditions.
    Graph,
}

/// How well a framework does a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Support {
    /// With the framework's own means.
    Native,
    /// With code of ours between.
    Adapter,
    /// Not at all.
    Unsupported,
}

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Works, but probably not as meant.
    Warning,
    /// Refused on write.
    Error,
}

/// Something about a spec that a person should know, with ways to mend it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// The stable code, such as `pattern_unsupported`.
    pub code: String,
    /// How serious it is.
    pub severity: Severity,
    /// Where in the spec: a JSON Pointer (RFC 6901).
    pub path: String,
    /// What is wrong and what was expected, as a sentence.
    pub message: String,
    /// Ways to mend it.
    #[serde(default)]
    pub fixes: Vec<Fix>,
}

/// One way to mend what a diagnostic names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// What the button says.
    pub label: String,
    /// A JSON Merge Patch (RFC 7396) on the spec.
    pub patch: Value,
}
