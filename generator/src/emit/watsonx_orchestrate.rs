//! watsonx Orchestrate: agents as YAML and tools as Python functions, for IBM's service to run.
//!
//! There is no `agent.py` and nothing to serve: the whole project is written here. Its tests let IBM's
//! own development kit read what is imported.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Agent, Effect, Tool, ToolSource, yaml};
use serde_json::{Value, json};

use super::kit::{Kit, ToolModule, Wire};
use super::language::{Language as _, Markdown, Python, Shell};
use super::template::fill;
use super::{File, Project, documents, packaging, python, tool_tests, tools};

/// What answers when the spec leaves the model open: the kit's own default on watsonx.ai.
const MODEL: &str = "watsonx/openai/gpt-oss-120b";

pub(super) static KIT: Kit = Kit {
    means: "for [watsonx Orchestrate](https://developer.watson-orchestrate.ibm.com/)",
    python: ">=3.11,<3.15",
    dependencies: &["ibm-watsonx-orchestrate>=2.19.1,<3"],
    lock: include_str!("../../templates/watsonx_orchestrate/requirements.lock"),
    modules: "
        annotated_doc annotated_types anyio certifi charset_normalizer click dateutil docstring_parser dotenv h11
        httpcore httpx ibm_cloud_sdk_core ibm_watsonx_orchestrate ibm_watsonx_orchestrate_clients
        ibm_watsonx_orchestrate_core idna jsonref jwt markdown_it mdurl packaging proxytypes pydantic pydantic_core
        pygments pytz redis requests rich shellingham six typer typing_extensions typing_inspection urllib3 websocket
        yaml",
    environment: &[],
    tools: registry,
    wire: Wire::PLAIN,
    files,
};

fn files(project: &Project) -> Vec<File> {
    let file = |path: &str, content: String| File { path: path.to_owned(), content };
    let description = packaging::summary(&project.spec.metadata.description, 300);
    let name = project.spec.metadata.name.as_str();
    let init = format!("{}\n", python::docstring(&packaging::sentence(&description, name), 0).text());
    let mut files = vec![
        file(".gitignore", include_str!("../../templates/common/gitignore").to_owned()),
        file("AGENTS.md", document(include_str!("../../templates/watsonx_orchestrate/AGENTS.md"), project)),
        file("README.md", document(include_str!("../../templates/watsonx_orchestrate/README.md"), project)),
        file(&project.spec.evals.cases, documents::cases(project)),
        file("import.sh", script(project)),
        file("requirements.lock", format!("# IBM's development kit, and what it needs.\n{}", KIT.lock)),
        file("tests/test_definitions.py", test(project)),
    ];
    files.extend(project.agents.iter().map(|agent| file(&path(agent), definition(project, agent))));
    if !project.tools.is_empty() {
        files.push(file(
            "requirements.txt",
            "# What the tools need beside Python's standard library: nothing.\n".to_owned(),
        ));
        files.push(file(&project.source("__init__.py"), init));
        files.push(file(&project.source("orchestrate.py"), module(project)));
        files.push(file("tests/fakes.py", fakes(project)));
        files.extend(tools::files(project));
        files.extend(tool_tests::files(project));
    }
    files
}

fn path(agent: &Agent) -> String {
    format!("agents/{}.yaml", agent.id)
}

/// Whom an agent may ask: the first one the others, and they nobody.
fn collaborators<'a>(project: &Project<'a>, agent: &Agent) -> Vec<&'a str> {
    let is_first = project.agents.first().is_some_and(|first| first.id == agent.id);
    if is_first { project.others().iter().map(|other| other.id.as_str()).collect() } else { Vec::new() }
}

/// An agent as the kit reads it.
fn definition(project: &Project, agent: &Agent) -> String {
    let model = project.spec.models.get(&agent.model);
    let llm = model.map(|model| model.model.as_str()).filter(|name| !name.is_empty()).unwrap_or(MODEL);
    let collaborators = collaborators(project, agent);
    let acts = !agent.tools.is_empty() || (!collaborators.is_empty() && project.pattern() == Pattern::Supervisor);
    let mut instructions = agent.instructions.clone();
    if project.pattern() == Pattern::Router && !collaborators.is_empty() {
        instructions.push_str(
            "\n\nHand every message to exactly one of your collaborators, the one that fits best, and give its answer \
             back as it is. Never answer yourself.",
        );
    }
    let mut value = json!({
        "spec_version": "v1",
        "kind": "native",
        "name": agent.id,
        "description": agent.role,
        "llm": llm,
        "style": if acts || project.pattern() == Pattern::React { "react" } else { "default" },
        "instructions": instructions,
        "collaborators": collaborators,
        "tools": agent.tools,
    });
    if let Some(temperature) = model.and_then(|model| model.temperature) {
        value["llm_config"] = json!({"temperature": temperature});
    }
    yaml::write_value(&value)
}

/// The end of `tools.py`.
fn registry(project: &Project) -> ToolModule {
    let names: Vec<&str> = project.tools.iter().map(|tool| tool.id.as_str()).collect();
    ToolModule { end: format!("TOOLS = [{}]\n", names.join(", ")), ..ToolModule::default() }
}

/// `orchestrate.py`: the tools as they are imported.
fn module(project: &Project) -> String {
    let entries: Vec<String> = project.tools.iter().map(|tool| entry(tool)).collect();
    fill(
        include_str!("../../templates/watsonx_orchestrate/orchestrate.py"),
        &[("tools", Python::of(entries.join("\n\n\n")))],
        &[],
    )
}

fn entry(tool: &Tool) -> String {
    let only_reads = match &tool.source {
        ToolSource::Http { method, .. } => method == "GET" && tool.effect != Effect::Write,
        _ => tool.effect == Effect::Read,
    };
    // What the kit's type for a tool's arguments has; the rest of a JSON Schema is not for it.
    let part = |name: &str, otherwise: Value| tool.parameters.get(name).cloned().unwrap_or(otherwise);
    let schema =
        json!({"type": "object", "properties": part("properties", json!({})), "required": part("required", json!([]))});
    format!(
        "@_kit.tool(\n    description={},\n    permission=_kit.ToolPermission.{},\n    input_schema=_kit.ToolRequestBody.model_validate(\n        {}\n    ),\n)\ndef {id}({}) -> str:\n    return _functions.{id}({})",
        python::text(&tool.description, 4).text(),
        if only_reads { "READ_ONLY" } else { "READ_WRITE" },
        python::value(&schema, 8, 8).text(),
        tools::signature(tool).text(),
        tools::names(tool),
        id = tool.id,
    )
}

fn script(project: &Project) -> String {
    let mut steps = Vec::new();
    if !project.tools.is_empty() {
        let package = &project.package;
        steps.push(format!(
            "orchestrate tools import --kind python --package-root src --file src/{package}/orchestrate.py --requirements-file requirements.txt"
        ));
    }
    // The first agent asks the others, and they ask nobody.
    steps.extend(project.agents.iter().rev().map(|agent| format!("orchestrate agents import --file {}", path(agent))));
    fill(include_str!("../../templates/watsonx_orchestrate/import.sh"), &[("steps", Shell::of(steps.join("\n")))], &[])
}

fn test(project: &Project) -> String {
    let mut names: Vec<&str> = project.agents.iter().map(|agent| agent.id.as_str()).collect();
    names.sort_unstable();
    fill(
        include_str!("../../templates/watsonx_orchestrate/test_definitions.py"),
        &[("package", Python::of(project.package.clone())), ("agents", python::value(&json!(names), 8, 40))],
        &[("tools", !project.tools.is_empty())],
    )
}

fn fakes(project: &Project) -> String {
    fill::<Python>(
        include_str!("../../templates/watsonx_orchestrate/fakes.py"),
        &[],
        &[("http", tools::uses_http(project)), ("mcp", tools::uses_mcp(project))],
    )
}

fn document(template: &str, project: &Project) -> String {
    let mut rows = vec![
        ("agent.gantry.yaml".to_owned(), "what the agents are; this project was generated from it"),
        ("agents/".to_owned(), "the agents, one file each"),
    ];
    if !project.tools.is_empty() {
        rows.push((project.source("tools.py"), "what the tools do"));
        rows.push((project.source("orchestrate.py"), "the tools as they are imported"));
        rows.push(("requirements.txt".to_owned(), "what the tools need in the service"));
    }
    rows.extend([
        ("import.sh".to_owned(), "imports tools and agents"),
        (project.spec.evals.cases.clone(), "what a real model should get right"),
        ("tests/".to_owned(), "tests that need neither an account nor a network"),
        ("requirements.lock".to_owned(), "IBM's development kit at its exact version"),
    ]);
    let rows: Vec<String> = rows.into_iter().map(|(path, meaning)| format!("| `{path}` | {meaning} |")).collect();
    let first = project.agents.first().map_or("", |agent| agent.id.as_str());
    let headers: Vec<String> = tools::header_variables(project)
        .into_iter()
        .map(|(header, variable, tool)| format!("`{variable}` for `{header}` of `{tool}`"))
        .collect();
    fill(
        template,
        &[
            ("name", Markdown::of(project.spec.metadata.name.to_string())),
            ("description", documents::description(project)),
            ("kind", documents::kind(project)),
            ("package", Markdown::of(project.package.clone())),
            ("first", Markdown::of(first.to_owned())),
            ("cases", Markdown::of(project.spec.evals.cases.clone())),
            ("tool_rows", Markdown::of(documents::tool_rows(project).join("\n"))),
            ("files", Markdown::of(rows.join("\n"))),
            ("headers", Markdown::of(headers.join(", "))),
        ],
        &[
            ("tools", !project.tools.is_empty()),
            ("mcp", tools::uses_mcp(project)),
            ("mcp_at", tools::uses_mcp_at(project)),
            ("headers", !headers.is_empty()),
        ],
    )
}
