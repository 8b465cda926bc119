//! The limits of a run's guardrails, as far as its model is concerned: tokens, cost and time.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::App;
use crate::gateway::refusal::Refusal;
use crate::gateway::store::Pass;

/// Whether the run may ask a model once more: by its tokens and by what they cost.
pub(super) fn check_budgets(pass: &Pass, used: i64, cost: Option<i64>) -> Result<(), Refusal> {
    let cost = cost.and_then(|cost| u64::try_from(cost).ok());
    if let (Some(limit), Some(cost)) = (pass.spec.guardrails.max_cost_micros, cost)
        && cost >= limit
    {
        return Err(Refusal::limit(
            "cost_budget",
            format!(
                "The run has cost {cost} millionths of a US dollar and its guardrails allow {limit}. Raise guardrails.maxCostMicros in the spec, or choose a cheaper model."
            ),
        ));
    }
    match pass.spec.guardrails.max_tokens {
        Some(limit) if u64::try_from(used).unwrap_or(0) >= limit => Err(Refusal::limit(
            "token_budget",
            format!(
                "The run has used {used} tokens and its guardrails allow {limit}. Raise guardrails.maxTokens in the spec, or ask for less."
            ),
        )),
        _ => Ok(()),
    }
}

/// For how long the run has worked, in milliseconds, not counting the time in which it waited for people.
pub(super) fn worked_millis(app: &App, pass: &Pass) -> i64 {
    pass.clock.worked_millis(app.db.now())
}

/// When the guardrails' time is over; none without a limit.
pub(super) fn deadline(app: &App, pass: &Pass) -> Result<Option<Instant>, Refusal> {
    let Some(seconds) = pass.spec.guardrails.max_seconds else {
        return Ok(None);
    };
    let worked = Duration::from_millis(u64::try_from(worked_millis(app, pass)).unwrap_or(0));
    match Duration::from_secs(seconds).checked_sub(worked) {
        Some(left) if !left.is_zero() => Ok(Some(Instant::now() + left)),
        _ => Err(out_of_time(seconds)),
    }
}

pub(super) fn out_of_time(seconds: u64) -> Refusal {
    Refusal::limit(
        "time_budget",
        format!(
            "The run has worked for the {seconds} seconds that its guardrails allow. Raise guardrails.maxSeconds in the spec, or ask for less."
        ),
    )
}

pub(super) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
