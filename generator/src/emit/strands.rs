//! Strands Agents: an agent with tools, a graph of tasks or of agents, or agents that are tools.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::Tool;

use super::kit::{Kit, ToolModule, Wire};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, pieces, python};

pub(super) static KIT: Kit = Kit {
    means: "with [Strands Agents](https://strandsagents.com/)",
    python: ">=3.11",
    dependencies: &["openai>=2.54,<3", "strands-agents[openai]>=1.62,<2"],
    lock: include_str!("../../templates/strands/requirements.lock"),
    modules: "
        annotated_types anyio attr attrs aws_bedrock_token_generator boto3 botocore certifi cffi click cryptography
        dateutil distro docstring_parser h11 httpcore httpcore2 httpx httpx2 idna jiter jmespath jsonschema
        jsonschema_specifications jwt mcp mcp_types multipart openai opentelemetry packaging pycparser pydantic
        pydantic_core python_multipart referencing rpds s3transfer six sniffio sse_starlette starlette strands tqdm
        truststore typing_extensions typing_inspection urllib3 uvicorn watchdog wrapt yaml",
    environment: &[],
    tools,
    wire: Wire::PLAIN,
    files,
};

fn files(project: &Project) -> Vec<File> {
    let agent = match project.pattern() {
        Pattern::Single | Pattern::React => include_str!("../../templates/strands/agent_react.py"),
        Pattern::Sequential | Pattern::Parallel | Pattern::Graph => {
            include_str!("../../templates/strands/agent_tasks.py")
        }
        Pattern::Router => include_str!("../../templates/strands/agent_router.py"),
        Pattern::Supervisor => include_str!("../../templates/strands/agent_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/strands/agent_handoff.py"),
    };
    vec![
        File { path: project.source("agent.py"), content: pieces::agent(agent, project, Vec::new()) },
        File {
            path: project.source("blocking.py"),
            content: include_str!("../../templates/common/blocking.py").to_owned(),
        },
        File {
            path: project.source("model.py"),
            content: pieces::model(include_str!("../../templates/strands/model.py"), project, &[]),
        },
    ]
}

fn tools(project: &Project) -> ToolModule {
    let entries: Vec<String> = project.tools.iter().map(|tool| entry(tool)).collect();
    let end =
        fill(include_str!("../../templates/strands/tools_end.py"), &[("tools", Python::of(entries.join("\n")))], &[]);
    ToolModule {
        standard: vec!["from collections.abc import Callable"],
        installed: vec![
            "from strands.tools import PythonAgentTool",
            "from strands.types.tools import ToolResult, ToolUse",
        ],
        own: vec!["from .model import NOT_JSON"],
        end: if entries.is_empty() { end.replace("TOOLS = [\n\n]", "TOOLS: list[PythonAgentTool] = []") } else { end },
    }
}

/// A tool in the registry: the function, what the model is told about it, and its schema.
pub(super) fn entry(tool: &Tool) -> String {
    format!(
        "    tool(\n        {},\n        description={},\n        parameters={},\n    ),",
        tool.id,
        python::text(&tool.description, 8).text(),
        python::value(&tool.parameters, 8, 19).text(),
    )
}
