//! The instance itself: what it runs on and which of its parts work.

use serde::{Deserialize, Serialize};

/// The answer of `GET /system`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct System {
    /// Gantry's version.
    pub version: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// This node's name.
    pub node: String,
    /// Whether projects may run as plain processes of this server's own user, without a sandbox.
    #[serde(default)]
    pub process_runs: bool,
    /// The parts that may be missing.
    pub parts: Vec<PartState>,
}

/// Whether a part works: the same list is in `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PartState {
    /// `database`, `migrations`, `workers` or `docker`.
    pub name: String,
    /// Whether it works.
    pub ok: bool,
    /// Whether the instance is ready without it.
    pub optional: bool,
    /// What was found, and what to do when it does not work.
    pub message: String,
}
