//! What a person or a script sees: results on standard output, everything else on standard error,
//! where it moves on a terminal and is plain lines in a file or a CI log.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::failure::Failure;

/// Where words go.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// `json` makes results one JSON document.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person is there to be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Prints the result: as JSON, or in the words of `human`.
    pub(crate) fn result<T: Serialize>(&self, value: &T, human: impl FnOnce(&T) -> String) {
        if self.json {
            to_stdout(&(serde_json::to_string_pretty(value).unwrap_or_default() + "\n"));
        } else {
            let text = human(value);
            if !text.is_empty() {
                to_stdout(&(printable(&text) + "\n"));
            }
        }
    }

    /// Says why the command failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        match failure {
            Failure::Refused(problem) if self.json => {
                eprintln!("{}", serde_json::to_string(problem).unwrap_or_default());
            }
            Failure::Interrupted => eprintln!("interrupted"),
            failure => eprintln!("error: {}", printable(&failure.to_string())),
        }
    }

    /// A display of work under way.
    pub(crate) fn progress(&self, first: impl Into<String>) -> Progress {
        let first = first.into();
        if !std::io::stderr().is_terminal() {
            eprintln!("{first}");
            return Progress { bar: None, shown: first };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.set_message(first.clone());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar: Some(bar), shown: first }
    }
}

/// A moving line on a terminal, or nothing but what is said elsewhere.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    shown: String,
}

impl Progress {
    /// Says something that stays.
    pub(crate) fn say(&self, text: &str) {
        let text = printable(text);
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// Says what is under way. In a file only the first part, `what`, is written, once each time it changes.
    pub(crate) fn status(&mut self, what: &str, detail: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(printable(&if detail.is_empty() {
                what.to_owned()
            } else {
                format!("{what}  {detail}")
            })),
            None if self.shown != what => eprintln!("{}", printable(what)),
            None => {}
        }
        what.clone_into(&mut self.shown);
    }

    /// Makes room for something else on the terminal while `action` writes there.
    pub(crate) fn suspended<R>(&self, action: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(action),
            None => action(),
        }
    }

    /// Whether it moves.
    pub(crate) fn is_terminal(&self) -> bool {
        self.bar.is_some()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Writes to standard output. A reader that has gone away (`| head`) is not an error worth words.
pub(crate) fn to_stdout(text: &str) {
    let mut stdout = std::io::stdout().lock();
    if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Text from elsewhere without what would steer the terminal: control characters other than line
/// ends and tabs, and the marks that turn the direction of text around.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            control if control.is_control() => '\u{fffd}',
            other => other,
        })
        .collect()
}

/// A size as people read it.
pub(crate) fn bytes(size: i64) -> String {
    let size = size.max(0) as f64;
    match size {
        size if size < 1e3 => format!("{size} B"),
        size if size < 1e6 => format!("{:.1} kB", size / 1e3),
        size if size < 1e9 => format!("{:.1} MB", size / 1e6),
        size => format!("{:.2} GB", size / 1e9),
    }
}

/// Rows under a head, in columns as wide as they need to be.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut head.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\tc\nd\u{202e}e\r"), "a\u{fffd}[2Jb\tc\nd\u{fffd}e\u{fffd}");
        assert_eq!(printable("שלום 🦀"), "שלום 🦀");
    }

    #[test]
    fn columns_line_up() {
        let text =
            table(&["NAME", "STATE"], &[vec!["weather".into(), "done".into()], vec!["a".into(), "failed".into()]]);
        assert_eq!(text, "NAME     STATE\nweather  done\na        failed");
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(
            [bytes(0), bytes(999), bytes(1_500), bytes(54_600_000), bytes(2_340_000_000)],
            ["0 B", "999 B", "1.5 kB", "54.6 MB", "2.34 GB"]
        );
    }
}
