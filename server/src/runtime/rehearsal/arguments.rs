//! Arguments that fit a tool's JSON Schema, made from the person's words.

use gantry_domain::spec::{Builtin, Tool, ToolSource};
use serde_json::{Map, Number, Value, json};

/// How deep a schema is followed.
const DEEPEST: usize = 8;

/// Arguments for a tool: what its schema requires, filled from the person's words.
pub(super) fn arguments(tool: &Tool, words: &str) -> Value {
    if let ToolSource::Builtin { name: Builtin::Calculator } = &tool.source {
        return json!({ "expression": expression_in(words).unwrap_or_else(|| "2 + 2".to_owned()) });
    }
    let made = sample(&tool.parameters, &tool.parameters, words, 0);
    if made.is_object() { made } else { json!({}) }
}

/// A value that fits a schema, as far as a schema can be followed without guessing.
fn sample(schema: &Value, root: &Value, words: &str, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    let next = |schema: &Value| sample(schema, root, words, depth + 1);
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#')) {
        return root.pointer(target).map_or(Value::Null, next);
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    let first = |name: &str| schema.get(name).and_then(Value::as_array).and_then(|values| values.first());
    if let Some(value) = first("enum") {
        return value.clone();
    }
    if let Some(value) = schema.get("default").or_else(|| first("examples")) {
        return value.clone();
    }
    if let Some(schema) = first("anyOf").or_else(|| first("oneOf")).or_else(|| first("allOf")) {
        return next(schema);
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    };
    match kind {
        "object" => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let required = schema.get("required").and_then(Value::as_array);
            let names = required.into_iter().flatten().filter_map(Value::as_str);
            let made = names.map(|name| {
                let value = properties.and_then(|properties| properties.get(name)).map_or(Value::Null, next);
                (name.to_owned(), value)
            });
            Value::Object(made.collect::<Map<_, _>>())
        }
        "array" => {
            let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(16);
            let item = schema.get("items").map_or(Value::Null, next);
            Value::Array((0..count).map(|_| item.clone()).collect())
        }
        "integer" | "number" => number(schema, words, kind == "integer"),
        "boolean" => Value::Bool(true),
        "null" => Value::Null,
        _ => Value::String(text(schema, words)),
    }
}

fn number(schema: &Value, words: &str, whole: bool) -> Value {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let mut value = first_number(words).unwrap_or(1.0);
    if let Some(minimum) = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|least| least + 1.0)) {
        value = value.max(minimum);
    }
    if let Some(maximum) = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|most| most - 1.0)) {
        value = value.min(maximum);
    }
    if let Some(step) = bound("multipleOf").filter(|step| *step > 0.0) {
        value = (value / step).ceil() * step;
    }
    if whole || value.fract() == 0.0 {
        // Saturating, which is what a bound of a schema needs.
        return json!(value.ceil() as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn text(schema: &Value, words: &str) -> String {
    let fixed = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => Some("2026-01-01T00:00:00Z"),
        Some("date") => Some("2026-01-01"),
        Some("time") => Some("00:00:00Z"),
        Some("email") => Some("rehearsal@example.com"),
        Some("uri" | "url") => Some("https://example.com/"),
        Some("uuid") => Some("00000000-0000-0000-0000-000000000000"),
        _ => None,
    };
    if let Some(fixed) = fixed {
        return fixed.to_owned();
    }
    let words = if words.trim().is_empty() { "rehearsal" } else { words.trim() };
    let length = |name: &str| schema.get(name).and_then(Value::as_u64).and_then(|length| usize::try_from(length).ok());
    let mut made: String = words.chars().take(length("maxLength").unwrap_or(usize::MAX)).collect();
    let missing = length("minLength").unwrap_or(0).min(65_536).saturating_sub(made.chars().count());
    made.extend(std::iter::repeat_n('.', missing));
    made
}

fn first_number(words: &str) -> Option<f64> {
    let start = words.find(|character: char| character.is_ascii_digit())?;
    let negative =
        words[..start].ends_with('-') && !words[..start].trim_end_matches('-').ends_with(char::is_alphanumeric);
    let digits: String = words[start..].chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let value: f64 = digits.trim_end_matches('.').split("..").next()?.parse().ok()?;
    Some(if negative { -value } else { value })
}

/// The longest stretch of the words that the calculator can compute.
fn expression_in(words: &str) -> Option<String> {
    let is_part = |character: char| character.is_ascii_digit() || " \t.+-*/%^()".contains(character);
    let mut best: Option<String> = None;
    for stretch in words.split(|character: char| !is_part(character)) {
        let stretch = stretch.trim().trim_end_matches('.').trim_end();
        let counts = stretch.contains(|c: char| c.is_ascii_digit())
            && best.as_ref().is_none_or(|best| stretch.len() > best.len());
        if counts && super::super::calculator::calculate(stretch).is_ok() {
            best = Some(stretch.to_owned());
        }
    }
    best
}

#[cfg(test)]
pub(super) mod tests {
    use gantry_domain::spec::Effect;

    use super::*;

    pub(in super::super) fn tool(id: &str, parameters: Value, source: ToolSource) -> Tool {
        Tool {
            id: id.to_owned(),
            description: String::new(),
            parameters,
            effect: Effect::Read,
            timeout_ms: 1_000,
            source,
        }
    }

    pub(in super::super) fn http(parameters: Value) -> Tool {
        let (method, url) = ("GET".into(), "http://h/".into());
        tool("lookup", parameters, ToolSource::Http { method, url, headers: std::collections::BTreeMap::new() })
    }

    #[test]
    fn an_expression_is_found_in_the_words() {
        for (words, expected) in [
            ("What is (2 + 3) * 4?", Some("(2 + 3) * 4")),
            ("add 7 and tell me 12*12.", Some("12*12")),
            ("nothing here - really", None),
            ("17", Some("17")),
        ] {
            assert_eq!(expression_in(words).as_deref(), expected, "{words}");
        }
    }

    #[test]
    fn arguments_fit_the_schema_and_nothing_optional_is_made_up() {
        let parameters = json!({
            "type": "object",
            "required": ["city", "unit", "days", "ratio", "deep", "tags", "kind"],
            "properties": {
                "city": {"type": "string", "maxLength": 4},
                "unit": {"enum": ["celsius", "kelvin"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 5},
                "ratio": {"type": ["number", "null"]},
                "deep": {"$ref": "#/$defs/deep"},
                "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
                "kind": {"const": 3},
                "optional": {"type": "string"},
            },
            "$defs": {"deep": {"type": "object", "required": ["on"], "properties": {"on": {"type": "string", "format": "date"}}}},
        });
        let made = arguments(&http(parameters.clone()), "Oslo for 9.5 days");
        assert_eq!(
            made,
            json!({"city": "Oslo", "unit": "celsius", "days": 5, "ratio": 9.5, "deep": {"on": "2026-01-01"}, "tags": [true, true], "kind": 3})
        );
        assert!(jsonschema::is_valid(&parameters, &made));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let parameters = json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}});
        assert!(arguments(&http(parameters), "x").is_object());
    }
}
