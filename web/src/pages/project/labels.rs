//! Words for what a spec is made of; names of frameworks and patterns are the compatibility matrix's.

use gantry_domain::matrix::{Framework, Pattern, compatibility};
use gantry_domain::spec::{Effect, ToolSource};

/// A framework's name, such as `LangGraph`.
pub(crate) fn framework_name(framework: Framework) -> &'static str {
    let entry = compatibility().frameworks.iter().find(|entry| entry.id == framework);
    entry.map_or(framework.as_str(), |entry| &entry.name)
}

/// A pattern's name, such as `Reason and act`.
pub(crate) fn pattern_name(pattern: Pattern) -> &'static str {
    let entry = compatibility().patterns.iter().find(|entry| entry.id == pattern);
    entry.map_or(pattern.as_str(), |entry| &entry.name)
}

/// What a tool may do to the world.
pub(crate) fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "reads",
        Effect::Write => "writes",
        Effect::Exec => "runs a program",
        Effect::Network => "reaches a host",
    }
}

/// How a tool is called, in a line.
pub(crate) fn source_text(source: &ToolSource) -> String {
    match source {
        ToolSource::Http { method, url, .. } => format!("{method} {url}"),
        ToolSource::Builtin { .. } => "built in".to_owned(),
        ToolSource::Mcp { command, tool } => format!("MCP {} {tool}", command.join(" ")),
        ToolSource::McpOverHttp { url, tool, .. } => format!("MCP {url} {tool}"),
        ToolSource::Python { .. } => "Python in the project".to_owned(),
        ToolSource::Typescript { .. } => "TypeScript in the project".to_owned(),
    }
}
