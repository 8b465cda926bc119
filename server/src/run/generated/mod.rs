//! A generated project at work outside of this process: in a `container`, or as a plain `process`. What the two
//! have in common is here; each of them is a [`Runner`].
//!
//! `talk` is the conversation with the project, `witness` what of that comes into the run's log. A project's
//! work cannot be taken up where it was: when the server ends in the middle, the project is gone. The run is
//! then begun anew if its model had not asked for any tool, so that nothing can have been done; else it fails
//! and says so.

mod talk;
mod witness;

use std::io;
use std::time::Duration;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::run::Run;
use gantry_domain::event::{EventBody, JobReason};
use gantry_domain::spec::Spec;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::error;
use crate::gateway;
use crate::jobs::{JobContext, JobFailure};
use crate::runtime::{Ended, Ending, HaltOf, Journal};

use witness::Witness;

/// How often somebody looks whether the run's time is over.
const LOOK: Duration = Duration::from_secs(1);
/// For how long what a project said before its end is still waited for.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);
/// How many bytes are told of what a project wrote last.
const LAST_BYTES: usize = 2_000;

/// What is to be run.
pub(super) struct Plan<'a> {
    /// The run.
    pub(super) run: &'a Run,
    /// The spec that the project was made of.
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
pub(super) type Halt = HaltOf<Broken>;

/// The project ended, or broke off: where it was at work is asked why.
#[derive(Debug)]
pub(super) struct Broken;

/// A connection to the project's server.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin> Connection for C {}

/// Where a generated project is at work. However it is let go of, nothing of it is left.
#[async_trait::async_trait]
pub(super) trait Runner: Send + Sync {
    /// What a person should know of this run before it begins.
    fn notice(&self) -> Option<JobReason> {
        None
    }

    /// Why a run fails that an earlier attempt had begun and may have done something in.
    fn lost(&self) -> JobReason;

    /// Where the project's server is expected, for a person.
    fn expected_at(&self) -> &'static str;

    /// Ends what an earlier attempt has left at work, before anything else is done.
    async fn clear_earlier(&mut self) -> Result<(), Halt> {
        Ok(())
    }

    /// Gets what the project needs, before the run's clock starts.
    async fn prepare(&mut self) -> Result<(), Halt>;

    /// Starts the project, which asks its model with this token.
    async fn start(&mut self, token: &SecretString) -> Result<(), Halt>;

    /// A connection to the project's server, and to nobody else.
    async fn connect(&self) -> io::Result<Box<dyn Connection>>;

    /// The server answered on the last connection.
    fn has_answered(&self) {}

    /// Comes back when the project has ended.
    async fn ended(&self);

    /// Why the project does not answer any more.
    async fn why_ended(&self) -> Result<JobReason, Halt>;

    /// Ends the project, if it is at work, and tidies up.
    async fn remove(&mut self);
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
    runner: &mut dyn Runner,
) -> Result<Ended, JobFailure> {
    let attempt = Attempt { app, job, plan };
    let worked = tokio::select! {
        biased;
        () = job.cancelled().cancelled() => Err(Halt::why_cancelled(app, job).await),
        worked = attempt.work(runner, journal) => worked,
    };
    let worked = match worked {
        Err(Halt::Own(Broken)) => Err(runner.why_ended().await.map_or_else(|halt| halt, Halt::Failed)),
        worked => worked,
    };
    runner.remove().await;
    let ending = match worked {
        Ok(answer) => Ending::Answered(answer),
        Err(Halt::Failed(reason)) => Ending::Failed(reason),
        Err(Halt::Cancelled) => Ending::Cancelled,
        Err(Halt::Job(failure)) => return Err(failure),
        Err(Halt::Own(Broken)) => Ending::Failed(JobReason {
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
    async fn work(&self, runner: &mut dyn Runner, journal: Journal) -> Result<String, Halt> {
        let known_calls: Vec<String> = journal.call_ids.iter().cloned().collect();
        runner.clear_earlier().await?;
        self.begin(runner, journal).await?;
        runner.prepare().await?;
        let token = gateway::open(self.app, self.job, self.plan.run.id, &known_calls).await?;
        runner.start(&token).await?;
        let runner = &*runner;
        let mut witness = Witness::new(self.app, self.job, self.plan.run.id);
        let mut talking = Box::pin(async {
            talk::until_ready(runner).await?;
            talk::converse(runner, self.plan, &mut witness).await
        });
        let answer = tokio::select! {
            biased;
            said = &mut talking => said,
            late = self.too_late() => Err(late),
            () = runner.ended() => {
                // What it said before its end may be on its way.
                match tokio::time::timeout(LAST_WORDS_WITHIN, talking).await {
                    Ok(Ok(answer)) => Ok(answer),
                    _ => Err(Halt::Own(Broken)),
                }
            }
        }?;
        // A project that tells of its spans has a last few to tell.
        if gateway::tells_spans(self.app, self.plan.run.id).await? {
            tokio::time::sleep(Duration::from_millis(gateway::LAST_SPANS_MILLIS)).await;
        }
        Ok(answer)
    }

    /// Says that the run begins, or does so anew; fails when an earlier attempt may have done something.
    async fn begin(&self, runner: &dyn Runner, mut journal: Journal) -> Result<(), Halt> {
        if journal.open && !journal.call_ids.is_empty() {
            return Err(Halt::Failed(runner.lost()));
        }
        let run_id = self.plan.run.id;
        let mut events = Vec::new();
        if journal.open {
            events.extend(journal.leave_steps());
            events.extend(journal.discard_loose_ends());
        } else {
            events.push(self.started());
            events.extend(runner.notice().as_ref().map(notice_event));
        }
        let bodies = events.into_iter().map(|event| EventBody::RunEvent { run_id, event }).collect();
        self.job.append_all(bodies).await?;
        Ok(())
    }

    fn started(&self) -> AgUiEvent {
        AgUiEvent::RunStarted {
            thread_id: self.plan.thread_id().to_string(),
            run_id: self.plan.run.id.to_string(),
            protocol_version: "1.0".to_owned(),
        }
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

    /// The end of the run: nothing of the gateway comes after it.
    async fn end(&self, ending: Ending) -> Result<Ended, JobFailure> {
        let run_id = self.plan.run.id;
        gateway::shut(self.app, run_id).await?;
        let mut journal = Journal::of(&self.job.history().await?);
        let mut events = Vec::new();
        if !journal.open {
            events.push(self.started());
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

/// Something that a person should know.
pub(super) fn notice_event(notice: &JobReason) -> AgUiEvent {
    AgUiEvent::Custom {
        name: "gantry.notice".to_owned(),
        value: json!({ "code": notice.code, "message": notice.message }),
    }
}

/// Which database this is, for what is outside of it: several servers may share an engine or a machine.
pub(super) async fn instance(app: &App) -> error::Result<String> {
    use sha2::{Digest as _, Sha256};
    let id = crate::secret::database_id(&app.db).await?;
    Ok(hex::encode(&Sha256::digest(id.as_bytes())[..16]))
}

/// Whether whoever is said to be at work on an attempt at a run is wanted: that attempt is under way.
pub(super) async fn is_wanted(app: &App, run: &str, attempt: &str) -> error::Result<bool> {
    Ok(match (run.parse(), attempt.parse()) {
        (Ok(run_id), Ok(attempt)) => store::is_attempted(&app.db, run_id, attempt).await?,
        _ => false,
    })
}

/// What a project needs to know: on which port of the loopback interface it listens, where it may write and on
/// which port its model answers. There is no key in it but the run's own token.
pub(super) fn environment(
    plan: &Plan<'_>,
    token: &SecretString,
    port: u16,
    home: &str,
    gateway_port: u16,
) -> Vec<(String, String)> {
    let mut variables = vec![
        ("HOST".to_owned(), "127.0.0.1".to_owned()),
        ("PORT".to_owned(), port.to_string()),
        // Many libraries want one for their caches.
        ("HOME".to_owned(), home.to_owned()),
        ("MODEL_NAME".to_owned(), plan.run.model.clone()),
    ];
    let root = format!("http://127.0.0.1:{gateway_port}/gateway");
    for model in plan.spec.models.values() {
        variables.push((model.base_url_variable.clone(), format!("{root}/v1")));
        variables.push((model.key_variable.clone(), token.expose_secret().to_owned()));
    }
    for (name, value) in gateway::environment(&root, plan.spec.metadata.name.as_str(), token) {
        // What the spec names is what its code reads.
        if variables.iter().all(|(known, _)| *known != name) {
            variables.push((name, value));
        }
    }
    variables
}

/// The end of what a project wrote, as a sentence to be added to another, without what nobody may know.
pub(super) fn last_words(said: &str, token: Option<&SecretString>) -> String {
    let token = token.map(|token| token.expose_secret().to_owned()).unwrap_or_default();
    let said = if token.is_empty() { said.to_owned() } else { said.replace(&token, "[hidden]") };
    let said = gateway::clean(said.trim());
    if said.is_empty() {
        return String::new();
    }
    let from = said.len().saturating_sub(LAST_BYTES);
    let from = (from..said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(0);
    format!(" It said last:\n{}", &said[from..])
}
