//! Rules of a spec that its types cannot express: references, names, limits.
//!
//! Each fault is a diagnostic with a JSON Pointer and, where one way to mend it is obvious, a fix
//! that is a JSON Merge Patch on the spec. What a framework can do is not asked here but in
//! [`crate::matrix::diagnose`].

mod agents;
mod graph;
mod layout;
mod parameters;
mod tasks;
mod text;
mod tools;

use serde_json::{Value, json};

use super::{API_VERSION, Spec, names};
use crate::matrix::{Diagnostic, Fix, Severity};
pub use tasks::order as task_order;
pub use tools::placeholders as url_placeholders;

/// How long a description may be, in characters.
pub const MAX_DESCRIPTION: usize = 10_000;
/// How long an agent's instructions may be, in characters.
pub const MAX_INSTRUCTIONS: usize = 50_000;
/// How many agents, tasks or tools a spec may have.
pub const MAX_ENTRIES: usize = 100;

/// Checks everything that can be said of a spec without knowing its framework.
pub fn check(spec: &Spec) -> Vec<Diagnostic> {
    let mut found = Findings::default();
    head(spec, &mut found);
    models(spec, &mut found);
    agents::check(spec, &mut found);
    tasks::check(spec, &mut found);
    graph::check(spec, &mut found);
    tools::check(spec, &mut found);
    limits(spec, &mut found);
    layout::check(spec, &mut found);
    text::check(spec, &mut found);
    found.0
}

/// Whether a tool by itself has no faults.
pub fn is_sound_tool(tool: &super::Tool) -> bool {
    faults_of_tool(tool).is_empty()
}

/// The faults of a tool by itself, with paths from the tool on.
pub fn faults_of_tool(tool: &super::Tool) -> Vec<Diagnostic> {
    let mut found = Findings::default();
    tools::check_one(tool, &mut found);
    found.0.retain(|finding| finding.severity >= Severity::Error);
    for finding in &mut found.0 {
        finding.path = finding.path.strip_prefix("/tools/0").unwrap_or(&finding.path).to_owned();
    }
    found.0
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Diagnostic>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        code: &str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Self {
        self.0.push(Diagnostic {
            code: code.to_owned(),
            severity,
            path: path.into(),
            message: message.into(),
            fixes: Vec::new(),
        });
        self
    }

    fn error(&mut self, code: &str, path: impl Into<String>, message: impl Into<String>) -> &mut Self {
        self.add(Severity::Error, code, path, message)
    }

    fn warning(&mut self, code: &str, path: impl Into<String>, message: impl Into<String>) -> &mut Self {
        self.add(Severity::Warning, code, path, message)
    }

    /// A way to mend the finding just added.
    fn fix(&mut self, label: impl Into<String>, patch: Value) -> &mut Self {
        if let Some(last) = self.0.last_mut() {
            last.fixes.push(Fix { label: label.into(), patch });
        }
        self
    }
}

/// The patch for a change inside a list, which a merge patch can only replace as a whole.
fn list_patch<T: serde::Serialize + Clone>(name: &str, list: &[T], change: impl FnOnce(&mut Vec<T>)) -> Value {
    let mut changed = list.to_vec();
    change(&mut changed);
    json!({ name: changed })
}

fn head(spec: &Spec, found: &mut Findings) {
    if spec.api_version != API_VERSION {
        let message = super::read::newer_version(&spec.api_version)
            .unwrap_or_else(|| format!("expected {API_VERSION}, the version of the spec that this Gantry understands"));
        let code = if message.contains("newer") { "api_version_newer" } else { "api_version_unknown" };
        found.error(code, "/apiVersion", message).fix(format!("Use {API_VERSION}"), json!({"apiVersion": API_VERSION}));
    }
    if spec.kind != "Agent" {
        found.error("kind_unknown", "/kind", "expected Agent").fix("Use Agent", json!({"kind": "Agent"}));
    }
    if !is_semantic_version(&spec.metadata.version) {
        found
            .error(
                "version_invalid",
                "/metadata/version",
                "expected a semantic version such as 0.1.0 or 1.2.0-rc.1 (semver.org 2.0.0)",
            )
            .fix("Use 0.1.0", json!({"metadata": {"version": "0.1.0"}}));
    }
    if spec.metadata.description.chars().count() > MAX_DESCRIPTION {
        found.error(
            "description_too_long",
            "/metadata/description",
            format!("expected at most {MAX_DESCRIPTION} characters"),
        );
    }
    for (label, value) in &spec.metadata.labels {
        if label.is_empty() || label.len() > 63 || value.chars().count() > 255 {
            found.error(
                "label_invalid",
                format!("/metadata/labels/{}", super::read::escape(label)),
                "expected a name of 1 to 63 bytes and a value of at most 255 characters",
            );
        }
    }
}

fn models(spec: &Spec, found: &mut Findings) {
    if !spec.models.contains_key("default") {
        found
            .error(
                "model_default_missing",
                "/models",
                "expected a model named default, which agents use unless they name another",
            )
            .fix("Add it, with its name and address from the environment", json!({"models": {"default": {}}}));
    }
    for (key, model) in &spec.models {
        let path = format!("/models/{}", super::read::escape(key));
        if !names::is_python_identifier(key) {
            found.error(
                "model_key_invalid",
                &path,
                "expected a key of letters, digits and underscores that is no Python keyword",
            );
        }
        if model.model.len() > 200 {
            found.error("model_name_too_long", format!("{path}/model"), "expected at most 200 bytes");
        }
        let variables = [
            ("baseUrlVariable", &model.base_url_variable, "OPENAI_BASE_URL"),
            ("keyVariable", &model.key_variable, "OPENAI_API_KEY"),
        ];
        for (field, value, usual) in variables {
            if !is_environment_variable(value) {
                found
                    .error(
                        "environment_variable_invalid",
                        format!("{path}/{field}"),
                        "expected the name of an environment variable: capital letters, digits and underscores, such as OPENAI_BASE_URL; \
                         not the value itself",
                    )
                    .fix(format!("Use {usual}"), json!({"models": {key: {field: usual}}}));
            }
        }
        if model.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
            found
                .error("temperature_out_of_range", format!("{path}/temperature"), "expected a number from 0 to 2")
                .fix("Leave it to the provider", json!({"models": {key: {"temperature": null}}}));
        }
    }
}

fn limits(spec: &Spec, found: &mut Findings) {
    if spec.guardrails.max_tokens == Some(0) {
        found
            .error("limit_out_of_range", "/guardrails/maxTokens", "expected at least 1, or nothing for no limit")
            .fix("Remove the limit", json!({"guardrails": {"maxTokens": null}}));
    }
    if spec.guardrails.max_cost_micros == Some(0) {
        found
            .error(
                "limit_out_of_range",
                "/guardrails/maxCostMicros",
                "expected at least 1 millionth of a US dollar, or nothing for no limit",
            )
            .fix("Remove the limit", json!({"guardrails": {"maxCostMicros": null}}));
    }
    if spec.guardrails.max_seconds.is_some_and(|seconds| !(1..=86_400).contains(&seconds)) {
        found
            .error(
                "limit_out_of_range",
                "/guardrails/maxSeconds",
                "expected 1 to 86400 seconds, or nothing for no limit",
            )
            .fix("Remove the limit", json!({"guardrails": {"maxSeconds": null}}));
    }
    for (index, id) in spec.guardrails.deny.iter().enumerate() {
        if !spec.tools.iter().any(|tool| tool.id == *id) {
            let kept: Vec<&String> = spec.guardrails.deny.iter().filter(|other| *other != id).collect();
            found
                .warning(
                    "tool_unknown",
                    format!("/guardrails/deny/{index}"),
                    format!("there is no tool named {id:?} to deny"),
                )
                .fix("Remove it", json!({"guardrails": {"deny": kept}}));
        }
    }
    let cases = &spec.evals.cases;
    if !(is_safe_path(cases) && cases.starts_with("evals/") && cases.ends_with(".yaml")) {
        found
            .error(
                "path_invalid",
                "/evals/cases",
                "expected a .yaml file within evals/, such as evals/cases.yaml: letters, digits, . _ - and /, without ..",
            )
            .fix("Use evals/cases.yaml", json!({"evals": {"cases": "evals/cases.yaml"}}));
    }
    if !is_image_reference(&spec.build.base) {
        found
            .error(
                "image_reference_invalid",
                "/build/base",
                "expected an image reference such as python:3.12-slim or registry.example.com/team/python@sha256:…",
            )
            .fix("Use python:3.12-slim", json!({"build": {"base": "python:3.12-slim"}}));
    }
}

/// Semantic Versioning 2.0.0, "Backus–Naur Form Grammar".
fn is_semantic_version(version: &str) -> bool {
    let is_number = |part: &str| {
        !part.is_empty()
            && part.len() <= 18
            && part.bytes().all(|b| b.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let are_identifiers = |text: &str, numbers_too: bool| {
        text.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && (numbers_too || !part.bytes().all(|b| b.is_ascii_digit()) || is_number(part))
        })
    };
    if version.len() > 128 {
        return false;
    }
    let (rest, build) = version.split_once('+').map_or((version, None), |(rest, build)| (rest, Some(build)));
    let (core, before) = rest.split_once('-').map_or((rest, None), |(core, before)| (core, Some(before)));
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3
        && numbers.into_iter().all(is_number)
        && before.is_none_or(|text| are_identifiers(text, false))
        && build.is_none_or(|text| are_identifiers(text, true))
}

fn is_environment_variable(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Whether a path stays within the project on every file system.
fn is_safe_path(path: &str) -> bool {
    path.len() <= 200
        && path.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.ends_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        })
}

/// The grammar of image references (`distribution/reference`), as far as it keeps a Dockerfile's
/// `FROM` line one line with one image.
fn is_image_reference(image: &str) -> bool {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let last = name.rsplit('/').next().unwrap_or_default();
    let (path, tag) = match last.split_once(':') {
        Some((_, tag)) => (&name[..name.len() - tag.len() - 1], Some(tag)),
        None => (name, None),
    };
    image.len() <= 512
        && digest.is_none_or(|digest| digest.parse::<crate::Digest>().is_ok())
        && tag.is_none_or(|tag| tag.parse::<crate::Tag>().is_ok())
        && path.split('/').enumerate().all(|(index, part)| {
            let is_host = index == 0 && path.contains('/');
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.ends_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| {
                    c.is_ascii_lowercase()
                        || c.is_ascii_digit()
                        || matches!(c, '.' | '_' | '-')
                        || (is_host && (c == ':' || c.is_ascii_uppercase()))
                })
        })
}

#[cfg(test)]
mod tests;
