//! The work of an eval: begins runs, a few at a time, waits for them without holding a worker, and settles
//! what came of each.
//!
//! A run is begun in the transaction that notes it, and settled in the one that notes how it came out: so
//! whatever breaks off, no case is run twice and none is forgotten. Runs name the eval's job as the one to be
//! woken when they end. Every attempt looks at what is there and does what can be done next.

use gantry_domain::api::eval::{EvalResult, ResultState};
use gantry_domain::api::job::JobKind;
use gantry_domain::eval::{Layer, judge, score};
use gantry_domain::event::{EventBody, JobReason};
use serde_json::{Value, json};

use super::Kept;
use super::plan::{Answers, needed_run};
use super::settle::{self, Settled};
use super::store::{self, Which};
use crate::app::App;
use crate::jobs::{JobContext, JobFailure, Outcome, Work};
use crate::run::{self, NewRun};
use crate::runtime::rehearsal;

/// How many runs of an eval are under way at once: more would keep other people's work waiting.
const AT_ONCE: usize = 2;

/// Does evals.
pub(crate) struct EvalWork;

#[async_trait::async_trait]
impl Work for EvalWork {
    fn kind(&self) -> JobKind {
        JobKind::Eval
    }

    async fn run(&self, app: &App, job: &JobContext) -> Result<Outcome, JobFailure> {
        let kept = match job.subject_id() {
            Some(id) => store::kept(&app.db, id).await?,
            None => None,
        };
        // Its project was deleted: there is nobody left to tell.
        let Some(kept) = kept else {
            return Err(JobFailure::cancelled());
        };
        if kept.eval.outcome.is_some() {
            return Ok(Outcome::Done(result(&kept)));
        }
        Attempt { app, job, kept: &kept }.run().await
    }
}

fn result(kept: &Kept) -> Value {
    json!({ "evalId": kept.eval.id, "outcome": kept.eval.outcome, "score": kept.eval.score })
}

struct Attempt<'a> {
    app: &'a App,
    job: &'a JobContext,
    kept: &'a Kept,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<Outcome, JobFailure> {
        loop {
            if self.job.cancelled().is_cancelled() {
                return Err(self.leave().await?);
            }
            let results = self.results().await?;
            self.settle_runs(&results).await?;
            let results = self.results().await?;
            if results.iter().all(|result| is_settled(result.state)) {
                return self.finish(&results).await;
            }
            if !self.begin_or_settle_one(&results).await? {
                let done = results.iter().filter(|result| is_settled(result.state)).count();
                return Ok(Outcome::Waiting(JobReason {
                    code: "runs".to_owned(),
                    message: format!("{done} of {} results are there; runs are under way.", results.len()),
                }));
            }
        }
    }

    async fn results(&self) -> Result<Vec<EvalResult>, JobFailure> {
        Ok(store::results(&self.app.db, self.kept.eval.id).await?)
    }

    /// Settles what has a run that is over.
    async fn settle_runs(&self, results: &[EvalResult]) -> Result<(), JobFailure> {
        for result in results.iter().filter(|result| result.state == ResultState::Running) {
            let Some(run_id) = result.run_id else { continue };
            let run = run::get(&self.app.db, run_id).await?;
            if run.state.is_final() {
                let settled = settle::of_run(self.app, self.kept, result, &run).await?;
                self.settle(result, &settled).await?;
            }
        }
        Ok(())
    }

    /// Takes the next thing that can be done; whether there was one.
    async fn begin_or_settle_one(&self, results: &[EvalResult]) -> Result<bool, JobFailure> {
        let under_way = results.iter().filter(|result| result.state == ResultState::Running).count();
        let is_open = |result: &&EvalResult| matches!(result.state, ResultState::Waiting | ResultState::Cancelled);
        for result in results.iter().filter(is_open) {
            if let Some(settled) = settle::at_once(self.app, self.kept, results, result).await? {
                self.settle(result, &settled).await?;
                return Ok(true);
            }
            if under_way < AT_ONCE && self.begin(results, result).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Begins the run that a result needs; whether it could be begun now.
    async fn begin(&self, results: &[EvalResult], result: &EvalResult) -> Result<bool, JobFailure> {
        let eval = &self.kept.eval;
        let Some(needed) = needed_run(self.kept, result.layer, &result.name) else { return Ok(false) };
        let input = match result.layer {
            Layer::Judge => match judge_question(self.kept, results, result) {
                Some(input) => input,
                None => return Ok(false),
            },
            _ => result.input.clone(),
        };
        let (provider_id, model) = match needed.answers {
            Answers::Rehearsal => (None, rehearsal::NAME.to_owned()),
            Answers::Model => (eval.provider_id, eval.model.clone()),
            Answers::Judge => (eval.judge_provider_id, eval.judge_model.clone()),
        };
        // In its image a project runs as a whole.
        let (executor, spec) = match needed.image {
            Some(image) => (run::Executor::Container(image), &self.kept.spec),
            None => (run::Executor::Native, &needed.spec),
        };
        let new = NewRun {
            project_id: eval.project_id,
            session_id: None,
            input,
            earlier: Vec::new(),
            mode: needed.mode,
            provider_id,
            model,
            executor,
            origin: None,
            created_by: eval.created_by.clone(),
        };
        let mut tx = self.app.db.begin().await?;
        let accepted = run::start(self.app, &mut tx, spec, new).await?;
        self.app.jobs.wake_when_over(&mut tx, accepted.job_id, self.job.id()).await?;
        if !store::begin(&mut tx, Which::of(eval.id, result), accepted.id).await? {
            // Dropped with the run that was begun in it.
            return Ok(false);
        }
        self.job.append_within(&mut tx, &[event(result, ResultState::Running, String::new())]).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn settle(&self, result: &EvalResult, settled: &Settled) -> Result<(), JobFailure> {
        let state = settled.state();
        let mut tx = self.app.db.begin().await?;
        let which = Which::of(self.kept.eval.id, result);
        if store::settle(&mut tx, which, state, &settled.checks, settled.duration_ms).await? {
            self.job.append_within(&mut tx, &[event(result, state, settled.message())]).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn finish(&self, results: &[EvalResult]) -> Result<Outcome, JobFailure> {
        let layers = score::layers(results);
        let (outcome, score) = (score::outcome(&layers), score::score(&layers));
        let eval_id = self.kept.eval.id;
        let mut tx = self.app.db.begin().await?;
        store::finish(&mut tx, eval_id, outcome, score).await?;
        self.job.append_within(&mut tx, &[EventBody::EvalDone { eval_id, outcome, score }]).await?;
        tx.commit().await?;
        Ok(Outcome::Done(json!({ "evalId": eval_id, "outcome": outcome, "score": score })))
    }

    /// Notes what will not come any more, unless it is only the server that stops: then whoever comes next goes
    /// on. The runs that are under way are cancelled with the job that waits for them.
    async fn leave(&self) -> Result<JobFailure, JobFailure> {
        if self.app.jobs.get(self.job.id()).await?.cancel_requested_at.is_none() {
            return Ok(JobFailure::cancelled());
        }
        let results = self.results().await?;
        let mut tx = self.app.db.begin().await?;
        // A run that was begun in the moment before does not know yet.
        self.app.jobs.request_cancel(&mut tx, self.job.id()).await?;
        store::cancel(&mut tx, self.kept.eval.id).await?;
        let open = results.iter().filter(|result| !result.state.is_final());
        let told: Vec<EventBody> = open.map(|result| event(result, ResultState::Cancelled, String::new())).collect();
        self.job.append_within(&mut tx, &told).await?;
        tx.commit().await?;
        Ok(JobFailure::cancelled())
    }
}

/// Whether there is nothing left to do about a result. One that was cancelled is taken up by a retry.
fn is_settled(state: ResultState) -> bool {
    matches!(state, ResultState::Passed | ResultState::Failed | ResultState::Skipped)
}

fn event(result: &EvalResult, state: ResultState, message: String) -> EventBody {
    EventBody::EvalResult { layer: result.layer, name: result.name.clone(), repeat: result.repeat, state, message }
}

/// What the judge is asked about a result, once there is an answer.
fn judge_question(kept: &Kept, results: &[EvalResult], judged: &EvalResult) -> Option<String> {
    let live = settle::live_of(results, judged).filter(|live| is_settled(live.state))?;
    Some(judge::question(kept.case(&judged.name)?, live.answer.as_deref()?))
}
