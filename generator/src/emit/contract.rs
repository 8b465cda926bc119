//! What is the same whatever the framework: events, the HTTP server, and the tests of the contract
//! between model and tools.

use gantry_domain::spec::{Builtin, Effect, Tool, ToolSource, url_placeholders};
use serde_json::Value;

use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, packaging, python, tools};

pub(super) fn files(project: &Project) -> Vec<File> {
    let conditions = [("tools", project.has_tools()), ("sequential", project.is_sequential())];
    let events = events(project);
    let mut sorted = events.clone();
    sorted.sort_unstable();
    let mut files = vec![
        File {
            path: project.source("events.py"),
            content: fill(
                include_str!("../../templates/common/events.py"),
                &[("union", Python::of(events.join(" | ")))],
                &conditions,
            ),
        },
        File {
            path: project.source("server.py"),
            content: fill(
                include_str!("../../templates/common/server.py"),
                &[("event_names", Python::of(sorted.join(", ")))],
                &conditions,
            ),
        },
        File { path: "tests/fakes.py".to_owned(), content: fakes(project) },
        File { path: "tests/test_contract.py".to_owned(), content: test_contract(project) },
    ];
    if !project.tools.is_empty() {
        files.push(File { path: "tests/test_tools.py".to_owned(), content: test_tools(project) });
    }
    if tools::uses_mcp(project) {
        let content = include_str!("../../templates/tests/fake_mcp_server.py").to_owned();
        files.push(File { path: "tests/fake_mcp_server.py".to_owned(), content });
    }
    files
}

fn events(project: &Project) -> Vec<&'static str> {
    let mut events = Vec::new();
    if project.is_sequential() {
        events.extend(["StepStarted", "StepFinished"]);
    }
    if project.has_tools() {
        events.extend(["ToolCalled", "ToolAnswered"]);
    }
    events.push("Answered");
    events
}

fn fakes(project: &Project) -> String {
    let mut entries: Vec<String> = Vec::new();
    for (_, model) in packaging::models(project) {
        entries.push(format!("{}: address", python::string(&model.base_url_variable).text()));
        entries.push(format!("{}: \"no-key\"", python::string(&model.key_variable).text()));
    }
    entries.push("\"MODEL_NAME\": \"fake\"".to_owned());
    entries.sort_unstable();
    entries.dedup();
    let about = if tools::uses_http(project) {
        "Stand-ins on the loopback interface: a model's endpoint that answers with what a test has put in, and an HTTP endpoint for tools."
    } else {
        "A stand-in on the loopback interface: a model's endpoint that answers with what a test has put in."
    };
    fill(
        include_str!("../../templates/tests/fakes.py"),
        &[
            (
                "docstring",
                python::docstring(&format!("{about} Importing this module makes the package importable, too."), 0),
            ),
            ("environment", Python::of(format!("{{{}}}", entries.join(", ")))),
        ],
        &[
            ("http", tools::uses_http(project)),
            ("mcp", tools::uses_mcp(project)),
            ("tools", !callable(project).is_empty()),
        ],
    )
}

/// The tools that a test may call: not those whose body a person wrote and that do more than read.
fn callable<'a>(project: &Project<'a>) -> Vec<&'a Tool> {
    let is_safe = |tool: &&&Tool| {
        !matches!(tool.source, ToolSource::Python { .. } | ToolSource::Typescript { .. }) || tool.effect == Effect::Read
    };
    project.tools.iter().filter(is_safe).copied().collect()
}

/// The text that the stand-in endpoint answers HTTP tools with.
const ENDPOINT_ANSWER: &str = "the endpoint's answer";

fn test_contract(project: &Project) -> String {
    let callable = callable(project);
    let calls: Vec<String> = callable
        .iter()
        .map(|tool| {
            let task = project.tasks.iter().position(|task| {
                project.agents.iter().any(|agent| agent.id == task.agent && agent.tools.contains(&tool.id))
            });
            let number = task.map(|task| format!("{task}, ")).unwrap_or_default();
            let arguments = tools::sample_arguments(tool).to_string();
            format!(
                "    ({number}\"{}\", {}, {}),",
                tool.id,
                python::string(&arguments).text(),
                expected_output(tool).text()
            )
        })
        .collect();
    let mut fakes = vec!["FakeModel", "text"];
    let has_setup = callable.iter().any(|tool| tools::constant(tool).is_some());
    if tools::uses_mcp(project) {
        fakes.push("FAKE_MCP_SERVER");
    }
    if tools::uses_http(project) {
        fakes.push("FakeEndpoint");
    }
    if !calls.is_empty() {
        fakes.push("tool_call");
    }
    let rank = |name: &&str| (name.starts_with(char::is_lowercase), !name.contains('_'), (*name).to_owned());
    fakes.sort_by_key(rank);
    let agent_names = if project.is_sequential() {
        if calls.is_empty() { "TASKS, run" } else { "AGENTS, TASKS, run" }
    } else if calls.is_empty() {
        "run"
    } else {
        "MAX_STEPS, run"
    };
    fill(
        include_str!("../../templates/tests/test_contract.py"),
        &[
            ("package", Python::of(project.package.clone())),
            ("fakes", Python::of(fakes.join(", "))),
            ("modules", Python::of(if has_setup { "server, tools" } else { "server" }.to_owned())),
            ("agent_names", Python::of(agent_names.to_owned())),
            ("calls", Python::of(calls.join("\n"))),
            ("setup", Python::of(set_up(&callable).join("\n"))),
        ],
        &[
            ("tools", !calls.is_empty()),
            ("calls", !calls.is_empty()),
            ("sequential", project.is_sequential()),
            ("setup", has_setup),
        ],
    )
}

/// The lines that lead tools to the stand-ins.
fn set_up(tools: &[&Tool]) -> Vec<String> {
    let mut lines = Vec::new();
    if tools.iter().any(|tool| matches!(tool.source, ToolSource::Http { .. })) {
        lines.push(format!(
            "        endpoint = self.enterContext(FakeEndpoint({}))",
            python::string(ENDPOINT_ANSWER).text()
        ));
    }
    for tool in tools {
        let Some(constant) = tools::constant(tool) else { continue };
        lines.push(match tool.source {
            ToolSource::Http { .. } => {
                format!("        self.enterContext(patch.object(tools, \"{constant}\", endpoint.stand_in_for(tools.{constant})))")
            }
            _ => format!("        self.enterContext(patch.object(tools, \"{constant}\", FAKE_MCP_SERVER))"),
        });
    }
    lines
}

/// A regular expression for what the tool's output must be.
fn expected_output(tool: &Tool) -> Python {
    let raw = |pattern: &str| Python::of(format!("r\"{pattern}\""));
    match &tool.source {
        ToolSource::Builtin { name } => match name {
            Builtin::Calculator => raw("^20$"),
            Builtin::CurrentTime => raw(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+02:00$"),
            Builtin::TextStatistics => raw("characters.: 9, .words.: 2, .lines.: 1"),
        },
        ToolSource::Http { .. } => raw(&format!("^{ENDPOINT_ANSWER}$")),
        ToolSource::Mcp { .. } => raw("^called "),
        ToolSource::Python { .. } | ToolSource::Typescript { .. } => raw("^(?!Error: )"),
    }
}

fn test_tools(project: &Project) -> String {
    let callable = callable(project);
    let mut cases: Vec<String> =
        project.tools.iter().map(|tool| test_case(tool)).filter(|case| !case.is_empty()).collect();
    let package = &project.package;
    let mut fakes: Vec<&str> = Vec::new();
    if tools::uses_mcp(project) {
        fakes.push("FAKE_MCP_SERVER");
    }
    if tools::uses_http(project) {
        fakes.push("FakeEndpoint");
    }
    let mut standard: Vec<&str> = Vec::new();
    if tools::uses_builtin(project, Builtin::TextStatistics) || callable.iter().any(|tool| has_body(tool)) {
        standard.push("import json");
    }
    standard.push("import unittest");
    if !fakes.is_empty() {
        standard.push("from unittest.mock import patch");
    }
    let from_fakes = if fakes.is_empty() {
        "import fakes  # noqa: F401  (makes the package importable)".to_owned()
    } else {
        format!("from fakes import {}", fakes.join(", "))
    };
    let imports = format!("{}\n\n{from_fakes}\n\nfrom {package} import tools\n", standard.join("\n"));
    if cases.is_empty() {
        cases.push(
            "    def test_every_tool_is_described(self) -> None:\n        self.assertTrue(tools.TOOLS)".to_owned(),
        );
    }
    fill(
        include_str!("../../templates/tests/test_tools.py"),
        &[("imports", Python::of(imports)), ("cases", Python::of(cases.join("\n\n")))],
        &[],
    )
}

fn has_body(tool: &Tool) -> bool {
    matches!(&tool.source, ToolSource::Http { method, .. } if !matches!(method.as_str(), "GET" | "DELETE"))
}

fn test_case(tool: &Tool) -> String {
    let id = &tool.id;
    match &tool.source {
        ToolSource::Builtin { name } => {
            let template = match name {
                Builtin::Calculator => include_str!("../../templates/tests/test_calculator.py"),
                Builtin::CurrentTime => include_str!("../../templates/tests/test_current_time.py"),
                Builtin::TextStatistics => include_str!("../../templates/tests/test_text_statistics.py"),
            };
            fill(template, &[("id", Python::of(id.clone()))], &[]).trim_end().to_owned()
        }
        ToolSource::Http { method, url } => http_case(tool, method, url),
        ToolSource::Mcp { .. } => {
            let constant = tools::constant(tool).unwrap_or_default();
            let arguments = keyword_arguments(&tools::sample_arguments(tool));
            format!(
                "    def test_{id}_asks_its_server(self) -> None:\n        with patch.object(tools, \"{constant}\", FAKE_MCP_SERVER):\n            \
                 self.assertRegex(tools.{id}({arguments}), \"^called \")"
            )
        }
        ToolSource::Python { .. } | ToolSource::Typescript { .. } => String::new(),
    }
}

fn http_case(tool: &Tool, method: &str, url: &str) -> String {
    let id = &tool.id;
    let constant = tools::constant(tool).unwrap_or_default();
    let sample = tools::sample_arguments(tool);
    let arguments = keyword_arguments(&sample);
    let mut lines = vec![
        format!("    def test_{id}_sends_what_it_was_given(self) -> None:"),
        format!("        with FakeEndpoint({}) as endpoint:", python::string(ENDPOINT_ANSWER).text()),
        format!("            with patch.object(tools, \"{constant}\", endpoint.stand_in_for(tools.{constant})):"),
        format!(
            "                self.assertEqual(tools.{id}({arguments}), {})",
            python::string(ENDPOINT_ANSWER).text()
        ),
        "        ((method, path, body),) = endpoint.requests".to_owned(),
        format!("        self.assertEqual(method, {})", python::string(method).text()),
    ];
    if let Some((path, rest)) = sent(url, &sample) {
        if has_body(tool) {
            lines.push(format!("        self.assertEqual(path, {})", python::string(&path).text()));
            lines.push(format!("        self.assertEqual(json.loads(body), {})", python::value(&rest, 8, 50).text()));
        } else {
            let query: Vec<String> = rest
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| format!("{name}={}", percent_encoded(&as_text(value)).replace("%20", "+")))
                .collect();
            let separator = if query.is_empty() {
                ""
            } else if path.contains('?') {
                "&"
            } else {
                "?"
            };
            lines.push(format!(
                "        self.assertEqual(path, {})",
                python::string(&format!("{path}{separator}{}", query.join("&"))).text()
            ));
            lines.push("        self.assertEqual(body, \"\")".to_owned());
        }
    }
    lines.extend([
        String::new(),
        format!("    def test_{id}_tells_of_a_failure(self) -> None:"),
        "        with FakeEndpoint(\"no such thing\", status=404) as endpoint:".to_owned(),
        format!("            with patch.object(tools, \"{constant}\", endpoint.stand_in_for(tools.{constant})):"),
        "                with self.assertRaisesRegex(RuntimeError, \"404.*no such thing\"):".to_owned(),
        format!("                    tools.{id}({arguments})"),
    ]);
    lines.join("\n")
}

/// The path that an HTTP tool asks for, and the arguments that have no place in it; nothing if the
/// sample has values that are not plain.
fn sent(url: &str, sample: &Value) -> Option<(String, Value)> {
    let mut remaining = sample.as_object()?.clone();
    if !remaining.values().all(|value| value.is_string() || value.is_number() || value.is_boolean()) {
        return None;
    }
    let after_scheme = url.split_once("://")?.1;
    let path = &after_scheme[after_scheme.find(['/', '?']).unwrap_or(after_scheme.len())..];
    let mut path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    for name in url_placeholders(url) {
        let value = remaining.remove(name).or_else(|| sample.get(name).cloned())?;
        path = path.replace(&format!("{{{name}}}"), &percent_encoded(&as_text(&value)));
    }
    Some((path, Value::Object(remaining)))
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As `urllib.parse.quote` with nothing safe.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn keyword_arguments(arguments: &Value) -> String {
    let entries: Vec<String> = arguments
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", python::value(value, 0, 0).text()))
        .collect();
    entries.join(", ")
}
