//! LlamaIndex: a function agent, a workflow of tasks or of agents, or agents that are tools.

use gantry_domain::matrix::Pattern;
use serde_json::json;

use super::kit::{Kit, Move, ToolModule, Wire};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, pieces, strands};

pub(super) static KIT: Kit = Kit {
    means: "with [LlamaIndex](https://developers.llamaindex.ai/)",
    python: ">=3.11",
    dependencies: &["llama-index-core>=0.14.25,<0.15", "llama-index-llms-openai-like>=0.8.1,<0.9", "openai>=2.54,<3"],
    lock: include_str!("../../templates/llamaindex/requirements.lock"),
    modules: "
        aiohappyeyeballs aiohttp aiosignal aiosqlite annotated_types anyio attr attrs banks certifi charset_normalizer
        click cloudpickle colorama dataclasses_json defusedxml deprecated dirtyjson distro filetype frozenlist fsspec greenlet
        griffe griffecli h11 httpcore httpx idna jinja2 jiter joblib llama_agents llama_index llama_index_instrumentation
        markupsafe marshmallow multidict mypy_extensions nest_asyncio networkx nltk numpy openai packaging PIL
        platformdirs propcache pydantic pydantic_core regex requests sniffio sqlalchemy tenacity tiktoken tiktoken_ext tinytag tqdm
        typing_extensions typing_inspect typing_inspection urllib3 workflows wrapt yaml yarl",
    environment: &[],
    tools,
    wire: Wire {
        // One function for all, with the agent's name among its arguments.
        transfer: |agent| Move::call("handoff", json!({"to_agent": agent, "reason": "It fits better."}).to_string()),
        ..Wire::PLAIN
    },
    files,
};

fn files(project: &Project) -> Vec<File> {
    let agent = match project.pattern() {
        Pattern::Single => include_str!("../../templates/llamaindex/agent_single.py"),
        Pattern::React => include_str!("../../templates/llamaindex/agent_react.py"),
        Pattern::Sequential | Pattern::Parallel | Pattern::Graph => {
            include_str!("../../templates/llamaindex/agent_tasks.py")
        }
        Pattern::Router => include_str!("../../templates/llamaindex/agent_router.py"),
        Pattern::Supervisor => include_str!("../../templates/llamaindex/agent_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/llamaindex/agent_handoff.py"),
    };
    let mut files = vec![
        File { path: project.source("agent.py"), content: pieces::agent(agent, project, Vec::new()) },
        File {
            path: project.source("model.py"),
            content: pieces::model(include_str!("../../templates/llamaindex/model.py"), project, &[]),
        },
    ];
    let mut add = |name: &str, content: &str| {
        files.push(File { path: project.source(name), content: content.to_owned() });
    };
    if project.pattern() != Pattern::Single {
        add("blocking.py", include_str!("../../templates/common/blocking.py"));
    }
    if project.has_tools() || !project.others().is_empty() {
        add("limited_agent.py", include_str!("../../templates/llamaindex/limited_agent.py"));
    }
    files
}

fn tools(project: &Project) -> ToolModule {
    let entries: Vec<String> = project.tools.iter().map(|tool| strands::entry(tool)).collect();
    let end = fill(
        include_str!("../../templates/llamaindex/tools_end.py"),
        &[("tools", Python::of(entries.join("\n")))],
        &[],
    );
    ToolModule {
        standard: vec!["from collections.abc import Callable", "from dataclasses import dataclass, field"],
        installed: vec!["from llama_index.core.tools import FunctionTool, ToolMetadata"],
        own: vec!["from .model import NOT_JSON"],
        end: if entries.is_empty() { end.replace("TOOLS = [\n\n]", "TOOLS: list[FunctionTool] = []") } else { end },
    }
}
