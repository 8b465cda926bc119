//! LangGraph: a graph of the model and its tools, of tasks, or of agents.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::Tool;

use super::kit::{Kit, ToolModule, Wire};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, pieces, python};

pub(super) static KIT: Kit = Kit {
    means: "with [LangGraph](https://langchain-ai.github.io/langgraph/)",
    python: ">=3.11",
    dependencies: &[
        "langchain-core>=1.7.2,<2",
        "langchain-openai>=1.7.3,<2",
        "langgraph>=1.2.22,<2",
        "openai>=3.52,<4",
    ],
    lock: include_str!("../../templates/langgraph/requirements.lock"),
    modules: "
        anyio certifi distro dotenv h11 httpcore httpx idna jiter jsonpatch jsonpointer langchain_core langchain_openai
        langgraph langsmith openai orjson ormsgpack packaging pydantic regex requests sniffio tenacity tiktoken
        truststore typing_extensions urllib3 uuid_utils websockets xxhash yaml zstandard",
    environment: &[],
    tools,
    wire: Wire::PLAIN,
    files,
};

fn files(project: &Project) -> Vec<File> {
    let agent = match project.pattern() {
        Pattern::Single => include_str!("../../templates/langgraph/agent_single.py"),
        Pattern::React => include_str!("../../templates/langgraph/agent_react.py"),
        Pattern::Sequential => include_str!("../../templates/langgraph/agent_sequential.py"),
        Pattern::Parallel => include_str!("../../templates/langgraph/agent_parallel.py"),
        Pattern::Router => include_str!("../../templates/langgraph/agent_router.py"),
        Pattern::Supervisor => include_str!("../../templates/langgraph/agent_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/langgraph/agent_handoff.py"),
        Pattern::Graph => include_str!("../../templates/langgraph/agent_graph.py"),
    };
    let work = pieces::part(include_str!("../../templates/langgraph/work.py"), project);
    vec![
        File { path: project.source("agent.py"), content: pieces::agent(agent, project, vec![("work", work)]) },
        File {
            path: project.source("model.py"),
            content: pieces::model(include_str!("../../templates/langgraph/model.py"), project, &[]),
        },
    ]
}

fn tools(project: &Project) -> ToolModule {
    let entries: Vec<String> = project.tools.iter().map(|tool| entry(tool)).collect();
    let mut end =
        fill(include_str!("../../templates/langgraph/tools_end.py"), &[("tools", Python::of(entries.join("\n")))], &[]);
    if entries.is_empty() {
        end = end.replace("TOOLS = [\n\n]", "TOOLS: list[StructuredTool] = []");
    }
    ToolModule { installed: vec!["from langchain_core.tools import StructuredTool"], end, ..ToolModule::default() }
}

fn entry(tool: &Tool) -> String {
    format!(
        "    StructuredTool.from_function(\n        {id},\n        name=\"{id}\",\n        description={},\n        args_schema={},\n        infer_schema=False,\n    ),",
        python::text(&tool.description, 8).text(),
        python::value(&tool.parameters, 8, 20).text(),
        id = tool.id,
    )
}
