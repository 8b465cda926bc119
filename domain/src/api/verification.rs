//! Whether a project is sound: what was checked of it, and what was found.

use serde::{Deserialize, Serialize};

use crate::matrix::Severity;

/// What was found when a project was checked; nothing of it is kept, and nothing of the project was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// The revision that was checked.
    pub revision: i64,
    /// Whether every check passed; warnings and notes do not count against it.
    pub is_sound: bool,
    /// The checks, always all of them and in this order.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was checked.
    pub id: CheckId,
    /// How it came out.
    pub state: CheckState,
    /// What came out, in one sentence.
    pub summary: String,
    /// What was found, the most serious first.
    pub findings: Vec<Finding>,
}

/// What is checked of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckId {
    /// `agent.gantry.yaml` can be read and is the project's spec.
    Spec,
    /// The spec goes together: by itself, and by the compatibility matrix of this instance.
    Compatibility,
    /// Generated files are as generated or edited; none waits for a decision; nothing newer would be generated.
    Files,
    /// Every file of code or data can be parsed.
    Syntax,
    /// The lock file is there and names what the project depends on.
    Lock,
}

impl CheckId {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Spec => "Spec",
            Self::Compatibility => "Compatibility",
            Self::Files => "Generated files",
            Self::Syntax => "Syntax",
            Self::Lock => "Locked dependencies",
        }
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Nothing stands against it.
    Passed,
    /// It passed, and something should be looked at.
    Warning,
    /// It did not pass.
    Failed,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How serious it is.
    pub severity: Severity,
    /// The stable code; `docs/diagnostics.md` has them all.
    pub code: String,
    /// Where: a file, with its line after a colon or a JSON Pointer after a number sign (`src/weather/tools.py:12`,
    /// `agent.gantry.yaml#/agents/0/model`).
    pub path: String,
    /// What it is and what was expected, as a sentence.
    pub message: String,
}
