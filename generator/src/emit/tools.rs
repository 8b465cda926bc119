//! The tools of a project: functions in `tools.py`, what they stand on, and tests of each.

use std::collections::BTreeMap;

use gantry_domain::spec::{Builtin, Tool, ToolSource, argument_names};
use serde_json::{Map, Value, json};

use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, python};

pub(super) fn files(project: &Project) -> Vec<File> {
    if !project.has_tools() {
        return Vec::new();
    }
    let mut files = vec![File { path: project.source("tools.py"), content: module(project) }];
    let mut add = |needed: bool, name: &str, content: String| {
        if needed {
            files.push(File { path: project.source(name), content });
        }
    };
    let name = project.spec.metadata.name.as_str();
    add(
        uses_builtin(project, Builtin::Calculator),
        "calculator.py",
        include_str!("../../templates/tools/calculator.py").to_owned(),
    );
    let agent = [("user_agent", python::string(&format!("{name}/{}", project.spec.metadata.version)))];
    let headers = [("headers", has_http_headers(project))];
    add(uses_http(project), "http_tool.py", fill(include_str!("../../templates/tools/http_tool.py"), &agent, &headers));
    let outgoing = include_str!("../../templates/tools/outgoing.py").to_owned();
    add(uses_mcp_at(project) || has_http_headers(project), "outgoing.py", outgoing);
    let client = [
        ("client", python::string(name)),
        ("version", python::string(&project.spec.metadata.version)),
        ("over", Python::of(mcp_ways(project).to_owned())),
    ];
    let client = fill(include_str!("../../templates/tools/mcp_client.py"), &client, &mcp_conditions(project));
    add(uses_mcp(project) || uses_mcp_at(project), "mcp_client.py", client);
    files
}

pub(super) fn uses_http(project: &Project) -> bool {
    project.tools.iter().any(|tool| matches!(tool.source, ToolSource::Http { .. }))
}

/// Whether an HTTP tool sends headers of its own.
pub(super) fn has_http_headers(project: &Project) -> bool {
    project.tools.iter().any(|tool| matches!(&tool.source, ToolSource::Http { headers, .. } if !headers.is_empty()))
}

/// The headers of its own that a tool sends, each with the variable that has its value.
pub(super) fn headers(tool: &Tool) -> Option<&BTreeMap<String, String>> {
    match &tool.source {
        ToolSource::Http { headers, .. } | ToolSource::McpOverHttp { headers, .. } => Some(headers),
        _ => None,
    }
}

/// Whether a tool asks an MCP server that is a program.
pub(super) fn uses_mcp(project: &Project) -> bool {
    project.tools.iter().any(|tool| matches!(tool.source, ToolSource::Mcp { .. }))
}

/// Whether a tool asks an MCP server at an address.
pub(super) fn uses_mcp_at(project: &Project) -> bool {
    project.tools.iter().any(|tool| matches!(tool.source, ToolSource::McpOverHttp { .. }))
}

/// What the client of MCP is made of.
pub(super) fn mcp_conditions(project: &Project) -> [(&'static str, bool); 2] {
    [("commands", uses_mcp(project)), ("at", uses_mcp_at(project))]
}

/// What the client of MCP speaks over, in words.
pub(super) fn mcp_ways(project: &Project) -> &'static str {
    match (uses_mcp(project), uses_mcp_at(project)) {
        (true, true) => "standard input and output and over HTTP",
        (false, true) => "HTTP",
        _ => "standard input and output",
    }
}

/// The variables with the values of the headers that some tools send, each once.
pub(super) fn secrets<'a>(tools: &[&'a Tool]) -> Vec<&'a str> {
    let mut variables: Vec<&str> =
        tools.iter().filter_map(|tool| headers(tool)).flat_map(BTreeMap::values).map(String::as_str).collect();
    variables.sort_unstable();
    variables.dedup();
    variables
}

/// The headers that a tool sends, as a stand-in for its server keeps their names.
pub(super) fn header_names(tool: &Tool) -> Vec<String> {
    let mut names: Vec<String> =
        headers(tool).into_iter().flat_map(BTreeMap::keys).map(|name| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names
}

/// The headers that tools send, each with the variable that has its value and the tool's id.
pub(super) fn header_variables<'a>(project: &Project<'a>) -> Vec<(&'a str, &'a str, &'a str)> {
    let mut found = Vec::new();
    for tool in &project.tools {
        let headers = headers(tool).into_iter().flatten();
        found.extend(headers.map(|(name, variable)| (name.as_str(), variable.as_str(), tool.id.as_str())));
    }
    found
}

pub(super) fn uses_builtin(project: &Project, builtin: Builtin) -> bool {
    project.tools.iter().any(|tool| matches!(&tool.source, ToolSource::Builtin { name } if *name == builtin))
}

/// The name of the constant with the address of an HTTP or MCP tool, or an MCP tool's command.
pub(super) fn constant(tool: &Tool) -> Option<String> {
    let upper = tool.id.to_ascii_uppercase();
    match tool.source {
        ToolSource::Http { .. } | ToolSource::McpOverHttp { .. } => Some(format!("{upper}_URL")),
        ToolSource::Mcp { .. } => Some(format!("{upper}_COMMAND")),
        _ => None,
    }
}

fn module(project: &Project) -> String {
    let frame = (project.kit.tools)(project);
    let mut text = String::from(
        "\"\"\"The tools that the agent may call: plain functions that take what their schema says and return text.\"\"\"\n",
    );
    text.push_str("\nfrom __future__ import annotations\n");

    let mut standard = frame.standard;
    if uses_builtin(project, Builtin::TextStatistics) {
        standard.push("import json");
    }
    if uses_builtin(project, Builtin::CurrentTime) {
        standard.extend(["import re", "from datetime import datetime, timedelta, timezone"]);
    }
    // `import` before `from`, each by name, as formatters sort them.
    standard.sort_unstable_by_key(|line| (line.starts_with("from"), *line));
    standard.dedup();
    let mut own: Vec<&str> = Vec::new();
    if uses_builtin(project, Builtin::Calculator) {
        own.push("from .calculator import evaluate");
    }
    if uses_http(project) {
        own.push("from .http_tool import http_request");
    }
    own.extend(match (uses_mcp(project), uses_mcp_at(project)) {
        (true, true) => Some("from .mcp_client import call_mcp, call_mcp_at"),
        (true, false) => Some("from .mcp_client import call_mcp"),
        (false, true) => Some("from .mcp_client import call_mcp_at"),
        (false, false) => None,
    });
    own.extend(frame.own);
    for group in [standard, frame.installed, own] {
        if !group.is_empty() {
            text.push_str(&format!("\n{}\n", group.join("\n")));
        }
    }

    let constants: Vec<String> = project.tools.iter().filter_map(|tool| definition_of_constant(tool)).collect();
    if !constants.is_empty() {
        text.push_str(&format!("\n{}\n", constants.join("\n")));
    }
    for tool in &project.tools {
        text.push_str(&format!("\n\n{}", function(tool)));
    }
    // The end begins with a constant, a class or a function: two blank lines either way.
    text.push_str("\n\n");
    text.push_str(&frame.end);
    text
}

fn definition_of_constant(tool: &Tool) -> Option<String> {
    let name = constant(tool)?;
    match &tool.source {
        ToolSource::Http { url, .. } | ToolSource::McpOverHttp { url, .. } => {
            Some(format!("{name} = {}", python::string(url).text()))
        }
        ToolSource::Mcp { command, .. } => {
            Some(format!("{name} = {}", python::value(&json!(command), 0, name.len() + 3).text()))
        }
        _ => None,
    }
}

fn function(tool: &Tool) -> String {
    let head = format!(
        "def {}({}) -> str:\n    {}\n",
        tool.id,
        signature(tool).text(),
        python::docstring(&tool.description, 4).text(),
    );
    let timeout = python::seconds(tool.timeout_ms);
    let timeout = timeout.text();
    let body = match &tool.source {
        ToolSource::Http { method, headers, .. } => {
            let url = constant(tool).unwrap_or_default();
            let (method, given) = (python::string(method), arguments(tool));
            let timeout = format!("timeout={timeout}");
            let variables = format!("variables={}", python::value(&json!(headers), 8, 18).text());
            let mut parts = vec![method.text(), url.as_str(), given.as_str(), timeout.as_str()];
            if !headers.is_empty() {
                parts.push(&variables);
            }
            call("http_request", &parts)
        }
        ToolSource::Mcp { tool: name, .. } => {
            let command = constant(tool).unwrap_or_default();
            call("call_mcp", &[&command, python::string(name).text(), &arguments(tool), &format!("timeout={timeout}")])
        }
        ToolSource::McpOverHttp { headers, tool: name, .. } => {
            let url = constant(tool).unwrap_or_default();
            let headers = python::value(&json!(headers), 8, 8);
            let name = python::string(name);
            let timeout = format!("timeout={timeout}");
            call("call_mcp_at", &[&url, headers.text(), name.text(), &arguments(tool), &timeout])
        }
        ToolSource::Builtin { name } => match name {
            Builtin::Calculator => "    return evaluate(expression)\n".to_owned(),
            Builtin::CurrentTime => include_str!("../../templates/tools/current_time.py").to_owned(),
            Builtin::TextStatistics => include_str!("../../templates/tools/text_statistics.py").to_owned(),
        },
        ToolSource::Python { body } | ToolSource::Typescript { body } => {
            body.lines()
                .map(|line| if line.trim().is_empty() { "\n".to_owned() } else { format!("    {}\n", line.trim_end()) })
                .collect::<String>()
                .trim_end()
                .to_owned()
                + "\n"
        }
    };
    format!("{head}{body}")
}

/// A builtin's function has the signature that its code wants; the others have their schema's.
pub(super) fn signature(tool: &Tool) -> Python {
    match tool.source {
        ToolSource::Builtin { name: Builtin::CurrentTime } => Python::of("utc_offset: str = \"+00:00\"".to_owned()),
        _ => python::parameters(&tool.parameters),
    }
}

/// The arguments again, as a dictionary.
fn arguments(tool: &Tool) -> String {
    let entries: Vec<String> =
        argument_names(&tool.parameters).into_iter().map(|(name, _)| format!("\"{name}\": {name}")).collect();
    format!("{{{}}}", entries.join(", "))
}

/// The names of the arguments, as they are passed on.
pub(super) fn names(tool: &Tool) -> String {
    let names: Vec<String> =
        argument_names(&tool.parameters).into_iter().map(|(name, _)| format!("{name}={name}")).collect();
    names.join(", ")
}

/// `return name(…)` on one line if it fits.
fn call(name: &str, arguments: &[&str]) -> String {
    let line = format!("    return {name}({})\n", arguments.join(", "));
    if line.chars().count() <= python::WIDTH {
        return line;
    }
    let lines: String = arguments.iter().map(|argument| format!("        {argument},\n")).collect();
    format!("    return {name}(\n{lines}    )\n")
}

/// Arguments that fit a tool's schema: what tests and eval cases call it with.
pub(super) fn sample_arguments(tool: &Tool) -> Value {
    match tool.source {
        ToolSource::Builtin { name: Builtin::Calculator } => json!({"expression": "(2 + 3) * 4"}),
        ToolSource::Builtin { name: Builtin::CurrentTime } => json!({"utc_offset": "+02:00"}),
        ToolSource::Builtin { name: Builtin::TextStatistics } => json!({"text": "Two words"}),
        _ => {
            let mut arguments = Map::new();
            for (name, is_required) in argument_names(&tool.parameters) {
                if is_required {
                    arguments.insert(name.to_owned(), sample(&tool.parameters["properties"][name], 0));
                }
            }
            Value::Object(arguments)
        }
    }
}

fn sample(schema: &Value, depth: usize) -> Value {
    for key in ["const", "default"] {
        if let Some(value) = schema.get(key) {
            return value.clone();
        }
    }
    for key in ["enum", "examples"] {
        if let Some(value) = schema.get(key).and_then(|values| values.get(0)) {
            return value.clone();
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    match kind {
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(true),
        Some("array") if depth < 8 && schema.get("minItems").and_then(Value::as_u64).unwrap_or(0) > 0 => {
            json!([sample(schema.get("items").unwrap_or(&Value::Null), depth + 1)])
        }
        Some("array") => json!([]),
        Some("object") if depth < 8 => {
            let required = argument_names(schema).into_iter().filter(|(_, is_required)| *is_required);
            required
                .map(|(name, _)| (name.to_owned(), sample(&schema["properties"][name], depth + 1)))
                .collect::<Map<_, _>>()
                .into()
        }
        Some("object") => json!({}),
        Some("null") => Value::Null,
        _ => json!("sample"),
    }
}

/// What the answer to the sample arguments certainly has, where that is known.
pub(super) fn sample_output(tool: &Tool) -> Option<&'static str> {
    match tool.source {
        ToolSource::Builtin { name: Builtin::Calculator } => Some("20"),
        ToolSource::Builtin { name: Builtin::TextStatistics } => Some("9"),
        ToolSource::Builtin { name: Builtin::CurrentTime } => Some("+02:00"),
        _ => None,
    }
}
