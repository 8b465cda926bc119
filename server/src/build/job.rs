//! The work of a build: context, solve, image, record.
//!
//! | step | does | after a crash |
//! |---|---|---|
//! | `context` | checks the files and makes the archive | made again: the same files make the same bytes |
//! | `solve` | BuildKit builds; the image has a name of its own in the engine | BuildKit's cache has what was done |
//! | `image` | takes the image out of the engine into the store | layers in the store are not compressed again; made again when it was swept away |
//! | `record` | build, image and `build.done` in one transaction | done or not done |
//!
//! The name in the engine is removed at the end, however the build ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gantry_domain::api::build::Build;
use gantry_domain::api::job::JobKind;
use gantry_domain::event::{BuildStepState, EventBody};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::context::{Context, DOCKERFILE};
use super::report::{self, note, own_step};
use super::{BuildArguments, store};
use crate::app::App;
use crate::jobs::{JobContext, JobFailure, Outcome, Work};
use crate::outside::buildkit::{self, BuildError, BuildRequest, Progress};
use crate::outside::docker::DockerError;
use crate::outside::layout::{LayoutError, StoredImage};

/// How many reports may wait to be written before the build waits.
const REPORTS: usize = 256;

/// Builds images.
pub(crate) struct BuildWork;

#[async_trait::async_trait]
impl Work for BuildWork {
    fn kind(&self) -> JobKind {
        JobKind::Build
    }

    async fn run(&self, app: &App, job: &JobContext) -> Result<Outcome, JobFailure> {
        let id = job.subject_id().unwrap_or_default();
        let Some(build) = store::get(&app.db, id).await? else {
            return Err(JobFailure::fatal("build_gone", "The build was deleted with its project."));
        };
        let limit = Duration::from_secs(u64::from(app.config.build_timeout_minutes) * 60);
        let built = match tokio::time::timeout(limit, Attempt { app, job, build: &build }.run()).await {
            Ok(built) => built,
            Err(_) => Err(JobFailure::fatal(
                "build_timeout",
                format!(
                    "The build took longer than {} minutes and was stopped. Raise GANTRY_BUILD_TIMEOUT_MINUTES if that is too short.",
                    app.config.build_timeout_minutes
                ),
            )),
        };
        // What comes next is found by name, so a retry may find it; anything else is done with it.
        if !matches!(&built, Err(failure) if failure.kind == crate::jobs::JobFailureKind::Retry) {
            tidy_up(app, &build).await;
        }
        built.map(Outcome::Done)
    }
}

/// What the engine calls the image of a build, until it is in the store.
fn engine_name(build: &Build) -> String {
    format!("gantry-build/{}:latest", build.id.simple())
}

async fn tidy_up(app: &App, build: &Build) {
    match app.docker.remove_image(&engine_name(build)).await {
        Ok(()) | Err(DockerError::Unavailable { .. }) => {}
        Err(error) => tracing::warn!(%error, build = %build.id, "the engine keeps the image of a build"),
    }
}

/// What the log keeps of the context.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContextRecord {
    files: usize,
    bytes: usize,
    left_out: Vec<String>,
}

struct Attempt<'a> {
    app: &'a App,
    job: &'a JobContext,
    build: &'a Build,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<Value, JobFailure> {
        if self.job.cancelled().is_cancelled() {
            return Err(JobFailure::cancelled());
        }
        let context = self.context().await?;
        self.job.step("solve", async { self.solve(&context).await.map(|()| engine_name(self.build)) }).await?;
        let mut image: StoredImage = self.job.step("image", self.image(&context)).await?;
        // An earlier attempt may have stored it so long ago that it was swept away since.
        if !self.app.images.refresh(&image.digest).await.map_err(not_stored)? {
            image = self.image(&context).await?;
        }
        self.record(&image).await?;
        Ok(json!({ "digest": image.digest, "size": image.size }))
    }

    /// Makes the archive, and says once what is in it.
    async fn context(&self) -> Result<Context, JobFailure> {
        let started = Instant::now();
        let made = super::context_of(self.app, self.build.project_id, self.build.revision).await?;
        let context = made.map_err(|faults| {
            let first = faults.first();
            let path = first.map(|fault| fault.path.as_str()).unwrap_or_default();
            let message = first.map(|fault| fault.message.as_str()).unwrap_or_default();
            JobFailure::fatal("context_refused", format!("The project's files cannot be built: {path}: {message}"))
        })?;
        self.job
            .step("context", async {
                let name = "Gather the project's files";
                let mut events =
                    vec![EventBody::BuildStep { step: own_step("context", name, BuildStepState::Running, None) }];
                let mut lines = vec![format!("{} files, {} bytes", context.files, context.archive.len())];
                lines.extend(context.left_out.iter().map(|path| format!("Left out: {path}")));
                events.extend(lines.chunks(64).map(|lines| log_of("context", lines)));
                events.push(EventBody::BuildStep {
                    step: own_step("context", name, BuildStepState::Done, Some(started.elapsed())),
                });
                self.job.append_all(events).await?;
                Ok(ContextRecord {
                    files: context.files,
                    bytes: context.archive.len(),
                    left_out: context.left_out.clone(),
                })
            })
            .await?;
        Ok(context)
    }

    /// Lets BuildKit build, and writes down what it says.
    async fn solve(&self, context: &Context) -> Result<(), JobFailure> {
        let arguments: BuildArguments = serde_json::from_value(self.job.args().clone()).unwrap_or_default();
        let mut request = BuildRequest {
            name: engine_name(self.build),
            context: context.archive.clone(),
            dockerfile: DOCKERFILE.to_owned(),
            labels: BTreeMap::from([
                // The project is part of the image, so two projects never come to the same digest.
                ("dev.gantry.project".to_owned(), self.build.project_id.to_string()),
                ("org.opencontainers.image.version".to_owned(), self.build.version.clone()),
            ]),
            no_cache: arguments.no_cache,
            network: self.app.config.build_network.parse().unwrap_or_default(),
            base_images: None,
        };
        let docker = &self.app.docker;
        self.report(async move |sender, cancel| {
            let (app, say) = (self.app.clone(), sender.downgrade());
            request.base_images = Some(Arc::new(Registries { app, say, said: Mutex::default() }));
            buildkit::build(docker, request, sender, cancel).await.map_err(explain)
        })
        .await
    }

    /// Takes the image out of the engine.
    async fn image(&self, context: &Context) -> Result<StoredImage, JobFailure> {
        let docker = &self.app.docker;
        let name = engine_name(self.build);
        if !docker.has_image(&name).await.map_err(unavailable)? {
            // Somebody cleaned up in the engine after an earlier attempt; its cache makes this short.
            self.solve(context).await?;
        }
        let images = &self.app.images;
        self.report(async |sender, cancel| {
            let started = Instant::now();
            let title = "Store the image by its digest";
            // The log is written for as long as anybody holds a sender; nobody listening means that
            // the lease is lost, and then the token is cancelled too.
            let _ = sender.send(Progress::Step(own_step("image", title, BuildStepState::Running, None))).await;
            let archive = images.partial_path();
            let saved = tokio::select! {
                () = cancel.cancelled() => Err(JobFailure::cancelled()),
                saved = docker.save_image(&name, &archive) => saved.map_err(unavailable),
            };
            let stored = match saved {
                Ok(_) => {
                    let (notes, mut heard) = mpsc::unbounded_channel();
                    let say = sender.clone();
                    let passing_on = async move {
                        while let Some(text) = heard.recv().await {
                            let _ = say.send(note("image", text)).await;
                        }
                    };
                    let (stored, ()) = tokio::join!(images.import(archive.clone(), notes, cancel), passing_on);
                    stored.map_err(not_stored)
                }
                Err(failure) => Err(failure),
            };
            let _ = tokio::fs::remove_file(&archive).await;
            let stored = stored?;
            let text = format!("{}, {} bytes compressed, {}", stored.digest, stored.size, stored.platform);
            let _ = sender.send(note("image", text)).await;
            let done = own_step("image", title, BuildStepState::Done, Some(started.elapsed()));
            let _ = sender.send(Progress::Step(done)).await;
            Ok(stored)
        })
        .await
    }

    /// Does `work` while what it reports is written into the log.
    async fn report<T>(
        &self,
        work: impl AsyncFnOnce(mpsc::Sender<Progress>, &tokio_util::sync::CancellationToken) -> Result<T, JobFailure>,
    ) -> Result<T, JobFailure> {
        let (sender, mut receiver) = mpsc::channel(REPORTS);
        let cancel = self.job.cancelled().child_token();
        let writing = async {
            let written = report::write(self.job, &mut receiver).await;
            if written.is_err() {
                // The lease is lost: whoever has it now does the work.
                receiver.close();
                cancel.cancel();
            }
            written
        };
        let (worked, written) = tokio::join!(work(sender, &cancel), writing);
        written?;
        worked
    }

    /// Keeps what came out, once, together with the event that says so.
    async fn record(&self, image: &StoredImage) -> Result<(), JobFailure> {
        if self.job.step_output("record").await?.is_some() {
            return Ok(());
        }
        let size = i64::try_from(image.size).unwrap_or(i64::MAX);
        let mut tx = self.app.db.begin().await?;
        if !store::finish(&mut tx, self.build.id, image.digest.as_str(), size).await? {
            return Err(JobFailure::fatal("build_gone", "The build was deleted with its project."));
        }
        crate::image::keep(&mut tx, image, self.build, self.app.db.now()).await?;
        let events = [
            EventBody::BuildDone { build_id: self.build.id, digest: image.digest.to_string(), size },
            EventBody::StepDone { step: "record".to_owned(), output: Value::Null },
        ];
        self.job.append_within(&mut tx, &events).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Opens base images' registries with what is configured here, and says so in the build's log.
struct Registries {
    app: App,
    /// Weak: whoever holds a sender keeps the log open, and BuildKit lets go of us when it likes.
    say: mpsc::WeakSender<Progress>,
    said: Mutex<BTreeSet<String>>,
}

impl std::fmt::Debug for Registries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registries")
    }
}

#[async_trait::async_trait]
impl buildkit::BaseImageLogin for Registries {
    async fn login(&self, host: &str) -> Result<Option<(String, SecretString)>, String> {
        let found = crate::registry::credentials_for_host(&self.app, host).await;
        let found = found.map_err(|error| format!("the credential for {host} cannot be read: {}", error.detail()))?;
        let Some((name, access)) = found else { return Ok(None) };
        let is_new = self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned());
        // BuildKit asks again for every image; nobody listening means that the build is over.
        if let (true, Some(say)) = (is_new, self.say.upgrade()) {
            let text = format!("Base images from {host} are pulled with the credential of the registry {name}");
            let _ = say.send(note("", text)).await;
        }
        Ok(access.login())
    }
}

fn log_of(step: &str, lines: &[String]) -> EventBody {
    use gantry_domain::event::{LogLevel, LogLine};
    let lines = lines.iter().map(|text| LogLine { level: LogLevel::Info, text: text.clone() }).collect();
    EventBody::BuildLog { step: step.to_owned(), lines }
}

fn explain(error: BuildError) -> JobFailure {
    match error {
        BuildError::Cancelled => JobFailure::cancelled(),
        BuildError::Docker(error) => unavailable(error),
        BuildError::Unsupported { .. } => JobFailure::fatal("buildkit_missing", error.to_string()),
        BuildError::Failed { .. } => JobFailure::fatal("build_failed", error.to_string()),
    }
}

fn unavailable(error: DockerError) -> JobFailure {
    match error {
        DockerError::Unavailable { .. } => JobFailure::retry("docker_unavailable", error.to_string()),
        DockerError::Disk(_) => JobFailure::retry("image_store_failed", error.to_string()),
        DockerError::NoSuchImage(_)
        | DockerError::NoSuchContainer(_)
        | DockerError::NoTunnel(_)
        | DockerError::Refused(_) => JobFailure::retry("docker_refused", error.to_string()),
    }
}

fn not_stored(error: LayoutError) -> JobFailure {
    match error {
        LayoutError::Cancelled => JobFailure::cancelled(),
        LayoutError::Disk(_) => JobFailure::retry("image_store_failed", error.to_string()),
        LayoutError::Malformed(_) | LayoutError::Missing(_) => JobFailure::fatal("image_unreadable", error.to_string()),
    }
}
