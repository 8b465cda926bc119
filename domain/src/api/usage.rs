//! Usage: what runs asked of models, by day.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What runs used in a stretch of days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageReport {
    /// The days in UTC, oldest first, as `2026-11-21`; those without runs, too.
    pub days: Vec<String>,
    /// What was used, for each day, project and model that has runs; by day, then by project.
    pub items: Vec<UsageItem>,
}

/// What the runs of a project used of a model on a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageItem {
    /// The day in UTC on which the runs were asked for.
    pub day: String,
    /// The project.
    pub project_id: Uuid,
    /// The project's name.
    pub project: String,
    /// The model provider; none for the rehearsal model, and for a provider that was deleted.
    pub provider_id: Option<Uuid>,
    /// The provider's name.
    pub provider: Option<String>,
    /// The model's name; `rehearsal` for the built-in model, which is no LLM.
    pub model: String,
    /// How many runs.
    pub runs: i64,
    /// How often a model was asked.
    pub model_calls: i64,
    /// Tokens sent.
    pub input_tokens: i64,
    /// Tokens received.
    pub output_tokens: i64,
    /// What the runs with a known price cost, in millionths of a US dollar.
    pub cost_micros: i64,
    /// How many of the runs have no known price: the model's provider has none entered.
    pub unpriced_runs: i64,
}
