//! How much a run may use: tokens and time, and what it has used so far.

use std::time::Duration;

use gantry_domain::event::Usage;
use serde_json::json;
use tokio::time::Instant;

use crate::outside::model::TokenCount;

use super::{Halt, ModelSource, Runtime};

impl Runtime<'_> {
    pub(super) fn count_turn(&self, tokens: Option<TokenCount>) {
        let tokens = tokens.unwrap_or_default();
        let usage = &mut self.shared().usage;
        usage.model_calls += 1;
        usage.input_tokens += tokens.input;
        usage.output_tokens += tokens.output;
        *usage = with_cost(*usage, &self.plan.model);
    }

    pub(super) fn tell_usage(&self) {
        let mut value = serde_json::to_value(self.shared().usage).unwrap_or_default();
        value["elapsedMs"] = json!(self.worked_ms());
        self.custom("gantry.usage", value);
    }

    /// How long the run has worked in all, not counting time spent waiting for people.
    pub(super) fn worked_ms(&self) -> i64 {
        let earlier = self.shared().journal.worked_ms;
        earlier.saturating_add(millis(self.began.elapsed()))
    }

    pub(super) fn check_token_budget(&self) -> Result<(), Halt> {
        let Some(limit) = self.plan.spec.guardrails.max_tokens else {
            return Ok(());
        };
        let usage = self.shared().usage;
        let used = usage.input_tokens.saturating_add(usage.output_tokens);
        if u64::try_from(used).unwrap_or(0) < limit {
            return Ok(());
        }
        Err(Halt::failed(
            "token_budget",
            format!(
                "The run has used {used} tokens and its guardrails allow {limit}. Raise guardrails.maxTokens in the spec, or ask for less."
            ),
        ))
    }

    /// When the guardrails' time is over; none without a limit.
    pub(super) fn deadline(&self) -> Result<Option<Instant>, Halt> {
        let Some(seconds) = self.plan.spec.guardrails.max_seconds else {
            return Ok(None);
        };
        let earlier = Duration::from_millis(u64::try_from(self.shared().journal.worked_ms).unwrap_or(0));
        let end = Duration::from_secs(seconds).checked_sub(earlier).map(|left| self.began + left);
        match end {
            Some(end) if end > Instant::now() => Ok(Some(end)),
            _ => Err(self.out_of_time()),
        }
    }

    pub(super) fn out_of_time(&self) -> Halt {
        let seconds = self.plan.spec.guardrails.max_seconds.unwrap_or_default();
        Halt::failed(
            "time_budget",
            format!(
                "The run has worked for the {seconds} seconds that its guardrails allow. Raise guardrails.maxSeconds in the spec, or ask for less."
            ),
        )
    }
}

/// What the tokens cost, when the model has prices.
pub(super) fn with_cost(mut usage: Usage, model: &ModelSource) -> Usage {
    if let ModelSource::Endpoint { input_price_micros: Some(input), output_price_micros: Some(output), .. } = model
        && usage.model_calls > 0
    {
        let cost =
            i128::from(usage.input_tokens) * i128::from(*input) + i128::from(usage.output_tokens) * i128::from(*output);
        usage.cost_micros = Some(i64::try_from((cost + 500_000) / 1_000_000).unwrap_or(i64::MAX));
    }
    usage
}

/// Waits for a moment; for ever when there is none.
pub(super) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
