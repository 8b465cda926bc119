//! The OpenAI Agents SDK for TypeScript: a project of its own kind, compiled by `tsc` and run by Node.js.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Agent, Builtin, Condition, MemoryKind, Task, Tool, ToolSource, argument_names};
use serde_json::json;

use super::kit::{Kit, ToolModule, Wire};
use super::language::{Language as _, TypeScript};
use super::template::fill;
use super::{File, Project, documents, packaging, tools, typescript, typescript_tests};

pub(super) static KIT: Kit = Kit {
    means: "with the [OpenAI Agents SDK](https://openai.github.io/openai-agents-js/) in TypeScript",
    python: ">=22",
    dependencies: &[
        "@openai/agents@^0.20.0",
        "openai@^7.57.0",
        "zod@^4.6.7",
        "@types/node@^22.20.5",
        "typescript@^5.9.3",
    ],
    lock: include_str!("../../templates/typescript/package-lock.json"),
    // No name of a directory hides a package of Node's.
    modules: "",
    environment: &[],
    tools: |_| ToolModule::default(),
    wire: Wire { bad_arguments: Some("valid JSON"), ..Wire::PLAIN },
    files,
};

/// What a template may ask for.
pub(super) fn conditions(project: &Project) -> Vec<(&'static str, bool)> {
    let pattern = project.pattern();
    let mut conditions: Vec<(&str, bool)> =
        Pattern::ALL.into_iter().map(|known| (known.as_str(), known == pattern)).collect();
    conditions.extend([
        ("tools", project.has_tools()),
        ("calls", project.has_calls()),
        ("steps", project.has_steps()),
        ("several", project.has_steps()),
        ("many", !project.others().is_empty()),
        ("imports", !imports(project).text().is_empty()),
        ("addresses", tools::uses_http(project) || tools::uses_mcp_at(project)),
        ("commands", tools::uses_mcp(project)),
        ("fails", matches!(pattern, Pattern::Supervisor | Pattern::Handoff | Pattern::Graph)),
    ]);
    conditions
}

fn files(project: &Project) -> Vec<File> {
    let agent = match project.pattern() {
        Pattern::Single | Pattern::React => include_str!("../../templates/typescript/src/agent_one.ts"),
        Pattern::Sequential => include_str!("../../templates/typescript/src/agent_sequential.ts"),
        Pattern::Parallel => include_str!("../../templates/typescript/src/agent_parallel.ts"),
        Pattern::Router => include_str!("../../templates/typescript/src/agent_router.ts"),
        Pattern::Supervisor => include_str!("../../templates/typescript/src/agent_supervisor.ts"),
        Pattern::Handoff => include_str!("../../templates/typescript/src/agent_handoff.ts"),
        Pattern::Graph => include_str!("../../templates/typescript/src/agent_graph.ts"),
    };
    let mut conditions = conditions(project);
    conditions.push(("at", tools::uses_mcp_at(project)));
    conditions.push(("headers", tools::has_http_headers(project)));
    let slots = slots(project);
    let part = |template: &str| TypeScript::of(fill(template, &slots, &conditions).trim_end_matches('\n').to_owned());
    let parts = [
        ("imports", part(include_str!("../../templates/typescript/src/imports.ts"))),
        ("agents", part(include_str!("../../templates/typescript/src/agents.ts"))),
        ("tasks", part(include_str!("../../templates/typescript/src/tasks.ts"))),
    ];
    let own: Vec<(&str, TypeScript)> = slots
        .iter()
        .filter(|(name, _)| !parts.iter().any(|(part, _)| part == name))
        .cloned()
        .chain(parts.iter().cloned())
        .collect();
    let file = |name: &str, content: String| File { path: project.source(name), content };
    let filled = |template: &str| fill(template, &slots, &conditions);
    let mut files = vec![
        file("a2a.ts", filled(include_str!("../../templates/typescript/src/a2a.ts"))),
        file("agent.ts", fill(agent, &own, &conditions)),
        file("events.ts", filled(include_str!("../../templates/typescript/src/events.ts"))),
        file("main.ts", filled(include_str!("../../templates/typescript/src/main.ts"))),
        file("model.ts", filled(include_str!("../../templates/typescript/src/model.ts"))),
        file("runs.ts", filled(include_str!("../../templates/typescript/src/runs.ts"))),
        file("server.ts", filled(include_str!("../../templates/typescript/src/server.ts"))),
        file("stream.ts", include_str!("../../templates/typescript/src/stream.ts").to_owned()),
    ];
    let mut add = |is_needed: bool, name: &str, template: &str| {
        if is_needed {
            files.push(file(name, filled(template)));
        }
    };
    let uses = |builtin| tools::uses_builtin(project, builtin);
    add(project.has_tools(), "tools.ts", include_str!("../../templates/typescript/src/tools.ts"));
    add(uses(Builtin::Calculator), "calculator.ts", include_str!("../../templates/typescript/src/calculator.ts"));
    add(uses(Builtin::CurrentTime), "current-time.ts", include_str!("../../templates/typescript/src/current-time.ts"));
    let statistics = include_str!("../../templates/typescript/src/text-statistics.ts");
    add(uses(Builtin::TextStatistics), "text-statistics.ts", statistics);
    add(tools::uses_http(project), "http-request.ts", include_str!("../../templates/typescript/src/http-request.ts"));
    let says_who_asks = tools::uses_mcp_at(project) || tools::has_http_headers(project);
    add(says_who_asks, "outgoing.ts", include_str!("../../templates/typescript/src/outgoing.ts"));
    let has_client = tools::uses_mcp(project) || tools::uses_mcp_at(project);
    add(has_client, "mcp-client.ts", include_str!("../../templates/typescript/src/mcp-client.ts"));
    files.extend(typescript_tests::files(project));
    files
}

fn slots(project: &Project) -> Vec<(&'static str, TypeScript)> {
    let Some(first) = project.agents.first() else { return Vec::new() };
    let spec = project.spec;
    let name = spec.metadata.name.as_str();
    let about = if project.has_steps() {
        packaging::sentence(&packaging::summary(&spec.metadata.description, 200), name)
    } else {
        packaging::sentence(&packaging::summary(&first.role, 200), "The agent")
    };
    let window = match spec.memory.kind {
        MemoryKind::Thread => "",
        MemoryKind::None => ".slice(-1)",
    };
    let graph = spec.graph.as_ref();
    let lines = |lines: Vec<String>| TypeScript::of(lines.join("\n"));
    vec![
        ("card", typescript::value(&documents::card(project), 0, 13)),
        ("docstring", typescript::comment(&about)),
        ("window", TypeScript::of(window.to_owned())),
        ("first", typescript::string(&first.id)),
        ("name", typescript::string(if project.has_steps() { name } else { &first.id })),
        ("instructions", typescript::after_space(&typescript::text(&first.instructions, 0))),
        ("model", typescript::string(&first.model)),
        ("max_steps", TypeScript::of(first.max_steps.to_string())),
        ("agents", lines(project.agents.iter().map(|agent| agent_entry(project, agent)).collect())),
        ("tasks", lines(project.tasks.iter().map(|task| task_entry(project, task)).collect())),
        ("edges", edges(project)),
        ("start", typescript::string(graph.map_or("", |graph| &graph.start))),
        ("graph_steps", TypeScript::of(graph.map_or(0, |graph| graph.max_steps).to_string())),
        ("models", models(project)),
        ("step", TypeScript::of(if project.has_tasks() { "A task" } else { "An agent's part" }.to_owned())),
        ("user_agent", typescript::string(&format!("{name}/{}", spec.metadata.version))),
        ("client", typescript::string(name)),
        ("version", typescript::string(&spec.metadata.version)),
        ("over", TypeScript::of(tools::mcp_ways(project).to_owned())),
        ("imports", imports(project)),
        ("tools", lines(project.tools.iter().map(|tool| tool_entry(tool)).collect())),
        ("address_entries", constants(project, has_address)),
        ("command_entries", constants(project, |tool| matches!(tool.source, ToolSource::Mcp { .. }))),
    ]
}

fn agent_entry(project: &Project, agent: &Agent) -> String {
    let mut fields = Vec::new();
    if !project.others().is_empty() {
        fields.push(("role", typescript::text(&agent.role, 4)));
    }
    fields.push(("instructions", typescript::text(&agent.instructions, 4)));
    fields.push(("model", typescript::string(&agent.model)));
    if project.has_tools() {
        fields.push(("tools", typescript::strings(&agent.tools)));
    }
    if project.pattern() == Pattern::Handoff {
        fields.push(("handoffs", typescript::strings(&agent.handoffs)));
    }
    fields.push(("maxSteps", TypeScript::of(agent.max_steps.to_string())));
    typescript::object(2, &format!("{}: ", typescript::key(&agent.id).text()), &fields, ",")
}

fn task_entry(project: &Project, task: &Task) -> String {
    let mut fields = vec![
        ("name", typescript::string(&task.id)),
        ("agent", typescript::string(&task.agent)),
        ("description", typescript::text(&task.description, 4)),
    ];
    if !task.expected_output.trim().is_empty() {
        fields.push(("expectedOutput", typescript::text(&task.expected_output, 4)));
    }
    if project.pattern() == Pattern::Parallel {
        fields.push(("after", typescript::strings(&task.depends_on)));
    }
    typescript::object(2, "", &fields, ",")
}

fn edges(project: &Project) -> TypeScript {
    let edges = project.spec.graph.iter().flat_map(|graph| &graph.edges);
    let entries: Vec<String> = edges
        .map(|edge| {
            let mut fields = vec![("from", typescript::string(&edge.from)), ("to", typescript::string(&edge.to))];
            match &edge.when {
                None => {}
                Some(Condition::Contains(text)) => fields.push(("contains", typescript::string(text))),
                Some(Condition::Lacks(text)) => fields.push(("lacks", typescript::string(text))),
            }
            typescript::object(2, "", &fields, ",")
        })
        .collect();
    TypeScript::of(entries.join("\n"))
}

fn models(project: &Project) -> TypeScript {
    let entries: Vec<String> = packaging::models(project)
        .into_iter()
        .map(|(key, model)| {
            let mut fields = vec![
                ("baseUrlVariable", typescript::string(&model.base_url_variable)),
                ("keyVariable", typescript::string(&model.key_variable)),
            ];
            if !model.model.is_empty() {
                fields.push(("name", typescript::string(&model.model)));
            }
            if let Some(temperature) = model.temperature {
                fields.push(("temperature", typescript::value(&json!(temperature), 0, 0)));
            }
            typescript::object(2, &format!("{}: ", typescript::key(key).text()), &fields, ",")
        })
        .collect();
    TypeScript::of(entries.join("\n"))
}

/// What `tools.ts` imports of the project's own.
fn imports(project: &Project) -> TypeScript {
    let uses = |builtin| tools::uses_builtin(project, builtin);
    let (uses_program, uses_address) = (tools::uses_mcp(project), tools::uses_mcp_at(project));
    let all = [
        (uses(Builtin::Calculator), "import { evaluate } from \"./calculator.js\";"),
        (uses(Builtin::CurrentTime), "import { currentTime } from \"./current-time.js\";"),
        (tools::uses_http(project), "import { httpRequest } from \"./http-request.js\";"),
        (uses_program && !uses_address, "import { callMcp } from \"./mcp-client.js\";"),
        (uses_program && uses_address, "import { callMcp, callMcpAt } from \"./mcp-client.js\";"),
        (!uses_program && uses_address, "import { callMcpAt } from \"./mcp-client.js\";"),
        (uses(Builtin::TextStatistics), "import { textStatistics } from \"./text-statistics.js\";"),
    ];
    let lines: Vec<&str> = all.into_iter().filter(|(is_used, _)| *is_used).map(|(_, line)| line).collect();
    TypeScript::of(lines.join("\n"))
}

/// Whether `ADDRESSES` has an entry for a tool.
pub(super) fn has_address(tool: &Tool) -> bool {
    matches!(tool.source, ToolSource::Http { .. } | ToolSource::McpOverHttp { .. })
}

/// The addresses or commands of tools.
fn constants(project: &Project, is_meant: fn(&Tool) -> bool) -> TypeScript {
    let entries: Vec<String> = project
        .tools
        .iter()
        .filter(|tool| is_meant(tool))
        .map(|tool| {
            let key = typescript::key(&tool.id);
            let head = format!("  {}: ", key.text());
            let value = match &tool.source {
                ToolSource::Http { url, .. } | ToolSource::McpOverHttp { url, .. } => typescript::string(url),
                ToolSource::Mcp { command, .. } => typescript::value(&json!(command), 2, head.chars().count() + 1),
                _ => TypeScript::of(String::new()),
            };
            format!("{head}{},", value.text())
        })
        .collect();
    TypeScript::of(entries.join("\n"))
}

fn tool_entry(tool: &Tool) -> String {
    let call = match &tool.source {
        ToolSource::Http { method, headers, .. } => {
            let variables = typescript::value(&json!(headers), 4, 0);
            let variables = if headers.is_empty() { String::new() } else { format!(", {}", variables.text()) };
            format!(
                "(given) => httpRequest({}, ADDRESSES.{}, given, {}{variables})",
                typescript::string(method).text(),
                tool.id,
                tool.timeout_ms
            )
        }
        ToolSource::Mcp { tool: name, .. } => format!(
            "(given) => callMcp(COMMANDS.{}, {}, given, {})",
            tool.id,
            typescript::string(name).text(),
            tool.timeout_ms
        ),
        ToolSource::McpOverHttp { headers, tool: name, .. } => format!(
            "(given) => callMcpAt(ADDRESSES.{}, {}, {}, given, {})",
            tool.id,
            typescript::value(&json!(headers), 4, 0).text(),
            typescript::string(name).text(),
            tool.timeout_ms
        ),
        ToolSource::Builtin { name } => match name {
            Builtin::Calculator => "({ expression }) => evaluate(String(expression))",
            Builtin::CurrentTime => "({ utc_offset }) => currentTime(utc_offset)",
            Builtin::TextStatistics => "({ text }) => textStatistics(String(text))",
        }
        .to_owned(),
        ToolSource::Python { body } | ToolSource::Typescript { body } => {
            let parameter = typescript::parameter(&argument_names(&tool.parameters), &tool.parameters);
            format!("async ({}) => {{\n{}    }}", parameter.text(), indented(body))
        }
    };
    format!(
        "  {}: {{\n    description:{},\n    parameters: {},\n    call: {call},\n  }},",
        typescript::key(&tool.id).text(),
        typescript::after_space(&typescript::text(&tool.description, 4)).text(),
        typescript::value(&tool.parameters, 4, 16).text(),
    )
}

/// A body where it stands in `tools.ts`. In one with a template literal a line may be part of a text,
/// so it stays where it is.
fn indented(body: &str) -> String {
    let margin = if body.contains('`') { "" } else { "      " };
    body.trim_end()
        .lines()
        .map(|line| if line.trim().is_empty() { "\n".to_owned() } else { format!("{margin}{}\n", line.trim_end()) })
        .collect()
}
