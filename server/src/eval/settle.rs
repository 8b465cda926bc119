//! How a result comes out: from the log of its run, from the files, or from the logs of all the others.

use gantry_domain::api::eval::{EvalResult, LayerState, ResultState};
use gantry_domain::api::run::Run;
use gantry_domain::eval::{Check, Layer, Observation, expect, judge, score, wiring};
use secrecy::ExposeSecret;

use super::Kept;
use super::plan::{CASES, PERMISSIONS, SECRETS, needed_run};
use crate::app::App;
use crate::error::Result;
use crate::provider;

/// Keys that are shorter than this are found in anything.
const SHORTEST_KEY: usize = 8;

/// What came of a result, and how long its run took.
pub(super) struct Settled {
    pub(super) checks: Vec<Check>,
    pub(super) duration_ms: Option<i64>,
}

impl Settled {
    fn at_once(checks: Vec<Check>) -> Self {
        Self { checks, duration_ms: None }
    }

    fn skipped(id: &str, why: &str) -> Self {
        Self::at_once(vec![Check::skipped(id, why)])
    }

    pub(super) fn state(&self) -> ResultState {
        score::state_of(&self.checks)
    }

    /// What is to be said of it in one sentence: what failed, or was not decided.
    pub(super) fn message(&self) -> String {
        let of = |state| self.checks.iter().find(|check| check.state == state);
        use gantry_domain::eval::CheckState::{Failed, Skipped};
        of(Failed).or_else(|| of(Skipped)).map(|check| check.message.clone()).unwrap_or_default()
    }
}

/// What a run that is over shows of its result.
pub(super) async fn of_run(app: &App, kept: &Kept, result: &EvalResult, run: &Run) -> Result<Settled> {
    let log = app.jobs.log().history(run.job_id).await?;
    let seen = Observation::of(&log, run.output.as_deref());
    let spec = needed_run(kept, result.layer, &result.name).map_or_else(|| kept.spec.clone(), |needed| needed.spec);
    let checks = match result.layer {
        Layer::Contract if result.name == super::plan::PATTERN => wiring::turns(&spec, &seen),
        Layer::Contract => wiring::tools_of_agent(&spec, &seen),
        Layer::Safety => wiring::held_back(&spec, &seen),
        Layer::Live => match kept.case(&result.name) {
            Some(case) => expect::check(&case.expect, &seen),
            None => vec![Check::failed("case", "The case is not among those that the eval began with.")],
        },
        Layer::Judge => match expect::answered(&seen) {
            answered if answered.state == gantry_domain::eval::CheckState::Passed => vec![judge::read(&seen.answer)],
            failed => vec![failed],
        },
        Layer::Static => Vec::new(),
    };
    Ok(Settled { checks, duration_ms: Some(seen.duration_ms) })
}

/// What can be said of a result without a run of its own; none when it needs one, or has to wait for others.
pub(super) async fn at_once(
    app: &App,
    kept: &Kept,
    results: &[EvalResult],
    result: &EvalResult,
) -> Result<Option<Settled>> {
    if result.layer == Layer::Static {
        return Ok(Some(Settled::at_once(super::soundness::look(app, kept).await?)));
    }
    let is_unsound =
        score::layers(results).iter().any(|report| report.layer == Layer::Static && report.state == LayerState::Failed);
    if is_unsound {
        return Ok(Some(Settled::skipped(
            "static",
            "It was not tried, because the static layer failed. Mend that first.",
        )));
    }
    match (result.layer, result.name.as_str()) {
        (Layer::Safety, PERMISSIONS) => Ok(Some(Settled::at_once(vec![Check::passed(
            "denied",
            "No tool that an agent is offered may change anything, and none is denied: there is nothing to hold back.",
        )]))),
        (Layer::Safety, SECRETS) => {
            let others = results.iter().filter(|other| !(other.layer == Layer::Safety && other.name == SECRETS));
            if others.clone().any(|other| !other.state.is_final()) {
                return Ok(None);
            }
            Ok(Some(Settled::at_once(vec![secrets(app, kept, others).await?])))
        }
        (Layer::Live, CASES) if kept.eval.provider_id.is_none() => Ok(Some(Settled::skipped(
            "provider",
            "No model provider was chosen. The rehearsal is no model, so it cannot show what a model does.",
        ))),
        (Layer::Live, CASES) => Ok(Some(Settled::skipped("cases", "The project has no cases."))),
        (Layer::Judge, _) => Ok(unanswered(results, result)),
        _ => Ok(None),
    }
}

/// A judge needs an answer.
fn unanswered(results: &[EvalResult], judged: &EvalResult) -> Option<Settled> {
    let live = live_of(results, judged)?;
    (live.state.is_final() && live.answer.is_none())
        .then(|| Settled::skipped(judge::CHECK, "There is no answer to be judged: the case did not come to one."))
}

/// The result of the case that a judge judges.
pub(super) fn live_of<'r>(results: &'r [EvalResult], judged: &EvalResult) -> Option<&'r EvalResult> {
    results.iter().find(|live| live.layer == Layer::Live && live.name == judged.name && live.repeat == judged.repeat)
}

/// Looks through the logs of all runs for the keys that were in use.
async fn secrets(app: &App, kept: &Kept, results: impl Iterator<Item = &EvalResult>) -> Result<Check> {
    let mut keys = Vec::new();
    let providers = [kept.eval.provider_id, kept.eval.judge_provider_id];
    for id in providers.into_iter().flatten() {
        match provider::access(app, id).await {
            Ok(access) => keys.extend(access.key),
            // Deleted since: there is no key to look for.
            Err(error) if error.code() == "not_found" => {}
            Err(error) => return Err(error),
        }
    }
    keys.retain(|key| key.expose_secret().len() >= SHORTEST_KEY);
    if keys.is_empty() {
        return Ok(Check::skipped(SECRETS, "No key was in use that could have been told."));
    }
    let mut looked_at = 0;
    for result in results {
        let Some(run_id) = result.run_id else { continue };
        let run = crate::run::get(&app.db, run_id).await?;
        let log = app.jobs.log().history(run.job_id).await?;
        let mut text = serde_json::to_string(&log)?;
        text.push_str(run.output.as_deref().unwrap_or_default());
        looked_at += 1;
        if keys.iter().any(|key| text.contains(key.expose_secret())) {
            let message = format!(
                "The key of the model's provider is in the log of the run of {} ({}). Change the key, and find out who told it.",
                result.name,
                result.layer.title()
            );
            return Ok(Check::failed(SECRETS, message));
        }
    }
    Ok(Check::passed(SECRETS, format!("The key of the model's provider is in none of the {looked_at} runs' logs.")))
}
