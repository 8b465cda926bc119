//! Whether a project's lock is there and names what the project depends on: what is missing in it is missing in the
//! image as well, since nothing else is installed.

use gantry_domain::api::verification::{Check, CheckId, Finding};
use gantry_domain::matrix::{Language, Severity};
use serde_json::Value;

use super::{Subject, finding};

/// What is to be said of the lock, and the sentence when that is nothing.
fn look(subject: &Subject<'_>) -> (Vec<Finding>, String) {
    let language = subject.spec.target.framework.language();
    let (lock_file, manifest) = match language {
        Language::Python => ("requirements.lock", "pyproject.toml"),
        Language::Typescript => ("package-lock.json", "package.json"),
    };
    let Some(lock) = subject.files.get(lock_file) else {
        // What the generator gives no lock needs none.
        if !subject.generated.contains_key(lock_file) {
            return (Vec::new(), "The project has no dependencies to lock.".to_owned());
        }
        let message =
            "the file is not there, so every installation may give other versions: put back what was generated";
        return (vec![finding(Severity::Error, "lock_missing", lock_file, message)], String::new());
    };
    let (wanted, locked) = match language {
        Language::Python => (subject.files.get(manifest).map(|text| python_wanted(text)), python_locked(lock)),
        Language::Typescript => (subject.files.get(manifest).map(|text| node_wanted(text)), node_locked(lock)),
    };
    let missing = wanted.unwrap_or_default().into_iter().filter(|name| !locked.contains(name));
    let findings = missing
        .map(|name| {
            let message = format!(
                "the project depends on {name} ({manifest}), and {lock_file} has no version of it: lock it anew"
            );
            finding(Severity::Error, "lock_incomplete", lock_file, message)
        })
        .collect();
    (findings, format!("{lock_file} names {} packages, each at one version.", locked.len()))
}

/// The check.
pub(super) fn check(subject: &Subject<'_>) -> Check {
    let (findings, passed) = look(subject);
    super::check(CheckId::Lock, findings, passed)
}

/// A distribution's name as Python's index compares them (PEP 503).
fn normalised(name: &str) -> String {
    name.trim()
        .to_ascii_lowercase()
        .split(['-', '_', '.'])
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

/// The name that a requirement begins with (PEP 508).
fn requirement(text: &str) -> String {
    let end =
        text.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter)).unwrap_or(text.len());
    normalised(&text[..end])
}

/// What `pyproject.toml` depends on; nothing when it cannot be read, which the check of syntax says.
fn python_wanted(text: &str) -> Vec<String> {
    let Ok(table) = toml::from_str::<toml::Table>(text) else { return Vec::new() };
    let dependencies = table.get("project").and_then(|project| project.get("dependencies")?.as_array().cloned());
    let texts = dependencies.unwrap_or_default();
    texts.iter().filter_map(toml::Value::as_str).map(requirement).filter(|name| !name.is_empty()).collect()
}

/// What a lock of Python's has at one version.
fn python_locked(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| line.contains("==") && !line.starts_with(['#', '-']));
    lines.map(requirement).collect()
}

/// What `package.json` depends on.
fn node_wanted(text: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    ["dependencies", "devDependencies"]
        .iter()
        .filter_map(|key| document[key].as_object())
        .flat_map(|names| names.keys().cloned())
        .collect()
}

/// What a lock of npm's has (version 3).
fn node_locked(text: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let packages = document["packages"].as_object();
    let names = packages.into_iter().flat_map(|packages| packages.keys());
    names.filter_map(|key| key.strip_prefix("node_modules/").map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_are_compared_as_their_index_does() {
        assert_eq!(requirement("Pydantic_AI[openai]>=1.0; python_version > '3.9'"), "pydantic-ai");
        assert_eq!(python_locked("# x==1\nlang.graph==1.2 \\\n    --hash=sha256:ab\n"), ["lang-graph"]);
        assert_eq!(python_wanted("[project]\ndependencies = ['A_b~=1']\n"), ["a-b"]);
        assert_eq!(
            node_wanted(r#"{"dependencies": {"zod": "4"}, "devDependencies": {"typescript": "5"}}"#),
            ["zod", "typescript"]
        );
        assert_eq!(node_locked(r#"{"packages": {"": {}, "node_modules/@a/b": {}}}"#), ["@a/b"]);
    }
}
