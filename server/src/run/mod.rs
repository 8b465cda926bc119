//! Runs: single executions of a project's agent. How a spec is interpreted belongs in `runtime/`, how
//! the generated project runs in `generated/`, with `container` and `process/`; chat threads belong in `session/`.

mod again;
mod container;
mod generated;
pub(crate) mod http;
mod job;
mod process;
mod store;

use gantry_domain::Digest;
use gantry_domain::api::Accepted;
use gantry_domain::api::job::JobKind;
use gantry_domain::api::run::{PermissionMode, Run, RunRuntime, RunStep};
use gantry_domain::matrix::Framework;
use gantry_domain::pipeline::spec_of_step;
use gantry_domain::spec::Spec;
use uuid::Uuid;

use crate::app::App;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::jobs::NewJob;
use crate::runtime::TakenOver;
use crate::{build, image, project, provider, runtime};

pub(crate) use job::RunWork;

/// What an agent may be told, in bytes.
const LONGEST_INPUT: usize = 65_536;

/// How often a run's attempt may fail for the server's own faults.
const MAX_ATTEMPTS: i64 = 5;

/// A run to be started.
pub(crate) struct NewRun {
    /// The project.
    pub(crate) project_id: Uuid,
    /// The chat session that it is a turn of.
    pub(crate) session_id: Option<Uuid>,
    /// What the agent is told.
    pub(crate) input: String,
    /// What was said and answered before, when the caller keeps the conversation; a session keeps its own.
    pub(crate) earlier: Vec<(String, String)>,
    /// What its tools may do without asking.
    pub(crate) mode: PermissionMode,
    /// The model provider; none is the rehearsal model.
    pub(crate) provider_id: Option<Uuid>,
    /// The model's name.
    pub(crate) model: String,
    /// What executes it.
    pub(crate) executor: Executor,
    /// The run that it does anew; none when it begins by itself.
    pub(crate) origin: Option<Origin>,
    /// Who asked.
    pub(crate) created_by: String,
}

/// The run that another one does anew.
pub(crate) struct Origin {
    /// The run.
    run_id: Uuid,
    /// The point from which it is done anew.
    point: String,
    /// Whether what was said there is changed.
    edited: bool,
    /// What of it is taken over; nothing when it is done from its beginning.
    taken_over: Option<TakenOver>,
}

/// What executes a run.
#[derive(Clone, Debug)]
pub(crate) enum Executor {
    /// The server interprets the spec.
    Native,
    /// The project out of this image, in a container.
    Container(Digest),
    /// The project at this revision, as a plain process.
    Process(i64),
}

impl Executor {
    fn runtime(&self) -> RunRuntime {
        match self {
            Self::Native => RunRuntime::Native,
            Self::Container(_) => RunRuntime::Container,
            Self::Process(_) => RunRuntime::Process,
        }
    }
}

/// Refuses what cannot be said to an agent; `field` is its place in the body.
///
/// # Errors
/// `422 input_empty` or `input_too_long`.
pub(crate) fn check_input(field: &str, input: &str) -> Result<()> {
    if input.trim().is_empty() {
        return Err(Error::invalid(field, "input_empty", "Expected something to say, 1 to 65 536 bytes."));
    }
    if input.len() > LONGEST_INPUT {
        let message = format!(
            "Expected at most 65 536 bytes, got {}. Shorten it, or put it where a tool can read it.",
            input.len()
        );
        return Err(Error::invalid(field, "input_too_long", message));
    }
    Ok(())
}

/// The model that a choice means: its name at the provider, or `rehearsal` without one.
///
/// # Errors
/// `422` when the provider does not exist, or a model is named without a provider.
pub(crate) async fn choose_model(app: &App, provider_id: Option<Uuid>, model: Option<&str>) -> Result<String> {
    let named = model.map(str::trim).filter(|name| !name.is_empty());
    let Some(provider_id) = provider_id else {
        return match named {
            None | Some(runtime::rehearsal::NAME) => Ok(runtime::rehearsal::NAME.to_owned()),
            Some(name) => Err(Error::invalid(
                "/model",
                "model_without_provider",
                format!("The model {name} needs a providerId. Leave both out for the rehearsal model."),
            )),
        };
    };
    let access = provider::access(app, provider_id).await.map_err(|error| {
        if error.code() == "not_found" {
            Error::invalid(
                "/providerId",
                "provider_unknown",
                "There is no such model provider. Choose one from the settings.",
            )
        } else {
            error
        }
    })?;
    let name = named.unwrap_or(&access.default_model);
    if name.is_empty() {
        return Err(Error::invalid("/model", "model_missing", "The provider has no default model: name one."));
    }
    if name.len() > 200 {
        return Err(Error::invalid("/model", "model_too_long", "Expected a model's name of at most 200 bytes."));
    }
    Ok(name.to_owned())
}

/// Keeps a run and enqueues its job, within the caller's transaction.
///
/// # Errors
/// `404` when there is no such project; `409 job_active` while the session's turn is under way.
pub(crate) async fn start(app: &App, tx: &mut Tx, spec: &Spec, run: NewRun) -> Result<Accepted> {
    let id = Uuid::now_v7();
    let job = NewJob {
        kind: JobKind::Run,
        project_id: Some(run.project_id),
        subject_id: Some(id),
        args: job::args(&run),
        // The database lets one turn of a session be under way.
        dedupe_key: run.session_id.map(|session_id| format!("session:{session_id}")),
        max_attempts: MAX_ATTEMPTS,
        created_by: run.created_by.clone(),
    };
    let job_id = app.jobs.enqueue(tx, job).await?;
    store::insert(tx, id, job_id, spec, &run, app.db.now()).await?;
    Ok(Accepted { id, job_id })
}

/// The spec of a project, for a run that starts now.
///
/// # Errors
/// `404` when there is no such project.
pub(crate) async fn current_spec(app: &App, project_id: Uuid) -> Result<Spec> {
    Ok(project::get(&app.db, project_id).await?.spec)
}

/// What a run executes, and the spec of it.
pub(crate) struct Executed {
    pub(crate) spec: Spec,
    pub(crate) executor: Executor,
}

/// What a run of a project that starts now executes. In a container that is an image, the newest unless one
/// is named, and the spec that it was built from; as a process the project's newest revision.
///
/// # Errors
/// `404` when there is no such project; `422` when there is no such image or processes are not allowed,
/// `409 unresolved_conflicts`, `503 docker_unavailable` when nobody could run it.
pub(crate) async fn executed(
    app: &App,
    project_id: Uuid,
    runtime: RunRuntime,
    image: Option<&Digest>,
) -> Result<Executed> {
    match (runtime, image) {
        (RunRuntime::Native, None) => {
            Ok(Executed { spec: current_spec(app, project_id).await?, executor: Executor::Native })
        }
        (RunRuntime::Process, None) => {
            let project = project::get(&app.db, project_id).await?;
            as_process(app, project_id, project.revision, project.spec).await
        }
        (RunRuntime::Native | RunRuntime::Process, Some(_)) => Err(Error::invalid(
            "/image",
            "image_without_container",
            "Only a run in a container has an image. Leave it out, or set runtime to container.",
        )),
        (RunRuntime::Container, named) => in_container(app, project_id, named).await,
    }
}

async fn in_container(app: &App, project_id: Uuid, named: Option<&Digest>) -> Result<Executed> {
    let image = match named {
        Some(digest) => match image::find(app, digest).await {
            Ok(image) if image.project_id == project_id => image,
            Err(error) if error.code() != "not_found" => return Err(error),
            _ => {
                let message = "The project has no such image. Leave it out for the newest.";
                return Err(Error::invalid("/image", "image_unknown", message));
            }
        },
        None => image::newest(app, project_id).await?.ok_or_else(|| {
            Error::invalid(
                "/runtime",
                "image_missing",
                "The project has no image yet, and a container runs one. Build the project first.",
            )
        })?,
    };
    let build = build::find(app, image.build_id).await?;
    let spec = project::spec_at(&app.db, project_id, build.revision).await?;
    app.docker.version().await.map_err(|error| Error::unavailable("docker_unavailable", format!("{error}.")))?;
    Ok(Executed { spec, executor: Executor::Container(image.digest) })
}

/// Refuses to keep a choice of what executes runs that this server would never follow.
///
/// # Errors
/// `422 process_not_allowed`.
pub(crate) fn check_runtime(app: &App, runtime: RunRuntime) -> Result<()> {
    if runtime != RunRuntime::Process || app.config.allows_processes() {
        return Ok(());
    }
    let message = if cfg!(target_os = "linux") {
        "This server runs no project as a plain process, which would have all rights of the server's own user and no sandbox. Whoever runs the server allows it with GANTRY_PROCESS_RUNS=allow; a container needs no such trust."
    } else {
        "Projects run as plain processes on Linux only. Use a container, or the native runtime."
    };
    Err(Error::invalid("/runtime", "process_not_allowed", message))
}

async fn as_process(app: &App, project_id: Uuid, revision: i64, spec: Spec) -> Result<Executed> {
    check_runtime(app, RunRuntime::Process)?;
    if spec.target.framework == Framework::WatsonxOrchestrate {
        let message = "A project for watsonx Orchestrate runs on IBM's server only: it has no server of its own. Set runtime to native.";
        return Err(Error::invalid("/runtime", "framework_not_local", message));
    }
    project::refuse_conflicts(&app.db, project_id, revision).await?;
    Ok(Executed { spec, executor: Executor::Process(revision) })
}

/// Removes what is left of runs that nobody is responsible for any more, wherever they were at work. May run any
/// time.
///
/// # Errors
/// Whatever the database, the engine or the disk answers.
pub(crate) async fn reconcile(app: &App) -> Result<()> {
    // What is wrong with the ones is no reason to leave the others.
    let processes = process::reconcile(app).await;
    container::reconcile(app).await?;
    processes
}

/// One step of a project by itself, which is interpreted.
///
/// # Errors
/// `404` when there is no such project; `422 step_unknown` when its spec has no such step, `step_in_container`
/// when it is to run in a container or as a process.
pub(crate) async fn step_of(app: &App, project_id: Uuid, step: &RunStep, runtime: RunRuntime) -> Result<Executed> {
    if runtime != RunRuntime::Native {
        return Err(Error::invalid(
            "/runtime",
            "step_in_container",
            "A project in a container or as a process runs as a whole. Leave step out, or set runtime to native.",
        ));
    }
    let spec = current_spec(app, project_id).await?;
    let spec = spec_of_step(&spec, step).ok_or_else(|| {
        let (field, what, id) = match step {
            RunStep::Agent(id) => ("/step/agent", "agent", id),
            RunStep::Task(id) => ("/step/task", "task", id),
        };
        let message = format!(
            "The saved spec has no {what} named {id:?} that could be tried. Save the spec first, or name another."
        );
        Error::invalid(field, "step_unknown", message)
    })?;
    Ok(Executed { spec, executor: Executor::Native })
}

/// A run.
///
/// # Errors
/// `404` when there is none.
pub(crate) async fn get(db: &Db, id: Uuid) -> Result<Run> {
    store::get(db, id).await?.ok_or_else(|| Error::not_found("run"))
}

/// The turns of a session, oldest first.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn of_session(db: &Db, session_id: Uuid) -> Result<Vec<Run>> {
    Ok(store::of_session(db, session_id).await?)
}

/// The turn of a session that is under way, if one is.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn under_way_in(db: &Db, session_id: Uuid) -> Result<Option<Run>> {
    Ok(store::under_way_in(db, session_id).await?)
}

/// The spec that a run was started with.
///
/// # Errors
/// `404` when there is no such run.
pub(crate) async fn spec_of(db: &Db, id: Uuid) -> Result<Spec> {
    store::spec_of(db, id).await?.ok_or_else(|| Error::not_found("run"))
}

/// The job that executes a run.
///
/// # Errors
/// `404` when there is no such run.
pub(crate) async fn job_of(db: &Db, id: Uuid) -> Result<Uuid> {
    Ok(get(db, id).await?.job_id)
}
