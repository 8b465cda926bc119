//! Containers that are shut off: no network, nothing to write to but a little memory, no rights, and
//! limits on everything. How one is spoken with is next door in `tunnel`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountTmpfsOptions, MountType,
    ResourcesUlimits,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions, WaitContainerOptionsBuilder,
};
use futures::StreamExt;

use super::{ANSWER_WITHIN, Docker, DockerError};
use crate::outside::tunnel::{Arrivals, Forwarder, Tunnel};

/// Who the processes in a container are: nobody that this machine knows.
const USER: &str = "10001:10001";
/// How much a process may write into `/tmp`, in bytes. It is memory, and counts as such.
const SCRATCH_BYTES: u64 = 64 << 20;
/// The same for each volume that the image names: the engine would give it a folder on the disk.
const VOLUME_BYTES: i64 = 16 << 20;
/// How many bytes of what a container says the engine keeps.
const LOG_SIZE: &str = "1m";
/// How long the program that makes the tunnel may take to be ready.
const TUNNEL_WITHIN: Duration = Duration::from_secs(30);
/// How many bytes of a program's complaints are kept.
const MOST_COMPLAINTS: usize = 2_000;

/// A container to be.
#[derive(Clone, Debug)]
pub struct NewContainer {
    /// Its name, unique in the engine.
    pub name: String,
    /// The image's id in the engine.
    pub image: String,
    /// The folders that the image declares to be volumes.
    pub volumes: Vec<String>,
    /// Its environment, each `NAME=value`.
    pub environment: Vec<String>,
    /// Its labels.
    pub labels: HashMap<String, String>,
    /// How much memory it may use, in bytes.
    pub memory_bytes: i64,
    /// How many processes and threads it may have.
    pub most_processes: i64,
}

/// An image as an engine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineImage {
    /// Its id in the engine.
    pub id: String,
    /// The folders that it declares to be volumes.
    pub volumes: Vec<String>,
}

/// How it stands with a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerEnd {
    /// Whether it runs.
    pub is_running: bool,
    /// What its process ended with.
    pub exit_code: i64,
    /// Whether something in it was killed for using too much memory.
    pub is_out_of_memory: bool,
}

/// A container and what it is labelled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// Its id.
    pub id: String,
    /// Its labels.
    pub labels: HashMap<String, String>,
}

impl Docker {
    /// The image with one of these names or ids, if the engine has it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn find_image(&self, names: &[&str]) -> Result<Option<EngineImage>, DockerError> {
        let engine = self.connect().await?;
        for name in names {
            match engine.inspect_image(name).await {
                Ok(found) => {
                    let volumes = found.config.and_then(|config| config.volumes).unwrap_or_default();
                    let id = found.id.unwrap_or_else(|| (*name).to_owned());
                    return Ok(Some(EngineImage { id, volumes }));
                }
                Err(error) => match self.explain(error, name) {
                    DockerError::NoSuchImage(_) => {}
                    other => return Err(other),
                },
            }
        }
        Ok(None)
    }

    /// Makes a container, and does not start it.
    ///
    /// # Errors
    /// When the engine does not answer or refuses.
    pub async fn create_container(&self, wish: NewContainer) -> Result<(), DockerError> {
        let options = CreateContainerOptionsBuilder::new().name(&wish.name).build();
        let image = wish.image.clone();
        let engine = self.connect().await?;
        engine.create_container(Some(options), shut_off(wish)).await.map_err(|error| self.explain(error, &image))?;
        Ok(())
    }

    /// Starts a container.
    ///
    /// # Errors
    /// When the engine does not answer or refuses, such as for a program that the image does not have.
    pub async fn start_container(&self, name: &str) -> Result<(), DockerError> {
        let started = self.connect().await?.start_container(name, None::<StartContainerOptions>).await;
        started.map_err(|error| self.explain_container(error, name))
    }

    /// Opens a way into a running container: connections to `agent` in it, and from it those that are made
    /// to `gateway` there.
    ///
    /// # Errors
    /// When the engine does not answer, or the program that forwards cannot run in there.
    pub async fn open_tunnel(
        &self,
        name: &str,
        forwarder: Forwarder,
        gateway: u16,
        agent: u16,
    ) -> Result<(Tunnel, Arrivals), DockerError> {
        let engine = self.connect().await?;
        let wish = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            user: Some(USER.to_owned()),
            cmd: Some(forwarder.command(gateway, agent)),
            ..CreateExecOptions::default()
        };
        let made = engine.create_exec(name, wish).await.map_err(|error| self.explain_container(error, name))?;
        let started = engine.start_exec(&made.id, None).await.map_err(|error| self.explain_container(error, name))?;
        let StartExecResults::Attached { output, input } = started else {
            return Err(DockerError::Refused("it did not attach to the program in the container".to_owned()));
        };
        let complaints: Arc<Mutex<String>> = Arc::default();
        let heard = complaints.clone();
        let said = output.filter_map(move |part| {
            let part = match part {
                Ok(LogOutput::StdOut { message }) => Some(message),
                Ok(LogOutput::StdErr { message } | LogOutput::Console { message }) => {
                    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    if heard.len() < MOST_COMPLAINTS {
                        heard.push_str(&String::from_utf8_lossy(&message));
                    }
                    None
                }
                _ => None,
            };
            std::future::ready(part)
        });
        let opened = tokio::time::timeout(TUNNEL_WITHIN, Tunnel::open(said, input)).await;
        match opened {
            Ok(Some(tunnel)) => Ok(tunnel),
            Ok(None) => {
                let said = complaints.lock().unwrap_or_else(PoisonError::into_inner).trim().to_owned();
                Err(DockerError::NoTunnel(if said.is_empty() { "it ended at once".to_owned() } else { said }))
            }
            Err(_) => Err(DockerError::NoTunnel(format!("it was not ready within {} s", TUNNEL_WITHIN.as_secs()))),
        }
    }

    /// Waits until a container has ended.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn container_ended(&self, name: &str) -> Result<(), DockerError> {
        let engine = self.connect().await?;
        let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
        let mut ends = std::pin::pin!(engine.wait_container(name, Some(options)));
        match ends.next().await {
            Some(Ok(_) | Err(bollard::errors::Error::DockerContainerWaitError { .. })) => Ok(()),
            Some(Err(error)) => Err(self.explain_container(error, name)),
            None => Err(self.unavailable("it stopped telling about a container")),
        }
    }

    /// How it stands with a container.
    ///
    /// # Errors
    /// [`DockerError::NoSuchContainer`], or when the engine does not answer.
    pub async fn container_end(&self, name: &str) -> Result<ContainerEnd, DockerError> {
        let found = self.connect().await?.inspect_container(name, None::<InspectContainerOptions>).await;
        let state = found.map_err(|error| self.explain_container(error, name))?.state.unwrap_or_default();
        Ok(ContainerEnd {
            is_running: state.running.unwrap_or(false),
            exit_code: state.exit_code.unwrap_or(0),
            is_out_of_memory: state.oom_killed.unwrap_or(false),
        })
    }

    /// The last lines that a container wrote, to standard output and error.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn last_words(&self, name: &str, lines: usize) -> Result<String, DockerError> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&lines.to_string()).build();
        let engine = self.connect().await?;
        let mut parts = std::pin::pin!(engine.logs(name, Some(options)));
        let mut said = VecDeque::new();
        while let Some(part) = parts.next().await {
            let part = part.map_err(|error| self.explain_container(error, name))?;
            said.push_back(String::from_utf8_lossy(&part.into_bytes()).into_owned());
            if said.len() > lines {
                said.pop_front();
            }
        }
        Ok(said.into_iter().collect())
    }

    /// Kills a container, and removes it with all that was in it. One that is not there is no error.
    ///
    /// # Errors
    /// When the engine does not answer or refuses.
    pub async fn remove_container(&self, name: &str) -> Result<(), DockerError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.connect().await?.remove_container(name, Some(options)).await {
            // Somebody else is at it.
            Ok(()) | Err(bollard::errors::Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
            Err(error) => Err(self.explain_container(error, name)),
        }
    }

    /// Every container, running or not, with this label.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn labelled_containers(&self, name: &str, value: &str) -> Result<Vec<Labelled>, DockerError> {
        let filters = HashMap::from([("label", vec![format!("{name}={value}")])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let work = async {
            let found = self.connect().await?.list_containers(Some(options)).await;
            found.map_err(|error| self.explain(error, ""))
        };
        let found = tokio::time::timeout(ANSWER_WITHIN, work).await.map_err(|_| self.unavailable("no answer"))??;
        Ok(found
            .into_iter()
            .filter_map(|one| Some(Labelled { id: one.id?, labels: one.labels.unwrap_or_default() }))
            .collect())
    }

    fn explain_container(&self, error: bollard::errors::Error, name: &str) -> DockerError {
        match self.explain(error, name) {
            DockerError::NoSuchImage(name) => DockerError::NoSuchContainer(name),
            other => other,
        }
    }
}

/// The container as the engine is asked for it.
fn shut_off(wish: NewContainer) -> ContainerCreateBody {
    let in_memory = |target: String| Mount {
        target: Some(target),
        typ: Some(MountType::TMPFS),
        tmpfs_options: Some(MountTmpfsOptions { size_bytes: Some(VOLUME_BYTES), mode: Some(0o1777), options: None }),
        ..Mount::default()
    };
    let log = HashMap::from([("max-size", LOG_SIZE), ("max-file", "1")]);
    let host = HostConfig {
        network_mode: Some("none".to_owned()),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        privileged: Some(false),
        tmpfs: Some(HashMap::from([(
            "/tmp".to_owned(),
            format!("rw,noexec,nosuid,nodev,size={SCRATCH_BYTES},mode=1777"),
        )])),
        mounts: Some(wish.volumes.into_iter().map(in_memory).collect()),
        shm_size: Some(VOLUME_BYTES),
        memory: Some(wish.memory_bytes),
        // The same as the memory: no swap.
        memory_swap: Some(wish.memory_bytes),
        pids_limit: Some(wish.most_processes),
        nano_cpus: Some(1_000_000_000),
        ulimits: Some(vec![
            ResourcesUlimits { name: Some("core".to_owned()), soft: Some(0), hard: Some(0) },
            ResourcesUlimits { name: Some("nofile".to_owned()), soft: Some(4096), hard: Some(4096) },
        ]),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(log.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()),
        }),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(wish.image),
        user: Some(USER.to_owned()),
        env: Some(wish.environment),
        labels: Some(wish.labels),
        // Whoever runs it asks for its health by itself.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        network_disabled: Some(true),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}
