//! The OpenAI Agents SDK for Python: agents with handoffs, agents as tools, and orchestration in code.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::Tool;

use super::kit::{Kit, ToolModule, Wire};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, contract, pieces, python};

pub(super) static KIT: Kit = Kit {
    means: "with the [OpenAI Agents SDK](https://openai.github.io/openai-agents-python/)",
    python: ">=3.11",
    dependencies: &["openai>=3.52,<4", "openai-agents>=0.24,<0.25"],
    lock: include_str!("../../templates/openai_agents/requirements.lock"),
    modules: "
        agents annotated_types anyio attr attrs certifi cffi charset_normalizer click cryptography griffe griffelib h11
        httpcore2 httpx2 idna jiter jsonschema jsonschema_specifications jwt mcp mcp_types openai opentelemetry pycparser
        pydantic pydantic_core python_multipart referencing requests rpds sniffio sse_starlette starlette truststore
        typing_extensions typing_inspection urllib3 uvicorn websockets",
    // Beside the switch in model.py: what is imported before it is not to trace either.
    environment: &[("OPENAI_AGENTS_DISABLE_TRACING", "1")],
    tools,
    wire: Wire { bad_arguments: Some("^Error: .*JSON"), ..Wire::PLAIN },
    files,
};

fn files(project: &Project) -> Vec<File> {
    let template = match project.pattern() {
        Pattern::Single | Pattern::React => include_str!("../../templates/openai_agents/agent_one.py"),
        Pattern::Sequential => include_str!("../../templates/openai_agents/agent_sequential.py"),
        Pattern::Parallel => include_str!("../../templates/openai_agents/agent_parallel.py"),
        Pattern::Router => include_str!("../../templates/openai_agents/agent_router.py"),
        Pattern::Supervisor => include_str!("../../templates/openai_agents/agent_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/openai_agents/agent_handoff.py"),
        Pattern::Graph => include_str!("../../templates/openai_agents/agent_graph.py"),
    };
    let parts = vec![
        ("build", pieces::part(include_str!("../../templates/openai_agents/build.py"), project)),
        ("perform", pieces::part(include_str!("../../templates/openai_agents/perform.py"), project)),
    ];
    let file = |name: &str, content: String| File { path: project.source(name), content };
    vec![
        file("agent.py", pieces::agent(template, project, parts)),
        file("model.py", pieces::model(include_str!("../../templates/openai_agents/model.py"), project, &[])),
        file("runs.py", runs(project)),
        file("stream.py", include_str!("../../templates/common/stream.py").to_owned()),
    ]
}

fn runs(project: &Project) -> String {
    let is_team = matches!(project.pattern(), Pattern::Router | Pattern::Handoff);
    let mut events: Vec<&str> = contract::events(project);
    events.retain(|event| match *event {
        "StepStarted" => is_team,
        "StepFinished" => project.pattern() == Pattern::Handoff,
        event => event.starts_with("Tool"),
    });
    events.sort_unstable();
    let mut conditions = pieces::conditions(project);
    conditions.extend([
        ("calls", project.has_calls()),
        ("team", is_team),
        ("hooks", project.has_calls() || is_team),
        ("events", !events.is_empty()),
    ]);
    let slots = [("event_names", Python::of(events.join(", ")))];
    fill(include_str!("../../templates/openai_agents/runs.py"), &slots, &conditions)
}

fn tools(project: &Project) -> ToolModule {
    let entries: Vec<String> = project.tools.iter().map(|tool| entry(tool)).collect();
    let mut end = fill(
        include_str!("../../templates/openai_agents/tools_end.py"),
        &[("tools", Python::of(entries.join("\n")))],
        &[],
    );
    if entries.is_empty() {
        end = end.replace("TOOLS = {\n\n}", "TOOLS: dict[str, FunctionTool] = {}");
    }
    ToolModule {
        standard: vec!["import asyncio", "import json", "from collections.abc import Callable"],
        installed: vec!["from agents import FunctionTool", "from agents.tool_context import ToolContext"],
        end,
        ..ToolModule::default()
    }
}

fn entry(tool: &Tool) -> String {
    format!(
        "    \"{id}\": as_function_tool(\n        {id},\n        description={},\n        parameters={},\n    ),",
        python::text(&tool.description, 8).text(),
        python::value(&tool.parameters, 8, 19).text(),
        id = tool.id,
    )
}
