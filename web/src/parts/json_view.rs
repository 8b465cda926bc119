//! JSON for reading: indented, and with its parts told apart by colour.

use leptos::prelude::*;
use serde_json::Value;

/// What a piece of JSON text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Punctuation,
    Key,
    Text,
    Literal,
}

/// Text that is JSON, indented; other text as it is.
pub(crate) fn pretty(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() || value.is_array() => {
            serde_json::to_string_pretty(&value).unwrap_or_else(|_| text.to_owned())
        }
        Ok(Value::String(text)) => text,
        _ => text.to_owned(),
    }
}

/// A text that may be JSON, in a box that scrolls.
pub(crate) fn json_view(label: &'static str, text: &str) -> AnyView {
    let pretty = pretty(text);
    let is_json = serde_json::from_str::<Value>(&pretty).is_ok();
    let content = if is_json {
        let pieces = pieces(&pretty).into_iter().map(|(piece, text)| match piece {
            Piece::Punctuation => text.to_owned().into_any(),
            Piece::Key => view! { <span class="json-key">{text.to_owned()}</span> }.into_any(),
            Piece::Text => view! { <span class="json-text">{text.to_owned()}</span> }.into_any(),
            Piece::Literal => view! { <span class="json-literal">{text.to_owned()}</span> }.into_any(),
        });
        pieces.collect_view().into_any()
    } else {
        pretty.into_any()
    };
    view! { <pre class="json" tabindex="0" role="region" aria-label=label><code>{content}</code></pre> }.into_any()
}

/// Cuts JSON text into pieces. Large texts stay in one: colour is not worth thousands of elements.
fn pieces(text: &str) -> Vec<(Piece, &str)> {
    if text.len() > 20_000 {
        return vec![(Piece::Punctuation, text)];
    }
    let bytes = text.as_bytes();
    let mut pieces = Vec::new();
    let (mut at, mut plain) = (0, 0);
    while at < bytes.len() {
        let begin = at;
        let piece = match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(bytes.len());
                let is_key = text[at..].starts_with(':');
                if is_key { Piece::Key } else { Piece::Text }
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                while at < bytes.len() && matches!(bytes[at], b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E') {
                    at += 1;
                }
                Piece::Literal
            }
            _ => {
                at += 1;
                continue;
            }
        };
        if plain < begin {
            pieces.push((Piece::Punctuation, &text[plain..begin]));
        }
        pieces.push((piece, &text[begin..at]));
        plain = at;
    }
    if plain < text.len() {
        pieces.push((Piece::Punctuation, &text[plain..]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_together_are_the_text() {
        let text = pretty(r#"{"a\"b":[1,-2.5,true,null],"c":"d: \\","é":"ü"}"#);
        let cut = pieces(&text);
        assert_eq!(cut.iter().map(|(_, text)| *text).collect::<String>(), text);
        let of = |wanted| cut.iter().filter(|(piece, _)| *piece == wanted).map(|(_, text)| *text).collect::<Vec<_>>();
        assert_eq!(of(Piece::Key), [r#""a\"b""#, "\"c\"", "\"é\""]);
        assert_eq!(of(Piece::Text), [r#""d: \\""#, "\"ü\""]);
        assert_eq!(of(Piece::Literal), ["1", "-2.5", "true", "null"]);
    }

    #[test]
    fn what_is_not_json_stays_as_it_is() {
        assert_eq!(pretty("{half"), "{half");
        assert_eq!(pretty("\"a string\""), "a string");
        assert_eq!(pretty("12"), "12");
    }
}
