//! What people and coding agents read: README, AGENTS.md, the eval cases.

use gantry_domain::eval::case;
use gantry_domain::matrix::{Language, Pattern};
use gantry_domain::spec::{Tool, yaml};
use serde_json::{Value, json};

use super::language::{Language as _, Markdown};
use super::template::fill;
use super::{File, Project, packaging, tools};

pub(super) fn files(project: &Project) -> Vec<File> {
    vec![
        File { path: "README.md".to_owned(), content: readme(project) },
        File { path: "AGENTS.md".to_owned(), content: agents(project) },
        File { path: format!("skills/{}/SKILL.md", skill_name(project)), content: skill(project) },
        File { path: project.spec.evals.cases.clone(), content: cases(project) },
    ]
}

fn readme(project: &Project) -> String {
    let spec = project.spec;
    let variables: Vec<String> = packaging::variables(project)
        .into_iter()
        .map(|(name, meaning, _)| format!("| `{name}` | {meaning} |"))
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
            ("tool_rows", Markdown::of(tool_rows(project).join("\n"))),
            ("files", Markdown::of(file_rows(project).join("\n"))),
        ],
        &conditions(project),
    )
}

fn conditions(project: &Project) -> [(&'static str, bool); 2] {
    let is_python = project.spec.target.framework.language() == Language::Python;
    [("tools", !project.tools.is_empty()), ("python", is_python)]
}

pub(super) fn description(project: &Project) -> Markdown {
    let text = &project.spec.metadata.description;
    let fallback = project.agents.first().map_or("", |agent| &agent.role);
    Markdown::text_of(&packaging::sentence(&packaging::summary(text, 2_000), fallback))
}

/// A row of a table for each tool.
pub(super) fn tool_rows(project: &Project) -> Vec<String> {
    let row = |tool: &&Tool| {
        let effect = serde_json::to_value(tool.effect).unwrap_or_default();
        let effect = effect.as_str().unwrap_or_default().to_owned();
        format!("| `{}` | {effect} | {} |", tool.id, Markdown::text_of(&tool.description).text())
    };
    project.tools.iter().map(row).collect()
}

/// What kind of agent this is, in a sentence or two.
pub(super) fn kind(project: &Project) -> Markdown {
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
    let is_python = project.spec.target.framework.language() == Language::Python;
    let source = |name: &str| if is_python { project.source(&format!("{name}.py")) } else { format!("src/{name}.ts") };
    let mut rows = vec![
        ("agent.gantry.yaml".to_owned(), "what the agent is; this project was generated from it"),
        (source("agent"), "the agent: its instructions and how it works"),
    ];
    if project.has_tools() {
        rows.push((source("tools"), "its tools"));
    }
    rows.extend([
        (source("model"), "the models and where they answer"),
        (source("server"), "the agent over HTTP, as AG-UI events"),
    ]);
    rows.push((source("a2a"), "the agent for other agents (A2A)"));
    rows.extend([
        (project.spec.evals.cases.clone(), "what a real model should get right"),
        (format!("skills/{}/SKILL.md", skill_name(project)), "how a coding agent asks this agent (Agent Skills)"),
        ("tests/".to_owned(), "tests that need neither a model nor a network"),
        (
            if is_python { "requirements.lock" } else { "package-lock.json" }.to_owned(),
            "every dependency at its exact version",
        ),
    ]);
    rows.into_iter().map(|(path, meaning)| format!("| `{path}` | {meaning} |")).collect()
}

fn agents(project: &Project) -> String {
    let spec = project.spec;
    let dependencies = if project.kit.dependencies.is_empty() {
        "no dependencies outside the standard library."
    } else {
        match spec.target.framework.language() {
            Language::Python => {
                "dependencies are in `pyproject.toml`, their exact versions in `requirements.lock`; change both together."
            }
            Language::Typescript => "dependencies are in `package.json`, their exact versions in `package-lock.json`.",
        }
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
        &conditions(project),
    )
}

/// The project's name as Agent Skills want names: no two hyphens in a row.
fn skill_name(project: &Project) -> String {
    let parts: Vec<&str> = project.spec.metadata.name.as_str().split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

/// How a coding agent asks this agent (Agent Skills, agentskills.io).
fn skill(project: &Project) -> String {
    let spec = project.spec;
    let about = about(project, 700);
    let frontmatter = yaml::write_value(&json!({
        "name": skill_name(project),
        "description": format!("Asks the agent {} and returns its answer. {about} Use it when that is what is needed.", spec.metadata.name),
    }));
    let abilities: Vec<String> =
        project.tools.iter().map(|tool| format!("* {}", Markdown::text_of(&tool.description).text())).collect();
    fill(
        include_str!("../../templates/common/SKILL.md"),
        &[
            // YAML that its own writer has escaped.
            ("frontmatter", Markdown::of(frontmatter.trim_end().to_owned())),
            ("name", Markdown::of(spec.metadata.name.to_string())),
            ("description", description(project)),
            ("command", Markdown::of(command(project))),
            ("abilities", Markdown::of(abilities.join("\n"))),
        ],
        &[("tools", !project.tools.is_empty())],
    )
}

/// How the project is started from its folder.
fn command(project: &Project) -> String {
    match project.spec.target.framework.language() {
        Language::Python => format!("PYTHONPATH=src python -m {}", project.package),
        Language::Typescript => "node dist/src/main.js".to_owned(),
    }
}

/// What the agent is for, on one line.
fn about(project: &Project, limit: usize) -> String {
    let role = project.agents.first().map_or("", |agent| &agent.role);
    packaging::sentence(&packaging::summary(&project.spec.metadata.description, limit), role)
}

/// What other agents are told of this one (A2A 1.0, AgentCard), without the place where it is.
pub(super) fn card(project: &Project) -> Value {
    let metadata = &project.spec.metadata;
    let about = about(project, 2_000);
    let mut skills = vec![json!({"id": metadata.name, "name": metadata.name, "description": about, "tags": ["agent"]})];
    skills.extend(
        project.tools.iter().map(
            |tool| json!({"id": tool.id, "name": tool.id, "description": tool.description, "tags": [tool.effect]}),
        ),
    );
    json!({
        "name": metadata.name,
        "description": about,
        "version": metadata.version,
        "capabilities": {"streaming": false, "pushNotifications": false},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": skills,
    })
}

/// What a pattern should bring a real model to: each agent gets its turn, each task is done.
fn pattern_cases(project: &Project) -> Vec<Value> {
    let introduce = "who it is for: introduce yourself in one sentence.";
    let others = project.others().iter();
    match project.pattern() {
        Pattern::Single | Pattern::React => Vec::new(),
        Pattern::Sequential | Pattern::Parallel => {
            let tasks: Vec<&str> = project.tasks.iter().map(|task| task.id.as_str()).collect();
            vec![json!({
                "id": "does_every_task",
                "input": "Do your work for a small example of your own choice.",
                "expect": {"steps": tasks, "output": {"regex": "\\w+"}},
            })]
        }
        Pattern::Graph => vec![json!({
            "id": "begins_where_the_graph_begins",
            "input": "Do your work for a small example of your own choice.",
            "expect": {"steps": project.spec.graph.iter().map(|graph| graph.start.as_str()).collect::<Vec<_>>()},
        })],
        Pattern::Router | Pattern::Handoff => others
            .map(|agent| {
                json!({
                    "id": format!("comes_to_{}", agent.id),
                    "input": format!("This is for the {}, and {introduce}", packaging::summary(&agent.role, 200)),
                    "expect": {"steps": [agent.id]},
                })
            })
            .collect(),
        Pattern::Supervisor => others
            .map(|agent| {
                json!({
                    "id": format!("asks_{}", agent.id),
                    "input": format!("Ask the {} to introduce itself in one sentence, and tell me what it says.", packaging::summary(&agent.role, 200)),
                    "expect": {"steps": [agent.id], "tools": [{"name": format!("ask_{}", agent.id)}]},
                })
            })
            .collect(),
    }
}

/// One case per tool that can be decided without a person, and one that any agent should pass.
pub(super) fn cases(project: &Project) -> String {
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
    cases.extend(pattern_cases(project));
    cases.push(json!({
        "id": "says_what_it_is_for",
        "input": "What can you do for me? Answer in one sentence.",
        "expect": {"output": {"regex": "\\w+"}},
    }));
    case::write(&cases)
}
