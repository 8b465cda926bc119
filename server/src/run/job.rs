//! The job of a run: gathers what the interpreter needs, and writes down how it ended.

use gantry_domain::api::job::JobKind;
use gantry_domain::api::run::{Run, RunRuntime};
use gantry_domain::event::{EventBody, JobReason};
use gantry_domain::spec::{MemoryKind, Spec};
use serde::Deserialize;
use serde_json::{Value, json};

use super::container::Sandbox;
use super::process::Process;
use super::{NewRun, generated, store};
use crate::app::App;
use crate::approval;
use crate::gateway;
use crate::jobs::{JobContext, JobFailure, Outcome, Work};
use crate::provider;
use crate::runtime::{self, Ending, Journal, ModelSource, RecordedEnd, RunPlan, TakenOver};

/// How many earlier turns of a thread a model is given, and how many bytes of them.
const MOST_EARLIER_TURNS: i64 = 100;
const LONGEST_EARLIER: usize = 256 * 1024;

/// Where a job keeps the conversation that came with its run.
const EARLIER: &str = "earlier";
/// Where it keeps what its run takes over of another one.
const TAKEN_OVER: &str = "takenOver";

/// Runs an agent.
pub(crate) struct RunWork;

#[async_trait::async_trait]
impl Work for RunWork {
    fn kind(&self) -> JobKind {
        JobKind::Run
    }

    async fn run(&self, app: &App, job: &JobContext) -> Result<Outcome, JobFailure> {
        let run = match job.subject_id() {
            Some(id) => store::get(&app.db, id).await?,
            None => None,
        };
        // Its project or session was deleted: there is nobody left to tell.
        let Some(run) = run else {
            return Err(JobFailure::cancelled());
        };
        let journal = Journal::of(&job.history().await?);
        if let Some(end) = journal.end {
            return again(&run, end);
        }
        let ended = match (&run.image, run.revision) {
            (None, None) => runtime::execute(app, job, &plan(app, &run, job.args()).await?, journal).await?,
            (Some(image), _) => {
                let plan = generated_plan(app, &run, job.args()).await?;
                let mut sandbox = Sandbox::new(app, &plan, image.clone(), job.attempt());
                generated::execute(app, job, &plan, journal, &mut sandbox).await?
            }
            (None, Some(revision)) => {
                let plan = generated_plan(app, &run, job.args()).await?;
                let mut process = Process::new(app, job, &plan, revision).await?;
                generated::execute(app, job, &plan, journal, &mut process).await?
            }
        };
        let output = match &ended.ending {
            Ending::Answered(answer) => Some(answer.as_str()),
            _ => None,
        };
        let mut tx = app.db.begin().await?;
        store::save(&mut tx, run.id, &ended.usage, output).await?;
        if !matches!(ended.ending, Ending::Interrupted) {
            let withdrawn = approval::withdraw(&mut tx, run.id, app.db.now()).await?;
            let mut bodies: Vec<EventBody> =
                withdrawn.into_iter().map(|approval| EventBody::ApprovalDecided { approval }).collect();
            bodies.extend(ended.closing);
            if run.runtime != RunRuntime::Native {
                gateway::close(&mut tx, run.id).await?;
            }
            job.append_within(&mut tx, &bodies).await?;
        }
        tx.commit().await?;
        match ended.ending {
            Ending::Answered(_) => Ok(Outcome::Done(json!({ "runId": run.id }))),
            Ending::Interrupted => Ok(Outcome::Waiting(JobReason {
                code: "approval".to_owned(),
                message: "A tool call waits for a person to approve or deny it.".to_owned(),
            })),
            Ending::Failed(reason) => Err(JobFailure::fatal(reason.code, reason.message)),
            Ending::Cancelled => Err(JobFailure::cancelled()),
        }
    }
}

/// What a run's job keeps that the run's row has no place for.
pub(super) fn args(run: &NewRun) -> Value {
    let mut args = json!({});
    if !run.earlier.is_empty() {
        args[EARLIER] = json!(run.earlier);
    }
    if let Some(taken_over) = run.origin.as_ref().and_then(|origin| origin.taken_over.as_ref()) {
        args[TAKEN_OVER] = serde_json::to_value(taken_over).unwrap_or_default();
    }
    args
}

/// What the run takes over of another one.
fn taken_over(args: &Value) -> Result<Option<TakenOver>, JobFailure> {
    let Some(kept) = args.get(TAKEN_OVER) else { return Ok(None) };
    TakenOver::deserialize(kept).map(Some).map_err(|error| {
        JobFailure::fatal("taken_over_unreadable", format!("What the run takes over cannot be read: {error}."))
    })
}

/// The conversation that the caller sent along.
fn sent_along(args: &Value) -> Vec<(String, String)> {
    serde_json::from_value(args[EARLIER].clone()).unwrap_or_default()
}

/// The server ended between the run's end and the job's: the job ends the same way.
fn again(run: &Run, end: RecordedEnd) -> Result<Outcome, JobFailure> {
    match end.outcome.as_str() {
        "success" => Ok(Outcome::Done(json!({ "runId": run.id }))),
        "cancelled" => Err(JobFailure::cancelled()),
        _ => {
            let (code, message) = end.error.unwrap_or_else(|| ("failed".to_owned(), "The run failed.".to_owned()));
            Err(JobFailure::fatal(code, message))
        }
    }
}

/// What was said before, as far as the agent is to know.
pub(super) async fn earlier(app: &App, run: &Run, spec: &Spec, args: &Value) -> sqlx::Result<Vec<(String, String)>> {
    Ok(match run.session_id {
        Some(session_id) if spec.memory.kind == MemoryKind::Thread => {
            let turns = store::earlier_turns(&app.db, session_id, run.id, MOST_EARLIER_TURNS).await?;
            newest_that_fit(turns)
        }
        _ => newest_that_fit(sent_along(args)),
    })
}

async fn generated_plan<'a>(app: &App, run: &'a Run, args: &Value) -> Result<generated::Plan<'a>, JobFailure> {
    let spec = super::spec_of(&app.db, run.id).await?;
    let earlier = earlier(app, run, &spec, args).await?;
    Ok(generated::Plan { run, spec, earlier })
}

async fn plan(app: &App, run: &Run, args: &Value) -> Result<RunPlan, JobFailure> {
    let spec = super::spec_of(&app.db, run.id).await?;
    let earlier = earlier(app, run, &spec, args).await?;
    Ok(RunPlan {
        run_id: run.id,
        thread_id: run.session_id.unwrap_or(run.id),
        spec,
        input: run.input.clone(),
        mode: run.mode,
        earlier,
        model: model_source(app, run).await?,
        taken_over: taken_over(args)?,
    })
}

/// A thread that has grown long loses its oldest turns, whole ones.
fn newest_that_fit(turns: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut left = LONGEST_EARLIER;
    let mut kept: Vec<_> = turns
        .into_iter()
        .rev()
        .take_while(|(said, answered)| {
            let fits = left.checked_sub(said.len() + answered.len());
            left = fits.unwrap_or(0);
            fits.is_some()
        })
        .collect();
    kept.reverse();
    kept
}

async fn model_source(app: &App, run: &Run) -> Result<ModelSource, JobFailure> {
    let Some(provider_id) = run.provider_id else {
        return Ok(ModelSource::Rehearsal);
    };
    match provider::access(app, provider_id).await {
        Ok(access) => Ok(ModelSource::Endpoint {
            input_price_micros: access.input_price_micros,
            output_price_micros: access.output_price_micros,
            endpoint: access.endpoint(app, run.model.clone()),
        }),
        Err(error) if error.status().is_server_error() => Err(error.into()),
        Err(error) => Ok(ModelSource::Unavailable(JobReason {
            code: "provider_unavailable".to_owned(),
            message: format!(
                "The model provider cannot be used: {} Choose another in the chat or the settings.",
                error.detail()
            ),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_thread_loses_its_oldest_turns() {
        let turn = |size: usize| ("x".repeat(size), "y".to_owned());
        assert_eq!(newest_that_fit(vec![turn(1), turn(2)]).len(), 2);
        let kept = newest_that_fit(vec![turn(9), turn(200_000), turn(100_000)]);
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].0.len(), 100_000);
    }
}
