//! Doing a run anew, from its beginning or from a point in its middle: where that is possible, and the run
//! that does it. What of a log is taken over, and how, belongs in `runtime/`.

use gantry_domain::api::Accepted;
use gantry_domain::api::run::{Run, RunAgain, RunPoint, RunPointKind, RunPoints, RunRuntime};
use gantry_domain::spec::Spec;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Executed, Executor, NewRun, Origin, as_process, check_input, choose_model, get, in_container, job, spec_of, start,
};
use crate::app::App;
use crate::error::{Error, Result};
use crate::{project, runtime};

/// The name of a run's beginning.
const INPUT: &str = "input";

/// Does a run anew: with the spec that it had, its mode and its model, and what was said before it in its
/// conversation. It is a turn of no chat.
///
/// # Errors
/// `404` when there is no such run; `409 run_under_way` when it is not over and is to be taken up in its
/// middle; `422` when there is nothing to say, its model cannot be used any more, or it cannot be taken up there.
pub(super) async fn again(app: &App, id: Uuid, asked: RunAgain, created_by: String) -> Result<Accepted> {
    let before = get(&app.db, id).await?;
    let point = asked.from.unwrap_or_else(|| INPUT.to_owned());
    let old_spec = spec_of(&app.db, id).await?;
    let (input, edited, taken_over) = if point == INPUT {
        let edited = asked.input.as_ref().is_some_and(|input| *input != before.input);
        (asked.input.unwrap_or_else(|| before.input.clone()), edited, None)
    } else {
        may_be_taken_up_in_its_middle(&before)?;
        let history = app.jobs.log().history(before.job_id).await?;
        let edit = asked.input.as_deref();
        let taken = runtime::take_over(&history, old_spec.target.pattern, id, &point, edit)?;
        (before.input.clone(), edit.is_some(), Some(taken))
    };
    check_input("/input", &input)?;
    let model = choose_model(app, before.provider_id, Some(&before.model)).await?;
    let earlier = job::earlier(app, &before, &old_spec, &app.jobs.args(before.job_id).await?).await?;
    let Executed { spec, executor } = match (&before.image, before.revision) {
        (Some(image), _) => in_container(app, before.project_id, Some(image)).await?,
        (None, Some(revision)) => as_process(app, before.project_id, revision, old_spec).await?,
        (None, None) => Executed { spec: old_spec, executor: Executor::Native },
    };
    let run = NewRun {
        project_id: before.project_id,
        session_id: None,
        input,
        earlier,
        mode: before.mode,
        provider_id: before.provider_id,
        model,
        executor,
        origin: Some(Origin { run_id: id, point, edited, taken_over }),
        created_by,
    };
    let mut tx = app.db.begin().await?;
    let accepted = start(app, &mut tx, &spec, run).await?;
    tx.commit().await?;
    Ok(accepted)
}

/// Where a run can be taken up.
///
/// # Errors
/// `404` when there is no such run; `409 run_under_way` when it is not over.
pub(super) async fn points(app: &App, id: Uuid) -> Result<RunPoints> {
    let run = get(&app.db, id).await?;
    if !run.state.is_final() {
        return Err(under_way());
    }
    let spec = spec_of(&app.db, id).await?;
    let mut items = vec![RunPoint {
        name: INPUT.to_owned(),
        kind: RunPointKind::Input,
        subject: String::new(),
        label: String::new(),
        refusal: None,
    }];
    if run.runtime == RunRuntime::Native {
        let history = app.jobs.log().history(run.job_id).await?;
        items.extend(runtime::points(&history, spec.target.pattern));
    }
    let now = project::get(&app.db, run.project_id).await?.spec;
    Ok(RunPoints { items, differs: differing_parts(&spec, &now) })
}

fn may_be_taken_up_in_its_middle(run: &Run) -> Result<()> {
    if run.runtime != RunRuntime::Native {
        let message = "A project that ran in its image or as a process keeps its state to itself, so only its beginning can be done anew. Leave from out.";
        return Err(Error::invalid("/from", "point_in_container", message));
    }
    if run.state.is_final() { Ok(()) } else { Err(under_way()) }
}

fn under_way() -> Error {
    Error::conflict("run_under_way", "The run is not over. Wait for its end or stop it, then take it up.")
}

/// The top-level parts of a spec that another one does not have like this.
fn differing_parts(spec: &Spec, other: &Spec) -> Vec<String> {
    let (Ok(Value::Object(spec)), Ok(Value::Object(other))) = (serde_json::to_value(spec), serde_json::to_value(other))
    else {
        return Vec::new();
    };
    let mut parts: Vec<String> = spec.keys().chain(other.keys()).cloned().collect();
    parts.sort_unstable();
    parts.dedup();
    parts.retain(|part| spec.get(part) != other.get(part));
    parts
}
