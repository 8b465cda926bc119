//! Plans: proposed specs made from a sentence.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::matrix::{Diagnostic, Framework, Pattern};
use crate::spec::Spec;

/// The body of `POST /plans`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanRequest {
    /// What the agent is to do, in words; 1 to 10 000 characters.
    pub prompt: String,
    /// What is decided already.
    #[serde(default)]
    pub constraints: PlanConstraints,
    /// The provider whose model is to write the plan; left out, the rules make it, offline.
    #[serde(default)]
    pub provider_id: Option<Uuid>,
    /// The model's name at that provider; left out, the provider's default.
    #[serde(default)]
    pub planner_model: Option<String>,
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
    /// Who made it.
    pub mode: PlanMode,
    /// SHA-256 of the prompt, in hexadecimal.
    pub prompt_sha256: String,
    /// Which words led to which choice, one sentence each.
    pub reasons: Vec<String>,
    /// The model that was asked, if one was.
    #[serde(default)]
    pub model: Option<String>,
    /// What was asked of the model and what came of it, in order.
    #[serde(default)]
    pub attempts: Vec<PlanAttempt>,
    /// Why the rules made the plan although a model was asked.
    #[serde(default)]
    pub fallback: Option<String>,
}

/// Who makes a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PlanMode {
    /// The offline planner.
    Rules,
    /// A model.
    Model,
}

/// How a model is asked for a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlanMethod {
    /// With a JSON Schema that the endpoint keeps the answer to.
    JsonSchema,
    /// With a tool that it must call.
    ForcedTool,
    /// In words, with the document taken from the answer.
    Text,
}

/// One question to the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlanAttempt {
    /// How it was asked.
    pub method: PlanMethod,
    /// What was wrong with the answer, each with its path; empty when it was accepted.
    pub problems: Vec<String>,
}

/// What is told of a plan while a model writes it: the events of `POST /plans` where the client
/// accepts `text/event-stream`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum PlanEvent {
    /// The model is being asked.
    #[serde(rename = "plan.asked")]
    Asked {
        /// How.
        method: PlanMethod,
        /// Which question it is, from 1.
        number: u32,
    },
    /// It answered, or could not be asked.
    #[serde(rename = "plan.answered")]
    Answered {
        /// What was asked, and what came of it.
        attempt: PlanAttempt,
    },
    /// The plan is there: the last event.
    #[serde(rename = "plan.done")]
    Done {
        /// The plan.
        plan: Box<Plan>,
    },
}
