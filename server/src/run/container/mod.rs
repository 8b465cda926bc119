//! The second runtime: the project that was generated, in a container that reaches nothing but the gateway.
//!
//! `sandbox` is the container, `talk` the conversation with the project in it, `witness` what of that comes
//! into the run's log. A container's work cannot be taken up where it was: when the server ends in the
//! middle, the container is gone. The run is then begun anew if its model had not asked for any tool, so
//! that nothing can have been done; else it fails and says so.

mod sandbox;
mod talk;
mod witness;

use std::time::Duration;

use gantry_domain::Digest;
use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::run::Run;
use gantry_domain::event::{EventBody, JobReason};
use gantry_domain::spec::{Spec, ToolSource};
use serde_json::json;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::gateway;
use crate::jobs::{JobContext, JobFailure};
use crate::outside::docker::DockerError;
use crate::runtime::{Ended, Ending, Journal};

use sandbox::Sandbox;
pub(crate) use sandbox::reconcile;
use witness::Witness;

/// How often somebody looks whether the run's time is over.
const LOOK: Duration = Duration::from_secs(1);
/// For how long what a container said before its end is still waited for.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

/// What is to be run.
pub(super) struct Plan<'a> {
    /// The run.
    pub(super) run: &'a Run,
    /// The image that it runs.
    pub(super) image: Digest,
    /// The spec that the image was made of.
    pub(super) spec: Spec,
    /// The thread so far, oldest first: what the person said and what the agent answered.
    pub(super) earlier: Vec<(String, String)>,
}

impl Plan<'_> {
    /// AG-UI's thread: the chat, or the run itself.
    fn thread_id(&self) -> Uuid {
        self.run.session_id.unwrap_or(self.run.id)
    }
}

/// Why the work leaves off.
enum Halt {
    /// The job cannot go on, and the log is not to be touched.
    Job(JobFailure),
    Failed(JobReason),
    Cancelled,
    /// The project ended, or broke off: its container is asked why.
    Broken,
}

impl Halt {
    fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::Failed(JobReason { code: code.to_owned(), message: message.into() })
    }
}

impl From<JobFailure> for Halt {
    fn from(failure: JobFailure) -> Self {
        Self::Job(failure)
    }
}

impl From<sqlx::Error> for Halt {
    fn from(error: sqlx::Error) -> Self {
        Self::Job(error.into())
    }
}

impl From<crate::error::Error> for Halt {
    fn from(error: crate::error::Error) -> Self {
        Self::Job(error.into())
    }
}

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

/// Runs a plan, from the beginning.
///
/// # Errors
/// When the job itself cannot go on: a lost lease, a database that fails, a server that stops.
pub(super) async fn execute(
    app: &App,
    job: &JobContext,
    plan: &Plan<'_>,
    journal: Journal,
) -> Result<Ended, JobFailure> {
    let attempt = Attempt { app, job, plan };
    let mut sandbox = Sandbox::new(app, plan.run.id, job.attempt() > 1);
    let worked = tokio::select! {
        biased;
        () = job.cancelled().cancelled() => Err(attempt.why_cancelled().await),
        worked = attempt.work(&mut sandbox, journal) => worked,
    };
    let worked = match worked {
        Err(Halt::Broken) => Err(attempt.why_broken(&sandbox).await),
        worked => worked,
    };
    sandbox.remove().await;
    let ending = match worked {
        Ok(answer) => Ending::Answered(answer),
        Err(Halt::Failed(reason)) => Ending::Failed(reason),
        Err(Halt::Cancelled) => Ending::Cancelled,
        Err(Halt::Job(failure)) => return Err(failure),
        Err(Halt::Broken) => Ending::Failed(JobReason {
            code: "project_broke_off".to_owned(),
            message: "The project broke off in the middle of its answer.".to_owned(),
        }),
    };
    attempt.end(ending).await
}

/// One attempt at a run.
struct Attempt<'a> {
    app: &'a App,
    job: &'a JobContext,
    plan: &'a Plan<'a>,
}

impl Attempt<'_> {
    async fn work(&self, sandbox: &mut Sandbox, journal: Journal) -> Result<String, Halt> {
        let known_calls: Vec<String> = journal.call_ids.iter().cloned().collect();
        self.begin(journal).await?;
        let image = sandbox.load(&self.plan.image).await?;
        let token = gateway::open(self.app, self.job, self.plan.run.id, &known_calls).await?;
        sandbox.start(self.plan, self.job.attempt(), image, &token).await?;
        let tunnel = sandbox.open(self.plan.spec.target.language).await?;
        let mut witness = Witness::new(self.app, self.job, self.plan.run.id);
        let mut talking = Box::pin(async {
            talk::until_ready(&tunnel).await?;
            talk::converse(&tunnel, self.plan, &mut witness).await
        });
        let answer = tokio::select! {
            biased;
            said = &mut talking => said,
            late = self.too_late() => Err(late),
            () = sandbox.ended() => {
                // What it said before its end may be on its way.
                match tokio::time::timeout(LAST_WORDS_WITHIN, talking).await {
                    Ok(Ok(answer)) => Ok(answer),
                    _ => Err(Halt::Broken),
                }
            }
            () = tunnel.ended() => Err(Halt::Broken),
        }?;
        // A project that tells of its spans has a last few to tell.
        if gateway::tells_spans(self.app, self.plan.run.id).await? {
            tokio::time::sleep(Duration::from_millis(gateway::LAST_SPANS_MILLIS)).await;
        }
        Ok(answer)
    }

    /// Says that the run begins, or does so anew; fails when an earlier attempt may have done something.
    async fn begin(&self, mut journal: Journal) -> Result<(), Halt> {
        if journal.open && !journal.call_ids.is_empty() {
            return Err(Halt::failed(
                "container_lost",
                "The server ended while the project was at work, and the container with it. What its tools had done by then is not known, so it was not started again. Run it again if that is right.",
            ));
        }
        let (plan, run_id) = (self.plan, self.plan.run.id);
        let mut events = Vec::new();
        if journal.open {
            events.extend(journal.leave_steps());
            events.extend(journal.discard_loose_ends());
        } else {
            events.push(AgUiEvent::RunStarted {
                thread_id: plan.thread_id().to_string(),
                run_id: run_id.to_string(),
                protocol_version: "1.0".to_owned(),
            });
            events.extend(without_network(&plan.spec));
        }
        let bodies = events.into_iter().map(|event| EventBody::RunEvent { run_id, event }).collect();
        self.job.append_all(bodies).await?;
        Ok(())
    }

    /// Comes back when the run's time is over; the time in which it waits for people does not count.
    async fn too_late(&self) -> Halt {
        let minutes = i64::from(self.app.config.run_minutes);
        let allowed = self.plan.spec.guardrails.max_seconds.and_then(|seconds| i64::try_from(seconds).ok());
        loop {
            tokio::time::sleep(LOOK).await;
            let worked = match gateway::worked_millis(self.app, self.plan.run.id).await {
                Ok(Some(worked)) => worked,
                // The run was deleted with its project, or the database is asked again in a second.
                Ok(None) => 0,
                Err(error) => {
                    tracing::warn!(%error, "a run's clock could not be read; trying again");
                    0
                }
            };
            if let Some(seconds) = allowed.filter(|seconds| worked >= seconds.saturating_mul(1_000)) {
                return Halt::failed(
                    "time_budget",
                    format!(
                        "The run has worked for the {seconds} seconds that its guardrails allow. Raise guardrails.maxSeconds in the spec, or ask for less."
                    ),
                );
            }
            if worked >= minutes * 60_000 {
                return Halt::failed(
                    "run_timeout",
                    format!(
                        "The project was at work for {minutes} minutes and was stopped. Raise GANTRY_RUN_MINUTES if that is too short."
                    ),
                );
            }
        }
    }

    async fn why_cancelled(&self) -> Halt {
        match self.app.jobs.is_cancel_requested(self.job.id()).await {
            Ok(true) => Halt::Cancelled,
            // The server stops or the lease is lost: whoever takes the job up next goes on.
            Ok(false) => Halt::Job(JobFailure::cancelled()),
            Err(error) => error.into(),
        }
    }

    /// What became of the container whose project broke off.
    async fn why_broken(&self, sandbox: &Sandbox) -> Halt {
        match sandbox.why_ended().await {
            Ok(reason) => Halt::Failed(reason),
            Err(error) => error.into(),
        }
    }

    /// The end of the run: nothing of the gateway comes after it.
    async fn end(&self, ending: Ending) -> Result<Ended, JobFailure> {
        let run_id = self.plan.run.id;
        gateway::shut(self.app, run_id).await?;
        let mut journal = Journal::of(&self.job.history().await?);
        let mut events = Vec::new();
        if !journal.open {
            events.push(AgUiEvent::RunStarted {
                thread_id: self.plan.thread_id().to_string(),
                run_id: run_id.to_string(),
                protocol_version: "1.0".to_owned(),
            });
        }
        events.extend(journal.end_loose_ends());
        events.extend(journal.leave_steps());
        let mut closing: Vec<EventBody> =
            events.into_iter().map(|event| EventBody::RunEvent { run_id, event }).collect();
        let usage = store::get(&self.app.db, run_id).await?.map(|run| run.usage).unwrap_or_default();
        closing.extend(ending.told(self.plan.thread_id(), run_id, usage));
        Ok(Ended { ending, usage, closing })
    }
}

/// What is told of the tools that will not do without a network.
fn without_network(spec: &Spec) -> Option<AgUiEvent> {
    let tools: Vec<&str> = spec
        .tools
        .iter()
        .filter(|tool| matches!(tool.source, ToolSource::Http { .. } | ToolSource::McpOverHttp { .. }))
        .map(|tool| tool.id.as_str())
        .collect();
    let message = format!(
        "The container has no network, so these tools will not reach anything: {}. In the native runtime they do.",
        tools.join(", ")
    );
    (!tools.is_empty()).then(|| AgUiEvent::Custom {
        name: "gantry.notice".to_owned(),
        value: json!({ "code": "tool_without_network", "message": message }),
    })
}
