//! Requests and responses of `/api/v1`, one file per noun. camelCase on the wire.

pub mod approval;
pub mod build;
pub mod compatibility;
pub mod eval;
pub mod exchange;
pub mod identity;
pub mod image;
pub mod job;
pub mod mcp;
pub mod openapi;
pub mod plan;
pub mod project;
pub mod provider;
pub mod registry;
pub mod revision;
pub mod run;
pub mod secret;
pub mod session;
pub mod system;
pub mod token;
pub mod usage;
pub mod verification;

use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The entries, in the list's order.
    pub items: Vec<T>,
    /// What to pass as `cursor` for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// What a request that starts long work answers with: `202 Accepted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// What was started: the run, build, publication or eval.
    pub id: uuid::Uuid,
    /// The job that does it; its events are at `/api/v1/jobs/{jobId}/events`.
    pub job_id: uuid::Uuid,
}
