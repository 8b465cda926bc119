//! The Microsoft Agent Framework: agents with middleware, workflows of executors and edges, handoffs.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::Tool;

use super::kit::{Kit, Move, ToolModule, Wire};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, contract, pieces, python};

pub(super) static KIT: Kit = Kit {
    means: "with the [Microsoft Agent Framework](https://learn.microsoft.com/agent-framework/)",
    python: ">=3.11",
    dependencies: &[
        "agent-framework-core>=1.23,<2",
        "agent-framework-openai>=1.17,<2",
        "agent-framework-orchestrations>=1.4,<2",
        "openai>=3.52,<4",
    ],
    lock: include_str!("../../templates/agent_framework/requirements.lock"),
    modules: "
        agent_framework agent_framework_openai agent_framework_orchestrations annotated_types anyio dotenv h11 httpcore2
        httpx2 idna jiter msgspec openai opentelemetry pydantic pydantic_core regex sniffio truststore typing_extensions
        typing_inspection yaml",
    environment: &[("AGENT_FRAMEWORK_USER_AGENT_DISABLED", "true"), ("ENABLE_INSTRUMENTATION", "false")],
    tools,
    wire: Wire {
        // An agent as a tool answers in a stream, whether anybody follows it or not.
        streams: true,
        route: handoff,
        transfer: handoff,
        ..Wire::PLAIN
    },
    files,
};

fn handoff(agent: &str) -> Move {
    Move::call(format!("handoff_to_{agent}"), "{}")
}

fn files(project: &Project) -> Vec<File> {
    let template = match project.pattern() {
        Pattern::Single | Pattern::React => include_str!("../../templates/agent_framework/agent_one.py"),
        Pattern::Sequential => include_str!("../../templates/agent_framework/agent_sequential.py"),
        Pattern::Parallel => include_str!("../../templates/agent_framework/agent_parallel.py"),
        Pattern::Router => include_str!("../../templates/agent_framework/agent_router.py"),
        Pattern::Supervisor => include_str!("../../templates/agent_framework/agent_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/agent_framework/agent_handoff.py"),
        Pattern::Graph => include_str!("../../templates/agent_framework/agent_graph.py"),
    };
    let parts = vec![
        ("build", pieces::part(include_str!("../../templates/agent_framework/build.py"), project)),
        ("work", pieces::part(include_str!("../../templates/agent_framework/work.py"), project)),
    ];
    let file = |name: &str, content: String| File { path: project.source(name), content };
    vec![
        file("agent.py", pieces::agent(template, project, parts)),
        file("model.py", pieces::model(include_str!("../../templates/agent_framework/model.py"), project, &[])),
        file("runs.py", runs(project)),
        file("stream.py", include_str!("../../templates/common/stream.py").to_owned()),
    ]
}

fn runs(project: &Project) -> String {
    let mut events: Vec<&str> = contract::events(project);
    events.retain(|event| {
        event.starts_with("Tool") || project.pattern() == Pattern::Supervisor && event.starts_with("Step")
    });
    events.sort_unstable();
    let mut conditions = pieces::conditions(project);
    conditions.extend([
        ("calls", project.has_calls()),
        ("team", matches!(project.pattern(), Pattern::Router | Pattern::Handoff)),
    ]);
    let slots = [("event_names", Python::of(events.join(", ")))];
    fill(include_str!("../../templates/agent_framework/runs.py"), &slots, &conditions)
}

fn tools(project: &Project) -> ToolModule {
    let entries: Vec<String> = project.tools.iter().map(|tool| entry(tool)).collect();
    let mut end = fill(
        include_str!("../../templates/agent_framework/tools_end.py"),
        &[("tools", Python::of(entries.join("\n")))],
        &[],
    );
    if entries.is_empty() {
        end = end.replace("TOOLS = {\n\n}", "TOOLS: dict[str, FunctionTool] = {}");
    }
    ToolModule { installed: vec!["from agent_framework import FunctionTool"], end, ..ToolModule::default() }
}

fn entry(tool: &Tool) -> String {
    format!(
        "    \"{id}\": FunctionTool(\n        name=\"{id}\",\n        func={id},\n        description={},\n        input_model={},\n    ),",
        python::text(&tool.description, 8).text(),
        python::value(&tool.parameters, 8, 20).text(),
        id = tool.id,
    )
}
