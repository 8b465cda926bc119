//! Google ADK: its workflows for tasks, transfers and sub-agents for a team.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::Tool;
use serde_json::json;

use super::kit::{Kit, Move, Output, ToolModule, Wire};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, pieces, python};

pub(super) static KIT: Kit = Kit {
    means: "with [Google's Agent Development Kit](https://google.github.io/adk-docs/), and LiteLLM for the models",
    python: ">=3.11",
    // LiteLLM imports mcp when it is first asked, and without it tries again for half a minute.
    dependencies: &[
        "google-adk>=2.13.0,<3",
        "google-genai>=2.34.0,<3",
        "litellm>=1.106.2,<2",
        "mcp>=2.3.0,<3",
        "openai>=2.54.0,<3",
        "pydantic>=2.14.3,<3",
    ],
    lock: include_str!("../../templates/google_adk/requirements.lock"),
    modules: "
        aiohappyeyeballs aiohttp aiosignal aiosqlite annotated_doc annotated_types anyio attr attrs authlib boto3
        botocore certifi cffi charset_normalizer click cryptography dateutil distro dotenv fastapi fastuuid filelock
        frozenlist fsspec google graphviz h11 h2 hf_xet hpack httpcore httpcore2 httpx httpx2 huggingface_hub
        hyperframe idna importlib_metadata jinja2 jiter jmespath joserfc jsonschema jsonschema_specifications jwt
        litellm markupsafe mcp mcp_types multidict multipart openai opentelemetry packaging propcache pyasn1
        pyasn1_modules pycparser pydantic pydantic_core pydantic_settings python_multipart referencing regex requests
        rpds s3transfer six sniffio sse_starlette starlette tenacity tiktoken tiktoken_ext tokenizers tqdm truststore
        typing_extensions typing_inspection urllib3 uvicorn watchdog websockets yaml yarl zipp",
    // Prices are read from the package instead of being fetched.
    environment: &[("LITELLM_LOCAL_MODEL_COST_MAP", "True")],
    tools,
    wire: Wire {
        output: Output::Json("result"),
        bad_arguments: Some("JSON"),
        route: |agent| Move::call("transfer_to_agent", json!({"agent_name": agent}).to_string()),
        ..Wire::PLAIN
    },
    files,
};

fn files(project: &Project) -> Vec<File> {
    let agent = match project.pattern() {
        Pattern::Single => include_str!("../../templates/google_adk/agent_single.py"),
        Pattern::React => include_str!("../../templates/google_adk/agent_react.py"),
        Pattern::Sequential => include_str!("../../templates/google_adk/agent_sequential.py"),
        Pattern::Parallel => include_str!("../../templates/google_adk/agent_parallel.py"),
        Pattern::Router => include_str!("../../templates/google_adk/agent_router.py"),
        Pattern::Supervisor => include_str!("../../templates/google_adk/agent_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/google_adk/agent_handoff.py"),
        Pattern::Graph => include_str!("../../templates/google_adk/agent_graph.py"),
    };
    let perform = pieces::part(include_str!("../../templates/google_adk/parts/perform.py"), project);
    let working = include_str!("../../templates/google_adk/working.py");
    vec![
        File { path: project.source("agent.py"), content: pieces::agent(agent, project, vec![("perform", perform)]) },
        File {
            path: project.source("model.py"),
            content: pieces::model(include_str!("../../templates/google_adk/model.py"), project, &[]),
        },
        File { path: project.source("working.py"), content: pieces::agent(working, project, Vec::new()) },
        pieces::streaming(project),
    ]
}

fn tools(project: &Project) -> ToolModule {
    let entries: Vec<String> = project.tools.iter().map(|tool| entry(tool)).collect();
    let end = fill(
        include_str!("../../templates/google_adk/tools_end.py"),
        &[("tools", Python::of(entries.join("\n")))],
        &[],
    );
    ToolModule {
        standard: vec!["import asyncio", "from collections.abc import Callable"],
        installed: vec![
            "from google.adk.tools import BaseTool, ToolContext",
            "from google.genai.types import FunctionDeclaration",
        ],
        end: if entries.is_empty() { end.replace("TOOLS = {\n\n}", "TOOLS: dict[str, Tool] = {}") } else { end },
        ..ToolModule::default()
    }
}

fn entry(tool: &Tool) -> String {
    format!(
        "    \"{id}\": Tool(\n        {id},\n        description={},\n        parameters={},\n    ),",
        python::text(&tool.description, 8).text(),
        python::value(&tool.parameters, 8, 19).text(),
        id = tool.id,
    )
}
