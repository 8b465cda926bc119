//! Text that is already what its file's language wants. Whatever a person wrote gets into a
//! generated file only through one of these constructors, which escape for that language.

use std::fmt::Write as _;

use gantry_domain::spec::is_invisible;

/// A language that generated files are written in.
pub(super) trait Language {
    /// Text that a template may take as it is.
    fn of(text: String) -> Self;
    /// The text.
    fn text(&self) -> &str;
}

macro_rules! language {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(super) struct $name(String);

        impl Language for $name {
            fn of(text: String) -> Self {
                Self(text)
            }

            fn text(&self) -> &str {
                &self.0
            }
        }
    };
}

language!(
    /// Python source.
    Python
);
language!(
    /// TypeScript source.
    TypeScript
);
language!(
    /// TOML.
    Toml
);
language!(
    /// Markdown.
    Markdown
);
language!(
    /// A Dockerfile.
    Dockerfile
);
language!(
    /// A file of `NAME=value` lines for shells and for `docker run --env-file`.
    Environment
);

language!(
    /// A script for the shell.
    Shell
);

impl Toml {
    /// A basic string (TOML 1.0.0, "String").
    pub(super) fn string(text: &str) -> Self {
        let mut literal = String::with_capacity(text.len() + 2);
        literal.push('"');
        for c in text.chars() {
            match c {
                '"' => literal.push_str("\\\""),
                '\\' => literal.push_str("\\\\"),
                '\n' => literal.push_str("\\n"),
                '\t' => literal.push_str("\\t"),
                '\r' => literal.push_str("\\r"),
                c if is_invisible(c) => {
                    let _ = write!(literal, "\\U{:08X}", u32::from(c));
                }
                c => literal.push(c),
            }
        }
        literal.push('"');
        Self(literal)
    }
}

impl Markdown {
    /// Running text: nothing in it is mark-up, and it stays one paragraph.
    pub(super) fn text_of(text: &str) -> Self {
        let mut escaped = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            if !escaped.is_empty() {
                escaped.push(' ');
            }
            let at_start = escaped.is_empty();
            for (index, c) in word.chars().enumerate() {
                // What would begin a list or a heading does so only at the start of a paragraph.
                let begins = at_start && (matches!(c, '+' | '-' | '=' | '#' | '>') && index == 0);
                let ends_number = at_start && matches!(c, '.' | ')') && word.starts_with(|c: char| c.is_ascii_digit());
                if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' | '{' | '}' | '#')
                    || begins
                    || ends_number
                {
                    escaped.push('\\');
                }
                if !is_invisible(c) {
                    escaped.push(c);
                }
            }
        }
        Self(escaped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_strings_hold_everything() {
        assert_eq!(Toml::string("a\"b\\c\nd\u{202E}").text(), r#""a\"b\\c\nd\U0000202E""#);
    }

    #[test]
    fn markdown_text_is_only_text() {
        assert_eq!(Markdown::text_of("# a *b* [c](d)\n\n<script>").text(), r"\# a \*b\* \[c\](d) \<script\>");
        assert_eq!(Markdown::text_of("1. a").text(), r"1\. a");
        assert_eq!(Markdown::text_of("- a").text(), r"\- a");
    }
}
