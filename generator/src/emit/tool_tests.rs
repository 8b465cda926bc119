//! The tests of each tool by itself, `tests/test_tools.py`.

use gantry_domain::spec::{Builtin, Tool, ToolSource, url_placeholders};
use serde_json::Value;

use super::contract::{ENDPOINT_ANSWER, callable, secret_values, set_of, strings};
use super::language::{Language as _, Python};
use super::template::fill;
use super::{File, Project, python, tools};

/// None if the project has no tools.
pub(super) fn files(project: &Project) -> Vec<File> {
    if project.tools.is_empty() {
        return Vec::new();
    }
    let mut files = vec![File { path: "tests/test_tools.py".to_owned(), content: test_tools(project) }];
    if tools::uses_mcp(project) {
        let content = include_str!("../../templates/tests/fake_mcp_server.py").to_owned();
        files.push(File { path: "tests/fake_mcp_server.py".to_owned(), content });
    }
    if tools::uses_mcp_at(project) {
        let content = include_str!("../../templates/tests/fake_mcp_endpoint.py").to_owned();
        files.push(File { path: "tests/fake_mcp_endpoint.py".to_owned(), content });
    }
    files
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
    if project.tools.iter().any(|tool| is_http_with_headers(tool)) {
        standard.push("import os");
    }
    standard.push("import unittest");
    if !fakes.is_empty() || tools::uses_mcp_at(project) {
        standard.push("from unittest.mock import patch");
    }
    let mut from_fakes = if fakes.is_empty() {
        "import fakes  # noqa: F401  (makes the package importable)".to_owned()
    } else {
        format!("from fakes import {}", fakes.join(", "))
    };
    if tools::uses_mcp_at(project) {
        from_fakes = if fakes.is_empty() {
            format!("{from_fakes}\nfrom fake_mcp_endpoint import FakeMcpEndpoint")
        } else {
            format!("from fake_mcp_endpoint import FakeMcpEndpoint\n{from_fakes}")
        };
    }
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

pub(super) fn has_body(tool: &Tool) -> bool {
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
        ToolSource::Http { method, url, .. } => http_case(tool, method, url),
        ToolSource::Mcp { .. } => {
            let constant = tools::constant(tool).unwrap_or_default();
            let arguments = keyword_arguments(&tools::sample_arguments(tool));
            format!(
                "    def test_{id}_asks_its_server(self) -> None:\n        with patch.object(tools, \"{constant}\", FAKE_MCP_SERVER):\n            \
                 self.assertRegex(tools.{id}({arguments}), \"^called \")"
            )
        }
        ToolSource::McpOverHttp { .. } => mcp_case(tool),
        ToolSource::Python { .. } | ToolSource::Typescript { .. } => String::new(),
    }
}

/// The call reaches the server with its headers, and its session is ended.
fn mcp_case(tool: &Tool) -> String {
    let id = &tool.id;
    let constant = tools::constant(tool).unwrap_or_default();
    let arguments = keyword_arguments(&tools::sample_arguments(tool));
    let variables = strings(&tools::secrets(&[tool]));
    let secrets = set_of(&tools::header_names(tool));
    [
        format!("    def test_{id}_asks_its_server(self) -> None:"),
        format!("        with FakeMcpEndpoint({variables}) as endpoint:"),
        format!("            with patch.object(tools, \"{constant}\", endpoint.url):"),
        format!("                self.assertRegex(tools.{id}({arguments}), \"^called \")"),
        format!("        self.assertEqual((endpoint.secrets, endpoint.sessions), ({secrets}, set()))"),
        String::new(),
        format!("    def test_{id}_tells_of_a_server_that_is_none(self) -> None:"),
        format!("        with FakeMcpEndpoint({variables}) as endpoint:"),
        "            endpoint.talks_nonsense = True".to_owned(),
        format!("            with patch.object(tools, \"{constant}\", endpoint.url):"),
        "                with self.assertRaisesRegex(RuntimeError, \"does not speak the Model Context Protocol\"):"
            .to_owned(),
        format!("                    tools.{id}({arguments})"),
    ]
    .join("\n")
}

fn is_http_with_headers(tool: &Tool) -> bool {
    matches!(&tool.source, ToolSource::Http { headers, .. } if !headers.is_empty())
}

/// That the headers are sent with what the environment has, and nothing without.
fn headers_case(tool: &Tool, arguments: &str) -> Vec<String> {
    let id = &tool.id;
    let constant = tools::constant(tool).unwrap_or_default();
    let variables = tools::secrets(&[tool]);
    let values = secret_values(&variables);
    vec![
        String::new(),
        format!("    def test_{id}_says_who_asks(self) -> None:"),
        format!("        with FakeEndpoint({}) as endpoint:", python::string(ENDPOINT_ANSWER).text()),
        format!("            with patch.object(tools, \"{constant}\", endpoint.stand_in_for(tools.{constant})):"),
        format!("                with patch.dict(os.environ, {values}):"),
        format!("                    tools.{id}({arguments})"),
        format!("                self.assertEqual(endpoint.secrets, {})", set_of(&tools::header_names(tool))),
        format!("                with patch.dict(os.environ, {{\"{}\": \"\"}}):", variables[0]),
        "                    with self.assertRaisesRegex(RuntimeError, \"is not set\"):".to_owned(),
        format!("                        tools.{id}({arguments})"),
        "        self.assertEqual(len(endpoint.requests), 1)".to_owned(),
    ]
}

fn http_case(tool: &Tool, method: &str, url: &str) -> String {
    let id = &tool.id;
    let constant = tools::constant(tool).unwrap_or_default();
    let sample = tools::sample_arguments(tool);
    let arguments = keyword_arguments(&sample);
    let secrets = tools::secrets(&[tool]);
    let given = format!("    @patch.dict(os.environ, {})", secret_values(&secrets));
    let mut lines = if secrets.is_empty() { Vec::new() } else { vec![given.clone()] };
    lines.extend([
        format!("    def test_{id}_sends_what_it_was_given(self) -> None:"),
        format!("        with FakeEndpoint({}) as endpoint:", python::string(ENDPOINT_ANSWER).text()),
        format!("            with patch.object(tools, \"{constant}\", endpoint.stand_in_for(tools.{constant})):"),
        format!(
            "                self.assertEqual(tools.{id}({arguments}), {})",
            python::string(ENDPOINT_ANSWER).text()
        ),
        "        ((method, path, body),) = endpoint.requests".to_owned(),
        format!("        self.assertEqual(method, {})", python::string(method).text()),
    ]);
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
    lines.push(String::new());
    if !secrets.is_empty() {
        lines.push(given);
    }
    lines.extend([
        format!("    def test_{id}_tells_of_a_failure(self) -> None:"),
        "        with FakeEndpoint(\"no such thing\", status=404) as endpoint:".to_owned(),
        format!("            with patch.object(tools, \"{constant}\", endpoint.stand_in_for(tools.{constant})):"),
        "                with self.assertRaisesRegex(RuntimeError, \"404.*no such thing\"):".to_owned(),
        format!("                    tools.{id}({arguments})"),
    ]);
    if !secrets.is_empty() {
        lines.extend(headers_case(tool, &arguments));
    }
    lines.join("\n")
}

/// The path that an HTTP tool asks for, and the arguments that have no place in it; nothing if the
/// sample has values that are not plain.
pub(super) fn sent(url: &str, sample: &Value) -> Option<(String, Value)> {
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

pub(super) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As `urllib.parse.quote` with nothing safe.
pub(super) fn percent_encoded(text: &str) -> String {
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
