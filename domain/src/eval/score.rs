//! How results add up: to layers, to an outcome, and against the eval before.

use std::collections::BTreeMap;

use super::{Check, CheckState, Layer};
use crate::api::eval::{EvalChange, EvalOutcome, EvalResult, LayerReport, LayerState, ResultChange, ResultState};

/// How a result stands by its checks: one failure is enough, and something must have passed.
pub fn state_of(checks: &[Check]) -> ResultState {
    let has = |state: CheckState| checks.iter().any(|check| check.state == state);
    if has(CheckState::Failed) {
        ResultState::Failed
    } else if has(CheckState::Passed) {
        ResultState::Passed
    } else {
        ResultState::Skipped
    }
}

/// What the layers come to, in their order. A layer without a result was not part of the eval.
pub fn layers(results: &[EvalResult]) -> Vec<LayerReport> {
    let report = |layer: Layer| {
        let count = |state: ResultState| {
            i64::try_from(results.iter().filter(|result| result.layer == layer && result.state == state).count())
                .unwrap_or(i64::MAX)
        };
        let (passed, failed, skipped) =
            (count(ResultState::Passed), count(ResultState::Failed), count(ResultState::Skipped));
        let open = count(ResultState::Waiting) + count(ResultState::Running) + count(ResultState::Cancelled);
        let state = match (failed, passed) {
            _ if open > 0 => LayerState::Open,
            (1.., _) => LayerState::Failed,
            (0, 1..) => LayerState::Passed,
            _ => LayerState::Skipped,
        };
        LayerReport { layer, state, passed, failed, skipped }
    };
    let is_there = |layer: &Layer| results.iter().any(|result| result.layer == *layer);
    Layer::ALL.into_iter().filter(is_there).map(report).collect()
}

/// Whether an eval passed: nothing failed but, at most, what only a judge says.
pub fn outcome(layers: &[LayerReport]) -> EvalOutcome {
    let has_failed = layers.iter().any(|report| {
        report.layer != Layer::Judge && report.state != LayerState::Passed && report.state != LayerState::Skipped
    });
    let has_passed = layers.iter().any(|report| report.state == LayerState::Passed);
    if has_failed || !has_passed { EvalOutcome::Failed } else { EvalOutcome::Passed }
}

/// Percent of the results that passed among those that were decided, judges apart; rounded down.
pub fn score(layers: &[LayerReport]) -> Option<i64> {
    let decided = layers.iter().filter(|report| report.layer != Layer::Judge);
    let (passed, failed) =
        decided.fold((0, 0), |(passed, failed), report| (passed + report.passed, failed + report.failed));
    percent(passed, failed)
}

/// Percent of a layer's decided results that passed; rounded down, so that 100 means all.
pub fn percent(passed: i64, failed: i64) -> Option<i64> {
    let all = passed.checked_add(failed).filter(|all| *all > 0)?;
    Some(passed.saturating_mul(100) / all)
}

/// What an eval has that the one before had otherwise: by layer and name, whatever the repeats.
pub fn compare(before: &[EvalResult], now: &[EvalResult]) -> Vec<EvalChange> {
    let (before, now) = (by_name(before), by_name(now));
    let mut changes = Vec::new();
    for ((layer, name), state) in &now {
        let change = match before.get(&(*layer, name)) {
            None => ResultChange::New,
            Some(was) if was == state => continue,
            Some(_) if *state == ResultState::Passed => ResultChange::Better,
            Some(ResultState::Passed) => ResultChange::Worse,
            Some(_) if *state == ResultState::Failed => ResultChange::Worse,
            Some(_) => ResultChange::Better,
        };
        changes.push(EvalChange { layer: *layer, name: (*name).to_owned(), change });
    }
    for (layer, name) in before.keys().filter(|key| !now.contains_key(*key)) {
        changes.push(EvalChange { layer: *layer, name: (*name).to_owned(), change: ResultChange::Gone });
    }
    changes.sort_by(|one, other| (one.layer, &one.name).cmp(&(other.layer, &other.name)));
    changes
}

/// A case has passed when all of its repeats have.
fn by_name(results: &[EvalResult]) -> BTreeMap<(Layer, &str), ResultState> {
    let mut states: BTreeMap<(Layer, &str), ResultState> = BTreeMap::new();
    for result in results {
        let state = states.entry((result.layer, &result.name)).or_insert(result.state);
        if rank(result.state) > rank(*state) {
            *state = result.state;
        }
    }
    states
}

/// The worst of several counts.
fn rank(state: ResultState) -> u8 {
    match state {
        ResultState::Passed => 0,
        ResultState::Skipped => 1,
        ResultState::Waiting | ResultState::Running | ResultState::Cancelled => 2,
        ResultState::Failed => 3,
    }
}
