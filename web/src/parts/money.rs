//! Amounts of money for people.

/// Millionths of a dollar: cents, and six digits where it is less than one cent.
pub(crate) fn money_text(micros: i64) -> String {
    if micros == 0 {
        return "$0".to_owned();
    }
    let dollars = micros as f64 / 1_000_000.0;
    if micros < 10_000 { format!("${dollars:.6}") } else { format!("${dollars:.2}") }
}

/// Millionths of a dollar as dollars in a form's field, without needless zeros; nothing is an empty text.
pub(crate) fn dollars(micros: Option<u64>) -> String {
    let Some(micros) = micros else { return String::new() };
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What was typed into a field of dollars, as millionths; none when it is no amount. An empty text is no amount of
/// its own: nothing.
pub(crate) fn read_dollars(text: &str) -> Option<Option<u64>> {
    let text = text.trim().trim_start_matches('$');
    if text.is_empty() {
        return Some(None);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || fraction.len() > 6 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<6}").parse().ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_in_a_field_is_read_as_it_was_written() {
        for (text, micros) in [("0.5", Some(500_000)), ("12", Some(12_000_000)), ("0.000001", Some(1)), ("", None)] {
            assert_eq!(read_dollars(text), Some(micros));
            assert_eq!(dollars(micros), text);
        }
        assert_eq!(read_dollars(" $0.50 "), Some(Some(500_000)));
        for bad in ["a", "1,5", "-1", "0.0000001", ".5"] {
            assert_eq!(read_dollars(bad), None, "{bad}");
        }
    }

    #[test]
    fn money_is_written_to_the_cent_and_below_one_to_the_millionth() {
        assert_eq!([0, 12, 9_999, 1_234_567].map(money_text), ["$0", "$0.000012", "$0.009999", "$1.23"]);
    }
}
