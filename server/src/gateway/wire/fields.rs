//! Changing single fields of a JSON object while every other byte stays as it came.

use std::ops::Range;

/// The body with a field of its top level set to some JSON text: replaced where it is, else added at the
/// end. The body must be a JSON object, which the caller has checked by parsing it.
pub(crate) fn with_field(body: &[u8], name: &str, json: &str) -> Vec<u8> {
    let mut changed = Vec::with_capacity(body.len() + name.len() + json.len() + 4);
    let fields = top_level(body);
    // With a name that comes twice, the last one counts for most readers, so that is the one to change.
    if let Some((_, place)) = fields.iter().rev().find(|(known, _)| known == name) {
        changed.extend_from_slice(&body[..place.start]);
        changed.extend_from_slice(json.as_bytes());
        changed.extend_from_slice(&body[place.end..]);
        return changed;
    }
    let end = body.iter().rposition(|byte| *byte == b'}').unwrap_or(body.len());
    changed.extend_from_slice(&body[..end]);
    if !fields.is_empty() {
        changed.push(b',');
    }
    changed.push(b'"');
    changed.extend_from_slice(name.as_bytes());
    changed.extend_from_slice(b"\":");
    changed.extend_from_slice(json.as_bytes());
    changed.extend_from_slice(&body[end..]);
    changed
}

/// The fields of the top level and where their values are.
fn top_level(body: &[u8]) -> Vec<(String, Range<usize>)> {
    let mut fields = Vec::new();
    let mut at = body.iter().position(|byte| *byte == b'{').map_or(body.len(), |start| start + 1);
    loop {
        at = skip(body, at, |byte| byte.is_ascii_whitespace() || byte == b',');
        if body.get(at) != Some(&b'"') {
            return fields;
        }
        let name_end = end_of_text(body, at);
        let name: String = serde_json::from_slice(&body[at..name_end]).unwrap_or_default();
        let start = skip(body, name_end, |byte| byte.is_ascii_whitespace() || byte == b':');
        let end = end_of_value(body, start);
        fields.push((name, start..end));
        at = end;
    }
}

fn skip(body: &[u8], from: usize, is_skipped: impl Fn(u8) -> bool) -> usize {
    body[from.min(body.len())..].iter().position(|byte| !is_skipped(*byte)).map_or(body.len(), |offset| from + offset)
}

/// The end of the text that begins at a quotation mark.
fn end_of_text(body: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    body.len()
}

fn end_of_value(body: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => {
                at = end_of_text(body, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b',' if depth == 0 => return at,
            _ if depth == 0 && byte.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(body: &str, name: &str, json: &str) -> String {
        String::from_utf8(with_field(body.as_bytes(), name, json)).unwrap()
    }

    #[test]
    fn one_field_changes_and_every_other_byte_stays() {
        for (body, expected) in [
            (r#"{"model":"a"}"#, r#"{"model":"b"}"#),
            (
                r#"{ "x" : 1.50e3 , "model" : "a" , "y":[1,{"model":"a"}] }"#,
                r#"{ "x" : 1.50e3 , "model" : "b" , "y":[1,{"model":"a"}] }"#,
            ),
            (r#"{"t":"\"model\":\"a\"\\","model":null}"#, r#"{"t":"\"model\":\"a\"\\","model":"b"}"#),
            (r#"{"m\u006fdel":{"a":[1]},"z":true}"#, r#"{"m\u006fdel":"b","z":true}"#),
            (r#"{"messages":[]}"#, r#"{"messages":[],"model":"b"}"#),
            (r"{}", r#"{"model":"b"}"#),
            (r#"{"model":"x","model":"a"}"#, r#"{"model":"x","model":"b"}"#),
        ] {
            assert_eq!(changed(body, "model", r#""b""#), expected);
            assert!(serde_json::from_str::<serde_json::Value>(expected).is_ok());
        }
    }
}
