//! Builds: attempts to make an image of a project. What a build makes is in `image`.

mod context;
pub(crate) mod http;
mod job;
mod report;
mod store;

use gantry_domain::api::Accepted;
use gantry_domain::api::build::Build;
use gantry_domain::api::job::JobKind;
use gantry_domain::eval::gate::GateAction;
use gantry_domain::problem::FieldProblem;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::eval::gate;
use crate::jobs::NewJob;

pub(crate) use job::BuildWork;

/// How many attempts at a build may fail for reasons that mend by themselves.
const MAX_ATTEMPTS: i64 = 5;

/// What the job of a build needs to know besides the build itself.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildArguments {
    #[serde(default)]
    no_cache: bool,
}

/// Begins a build of a project as it is now.
///
/// # Errors
/// `404` without the project, `409 unresolved_conflicts` while files wait for a decision, `409 gate_not_passed`,
/// `422 context_refused` for files that cannot be built, `409 job_active` while another build of the
/// project is under way.
pub(crate) async fn begin(app: &App, project: &str, no_cache: bool, created_by: &str) -> Result<Accepted> {
    let project = crate::project::find(&app.db, project).await?;
    let project_id = project.summary.id;
    crate::project::refuse_conflicts(&app.db, project_id, project.revision).await?;
    // Refused now, with every fault, rather than in a minute by the job.
    context_of(app, project_id, project.revision).await?.map_err(refused)?;
    let id = Uuid::now_v7();
    let mut tx = app.db.begin().await?;
    let job = NewJob {
        kind: JobKind::Build,
        project_id: Some(project_id),
        subject_id: Some(id),
        args: serde_json::to_value(BuildArguments { no_cache })?,
        dedupe_key: Some(format!("build:{project_id}")),
        max_attempts: MAX_ATTEMPTS,
        created_by: created_by.to_owned(),
    };
    // First the job: its key lets one build of a project through at a time, so that the number
    // which the build is given next is its own.
    let job_id = app.jobs.enqueue(&mut tx, job).await?;
    let asked = gate::Asked {
        project_id,
        version: &project.summary.version,
        revision: project.revision,
        action: GateAction::Build,
        subject_id: id,
        job_id,
    };
    gate::ask(app, &mut tx, &asked).await?;
    let build = store::NewBuild {
        id,
        project_id,
        job_id,
        version: project.summary.version,
        revision: project.revision,
        created_by: created_by.to_owned(),
        created_at: app.db.now(),
    };
    store::insert(&mut tx, &build).await?;
    tx.commit().await?;
    Ok(Accepted { id, job_id })
}

/// Versions and revisions of a project before this one that an image was built of, newest first; the newest hundred.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn built_before(db: &Db, project_id: Uuid, revision: i64) -> Result<Vec<(String, i64)>> {
    store::built_before(db, project_id, revision).await
}

/// A build.
///
/// # Errors
/// `404` when there is none.
pub(crate) async fn find(app: &App, id: Uuid) -> Result<Build> {
    store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("build"))
}

/// Why a project's files at a revision cannot be built; nothing when they can.
///
/// # Errors
/// `404` without the project or the revision.
pub(crate) async fn faults(app: &App, project_id: Uuid, revision: i64) -> Result<Vec<FieldProblem>> {
    Ok(context_of(app, project_id, revision).await?.err().unwrap_or_default())
}

/// The context that a project's files at a revision make, or what is wrong with them.
async fn context_of(
    app: &App,
    project_id: Uuid,
    revision: i64,
) -> Result<std::result::Result<context::Context, Vec<FieldProblem>>> {
    let files = crate::project::files(&app.db, project_id, revision).await?;
    let files: Vec<_> = files.into_iter().map(|file| (file.path, file.content.into_bytes())).collect();
    let limit = u64::from(app.config.build_context_mib) << 20;
    Ok(context::make(&files, limit))
}

fn refused(faults: Vec<FieldProblem>) -> Error {
    let detail = format!(
        "The project's files cannot be built: {}",
        faults.first().map(|fault| fault.message.as_str()).unwrap_or_default()
    );
    Error::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "context_refused", detail).with_errors(faults)
}
