//! OpenAPI 3.0 and 3.1: the operations of a service as HTTP tools.
//!
//! What a tool cannot express (a body that is no JSON object, a query that repeats its names, a key in the
//! query) makes an operation one that cannot be chosen, and says why; where only something optional is of
//! that kind, it is left out and said. References within the document are followed as far as they lead
//! somewhere; those to elsewhere are not fetched. `parameters` makes the arguments, `schema` follows
//! references, `security` says who asks.

mod parameters;
mod schema;
mod security;

use gantry_domain::api::openapi::{OpenApiDocument, OpenApiOperation};
use gantry_domain::spec::check::faults_of_tool;
use gantry_domain::spec::{Effect, Tool, ToolSource};
use serde_json::{Map, Value};

use super::names::identifier;
use schema::Schemas;

/// How many operations are offered at most.
const MOST_OPERATIONS: usize = 500;
/// The longest description that a tool may have, in characters.
const LONGEST_DESCRIPTION: usize = 1_024;
/// How long a call may take, in milliseconds.
const TIMEOUT_MILLIS: u64 = 10_000;
/// The methods of operations, and whether a tool can use them.
const METHODS: [(&str, &str, bool); 8] = [
    ("get", "GET", true),
    ("post", "POST", true),
    ("put", "PUT", true),
    ("patch", "PATCH", true),
    ("delete", "DELETE", true),
    ("head", "HEAD", false),
    ("options", "OPTIONS", false),
    ("trace", "TRACE", false),
];

/// Reads a document. `from` is where it was found, which its relative addresses are relative to; `server`
/// is where the service is, whatever the document says.
///
/// # Errors
/// Why it is no such document, as a sentence.
pub fn read(document: &Value, from: Option<&str>, server: Option<&str>) -> Result<OpenApiDocument, String> {
    let stated = document["openapi"].as_str().unwrap_or_default();
    if !(stated.starts_with("3.0") || stated.starts_with("3.1")) {
        return Err(match (document["swagger"].as_str(), stated) {
            (Some(version), _) => format!(
                "This is Swagger {version}. Expected OpenAPI 3.0 or 3.1: most tools that read the older form can write the newer."
            ),
            (None, "") => {
                "Expected an OpenAPI document, which says \"openapi\" and a version such as 3.1.0.".to_owned()
            }
            (None, version) => format!("Expected OpenAPI 3.0 or 3.1; this document says {version:.40}."),
        });
    }
    let reader = Reader { document, from, server };
    let mut operations = Vec::new();
    let mut taken = Vec::new();
    let empty = Map::new();
    for (path, item) in document["paths"].as_object().unwrap_or(&empty) {
        let item = Schemas::new(document).follow(item);
        for (key, method, _) in METHODS {
            let Some(operation) = item.get(key).filter(|operation| operation.is_object()) else { continue };
            if operations.len() == MOST_OPERATIONS {
                return Ok(reader.answer(operations, true));
            }
            operations.push(reader.operation(path, method, &item, operation, &mut taken));
        }
    }
    Ok(reader.answer(operations, false))
}

struct Reader<'a> {
    document: &'a Value,
    from: Option<&'a str>,
    server: Option<&'a str>,
}

impl Reader<'_> {
    fn answer(&self, operations: Vec<OpenApiOperation>, has_more: bool) -> OpenApiDocument {
        let info = &self.document["info"];
        let text = |name: &str| info[name].as_str().map(|text| cut(text, 200)).unwrap_or_default();
        OpenApiDocument { title: text("title"), version: text("version"), operations, has_more }
    }

    fn operation(
        &self,
        path: &str,
        method: &str,
        item: &Value,
        operation: &Value,
        taken: &mut Vec<String>,
    ) -> OpenApiOperation {
        let mut notes = Vec::new();
        let made = self.tool(path, method, item, operation, taken, &mut notes);
        let summary = text(operation, "summary").or_else(|| text(operation, "description")).unwrap_or_default();
        let (tool, refusal) = match made {
            Ok(tool) => {
                taken.push(tool.id.clone());
                (Some(tool), None)
            }
            Err(refusal) => (None, Some(refusal)),
        };
        if tool.is_none() {
            notes.clear();
        }
        let summary = cut(summary.lines().next().unwrap_or_default(), 200);
        OpenApiOperation { name: cut(&format!("{method} {path}"), 300), summary, tool, refusal, notes }
    }

    fn tool(
        &self,
        path: &str,
        method: &str,
        item: &Value,
        operation: &Value,
        taken: &[String],
        notes: &mut Vec<String>,
    ) -> Result<Tool, String> {
        if !METHODS.iter().any(|(_, known, can_be_used)| *known == method && *can_be_used) {
            return Err(format!("Its method, {method}, is none that a tool uses."));
        }
        if operation["deprecated"] == true {
            notes.push("The document calls it deprecated.".to_owned());
        }
        let base = self.base(item, operation)?;
        let headers = security::headers(self.document, operation, notes)?;
        let mut schemas = Schemas::new(self.document);
        let made = parameters::arguments(&mut schemas, method, path, item, operation, notes)?;
        notes.append(&mut schemas.notes);
        let named = operation["operationId"].as_str().filter(|id| !id.trim().is_empty());
        let fallback = format!("{} {}", method.to_lowercase(), path.replace(['{', '}'], " "));
        let description = [text(operation, "summary"), text(operation, "description")];
        let description = match description {
            [Some(summary), Some(more)] if !more.starts_with(summary) => format!("{summary}\n{more}"),
            [_, Some(text)] | [Some(text), None] => text.to_owned(),
            [None, None] => format!("{method} {path}"),
        };
        let tool = Tool {
            id: identifier(named.unwrap_or(&fallback), taken),
            description: cut(&description, LONGEST_DESCRIPTION),
            parameters: made.schema,
            effect: if method == "GET" { Effect::Network } else { Effect::Write },
            timeout_ms: TIMEOUT_MILLIS,
            source: ToolSource::Http {
                method: method.to_owned(),
                url: format!("{}{}", base.trim_end_matches('/'), made.address),
                headers,
            },
        };
        match faults_of_tool(&tool).first() {
            None => Ok(tool),
            Some(fault) => Err(format!("What it would be is no tool: {}: {}.", fault.path, fault.message)),
        }
    }

    /// Where the service is.
    fn base(&self, item: &Value, operation: &Value) -> Result<String, String> {
        if let Some(server) = self.server {
            return Ok(server.to_owned());
        }
        let stated = [operation, item, self.document].into_iter().find_map(|place| place["servers"].get(0));
        let mut url = stated.and_then(|server| server["url"].as_str()).unwrap_or("/").to_owned();
        let empty = Map::new();
        for (name, variable) in stated.and_then(|server| server["variables"].as_object()).unwrap_or(&empty) {
            url = url.replace(&format!("{{{name}}}"), variable["default"].as_str().unwrap_or_default());
        }
        if url.starts_with("http://") || url.starts_with("https://") {
            return Ok(url);
        }
        let unsaid = || "The document does not say where the service is: give its address.".to_owned();
        let from = self.from.ok_or_else(unsaid)?;
        let (scheme, rest) = from.split_once("://").ok_or_else(unsaid)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if let Some(rest) = url.strip_prefix("//") {
            return Ok(format!("{scheme}://{rest}"));
        }
        if url.starts_with('/') {
            return Ok(format!("{scheme}://{host}{url}"));
        }
        let place = rest.split(['?', '#']).next().unwrap_or_default();
        let folder = place.rsplit_once('/').map_or(host, |(folder, _)| folder);
        let url = url.strip_prefix("./").unwrap_or(&url);
        Ok(format!("{scheme}://{folder}/{}", if url == "." { "" } else { url }))
    }
}

/// A text that says something.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value[name].as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A text of at most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests;
