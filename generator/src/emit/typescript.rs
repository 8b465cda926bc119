//! TypeScript source: literals, comments and names, laid out as a formatter would.

use std::fmt::Write as _;

use gantry_domain::spec::is_invisible;
use serde_json::Value;

use super::language::{Language as _, TypeScript};

/// How wide a line may be.
pub(super) const WIDTH: usize = 120;

/// A string literal on one line: in double quotes, or in single ones if that spares escapes.
pub(super) fn string(text: &str) -> TypeScript {
    TypeScript::of(if text.contains('"') && !text.contains('\'') {
        format!("'{}'", escaped(text).replace("\\\"", "\""))
    } else {
        format!("\"{}\"", escaped(text))
    })
}

/// A space and what follows it; none before what begins on the next line.
pub(super) fn after_space(value: &TypeScript) -> TypeScript {
    let space = if value.text().starts_with('\n') { "" } else { " " };
    TypeScript::of(format!("{space}{}", value.text()))
}

/// The inside of a string literal in double quotes. No `</` stands in it: what is between `<script>`
/// and `</script>` stays so.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            '/' if before == '<' => escaped.push_str("\\/"),
            c if is_invisible(c) => {
                let _ = match u32::from(c) {
                    code @ 0..=0xFFFF => write!(escaped, "\\u{code:04x}"),
                    code => write!(escaped, "\\u{{{code:x}}}"),
                };
            }
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}

/// A string literal for long texts: one line if it fits, else one piece per line of the text and per
/// screen line, joined by `+`. `indent` is the column of the statement.
pub(super) fn text(text: &str, indent: usize) -> TypeScript {
    let single = string(text);
    if single.text().chars().count() + indent <= WIDTH - 20 && !text.trim_end_matches('\n').contains('\n') {
        return single;
    }
    let margin = " ".repeat(indent + 2);
    let pieces: Vec<String> = text
        .split_inclusive('\n')
        .flat_map(|line| pieces(line, WIDTH - indent - 12))
        .map(|piece| format!("{margin}{}", string(piece).text()))
        .collect();
    TypeScript::of(format!("\n{}", pieces.join(" +\n")))
}

/// A line in pieces of about `width` characters, cut after spaces (or anywhere if there is none).
fn pieces(line: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut cut, mut length) = (0, 0, 0);
    for (index, c) in line.char_indices() {
        length += escaped(c.encode_utf8(&mut [0; 4])).chars().count();
        if length > width && index > start {
            let end = if cut > start { cut } else { index };
            pieces.push(&line[start..end]);
            start = end;
            length = escaped(&line[start..index + c.len_utf8()]).chars().count();
        }
        if c == ' ' {
            cut = index + 1;
        }
    }
    if start < line.len() {
        pieces.push(&line[start..]);
    }
    pieces
}

/// A comment of one paragraph before what it is about, wrapped at the width.
pub(super) fn comment(text: &str) -> TypeScript {
    let visible: String = text.chars().map(|c| if is_invisible(c) && !c.is_whitespace() { ' ' } else { c }).collect();
    let mut lines: Vec<String> = vec![String::new()];
    for word in visible.split_whitespace() {
        // A word that ends the comment must not.
        let word = word.replace("*/", "*\\/");
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() + 8 > WIDTH {
            lines.push(word);
        } else if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    TypeScript::of(match lines.as_slice() {
        [line] => format!("/** {line} */"),
        lines => format!("/**\n{} */", lines.iter().map(|line| format!(" * {line}\n")).collect::<String>()),
    })
}

/// A name as a key of an object: bare if it can be.
pub(super) fn key(name: &str) -> TypeScript {
    let is_bare = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_bare { TypeScript::of(name.to_owned()) } else { string(name) }
}

/// A JSON value as a literal, on one line if it fits. `indent` is the column of the line on which it
/// begins, `used` how much of that line is taken.
pub(super) fn value(json: &Value, indent: usize, used: usize) -> TypeScript {
    let line = inline(json);
    if used + line.chars().count() < WIDTH {
        return TypeScript::of(line);
    }
    let margin = " ".repeat(indent + 2);
    let end = " ".repeat(indent);
    TypeScript::of(match json {
        Value::Object(map) if !map.is_empty() => {
            let entries: String = sorted(map)
                .into_iter()
                .map(|(name, entry)| {
                    let head = format!("{margin}{}:", member(name));
                    let entry = value(entry, indent + 2, head.chars().count() + 1);
                    format!("{head}{},\n", after_space(&entry).text())
                })
                .collect();
            format!("{{\n{entries}{end}}}")
        }
        Value::Array(items) if !items.is_empty() => {
            // A text of several lines begins where its item does.
            let entries: String = items
                .iter()
                .map(|item| format!("{margin}{},\n", value(item, indent + 2, indent + 2).text().trim_start()))
                .collect();
            format!("[\n{entries}{end}]")
        }
        Value::String(string) => return text(string, indent),
        _ => line,
    })
}

fn inline(json: &Value) -> String {
    match json {
        Value::String(text) => string(text).text().to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries: Vec<_> =
                sorted(map).into_iter().map(|(name, entry)| format!("{}: {}", member(name), inline(entry))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// A key of an object literal. `__proto__` would set the object's prototype.
fn member(name: &str) -> String {
    if name == "__proto__" { format!("[{}]", string(name).text()) } else { key(name).text().to_owned() }
}

/// The order in which people write a JSON Schema, then names: the same whatever the map remembers.
fn sorted(map: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    const ORDER: [&str; 6] = ["type", "description", "properties", "items", "required", "additionalProperties"];
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| (ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()), key.as_str()));
    entries
}

/// A list of strings.
pub(super) fn strings<T: AsRef<str>>(items: &[T]) -> TypeScript {
    let items: Vec<String> = items.iter().map(|item| string(item.as_ref()).text().to_owned()).collect();
    TypeScript::of(format!("[{}]", items.join(", ")))
}

/// An object on one line if it fits, else one line for each field; `indent` is its column.
pub(super) fn object(indent: usize, head: &str, fields: &[(&str, TypeScript)], end: &str) -> String {
    let margin = " ".repeat(indent);
    let members: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}:{}", after_space(value).text())).collect();
    let line = format!("{margin}{head}{{ {} }}{end}", members.join(", "));
    if line.chars().count() <= WIDTH - 20 && !line.contains('\n') {
        return line;
    }
    let lines: String = members.iter().map(|member| format!("{margin}  {member},\n")).collect();
    format!("{margin}{head}{{\n{lines}{margin}}}{end}")
}

/// The parameter of a function that takes a tool's arguments apart: `{ city, unit }: { city: string; unit?: string }`.
/// An argument whose name is a word of the language is called with a line behind it.
pub(super) fn parameter(arguments: &[(&str, bool)], schema: &Value) -> TypeScript {
    if arguments.is_empty() {
        return TypeScript::of(String::new());
    }
    let mut names: Vec<String> = Vec::new();
    let mut types: Vec<String> = Vec::new();
    for (name, is_required) in arguments {
        let mut variable = (*name).to_owned();
        while is_reserved(&variable) || variable != *name && arguments.iter().any(|(other, _)| *other == variable) {
            variable.push('_');
        }
        names.push(if variable == *name { variable } else { format!("{name}: {variable}") });
        let mark = if *is_required { "" } else { "?" };
        types.push(format!("{name}{mark}: {}", type_of(&schema["properties"][*name])));
    }
    TypeScript::of(format!("{{ {} }}: {{ {} }}", names.join(", "), types.join("; ")))
}

fn type_of(schema: &Value) -> &'static str {
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => "string",
        Some("integer" | "number") => "number",
        Some("boolean") => "boolean",
        Some("array") => "unknown[]",
        Some("object") => "Record<string, unknown>",
        _ => "unknown",
    }
}

/// Whether a name cannot be a variable in a module (ECMAScript 2024, 12.7.2 and 13.1.1).
fn is_reserved(name: &str) -> bool {
    const WORDS: [&str; 49] = [
        "arguments",
        "await",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "debugger",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "eval",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "function",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "interface",
        "let",
        "new",
        "null",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "typeof",
        "undefined",
        "var",
        "void",
        "while",
        "with",
        "yield",
    ];
    WORDS.contains(&name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(
            string("a\"b'`${x}\\\n\u{0}\u{2028}\u{202E}\u{E0001}😀</script>").text(),
            r#""a\"b'`${x}\\\n\u0000\u2028\u202e\u{e0001}😀<\/script>""#
        );
    }

    #[test]
    fn comments_do_not_end_early() {
        assert_eq!(comment("a */ b\n// c").text(), r"/** a *\/ b // c */");
    }

    #[test]
    fn values_become_literals() {
        let literal = value(&json!({"type": "object", "a-b": [true, null, 1.5], "__proto__": {}}), 0, 0);
        assert_eq!(literal.text(), r#"{ type: "object", ["__proto__"]: {}, "a-b": [true, null, 1.5] }"#);
    }

    #[test]
    fn arguments_are_taken_apart_whatever_they_are_called() {
        let schema = json!({"properties": {"delete": {"type": "boolean"}, "delete_": {}, "word": {"type": "string"}}});
        assert_eq!(
            parameter(&[("word", true), ("delete", false), ("delete_", false)], &schema).text(),
            "{ word, delete: delete__, delete_ }: { word: string; delete?: boolean; delete_?: unknown }"
        );
    }
}
