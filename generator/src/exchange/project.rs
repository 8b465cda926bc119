//! A whole project from elsewhere: what is in it, and what it is called.
//!
//! What it is is told from its files: a project of Gantry's own has its spec in it, and the others are
//! known by what they import or say of themselves.

use serde_json::Value;

use super::code::SourceFile;
use super::{Imported, agent_spec, autogen, openai_agents, remark};
use gantry_domain::api::exchange::ExchangeFormat;
use gantry_domain::matrix::diagnose::diagnose;
use gantry_domain::matrix::{Diagnostic, Severity};
use gantry_domain::spec;

/// What may be read as a document of its own when no code is: files at the top, in this order.
const DOCUMENTS: [&str; 3] = ["json", "yaml", "yml"];

/// Reads a project. `read_yaml` reads YAML and JSON texts as values.
///
/// # Errors
///
/// When nothing in it is known, or what is known cannot be read.
pub fn import(
    files: &[SourceFile],
    format: Option<ExchangeFormat>,
    read_yaml: &dyn Fn(&str) -> Option<Value>,
) -> Result<(ExchangeFormat, Imported), Vec<Diagnostic>> {
    let files = &without_common_folder(files);
    let is_wanted = |one: ExchangeFormat| format.is_none_or(|format| format == one);
    if is_wanted(ExchangeFormat::Gantry)
        && let Some(file) = shallowest(files, |path| path.rsplit('/').next() == Some(spec::FILE_NAME))
    {
        let document = read_yaml(&file.text).ok_or_else(|| {
            vec![remark(
                Severity::Error,
                "yaml_invalid",
                &file.path,
                format!("{} is no YAML that can be read", file.path),
            )]
        })?;
        let spec = spec::from_value(document).map_err(|problems| {
            problems
                .into_iter()
                .map(|problem| {
                    remark(Severity::Error, &problem.code, format!("{}{}", file.path, problem.path), problem.message)
                })
                .collect::<Vec<_>>()
        })?;
        let mut diagnostics = vec![remark(
            Severity::Info,
            "spec_taken",
            &file.path,
            "this is a project of Gantry's own: its spec is taken; changes that were made in its code are not",
        )];
        diagnostics.extend(diagnose(&spec));
        return Ok((ExchangeFormat::Gantry, Imported { spec, diagnostics }));
    }
    if is_wanted(ExchangeFormat::OpenaiAgents) && openai_agents::is_here(files) {
        return openai_agents::import(files).map(|imported| (ExchangeFormat::OpenaiAgents, imported));
    }
    if is_wanted(ExchangeFormat::Autogen) && autogen::is_here(files) {
        return autogen::import(files).map(|imported| (ExchangeFormat::Autogen, imported));
    }
    let mut documents: Vec<&SourceFile> = files
        .iter()
        .filter(|file| !super::code::is_aside(&file.path) && file.text.len() <= super::code::LARGEST_FILE)
        .filter(|file| file.path.rsplit_once('.').is_some_and(|(_, ending)| DOCUMENTS.contains(&ending)))
        .filter(|file| !file.path.ends_with("package-lock.json"))
        .collect();
    documents.sort_by_key(|file| (file.path.matches('/').count(), file.path.as_str()));
    for file in documents.into_iter().take(200) {
        // Most documents are not what is looked for, and need not be parsed to know it.
        if !["agentspec_version", "component_type", "autogen"].iter().any(|word| file.text.contains(word)) {
            continue;
        }
        let Some(document) = read_yaml(&file.text) else { continue };
        if is_wanted(ExchangeFormat::AgentSpec) && document.get("agentspec_version").is_some() {
            return agent_spec::import(&document).map(|imported| (ExchangeFormat::AgentSpec, imported));
        }
        if is_wanted(ExchangeFormat::Autogen) && autogen::is_component(&document) {
            return autogen::import_component(&document).map(|imported| (ExchangeFormat::Autogen, imported));
        }
    }
    Err(vec![remark(
        Severity::Error,
        "format_unknown",
        "",
        "expected a project with agent.gantry.yaml, with code on the OpenAI Agents SDK or AutoGen's AgentChat (0.4 or newer), \
         or with an Agent Spec or AutoGen component as JSON or YAML; none of them was found",
    )])
}

fn shallowest(files: &[SourceFile], is_meant: impl Fn(&str) -> bool) -> Option<&SourceFile> {
    files
        .iter()
        .filter(|file| !super::code::is_aside(&file.path) && is_meant(&file.path))
        .min_by_key(|file| (file.path.matches('/').count(), &file.path))
}

/// Archives have everything in one folder; its name is no part of the paths.
fn without_common_folder(files: &[SourceFile]) -> Vec<SourceFile> {
    let first = files.first().and_then(|file| file.path.split_once('/')).map(|(folder, _)| format!("{folder}/"));
    let Some(folder) = first.filter(|folder| files.iter().all(|file| file.path.starts_with(folder.as_str()))) else {
        return files.to_vec();
    };
    // A package folder is one: its name means something to the imports, and stays.
    if files.iter().all(|file| super::code::tongue_of(&file.path).is_some()) {
        return files.to_vec();
    }
    files
        .iter()
        .map(|file| SourceFile { path: file.path[folder.len()..].to_owned(), text: file.text.clone() })
        .collect()
}

/// What a project says of itself in `pyproject.toml` or `package.json`; else a name made of its agent's.
pub(super) fn name_and_description(files: &[SourceFile], agent: Option<&str>) -> (String, String) {
    let file = |name: &str| shallowest(files, |path| path.rsplit('/').next() == Some(name)).map(|file| &file.text);
    let (mut name, mut description) = (String::new(), String::new());
    if let Some(package) = file("package.json").and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        name = package["name"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        description = package["description"].as_str().unwrap_or_default().to_owned();
    }
    if let (true, Some(text)) = (name.is_empty(), file("pyproject.toml")) {
        let project = text.lines().skip_while(|line| line.trim() != "[project]").skip(1);
        for line in project.take_while(|line| !line.trim_start().starts_with('[')) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim().trim_matches(['"', '\'']).to_owned();
            match key.trim() {
                "name" => name = value,
                "description" => description = value,
                _ => {}
            }
        }
    }
    if name.is_empty() {
        name = agent.unwrap_or("agent").to_owned();
    }
    (name, description.chars().take(10_000).collect())
}
