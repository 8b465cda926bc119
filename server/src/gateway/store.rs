//! The SQL of the gateway.

use std::collections::HashSet;

use gantry_domain::Timestamp;
use gantry_domain::api::run::PermissionMode;
use gantry_domain::event::Usage;
use gantry_domain::spec::Spec;
use sqlx::types::Json;
use uuid::Uuid;

use super::wire::Denial;
use crate::db::{Db, Tx};
use crate::outside::model::TokenCount;

/// What the fact of a span begins with.
pub(super) const SPAN_FACT: &str = "span:";

/// The gateway opened for a run.
pub(super) struct NewAccess {
    pub(super) run_id: Uuid,
    pub(super) token_hash: Vec<u8>,
    pub(super) attempt: i64,
    pub(super) opened_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// For how long a run works.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(super) struct Clock {
    opened_at: Timestamp,
    held_since: Option<Timestamp>,
    held_micros: i64,
}

impl Clock {
    /// For how long the run has worked, in milliseconds, not counting the time in which it waited for people.
    pub(super) fn worked_millis(&self, now: Timestamp) -> i64 {
        let waiting = self.held_since.map_or(0, |since| now.millis_since(since).max(0));
        (now.millis_since(self.opened_at) - self.held_micros / 1_000 - waiting).max(0)
    }
}

/// What a token opens.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Pass {
    pub(super) run_id: Uuid,
    pub(super) job_id: Uuid,
    pub(super) attempt: i64,
    pub(super) spec: Json<Spec>,
    pub(super) mode: PermissionMode,
    pub(super) provider_id: Option<Uuid>,
    pub(super) model: String,
    pub(super) input: String,
    #[sqlx(flatten)]
    pub(super) clock: Clock,
    pub(super) used_tokens: i64,
    pub(super) cost_micros: Option<i64>,
}

pub(super) async fn open(tx: &mut Tx, access: NewAccess) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO gateway_access (run_id, token_hash, attempt, opened_at, expires_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (run_id) DO UPDATE SET token_hash = excluded.token_hash, attempt = excluded.attempt,
           opened_at = excluded.opened_at, expires_at = excluded.expires_at,
           holding = 0, held_since = NULL, held_micros = 0",
    )
    .bind(access.run_id)
    .bind(access.token_hash)
    .bind(access.attempt)
    .bind(access.opened_at)
    .bind(access.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Lets nobody in any more. Waits for whoever is about to write into the run's log.
pub(super) async fn shut(tx: &mut Tx, run_id: Uuid) -> sqlx::Result<()> {
    tx.sql("DELETE FROM gateway_access WHERE run_id = $1").bind(run_id).execute().await?;
    Ok(())
}

/// Forgets what was told of a run.
pub(super) async fn forget(tx: &mut Tx, run_id: Uuid) -> sqlx::Result<()> {
    tx.sql("DELETE FROM gateway_fact WHERE run_id = $1").bind(run_id).execute().await?;
    tx.sql("DELETE FROM gateway_denial WHERE run_id = $1").bind(run_id).execute().await?;
    Ok(())
}

/// What a token opens, if its run is under way.
pub(super) async fn pass(db: &Db, token_hash: Vec<u8>, now: Timestamp) -> sqlx::Result<Option<Pass>> {
    db.sql(
        "SELECT run.id AS run_id, run.job_id, access.attempt, run.spec, run.mode, run.provider_id, run.model, run.input,
                access.opened_at, access.held_since, access.held_micros,
                run.input_tokens + run.output_tokens AS used_tokens, run.cost_micros
           FROM gateway_access access
           JOIN run ON run.id = access.run_id
           JOIN job ON job.id = run.job_id
          WHERE access.token_hash = $1 AND access.expires_at > $2
            AND job.state = 'running' AND job.attempt = access.attempt AND job.cancel_requested_at IS NULL",
    )
    .bind(token_hash)
    .bind(now)
    .optional()
    .await
}

/// Whether a run that was let in is still under way.
pub(super) async fn is_open(db: &Db, pass: &Pass, now: Timestamp) -> sqlx::Result<bool> {
    let found: Option<(i64,)> = db
        .sql(
            "SELECT access.attempt FROM gateway_access access
               JOIN run ON run.id = access.run_id
               JOIN job ON job.id = run.job_id
              WHERE access.run_id = $1 AND access.attempt = $2 AND access.expires_at > $3
                AND job.state = 'running' AND job.attempt = $2 AND job.cancel_requested_at IS NULL",
        )
        .bind(pass.run_id)
        .bind(pass.attempt)
        .bind(now)
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Keeps the gateway from being shut until the transaction is over; whether it is open.
pub(super) async fn keep_open(tx: &mut Tx, pass: &Pass) -> sqlx::Result<bool> {
    let open = tx
        .sql("UPDATE gateway_access SET attempt = attempt WHERE run_id = $1 AND attempt = $2")
        .bind(pass.run_id)
        .bind(pass.attempt)
        .execute()
        .await?;
    Ok(open == 1)
}

/// The clock of a run, while the gateway is open for it.
pub(super) async fn clock(db: &Db, run_id: Uuid) -> sqlx::Result<Option<Clock>> {
    db.sql("SELECT opened_at, held_since, held_micros FROM gateway_access WHERE run_id = $1")
        .bind(run_id)
        .optional()
        .await
}

/// A request of the run begins to wait for a person: the run's clock stands still.
pub(super) async fn begin_hold(tx: &mut Tx, run_id: Uuid, now: Timestamp) -> sqlx::Result<()> {
    tx.sql("UPDATE gateway_access SET holding = holding + 1, held_since = coalesce(held_since, $2) WHERE run_id = $1")
        .bind(run_id)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// A request of the run waits no longer; the clock goes on when it was the last one.
pub(super) async fn end_hold(tx: &mut Tx, run_id: Uuid, now: Timestamp) -> sqlx::Result<()> {
    tx.sql(
        "UPDATE gateway_access SET
           held_micros = held_micros + CASE WHEN holding = 1 THEN $2 - coalesce(held_since, $2) ELSE 0 END,
           held_since = CASE WHEN holding = 1 THEN NULL ELSE held_since END,
           holding = holding - 1
         WHERE run_id = $1 AND holding > 0",
    )
    .bind(run_id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn claim(tx: &mut Tx, run_id: Uuid, fact: &str) -> sqlx::Result<bool> {
    let new = tx
        .sql("INSERT INTO gateway_fact (run_id, fact) VALUES ($1, $2) ON CONFLICT (run_id, fact) DO NOTHING")
        .bind(run_id)
        .bind(fact.to_owned())
        .execute()
        .await?;
    Ok(new == 1)
}

pub(super) async fn is_told(db: &Db, run_id: Uuid, fact: &str) -> sqlx::Result<bool> {
    let found: Option<(String,)> = db
        .sql("SELECT fact FROM gateway_fact WHERE run_id = $1 AND fact = $2")
        .bind(run_id)
        .bind(fact.to_owned())
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Everything about a run that was told, but for the spans of the project, which are many.
pub(super) async fn facts(db: &Db, run_id: Uuid) -> sqlx::Result<HashSet<String>> {
    let rows: Vec<(String,)> =
        db.sql("SELECT fact FROM gateway_fact WHERE run_id = $1 AND fact NOT LIKE 'span:%'").bind(run_id).all().await?;
    Ok(rows.into_iter().map(|(fact,)| fact).collect())
}

/// Whether a run was told of any span of its project.
pub(super) async fn has_spans(db: &Db, run_id: Uuid) -> sqlx::Result<bool> {
    let found: Option<(String,)> = db
        .sql("SELECT fact FROM gateway_fact WHERE run_id = $1 AND fact LIKE 'span:%' LIMIT 1")
        .bind(run_id)
        .optional()
        .await?;
    Ok(found.is_some())
}

/// How many spans of its project a run was told of.
pub(super) async fn count_spans(tx: &mut Tx, run_id: Uuid) -> sqlx::Result<i64> {
    let count: Option<(i64,)> = tx
        .sql("SELECT count(*) FROM gateway_fact WHERE run_id = $1 AND fact LIKE 'span:%'")
        .bind(run_id)
        .optional()
        .await?;
    Ok(count.map_or(0, |(count,)| count))
}

pub(super) async fn keep_denial(tx: &mut Tx, run_id: Uuid, denial: &Denial) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO gateway_denial (run_id, call_id, neighbour, name, arguments, answer)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(run_id)
    .bind(denial.call_id.clone())
    .bind(denial.neighbour.clone())
    .bind(denial.name.clone())
    .bind(denial.arguments.clone())
    .bind(denial.answer.clone())
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn denials(db: &Db, run_id: Uuid) -> sqlx::Result<Vec<Denial>> {
    db.sql("SELECT call_id, neighbour, name, arguments, answer FROM gateway_denial WHERE run_id = $1 ORDER BY call_id")
        .bind(run_id)
        .all()
        .await
}

/// What a turn adds to a run's usage.
#[derive(Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) tokens: TokenCount,
    pub(super) tool_calls: i64,
    /// Prices of a million tokens in millionths of a US dollar, when both are known.
    pub(super) prices: Option<(i64, i64)>,
}

#[derive(sqlx::FromRow)]
struct UsageRow {
    input_tokens: i64,
    output_tokens: i64,
    cost_micros: Option<i64>,
    model_calls: i64,
    tool_calls: i64,
}

/// Counts a turn of the model; what the run has used in all, or none when the run is gone.
pub(super) async fn count(tx: &mut Tx, run_id: Uuid, spent: Spent) -> sqlx::Result<Option<Usage>> {
    let (input_price, output_price) = spent.prices.unzip();
    let row: Option<UsageRow> = tx
        .sql(
            "UPDATE run SET input_tokens = input_tokens + $2, output_tokens = output_tokens + $3,
                    model_calls = model_calls + 1, tool_calls = tool_calls + $4,
                    cost_micros = CASE WHEN $5 IS NULL OR $6 IS NULL THEN cost_micros
                      ELSE ((input_tokens + $2) * $5 + (output_tokens + $3) * $6 + 500000) / 1000000 END
              WHERE id = $1
             RETURNING input_tokens, output_tokens, cost_micros, model_calls, tool_calls",
        )
        .bind(run_id)
        .bind(spent.tokens.input)
        .bind(spent.tokens.output)
        .bind(spent.tool_calls)
        .bind(input_price)
        .bind(output_price)
        .returning()
        .await?;
    Ok(row.map(|row| Usage {
        input_tokens: row.input_tokens,
        output_tokens: row.output_tokens,
        cost_micros: row.cost_micros,
        model_calls: row.model_calls,
        tool_calls: row.tool_calls,
    }))
}
