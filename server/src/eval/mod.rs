//! Evals: a project at a revision, held against what every agent must obey and against its own cases.
//!
//! Whether something passed is decided by the domain's rules (`gantry_domain::eval`); here is what is looked
//! at, by which runs, and what is kept of it. Gates, which ask evals before something is built or published,
//! are in [`gate`].

mod cases;
pub(crate) mod gate;
pub(crate) mod http;
mod job;
mod plan;
mod settle;
mod soundness;
mod store;

use gantry_domain::api::Accepted;
use gantry_domain::api::eval::{ComparedEval, CreateEval, Eval, EvalReport, EvalResult};
use gantry_domain::api::job::JobKind;
use gantry_domain::api::project::Project;
use gantry_domain::api::run::PermissionMode;
use gantry_domain::eval::{Case, Layer, judge, score};
use gantry_domain::spec::{Spec, yaml};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::NewJob;
use crate::run::Executor;

pub(crate) use job::EvalWork;

/// How many attempts at an eval may fail for reasons that mend by themselves.
const MAX_ATTEMPTS: i64 = 5;
/// How often each case may be run.
const MOST_REPEATS: i64 = 10;

/// What an eval works with: kept as it was when it was asked for.
struct Kept {
    eval: Eval,
    spec: Spec,
    cases: Vec<Case>,
}

impl Kept {
    fn case(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }
}

/// What an eval looks at: a revision of a project, and the image of it that its runs are in.
struct Subject {
    revision: i64,
    spec: Spec,
    image: Option<gantry_domain::Digest>,
}

/// The newest revision; in a container the one that the image was built from.
async fn subject(app: &App, project: &Project, wish: &CreateEval) -> Result<Subject> {
    let executed = crate::run::executed(app, project.summary.id, wish.runtime, wish.image.as_ref()).await?;
    match executed.executor {
        Executor::Process(_) => Err(Error::invalid(
            "/runtime",
            "eval_as_process",
            "An eval runs its cases natively or in containers, where they cannot touch the server. Choose one of them.",
        )),
        Executor::Native => Ok(Subject { revision: project.revision, spec: project.spec.clone(), image: None }),
        Executor::Container(digest) => {
            let image = crate::image::find(app, &digest).await?;
            let revision = crate::build::find(app, image.build_id).await?.revision;
            Ok(Subject { revision, spec: executed.spec, image: Some(digest) })
        }
    }
}

/// Begins an eval of a project as it is now, or as its image has it.
///
/// # Errors
/// `404` without the project, `422` for a mode, number of repeats, model or image that cannot be, `409 job_active`
/// while another eval of the project is under way, `503` without an engine for the containers.
pub(crate) async fn begin(app: &App, project: &str, wish: CreateEval, created_by: &str) -> Result<Accepted> {
    let project = crate::project::find(&app.db, project).await?;
    let project_id = project.summary.id;
    let mode = wish.mode.unwrap_or(PermissionMode::Safe);
    if mode == PermissionMode::Ask {
        let message = "Nobody is there to be asked in an eval: expected safe (tools that change something are denied) or dev (they run).";
        return Err(Error::invalid("/mode", "eval_mode", message));
    }
    let repeats = wish.repeats.unwrap_or(1);
    if !(1..=MOST_REPEATS).contains(&repeats) {
        return Err(Error::invalid("/repeats", "eval_repeats", format!("Expected 1 to {MOST_REPEATS} repeats.")));
    }
    let Subject { revision, spec, image } = subject(app, &project, &wish).await?;
    // What cannot be read is a finding of the eval, not a reason to refuse it.
    let cases = cases::of_revision(&app.db, project_id, revision, &spec).await?.cases;
    let model = crate::run::choose_model(app, wish.provider_id, wish.model.as_deref()).await?;
    let judge = judge_of(app, &wish, &cases, &model).await?;
    let id = Uuid::now_v7();
    let mut tx = app.db.begin().await?;
    let job = NewJob {
        kind: JobKind::Eval,
        project_id: Some(project_id),
        subject_id: Some(id),
        args: json!({}),
        dedupe_key: Some(format!("eval:{project_id}")),
        max_attempts: MAX_ATTEMPTS,
        created_by: created_by.to_owned(),
    };
    // First the job: its key lets one eval of a project through at a time, so that the number is its own.
    let job_id = app.jobs.enqueue(&mut tx, job).await?;
    let new = store::NewEval {
        id,
        project_id,
        job_id,
        revision,
        spec_hash: hash(yaml::write(&spec).as_bytes()),
        runtime: wish.runtime,
        image,
        mode,
        provider_id: wish.provider_id,
        model: if wish.provider_id.is_some() { model } else { String::new() },
        judge,
        repeats,
        created_by: created_by.to_owned(),
        created_at: app.db.now(),
    };
    store::insert(&mut tx, &new, &spec, &cases).await?;
    let planned = plan::plan(&spec, &cases, wish.runtime, wish.provider_id.is_some(), repeats);
    store::insert_results(&mut tx, id, &planned).await?;
    tx.commit().await?;
    Ok(Accepted { id, job_id })
}

/// Who judges, if a case has a rubric and there is somebody to ask.
struct JudgeChoice {
    provider_id: Uuid,
    model: String,
    prompt_hash: String,
}

async fn judge_of(app: &App, wish: &CreateEval, cases: &[Case], model: &str) -> Result<Option<JudgeChoice>> {
    let Some(provider_id) = wish.judge_provider_id.or(wish.provider_id) else {
        return match &wish.judge_model {
            None => Ok(None),
            Some(_) => {
                Err(Error::invalid("/judgeModel", "model_without_provider", "A judge's model needs a judgeProviderId."))
            }
        };
    };
    if wish.provider_id.is_none() {
        let message = "A judge judges answers of live cases, and there are none without a providerId.";
        return Err(Error::invalid("/judgeProviderId", "judge_without_cases", message));
    }
    if !cases.iter().any(|case| case.expect.judge.is_some()) {
        return Ok(None);
    }
    let is_same = wish.judge_provider_id.is_none_or(|id| Some(id) == wish.provider_id);
    let named = wish.judge_model.as_deref().or(is_same.then_some(model));
    let model = crate::run::choose_model(app, Some(provider_id), named).await?;
    Ok(Some(JudgeChoice { provider_id, model, prompt_hash: hash(judge::INSTRUCTIONS.as_bytes()) }))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// An eval.
///
/// # Errors
/// `404` when there is none.
pub(crate) async fn find(app: &App, id: Uuid) -> Result<Eval> {
    store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("eval"))
}

/// An eval with its results, compared with the one before.
///
/// # Errors
/// `404` when there is none.
pub(crate) async fn report(app: &App, id: Uuid) -> Result<EvalReport> {
    let eval = find(app, id).await?;
    let results = store::results(&app.db, id).await?;
    let before = store::before(&app.db, &eval).await?;
    let (compared_with, changes) = match before {
        Some(before) => {
            let then = store::results(&app.db, before.id).await?;
            // What is not over yet has not changed.
            let is_over = |result: &EvalResult| result.state.is_final();
            let changes = if results.iter().all(is_over) { score::compare(&then, &results) } else { Vec::new() };
            (Some(compared(&before)), changes)
        }
        None => (None, Vec::new()),
    };
    let (other_runtime, differences) = match store::on_another_runtime(&app.db, &eval).await? {
        Some(other) if eval.outcome.is_some() => {
            let there = store::results(&app.db, other.id).await?;
            // What needs no model is looked at in parts that are not the same everywhere.
            let mut differences = score::compare(&there, &results);
            differences.retain(|change| change.layer == Layer::Live);
            (Some(compared(&other)), differences)
        }
        _ => (None, Vec::new()),
    };
    Ok(EvalReport { eval, results, compared_with, changes, other_runtime, differences })
}

fn compared(eval: &Eval) -> ComparedEval {
    let Eval { id, number, revision, runtime, score, .. } = eval;
    ComparedEval { id: *id, number: *number, revision: *revision, runtime: *runtime, score: *score }
}
