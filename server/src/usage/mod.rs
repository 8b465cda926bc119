//! Usage: what runs asked of models, by day, project and model. Runs are counted as long as they are kept:
//! those of a deleted project are gone with it.

pub(crate) mod http;
mod store;

use gantry_domain::Timestamp;
use gantry_domain::api::usage::UsageReport;

use crate::app::App;
use crate::error::Result;

/// Microseconds of a day in UTC, which has no leap seconds here.
const DAY: i64 = 86_400_000_000;

/// What was used on the last `days` days, today's among them.
///
/// # Errors
/// Whatever the database answers.
async fn report(app: &App, days: i64) -> Result<UsageReport> {
    let today = app.db.now().micros().div_euclid(DAY);
    let first = today - days + 1;
    let items = store::by_day(&app.db, first).await?;
    Ok(UsageReport { days: (first..=today).map(name_of).collect(), items })
}

/// The date of a day that is counted from 1970-01-01.
fn name_of(day: i64) -> String {
    Timestamp::from_micros(day.saturating_mul(DAY)).to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        assert_eq!([0, 19_782, 20_778].map(name_of), ["1970-01-01", "2024-02-29", "2026-11-21"]);
    }
}
