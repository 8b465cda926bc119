//! Python source: literals, names, and the way a formatter would lay them out.

use std::fmt::Write as _;

use gantry_domain::spec::{argument_names, is_invisible};
use serde_json::Value;

use super::language::{Language, Python};

/// How wide a line may be.
pub(super) const WIDTH: usize = 120;

/// A string literal on one line.
pub(super) fn string(text: &str) -> Python {
    Python::of(quoted(text))
}

/// In double quotes, or in single ones if that spares escapes.
fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    push_quoted(&mut literal, text);
    literal
}

fn push_quoted(literal: &mut String, text: &str) {
    let quote = if text.contains('"') && !text.contains('\'') { '\'' } else { '"' };
    literal.push(quote);
    push_escaped(literal, text, quote);
    literal.push(quote);
}

/// A string literal for long texts: one line if it fits, else one piece per line of the text and
/// per screen line, in parentheses. `indent` is the column of the statement.
pub(super) fn text(text: &str, indent: usize) -> Python {
    let single = string(text);
    if single.text().chars().count() + indent <= WIDTH - 20 && !text.trim_end_matches('\n').contains('\n') {
        return single;
    }
    let mut literal = String::from("(\n");
    for line in text.split_inclusive('\n') {
        for piece in pieces(line, WIDTH - indent - 12) {
            margin(&mut literal, indent + 4);
            push_quoted(&mut literal, piece);
            literal.push('\n');
        }
    }
    margin(&mut literal, indent);
    literal.push(')');
    Python::of(literal)
}

/// Begins a line at a column.
fn margin(literal: &mut String, column: usize) {
    literal.extend(std::iter::repeat_n(' ', column));
}

/// A line in pieces of about `width` characters, cut after spaces (or anywhere if there is none).
fn pieces(line: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut cut, mut length) = (0, 0, 0);
    for (index, c) in line.char_indices() {
        length += escaped_width(c);
        if length > width && index > start {
            let end = if cut > start { cut } else { index };
            pieces.push(&line[start..end]);
            start = end;
            length = line[start..index + c.len_utf8()].chars().map(escaped_width).sum();
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

/// A docstring of one paragraph, wrapped at the width that is left.
pub(super) fn docstring(text: &str, indent: usize) -> Python {
    let visible: String = text.chars().map(|c| if is_invisible(c) && !c.is_whitespace() { ' ' } else { c }).collect();
    let mut lines: Vec<String> = vec![String::new()];
    for word in visible.split_whitespace() {
        let word = escaped(word);
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() + indent + 6 > WIDTH {
            lines.push(word);
        } else if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    let margin = " ".repeat(indent);
    let end = if lines.len() > 1 { format!("\n{margin}") } else { String::new() };
    Python::of(format!("\"\"\"{}{end}\"\"\"", lines.join(&format!("\n{margin}"))))
}

/// The inside of a string literal in double quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    push_escaped(&mut escaped, text, '"');
    escaped
}

/// The inside of a string literal in quotes of one kind; those of the other need no escape.
fn push_escaped(escaped: &mut String, text: &str, quote: char) {
    // Most text is plain, and looked at as bytes that is known many times faster.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        escaped.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '"' if quote == '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            c if is_invisible(c) => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xFF => write!(escaped, "\\x{code:02x}"),
                    0x100..=0xFFFF => write!(escaped, "\\u{code:04x}"),
                    _ => write!(escaped, "\\U{code:08x}"),
                };
            }
            c => escaped.push(c),
        }
    }
}

/// How many characters [`escaped`] makes of one.
fn escaped_width(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\t' | '\r' => 2,
        c if is_invisible(c) => match u32::from(c) {
            0..=0xFF => 4,
            0x100..=0xFFFF => 6,
            _ => 10,
        },
        _ => 1,
    }
}

/// A JSON value as a Python literal, on one line if it fits. `indent` is the column of the line on
/// which it begins, `used` how much of that line is taken.
pub(super) fn value(json: &Value, indent: usize, used: usize) -> Python {
    let mut literal = String::new();
    push_value(&mut literal, json, indent, used);
    Python::of(literal)
}

fn push_value(literal: &mut String, json: &Value, indent: usize, used: usize) {
    let start = literal.len();
    // A character has at most four bytes, so what is longer than this does not fit on the line.
    let longest = start + 4 * WIDTH;
    if push_inline(literal, json, longest) && used + literal[start..].chars().count() < WIDTH {
        return;
    }
    match json {
        Value::Object(map) if !map.is_empty() => {
            literal.truncate(start);
            literal.push_str("{\n");
            for (key, entry) in sorted(map) {
                let line = literal.len();
                margin(literal, indent + 4);
                push_key(literal, key);
                let used = literal[line..].chars().count();
                push_value(literal, entry, indent + 4, used);
                literal.push_str(",\n");
            }
            margin(literal, indent);
            literal.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            literal.truncate(start);
            literal.push_str("[\n");
            for item in items {
                margin(literal, indent + 4);
                push_value(literal, item, indent + 4, indent + 4);
                literal.push_str(",\n");
            }
            margin(literal, indent);
            literal.push(']');
        }
        Value::String(string) => {
            literal.truncate(start);
            literal.push_str(text(string, indent).text());
        }
        // What has no parts stays on its line.
        _ => {}
    }
}

fn push_key(literal: &mut String, key: &str) {
    literal.push('"');
    push_escaped(literal, key, '"');
    literal.push_str("\": ");
}

/// Writes a value on one line. `false`: it was left off, because the literal became longer than `longest` bytes.
fn push_inline(literal: &mut String, json: &Value, longest: usize) -> bool {
    match json {
        Value::Null => literal.push_str("None"),
        Value::Bool(true) => literal.push_str("True"),
        Value::Bool(false) => literal.push_str("False"),
        Value::Number(number) => drop(write!(literal, "{number}")),
        Value::String(string) => push_quoted(literal, string),
        Value::Array(items) => {
            literal.push('[');
            for (index, item) in items.iter().enumerate() {
                literal.push_str(if index > 0 { ", " } else { "" });
                if !push_inline(literal, item, longest) {
                    return false;
                }
            }
            literal.push(']');
        }
        Value::Object(map) => {
            literal.push('{');
            for (index, (key, entry)) in sorted(map).into_iter().enumerate() {
                literal.push_str(if index > 0 { ", " } else { "" });
                push_key(literal, key);
                if !push_inline(literal, entry, longest) {
                    return false;
                }
            }
            literal.push('}');
        }
    }
    literal.len() <= longest
}

/// The order in which people write a JSON Schema, then names: the same whatever the map remembers.
fn sorted(map: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    const ORDER: [&str; 6] = ["type", "description", "properties", "items", "required", "additionalProperties"];
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| (ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()), key.as_str()));
    entries
}

/// A tuple of strings.
pub(super) fn tuple(items: &[String]) -> Python {
    let comma = if items.len() == 1 { "," } else { "" };
    Python::of(format!(
        "({}{comma})",
        items.iter().map(|item| format!("\"{}\"", escaped(item))).collect::<Vec<_>>().join(", ")
    ))
}

/// The parameters of a function as declared: `city: str, unit: str | None = None`.
pub(super) fn parameters(schema: &Value) -> Python {
    let declared: Vec<String> = argument_names(schema)
        .into_iter()
        .map(|(name, is_required)| {
            let hint = type_hint(&schema["properties"][name]);
            match (is_required, hint) {
                (true, hint) => format!("{name}: {hint}"),
                (false, "object") => format!("{name}: object = None"),
                (false, hint) => format!("{name}: {hint} | None = None"),
            }
        })
        .collect();
    Python::of(declared.join(", "))
}

fn type_hint(schema: &Value) -> &'static str {
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => "str",
        Some("integer") => "int",
        Some("number") => "float",
        Some("boolean") => "bool",
        Some("array") => "list",
        Some("object") => "dict",
        _ => "object",
    }
}

/// Seconds as Python writes them.
pub(super) fn seconds(milliseconds: u64) -> Python {
    #[expect(clippy::cast_precision_loss, reason = "at most 600 000")]
    let seconds = milliseconds as f64 / 1000.0;
    Python::of(format!("{seconds:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(string("a\"b'\\x\n\u{0}\u{202E}😀").text(), r#""a\"b'\\x\n\x00\u202e😀""#);
    }

    #[test]
    fn the_width_of_what_is_escaped_is_known_beforehand() {
        for c in (0..=0x2_FFFF).chain(0xE_0000..=0xE_1000).filter_map(char::from_u32) {
            assert_eq!(escaped_width(c), escaped(c.encode_utf8(&mut [0; 4])).chars().count(), "{c:?}");
        }
    }

    #[test]
    fn long_texts_are_cut_after_words_and_lose_nothing() {
        let long = "word ".repeat(60) + "\nsecond line";
        let literal = text(&long, 0);
        assert!(literal.text().lines().all(|line| line.chars().count() <= WIDTH), "{}", literal.text());
        let joined: String =
            literal.text().lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix('"')).collect();
        assert_eq!(joined.replace("\\n", "\n"), long);
    }

    #[test]
    fn values_become_literals() {
        let literal = value(&json!({"type": "object", "a": [true, null, 1.5]}), 0, 0);
        assert_eq!(literal.text(), r#"{"type": "object", "a": [True, None, 1.5]}"#);
    }

    #[test]
    fn parameters_put_what_is_required_first() {
        let schema =
            json!({"properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {}}, "required": ["b"]});
        assert_eq!(parameters(&schema).text(), "b: str, a: int | None = None, c: object = None");
    }
}
