//! The tools: their names, limits, and what each kind needs.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Findings, MAX_ENTRIES, is_environment_variable, list_patch, parameters};
use crate::spec::{Agent, Effect, Spec, Tool, ToolSource, names, read};

/// The methods that an `http` tool may use.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// How many headers of its own a tool may send.
const MOST_HEADERS: usize = 16;
/// Headers that the protocols themselves send, beside those that begin with `mcp-`.
const OWN_HEADERS: [&str; 11] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "last-event-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn check(spec: &Spec, found: &mut Findings) {
    if spec.tools.len() > MAX_ENTRIES {
        found.error("too_many", "/tools", format!("expected at most {MAX_ENTRIES} tools"));
    }
    for index in 0..spec.tools.len() {
        name(&spec.tools, &spec.agents, index, found);
        one(&spec.tools, index, found);
    }
}

/// Checks a tool that stands alone.
pub(super) fn check_one(tool: &Tool, found: &mut Findings) {
    let tools = std::slice::from_ref(tool);
    name(tools, &[], 0, found);
    one(tools, 0, found);
}

fn one(tools: &[Tool], index: usize, found: &mut Findings) {
    let tool = &tools[index];
    let path = format!("/tools/{index}");
    if tool.description.trim().is_empty() || tool.description.chars().count() > 1024 {
        found.error(
            "description_invalid",
            format!("{path}/description"),
            "expected 1 to 1024 characters that tell the model what the tool does",
        );
    }
    if !(100..=600_000).contains(&tool.timeout_ms) {
        found
            .error("limit_out_of_range", format!("{path}/timeoutMs"), "expected 100 to 600000 milliseconds")
            .fix("Use 10 seconds", list_patch("tools", tools, |tools| tools[index].timeout_ms = 10_000));
    }
    parameters::check(&tool.parameters, &tool.id, &format!("{path}/parameters"), found);
    source(tools, index, tool, &path, found);
}

fn name(tools: &[Tool], agents: &[Agent], index: usize, found: &mut Findings) {
    let id = &tools[index].id;
    let path = format!("/tools/{index}/id");
    if !names::is_python_identifier(id) {
        found.error(
            "identifier_invalid",
            &path,
            "expected a name of letters, digits and underscores that does not start with a digit and is no Python keyword",
        );
    } else if names::is_taken_by_generated_code(id) {
        let new = format!("{}_tool", id.trim_start_matches('_'));
        found.error(
            "identifier_reserved",
            &path,
            format!("expected another name: {id} means something else in generated code"),
        );
        if !tools.iter().any(|tool| tool.id == new) && names::is_python_identifier(&new) {
            found.fix(format!("Call it {new}"), rename(tools, agents, index, &new));
        }
    }
    if let Some(first) = tools[..index].iter().position(|other| other.id.eq_ignore_ascii_case(id)) {
        found.error(
            "identifier_duplicate",
            &path,
            format!("/tools/{first} has this name already: every tool needs its own"),
        );
    }
}

/// The patch that gives a tool another name wherever it is named.
fn rename(tools: &[Tool], agents: &[Agent], index: usize, new: &str) -> serde_json::Value {
    let old = &tools[index].id;
    let mut agents = agents.to_vec();
    for agent in &mut agents {
        for id in agent.tools.iter_mut().filter(|id| *id == old) {
            new.clone_into(id);
        }
    }
    let mut tools = tools.to_vec();
    new.clone_into(&mut tools[index].id);
    json!({"agents": agents, "tools": tools})
}

fn source(tools: &[Tool], index: usize, tool: &Tool, path: &str, found: &mut Findings) {
    match &tool.source {
        ToolSource::Http { method, url, headers } => {
            self::headers(headers, path, found);
            http(tools, index, tool, method, url, path, found);
        }
        ToolSource::Builtin { name } => {
            if tool.parameters != name.parameters() {
                found
                    .error(
                        "builtin_parameters_differ",
                        format!("{path}/parameters"),
                        format!("expected the parameters of {}, which are Gantry's own", name.as_str()),
                    )
                    .fix(
                        "Use its own",
                        list_patch("tools", tools, |tools| tools[index].parameters = name.parameters()),
                    );
            }
        }
        ToolSource::Mcp { command, tool } => {
            if command.first().is_none_or(|program| program.trim().is_empty()) || command.len() > 100 {
                found.error(
                    "command_invalid",
                    format!("{path}/command"),
                    "expected a program and its arguments, such as [npx, -y, some-server]",
                );
            }
            name_at_server(tool, path, found);
        }
        ToolSource::McpOverHttp { url, headers, tool } => {
            let fault = match check_url(url) {
                Ok(()) if url.contains('{') => {
                    Some("expected an address without {}: arguments go to the tool, not into the address".to_owned())
                }
                Ok(()) => None,
                Err(message) => Some(message),
            };
            if let Some(message) = fault {
                found.error("url_invalid", format!("{path}/url"), message);
            }
            self::headers(headers, path, found);
            name_at_server(tool, path, found);
        }
        ToolSource::Python { body } => self::body(body, "#", "Python", path, found),
        ToolSource::Typescript { body } => self::body(body, "//", "TypeScript", path, found),
    }
}

fn name_at_server(tool: &str, path: &str, found: &mut Findings) {
    if tool.is_empty() || tool.len() > 128 {
        found.error(
            "mcp_tool_invalid",
            format!("{path}/tool"),
            "expected the tool's name at the server, 1 to 128 bytes",
        );
    }
}

fn headers(headers: &BTreeMap<String, String>, path: &str, found: &mut Findings) {
    if headers.len() > MOST_HEADERS {
        found.error("too_many", format!("{path}/headers"), format!("expected at most {MOST_HEADERS} headers"));
    }
    let mut known: Vec<String> = Vec::new();
    for (name, variable) in headers {
        let at = format!("{path}/headers/{}", read::escape(name));
        let lower = name.to_ascii_lowercase();
        if !is_header_name(name) || OWN_HEADERS.contains(&lower.as_str()) || lower.starts_with("mcp-") {
            found.error(
                "header_invalid",
                &at,
                "expected the name of a header that the protocol does not send itself, such as Authorization",
            );
        } else if known.contains(&lower) {
            found.error("header_invalid", &at, "expected each header once: large and small letters count as the same");
        }
        known.push(lower);
        if !is_environment_variable(variable) {
            found.error(
                "environment_variable_invalid",
                &at,
                "expected the name of what has the header's value: capital letters, digits and underscores, such as CRM_AUTHORIZATION; \
                 a value itself has no place in a spec",
            );
        }
    }
}

/// A token (RFC 9110, 5.6.2).
fn is_header_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn body(body: &str, comment: &str, language: &str, path: &str, found: &mut Findings) {
    let mut lines = body.lines().filter(|line| !line.trim().is_empty()).peekable();
    let is_indented = lines.peek().is_some_and(|line| line.starts_with([' ', '\t']));
    if lines.all(|line| line.trim_start().starts_with(comment)) {
        found.error("body_missing", format!("{path}/body"), format!("expected {language} statements that return text"));
    } else if is_indented {
        found.error(
            "body_indented",
            format!("{path}/body"),
            "expected a body that starts at column 0: it is indented when it is written",
        );
    }
}

fn http(tools: &[Tool], index: usize, tool: &Tool, method: &str, url: &str, path: &str, found: &mut Findings) {
    if !METHODS.contains(&method) {
        found.error("method_unknown", format!("{path}/method"), format!("expected one of {}", METHODS.join(", ")));
        let upper = method.to_ascii_uppercase();
        if METHODS.contains(&upper.as_str()) {
            let patch = list_patch("tools", tools, |tools| {
                if let ToolSource::Http { method, .. } = &mut tools[index].source {
                    method.clone_from(&upper);
                }
            });
            found.fix(format!("Use {upper}"), patch);
        }
    }
    if let Err(message) = check_url(url) {
        found.error("url_invalid", format!("{path}/url"), message);
        return;
    }
    let arguments = names::argument_names(&tool.parameters);
    for placeholder in placeholders(url) {
        match arguments.iter().find(|(name, _)| *name == placeholder) {
            None => {
                found.error(
                    "url_placeholder_unknown",
                    format!("{path}/url"),
                    format!("{{{placeholder}}} stands for an argument that is not in parameters.properties"),
                );
            }
            Some((_, false)) => {
                let patch = list_patch("tools", tools, |tools| {
                    if let Some(parameters) = tools[index].parameters.as_object_mut()
                        && let Some(required) = parameters.entry("required").or_insert_with(|| json!([])).as_array_mut()
                    {
                        required.push(json!(placeholder));
                    }
                });
                found
                    .error(
                        "url_placeholder_optional",
                        format!("{path}/parameters/required"),
                        format!("expected {placeholder} among the required arguments: the address has a place for it"),
                    )
                    .fix("Require it", patch);
            }
            Some((_, true)) => {}
        }
    }
    if tool.effect == Effect::Read && method != "GET" {
        found
            .warning(
                "effect_understated",
                format!("{path}/effect"),
                format!("a {method} request usually changes something, so approvals would not ask for it"),
            )
            .fix("Call it write", list_patch("tools", tools, |tools| tools[index].effect = Effect::Write));
    }
}

/// The names in braces in an address.
pub fn placeholders(url: &str) -> Vec<&str> {
    url.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
}

fn check_url(url: &str) -> Result<(), String> {
    let expected = "expected an http or https address such as https://api.example.com/orders/{order_id}";
    let rest =
        url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or_else(|| expected.to_owned())?;
    if url.len() > 2048 {
        return Err("expected an address of at most 2048 bytes".to_owned());
    }
    if !url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '|' | '#')) {
        return Err(format!("{expected}; everything else percent-encoded (RFC 3986), without a fragment"));
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("expected an address without a user or password: a spec is no place for secrets".to_owned());
    }
    if authority.contains(['{', '}']) {
        return Err("expected a fixed host: which host is called is not the model's to choose".to_owned());
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(address) => {
            let (address, port) = address.split_once(']').ok_or_else(|| expected.to_owned())?;
            if !address.contains(':') || !address.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.')) {
                return Err(expected.to_owned());
            }
            ("address", port.strip_prefix(':').or(if port.is_empty() { None } else { Some("") }))
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        return Err(expected.to_owned());
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("expected a port from 1 to 65535".to_owned());
    }
    let mut open = false;
    for c in rest.chars() {
        match c {
            '{' if open => return Err("expected {name} without braces inside".to_owned()),
            '{' => open = true,
            '}' if !open => return Err("expected every } to close a {".to_owned()),
            '}' => open = false,
            _ => {}
        }
    }
    if open { Err("expected every { to be closed by }".to_owned()) } else { Ok(()) }
}
