//! How a request fails: RFC 9457 problem details with a stable vocabulary of codes.

use serde::{Deserialize, Serialize};

/// An error as `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A reference that identifies the kind of problem: `/docs/problems#<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, what was expected and what to do, as a sentence.
    pub detail: String,
    /// The stable code from the vocabulary in `docs/problems.md`.
    pub code: String,
    /// The request's id, also in the server's log.
    #[serde(default)]
    pub request_id: String,
    /// What is wrong where, when the body has more than one fault or a path to show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// One fault within a request's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FieldProblem {
    /// Where: a JSON Pointer into the body (RFC 6901), such as `/agents/0/tools/1`.
    pub path: String,
    /// The stable code.
    pub code: String,
    /// What was expected, as a sentence.
    pub message: String,
}

impl FieldProblem {
    /// A fault at `path`.
    pub fn new(path: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), code: code.into(), message: message.into() }
    }
}

/// A message as a sentence that stands by itself: with a capital and a full stop.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_as_sentences() {
        assert_eq!(sentence("the pattern needs a task"), "The pattern needs a task.");
        assert_eq!(sentence("Done!"), "Done!");
        assert_eq!(sentence(""), ".");
    }
}
