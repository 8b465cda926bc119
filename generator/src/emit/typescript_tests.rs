//! The tests of a TypeScript project: of the contract between model and agents, and of each tool.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Builtin, Tool, ToolSource};
use serde_json::{Value, json};

use super::contract::{ENDPOINT_ANSWER, are_distinct, callable, marked};
use super::kit::{Move, REQUEST};
use super::language::{Language as _, TypeScript};
use super::openai_agents_typescript::conditions;
use super::template::fill;
use super::walk::Ways;
use super::{File, Project, packaging, tool_tests, tools, typescript, walk};

pub(super) fn files(project: &Project) -> Vec<File> {
    let file = |path: &str, content: String| File { path: path.to_owned(), content };
    let mut files = vec![file("tests/contract.test.ts", contract(project)), file("tests/fakes.ts", fakes(project))];
    if !project.tools.is_empty() {
        files.push(file("tests/tools.test.ts", tool_cases(project)));
    }
    if tools::uses_mcp(project) {
        let server = include_str!("../../templates/typescript/tests/fake-mcp-server.ts");
        files.push(file("tests/fake-mcp-server.ts", server.to_owned()));
    }
    if tools::uses_mcp_at(project) {
        let endpoint = include_str!("../../templates/typescript/tests/fake-mcp-endpoint.ts");
        files.push(file("tests/fake-mcp-endpoint.ts", endpoint.to_owned()));
    }
    files
}

fn fakes(project: &Project) -> String {
    let about = if tools::uses_http(project) {
        "Stand-ins on the loopback interface: a model's endpoint that answers with what a test has put in, and an HTTP endpoint for tools."
    } else {
        "A stand-in on the loopback interface: a model's endpoint that answers with what a test has put in."
    };
    let calls = !callable(project).is_empty() || !project.others().is_empty();
    fill(
        include_str!("../../templates/typescript/tests/fakes.ts"),
        &[
            ("about", TypeScript::of(about.to_owned())),
            (
                "environment",
                environment(project, |variable| match variable {
                    Variable::Address => "endpoint",
                    Variable::Key => "\"no-key\"",
                    Variable::Name => "\"fake\"",
                }),
            ),
        ],
        &[("calls", calls), ("http", tools::uses_http(project)), ("mcp", tools::uses_mcp(project))],
    )
}

#[derive(Clone, Copy)]
enum Variable {
    Address,
    Key,
    Name,
}

/// The variables of the models, each with a value.
fn environment(project: &Project, value: fn(Variable) -> &'static str) -> TypeScript {
    let mut entries: Vec<(String, &str)> = vec![("MODEL_NAME".to_owned(), value(Variable::Name))];
    for (_, model) in packaging::models(project) {
        entries.push((model.base_url_variable.clone(), value(Variable::Address)));
        entries.push((model.key_variable.clone(), value(Variable::Key)));
    }
    entries.push(("OPENAI_API".to_owned(), "undefined"));
    entries.sort();
    entries.dedup_by(|a, b| a.0 == b.0);
    let entries: Vec<String> =
        entries.iter().map(|(name, value)| format!("{}: {value}", typescript::key(name).text())).collect();
    TypeScript::of(format!("{{ {} }}", entries.join(", ")))
}

fn contract(project: &Project) -> String {
    let callable = callable(project);
    let pattern = project.pattern();
    let ways = Ways::of(project);
    let endless = ways.as_ref().and_then(Ways::endless);
    let walks = ways.as_ref().map(Ways::walks).unwrap_or_default();
    let circle = if pattern == Pattern::Handoff { walk::circle(project) } else { None };
    let marks: Vec<String> = project.tasks.iter().map(|task| marked(&task.description)).collect();
    let at_once = project.tasks.iter().filter(|task| task.depends_on.is_empty()).count();
    let first = project.agents.first();
    let most = first.map_or(0, |agent| agent.max_steps);
    let calls: Vec<String> = callable.iter().filter_map(|tool| call_entry(project, tool)).collect();
    let is_counted = !matches!(pattern, Pattern::Parallel | Pattern::Supervisor);
    let has_setup = callable.iter().any(|tool| tools::constant(tool).is_some());
    let script = match pattern {
        Pattern::Router => {
            let choice = project.others().first().map(|agent| (project.kit.wire.route)(&agent.id));
            choice.map(|choice| vec![choice, Move::Say("Good day".to_owned())])
        }
        Pattern::Graph => walks.first().map(|walk| walk.iter().map(|step| Move::Say(step.result.clone())).collect()),
        _ => Some(vec![Move::Say("Good day".to_owned())]),
    };

    let mut slots = vec![
        ("instructions", typescript::string(&marked(first.map_or("", |agent| &agent.instructions)))),
        ("most", TypeScript::of(most.to_string())),
        ("first_tasks", TypeScript::of(at_once.to_string())),
        ("request", typescript::string(REQUEST)),
        ("setup", set_up(&callable)),
        ("tables_of_tools", TypeScript::of(tables(project).join(", "))),
        ("no_environment", environment(project, |_| "undefined")),
        ("script", moves(&script.clone().unwrap_or_default())),
        ("tables", TypeScript::of(entries(project, &calls, &marks, &walks).join("\n\n"))),
        ("graph_steps", TypeScript::of(project.spec.graph.as_ref().map_or(0, |graph| graph.max_steps).to_string())),
    ];
    let (endless_before, endless_results) = endless.clone().unwrap_or_default();
    let (before_circle, round) = circle.clone().unwrap_or_default();
    let transfer = |path: &[&str]| moves(&path.iter().map(|id| (project.kit.wire.transfer)(id)).collect::<Vec<_>>());
    let turned: Vec<&str> = round.iter().skip(1).chain(round.iter().take(1)).copied().collect();
    let to_circle: Vec<&str> =
        before_circle.iter().skip(1).chain(round.first().filter(|_| !before_circle.is_empty())).copied().collect();
    slots.extend([
        ("endless_before", typescript::strings(&endless_before)),
        ("endless_results", typescript::strings(&endless_results)),
        ("circle_moves", transfer(&turned)),
        ("to_circle", transfer(&to_circle)),
    ]);

    let mut conditions = conditions(project);
    conditions.retain(|(name, _)| !matches!(*name, "calls" | "fails"));
    conditions.extend([
        ("calls", !calls.is_empty()),
        ("tables", !slots.iter().any(|(name, text)| *name == "tables" && text.text().is_empty())),
        ("setup", has_setup),
        ("limit", is_counted),
        ("plain_answer", !matches!(pattern, Pattern::Router | Pattern::Graph)),
        ("at_once", at_once > 1),
        ("distinct", are_distinct(&marks)),
        ("walks", !walks.is_empty()),
        ("endless", endless.is_some()),
        ("circle", circle.is_some()),
        ("ends", script.is_some()),
    ]);
    // What is imported follows from what is used.
    let fill_with = |fakes: &str, fails: bool, mcp_endpoint: bool| {
        let slots = [slots.as_slice(), &[("fakes", TypeScript::of(fakes.to_owned()))]].concat();
        let conditions = [conditions.as_slice(), &[("fails", fails), ("mcp_endpoint", mcp_endpoint)]].concat();
        fill(include_str!("../../templates/typescript/tests/contract.test.ts"), &slots, &conditions)
    };
    let body = fill_with("", false, false);
    let fakes = used(
        &body,
        &[
            "FAKE_MCP_SERVER",
            "asked",
            "callOnce",
            "outputs",
            "said",
            "text",
            "toolCall",
            "withEndpoint",
            "withEnvironment",
            "withModel",
            "type Reply",
            "type Request",
            "type Said",
        ],
    );
    let is_used = |name: &str| !used(&body, &[name]).is_empty();
    fill_with(&fakes.join(", "), is_used("ModelError"), is_used("withMcpEndpoint"))
}

/// Which of some names are words of a text.
fn used<'a>(text: &str, names: &[&'a str]) -> Vec<&'a str> {
    let is_word = |name: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
    names.iter().filter(|name| is_word(name.trim_start_matches("type "))).copied().collect()
}

/// What tests change of `tools.ts`, by name.
fn tables(project: &Project) -> Vec<&'static str> {
    let mut names = Vec::new();
    if tools::uses_http(project) || tools::uses_mcp_at(project) {
        names.push("ADDRESSES");
    }
    if tools::uses_mcp(project) {
        names.push("COMMANDS");
    }
    names
}

/// The tables that the tests go by.
fn entries(project: &Project, calls: &[String], marks: &[String], walks: &[Vec<walk::Step>]) -> Vec<String> {
    let wire = &project.kit.wire;
    let table = |about: &str, head: &str, rows: &[String], end: &str| {
        format!("/** {about} */\n{head}\n{}\n{end};", rows.join("\n"))
    };
    let row = |fields: &[(&str, TypeScript)]| typescript::object(2, "", fields, ",");
    let mark = |text: &str| typescript::string(&marked(text));
    let mut tables = Vec::new();
    if !calls.is_empty() {
        let about = if matches!(project.pattern(), Pattern::Parallel | Pattern::Supervisor) {
            "Calls that the model is made to write, what must come of each, and what the model says before and after it."
        } else {
            "Calls that the model is made to write, what must come of each, what the model says before and after it, and how often the agent may ask."
        };
        tables.push(table(about, "const CALLS = [", calls, "]"));
    }
    match project.pattern() {
        Pattern::Single | Pattern::React => {}
        Pattern::Sequential | Pattern::Parallel => {
            let is_parallel = project.pattern() == Pattern::Parallel;
            let rows: Vec<String> = project
                .tasks
                .iter()
                .zip(marks)
                .map(|(task, mark)| {
                    let mut fields = vec![("name", typescript::string(&task.id)), ("begins", typescript::string(mark))];
                    if is_parallel {
                        let before: Vec<&str> = project.before(task).into_iter().collect();
                        fields.push(("before", typescript::strings(&before)));
                    }
                    row(&fields)
                })
                .collect();
            let kind = if is_parallel { ": { name: string; begins: string; before: string[] }[]" } else { "" };
            let about = "The tasks, and how what is said about each begins.";
            tables.push(table(about, &format!("const TASKS{kind} = ["), &rows, "]"));
            if is_parallel {
                let last: Vec<&str> = project.last_tasks().iter().map(|task| task.id.as_str()).collect();
                tables.push(format!(
                    "/** The tasks that nothing waits for. */\nconst LAST = {};",
                    typescript::strings(&last).text()
                ));
            }
        }
        Pattern::Router | Pattern::Supervisor => {
            let is_router = project.pattern() == Pattern::Router;
            let rows: Vec<String> = project
                .others()
                .iter()
                .map(|agent| {
                    let (field, said) =
                        if is_router { ("choice", (wire.route)(&agent.id)) } else { ("ask", (wire.ask)(&agent.id)) };
                    row(&[
                        ("name", typescript::string(&agent.id)),
                        ("begins", mark(&agent.instructions)),
                        (field, message(&said)),
                    ])
                })
                .collect();
            let about = if is_router {
                "The agents to choose from, how their instructions begin, and what the model says to choose each."
            } else {
                "The agents to ask, how their instructions begin, and what the model says to ask each."
            };
            tables.push(table(about, "const AGENTS = [", &rows, "]"));
        }
        Pattern::Handoff => {
            let rows: Vec<String> = project
                .agents
                .iter()
                .map(|agent| format!("  {}: {},", typescript::key(&agent.id).text(), mark(&agent.instructions).text()))
                .collect();
            let head = "const BEGINS: Record<string, string> = {";
            tables.push(table("How the instructions of each agent begin.", head, &rows, "}"));
            let rows: Vec<String> = walk::transfers(project)
                .iter()
                .map(|path| {
                    let transfers: Vec<Move> = path[1..].iter().map(|id| (wire.transfer)(id)).collect();
                    row(&[("path", typescript::strings(path)), ("transfers", moves(&transfers))])
                })
                .collect();
            let about = "Ways of the conversation, and what models say for it to go so.";
            tables.push(table(about, "const PATHS: { path: string[]; transfers: Said[] }[] = [", &rows, "]"));
        }
        Pattern::Graph if walks.is_empty() => {}
        Pattern::Graph => {
            let rows: Vec<String> = walks
                .iter()
                .map(|walk| {
                    let steps: Vec<Value> =
                        walk.iter().map(|step| json!({"name": step.task, "result": step.result})).collect();
                    format!("  {},", typescript::value(&Value::Array(steps), 2, 3).text())
                })
                .collect();
            let about = "Ways through the graph: the tasks, and what their agents say for it to go on so.";
            tables.push(table(about, "const WALKS = [", &rows, "]"));
        }
    }
    tables
}

fn call_entry(project: &Project, tool: &Tool) -> Option<String> {
    let way = walk::to_tool(project, tool)?;
    let mut fields = vec![
        ("name", typescript::string(&tool.id)),
        ("given", typescript::string(&tools::sample_arguments(tool).to_string())),
        ("output", expected_output(tool)),
        ("before", moves(&way.before)),
        ("after", typescript::strings(&way.after)),
    ];
    if !matches!(project.pattern(), Pattern::Parallel | Pattern::Supervisor) {
        let most = project.agent(&way.agent).map_or(0, |agent| agent.max_steps);
        fields.push(("most", TypeScript::of(most.to_string())));
    }
    Some(typescript::object(2, "", &fields, ","))
}

/// A regular expression for what the tool's output must be.
fn expected_output(tool: &Tool) -> TypeScript {
    TypeScript::of(
        match &tool.source {
            ToolSource::Builtin { name: Builtin::Calculator } => "/^20$/m",
            ToolSource::Builtin { name: Builtin::CurrentTime } => r"/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+02:00$/m",
            ToolSource::Builtin { name: Builtin::TextStatistics } => "/characters.: 9, .words.: 2, .lines.: 1/",
            ToolSource::Http { .. } => return TypeScript::of(format!("/^{ENDPOINT_ANSWER}$/m")),
            ToolSource::Mcp { .. } | ToolSource::McpOverHttp { .. } => "/^called /m",
            ToolSource::Python { .. } | ToolSource::Typescript { .. } => "/^(?!Error: )/m",
        }
        .to_owned(),
    )
}

/// The lines that lead tools to the stand-ins while some work goes on.
fn set_up(tools: &[&Tool]) -> TypeScript {
    let of_kind = |is_meant: fn(&Tool) -> bool| tools.iter().filter(move |tool| is_meant(tool)).map(|tool| &tool.id);
    let addresses: Vec<&String> = of_kind(|tool| matches!(tool.source, ToolSource::Http { .. })).collect();
    let servers: Vec<&String> = of_kind(|tool| matches!(tool.source, ToolSource::McpOverHttp { .. })).collect();
    let commands: Vec<&String> = of_kind(|tool| matches!(tool.source, ToolSource::Mcp { .. })).collect();
    let has_addresses = !addresses.is_empty() || !servers.is_empty();
    let mut lines = Vec::new();
    if has_addresses {
        lines.push("  const addresses = { ...ADDRESSES };".to_owned());
    }
    if !commands.is_empty() {
        lines.push("  const commands = { ...COMMANDS };".to_owned());
        lines.extend(commands.iter().map(|id| format!("  COMMANDS.{id} = FAKE_MCP_SERVER;")));
    }
    lines.push("  try {".to_owned());
    let mut margin = "    ".to_owned();
    let mut ends = Vec::new();
    let http: Vec<&Tool> =
        tools.iter().filter(|tool| matches!(tool.source, ToolSource::Http { .. })).copied().collect();
    let secrets = tools::secrets(&http);
    if !secrets.is_empty() {
        lines.push(format!("{margin}await withEnvironment({}, async () => {{", secret_values(&secrets)));
        ends.push(format!("{margin}}});"));
        margin.push_str("  ");
    }
    if !addresses.is_empty() {
        let answer = typescript::string(ENDPOINT_ANSWER);
        lines.push(format!("{margin}await withEndpoint({}, 200, async (standInFor) => {{", answer.text()));
        lines.extend(addresses.iter().map(|id| format!("{margin}  ADDRESSES.{id} = standInFor(addresses.{id});")));
        ends.push(format!("{margin}}});"));
        margin.push_str("  ");
    }
    if !servers.is_empty() {
        let variables = typescript::strings(&tools::secrets(tools));
        lines.push(format!("{margin}await withMcpEndpoint({}, async (address) => {{", variables.text()));
        lines.extend(servers.iter().map(|id| format!("{margin}  ADDRESSES.{id} = address;")));
        ends.push(format!("{margin}}});"));
        margin.push_str("  ");
    }
    lines.push(format!("{margin}await work();"));
    lines.extend(ends.into_iter().rev());
    lines.push("  } finally {".to_owned());
    if has_addresses {
        lines.push("    Object.assign(ADDRESSES, addresses);".to_owned());
    }
    if !commands.is_empty() {
        lines.push("    Object.assign(COMMANDS, commands);".to_owned());
    }
    lines.push("  }".to_owned());
    if !has_addresses && commands.is_empty() {
        lines = vec!["  await work();".to_owned()];
    }
    TypeScript::of(lines.join("\n"))
}

/// An object in which each variable has the value that stand-ins look for.
fn secret_values(variables: &[&str]) -> String {
    let entries: Vec<String> =
        variables.iter().map(|variable| format!("{}: \"a secret\"", typescript::key(variable).text())).collect();
    format!("{{ {} }}", entries.join(", "))
}

fn moves(moves: &[Move]) -> TypeScript {
    let messages: Vec<String> = moves.iter().map(|said| message(said).text().to_owned()).collect();
    TypeScript::of(format!("[{}]", messages.join(", ")))
}

fn message(said: &Move) -> TypeScript {
    TypeScript::of(match said {
        Move::Call { name, arguments } => {
            format!("toolCall({}, {})", typescript::string(name).text(), typescript::string(arguments).text())
        }
        Move::Say(text) => format!("text({})", typescript::string(text).text()),
    })
}

fn tool_cases(project: &Project) -> String {
    let cases: String = project.tools.iter().map(|tool| tool_case(tool)).collect();
    let fakes = used(&cases, &["FAKE_MCP_SERVER", "withEndpoint", "withEnvironment"]);
    let names = [tables(project).as_slice(), &["TOOLS"]].concat();
    fill(
        include_str!("../../templates/typescript/tests/tools.test.ts"),
        &[
            ("tables_of_tools", TypeScript::of(names.join(", "))),
            ("fakes", TypeScript::of(fakes.join(", "))),
            ("cases", TypeScript::of(cases.trim_end().to_owned())),
        ],
        &[("fakes", !fakes.is_empty()), ("mcp_endpoint", tools::uses_mcp_at(project))],
    )
}

fn tool_case(tool: &Tool) -> String {
    let id = &tool.id;
    let given = typescript::value(&tools::sample_arguments(tool), 8, 60);
    let given = given.text();
    match &tool.source {
        ToolSource::Builtin { name } => {
            let template = match name {
                Builtin::Calculator => include_str!("../../templates/typescript/tests/test_calculator.ts"),
                Builtin::CurrentTime => include_str!("../../templates/typescript/tests/test_current_time.ts"),
                Builtin::TextStatistics => include_str!("../../templates/typescript/tests/test_text_statistics.ts"),
            };
            fill(template, &[("id", typescript::string(id)), ("name", TypeScript::of(id.clone()))], &[])
        }
        ToolSource::Http { method, url, .. } => http_case(tool, method, url, given),
        ToolSource::Mcp { .. } => format!(
            "\ntest(\"{id} asks its server\", async () => {{\n  const command = COMMANDS.{id};\n  COMMANDS.{id} = FAKE_MCP_SERVER;\n  \
             try {{\n    assert.match(await call(\"{id}\", {given}), /^called /);\n  }} finally {{\n    COMMANDS.{id} = command;\n  }}\n}});\n"
        ),
        ToolSource::McpOverHttp { .. } => {
            let names = tools::header_names(tool);
            [
                String::new(),
                format!("test(\"{id} asks its server\", async () => {{"),
                format!("  const address = ADDRESSES.{id};"),
                format!(
                    "  await withMcpEndpoint({}, async (standIn, secrets, sessions) => {{",
                    typescript::strings(&tools::secrets(&[tool])).text()
                ),
                format!("    ADDRESSES.{id} = standIn;"),
                "    try {".to_owned(),
                format!("      assert.match(await call(\"{id}\", {given}), /^called /);"),
                "    } finally {".to_owned(),
                format!("      ADDRESSES.{id} = address;"),
                "    }".to_owned(),
                format!("    assert.deepEqual([...secrets].sort(), {});", typescript::strings(&names).text()),
                "    assert.equal(sessions.size, 0);".to_owned(),
                "  });".to_owned(),
                "});".to_owned(),
                String::new(),
            ]
            .join("\n")
        }
        ToolSource::Python { .. } | ToolSource::Typescript { .. } => String::new(),
    }
}

fn http_case(tool: &Tool, method: &str, url: &str, given: &str) -> String {
    let id = &tool.id;
    let answer = typescript::string(ENDPOINT_ANSWER);
    let secrets = tools::secrets(&[tool]);
    let (work, end) = if secrets.is_empty() {
        ("async () => {".to_owned(), "});")
    } else {
        (format!("() => withEnvironment({}, async () => {{", secret_values(&secrets)), "}));")
    };
    let mut lines = vec![
        String::new(),
        format!("test(\"{id} sends what it was given\", {work}"),
        format!("  const address = ADDRESSES.{id};"),
        format!("  await withEndpoint({}, 200, async (standInFor, requests) => {{", answer.text()),
        format!("    ADDRESSES.{id} = standInFor(address);"),
        "    try {".to_owned(),
        format!("      assert.equal(await call(\"{id}\", {given}), {});", answer.text()),
        "    } finally {".to_owned(),
        format!("      ADDRESSES.{id} = address;"),
        "    }".to_owned(),
        format!("    assert.equal(requests[0]?.method, {});", typescript::string(method).text()),
    ];
    if !secrets.is_empty() {
        let names = typescript::strings(&tools::header_names(tool));
        lines.push(format!("    assert.deepEqual(requests[0]?.secrets, {});", names.text()));
    }
    if let Some((path, rest)) = tool_tests::sent(url, &tools::sample_arguments(tool)) {
        if tool_tests::has_body(tool) {
            lines.push(format!("    assert.equal(requests[0]?.path, {});", typescript::string(&path).text()));
            let body = typescript::value(&rest, 4, 60);
            lines.push(format!("    assert.deepEqual(JSON.parse(requests[0]?.body ?? \"\"), {});", body.text()));
        } else {
            let query: Vec<String> = rest
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| {
                    format!("{name}={}", tool_tests::percent_encoded(&tool_tests::as_text(value)).replace("%20", "+"))
                })
                .collect();
            let separator = match (query.is_empty(), path.contains('?')) {
                (true, _) => "",
                (false, true) => "&",
                (false, false) => "?",
            };
            let path = format!("{path}{separator}{}", query.join("&"));
            lines.push(format!("    assert.equal(requests[0]?.path, {});", typescript::string(&path).text()));
            lines.push("    assert.equal(requests[0]?.body, \"\");".to_owned());
        }
    }
    lines.extend([
        "  });".to_owned(),
        end.to_owned(),
        String::new(),
        format!("test(\"{id} tells of a failure\", {work}"),
        format!("  const address = ADDRESSES.{id};"),
        "  await withEndpoint(\"no such thing\", 404, async (standInFor) => {".to_owned(),
        format!("    ADDRESSES.{id} = standInFor(address);"),
        "    try {".to_owned(),
        format!("      await assert.rejects(call(\"{id}\", {given}), /404.*no such thing/);"),
        "    } finally {".to_owned(),
        format!("      ADDRESSES.{id} = address;"),
        "    }".to_owned(),
        "  });".to_owned(),
        end.to_owned(),
        String::new(),
    ]);
    lines.join("\n")
}
