//! The container of a run: from the image in the store to the moment when nothing is left of it.

use std::collections::HashMap;

use gantry_domain::Digest;
use gantry_domain::event::JobReason;
use gantry_domain::matrix::Language;
use gantry_domain::spec::Spec;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Halt, Plan};
use crate::app::App;
use crate::error;
use crate::gateway;
use crate::outside::docker::{ContainerEnd, DockerError, EngineImage, NewContainer};
use crate::outside::layout::LayoutError;
use crate::outside::tunnel::{Forwarder, Tunnel};

/// Where the project finds the gateway within its container.
const GATEWAY_PORT: u16 = 7777;
/// Where the project listens within its container.
const AGENT_PORT: u16 = 8080;
/// Which database a container belongs to: several servers may share an engine.
const INSTANCE: &str = "dev.gantry.instance";
/// Which run a container is for.
const RUN: &str = "dev.gantry.run";
/// Which attempt at the run's job it is for.
const ATTEMPT: &str = "dev.gantry.attempt";
/// How many lines of what a container said are told.
const LAST_LINES: usize = 20;
/// How many bytes of them.
const LAST_BYTES: usize = 2_000;

/// The container of one attempt at a run. However it is let go of, the container is removed.
pub(super) struct Sandbox {
    app: App,
    name: String,
    run_id: Uuid,
    /// What must not be told to anybody.
    token: Option<SecretString>,
    is_there: bool,
    server: Option<tokio::task::JoinHandle<()>>,
}

impl Sandbox {
    /// The container that is to be; `may_be_there` when an earlier attempt may have left one.
    pub(super) fn new(app: &App, run_id: Uuid, may_be_there: bool) -> Self {
        let name = format!("gantry-run-{}", run_id.simple());
        Self { app: app.clone(), name, run_id, token: None, is_there: may_be_there, server: None }
    }

    /// Sees to it that the engine has the image.
    pub(super) async fn load(&self, digest: &Digest) -> Result<EngineImage, Halt> {
        let (docker, images) = (&self.app.docker, &self.app.images);
        let (_, manifest) = images.manifest(digest).await.map_err(not_here)?;
        // Most engines know an image by its configuration, some by its manifest.
        let ids = [manifest.config.digest.as_str(), digest.as_str()];
        if let Some(image) = docker.find_image(&ids).await? {
            return Ok(image);
        }
        let name = format!("{}:{}", repository(&self.app).await?, digest.hex());
        docker.load_image(images.archive_of(digest, &name).await.map_err(not_here)?).await?;
        docker.find_image(&ids).await?.ok_or_else(|| {
            Halt::failed("docker_refused", format!("Docker Engine took the image {digest} and does not have it."))
        })
    }

    /// Makes the container and starts it.
    pub(super) async fn start(
        &mut self,
        plan: &Plan<'_>,
        attempt: i64,
        image: EngineImage,
        token: &SecretString,
    ) -> Result<(), Halt> {
        let docker = &self.app.docker;
        // One of an earlier attempt, if the server ended in the middle of it.
        docker.remove_container(&self.name).await?;
        let instance = instance(&self.app).await?;
        self.token = Some(token.clone());
        let wish = NewContainer {
            name: self.name.clone(),
            image: image.id,
            volumes: image.volumes,
            environment: environment(&plan.spec, &plan.run.model, token),
            labels: HashMap::from([
                (INSTANCE.to_owned(), instance),
                (RUN.to_owned(), self.run_id.to_string()),
                (ATTEMPT.to_owned(), attempt.to_string()),
            ]),
            memory_bytes: i64::from(self.app.config.run_memory_mib) << 20,
            most_processes: i64::from(self.app.config.run_processes),
        };
        self.is_there = true;
        docker.create_container(wish).await?;
        Ok(docker.start_container(&self.name).await?)
    }

    /// Opens the way in, and lets the project out to the gateway.
    pub(super) async fn open(&mut self, language: Language) -> Result<Tunnel, Halt> {
        let forwarder = match language {
            Language::Python => Forwarder::Python,
            Language::Typescript => Forwarder::Node,
        };
        let opened = self.app.docker.open_tunnel(&self.name, forwarder, GATEWAY_PORT, AGENT_PORT).await;
        let (tunnel, arrivals) = match opened {
            Ok(opened) => opened,
            Err(error @ DockerError::Unavailable { .. }) => return Err(error.into()),
            Err(error) => {
                // The project may be why: it ended before anybody could speak with it.
                let is_running = self.app.docker.container_end(&self.name).await?.is_running;
                return Err(if is_running { error.into() } else { Halt::Broken });
            }
        };
        let router = gateway::http::router().with_state(self.app.clone());
        self.server = Some(tokio::spawn(async move {
            // It accepts for ever, until it is told to stop.
            let _ = axum::serve(arrivals, router).await;
        }));
        Ok(tunnel)
    }

    /// Comes back when the container has ended.
    pub(super) async fn ended(&self) {
        if let Err(error) = self.app.docker.container_ended(&self.name).await {
            tracing::warn!(%error, "a container is not watched any more");
            // If it is gone, the tunnel says so.
            std::future::pending::<()>().await;
        }
    }

    /// Why the project in the container does not answer any more.
    pub(super) async fn why_ended(&self) -> Result<JobReason, DockerError> {
        let docker = &self.app.docker;
        let mut end = ContainerEnd { is_running: true, ..ContainerEnd::default() };
        // The engine notices a moment later.
        for _ in 0..10 {
            end = match docker.container_end(&self.name).await {
                Err(DockerError::NoSuchContainer(_)) => {
                    return Ok(reason("container_gone", "Somebody removed the project's container.".to_owned()));
                }
                found => found?,
            };
            if !end.is_running || end.is_out_of_memory {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let said = docker.last_words(&self.name, LAST_LINES).await.unwrap_or_default();
        let said = self.told(&said);
        Ok(match end {
            ContainerEnd { is_out_of_memory: true, .. } => reason(
                "container_out_of_memory",
                format!(
                    "The project used more than the {} MiB of memory that it may, and was stopped. Raise GANTRY_RUN_MEMORY_MIB, or let it use less.{said}",
                    self.app.config.run_memory_mib
                ),
            ),
            ContainerEnd { is_running: true, .. } => reason(
                "project_broke_off",
                format!("The project broke off in the middle of its answer, though its container runs.{said}"),
            ),
            ContainerEnd { exit_code: 137, .. } => {
                reason("container_killed", format!("The project's container was killed from outside.{said}"))
            }
            ContainerEnd { exit_code, .. } => reason(
                "container_exited",
                format!("The project ended with exit code {exit_code} before it had answered.{said}"),
            ),
        })
    }

    /// The end of what the project wrote, without what nobody may know.
    fn told(&self, said: &str) -> String {
        let token = self.token.as_ref().map(|token| token.expose_secret().to_owned()).unwrap_or_default();
        let said = if token.is_empty() { said.to_owned() } else { said.replace(&token, "[hidden]") };
        let said = gateway::clean(said.trim());
        if said.is_empty() {
            return String::new();
        }
        let from = said.len().saturating_sub(LAST_BYTES);
        let from = (from..said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(0);
        format!(" It said last:\n{}", &said[from..])
    }

    /// Removes the container.
    pub(super) async fn remove(mut self) {
        if !std::mem::replace(&mut self.is_there, false) {
            return;
        }
        if let Err(error) = self.app.docker.remove_container(&self.name).await {
            // The reconciler tries again.
            tracing::warn!(%error, container = self.name, "the container of a run is left behind");
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
        if self.is_there {
            let (docker, name) = (self.app.docker.clone(), self.name.clone());
            // When the whole process ends, the next one tidies up.
            let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
            runtime.spawn(async move {
                if let Err(error) = docker.remove_container(&name).await {
                    tracing::warn!(%error, container = name, "the container of a run is left behind");
                }
            });
        }
    }
}

fn reason(code: &str, message: String) -> JobReason {
    JobReason { code: code.to_owned(), message }
}

fn not_here(error: LayoutError) -> Halt {
    Halt::failed(
        "image_not_here",
        format!("The image that was to be run is not in this node's store ({error}). Build the project again."),
    )
}

/// Which database this is, as a label's value.
async fn instance(app: &App) -> error::Result<String> {
    use sha2::{Digest as _, Sha256};
    let id = crate::secret::database_id(&app.db).await?;
    Ok(hex::encode(&Sha256::digest(id.as_bytes())[..16]))
}

/// Where in the engine this database's images are; the tag is the digest.
async fn repository(app: &App) -> error::Result<String> {
    Ok(format!("gantry-run/{}", instance(app).await?))
}

/// What a project needs to know: where it listens and where its model answers. There is no key in it but the
/// run's own token.
fn environment(spec: &Spec, model: &str, token: &SecretString) -> Vec<String> {
    let mut variables = vec![
        ("HOST".to_owned(), "127.0.0.1".to_owned()),
        ("PORT".to_owned(), AGENT_PORT.to_string()),
        // The only place that may be written to; many libraries want one for their caches.
        ("HOME".to_owned(), "/tmp".to_owned()),
        ("MODEL_NAME".to_owned(), model.to_owned()),
    ];
    let root = format!("http://127.0.0.1:{GATEWAY_PORT}/gateway");
    for model in spec.models.values() {
        variables.push((model.base_url_variable.clone(), format!("{root}/v1")));
        variables.push((model.key_variable.clone(), token.expose_secret().to_owned()));
    }
    for (name, value) in gateway::environment(&root, spec.metadata.name.as_str(), token) {
        // What the spec names is what its code reads.
        if variables.iter().all(|(known, _)| *known != name) {
            variables.push((name, value));
        }
    }
    variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// Removes containers that nobody is responsible for any more: of runs that are over, that were deleted, or
/// that another attempt has begun anew; and images from the engine whose project was deleted. May run any
/// time. Without an engine there are none.
///
/// # Errors
/// Whatever the database answers, or an engine that refuses.
pub(crate) async fn reconcile(app: &App) -> error::Result<()> {
    let found = match app.docker.labelled_containers(INSTANCE, &instance(app).await?).await {
        Err(DockerError::Unavailable { .. }) => return Ok(()),
        found => found.map_err(anyhow::Error::from)?,
    };
    for container in found {
        let label = |name: &str| container.labels.get(name).map(String::as_str).unwrap_or_default();
        let attempt: i64 = label(ATTEMPT).parse().unwrap_or(0);
        let is_wanted = match label(RUN).parse() {
            Ok(run_id) => super::store::is_attempted(&app.db, run_id, attempt).await?,
            Err(_) => false,
        };
        if !is_wanted {
            tracing::info!(container = container.id, "removing the container of a run that is over");
            app.docker.remove_container(&container.id).await.map_err(anyhow::Error::from)?;
        }
    }
    let pattern = format!("{}:*", repository(app).await?);
    for name in app.docker.image_names(&pattern).await.map_err(anyhow::Error::from)? {
        let digest = name.rsplit_once(':').and_then(|(_, hex)| format!("sha256:{hex}").parse::<Digest>().ok());
        let is_kept = match digest {
            Some(digest) => crate::image::is_kept(app, &digest).await?,
            None => true,
        };
        // One that a container is made of now is refused, and tried again.
        if !is_kept && let Err(error) = app.docker.remove_image(&name).await {
            tracing::debug!(%error, name, "an image stays in the engine for now");
        }
    }
    Ok(())
}
