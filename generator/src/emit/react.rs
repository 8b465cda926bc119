//! The plain loop on Python's standard library.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::MemoryKind;

use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, packaging, python};

pub(super) fn files(project: &Project) -> Vec<File> {
    let agent = match project.spec.target.pattern {
        Pattern::Sequential => include_str!("../../templates/react/agent_sequential.py"),
        Pattern::React => include_str!("../../templates/react/agent_react.py"),
        _ => include_str!("../../templates/react/agent_single.py"),
    };
    vec![
        File { path: project.source("agent.py"), content: fill_agent(agent, project) },
        File {
            path: project.source("model.py"),
            content: fill_model(include_str!("../../templates/react/model.py"), project),
        },
    ]
}

/// Fills a template of `model.py`.
pub(super) fn fill_model(template: &str, project: &Project) -> String {
    let entries: Vec<String> = packaging::models(project)
        .into_iter()
        .map(|(key, model)| {
            let mut fields = vec![
                format!("base_url_variable={}", python::string(&model.base_url_variable).text()),
                format!("key_variable={}", python::string(&model.key_variable).text()),
            ];
            if !model.model.is_empty() {
                fields.push(format!("name={}", python::string(&model.model).text()));
            }
            if let Some(temperature) = model.temperature {
                fields.push(format!("temperature={temperature:?}"));
            }
            let line = format!("    \"{key}\": Model({}),", fields.join(", "));
            if line.chars().count() <= python::WIDTH {
                line
            } else {
                let lines: String = fields.iter().map(|field| format!("        {field},\n")).collect();
                format!("    \"{key}\": Model(\n{lines}    ),")
            }
        })
        .collect();
    fill(template, &[("models", Python::of(entries.join("\n")))], &[("tools", project.has_tools())])
}

/// Fills a template of `agent.py`, the plain ones and LangGraph's.
pub(super) fn fill_agent(template: &str, project: &Project) -> String {
    let Some(first) = project.agents.first() else { return String::new() };
    let window = match project.spec.memory.kind {
        MemoryKind::Thread => "",
        MemoryKind::None => "[-1:]",
    };
    let about = if project.is_sequential() {
        let name = project.spec.metadata.name.as_str();
        packaging::sentence(&packaging::summary(&project.spec.metadata.description, 200), name)
    } else {
        packaging::sentence(&packaging::summary(&first.role, 200), "The agent")
    };
    fill(
        template,
        &[
            ("docstring", python::docstring(&about, 0)),
            ("instructions", python::text(&first.instructions, 0)),
            ("max_steps", Python::of(first.max_steps.to_string())),
            ("model", python::string(&first.model)),
            ("window", Python::of(window.to_owned())),
            ("agents", agents(project)),
            ("tasks", tasks(project)),
        ],
        &[("tools", project.has_tools())],
    )
}

fn agents(project: &Project) -> Python {
    let entries: Vec<String> = project
        .agents
        .iter()
        .map(|agent| {
            let mut entry = format!(
                "    \"{}\": Agent(\n        instructions={},\n        model={},\n",
                agent.id,
                python::text(&agent.instructions, 8).text(),
                python::string(&agent.model).text(),
            );
            if project.has_tools() {
                entry.push_str(&format!(
                    "        tools={},\n        max_steps={},\n",
                    python::tuple(&agent.tools).text(),
                    agent.max_steps
                ));
            }
            entry + "    ),"
        })
        .collect();
    Python::of(entries.join("\n"))
}

fn tasks(project: &Project) -> Python {
    let entries: Vec<String> = project
        .tasks
        .iter()
        .map(|task| {
            let mut entry = format!(
                "    Task(\n        name=\"{}\",\n        agent=\"{}\",\n        description={},\n",
                task.id,
                task.agent,
                python::text(&task.description, 8).text(),
            );
            if !task.expected_output.trim().is_empty() {
                entry
                    .push_str(&format!("        expected_output={},\n", python::text(&task.expected_output, 8).text()));
            }
            entry + "    ),"
        })
        .collect();
    Python::of(entries.join("\n"))
}
