//! Zod's description of an object as a JSON Schema, read from the calls that make it.

use serde_json::{Map, Value, json};

use crate::exchange::code::{Code, Expr, Form};

const DEEPEST: usize = 16;

/// The schema that an expression makes; none if it cannot be read.
pub(in crate::exchange) fn schema(code: &Code, expr: &Expr) -> Option<Value> {
    read(code, expr, 0).map(|(schema, _)| schema)
}

/// A schema, and whether a value of it may be missing.
fn read(code: &Code, expr: &Expr, depth: usize) -> Option<(Value, bool)> {
    if depth > DEEPEST {
        return None;
    }
    let value = code.value(expr);
    let call = value.as_call()?;
    let Form::Member(base, method) = &call.callee.form else { return None };
    let first = call.positional().next();
    if is_root(base) {
        return Some((kind(code, method, first, depth)?, false));
    }
    let (mut schema, mut may_miss) = read(code, base, depth + 1)?;
    let number = first.and_then(|first| code.json(first)).filter(Value::is_number);
    let of = schema["type"].as_str().unwrap_or_default().to_owned();
    match method.as_str() {
        "describe" => {
            if let Some(words) = first.and_then(|first| code.words(first)) {
                schema["description"] = json!(words.text);
            }
        }
        "optional" | "nullable" | "nullish" => may_miss = true,
        "default" | "catch" | "prefault" => {
            may_miss = true;
            if let Some(default) = first.and_then(|first| code.json(first)) {
                schema["default"] = default;
            }
        }
        "int" => schema["type"] = json!("integer"),
        "min" | "gte" | "max" | "lte" => {
            let is_least = matches!(method.as_str(), "min" | "gte");
            let key = match (of.as_str(), is_least) {
                ("string", true) => "minLength",
                ("string", false) => "maxLength",
                ("array", true) => "minItems",
                ("array", false) => "maxItems",
                (_, true) => "minimum",
                (_, false) => "maximum",
            };
            if let Some(number) = number {
                schema[key] = number;
            }
        }
        "email" | "url" | "uuid" | "datetime" | "date" => {
            schema["format"] = json!(match method.as_str() {
                "url" => "uri",
                "datetime" => "date-time",
                other => other,
            });
        }
        "array" => schema = json!({"type": "array", "items": schema}),
        _ => {}
    }
    Some((schema, may_miss))
}

/// `z`, or `z.coerce`.
fn is_root(base: &Expr) -> bool {
    match &base.form {
        Form::Name(name) => name == "z" || name == "zod",
        Form::Member(inner, name) => name == "coerce" && is_root(inner),
        _ => false,
    }
}

fn kind(code: &Code, method: &str, first: Option<&Expr>, depth: usize) -> Option<Value> {
    Some(match method {
        "string" => json!({"type": "string"}),
        "email" => json!({"type": "string", "format": "email"}),
        "url" => json!({"type": "string", "format": "uri"}),
        "uuid" => json!({"type": "string", "format": "uuid"}),
        "date" => json!({"type": "string", "format": "date-time"}),
        "number" => json!({"type": "number"}),
        "int" | "bigint" => json!({"type": "integer"}),
        "boolean" => json!({"type": "boolean"}),
        "null" => json!({"type": "null"}),
        "any" | "unknown" => json!({}),
        "record" => json!({"type": "object"}),
        "literal" => json!({"enum": [code.json(first?)?]}),
        "enum" => {
            let values: Vec<Value> = code.items(first?).iter().map(|value| code.json(value)).collect::<Option<_>>()?;
            json!({"type": "string", "enum": values})
        }
        "array" | "set" => json!({"type": "array", "items": read(code, first?, depth + 1)?.0}),
        "tuple" => json!({"type": "array", "items": {}}),
        "union" | "discriminatedUnion" => {
            let options: Vec<Value> = code
                .items(first?)
                .iter()
                .map(|option| read(code, option, depth + 1).map(|(schema, _)| schema))
                .collect::<Option<_>>()?;
            json!({ "anyOf": options })
        }
        "optional" | "nullable" => read(code, first?, depth + 1)?.0,
        "object" | "strictObject" | "looseObject" => {
            let fields = first.map(|first| code.value(first));
            let Some(Form::Map(entries)) = fields.as_ref().map(|fields| &fields.form) else {
                return Some(json!({"type": "object", "properties": {}, "required": []}));
            };
            let mut properties = Map::new();
            let mut required = Vec::new();
            for (key, value) in entries {
                let name = key.as_plain()?;
                let (schema, may_miss) = read(code, value.as_ref()?, depth + 1)?;
                if !may_miss {
                    required.push(json!(name));
                }
                properties.insert(name, schema);
            }
            json!({"type": "object", "properties": properties, "required": required})
        }
        _ => return None,
    })
}
