//! What is wrong with a spec: first by itself ([`crate::spec::check`]), then seen from the matrix.
//!
//! An [`Severity::Error`] is refused on write; everything else is worth knowing. What has a fix can
//! be mended by a button.

use serde_json::json;

use super::{
    Diagnostic, Fix, Framework, Language, Pattern, Severity, Support, compatibility, selection, shape, support_in,
};
use crate::api::compatibility::Compatibility;
use crate::spec::{BuildOptions, Spec, ToolSource, check};

/// Everything that can be said of a spec by the built-in matrix, errors first.
pub fn diagnose(spec: &Spec) -> Vec<Diagnostic> {
    diagnose_in(compatibility(), spec)
}

/// Everything that can be said of a spec by a matrix, errors first.
pub fn diagnose_in(matrix: &Compatibility, spec: &Spec) -> Vec<Diagnostic> {
    let mut found = check::check(spec);
    combination(matrix, spec, &mut found);
    selection::selection(matrix, spec, &mut found);
    shape::shape(spec, &mut found);
    language(spec, &mut found);
    tools(spec, &mut found);
    found.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
    found
}

/// Whether a spec may be written: nothing that was found is an error.
pub fn is_sound(found: &[Diagnostic]) -> bool {
    found.iter().all(|diagnostic| diagnostic.severity < Severity::Error)
}

pub(super) fn diagnostic(
    severity: Severity,
    code: &str,
    path: impl Into<String>,
    message: impl Into<String>,
) -> Diagnostic {
    Diagnostic { code: code.to_owned(), severity, path: path.into(), message: message.into(), fixes: Vec::new() }
}

pub(super) fn with_fix(mut diagnostic: Diagnostic, label: impl Into<String>, patch: serde_json::Value) -> Diagnostic {
    diagnostic.fixes.push(Fix { label: label.into(), patch });
    diagnostic
}

/// Framework and pattern.
fn combination(matrix: &Compatibility, spec: &Spec, found: &mut Vec<Diagnostic>) {
    let (framework, pattern) = (spec.target.framework, spec.target.pattern);
    let Some(cell) = support_in(matrix, framework, pattern) else { return };
    match cell.support {
        Support::Native => {}
        Support::Adapter => found.push(diagnostic(
            Severity::Info,
            "pattern_adapted",
            "/target/pattern",
            format!(
                "{} does {} with code of Gantry's own between. {}",
                name(framework),
                pattern_name(pattern),
                cell.reason
            ),
        )),
        Support::Unsupported => {
            let mut refused = diagnostic(
                Severity::Error,
                "pattern_unsupported",
                "/target/pattern",
                format!(
                    "{} cannot be generated with the pattern {}. {}",
                    name(framework),
                    pattern.as_str(),
                    cell.reason
                ),
            );
            for other in Framework::ALL {
                if other != framework && selection::is_allowed(matrix, other, pattern) {
                    refused = with_fix(refused, format!("Use {}", name(other)), framework_patch(spec, other));
                }
            }
            // With tasks their order is kept; without, one agent does what several would have done.
            let nearest = if spec.tasks.is_empty() { simplest(spec) } else { Pattern::Sequential };
            refused = with_fix(
                refused,
                format!("Use the pattern {}", nearest.as_str()),
                json!({"target": {"pattern": nearest}}),
            );
            found.push(refused);
        }
    }
}

/// The patch that changes the framework and, where it must, what hangs on its language.
pub(super) fn framework_patch(spec: &Spec, framework: Framework) -> serde_json::Value {
    let mut patch = json!({"target": {"framework": framework}});
    if spec.target.language != framework.language() {
        patch["target"]["language"] = json!(framework.language());
        patch["build"] = json!(BuildOptions::of(framework.language()));
    }
    patch
}

/// What one agent needs: the loop if it has tools, one answer if not.
fn simplest(spec: &Spec) -> Pattern {
    if spec.agents.first().is_some_and(|agent| !agent.tools.is_empty()) { Pattern::React } else { Pattern::Single }
}

fn tools(spec: &Spec, found: &mut Vec<Diagnostic>) {
    for (index, tool) in spec.tools.iter().enumerate() {
        let path = format!("/tools/{index}");
        if !spec.agents.iter().any(|agent| agent.tools.contains(&tool.id)) {
            let kept: Vec<_> = spec.tools.iter().filter(|other| other.id != tool.id).collect();
            found.push(with_fix(
                diagnostic(Severity::Info, "tool_unused", &path, format!("no agent may call {}", tool.id)),
                "Remove it",
                json!({"tools": kept}),
            ));
        }
        let language = match tool.source {
            ToolSource::Python { .. } => Language::Python,
            ToolSource::Typescript { .. } => Language::Typescript,
            _ => continue,
        };
        if language == spec.target.framework.language() {
            found.push(diagnostic(
                Severity::Info,
                "tool_in_project_only",
                format!("{path}/kind"),
                format!(
                    "{} is written in {}: it runs in the generated project, not in the chat on this instance",
                    tool.id,
                    language_name(language)
                ),
            ));
        } else {
            let kept: Vec<_> = spec.tools.iter().filter(|other| other.id != tool.id).collect();
            let mut agents = spec.agents.clone();
            for agent in &mut agents {
                agent.tools.retain(|id| *id != tool.id);
            }
            let refused = diagnostic(
                Severity::Error,
                "tool_language",
                format!("{path}/kind"),
                format!(
                    "{} is written in {}, but {} is generated in {}",
                    tool.id,
                    language_name(language),
                    name(spec.target.framework),
                    language_name(spec.target.framework.language())
                ),
            );
            found.push(with_fix(refused, "Remove it", json!({"agents": agents, "tools": kept})));
        }
    }
}

/// The language is the framework's, and the image's base has what runs it.
fn language(spec: &Spec, found: &mut Vec<Diagnostic>) {
    let language = spec.target.framework.language();
    if spec.target.language != language {
        found.push(with_fix(
            diagnostic(
                Severity::Error,
                "language_mismatch",
                "/target/language",
                format!("{} is generated in {}", name(spec.target.framework), language_name(language)),
            ),
            format!("Use {}", language_name(language)),
            json!({"target": {"language": language}}),
        ));
    }
    let image = spec.build.base.rsplit('/').next().unwrap_or_default();
    let other = match language {
        Language::Python => "node",
        Language::Typescript => "python",
    };
    let base = BuildOptions::of(language).base;
    if image.split([':', '@']).next() == Some(other) {
        found.push(with_fix(
            diagnostic(
                Severity::Error,
                "base_of_other_language",
                "/build/base",
                format!("expected an image that runs {}, such as {base}", language_name(language)),
            ),
            format!("Use {base}"),
            json!({"build": {"base": base}}),
        ));
    }
}

fn language_name(language: Language) -> &'static str {
    match language {
        Language::Python => "Python",
        Language::Typescript => "TypeScript",
    }
}

pub(super) fn name(framework: Framework) -> &'static str {
    compatibility()
        .frameworks
        .iter()
        .find(|entry| entry.id == framework)
        .map_or(framework.as_str(), |entry| &entry.name)
}

fn pattern_name(pattern: Pattern) -> &'static str {
    compatibility().patterns.iter().find(|entry| entry.id == pattern).map_or(pattern.as_str(), |entry| &entry.name)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::spec::{Builtin, from_value, merge_patch};

    fn spec(change: impl FnOnce(&mut Value)) -> Spec {
        let mut value = json!({
            "apiVersion": "gantry/v1", "kind": "Agent",
            "metadata": {"name": "a", "version": "0.1.0"},
            "target": {"framework": "react", "language": "python", "pattern": "react"},
            "models": {"default": {}},
            "agents": [{"id": "main", "role": "r", "instructions": "i", "tools": ["calculator"]}],
            "tools": [Builtin::Calculator.tool()],
        });
        change(&mut value);
        from_value(value).unwrap()
    }

    fn codes(found: &[Diagnostic]) -> Vec<&str> {
        found.iter().map(|found| found.code.as_str()).collect()
    }

    #[test]
    fn the_matrix_has_every_framework_with_every_pattern_once() {
        let matrix = compatibility();
        let frameworks: Vec<_> = matrix.frameworks.iter().map(|entry| entry.id).collect();
        assert_eq!(frameworks, Framework::ALL);
        for entry in &matrix.frameworks {
            assert_eq!(entry.language, entry.id.language(), "{}", entry.name);
            let patterns: Vec<_> = entry.patterns.iter().map(|cell| cell.pattern).collect();
            assert_eq!(patterns, Pattern::ALL, "{}", entry.name);
            for cell in &entry.patterns {
                let place = format!("{} {}", entry.name, cell.pattern.as_str());
                assert_eq!(cell.support == Support::Native, cell.reason.is_empty(), "{place}");
                assert!(cell.support != Support::Unsupported || cell.verified_on.is_none(), "{place}");
                let pinned = entry.packages.first().map_or("", |package| package.version.as_str());
                assert!(cell.verified_version.as_deref().is_none_or(|version| version == pinned), "{place}");
            }
        }
        assert_eq!(matrix.patterns.iter().map(|entry| entry.id).collect::<Vec<_>>(), Pattern::ALL);
        for builtin in Builtin::ALL {
            let entry = matrix.tools.iter().find(|tool| tool.id == builtin.as_str()).unwrap();
            assert_eq!(entry.parameters, Some(builtin.parameters()));
        }
    }

    #[test]
    fn an_unsupported_pattern_is_refused_with_a_fix_that_works() {
        for pattern in Pattern::ALL {
            let spec = spec(|value| value["target"]["pattern"] = json!(pattern));
            let found = diagnose(&spec);
            let Some(refused) = found.iter().find(|found| found.code == "pattern_unsupported") else { continue };
            assert!(!is_sound(&found));
            let mut value = serde_json::to_value(&spec).unwrap();
            merge_patch(&mut value, &refused.fixes.last().unwrap().patch);
            assert_eq!(diagnose(&from_value(value).unwrap()), []);
        }
    }

    #[test]
    fn the_pattern_decides_what_agents_tasks_and_tools_may_be_there() {
        assert_eq!(diagnose(&spec(|_| {})), []);
        let found = diagnose(&spec(|value| value["target"]["pattern"] = json!("single")));
        assert_eq!(codes(&found), ["pattern_without_tools"]);
        let found = diagnose(&spec(|value| value["agents"][0]["tools"] = json!([])));
        assert_eq!(codes(&found), ["react_without_tools", "tool_unused"]);
        assert!(is_sound(&found));
        let found = diagnose(&spec(|value| value["target"]["pattern"] = json!("sequential")));
        assert_eq!(codes(&found), ["tasks_missing"]);
        let mut value = serde_json::to_value(spec(|value| value["target"]["pattern"] = json!("sequential"))).unwrap();
        merge_patch(&mut value, &found[0].fixes[0].patch);
        assert_eq!(diagnose(&from_value(value).unwrap()), []);
        let found = diagnose(&spec(|value| {
            value["agents"].as_array_mut().unwrap().push(json!({"id": "other", "role": "r", "instructions": "i"}));
        }));
        assert_eq!(codes(&found), ["agent_unused"]);
    }
}
