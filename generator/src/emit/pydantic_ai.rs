//! Pydantic AI: agents that are given others as tools or as outputs, and its graphs for tasks.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::Tool;

use super::kit::{Kit, ToolModule, Wire};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, pieces, python};

pub(super) static KIT: Kit = Kit {
    means: "with [Pydantic AI](https://ai.pydantic.dev/)",
    python: ">=3.11",
    dependencies: &["pydantic-ai-slim[openai]>=2.68.0,<3", "pydantic-graph>=2.68.0,<3"],
    lock: include_str!("../../templates/pydantic_ai/requirements.lock"),
    modules: "
        annotated_types anyio certifi charset_normalizer genai_prices griffe h11 httpcore2 httpx2 idna jiter logfire_api
        openai opentelemetry pydantic pydantic_ai pydantic_core pydantic_graph regex requests sniffio tiktoken
        tiktoken_ext truststore typing_extensions typing_inspection urllib3",
    environment: &[],
    tools,
    wire: Wire { bad_arguments: Some("JSON"), ..Wire::PLAIN },
    files,
};

fn files(project: &Project) -> Vec<File> {
    let agent = match project.pattern() {
        Pattern::Single => include_str!("../../templates/pydantic_ai/agent_single.py"),
        Pattern::React => include_str!("../../templates/pydantic_ai/agent_react.py"),
        Pattern::Sequential => include_str!("../../templates/pydantic_ai/agent_sequential.py"),
        Pattern::Parallel => include_str!("../../templates/pydantic_ai/agent_parallel.py"),
        Pattern::Router => include_str!("../../templates/pydantic_ai/agent_router.py"),
        Pattern::Supervisor => include_str!("../../templates/pydantic_ai/agent_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/pydantic_ai/agent_handoff.py"),
        Pattern::Graph => include_str!("../../templates/pydantic_ai/agent_graph.py"),
    };
    let own = vec![
        ("perform", pieces::part(include_str!("../../templates/pydantic_ai/parts/perform.py"), project)),
        ("worker", pieces::part(include_str!("../../templates/pydantic_ai/parts/worker.py"), project)),
    ];
    let working = include_str!("../../templates/pydantic_ai/working.py");
    vec![
        File { path: project.source("agent.py"), content: pieces::agent(agent, project, own) },
        File {
            path: project.source("model.py"),
            content: pieces::model(include_str!("../../templates/pydantic_ai/model.py"), project, &[]),
        },
        File { path: project.source("working.py"), content: pieces::agent(working, project, Vec::new()) },
        pieces::streaming(project),
    ]
}

fn tools(project: &Project) -> ToolModule {
    let entries: Vec<String> = project.tools.iter().map(|tool| entry(tool)).collect();
    let end = fill(
        include_str!("../../templates/pydantic_ai/tools_end.py"),
        &[("tools", Python::of(entries.join("\n")))],
        &[],
    );
    ToolModule {
        standard: vec!["from collections.abc import Callable"],
        installed: vec!["from pydantic_ai import Tool", "from pydantic_core import SchemaValidator, core_schema"],
        end: if entries.is_empty() { end.replace("TOOLS = {\n\n}", "TOOLS: dict[str, Tool] = {}") } else { end },
        ..ToolModule::default()
    }
}

fn entry(tool: &Tool) -> String {
    format!(
        "    \"{id}\": as_tool(\n        {id},\n        description={},\n        parameters={},\n    ),",
        python::text(&tool.description, 8).text(),
        python::value(&tool.parameters, 8, 19).text(),
        id = tool.id,
    )
}
