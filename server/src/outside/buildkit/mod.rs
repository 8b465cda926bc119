//! BuildKit inside the Docker Engine: one build, its progress, its end.
//!
//! The engine offers BuildKit's own gRPC services over its socket: `POST /grpc` and `POST /session`
//! upgraded to HTTP/2 without TLS. On `/grpc` we call `Control`; on `/session` the roles are swapped
//! and BuildKit calls us for the context and for credentials. `upgrade` opens those connections,
//! `session` is what BuildKit may ask for, `progress` makes events of what it reports.
//!
//! There is no fall-back to the engine's old builder: what refuses the upgrade is reported as such.
//! What to build (files, ignore rules) is decided by the caller.

mod progress;
mod session;
mod upgrade;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::{SolveRequest, StatusRequest, StatusResponse};
use bytes::Bytes;
use gantry_domain::event::{BuildStep, LogLevel};
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use super::docker::{Docker, DockerError};
use progress::Reader;

/// How many times progress is asked for while the engine does not know the build yet, and how long
/// between.
const STATUS_ATTEMPTS: u32 = 40;
const STATUS_PAUSE: Duration = Duration::from_millis(50);
/// How long the rest of the progress may take to arrive once the build has ended.
const STATUS_GRACE: Duration = Duration::from_secs(5);
/// The largest report that is accepted, in bytes.
const MESSAGE_LIMIT: usize = 16 << 20;

/// The network that the steps of a build see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BuildNetwork {
    /// The engine's own choice: a bridge.
    #[default]
    Default,
    /// The machine's network.
    Host,
    /// None.
    None,
}

impl std::str::FromStr for BuildNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "default" => Ok(Self::Default),
            "host" => Ok(Self::Host),
            "none" => Ok(Self::None),
            _ => Err("expected default, host or none".to_owned()),
        }
    }
}

/// One build.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// What the engine is to call the image.
    pub name: String,
    /// The context as a tar archive, the Dockerfile in it.
    pub context: Bytes,
    /// The Dockerfile's path within the context.
    pub dockerfile: String,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Does every step anew.
    pub no_cache: bool,
    /// The network that steps see.
    pub network: BuildNetwork,
    /// Who opens registries that base images come from; without it they are asked as nobody.
    pub base_images: Option<Arc<dyn BaseImageLogin>>,
}

/// Opens registries that base images come from, when BuildKit asks.
#[tonic::async_trait]
pub trait BaseImageLogin: std::fmt::Debug + Send + Sync {
    /// User and password for `host[:port]`; none to ask as nobody.
    ///
    /// # Errors
    /// A sentence for the person who builds, when there is one and it cannot be had.
    async fn login(&self, host: &str) -> Result<Option<(String, SecretString)>, String>;
}

/// What a build reports while it is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A step is new, or in another state than before.
    Step(BuildStep),
    /// A step wrote a line.
    Line {
        /// The step's id; empty for lines of the build itself.
        step: String,
        /// How serious it is.
        level: LogLevel,
        /// The line without its end.
        text: String,
    },
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Nobody answers on the socket, or the engine went away in the middle.
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// The engine has no BuildKit: it refused the upgrade.
    #[error(
        "Docker Engine at {address} offers no BuildKit ({cause}): version 20.10 or later is needed, with BuildKit not switched off"
    )]
    Unsupported {
        /// Where the engine is.
        address: String,
        /// What it answered.
        cause: String,
    },
    /// A step failed, or the Dockerfile is wrong.
    #[error("{}", failure_text(step, message, last_lines))]
    Failed {
        /// The name of the step that failed, when it is known.
        step: Option<String>,
        /// What BuildKit says.
        message: String,
        /// The last lines that the step wrote.
        last_lines: Vec<String>,
    },
    /// The caller's token was cancelled.
    #[error("cancelled")]
    Cancelled,
}

fn failure_text(step: &Option<String>, message: &str, last_lines: &[String]) -> String {
    let mut text = match step {
        Some(step) => format!("{step} failed: {message}"),
        None => message.to_owned(),
    };
    if !last_lines.is_empty() {
        text.push_str("\nIts last lines:\n");
        text.push_str(&last_lines.join("\n"));
    }
    text
}

/// Builds an image and leaves it in the engine under `request.name`. What happens on the way goes
/// to `progress`, in order; when nobody reads it, the build waits.
///
/// Cancelling drops the call to `Solve`, whereupon BuildKit kills the step under way within a second.
pub async fn build(
    docker: &Docker,
    request: BuildRequest,
    progress: mpsc::Sender<Progress>,
    cancel: &CancellationToken,
) -> Result<(), BuildError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(BuildError::Cancelled),
        ended = drive(docker, request, progress) => ended,
    }
}

async fn drive(docker: &Docker, request: BuildRequest, progress: mpsc::Sender<Progress>) -> Result<(), BuildError> {
    let session = session::open(docker, request.context.clone(), request.base_images.clone()).await?;
    let mut control = connect(docker).await?;
    let mut watcher = control.clone();

    let reference = upgrade::random_id();
    let solve = solve_request(&request, &reference, &session.id, &session.context_address());
    // `Solve` must be on the wire before `Status`: an engine of 20.10 holds an early `Status` back
    // for seconds, then says "no such job", and there is no progress at all.
    let mut solving = AbortOnDropHandle::new(tokio::spawn(async move { control.solve(solve).await }));
    let mut reader = Reader::default();
    let mut ended = None;

    let mut stream = None;
    for _ in 0..STATUS_ATTEMPTS {
        tokio::select! {
            solved = &mut solving => { ended = Some(solved); break }
            opened = watcher.status(StatusRequest { r#ref: reference.clone() }) => match opened {
                Ok(opened) => { stream = Some(opened.into_inner()); break }
                Err(status) if status.message().contains("no such job") => tokio::time::sleep(STATUS_PAUSE).await,
                // The build goes on without progress; if the connection broke, `Solve` says so too.
                Err(status) => { tracing::warn!(%status, "BuildKit reports no progress"); break }
            }
        }
    }
    while ended.is_none() {
        tokio::select! {
            solved = &mut solving => ended = Some(solved),
            message = next(&mut stream) => match message {
                Some(message) => deliver(&progress, reader.read(message)).await,
                None => stream = None,
            }
        }
    }
    // What was reported before the end is still on its way.
    let rest = async {
        while let Some(message) = next_or_end(&mut stream).await {
            deliver(&progress, reader.read(message)).await;
        }
    };
    if tokio::time::timeout(STATUS_GRACE, rest).await.is_err() {
        tracing::warn!("BuildKit did not end its progress; the rest is left out");
    }
    deliver(&progress, reader.finish()).await;

    match ended {
        Some(Ok(Ok(_))) => Ok(()),
        Some(Ok(Err(status))) => Err(explain(docker, status, &reader).await),
        Some(Err(join)) => Err(docker.unavailable(join).into()),
        None => Err(docker.unavailable("the build's end was not reported").into()),
    }
}

/// The next report; never when there is no stream to wait for.
async fn next(stream: &mut Option<Streaming<StatusResponse>>) -> Option<StatusResponse> {
    match stream {
        Some(open) => next_report(open).await,
        None => std::future::pending().await,
    }
}

/// The next report; none when there is no stream to wait for.
async fn next_or_end(stream: &mut Option<Streaming<StatusResponse>>) -> Option<StatusResponse> {
    match stream {
        Some(open) => next_report(open).await,
        None => None,
    }
}

async fn next_report(stream: &mut Streaming<StatusResponse>) -> Option<StatusResponse> {
    match stream.message().await {
        Ok(message) => message,
        Err(status) => {
            tracing::debug!(%status, "BuildKit's progress ended early");
            None
        }
    }
}

async fn deliver(progress: &mpsc::Sender<Progress>, reports: Vec<Progress>) {
    for report in reports {
        // Nobody listening is the caller's choice; the build itself goes on.
        let _ = progress.send(report).await;
    }
}

/// Tells a failed build from an engine that went away: the engine is asked.
async fn explain(docker: &Docker, status: Status, reader: &Reader) -> BuildError {
    if let Err(error @ DockerError::Unavailable { .. }) = docker.version().await {
        return error.into();
    }
    if status.code() == Code::Unavailable {
        return docker.unavailable(status.message()).into();
    }
    let (step, last_lines) = reader.failed_step().unwrap_or_default();
    let message = status.message();
    let message = message.strip_prefix("failed to solve: ").unwrap_or(message);
    let message = message.strip_prefix("rpc error: code = Unknown desc = ").unwrap_or(message);
    BuildError::Failed { step: (!step.is_empty()).then_some(step), message: message.to_owned(), last_lines }
}

fn solve_request(request: &BuildRequest, reference: &str, session: &str, context: &str) -> SolveRequest {
    let mut frontend = HashMap::from([
        ("context".to_owned(), context.to_owned()),
        ("filename".to_owned(), request.dockerfile.clone()),
    ]);
    for (name, value) in &request.labels {
        frontend.insert(format!("label:{name}"), value.clone());
    }
    if request.no_cache {
        frontend.insert("no-cache".to_owned(), String::new());
    }
    let mut entitlements = Vec::new();
    match request.network {
        BuildNetwork::Default => {}
        BuildNetwork::Host => {
            frontend.insert("force-network-mode".to_owned(), "host".to_owned());
            entitlements.push("network.host".to_owned());
        }
        BuildNetwork::None => {
            frontend.insert("force-network-mode".to_owned(), "none".to_owned());
        }
    }
    SolveRequest {
        r#ref: reference.to_owned(),
        session: session.to_owned(),
        frontend: "dockerfile.v0".to_owned(),
        frontend_attrs: frontend,
        // "moby" is the one exporter that every engine has: into its own image store.
        exporter_deprecated: "moby".to_owned(),
        exporter_attrs_deprecated: HashMap::from([("name".to_owned(), request.name.clone())]),
        entitlements,
        ..SolveRequest::default()
    }
}

async fn connect(docker: &Docker) -> Result<ControlClient<Channel>, BuildError> {
    // Opened here and handed to the channel, so that a refusal is seen as what it is.
    let opened = upgrade::upgrade(docker, "/grpc", &[]).await?;
    let opened = Arc::new(std::sync::Mutex::new(Some(opened)));
    let connector = tower::service_fn(move |_: tonic::transport::Uri| {
        // Once: a build does not survive its connection, so there is no second one.
        let opened = opened.lock().ok().and_then(|mut slot| slot.take());
        async move {
            opened
                .map(hyper_util::rt::TokioIo::new)
                .ok_or_else(|| std::io::Error::other("the connection to BuildKit was lost"))
        }
    });
    // The name is never looked up: the connector above has the connection already.
    let channel = tonic::transport::Endpoint::from_static("http://buildkit")
        .connect_with_connector(connector)
        .await
        .map_err(|error| docker.unavailable(error))?;
    Ok(ControlClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT))
}
