//! Usage in the database: sums over runs.

use gantry_domain::Timestamp;
use gantry_domain::api::usage::UsageItem;
use uuid::Uuid;

use super::{DAY, name_of};
use crate::db::Db;

#[derive(sqlx::FromRow)]
struct Row {
    day: i64,
    project_id: Uuid,
    project: String,
    provider_id: Option<Uuid>,
    provider: Option<String>,
    model: String,
    runs: i64,
    model_calls: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost_micros: i64,
    unpriced_runs: i64,
}

impl From<Row> for UsageItem {
    fn from(row: Row) -> Self {
        Self {
            day: name_of(row.day),
            project_id: row.project_id,
            project: row.project,
            provider_id: row.provider_id.filter(|_| row.provider.is_some()),
            provider: row.provider,
            model: row.model,
            runs: row.runs,
            model_calls: row.model_calls,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cost_micros: row.cost_micros,
            unpriced_runs: row.unpriced_runs,
        }
    }
}

/// What was used since a day, counted from 1970-01-01; by day, project and model.
pub(super) async fn by_day(db: &Db, first: i64) -> sqlx::Result<Vec<UsageItem>> {
    let rows: Vec<Row> = db
        .sql(
            "SELECT run.created_at / 86400000000 AS day, run.project_id, project.name AS project, run.provider_id,
                    provider.name AS provider, run.model, COUNT(*) AS runs,
                    CAST(SUM(run.model_calls) AS BIGINT) AS model_calls,
                    CAST(SUM(run.input_tokens) AS BIGINT) AS input_tokens,
                    CAST(SUM(run.output_tokens) AS BIGINT) AS output_tokens,
                    CAST(COALESCE(SUM(run.cost_micros), 0) AS BIGINT) AS cost_micros,
                    COUNT(*) - COUNT(run.cost_micros) AS unpriced_runs
             FROM run JOIN project ON project.id = run.project_id LEFT JOIN provider ON provider.id = run.provider_id
             WHERE run.created_at >= $1
             GROUP BY run.created_at / 86400000000, run.project_id, project.name, run.provider_id, provider.name, run.model
             ORDER BY day, project, provider, run.model",
        )
        .bind(Timestamp::from_micros(first.saturating_mul(DAY)))
        .all()
        .await?;
    Ok(rows.into_iter().map(UsageItem::from).collect())
}
