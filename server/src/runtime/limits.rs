//! How much a run may use: tokens, time and money, and what it has used so far.

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

    /// Whether the run may ask a model once more: by its tokens and by what they cost.
    pub(super) fn check_budgets(&self) -> Result<(), Halt> {
        let (usage, guardrails) = (self.shared().usage, &self.plan.spec.guardrails);
        let used = u64::try_from(usage.input_tokens.saturating_add(usage.output_tokens)).unwrap_or(0);
        if let Some(limit) = guardrails.max_tokens.filter(|limit| used >= *limit) {
            return Err(Halt::failed(
                "token_budget",
                format!(
                    "The run has used {used} tokens and its guardrails allow {limit}. Raise guardrails.maxTokens in the spec, or ask for less."
                ),
            ));
        }
        let cost = usage.cost_micros.and_then(|cost| u64::try_from(cost).ok());
        if let (Some(limit), Some(cost)) = (guardrails.max_cost_micros, cost)
            && cost >= limit
        {
            return Err(Halt::failed(
                "cost_budget",
                format!(
                    "The run has cost {} and its guardrails allow {}. Raise guardrails.maxCostMicros in the spec, or choose a cheaper model.",
                    dollars(cost),
                    dollars(limit)
                ),
            ));
        }
        Ok(())
    }

    /// Says, once in an attempt, which limits cannot be kept after a turn whose tokens were these.
    pub(super) fn tell_limits_that_cannot_be_kept(&self, tokens: Option<TokenCount>) {
        let guardrails = &self.plan.spec.guardrails;
        let ModelSource::Endpoint { input_price_micros, output_price_micros, .. } = &self.plan.model else { return };
        let has_prices = input_price_micros.is_some() && output_price_micros.is_some();
        let counts = guardrails.max_tokens.is_some() || (guardrails.max_cost_micros.is_some() && has_prices);
        if counts && tokens.is_none() && !std::mem::replace(&mut self.shared().told_uncounted, true) {
            self.notice(
                "tokens_not_counted",
                "The model's endpoint does not say how many tokens it used, so the limits of tokens and of cost cannot be kept.",
            );
        }
        if guardrails.max_cost_micros.is_some()
            && !has_prices
            && !std::mem::replace(&mut self.shared().told_priceless, true)
        {
            self.notice(
                "cost_not_known",
                "The model's prices are not known, so the limit of cost cannot be kept. Enter them with the provider.",
            );
        }
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

/// Millionths of a US dollar as people write them.
fn dollars(micros: u64) -> String {
    format!("US$ {}.{:06}", micros / 1_000_000, micros % 1_000_000)
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
