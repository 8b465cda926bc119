//! Gates: what a project must have shown before its versions of a channel are built or published.
//!
//! A gate is off until somebody sets its policy. Whoever begins a build or a publication asks it, within their
//! transaction; what it says is decided by the domain (`eval::gate`). An override lets one action on one
//! revision through, once; it has a reason, and is kept for ever.

mod store;

use axum::http::StatusCode;
use gantry_domain::Timestamp;
use gantry_domain::api::eval::{
    Eval, EvalResult, Gate, GateOverride, OverriddenGate, OverrideGate, ResultChange, ResultState,
};
use gantry_domain::eval::gate::{Baseline, Channel, Evidence, GateAction, GatePolicy};
use gantry_domain::eval::{Layer, score};
use gantry_domain::event::EventBody;
use gantry_domain::problem::FieldProblem;
use uuid::Uuid;

use crate::app::App;
use crate::build;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

/// How long a reason must and may be, in characters.
const REASON: std::ops::RangeInclusive<usize> = 10..=1_000;

/// Who asks a gate, and for what.
pub(crate) struct Asked<'a> {
    /// The project.
    pub(crate) project_id: Uuid,
    /// The version, which says the channel.
    pub(crate) version: &'a str,
    /// The revision of the project that is built, or was.
    pub(crate) revision: i64,
    /// What is to be done.
    pub(crate) action: GateAction,
    /// The build or publication.
    pub(crate) subject_id: Uuid,
    /// Its job, in whose log an override is noted.
    pub(crate) job_id: Uuid,
}

/// Asks the gate that stands before an action.
///
/// # Errors
/// `409 gate_not_passed` with what is missing by layer, unless somebody has let this through.
pub(crate) async fn ask(app: &App, tx: &mut Tx, asked: &Asked<'_>) -> Result<()> {
    let channel = Channel::of(asked.version);
    let policy = store::policy(&app.db, asked.project_id, channel).await?.policy;
    if !policy.guards.contains(&asked.action) {
        return Ok(());
    }
    let missing = missing(&app.db, asked.project_id, channel, asked.revision, &policy).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let Some(used) = store::use_override(tx, asked, channel, app.db.now()).await? else {
        return Err(refusal(channel, asked, missing));
    };
    let told = EventBody::GateOverridden { override_id: used.id, channel, reason: used.reason, by: used.created_by };
    app.jobs.note(tx, asked.job_id, &[told]).await
}

fn refusal(channel: Channel, asked: &Asked<'_>, missing: Vec<FieldProblem>) -> Error {
    let first = missing.first().map(|fault| fault.message.as_str()).unwrap_or_default();
    let what = match asked.action {
        GateAction::Build => "built",
        GateAction::Publish => "published",
    };
    let detail = format!(
        "Revision {} is not {what}: it does not pass the gate of the channel {}. {first} See the page Evals; somebody with the scope admin may let it through once, with a reason.",
        asked.revision,
        channel.as_str(),
    );
    Error::new(StatusCode::CONFLICT, "gate_not_passed", detail).with_errors(missing)
}

async fn missing(
    db: &Db,
    project_id: Uuid,
    channel: Channel,
    revision: i64,
    policy: &GatePolicy,
) -> Result<Vec<FieldProblem>> {
    let eval = super::store::newest_of(db, project_id, revision).await?;
    let baseline = match &eval {
        Some(eval) if policy.no_regression => baseline(db, channel, eval).await?,
        _ => None,
    };
    let evidence = eval.as_ref().map(|eval| Evidence {
        number: eval.number,
        layers: &eval.layers,
        finished_at: eval.finished_at.unwrap_or(eval.created_at),
        baseline,
    });
    Ok(policy.missing(revision, evidence.as_ref(), db.now()))
}

/// What an eval is to be no worse than: that of the last revision before it that was built for the channel and
/// has one on the same runtime.
async fn baseline(db: &Db, channel: Channel, eval: &Eval) -> Result<Option<Baseline>> {
    for (version, revision) in build::built_before(db, eval.project_id, eval.revision).await? {
        if Channel::of(&version) != channel {
            continue;
        }
        let Some(before) = super::store::newest_on(db, eval.project_id, revision, eval.runtime).await? else {
            continue;
        };
        let (then, now) = (super::store::results(db, before.id).await?, super::store::results(db, eval.id).await?);
        let worse = score::compare(&then, &now)
            .into_iter()
            .filter(|change| change.layer == Layer::Live && change.change == ResultChange::Worse)
            .map(|change| change.name)
            .collect();
        let was_tried = |results: &[EvalResult]| {
            let decided = |state| matches!(state, ResultState::Passed | ResultState::Failed);
            results.iter().any(|result| result.layer == Layer::Live && decided(result.state))
        };
        let is_untried = was_tried(&then) && !was_tried(&now);
        return Ok(Some(Baseline { number: before.number, revision, worse, is_untried }));
    }
    Ok(None)
}

/// A policy as it is kept.
pub(super) struct KeptPolicy {
    policy: GatePolicy,
    changed: Option<(String, Timestamp)>,
}

/// The gates of a project, and how its newest revision stands before them.
///
/// # Errors
/// `404` when there is no such project.
pub(super) async fn of_project(app: &App, project: &str) -> Result<Vec<Gate>> {
    let project = crate::project::find(&app.db, project).await?;
    let mut gates = Vec::new();
    for channel in Channel::ALL {
        gates.push(one(app, project.summary.id, project.revision, channel).await?);
    }
    Ok(gates)
}

async fn one(app: &App, project_id: Uuid, revision: i64, channel: Channel) -> Result<Gate> {
    let KeptPolicy { policy, changed } = store::policy(&app.db, project_id, channel).await?;
    let missing = match policy.guards.is_empty() {
        true => Vec::new(),
        false => missing(&app.db, project_id, channel, revision, &policy).await?,
    };
    let (changed_by, changed_at) = changed.unzip();
    let overrides = store::overrides(&app.db, project_id, channel).await?;
    Ok(Gate { channel, policy, changed_by, changed_at, revision, passes: missing.is_empty(), missing, overrides })
}

/// What was let through any gate, newest first.
///
/// # Errors
/// Whatever the database answers.
pub(super) async fn overridden(app: &App, before: Option<Uuid>, limit: i64) -> Result<Vec<OverriddenGate>> {
    store::all_overrides(&app.db, before, limit).await
}

/// Sets the policy of a gate.
///
/// # Errors
/// `404`, or `422` for what a policy cannot be.
pub(super) async fn set(app: &App, project: &str, channel: Channel, mut policy: GatePolicy, by: &str) -> Result<Gate> {
    let faults = policy.faults();
    if !faults.is_empty() {
        return Err(Error::many(faults));
    }
    policy.require.sort();
    policy.require.dedup();
    policy.guards.sort_by_key(|action| action.as_str());
    policy.guards.dedup();
    let project = crate::project::find(&app.db, project).await?;
    store::set_policy(&app.db, project.summary.id, channel, &policy, by).await?;
    one(app, project.summary.id, project.revision, channel).await
}

/// Lets one action on one revision through a gate, once.
///
/// # Errors
/// `404`, `422 override_reason` without a reason, `409 gate_open` when there is nothing to be let through.
pub(super) async fn override_once(
    app: &App,
    project: &str,
    channel: Channel,
    body: OverrideGate,
    by: &str,
) -> Result<GateOverride> {
    let project = crate::project::find(&app.db, project).await?;
    let reason = body.reason.trim().to_owned();
    if !REASON.contains(&reason.chars().count()) {
        let message = "Expected why it may go through, 10 to 1000 characters: it is kept for ever.";
        return Err(Error::invalid("/reason", "override_reason", message));
    }
    let revision = body.revision.unwrap_or(project.revision);
    if !(1..=project.revision).contains(&revision) {
        let message = format!("The project has no revision {revision}; its newest is {}.", project.revision);
        return Err(Error::invalid("/revision", "revision_unknown", message));
    }
    let policy = store::policy(&app.db, project.summary.id, channel).await?.policy;
    let missing = match policy.guards.contains(&body.action) {
        true => missing(&app.db, project.summary.id, channel, revision, &policy).await?,
        false => Vec::new(),
    };
    if missing.is_empty() {
        let detail = format!("Nothing stands in the way of revision {revision}: there is nothing to override.");
        return Err(Error::conflict("gate_open", detail));
    }
    let made = GateOverride {
        id: Uuid::now_v7(),
        channel,
        action: body.action,
        revision,
        reason,
        missing,
        created_by: by.to_owned(),
        created_at: app.db.now(),
        used_for: None,
        used_at: None,
    };
    store::insert_override(&app.db, project.summary.id, project.summary.name.as_str(), &made).await?;
    tracing::info!(project = %project.summary.name, %revision, channel = channel.as_str(), by, "a gate was overridden");
    Ok(made)
}
