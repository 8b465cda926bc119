//! The SQL of evals and their results. An eval's state is its job's, what it used is its runs'.

use gantry_domain::api::eval::{Eval, EvalOutcome, EvalResult, LayerReport, ResultState};
use gantry_domain::api::job::JobState;
use gantry_domain::api::run::{PermissionMode, RunRuntime};
use gantry_domain::eval::{Case, Check, Layer, score};
use gantry_domain::event::Usage;
use gantry_domain::spec::Spec;
use gantry_domain::{Digest, Timestamp};
use sqlx::types::Json;
use uuid::Uuid;

use super::plan::Planned;
use super::{JudgeChoice, Kept};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::jobs::reason;

/// An eval to be kept.
pub(super) struct NewEval {
    pub(super) id: Uuid,
    pub(super) project_id: Uuid,
    pub(super) job_id: Uuid,
    pub(super) revision: i64,
    pub(super) spec_hash: String,
    pub(super) runtime: RunRuntime,
    pub(super) image: Option<Digest>,
    pub(super) mode: PermissionMode,
    pub(super) provider_id: Option<Uuid>,
    pub(super) model: String,
    pub(super) judge: Option<JudgeChoice>,
    pub(super) repeats: i64,
    pub(super) created_by: String,
    pub(super) created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct EvalRow {
    id: Uuid,
    number: i64,
    project_id: Uuid,
    job_id: Uuid,
    revision: i64,
    spec_hash: String,
    runtime: RunRuntime,
    image: Option<String>,
    mode: PermissionMode,
    provider_id: Option<Uuid>,
    model: String,
    judge_provider_id: Option<Uuid>,
    judge_model: String,
    judge_prompt_hash: String,
    repeats: i64,
    outcome: Option<EvalOutcome>,
    score: Option<i64>,
    created_by: String,
    created_at: Timestamp,
    state: JobState,
    reason_code: Option<String>,
    reason_message: Option<String>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

macro_rules! select_eval {
    ($rest:literal) => {
        concat!(
            "SELECT eval.id, eval.number, eval.project_id, eval.job_id, eval.revision, eval.spec_hash, eval.runtime, eval.image,
                    eval.mode, eval.provider_id, eval.model, eval.judge_provider_id, eval.judge_model,
                    eval.judge_prompt_hash, eval.repeats, eval.outcome, eval.score, eval.created_by, eval.created_at,
                    job.state, job.reason_code, job.reason_message, job.started_at, job.finished_at
               FROM eval JOIN job ON job.id = eval.job_id ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct ResultRow {
    layer: Layer,
    name: String,
    repeat: i64,
    state: ResultState,
    run_id: Option<Uuid>,
    input: String,
    checks: Json<Vec<Check>>,
    duration_ms: Option<i64>,
    answer: Option<String>,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    cost_micros: Option<i64>,
    model_calls: Option<i64>,
    tool_calls: Option<i64>,
}

impl From<ResultRow> for EvalResult {
    fn from(row: ResultRow) -> Self {
        Self {
            layer: row.layer,
            name: row.name,
            repeat: row.repeat,
            state: row.state,
            run_id: row.run_id,
            input: row.input,
            answer: row.answer,
            checks: row.checks.0,
            duration_ms: row.duration_ms,
            usage: Usage {
                input_tokens: row.input_tokens.unwrap_or_default(),
                output_tokens: row.output_tokens.unwrap_or_default(),
                cost_micros: row.cost_micros,
                model_calls: row.model_calls.unwrap_or_default(),
                tool_calls: row.tool_calls.unwrap_or_default(),
            },
        }
    }
}

/// What results come to, as far as an eval's own fields say it.
fn summed(results: &[EvalResult]) -> (Vec<LayerReport>, Usage) {
    let mut usage = Usage::default();
    for used in results.iter().map(|result| result.usage) {
        usage.input_tokens += used.input_tokens;
        usage.output_tokens += used.output_tokens;
        usage.model_calls += used.model_calls;
        usage.tool_calls += used.tool_calls;
        usage.cost_micros = match (usage.cost_micros, used.cost_micros) {
            (None, cost) => cost,
            (sum, None) => sum,
            (Some(sum), Some(cost)) => Some(sum + cost),
        };
    }
    (score::layers(results), usage)
}

impl EvalRow {
    fn with(self, results: &[EvalResult]) -> Eval {
        let (layers, usage) = summed(results);
        Eval {
            id: self.id,
            number: self.number,
            project_id: self.project_id,
            job_id: self.job_id,
            revision: self.revision,
            spec_hash: self.spec_hash,
            runtime: self.runtime,
            image: self.image.and_then(|digest| digest.parse().ok()),
            mode: self.mode,
            provider_id: self.provider_id,
            model: self.model,
            judge_provider_id: self.judge_provider_id,
            judge_model: self.judge_model,
            judge_prompt_hash: self.judge_prompt_hash,
            repeats: self.repeats,
            state: self.state,
            reason: reason(self.reason_code, self.reason_message),
            outcome: self.outcome,
            score: self.score,
            layers,
            usage,
            created_by: self.created_by,
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
        }
    }
}

/// Keeps an eval and gives it the project's next number.
pub(super) async fn insert(tx: &mut Tx, new: &NewEval, spec: &Spec, cases: &[Case]) -> Result<()> {
    let judge = new.judge.as_ref();
    tx.sql(
        "INSERT INTO eval (id, project_id, number, job_id, revision, spec, spec_hash, cases, runtime, mode, provider_id,
                           model, judge_provider_id, judge_model, judge_prompt_hash, repeats, created_by, created_at,
                           image)
         SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                $18
           FROM eval WHERE project_id = $2",
    )
    .bind(new.id)
    .bind(new.project_id)
    .bind(new.job_id)
    .bind(new.revision)
    .bind(serde_json::to_value(spec)?)
    .bind(new.spec_hash.clone())
    .bind(serde_json::to_value(cases)?)
    .bind(new.runtime)
    .bind(new.mode)
    .bind(new.provider_id)
    .bind(new.model.clone())
    .bind(judge.map(|judge| judge.provider_id))
    .bind(judge.map(|judge| judge.model.clone()).unwrap_or_default())
    .bind(judge.map(|judge| judge.prompt_hash.clone()).unwrap_or_default())
    .bind(new.repeats)
    .bind(new.created_by.clone())
    .bind(new.created_at)
    .bind(new.image.as_ref().map(ToString::to_string))
    .execute()
    .await?;
    Ok(())
}

/// Keeps what an eval will consist of.
pub(super) async fn insert_results(tx: &mut Tx, eval_id: Uuid, planned: &[Planned]) -> Result<()> {
    for (place, result) in (0_i64..).zip(planned) {
        tx.sql(
            "INSERT INTO eval_result (eval_id, layer, name, repeat, place, state, input, checks)
             VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7)",
        )
        .bind(eval_id)
        .bind(result.layer)
        .bind(result.name.clone())
        .bind(result.repeat)
        .bind(place)
        .bind(result.input.clone())
        .bind(serde_json::json!([]))
        .execute()
        .await?;
    }
    Ok(())
}

pub(super) async fn get(db: &Db, id: Uuid) -> Result<Option<Eval>> {
    let row: Option<EvalRow> = db.sql(select_eval!("WHERE eval.id = $1")).bind(id).optional().await?;
    complete_one(db, row).await
}

/// An eval with what it works with.
pub(super) async fn kept(db: &Db, id: Uuid) -> Result<Option<Kept>> {
    let Some(eval) = get(db, id).await? else { return Ok(None) };
    let (Json(spec), Json(cases)): (Json<Spec>, Json<Vec<Case>>) =
        db.sql("SELECT spec, cases FROM eval WHERE id = $1").bind(id).one().await?;
    Ok(Some(Kept { eval, spec, cases }))
}

/// A project's evals, newest first.
pub(super) async fn list(db: &Db, project_id: Uuid, before: Option<Uuid>, limit: u64) -> Result<Vec<Eval>> {
    let rows: Vec<EvalRow> = db
        .sql(select_eval!("WHERE eval.project_id = $1 AND eval.id < $2 ORDER BY eval.id DESC LIMIT $3"))
        .bind(project_id)
        .bind(before.unwrap_or(Uuid::max()))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all()
        .await?;
    let mut evals = Vec::with_capacity(rows.len());
    for row in rows {
        let results = results(db, row.id).await?;
        evals.push(row.with(&results));
    }
    Ok(evals)
}

/// The eval of the project before this one on the same runtime that came to its end.
pub(super) async fn before(db: &Db, eval: &Eval) -> Result<Option<Eval>> {
    let row: Option<EvalRow> = db
        .sql(select_eval!(
            "WHERE eval.project_id = $1 AND eval.number < $2 AND eval.runtime = $3 AND eval.outcome IS NOT NULL
             ORDER BY eval.number DESC LIMIT 1"
        ))
        .bind(eval.project_id)
        .bind(eval.number)
        .bind(eval.runtime)
        .optional()
        .await?;
    complete_one(db, row).await
}

/// The newest eval of the same revision on another runtime that came to its end.
pub(super) async fn on_another_runtime(db: &Db, eval: &Eval) -> Result<Option<Eval>> {
    let row: Option<EvalRow> = db
        .sql(select_eval!(
            "WHERE eval.project_id = $1 AND eval.revision = $2 AND eval.runtime <> $3 AND eval.outcome IS NOT NULL
             ORDER BY eval.number DESC LIMIT 1"
        ))
        .bind(eval.project_id)
        .bind(eval.revision)
        .bind(eval.runtime)
        .optional()
        .await?;
    complete_one(db, row).await
}

/// The newest eval of a revision that came to its end.
pub(super) async fn newest_of(db: &Db, project_id: Uuid, revision: i64) -> Result<Option<Eval>> {
    let row: Option<EvalRow> = db
        .sql(select_eval!(
            "WHERE eval.project_id = $1 AND eval.revision = $2 AND eval.outcome IS NOT NULL
             ORDER BY eval.number DESC LIMIT 1"
        ))
        .bind(project_id)
        .bind(revision)
        .optional()
        .await?;
    complete_one(db, row).await
}

/// The newest eval of a revision on a runtime that came to its end.
pub(super) async fn newest_on(db: &Db, project_id: Uuid, revision: i64, runtime: RunRuntime) -> Result<Option<Eval>> {
    let row: Option<EvalRow> = db
        .sql(select_eval!(
            "WHERE eval.project_id = $1 AND eval.revision = $2 AND eval.runtime = $3 AND eval.outcome IS NOT NULL
             ORDER BY eval.number DESC LIMIT 1"
        ))
        .bind(project_id)
        .bind(revision)
        .bind(runtime)
        .optional()
        .await?;
    complete_one(db, row).await
}

async fn complete_one(db: &Db, row: Option<EvalRow>) -> Result<Option<Eval>> {
    let Some(row) = row else { return Ok(None) };
    let results = results(db, row.id).await?;
    Ok(Some(row.with(&results)))
}

/// The results of an eval, by layer and in the order of the cases.
pub(super) async fn results(db: &Db, eval_id: Uuid) -> Result<Vec<EvalResult>> {
    let rows: Vec<ResultRow> = db
        .sql(
            "SELECT eval_result.layer, eval_result.name, eval_result.repeat, eval_result.state, eval_result.run_id,
                    eval_result.input, eval_result.checks, eval_result.duration_ms, run.output AS answer,
                    run.input_tokens, run.output_tokens, run.cost_micros, run.model_calls, run.tool_calls
               FROM eval_result LEFT JOIN run ON run.id = eval_result.run_id
              WHERE eval_result.eval_id = $1 ORDER BY eval_result.place",
        )
        .bind(eval_id)
        .all()
        .await?;
    Ok(rows.into_iter().map(EvalResult::from).collect())
}

/// Which result.
#[derive(Clone, Copy)]
pub(super) struct Which<'w> {
    pub(super) eval_id: Uuid,
    pub(super) layer: Layer,
    pub(super) name: &'w str,
    pub(super) repeat: i64,
}

impl<'w> Which<'w> {
    pub(super) fn of(eval_id: Uuid, result: &'w EvalResult) -> Self {
        Self { eval_id, layer: result.layer, name: &result.name, repeat: result.repeat }
    }
}

/// Notes the run that was begun for a result; whether that result had none under way.
pub(super) async fn begin(tx: &mut Tx, which: Which<'_>, run_id: Uuid) -> sqlx::Result<bool> {
    let touched = tx
        .sql(
            "UPDATE eval_result SET state = 'running', run_id = $5
              WHERE eval_id = $1 AND layer = $2 AND name = $3 AND repeat = $4 AND state IN ('waiting', 'cancelled')",
        )
        .bind(which.eval_id)
        .bind(which.layer)
        .bind(which.name.to_owned())
        .bind(which.repeat)
        .bind(run_id)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Notes how a result came out; whether it had not come to an end before.
pub(super) async fn settle(
    tx: &mut Tx,
    which: Which<'_>,
    state: ResultState,
    checks: &[Check],
    duration_ms: Option<i64>,
) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE eval_result SET state = $5, checks = $6, duration_ms = $7
              WHERE eval_id = $1 AND layer = $2 AND name = $3 AND repeat = $4
                AND state IN ('waiting', 'running', 'cancelled')",
        )
        .bind(which.eval_id)
        .bind(which.layer)
        .bind(which.name.to_owned())
        .bind(which.repeat)
        .bind(state)
        .bind(serde_json::to_value(checks)?)
        .bind(duration_ms)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Notes that what had not ended was cancelled.
pub(super) async fn cancel(tx: &mut Tx, eval_id: Uuid) -> sqlx::Result<()> {
    tx.sql("UPDATE eval_result SET state = 'cancelled' WHERE eval_id = $1 AND state IN ('waiting', 'running')")
        .bind(eval_id)
        .execute()
        .await?;
    Ok(())
}

/// Notes how an eval came out.
pub(super) async fn finish(tx: &mut Tx, id: Uuid, outcome: EvalOutcome, score: Option<i64>) -> sqlx::Result<()> {
    tx.sql("UPDATE eval SET outcome = $2, score = $3 WHERE id = $1")
        .bind(id)
        .bind(outcome)
        .bind(score)
        .execute()
        .await?;
    Ok(())
}
