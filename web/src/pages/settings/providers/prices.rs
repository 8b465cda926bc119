//! Prices as people write them.

/// Millionths of a dollar as dollars, without needless zeros.
pub(super) fn dollars(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Dollars as millionths; an empty text is no price.
pub(super) fn micros(text: &str) -> Result<Option<i64>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return Err(());
    }
    let value: i64 = format!("{whole}{fraction:0<6}").parse().map_err(|_| ())?;
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_go_to_millionths_and_back() {
        for (text, value) in [("0.25", 250_000), ("2", 2_000_000), ("0.000001", 1), ("12.5", 12_500_000)] {
            assert_eq!(micros(text), Ok(Some(value)));
            assert_eq!(dollars(value), text);
        }
        assert_eq!(micros(" "), Ok(None));
        for bad in ["a", "1.2345678", ".5", "-1", "1e3", "1,5"] {
            assert_eq!(micros(bad), Err(()), "{bad}");
        }
    }
}
