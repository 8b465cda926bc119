//! A spec as YAML text, and other YAML that people read.
//!
//! Writing is our own, in a few lines: keys in the order of the schema and not of a map, block
//! style, quotes only where YAML would read something else, and the same bytes everywhere. Reading
//! (feature `yaml`) is a real parser's.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use super::Spec;
#[cfg(feature = "yaml")]
use crate::problem::FieldProblem;

/// Reads a spec.
///
/// # Errors
///
/// What is wrong with the text (with its line) or with the spec's form (with a JSON Pointer).
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<Spec, Vec<FieldProblem>> {
    super::from_value(read_value(text)?)
}

/// Reads any YAML document as a JSON value.
///
/// # Errors
///
/// What is wrong with the text, with its line.
#[cfg(feature = "yaml")]
pub fn read_value(text: &str) -> Result<Value, Vec<FieldProblem>> {
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error
            .location()
            .map(|location| format!(" in line {}, column {}", location.line(), location.column()))
            .unwrap_or_default();
        let reason = error.without_snippet().to_string();
        let reason = reason.lines().next().unwrap_or_default();
        vec![FieldProblem::new("", "yaml_invalid", format!("expected a YAML document{place}: {reason}"))]
    })
}

/// Writes a spec: what a person would write, and always the same bytes.
pub fn write(spec: &Spec) -> String {
    // A spec has only what JSON has, so this cannot fail; the fallback keeps the signature honest.
    let value = serde_json::to_value(spec).unwrap_or_default();
    let mut text = String::new();
    let Value::Object(sections) = &value else { return text };
    let mut entries: Vec<_> = sections.iter().filter(|(_, value)| !is_empty_section(value)).collect();
    entries.sort_by_key(|(key, _)| (rank(key), key.as_str()));
    for (index, (key, value)) in entries.into_iter().enumerate() {
        // A blank line between sections, none between the one-line head and itself.
        if index > 0 && (value.is_object() || value.is_array()) {
            text.push('\n');
        }
        write_entry(&mut text, key, value, 0);
    }
    text
}

fn is_empty_section(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Writes any JSON value as a YAML document.
pub fn write_value(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => write_map(&mut text, map, 0, false),
        Value::Array(items) if !items.is_empty() => write_list(&mut text, items, 0),
        scalar => {
            text.push_str(&inline(scalar));
            text.push('\n');
        }
    }
    text
}

/// The keys of the schema in the order in which people read them; others follow by name.
const ORDER: [&str; 53] = [
    "apiVersion",
    "kind",
    "id",
    "name",
    "version",
    "description",
    "labels",
    "metadata",
    "target",
    "framework",
    "language",
    "pattern",
    "cloud",
    "exports",
    "models",
    "role",
    "instructions",
    "model",
    "agent",
    "agents",
    "tasks",
    "graph",
    "tools",
    "memory",
    "guardrails",
    "evals",
    "build",
    "method",
    "url",
    "command",
    "tool",
    "body",
    "effect",
    "timeoutMs",
    "type",
    "properties",
    "items",
    "required",
    "additionalProperties",
    "parameters",
    "maxSteps",
    "expectedOutput",
    "dependsOn",
    "start",
    "from",
    "to",
    "when",
    "edges",
    "cases",
    "input",
    "expect",
    "output",
    "contains",
];

fn rank(key: &str) -> usize {
    ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len())
}

fn write_map(text: &mut String, map: &serde_json::Map<String, Value>, indent: usize, first_is_placed: bool) {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| (rank(key), key.as_str()));
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 || !first_is_placed {
            text.push_str(&" ".repeat(indent));
        }
        write_entry(text, key, value, indent);
    }
}

/// `key: value`; the caller has written the indentation of the first line.
fn write_entry(text: &mut String, key: &str, value: &Value, indent: usize) {
    text.push_str(&inline_text(key));
    text.push(':');
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            write_map(text, map, indent + 2, false);
        }
        Value::Array(items) if !items.is_empty() => match short_list(items) {
            Some(list) => {
                let _ = writeln!(text, " {list}");
            }
            None => {
                text.push('\n');
                write_list(text, items, indent + 2);
            }
        },
        Value::String(string) if is_block(string) => {
            text.push_str(if string.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in string.trim_end_matches('\n').split('\n') {
                if !line.is_empty() {
                    text.push_str(&" ".repeat(indent + 2));
                    text.push_str(line);
                }
                text.push('\n');
            }
        }
        scalar => {
            let _ = writeln!(text, " {}", inline(scalar));
        }
    }
}

fn write_list(text: &mut String, items: &[Value], indent: usize) {
    for item in items {
        text.push_str(&" ".repeat(indent));
        text.push('-');
        match item {
            Value::Object(map) if !map.is_empty() => {
                text.push(' ');
                write_map(text, map, indent + 2, true);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                write_list(text, items, indent + 2);
            }
            scalar => {
                let _ = writeln!(text, " {}", inline(scalar));
            }
        }
    }
}

/// `[a, b]`, when all are short words.
fn short_list(items: &[Value]) -> Option<String> {
    let words: Option<Vec<&str>> = items
        .iter()
        .map(|item| {
            item.as_str().filter(|word| {
                is_plain(word) && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            })
        })
        .collect();
    let list = format!("[{}]", words?.join(", "));
    (list.len() <= 80).then_some(list)
}

fn inline(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(string) => inline_text(string),
        Value::Object(_) => "{}".into(),
        Value::Array(_) => "[]".into(),
        other => other.to_string().into(),
    }
}

fn inline_text(string: &str) -> Cow<'_, str> {
    if is_plain(string) {
        string.into()
    } else if string.contains(['"', '\\']) && !string.contains('\'') && string.chars().all(is_printable) {
        // Single quotes spare the escapes.
        format!("'{string}'").into()
    } else {
        quoted(string).into()
    }
}

/// Whether YAML (1.1 and 1.2) reads the bare text as this very string.
fn is_plain(string: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
    string.starts_with(|c: char| c.is_alphabetic())
        && !string.ends_with([' ', ':'])
        && !string.contains(": ")
        && string.chars().all(|c| (c.is_alphanumeric() && is_printable(c)) || " _-./+@(),':;=?!%&".contains(c))
        && !WORDS.contains(&string.to_ascii_lowercase().as_str())
}

/// Whether the text keeps its every character in a literal block.
fn is_block(string: &str) -> bool {
    string.contains('\n')
        && !string.starts_with(['\n', ' ', '\t'])
        && !string.ends_with("\n\n")
        && string.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
        && string.split('\n').all(|line| line.is_empty() || !line.trim().is_empty())
}

fn quoted(string: &str) -> String {
    let mut text = String::with_capacity(string.len() + 2);
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if is_printable(c) => text.push(c),
            c if u32::from(c) <= 0xFF => {
                let _ = write!(text, "\\x{:02X}", u32::from(c));
            }
            c if u32::from(c) <= 0xFFFF => {
                let _ = write!(text, "\\u{:04X}", u32::from(c));
            }
            c => {
                let _ = write!(text, "\\U{:08X}", u32::from(c));
            }
        }
    }
    text.push('"');
    text
}

/// Whether a character may stand for itself: printable in YAML's sense (section 5.1), and neither
/// invisible nor able to reorder the text around it (Unicode Technical Report 36).
fn is_printable(c: char) -> bool {
    !crate::spec::names::is_invisible(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn example() -> Spec {
        super::super::from_value(json!({
            "apiVersion": "gantry/v1", "kind": "Agent",
            "metadata": {"name": "weather-bot", "version": "0.1.0", "description": "Tells the weather: today # and\n  tomorrow.\n"},
            "target": {"framework": "react", "language": "python", "pattern": "react"},
            "models": {"default": {"temperature": 0.0}},
            "agents": [{"id": "main", "role": "Weather reporter", "instructions": "Be brief.", "tools": ["get_weather", "calculator"]}],
            "tools": [
                {"id": "get_weather", "kind": "http", "method": "GET", "url": "https://example.com/{city}", "description": "yes",
                 "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}, "effect": "network"},
            ],
        }))
        .unwrap()
    }

    #[test]
    fn it_reads_like_a_person_wrote_it() {
        assert_eq!(
            write(&example()),
            r#"apiVersion: gantry/v1
kind: Agent

metadata:
  name: weather-bot
  version: "0.1.0"
  description: |
    Tells the weather: today # and
      tomorrow.

target:
  framework: react
  language: python
  pattern: react

models:
  default:
    model: ""
    baseUrlVariable: OPENAI_BASE_URL
    keyVariable: OPENAI_API_KEY
    temperature: 0.0

agents:
  - id: main
    role: Weather reporter
    instructions: Be brief.
    model: default
    tools: [get_weather, calculator]
    maxSteps: 8

tools:
  - kind: http
    id: get_weather
    description: "yes"
    method: GET
    url: "https://example.com/{city}"
    effect: network
    timeoutMs: 10000
    parameters:
      type: object
      properties:
        city:
          type: string
      required: [city]

memory:
  kind: thread

evals:
  cases: evals/cases.yaml

build:
  base: python:3.12-slim
"#
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(read(&write(&example())).unwrap(), example());
    }

    #[test]
    fn a_broken_document_names_its_line() {
        for text in ["a: [", "a: 1\na: 2\n", "\t- x", "a: &x [*x, *x]\nb: *y", "a: b: c", ""] {
            match read(text) {
                Ok(_) => panic!("accepted {text:?}"),
                Err(problems) => assert!(!problems[0].message.is_empty(), "{text:?}"),
            }
        }
        let problem = read("a: 1\nb: [\n").unwrap_err().remove(0);
        assert_eq!(problem.code, "yaml_invalid");
        assert!(problem.message.contains("line"), "{}", problem.message);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[ -~\n]{0,40}",
            "(yes|no|null|~|0x1F|1e3|\\.inf|2026-01-01|- a|a: b|# c|\\||>|'|\"|%a|@a|`|\\{\\{|\\}\\}|\\[|!t|&a|\\*a|\\?|: |---|\\.\\.\\.)[ \n]?[a-z]{0,3}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1.0e6..1.0e6f64).prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn any_value_survives_writing_and_reading(value in any_json()) {
            let text = write_value(&value);
            let read = read_value(&text);
            prop_assert_eq!(read.as_ref().ok(), Some(&value), "{}\n{:?}", text, read.as_ref().err());
        }

        #[test]
        fn any_text_is_read_or_refused_but_never_panics(text in any::<String>()) {
            let _ = read(&text);
        }
    }
}
