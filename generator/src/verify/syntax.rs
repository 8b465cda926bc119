//! Whether one file is what its name says: Python, TypeScript, JSON, YAML or TOML.
//!
//! Code is parsed by tree-sitter, as for imports: it finds what is no code at all, not what a compiler or an
//! interpreter would say of types and names.

use gantry_domain::spec::yaml;
use serde::de::IgnoredAny;

use crate::exchange::code_fault;

/// What came of looking at a file.
pub(super) enum Outcome {
    /// It can be parsed.
    Sound,
    /// It has no syntax that is known here.
    NotLooked,
    /// It is too large, or takes too long.
    TooLong,
    /// It cannot be parsed.
    Broken {
        /// The line, from 1, where it is known.
        line: Option<usize>,
        /// What was expected.
        message: String,
    },
}

/// Looks at a file.
pub(super) fn of(path: &str, text: &str) -> Outcome {
    let name = path.rsplit('/').next().unwrap_or(path);
    let fault = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("json") => json(text),
        Some("yaml" | "yml") => yaml::read_value(text).err().map(|faults| {
            let message = faults.into_iter().next().map(|fault| fault.message).unwrap_or_default();
            (None, message)
        }),
        Some("toml") => toml::from_str::<toml::Table>(text).err().map(|error| {
            let line = error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            (line, format!("expected TOML: {}", error.message()))
        }),
        _ => match code_fault(path, text) {
            None => return Outcome::NotLooked,
            Some(Err(_)) => return Outcome::TooLong,
            Some(Ok(line)) => line.map(|line| (Some(line), "something here is not the file's language".to_owned())),
        },
    };
    match fault {
        None => Outcome::Sound,
        Some((line, message)) => Outcome::Broken { line, message },
    }
}

fn json(text: &str) -> Option<(Option<usize>, String)> {
    serde_json::from_str::<IgnoredAny>(text)
        .err()
        .map(|error| (Some(error.line()).filter(|line| *line > 0), format!("expected JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(path: &str, text: &str) -> Option<usize> {
        match of(path, text) {
            Outcome::Broken { line, .. } => line,
            _ => None,
        }
    }

    #[test]
    fn a_file_that_is_not_what_its_name_says_is_named_with_its_line() {
        assert_eq!(line_of("a.py", "x = 1\ndef f(:\n    pass\n"), Some(2));
        assert_eq!(line_of("a.ts", "const a = 1;\nconst = 2;\n"), Some(2));
        assert_eq!(line_of("a.json", "{\n  \"a\": }\n"), Some(2));
        assert_eq!(line_of("a.toml", "a = 1\nb = = 2\n"), Some(2));
        assert!(matches!(of("a.yaml", "a: [1\n"), Outcome::Broken { .. }));
        for (path, text) in
            [("a.py", "x = 1\n"), ("a.ts", "export const a = 1;\n"), ("a.yaml", "a: 1\n"), ("a.toml", "a = 1\n")]
        {
            assert!(matches!(of(path, text), Outcome::Sound), "{path}");
        }
        assert!(matches!(of("Dockerfile", "FROM x"), Outcome::NotLooked));
    }
}
