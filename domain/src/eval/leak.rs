//! What looks like a secret in a file: the forms that issuers gave their keys so that they can be found.

/// Something that looks like a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The line, from 1.
    pub line: usize,
    /// What it looks like.
    pub kind: &'static str,
}

/// What keys begin with, how many letters follow at least, and whose they are.
const FORMS: [(&str, usize, &str); 13] = [
    ("sk-ant-", 20, "a key of Anthropic"),
    ("sk-proj-", 20, "a key of OpenAI"),
    ("sk-", 32, "a key of a model's provider"),
    ("ghp_", 36, "a token of GitHub"),
    ("gho_", 36, "a token of GitHub"),
    ("ghs_", 36, "a token of GitHub"),
    ("github_pat_", 30, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("AKIA", 16, "a key of AWS"),
    ("AIza", 35, "a key of Google"),
    ("xoxb-", 20, "a token of Slack"),
    ("hf_", 30, "a token of Hugging Face"),
    ("npm_", 36, "a token of npm"),
];

/// The first thing in a text that looks like a secret. Hashes and placeholders do not.
pub fn first_in(text: &str) -> Option<Leak> {
    text.lines().enumerate().find_map(|(index, line)| kind_of(line).map(|kind| Leak { line: index + 1, kind }))
}

fn kind_of(line: &str) -> Option<&'static str> {
    if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    line.split(|c: char| !is_part(c)).find_map(|word| {
        let (_, _, kind) = FORMS.iter().find(|(start, least, _)| {
            word.strip_prefix(start).is_some_and(|rest| rest.len() >= *least && is_random(rest))
        })?;
        Some(*kind)
    })
}

/// Whether letters look as if they had been thrown: there are digits among them, and many different ones.
fn is_random(letters: &str) -> bool {
    let different: std::collections::HashSet<char> = letters.chars().collect();
    letters.contains(|c: char| c.is_ascii_digit()) && different.len() >= 10
}
