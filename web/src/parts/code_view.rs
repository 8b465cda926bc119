//! Code for reading: numbered lines, with comments and strings told apart. No grammar of any
//! language is here; what is not certain stays plain.

use leptos::prelude::*;

/// How a file's language writes comments and strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lexicon {
    /// What begins a comment up to the end of the line; empty when there is none.
    comment: &'static str,
    /// Whether three quotes begin a string over several lines.
    triple_quotes: bool,
    /// Whether quotes begin strings at all.
    quotes: bool,
    /// Words that the language keeps for itself.
    words: &'static [&'static str],
}

const PLAIN: Lexicon = Lexicon { comment: "", triple_quotes: false, quotes: false, words: &[] };
const PYTHON: Lexicon = Lexicon {
    comment: "#",
    triple_quotes: true,
    quotes: true,
    words: &[
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "not",
        "or", "pass", "raise", "return", "try", "while", "with", "yield",
    ],
};
const DATA: Lexicon = Lexicon { comment: "#", triple_quotes: false, quotes: true, words: &["true", "false", "null"] };
const DOCKERFILE: Lexicon = Lexicon {
    comment: "#",
    triple_quotes: false,
    quotes: true,
    words: &[
        "FROM",
        "RUN",
        "COPY",
        "ADD",
        "ENV",
        "ARG",
        "WORKDIR",
        "USER",
        "EXPOSE",
        "ENTRYPOINT",
        "CMD",
        "LABEL",
        "HEALTHCHECK",
        "AS",
        "SHELL",
        "VOLUME",
    ],
};

fn lexicon_of(path: &str) -> Lexicon {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map_or(name, |(_, extension)| extension) {
        "py" => PYTHON,
        "toml" | "yaml" | "yml" | "json" | "lock" | "sh" | "cfg" | "ini" | "gitignore" | "dockerignore" | "env" => DATA,
        "Dockerfile" => DOCKERFILE,
        _ => PLAIN,
    }
}

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Plain,
    Comment,
    Text,
    Word,
}

/// Cuts code into pieces; together they are the code.
fn pieces(lexicon: Lexicon, code: &str) -> Vec<(Piece, &str)> {
    let mut pieces = Vec::new();
    let (mut at, mut plain) = (0, 0);
    let mut push = |plain: &mut usize, begin: usize, end: usize, piece: Piece| {
        if *plain < begin {
            pieces.push((Piece::Plain, &code[*plain..begin]));
        }
        pieces.push((piece, &code[begin..end]));
        *plain = end;
    };
    let bytes = code.as_bytes();
    while at < bytes.len() {
        let rest = &code[at..];
        let begin = at;
        if !lexicon.comment.is_empty() && rest.starts_with(lexicon.comment) && follows_space(bytes, at) {
            at += rest.find('\n').unwrap_or(rest.len());
            push(&mut plain, begin, at, Piece::Comment);
        } else if lexicon.triple_quotes && (rest.starts_with("\"\"\"") || rest.starts_with("'''")) {
            at += rest[3..].find(&rest[..3]).map_or(rest.len(), |end| end + 6);
            push(&mut plain, begin, at, Piece::Text);
        } else if lexicon.quotes && matches!(bytes[at], b'"' | b'\'') && begins_word(bytes, at) {
            match string_end(rest) {
                Some(length) => {
                    at += length;
                    push(&mut plain, begin, at, Piece::Text);
                }
                // A quote without its partner, such as an apostrophe, is just a character.
                None => at += 1,
            }
        } else if bytes[at].is_ascii_alphabetic() || bytes[at] == b'_' {
            while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
                at += 1;
            }
            if lexicon.words.contains(&&code[begin..at]) {
                push(&mut plain, begin, at, Piece::Word);
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    if plain < code.len() {
        pieces.push((Piece::Plain, &code[plain..]));
    }
    pieces
}

/// Whether a comment may begin here: an address goes on with `#`, a comment does not.
fn follows_space(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_none_or(|place| bytes[place].is_ascii_whitespace())
}

/// Whether no word runs into this place: `it's` has no string, `f"…"` is one all the same.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|place| bytes[place]);
    match before(1) {
        Some(last) if last.is_ascii_alphanumeric() || last == b'_' => {
            matches!(last, b'f' | b'r' | b'b' | b'u') && !before(2).is_some_and(|byte| byte.is_ascii_alphanumeric())
        }
        _ => true,
    }
}

/// The length of the string that begins the text, when it ends on the same line.
fn string_end(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    let (_, quote) = characters.next()?;
    while let Some((place, character)) = characters.next() {
        match character {
            '\n' => return None,
            '\\' => drop(characters.next()),
            character if character == quote => return Some(place + 1),
            _ => {}
        }
    }
    None
}

/// How many lines are shown before anybody asks for more.
const FOLD_AFTER: usize = 4_000;

/// The first lines of a text, and how many there are in all.
fn fold(code: &str, lines: usize) -> (&str, usize) {
    let count = code.split('\n').count();
    let end = code.split_inclusive('\n').take(lines).map(str::len).sum::<usize>();
    (if count > lines { code[..end].trim_end_matches('\n') } else { code }, count)
}

/// A file's text with numbered lines. Of a long one the beginning, until all of it is asked for.
pub(crate) fn code_view(path: &str, code: &str) -> AnyView {
    let code = code.strip_suffix('\n').unwrap_or(code);
    let (beginning, count) = fold(code, FOLD_AFTER);
    if count <= FOLD_AFTER {
        return lines_view(path, code);
    }
    let all = RwSignal::new(false);
    let (path, code, beginning) = (path.to_owned(), code.to_owned(), beginning.len());
    let shown = move || lines_view(&path, if all.get() { &code } else { &code[..beginning] });
    let more = move || {
        (!all.get()).then(|| {
            view! {
                <div class="more">
                    <p class="hint number">"The first " {FOLD_AFTER} " of " {count} " lines are shown."</p>
                    <button type="button" class="button" on:click=move |_| all.set(true)>"Show all"</button>
                </div>
            }
        })
    };
    view! { {shown} {more} }.into_any()
}

fn lines_view(path: &str, code: &str) -> AnyView {
    let count = code.split('\n').count();
    let numbers = (1..=count).fold(String::new(), |mut text, number| {
        text.push_str(&number.to_string());
        text.push('\n');
        text
    });
    // Colours for very many lines would cost more than they say.
    let lexicon = if count > FOLD_AFTER { PLAIN } else { lexicon_of(path) };
    let pieces = pieces(lexicon, code)
        .into_iter()
        .map(|(piece, text)| match piece {
            Piece::Plain => text.to_owned().into_any(),
            Piece::Comment => view! { <span class="code-comment">{text.to_owned()}</span> }.into_any(),
            Piece::Text => view! { <span class="code-text">{text.to_owned()}</span> }.into_any(),
            Piece::Word => view! { <span class="code-word">{text.to_owned()}</span> }.into_any(),
        })
        .collect_view();
    view! {
        <div class="code-view" tabindex="0" role="region" aria-label=format!("Content of {path}")>
            <pre class="code-numbers" aria-hidden="true">{numbers}</pre>
            <pre class="code-lines"><code>{pieces}</code></pre>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(path: &str, code: &str) -> Vec<(Piece, String)> {
        let cut = pieces(lexicon_of(path), code);
        assert_eq!(cut.iter().map(|(_, text)| *text).collect::<String>(), code);
        cut.into_iter()
            .filter(|(piece, _)| *piece != Piece::Plain)
            .map(|(piece, text)| (piece, text.to_owned()))
            .collect()
    }

    #[test]
    fn python_has_comments_strings_and_words() {
        let code = "def f(x):  # it's é\n    \"\"\"Doc\n    more\"\"\"\n    return f\"a{x}\" + 'b\\''\n";
        let expected = [
            (Piece::Word, "def"),
            (Piece::Comment, "# it's é"),
            (Piece::Text, "\"\"\"Doc\n    more\"\"\""),
            (Piece::Word, "return"),
            (Piece::Text, "\"a{x}\""),
            (Piece::Text, "'b\\''"),
        ];
        assert_eq!(cut("src/a.py", code), expected.map(|(piece, text)| (piece, text.to_owned())));
    }

    #[test]
    fn what_is_not_certain_stays_plain() {
        assert!(cut("README.md", "it's \"quoted\" # not a comment").is_empty());
        assert!(cut("a.yaml", "text: it's one 'open\n").is_empty());
        assert!(cut("a.py", "x = 'open").is_empty());
        assert!(cut("LICENSE", "for all").is_empty());
    }

    #[test]
    fn an_address_with_a_hash_is_not_a_comment() {
        assert!(cut("a.yaml", "url: http://a/b#c").is_empty());
    }

    #[test]
    fn a_long_text_is_folded_after_whole_lines() {
        assert_eq!(fold("a\nb\nc", 2), ("a\nb", 3));
        assert_eq!(fold("a\nb", 2), ("a\nb", 2));
        assert_eq!(fold("", 2), ("", 1));
    }
}
