//! The native runtime: interprets a spec against a model's endpoint, or against the built-in
//! rehearsal model.
//!
//! What is done is in the job's log before anything follows from it, so that a run goes on after a
//! crash or an approval: complete turns of the model are not asked for again, a turn that was cut
//! off is discarded in front of the reader and asked for anew, and a tool that may have changed
//! something is never run a second time. How a run is asked for and kept belongs in `run/`.
//!
//! What each pattern does is said at the top of the generator's `emit/mod.rs`; here it is in `tasks`
//! and `team`, with the same words to the model, in the same order, with the same limits.
//!
//! A run may do another one anew from a point in its middle (`takeover`): on its way to that point it takes
//! turns and answers from the other's log, tells them as taken over, and is alone from there on.

mod agent;
mod asking;
mod builtin;
mod calculator;
mod emitter;
mod halt;
mod http_tool;
mod journal;
mod limits;
mod offer;
pub(crate) mod rehearsal;
mod speak;
mod steps;
mod takeover;
mod tasks;
mod team;
mod toolbox;

use std::sync::{Mutex, MutexGuard, PoisonError};

use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::approval::Approval;
use gantry_domain::api::run::PermissionMode;
use gantry_domain::event::{EventBody, JobReason, Usage};
use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Agent, Spec};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::jobs::{JobContext, JobFailure};
use crate::outside::model::{Endpoint, Message};

use emitter::Emitter;
pub(crate) use halt::Halt as HaltOf;
pub(crate) use journal::{Journal, RecordedEnd};
pub(crate) use takeover::{TakenOver, points, take_over};
use toolbox::Toolbox;
pub(crate) use toolbox::check_arguments;

/// What is to be run.
pub(crate) struct RunPlan {
    /// The run.
    pub(crate) run_id: Uuid,
    /// AG-UI's thread: the chat session, or the run itself.
    pub(crate) thread_id: Uuid,
    /// The spec as it was when the run was asked for.
    pub(crate) spec: Spec,
    /// What the person said.
    pub(crate) input: String,
    /// What tools may do without asking.
    pub(crate) mode: PermissionMode,
    /// The thread so far, oldest first: what the person said and what the agent answered.
    pub(crate) earlier: Vec<(String, String)>,
    /// Who answers.
    pub(crate) model: ModelSource,
    /// What it does not do anew, because another run did it.
    pub(crate) taken_over: Option<TakenOver>,
}

/// Who answers for the model.
pub(crate) enum ModelSource {
    /// The built-in rehearsal model.
    Rehearsal,
    /// The provider that was chosen cannot be used: the run says why.
    Unavailable(JobReason),
    /// An endpoint, with its prices in millionths of a US dollar for a million tokens.
    Endpoint { endpoint: Endpoint, input_price_micros: Option<i64>, output_price_micros: Option<i64> },
}

/// How the interpreter came to its end.
pub(crate) struct Ended {
    /// Which end.
    pub(crate) ending: Ending,
    /// What was used.
    pub(crate) usage: Usage,
    /// The last events of the run, to be appended with the run's row; none when it waits.
    pub(crate) closing: Vec<EventBody>,
}

/// Which end.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The agent's answer.
    Answered(String),
    /// A tool call waits for a person.
    Interrupted,
    /// It cannot go on.
    Failed(JobReason),
    /// Somebody stopped it.
    Cancelled,
}

impl Ending {
    /// The last two entries of a run's log but for its job's.
    pub(crate) fn told(&self, thread_id: Uuid, run_id: Uuid, usage: Usage) -> [EventBody; 2] {
        let (thread_id, id) = (thread_id.to_string(), run_id.to_string());
        let (event, ok, word) = match self {
            Self::Failed(reason) => {
                let error = AgUiEvent::RunError { message: reason.message.clone(), code: Some(reason.code.clone()) };
                (error, false, "failed")
            }
            Self::Cancelled => {
                let outcome = Some(json!({ "type": "cancelled" }));
                (AgUiEvent::RunFinished { thread_id, run_id: id, outcome }, false, "cancelled")
            }
            _ => {
                let outcome = Some(json!({ "type": "success" }));
                (AgUiEvent::RunFinished { thread_id, run_id: id, outcome }, true, "success")
            }
        };
        [EventBody::RunEvent { run_id, event }, EventBody::RunDone { run_id, ok, outcome: word.to_owned(), usage }]
    }
}

/// Why the interpreter leaves off.
type Halt = halt::Halt<Pause>;

/// What makes the interpreter leave off and no other runtime.
#[derive(Debug)]
enum Pause {
    /// A call waits for a person.
    Interrupted,
    /// Another agent that worked at the same time ended the run.
    Abandoned,
}

/// Where in its pattern an agent is at work.
#[derive(Clone, Debug, Default)]
struct Place {
    /// Begins the keys of its turns: the same in every attempt, whatever the timing.
    key: String,
    /// What `STEP_STARTED` names; none outside of a step.
    step: Option<String>,
    /// What the rehearsal model ends its answer with, for an edge of a graph to be followed.
    rehearsed: Option<rehearsal::Rehearsed>,
}

impl Place {
    /// A step and its name, which begins its keys as well.
    fn step(name: &str) -> Self {
        Self { key: name.to_owned(), step: Some(name.to_owned()), rehearsed: None }
    }
}

/// The interpreter at work. Agents that work at the same time share it: they take turns on one
/// thread, so what is done between two awaits is done at once.
struct Runtime<'a> {
    app: &'a App,
    job: &'a JobContext,
    plan: &'a RunPlan,
    emitter: Emitter<'a>,
    toolbox: Toolbox,
    shared: Mutex<Shared>,
    /// Somebody among those that work at the same time failed: the others leave off.
    abandoned: CancellationToken,
    /// When this attempt began.
    began: Instant,
}

/// What changes while the interpreter works. Its lock is never held over an await.
struct Shared {
    journal: Journal,
    usage: Usage,
    /// The calls that wait for a person.
    waiting: Vec<Approval>,
    /// Whether a person was asked something in this attempt.
    asked: bool,
    /// Whether a person was told that the endpoint does not count tokens.
    told_uncounted: bool,
    /// Whether a person was told that the model's prices are not known.
    told_priceless: bool,
}

/// Runs a plan, or what its log says is left of it.
///
/// # Errors
/// When the job itself cannot go on: a lost lease, a database that fails, a server that stops.
pub(crate) async fn execute(
    app: &App,
    job: &JobContext,
    plan: &RunPlan,
    journal: Journal,
) -> Result<Ended, JobFailure> {
    let usage = limits::with_cost(journal.usage, &plan.model);
    let shared =
        Shared { journal, usage, waiting: Vec::new(), asked: false, told_uncounted: false, told_priceless: false };
    let runtime = Runtime {
        app,
        job,
        plan,
        emitter: Emitter::new(job, plan.run_id),
        toolbox: Toolbox::new(app),
        shared: Mutex::new(shared),
        abandoned: CancellationToken::new(),
        began: Instant::now(),
    };
    let outcome = runtime.work().await;
    runtime.toolbox.close().await;
    runtime.end(outcome).await
}

impl<'a> Runtime<'a> {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work(&self) -> Result<String, Halt> {
        self.tell_decisions().await?;
        self.stop_if_cancelled().await?;
        if let ModelSource::Unavailable(reason) = &self.plan.model {
            return Err(Halt::Failed(reason.clone()));
        }
        match self.plan.spec.target.pattern {
            Pattern::Single | Pattern::React => self.alone().await,
            Pattern::Sequential => self.one_after_another().await,
            Pattern::Parallel => self.side_by_side().await,
            Pattern::Graph => self.along_edges().await,
            Pattern::Router => self.routed().await,
            Pattern::Supervisor => self.supervised().await,
            Pattern::Handoff => self.handed_over().await,
        }
    }

    async fn alone(&self) -> Result<String, Halt> {
        let agent = self.first_agent()?;
        let messages = self.thread(agent, None);
        self.converse(&Place::step(&agent.id), agent, messages).await
    }

    fn first_agent(&self) -> Result<&'a Agent, Halt> {
        self.plan.spec.agents.first().ok_or_else(|| Halt::failed("spec_invalid", "The spec has no agent."))
    }

    fn agent(&self, id: &str, named_by: &str) -> Result<&'a Agent, Halt> {
        self.plan.spec.agents.iter().find(|agent| agent.id == id).ok_or_else(|| {
            Halt::failed("spec_invalid", format!("{named_by} names the agent {id}, which the spec does not have."))
        })
    }

    /// What an agent is told: its instructions, the thread, what the person said, and its task.
    fn thread(&self, agent: &Agent, brief: Option<String>) -> Vec<Message> {
        let mut messages = instructions(agent);
        messages.extend(self.conversation());
        messages.extend(brief.map(Message::User));
        messages
    }

    /// The thread so far and what the person said.
    fn conversation(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        for (said, answered) in &self.plan.earlier {
            // An agent may have spoken first.
            if !said.is_empty() {
                messages.push(Message::User(said.clone()));
            }
            messages.push(Message::Assistant { text: answered.clone(), calls: Vec::new() });
        }
        messages.push(Message::User(self.plan.input.clone()));
        messages
    }

    /// Leaves off when somebody stopped the run, or silently when the server stops.
    async fn stop_if_cancelled(&self) -> Result<(), Halt> {
        if self.job.cancelled().is_cancelled() {
            return Err(self.why_cancelled().await);
        }
        if self.abandoned.is_cancelled() {
            return Err(Halt::Own(Pause::Abandoned));
        }
        Ok(())
    }

    async fn why_cancelled(&self) -> Halt {
        Halt::why_cancelled(self.app, self.job).await
    }

    async fn end(&self, outcome: Result<String, Halt>) -> Result<Ended, JobFailure> {
        let usage = self.shared().usage;
        let ending = match outcome {
            Ok(answer) => Ending::Answered(answer),
            Err(Halt::Job(failure)) => return Err(failure),
            Err(Halt::Own(Pause::Interrupted)) => {
                self.tell_interrupts().await?;
                return Ok(Ended { ending: Ending::Interrupted, usage, closing: Vec::new() });
            }
            Err(Halt::Failed(reason)) => Ending::Failed(reason),
            Err(Halt::Cancelled) => Ending::Cancelled,
            // Whoever abandons the others ends the run with a reason of its own.
            Err(Halt::Own(Pause::Abandoned)) => Ending::Failed(JobReason {
                code: "abandoned".to_owned(),
                message: "The run was left off. Retry it.".to_owned(),
            }),
        };
        let run_id = self.plan.run_id;
        self.open_run();
        self.close_loose_ends();
        self.leave_all();
        let mut closing = self.emitter.take();
        closing.extend(ending.told(self.plan.thread_id, run_id, usage));
        Ok(Ended { ending, usage, closing })
    }

    fn custom(&self, name: &str, value: Value) {
        self.emitter.push(AgUiEvent::Custom { name: name.to_owned(), value });
    }

    fn notice(&self, code: &str, message: &str) {
        self.custom("gantry.notice", json!({ "code": code, "message": message }));
    }
}

/// What an agent is told before everything else.
fn instructions(agent: &Agent) -> Vec<Message> {
    if agent.instructions.trim().is_empty() { Vec::new() } else { vec![Message::System(agent.instructions.clone())] }
}
