//! Names of frameworks and patterns, as the compatibility matrix has them.

use gantry_domain::matrix::{Framework, Pattern, compatibility};

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
