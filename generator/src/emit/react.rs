//! The plain loop on Python's standard library.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::Tool;

use super::kit::{Kit, ToolModule, Wire};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, pieces, python};

pub(super) static KIT: Kit = Kit {
    means: "in plain Python, without a framework",
    python: ">=3.11",
    dependencies: &[],
    lock: "# Nothing to install: the agent runs on Python's standard library.\n",
    modules: "",
    environment: &[],
    tools,
    wire: Wire::PLAIN,
    files,
};

fn files(project: &Project) -> Vec<File> {
    let agent = match project.pattern() {
        Pattern::Single => include_str!("../../templates/react/agent_single.py"),
        Pattern::React => include_str!("../../templates/react/agent_react.py"),
        Pattern::Sequential => include_str!("../../templates/react/agent_sequential.py"),
        Pattern::Parallel => include_str!("../../templates/react/agent_parallel.py"),
        Pattern::Router => include_str!("../../templates/react/agent_router.py"),
        Pattern::Supervisor => include_str!("../../templates/react/agent_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/react/agent_handoff.py"),
        Pattern::Graph => include_str!("../../templates/react/agent_graph.py"),
    };
    let work = pieces::part(include_str!("../../templates/react/work.py"), project);
    vec![
        File { path: project.source("agent.py"), content: pieces::agent(agent, project, vec![("work", work)]) },
        File {
            path: project.source("model.py"),
            content: pieces::model(include_str!("../../templates/react/model.py"), project, &[]),
        },
    ]
}

fn tools(project: &Project) -> ToolModule {
    let entries: Vec<String> = project.tools.iter().map(|tool| entry(tool)).collect();
    let several = project.has_steps();
    let mut end = fill(
        include_str!("../../templates/react/tools_end.py"),
        &[("tools", Python::of(entries.join("\n")))],
        &[("several", several)],
    );
    if entries.is_empty() {
        end = end.replace("TOOLS = {\n\n}", "TOOLS: dict[str, Tool] = {}");
    }
    let callable = if several {
        "from collections.abc import Callable, Collection"
    } else {
        "from collections.abc import Callable"
    };
    ToolModule {
        standard: vec!["import json", callable, "from dataclasses import dataclass"],
        end,
        ..ToolModule::default()
    }
}

fn entry(tool: &Tool) -> String {
    format!(
        "    \"{id}\": Tool(\n        function={id},\n        description={},\n        parameters={},\n    ),",
        python::text(&tool.description, 8).text(),
        python::value(&tool.parameters, 8, 19).text(),
        id = tool.id,
    )
}
