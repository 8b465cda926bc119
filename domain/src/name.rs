//! Names that people give to things: shown everywhere, so they must be readable and cannot deceive.

/// The name without surrounding blanks, or a sentence saying what was expected.
///
/// Any script and emoji are welcome. Refused are control characters (line breaks, U+0000), which
/// break lists and logs, and the marks that turn the direction of what follows (U+202A to U+202E,
/// U+2066 to U+2069), with which one name can be made to look like another. Right-to-left letters need none of them.
///
/// # Errors
/// When it is empty, longer than `most` characters, or holds such a character.
pub fn clean_name(text: &str, most: usize) -> Result<String, String> {
    let name = text.trim();
    let length = name.chars().take(most + 1).count();
    if length == 0 || length > most {
        return Err(format!("Expected 1 to {most} characters."));
    }
    if name.chars().any(|c| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')) {
        return Err(
            "Expected text without line breaks, other control characters or marks that change the direction of text."
                .to_owned(),
        );
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_welcome() {
        for good in ["a", "O'Neill \"the\" \\ builder", "日本語", "שלום", "مرحبا", "👩‍👩‍👧‍👦", &"é".repeat(63)]
        {
            assert_eq!(clean_name(good, 63).as_deref(), Ok(good));
        }
        assert_eq!(clean_name("  padded\t", 63).as_deref(), Ok("padded"));
    }

    #[test]
    fn what_breaks_or_deceives_is_refused() {
        for bad in
            ["", " ", "a\nb", "a\0b", "a\u{1b}[31mb", "a\u{202e}b", "a\u{2066}b", &"x".repeat(64), &"x".repeat(65_536)]
        {
            assert!(clean_name(bad, 63).is_err(), "{bad:?}");
        }
    }
}
