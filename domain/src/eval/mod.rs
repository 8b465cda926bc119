//! Evals: cases with decidable checks, and what follows from how they went.
//!
//! Pure rules: what a case is ([`case`]), what a run did ([`observe`]), whether that is what was expected
//! ([`expect`], with the feature `eval`), what every run must obey ([`wiring`]), how a judge is asked and
//! read ([`judge`]), what looks like a secret ([`leak`]), how it all adds up ([`score`]) and whether it is good
//! enough ([`gate`]). Who runs what,
//! and where it is kept, is the server's.

pub mod case;
#[cfg(feature = "eval")]
pub mod expect;
pub mod gate;
pub mod judge;
pub mod leak;
pub mod observe;
pub mod score;
pub mod wiring;

use serde::{Deserialize, Serialize};

pub use case::{Case, CaseSet, Expectation, ExpectedAnswer, ExpectedCall, Order, Rubric};
pub use observe::{Fate, Observation, ObservedCall, ObservedEnd};

/// A part of an eval. Each needs less than the next: files, a rehearsal, a model, a judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Layer 0: spec, matrix, files and cases are sound; no model is asked.
    Static,
    /// Layer 1: the rehearsal model calls every tool once, and what the tools answer comes back.
    Contract,
    /// Layer 2: what may not run does not run, whatever a model asks for, and no secret is told.
    Safety,
    /// Layer 3: the project's cases against a real model.
    Live,
    /// Layer 4: a model judges answers by a rubric. It decides nothing unless a policy requires it.
    Judge,
}

impl Layer {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Static, Self::Contract, Self::Safety, Self::Live, Self::Judge];

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Contract => "contract",
            Self::Safety => "safety",
            Self::Live => "live",
            Self::Judge => "judge",
        }
    }

    /// What people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Static => "Static",
            Self::Contract => "Contract",
            Self::Safety => "Safety",
            Self::Live => "Live cases",
            Self::Judge => "Judge",
        }
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = EvalCheckState))]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// It is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// It could not be decided here, or was not tried; it proves nothing.
    Skipped,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = EvalCheck))]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was looked at, a stable word such as `output.contains` or `tool:calculator`.
    pub id: String,
    /// How it came out.
    pub state: CheckState,
    /// What was expected and what was there, as a sentence.
    pub message: String,
}

impl Check {
    /// It is as it should be.
    pub fn passed(id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id: id.into(), state: CheckState::Passed, message: message.into() }
    }

    /// It is not.
    pub fn failed(id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id: id.into(), state: CheckState::Failed, message: message.into() }
    }

    /// It could not be decided.
    pub fn skipped(id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id: id.into(), state: CheckState::Skipped, message: message.into() }
    }

    /// Passed or failed.
    pub fn decided(id: impl Into<String>, is_right: bool, message: impl Into<String>) -> Self {
        let state = if is_right { CheckState::Passed } else { CheckState::Failed };
        Self { id: id.into(), state, message: message.into() }
    }
}

/// A text within a sentence: on one line, at most 160 characters.
fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("“{}…”", &line[..end]),
        None => format!("“{line}”"),
    }
}

#[cfg(test)]
mod tests;
