//! Gates: what an eval must have shown before a revision is built or published.

use serde::{Deserialize, Serialize};

use super::Layer;
use super::score::percent;
use crate::Timestamp;
use crate::api::eval::{LayerReport, LayerState};
use crate::problem::FieldProblem;

/// Where a version is going. A pre-release version (`0.1.0-dev.3`) is `dev`, any other `release`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Versions that people rely on.
    Release,
    /// Versions on the way there.
    Dev,
}

impl Channel {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Release, Self::Dev];

    /// The channel of a semantic version (semver.org 2.0.0, 9).
    pub fn of(version: &str) -> Self {
        let core = version.split('+').next().unwrap_or_default();
        if core.contains('-') { Self::Dev } else { Self::Release }
    }

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }
}

/// What a gate stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum GateAction {
    /// An image is built.
    Build,
    /// An image is published to a registry.
    Publish,
}

impl GateAction {
    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Publish => "publish",
        }
    }
}

/// What must have been shown. Guarding nothing is being switched off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatePolicy {
    /// What it stands before; nothing is off.
    pub guards: Vec<GateAction>,
    /// The layers that must have passed.
    pub require: Vec<Layer>,
    /// Percent of the live cases that must have passed, 1 to 100; the other layers pass as a whole.
    #[serde(default = "all")]
    pub min_pass_percent: i64,
    /// How old the eval may be, 1 to 8760 hours; none is any age.
    #[serde(default)]
    pub max_age_hours: Option<i64>,
    /// Whether no live case may fail that passed at the last earlier revision of which an image was built for this
    /// channel. A project that has none yet has nothing to lose.
    #[serde(default)]
    pub no_regression: bool,
}

fn all() -> i64 {
    100
}

impl Default for GatePolicy {
    /// Off; when it is switched on, everything that is decided without a judge.
    fn default() -> Self {
        Self {
            guards: Vec::new(),
            require: vec![Layer::Static, Layer::Contract, Layer::Safety, Layer::Live],
            min_pass_percent: 100,
            max_age_hours: None,
            no_regression: false,
        }
    }
}

/// What an eval has shown.
#[derive(Clone, Debug)]
pub struct Evidence<'e> {
    /// Its number within the project.
    pub number: i64,
    /// What its layers came to.
    pub layers: &'e [LayerReport],
    /// When it ended.
    pub finished_at: Timestamp,
    /// What it is to be no worse than.
    pub baseline: Option<Baseline>,
}

/// The eval of the last revision that was built for the channel, on the same runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// Its number within the project.
    pub number: i64,
    /// The revision.
    pub revision: i64,
    /// The live cases that passed there and fail now.
    pub worse: Vec<String>,
    /// Whether there were live cases there and none was tried now.
    pub is_untried: bool,
}

impl GatePolicy {
    /// What of a policy cannot be.
    pub fn faults(&self) -> Vec<FieldProblem> {
        let mut found = Vec::new();
        if !(1..=100).contains(&self.min_pass_percent) {
            let message = "Expected 1 to 100 percent of the live cases.";
            found.push(FieldProblem::new("/minPassPercent", "gate_percent_invalid", message));
        }
        if self.max_age_hours.is_some_and(|hours| !(1..=8_760).contains(&hours)) {
            let message = "Expected 1 to 8760 hours (a year), or nothing for any age.";
            found.push(FieldProblem::new("/maxAgeHours", "gate_age_invalid", message));
        }
        if !self.guards.is_empty() && self.require.is_empty() {
            let message = "Expected at least one layer: a gate that requires nothing stops nothing.";
            found.push(FieldProblem::new("/require", "gate_requires_nothing", message));
        }
        found
    }

    /// What is missing for a revision to pass, by layer; nothing is a pass. `evidence` is the newest eval of
    /// that revision that came to its end.
    pub fn missing(&self, revision: i64, evidence: Option<&Evidence<'_>>, now: Timestamp) -> Vec<FieldProblem> {
        let Some(evidence) = evidence else {
            let message = format!("Revision {revision} has no eval that came to its end. Run one.");
            return vec![FieldProblem::new("", "eval_missing", message)];
        };
        let mut found = Vec::new();
        let hours = now.millis_since(evidence.finished_at) / 3_600_000;
        if let Some(most) = self.max_age_hours.filter(|most| hours >= *most) {
            let message =
                format!("Eval {} is {hours} hours old, and {most} are allowed. Run it again.", evidence.number);
            found.push(FieldProblem::new("", "eval_too_old", message));
        }
        found.extend(self.require.iter().filter_map(|layer| self.fault_of(*layer, evidence)));
        found.extend(evidence.baseline.as_ref().filter(|_| self.no_regression).and_then(|baseline| {
            let Baseline { number, revision, worse, is_untried } = baseline;
            let before = format!("eval {number} of revision {revision}, the last that was built for this channel");
            let message = match (worse.is_empty(), is_untried) {
                (false, _) => {
                    format!("{} passed in {before}, and fails in eval {}.", worse.join(", "), evidence.number)
                }
                (true, true) => format!("There were live cases in {before}, and none in eval {}.", evidence.number),
                (true, false) => return None,
            };
            Some(FieldProblem::new(Layer::Live.as_str(), "case_got_worse", message))
        }));
        found
    }

    fn fault_of(&self, layer: Layer, evidence: &Evidence<'_>) -> Option<FieldProblem> {
        let report = evidence.layers.iter().find(|report| report.layer == layer);
        let (title, number) = (layer.title(), evidence.number);
        let fault = |code: &str, message: String| Some(FieldProblem::new(layer.as_str(), code, message));
        let Some(report) = report.filter(|report| !matches!(report.state, LayerState::Skipped | LayerState::Open))
        else {
            let advice = match layer {
                Layer::Live => "Run an eval with a model provider.",
                Layer::Judge => "Give a case a rubric and run an eval with a judge.",
                _ => "Run an eval again.",
            };
            return fault("layer_not_shown", format!("{title}: eval {number} shows nothing of it. {advice}"));
        };
        let share = percent(report.passed, report.failed).unwrap_or(0);
        let least = if layer == Layer::Live { self.min_pass_percent } else { 100 };
        if share >= least {
            return None;
        }
        let of = report.passed + report.failed;
        let need = if least == 100 { "all must".to_owned() } else { format!("{least} % must") };
        fault("layer_failed", format!("{title}: {} of {of} passed in eval {number}, {need}.", report.passed))
    }
}
