//! A generated project out of its image, in a container that reaches nothing but the gateway: from the image in
//! the store to the moment when nothing is left of the container.

use std::collections::HashMap;
use std::io;

use gantry_domain::Digest;
use gantry_domain::event::JobReason;
use gantry_domain::matrix::Language;
use gantry_domain::spec::ToolSource;
use secrecy::SecretString;

use super::generated::{Broken, Connection, Halt, Plan, Runner, environment, instance, is_wanted, last_words};
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

impl From<DockerError> for Halt {
    fn from(error: DockerError) -> Self {
        let code = match error {
            DockerError::Unavailable { .. } => "docker_unavailable",
            DockerError::NoTunnel(_) => "tunnel_failed",
            DockerError::Disk(_) => "image_store_failed",
            _ => "docker_refused",
        };
        Self::failed(code, format!("The project could not be run in a container: {error}."))
    }
}

/// The container of one attempt at a run. However it is let go of, the container is removed.
pub(super) struct Sandbox<'a> {
    app: &'a App,
    plan: &'a Plan<'a>,
    attempt: i64,
    digest: Digest,
    name: String,
    image: Option<EngineImage>,
    tunnel: Option<Tunnel>,
    /// What must not be told to anybody.
    token: Option<SecretString>,
    is_there: bool,
    server: Option<tokio::task::JoinHandle<()>>,
}

impl<'a> Sandbox<'a> {
    /// The container that is to be.
    pub(super) fn new(app: &'a App, plan: &'a Plan<'a>, digest: Digest, attempt: i64) -> Self {
        let name = format!("gantry-run-{}", plan.run.id.simple());
        // An earlier attempt may have left one.
        let is_there = attempt > 1;
        Self { app, plan, attempt, digest, name, image: None, tunnel: None, token: None, is_there, server: None }
    }

    /// Opens the way in, and lets the project out to the gateway.
    async fn open(&mut self) -> Result<Tunnel, Halt> {
        let forwarder = match self.plan.spec.target.language {
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
                return Err(if is_running { error.into() } else { Halt::Own(Broken) });
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
    async fn container_ended(&self) {
        if let Err(error) = self.app.docker.container_ended(&self.name).await {
            tracing::warn!(%error, "a container is not watched any more");
            // If it is gone, the tunnel says so.
            std::future::pending::<()>().await;
        }
    }

    /// What the engine says of how the container ended.
    async fn end(&self) -> Result<JobReason, DockerError> {
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
        let said = last_words(&said, self.token.as_ref());
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
}

#[async_trait::async_trait]
impl Runner for Sandbox<'_> {
    /// The tools that will not do without a network.
    fn notice(&self) -> Option<JobReason> {
        let reaches_out =
            |source: &ToolSource| matches!(source, ToolSource::Http { .. } | ToolSource::McpOverHttp { .. });
        let needs_network = self.plan.spec.tools.iter().filter(|tool| reaches_out(&tool.source));
        let tools: Vec<&str> = needs_network.map(|tool| tool.id.as_str()).collect();
        let message = format!(
            "The container has no network, so these tools will not reach anything: {}. In the native runtime they do.",
            tools.join(", ")
        );
        (!tools.is_empty()).then(|| reason("tool_without_network", message))
    }

    fn lost(&self) -> JobReason {
        let message = "The server ended while the project was at work, and the container with it. What its tools had done by then is not known, so it was not started again. Run it again if that is right.";
        reason("container_lost", message.to_owned())
    }

    fn expected_at(&self) -> &'static str {
        "on port 8080"
    }

    /// Sees to it that the engine has the image.
    async fn prepare(&mut self) -> Result<(), Halt> {
        let (docker, images, digest) = (&self.app.docker, &self.app.images, &self.digest);
        let (_, manifest) = images.manifest(digest).await.map_err(not_here)?;
        // Most engines know an image by its configuration, some by its manifest.
        let ids = [manifest.config.digest.as_str(), digest.as_str()];
        if let Some(image) = docker.find_image(&ids).await? {
            self.image = Some(image);
            return Ok(());
        }
        let name = format!("{}:{}", repository(self.app).await?, digest.hex());
        docker.load_image(images.archive_of(digest, &name).await.map_err(not_here)?).await?;
        let found = docker.find_image(&ids).await?;
        self.image = Some(found.ok_or_else(|| refused(format!("took the image {digest} and does not have it")))?);
        Ok(())
    }

    /// Makes the container, starts it and opens the way in.
    async fn start(&mut self, token: &SecretString) -> Result<(), Halt> {
        let docker = &self.app.docker;
        // One of an earlier attempt, if the server ended in the middle of it.
        docker.remove_container(&self.name).await?;
        let instance = instance(self.app).await?;
        let image = self.image.take().ok_or_else(|| refused("has no image for the run".to_owned()))?;
        self.token = Some(token.clone());
        let variables = environment(self.plan, token, AGENT_PORT, "/tmp", GATEWAY_PORT);
        let wish = NewContainer {
            name: self.name.clone(),
            image: image.id,
            volumes: image.volumes,
            environment: variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
            labels: HashMap::from([
                (INSTANCE.to_owned(), instance),
                (RUN.to_owned(), self.plan.run.id.to_string()),
                (ATTEMPT.to_owned(), self.attempt.to_string()),
            ]),
            memory_bytes: i64::from(self.app.config.run_memory_mib) << 20,
            most_processes: i64::from(self.app.config.run_processes),
        };
        self.is_there = true;
        docker.create_container(wish).await?;
        docker.start_container(&self.name).await?;
        self.tunnel = Some(self.open().await?);
        Ok(())
    }

    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        let tunnel = self.tunnel.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Box::new(tunnel.connect().await?))
    }

    async fn ended(&self) {
        match &self.tunnel {
            None => self.container_ended().await,
            Some(tunnel) => tokio::select! {
                () = self.container_ended() => {}
                () = tunnel.ended() => {}
            },
        }
    }

    async fn why_ended(&self) -> Result<JobReason, Halt> {
        Ok(self.end().await?)
    }

    async fn remove(&mut self) {
        if !std::mem::replace(&mut self.is_there, false) {
            return;
        }
        if let Err(error) = self.app.docker.remove_container(&self.name).await {
            // The reconciler tries again.
            tracing::warn!(%error, container = self.name, "the container of a run is left behind");
        }
    }
}

impl Drop for Sandbox<'_> {
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

fn refused(what: String) -> Halt {
    Halt::failed("docker_refused", format!("Docker Engine {what}."))
}

fn not_here(error: LayoutError) -> Halt {
    Halt::failed(
        "image_not_here",
        format!("The image that was to be run is not in this node's store ({error}). Build the project again."),
    )
}

/// Where in the engine this database's images are; the tag is the digest.
async fn repository(app: &App) -> error::Result<String> {
    Ok(format!("gantry-run/{}", instance(app).await?))
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
        if !is_wanted(app, label(RUN), label(ATTEMPT)).await? {
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
