//! What people and coding agents read: README, AGENTS.md, the eval cases.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::yaml;
use serde_json::{Value, json};

use super::language::{Language as _, Markdown};
use super::template::fill;
use super::{File, Project, packaging, tools};

pub(super) fn files(project: &Project) -> Vec<File> {
    vec![
        File { path: "README.md".to_owned(), content: readme(project) },
        File { path: "AGENTS.md".to_owned(), content: agents(project) },
        File { path: project.spec.evals.cases.clone(), content: cases(project) },
    ]
}

fn readme(project: &Project) -> String {
    let spec = project.spec;
    let variables: Vec<String> = packaging::variables(project)
        .into_iter()
        .map(|(name, meaning, _)| format!("| `{name}` | {meaning} |"))
        .collect();
    let tool_rows: Vec<String> = project
        .tools
        .iter()
        .map(|tool| {
            let effect = serde_json::to_value(tool.effect).unwrap_or_default();
            let effect = effect.as_str().unwrap_or_default().to_owned();
            format!("| `{}` | {effect} | {} |", tool.id, Markdown::text_of(&tool.description).text())
        })
        .collect();
    fill(
        include_str!("../../templates/common/README.md"),
        &[
            ("name", Markdown::of(spec.metadata.name.to_string())),
            ("version", Markdown::of(spec.metadata.version.replace('+', "-"))),
            ("description", description(project)),
            ("kind", kind(project)),
            ("package", Markdown::of(project.package.clone())),
            ("variables", Markdown::of(variables.join("\n"))),
            ("tool_rows", Markdown::of(tool_rows.join("\n"))),
            ("files", Markdown::of(file_rows(project).join("\n"))),
        ],
        &[("tools", !project.tools.is_empty())],
    )
}

fn description(project: &Project) -> Markdown {
    let text = &project.spec.metadata.description;
    let fallback = project.agents.first().map_or("", |agent| &agent.role);
    Markdown::text_of(&packaging::sentence(&packaging::summary(text, 2_000), fallback))
}

/// What kind of agent this is, in a sentence or two.
fn kind(project: &Project) -> Markdown {
    let does = match project.pattern() {
        Pattern::Single => "An agent that answers without tools.",
        Pattern::React => "An agent that reasons, calls its tools, looks at what came back, and answers.",
        Pattern::Sequential => {
            "Tasks are done one after another, each with what came of those before; the last result is the answer."
        }
        Pattern::Parallel => {
            "Tasks are done at the same time where none waits for another; the result of what comes last is the answer."
        }
        Pattern::Router => "An agent reads the message and chooses which of the others answers it.",
        Pattern::Supervisor => "An agent asks others, each of whom knows its part, and answers with what they say.",
        Pattern::Handoff => "Agents pass the conversation on to whoever fits better, until one of them answers.",
        Pattern::Graph => "Tasks are done along a graph: after each, its result decides what follows.",
    };
    Markdown::of(format!("{does} Written {}.", project.kit.means))
}

fn file_rows(project: &Project) -> Vec<String> {
    let source = |name: &str| project.source(name);
    let mut rows = vec![
        ("agent.gantry.yaml".to_owned(), "what the agent is; this project was generated from it"),
        (source("agent.py"), "the agent: its instructions and how it works"),
    ];
    if project.has_tools() {
        rows.push((source("tools.py"), "its tools"));
    }
    rows.extend([
        (source("model.py"), "the models and where they answer"),
        (source("server.py"), "the agent over HTTP, as AG-UI events"),
        (project.spec.evals.cases.clone(), "what a real model should get right"),
        ("tests/".to_owned(), "tests that need neither a model nor a network"),
        ("requirements.lock".to_owned(), "every dependency at its exact version"),
    ]);
    rows.into_iter().map(|(path, meaning)| format!("| `{path}` | {meaning} |")).collect()
}

fn agents(project: &Project) -> String {
    let spec = project.spec;
    let dependencies = if project.kit.dependencies.is_empty() {
        "no dependencies outside the standard library."
    } else {
        "dependencies are in `pyproject.toml`, their exact versions in `requirements.lock`; change both together."
    };
    fill(
        include_str!("../../templates/common/AGENTS.md"),
        &[
            ("name", Markdown::of(spec.metadata.name.to_string())),
            ("description", description(project)),
            ("kind", kind(project)),
            ("dependencies", Markdown::of(dependencies.to_owned())),
            ("package", Markdown::of(project.package.clone())),
        ],
        &[("tools", !project.tools.is_empty())],
    )
}

/// One case per tool that can be decided without a person, and one that any agent should pass.
fn cases(project: &Project) -> String {
    let mut cases: Vec<Value> = project
        .tools
        .iter()
        .map(|tool| {
            let arguments = tools::sample_arguments(tool);
            let mut case = json!({
                "id": format!("calls_{}", tool.id),
                "input": format!("Use the tool {} with these arguments and tell me what it returns: {arguments}", tool.id),
                "expect": {"tools": [{"name": tool.id, "args": arguments}]},
            });
            if let Some(output) = tools::sample_output(tool) {
                case["expect"]["output"] = json!({"contains": output});
            }
            case
        })
        .collect();
    cases.push(json!({
        "id": "says_what_it_is_for",
        "input": "What can you do for me? Answer in one sentence.",
        "expect": {"output": {"regex": "\\w+"}},
    }));
    format!(
        "# What a real model should get right: the input, the calls it should lead to, and what the answer should have.\n{}",
        yaml::write_value(&json!({ "cases": cases })),
    )
}
