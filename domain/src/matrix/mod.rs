//! The compatibility matrix: frameworks, patterns and tools, and what goes with what.
//!
//! The data is TOML beside this file; the rules that read it are in [`diagnose`]. Server, browser
//! and command line run the same code.

pub mod diagnose;
pub mod extension;
mod selection;
mod shape;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::compatibility::{Compatibility, PatternSupport};
use crate::spec::Builtin;

/// The whole matrix.
pub fn compatibility() -> &'static Compatibility {
    static MATRIX: LazyLock<Compatibility> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "the data is part of the program, and a test reads it")]
        let mut matrix: Compatibility = serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/matrix.json")))
            .expect("the matrix fits its types");
        for tool in &mut matrix.tools {
            tool.parameters =
                Builtin::ALL.iter().find(|builtin| builtin.as_str() == tool.id).map(|builtin| builtin.parameters());
        }
        matrix
    });
    &MATRIX
}

/// How well a framework does a pattern.
pub fn support(framework: Framework, pattern: Pattern) -> Option<&'static PatternSupport> {
    support_in(compatibility(), framework, pattern)
}

/// How well a framework does a pattern, as a matrix has it.
pub fn support_in(matrix: &Compatibility, framework: Framework, pattern: Pattern) -> Option<&PatternSupport> {
    let entry = matrix.frameworks.iter().find(|entry| entry.id == framework)?;
    entry.patterns.iter().find(|entry| entry.pattern == pattern)
}

/// The frameworks that a project can be generated for, with one pattern at least.
pub fn generated() -> impl Iterator<Item = Framework> {
    Framework::ALL.into_iter().filter(|framework| {
        Pattern::ALL
            .into_iter()
            .any(|pattern| support(*framework, pattern).is_some_and(|cell| cell.support != Support::Unsupported))
    })
}

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
    /// Pydantic AI.
    PydanticAi,
    /// The OpenAI Agents SDK for Python.
    OpenaiAgents,
    /// The OpenAI Agents SDK for TypeScript.
    OpenaiAgentsTypescript,
    /// Microsoft Agent Framework.
    AgentFramework,
    /// Google's Agent Development Kit.
    GoogleAdk,
    /// Strands Agents.
    Strands,
    /// CrewAI: crews.
    Crewai,
    /// CrewAI: flows.
    CrewaiFlow,
    /// LlamaIndex.
    Llamaindex,
    /// IBM watsonx Orchestrate.
    WatsonxOrchestrate,
}

impl Framework {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 12] = [
        Self::React,
        Self::Langgraph,
        Self::PydanticAi,
        Self::OpenaiAgents,
        Self::OpenaiAgentsTypescript,
        Self::AgentFramework,
        Self::GoogleAdk,
        Self::Strands,
        Self::Crewai,
        Self::CrewaiFlow,
        Self::Llamaindex,
        Self::WatsonxOrchestrate,
    ];

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::React => "react",
            Self::Langgraph => "langgraph",
            Self::PydanticAi => "pydantic-ai",
            Self::OpenaiAgents => "openai-agents",
            Self::OpenaiAgentsTypescript => "openai-agents-typescript",
            Self::AgentFramework => "agent-framework",
            Self::GoogleAdk => "google-adk",
            Self::Strands => "strands",
            Self::Crewai => "crewai",
            Self::CrewaiFlow => "crewai-flow",
            Self::Llamaindex => "llamaindex",
            Self::WatsonxOrchestrate => "watsonx-orchestrate",
        }
    }

    /// The language that is generated for it.
    pub fn language(self) -> Language {
        match self {
            Self::OpenaiAgentsTypescript => Language::Typescript,
            _ => Language::Python,
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
    /// TypeScript, run by Node.js.
    Typescript,
}

impl Language {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Typescript => "typescript",
        }
    }
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

impl Pattern {
    /// All of them, simplest first.
    pub const ALL: [Self; 8] = [
        Self::Single,
        Self::React,
        Self::Sequential,
        Self::Parallel,
        Self::Router,
        Self::Supervisor,
        Self::Handoff,
        Self::Graph,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::React => "react",
            Self::Sequential => "sequential",
            Self::Parallel => "parallel",
            Self::Router => "router",
            Self::Supervisor => "supervisor",
            Self::Handoff => "handoff",
            Self::Graph => "graph",
        }
    }
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
