//! Plans: proposed specs made from a sentence.

use serde::{Deserialize, Serialize};

use crate::matrix::{Diagnostic, Framework, Pattern};
use crate::spec::Spec;

/// The body of `POST /plans`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanRequest {
    /// What the agent is to do, in words; 1 to 10 000 characters.
    pub prompt: String,
    /// What is decided already.
    #[serde(default)]
    pub constraints: PlanConstraints,
}

/// What the person has decided already; the planner decides the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanConstraints {
    /// The project's name.
    #[serde(default)]
    pub name: Option<String>,
    /// The framework.
    #[serde(default)]
    pub framework: Option<Framework>,
    /// The pattern.
    #[serde(default)]
    pub pattern: Option<Pattern>,
    /// The model's name at its provider.
    #[serde(default)]
    pub model: Option<String>,
}

/// A proposed spec and how it came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The proposed spec.
    pub spec: Spec,
    /// What is wrong or worth knowing about it.
    pub diagnostics: Vec<Diagnostic>,
    /// What the planner would like to know; at most three.
    pub questions: Vec<String>,
    /// Who made it and from what.
    pub provenance: PlanProvenance,
}

/// Who made a plan and why it looks as it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlanProvenance {
    /// `rules` for the offline planner.
    pub mode: String,
    /// SHA-256 of the prompt, in hexadecimal.
    pub prompt_sha256: String,
    /// Which words led to which choice, one sentence each.
    pub reasons: Vec<String>,
}
