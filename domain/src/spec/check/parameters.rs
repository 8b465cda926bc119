//! A tool's arguments: a JSON Schema (2020-12) of type `object`, as far as models and generated
//! code need it to make sense.

use serde_json::Value;

use super::Findings;
use crate::spec::{names, read};

/// How deep a schema may nest.
const MAX_DEPTH: usize = 12;

pub(super) fn check(parameters: &Value, tool: &str, path: &str, found: &mut Findings) {
    let Some(schema) = parameters.as_object() else {
        found.error(
            "parameters_invalid",
            path,
            "expected a JSON Schema of type object, such as {type: object, properties: {}}",
        );
        return;
    };
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        found.error("parameters_invalid", format!("{path}/type"), "expected object: a tool takes named arguments");
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        if properties.len() > 64 {
            found.error("too_many", format!("{path}/properties"), "expected at most 64 arguments");
        }
        // What the function that is generated for the tool refers to.
        let upper = tool.to_ascii_uppercase();
        let taken = [
            "http_request".to_owned(),
            "call_mcp".to_owned(),
            "call_mcp_at".to_owned(),
            format!("{upper}_URL"),
            format!("{upper}_COMMAND"),
        ];
        for name in properties.keys() {
            if !names::is_python_identifier(name) || name.starts_with('_') || taken.contains(name) {
                found.error(
                    "argument_name_invalid",
                    format!("{path}/properties/{}", read::escape(name)),
                    "expected an argument's name of letters, digits and underscores that starts with a letter and is no Python keyword",
                );
            }
        }
    }
    node(parameters, path, 0, found);
}

fn node(schema: &Value, path: &str, depth: usize, found: &mut Findings) {
    if schema.is_boolean() {
        return;
    }
    let Some(schema) = schema.as_object() else {
        found.error("schema_invalid", path, "expected a JSON Schema: an object, true or false");
        return;
    };
    if depth > MAX_DEPTH {
        found.error("schema_too_deep", path, format!("expected at most {MAX_DEPTH} levels"));
        return;
    }
    if let Some(kind) = schema.get("type") {
        let is_known = |kind: &Value| {
            kind.as_str().is_some_and(|kind| {
                matches!(kind, "string" | "number" | "integer" | "boolean" | "object" | "array" | "null")
            })
        };
        let all_known = match kind {
            Value::Array(kinds) => !kinds.is_empty() && kinds.iter().all(is_known),
            kind => is_known(kind),
        };
        if !all_known {
            found.error(
                "schema_invalid",
                format!("{path}/type"),
                "expected string, number, integer, boolean, object, array or null",
            );
        }
    }
    match schema.get("properties") {
        None => {}
        Some(Value::Object(properties)) => {
            for (name, property) in properties {
                node(property, &format!("{path}/properties/{}", read::escape(name)), depth + 1, found);
            }
        }
        Some(_) => {
            found.error("schema_invalid", format!("{path}/properties"), "expected an object of schemas by name");
        }
    }
    match schema.get("required") {
        None => {}
        Some(Value::Array(required)) => {
            for (index, name) in required.iter().enumerate() {
                let path = format!("{path}/required/{index}");
                match name.as_str() {
                    None => {
                        found.error("schema_invalid", path, "expected the name of an argument");
                    }
                    Some(_) if required[..index].contains(name) => {
                        found.error("schema_invalid", path, "expected every name once");
                    }
                    Some(name) if schema.get("properties").is_none_or(|properties| properties.get(name).is_none()) => {
                        found.error("schema_invalid", path, format!("{name:?} is not in properties"));
                    }
                    Some(_) => {}
                }
            }
        }
        Some(_) => {
            found.error("schema_invalid", format!("{path}/required"), "expected a list of names");
        }
    }
    for key in ["items", "additionalProperties", "not"] {
        if let Some(inner) = schema.get(key) {
            node(inner, &format!("{path}/{key}"), depth + 1, found);
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        match schema.get(key) {
            None => {}
            Some(Value::Array(options)) if !options.is_empty() => {
                for (index, inner) in options.iter().enumerate() {
                    node(inner, &format!("{path}/{key}/{index}"), depth + 1, found);
                }
            }
            Some(_) => {
                found.error("schema_invalid", format!("{path}/{key}"), "expected a list of schemas");
            }
        }
    }
    if schema.get("enum").is_some_and(|values| values.as_array().is_none_or(Vec::is_empty)) {
        found.error("schema_invalid", format!("{path}/enum"), "expected a list of at least one value");
    }
    if schema.contains_key("$ref") || schema.contains_key("$dynamicRef") {
        found.error(
            "schema_invalid",
            format!("{path}/$ref"),
            "expected a schema without references: models do not follow them",
        );
    }
}
