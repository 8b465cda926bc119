//! Amounts of money for people.

/// Millionths of a dollar: cents, and six digits where it is less than one cent.
pub(crate) fn money_text(micros: i64) -> String {
    if micros == 0 {
        return "$0".to_owned();
    }
    let dollars = micros as f64 / 1_000_000.0;
    if micros < 10_000 { format!("${dollars:.6}") } else { format!("${dollars:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_to_the_cent_and_below_one_to_the_millionth() {
        assert_eq!([0, 12, 9_999, 1_234_567].map(money_text), ["$0", "$0.000012", "$0.009999", "$1.23"]);
    }
}
