//! Putting the text of a file into the message, where it can be seen and changed.

use super::composer::MAX_BYTES;
use super::export::fenced;

/// A message with a file's text in it.
///
/// # Errors
/// Why it cannot be put in, as a sentence.
pub(super) fn with_file(message: &str, name: &str, text: &str) -> Result<String, String> {
    if text.contains(['\0', '\u{fffd}']) {
        return Err(format!("{name} is not a text file. Only text can be put into a message."));
    }
    if text.trim().is_empty() {
        return Err(format!("{name} is empty."));
    }
    let language = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let language = if language.chars().all(|letter| letter.is_ascii_alphanumeric()) { language } else { "" };
    let before = message.trim_end();
    let gap = if before.is_empty() { "" } else { "\n\n" };
    let with = format!("{before}{gap}{name}:\n{}\n", fenced(language, text));
    if with.len() > MAX_BYTES {
        return Err(format!(
            "{name} does not fit: with it the message would have {} bytes, and it may have {MAX_BYTES}.",
            with.len()
        ));
    }
    Ok(with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_text_stands_in_the_message() {
        assert_eq!(with_file("Look: ", "a.json", "{}\n").unwrap(), "Look:\n\na.json:\n```json\n{}\n```\n");
        assert_eq!(with_file("", "notes", "x").unwrap(), "notes:\n```\nx\n```\n");
    }

    #[test]
    fn what_cannot_be_said_is_refused_with_the_reason() {
        assert!(with_file("", "a.png", "\u{fffd}PNG").unwrap_err().contains("not a text file"));
        assert!(with_file("", "a.txt", "\n").unwrap_err().contains("empty"));
        let fault = with_file("x", "big.txt", &"y".repeat(MAX_BYTES)).unwrap_err();
        assert!(fault.contains("65536") && fault.contains("big.txt"), "{fault}");
    }
}
