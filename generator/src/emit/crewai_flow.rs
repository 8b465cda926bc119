//! CrewAI Flow: a flow whose steps are agents of CrewAI, and whose routers know the way on.

use std::collections::BTreeSet;

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Agent, Tool};

use super::kit::{Kit, ToolModule, Wire};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, pieces, python};

/// What CrewAI's lock brings.
pub(super) const MODULES: &str = "
        PIL aiofiles aiohappyeyeballs aiohttp aiosignal aiosqlite annotated_doc annotated_types anyio appdirs attr attrs
        bcrypt build celpy certifi cffi charset_normalizer chromadb chromadb_rust_bindings click crewai crewai_cli
        crewai_core cryptography dateutil deprecation distro docstring_parser dotenv durationpy et_xmlfile filelock
        flatbuffers frozenlist fsspec google grpc h11 hf_xet httpcore httpcore2 httptools httpx httpx2 httpx_sse
        huggingface_hub idna importlib_resources instructor jinja2 jiter jmespath json5 json_repair jsonref jsonschema
        jsonschema_specifications jwt kubernetes lance_namespace lance_namespace_urllib3_client lancedb lark linkify_it
        markdown_it markupsafe mcp mdit_py_plugins mdurl mmh3 multidict multipart numpy oauthlib onnxruntime openai
        openpyxl opentelemetry orjson overrides packaging pdfminer pdfplumber pendulum platformdirs portalocker
        propcache proxytypes pyarrow pybase64 pycparser pydantic pydantic_core pydantic_settings pygments pypdfium2
        pypdfium2_cfg pypdfium2_cli pypdfium2_raw pypika pyproject_hooks python_multipart re2 referencing regex requests
        requests_oauthlib rich rpds schemas shellingham six sniffio sse_starlette starlette tenacity textual tokenizers
        tomli tomli_w tqdm truststore typer typing_extensions typing_inspection tzdata urllib3 uv uvicorn uvloop
        watchfiles websocket websockets yaml yarl";

/// It would send usage data, and ask whether traces may be sent.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    ("CREWAI_DISABLE_TELEMETRY", "true"),
    ("CREWAI_DISABLE_TRACKING", "true"),
    ("CREWAI_TRACING_ENABLED", "false"),
    ("OTEL_SDK_DISABLED", "true"),
];

/// What pyproject.toml asks for.
pub(super) const DEPENDENCIES: &[&str] =
    &["crewai>=1.15.30,<2", "openai>=2.54.0,<3", "pydantic>=2.12,<3", "rich>=14,<16"];

/// Every package at the version that was tested.
pub(super) const LOCK: &str = include_str!("../../templates/crewai_flow/requirements.lock");

pub(super) static KIT: Kit = Kit {
    means: "as a flow of [CrewAI](https://docs.crewai.com/)",
    python: ">=3.11,<3.14",
    dependencies: DEPENDENCIES,
    lock: LOCK,
    modules: MODULES,
    environment: ENVIRONMENT,
    tools,
    wire: Wire::PLAIN,
    files,
};

fn files(project: &Project) -> Vec<File> {
    let agent = match project.pattern() {
        Pattern::Single => include_str!("../../templates/crewai_flow/agent_single.py"),
        Pattern::React => include_str!("../../templates/crewai_flow/agent_react.py"),
        Pattern::Sequential => include_str!("../../templates/crewai_flow/agent_sequential.py"),
        Pattern::Parallel => include_str!("../../templates/crewai_flow/agent_parallel.py"),
        Pattern::Router => include_str!("../../templates/crewai_flow/agent_router.py"),
        Pattern::Supervisor => include_str!("../../templates/crewai_flow/agent_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/crewai_flow/agent_handoff.py"),
        Pattern::Graph => include_str!("../../templates/crewai_flow/agent_graph.py"),
    };
    let role = project.agents.first().map_or("", |agent| agent.role.as_str());
    let steps = steps(project);
    let imports = ["and_", "listen"].into_iter().filter(|name| steps.contains(&format!("{name}(")));
    let imports: String = imports.map(|name| format!(", {name}")).collect();
    let own = vec![
        ("role", python::text(role, 0)),
        ("crew", crew(project)),
        ("perform", pieces::part(include_str!("../../templates/crewai_flow/parts/perform.py"), project)),
        ("imports", Python::of(imports)),
        ("steps", Python::of(steps)),
    ];
    project_files(project, pieces::agent(agent, project, own))
}

/// The files beside `agent.py`, which crews and flows share, and it.
pub(super) fn project_files(project: &Project, agent: String) -> Vec<File> {
    let working = include_str!("../../templates/crewai_flow/working.py");
    vec![
        File { path: project.source("agent.py"), content: agent },
        File {
            path: project.source("model.py"),
            content: pieces::model(include_str!("../../templates/crewai_flow/model.py"), project, &[]),
        },
        File { path: project.source("working.py"), content: pieces::agent(working, project, Vec::new()) },
        pieces::streaming(project),
    ]
}

/// The class and the table of agents, each of whom has a role in CrewAI.
pub(super) fn crew(project: &Project) -> Python {
    let conditions = pieces::conditions(project);
    let holds = |name: &str| conditions.iter().any(|(known, holds)| *known == name && *holds);
    let entry = |agent: &&Agent| {
        let mut fields = vec![
            ("role", python::text(&agent.role, 8)),
            ("instructions", python::text(&agent.instructions, 8)),
            ("model", python::string(&agent.model)),
        ];
        if holds("tools") {
            fields.push(("tools", python::tuple(&agent.tools)));
        }
        if holds("handoff") {
            fields.push(("handoffs", python::tuple(&agent.handoffs)));
        }
        if holds("limited") {
            fields.push(("max_steps", Python::of(agent.max_steps.to_string())));
        }
        pieces::call(&format!("\"{}\": Agent", agent.id), &fields)
    };
    let entries: Vec<String> = project.agents.iter().map(entry).collect();
    let table = include_str!("../../templates/crewai_flow/parts/agents.py");
    let text = fill(table, &[("agents", Python::of(entries.join("\n")))], &conditions);
    Python::of(text.trim_end_matches('\n').to_owned())
}

/// The methods of the flow. Names of tasks and agents are Python's.
fn steps(project: &Project) -> String {
    let method = |decorator: &str, head: &str, body: &str| {
        format!("            {decorator}\n            {head}:\n                {body}")
    };
    let others = || project.others().iter().map(|agent| agent.id.as_str());
    let methods: Vec<String> = match project.pattern() {
        Pattern::Sequential => {
            let begins = std::iter::once("@start()".to_owned());
            let follow = project.tasks.iter().map(|task| format!("@listen(do_{})", task.id));
            let task = |(task, decorator): (&&gantry_domain::spec::Task, String)| {
                method(
                    &decorator,
                    &format!("async def do_{0}(self) -> None", task.id),
                    &format!("await do(\"{}\")", task.id),
                )
            };
            project.tasks.iter().zip(begins.chain(follow)).map(task).collect()
        }
        Pattern::Parallel => {
            // A method is defined before those that listen to it.
            let order = gantry_domain::spec::task_order(&project.spec.tasks).unwrap_or_default();
            let tasks = order.into_iter().map(|index| &project.spec.tasks[index]);
            let task = |task: &gantry_domain::spec::Task| {
                let before: BTreeSet<&str> = task.depends_on.iter().map(String::as_str).collect();
                let names: Vec<String> = before.iter().map(|id| format!("do_{id}")).collect();
                let decorator = match names.as_slice() {
                    [] => "@start()".to_owned(),
                    [name] => format!("@listen({name})"),
                    names => format!("@listen(and_({}))", names.join(", ")),
                };
                method(
                    &decorator,
                    &format!("async def do_{0}(self) -> None", task.id),
                    &format!("await do(\"{}\")", task.id),
                )
            };
            tasks.map(task).collect()
        }
        Pattern::Router => others()
            .map(|id| {
                let head = format!("async def do_{id}(self) -> None");
                method(&format!("@listen(\"to_{id}\")"), &head, &format!("await answer_as(\"{id}\")"))
            })
            .collect(),
        Pattern::Handoff => project
            .agents
            .iter()
            .flat_map(|agent| {
                let id = &agent.id;
                let head = format!("async def do_{id}(self) -> str");
                let next = format!("def after_{id}(self, way_on: str) -> str");
                [
                    method(&format!("@listen(\"to_{id}\")"), &head, &format!("return await talk(\"{id}\")")),
                    method(&format!("@router(do_{id})"), &next, "return way_on"),
                ]
            })
            .collect(),
        Pattern::Graph => project
            .tasks
            .iter()
            .flat_map(|task| {
                let id = &task.id;
                let head = format!("async def do_{id}(self) -> None");
                let next = format!("def after_{id}(self) -> str");
                [
                    method(&format!("@listen(\"to_{id}\")"), &head, &format!("await do(\"{id}\")")),
                    method(&format!("@router(do_{id})"), &next, &format!("return way_on(\"{id}\")")),
                ]
            })
            .collect(),
        Pattern::Single | Pattern::React | Pattern::Supervisor => Vec::new(),
    };
    methods.join("\n\n")
}

pub(super) fn tools(project: &Project) -> ToolModule {
    let entries: Vec<String> = project.tools.iter().map(|tool| entry(tool)).collect();
    let end = fill(
        include_str!("../../templates/crewai_flow/tools_end.py"),
        &[("tools", Python::of(entries.join("\n")))],
        &[],
    );
    ToolModule {
        standard: vec!["from collections.abc import Callable", "from dataclasses import dataclass"],
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
