//! Import from other formats.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::matrix::Diagnostic;
use crate::spec::Spec;

/// A format that a project can come from or become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExchangeFormat {
    /// A spec of Gantry's own, `agent.gantry.yaml`.
    Gantry,
    /// Open Agent Spec, version 25.4.
    AgentSpec,
}

/// The body of `POST /imports`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRequest {
    /// What the document is; left out, it is told from what stands in it.
    #[serde(default)]
    pub format: Option<ExchangeFormat>,
    /// The document: an object, or its text as JSON or YAML.
    pub document: Value,
}

/// What a document becomes here. Nothing is kept: a project is made by creating one from the spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// What the document was taken for.
    pub format: ExchangeFormat,
    /// The spec.
    pub spec: Spec,
    /// What could not be carried over as it was, and what the diagnosis of the spec says.
    pub diagnostics: Vec<Diagnostic>,
}
