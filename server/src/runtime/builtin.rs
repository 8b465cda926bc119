//! Gantry's own tools. What they accept and answer is defined in `gantry_domain::spec::builtin`.

use gantry_domain::spec::Builtin;
use serde_json::{Map, Value};
use time::{OffsetDateTime, UtcOffset};

use super::calculator::calculate;

/// What a built-in tool answers, or the error that the model reads.
pub(super) fn call(builtin: Builtin, arguments: &Map<String, Value>, now: OffsetDateTime) -> Result<String, String> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    match builtin {
        Builtin::Calculator => calculate(text("expression").unwrap_or_default()).map_err(str::to_owned),
        Builtin::CurrentTime => current_time(text("utc_offset"), now),
        Builtin::TextStatistics => Ok(text_statistics(text("text").unwrap_or_default())),
    }
}

fn current_time(offset: Option<&str>, now: OffsetDateTime) -> Result<String, String> {
    let minutes = offset_minutes(offset.unwrap_or("Z")).ok_or("Error: utc_offset must look like +02:00")?;
    let offset = UtcOffset::from_whole_seconds(minutes * 60).unwrap_or(UtcOffset::UTC);
    let local = now.to_offset(offset);
    let sign = if minutes < 0 { '-' } else { '+' };
    Ok(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
        local.year(),
        u8::from(local.month()),
        local.day(),
        local.hour(),
        local.minute(),
        local.second(),
        minutes.abs() / 60,
        minutes.abs() % 60,
    ))
}

fn offset_minutes(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i32::from(byte - b'0'));
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (digit(1)? * 10 + digit(2)?, digit(4)? * 10 + digit(5)?);
    (bytes.len() == 6 && bytes.get(3) == Some(&b':') && hours < 24 && minutes < 60)
        .then_some(sign * (hours * 60 + minutes))
}

fn text_statistics(text: &str) -> String {
    let characters = text.chars().count();
    let words = text.split(is_python_space).filter(|word| !word.is_empty()).count();
    let lines = text.matches('\n').count() + usize::from(!text.is_empty() && !text.ends_with('\n'));
    format!("{{\"characters\": {characters}, \"words\": {words}, \"lines\": {lines}}}")
}

/// What `str.split()` takes for space: Unicode's white space and the four separators of ASCII.
fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_time_is_told_at_an_offset() {
        let now = OffsetDateTime::from_unix_timestamp(1_795_255_800).unwrap();
        let at = |offset: Value| {
            let arguments = json!({ "utc_offset": offset });
            call(Builtin::CurrentTime, arguments.as_object().unwrap(), now)
        };
        assert_eq!(call(Builtin::CurrentTime, &Map::new(), now).unwrap(), "2026-11-21T10:10:00+00:00");
        assert_eq!(at(json!("+02:30")).unwrap(), "2026-11-21T12:40:00+02:30");
        assert_eq!(at(json!("-00:30")).unwrap(), "2026-11-21T09:40:00-00:30");
        for bad in ["2", "+2:00", "+24:00", "+02:60", "+02:000", "UTC", "+0é:0"] {
            assert_eq!(at(json!(bad)).unwrap_err(), "Error: utc_offset must look like +02:00", "{bad}");
        }
    }

    #[test]
    fn texts_are_counted_as_python_counts() {
        for (text, expected) in [
            ("", (0, 0, 0)),
            ("hello world", (11, 2, 1)),
            ("a\nb\n", (4, 2, 2)),
            ("\n\n", (2, 0, 2)),
            ("é😀 x\u{1c}y", (6, 3, 1)),
        ] {
            let (characters, words, lines) = expected;
            let answer = format!("{{\"characters\": {characters}, \"words\": {words}, \"lines\": {lines}}}");
            assert_eq!(text_statistics(text), answer, "{text:?}");
        }
    }
}
