//! The native runtime: interprets a spec against a model's endpoint, or against the built-in
//! rehearsal model.
//!
//! What is done is in the job's log before anything follows from it, so that a run goes on after a
//! crash or an approval: complete turns of the model are not asked for again, a turn that was cut
//! off is discarded in front of the reader and asked for anew, and a tool that may have changed
//! something is never run a second time. How a run is asked for and kept belongs in `run/`.

mod agent;
mod builtin;
mod calculator;
mod emitter;
mod http_tool;
mod journal;
pub(crate) mod rehearsal;
mod speak;
mod toolbox;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::run::PermissionMode;
use gantry_domain::event::{EventBody, JobReason, Usage};
use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Agent, Spec, Task};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::approval;
use crate::jobs::{JobContext, JobFailure};
use crate::outside::model::{Endpoint, Message};

use emitter::Emitter;
pub(crate) use journal::{Journal, RecordedEnd};
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

/// Why the interpreter leaves off.
enum Halt {
    /// The job cannot go on, and the log is not to be touched.
    Job(JobFailure),
    Failed(JobReason),
    Cancelled,
    Interrupted,
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

/// The interpreter at work.
struct Runtime<'a> {
    app: &'a App,
    job: &'a JobContext,
    plan: &'a RunPlan,
    journal: Journal,
    emitter: Emitter<'a>,
    toolbox: Toolbox,
    usage: Usage,
    /// The agent or task at work: what `STEP_STARTED` names.
    step: String,
    /// Whether a person was told that the endpoint does not count tokens.
    told_uncounted: bool,
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
    let mut runtime = Runtime {
        app,
        job,
        plan,
        journal,
        emitter: Emitter::new(job, plan.run_id),
        toolbox: Toolbox::default(),
        usage: Usage::default(),
        step: String::new(),
        told_uncounted: false,
    };
    let outcome = runtime.work().await;
    runtime.toolbox.close().await;
    runtime.end(outcome).await
}

impl Runtime<'_> {
    async fn work(&mut self) -> Result<String, Halt> {
        self.tell_decisions().await?;
        self.stop_if_cancelled().await?;
        if let ModelSource::Unavailable(reason) = &self.plan.model {
            return Err(Halt::Failed(reason.clone()));
        }
        let spec = &self.plan.spec;
        match spec.target.pattern {
            Pattern::Single | Pattern::React => {
                let agent =
                    spec.agents.first().ok_or_else(|| Halt::failed("spec_invalid", "The spec has no agent."))?;
                let mut messages = self.thread(agent);
                messages.push(Message::User(self.plan.input.clone()));
                self.step.clone_from(&agent.id);
                self.converse(&agent.id, agent, messages).await
            }
            Pattern::Sequential => self.one_after_another().await,
            other => Err(Halt::failed(
                "pattern_not_runnable",
                format!(
                    "The native runtime runs the patterns single, react and sequential; this project uses {}. Build the project and run its image, or change the pattern.",
                    serde_json::to_value(other)
                        .ok()
                        .and_then(|word| word.as_str().map(str::to_owned))
                        .unwrap_or_default()
                ),
            )),
        }
    }

    async fn one_after_another(&mut self) -> Result<String, Halt> {
        let spec = &self.plan.spec;
        let mut results: Vec<(&str, String)> = Vec::new();
        for task in in_order(&spec.tasks)? {
            let agent = spec.agents.iter().find(|agent| agent.id == task.agent).ok_or_else(|| {
                Halt::failed(
                    "spec_invalid",
                    format!("The task {} names the agent {}, which the spec does not have.", task.id, task.agent),
                )
            })?;
            let mut messages = self.thread(agent);
            messages.push(Message::User(self.plan.input.clone()));
            messages.push(Message::User(brief(task, &results)));
            self.step.clone_from(&task.id);
            let result = self.converse(&task.id, agent, messages).await?;
            results.push((&task.id, result));
        }
        results
            .pop()
            .map(|(_, answer)| answer)
            .ok_or_else(|| Halt::failed("spec_invalid", "The pattern sequential needs at least one task in the spec."))
    }

    /// What an agent knows before the person speaks.
    fn thread(&self, agent: &Agent) -> Vec<Message> {
        let mut messages = Vec::new();
        if !agent.instructions.trim().is_empty() {
            messages.push(Message::System(agent.instructions.clone()));
        }
        for (said, answered) in &self.plan.earlier {
            messages.push(Message::User(said.clone()));
            messages.push(Message::Assistant { text: answered.clone(), calls: Vec::new() });
        }
        messages
    }

    /// Puts what people decided into the log, once.
    async fn tell_decisions(&mut self) -> Result<(), Halt> {
        if !self.journal.asked_for_approval {
            return Ok(());
        }
        let decided = approval::decided_of_run(&self.app.db, self.plan.run_id).await.map_err(JobFailure::from)?;
        let news: Vec<EventBody> = decided
            .into_iter()
            .filter(|approval| self.journal.decided.insert(approval.id))
            .map(|approval| EventBody::ApprovalDecided { approval })
            .collect();
        if !news.is_empty() {
            self.job.append_all(news).await?;
        }
        Ok(())
    }

    /// Leaves off when somebody stopped the run, or silently when the server stops.
    async fn stop_if_cancelled(&self) -> Result<(), Halt> {
        if !self.job.cancelled().is_cancelled() {
            return Ok(());
        }
        Err(self.why_cancelled().await)
    }

    async fn why_cancelled(&self) -> Halt {
        match self.app.jobs.get(self.job.id()).await {
            Ok(job) if job.cancel_requested_at.is_some() => Halt::Cancelled,
            // The server stops or the lease is lost: whoever takes the job up next goes on.
            Ok(_) => Halt::Job(JobFailure::cancelled()),
            Err(error) => Halt::Job(error.into()),
        }
    }

    async fn end(&mut self, outcome: Result<String, Halt>) -> Result<Ended, JobFailure> {
        let ending = match outcome {
            Ok(answer) => Ending::Answered(answer),
            Err(Halt::Job(failure)) => return Err(failure),
            Err(Halt::Interrupted) => {
                return Ok(Ended { ending: Ending::Interrupted, usage: self.usage, closing: Vec::new() });
            }
            Err(Halt::Failed(reason)) => Ending::Failed(reason),
            Err(Halt::Cancelled) => Ending::Cancelled,
        };
        let run_id = self.plan.run_id;
        self.open_run();
        self.close_loose_ends();
        self.leave_step();
        let (thread_id, id) = (self.plan.thread_id.to_string(), run_id.to_string());
        let (last, ok, word) = match &ending {
            Ending::Failed(reason) => {
                let error = AgUiEvent::RunError { message: reason.message.clone(), code: Some(reason.code.clone()) };
                (error, false, "failed")
            }
            Ending::Cancelled => {
                let outcome = Some(json!({ "type": "cancelled" }));
                (AgUiEvent::RunFinished { thread_id, run_id: id, outcome }, false, "cancelled")
            }
            _ => {
                let outcome = Some(json!({ "type": "success" }));
                (AgUiEvent::RunFinished { thread_id, run_id: id, outcome }, true, "success")
            }
        };
        self.emitter.push(last);
        let mut closing = self.emitter.take();
        closing.push(EventBody::RunDone { run_id, ok, outcome: word.to_owned(), usage: self.usage });
        Ok(Ended { ending, usage: self.usage, closing })
    }

    /// Says that the run has begun, if the log does not say so, and what of an earlier attempt is void.
    fn open_run(&mut self) {
        if !self.journal.open {
            self.journal.open = true;
            self.emitter.push(AgUiEvent::RunStarted {
                thread_id: self.plan.thread_id.to_string(),
                run_id: self.plan.run_id.to_string(),
                protocol_version: "1.0".to_owned(),
            });
        }
    }

    /// Says what is at work, if the log does not say so.
    fn enter_step(&mut self) {
        self.open_run();
        self.discard_loose_ends();
        if self.journal.open_step.as_ref() != Some(&self.step) {
            self.leave_step();
            self.emitter.push(AgUiEvent::StepStarted { step_name: self.step.clone() });
            self.journal.open_step = Some(self.step.clone());
        }
    }

    fn leave_step(&mut self) {
        if let Some(step_name) = self.journal.open_step.take() {
            self.emitter.push(AgUiEvent::StepFinished { step_name });
        }
    }

    /// A turn that was cut off by a crash is asked for anew: readers drop what they saw of it.
    fn discard_loose_ends(&mut self) {
        self.close_loose_ends();
        let ids = |list: Vec<(String, bool)>| list.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        let messages = ids(std::mem::take(&mut self.journal.loose_messages));
        let calls = ids(std::mem::take(&mut self.journal.loose_calls));
        if !messages.is_empty() || !calls.is_empty() {
            self.custom("gantry.discard", json!({ "messageIds": messages, "toolCallIds": calls }));
        }
    }

    /// AG-UI wants every message and call ended before the run is.
    fn close_loose_ends(&mut self) {
        for (message_id, ended) in &mut self.journal.loose_messages {
            if !std::mem::replace(ended, true) {
                self.emitter.push(AgUiEvent::TextMessageEnd { message_id: message_id.clone() });
            }
        }
        for (tool_call_id, ended) in &mut self.journal.loose_calls {
            if !std::mem::replace(ended, true) {
                self.emitter.push(AgUiEvent::ToolCallEnd { tool_call_id: tool_call_id.clone() });
            }
        }
    }

    fn custom(&mut self, name: &str, value: Value) {
        self.emitter.push(AgUiEvent::Custom { name: name.to_owned(), value });
    }

    fn notice(&mut self, code: &str, message: &str) {
        self.custom("gantry.notice", json!({ "code": code, "message": message }));
    }
}

/// The order of tasks: each after those that it depends on, else as the spec has them.
fn in_order(tasks: &[Task]) -> Result<Vec<&Task>, Halt> {
    let mut done: Vec<&Task> = Vec::with_capacity(tasks.len());
    while done.len() < tasks.len() {
        let next = tasks.iter().find(|task| {
            let waiting = |id: &String| !done.iter().any(|done| done.id == *id);
            waiting(&task.id) && !task.depends_on.iter().any(waiting)
        });
        let Some(next) = next else {
            return Err(Halt::failed(
                "spec_invalid",
                "The spec's tasks depend on one another in a circle, or on a task that does not exist, or two have the same id.",
            ));
        };
        done.push(next);
    }
    Ok(done)
}

/// What an agent is told of its task: the work and what came of the tasks before. The generated
/// code says the same words.
fn brief(task: &Task, results: &[(&str, String)]) -> String {
    let mut parts = vec![format!("Your task: {}", task.description)];
    if !task.expected_output.is_empty() {
        parts.push(format!("Expected output: {}", task.expected_output));
    }
    parts.extend(results.iter().map(|(id, result)| format!("Result of {id}:\n{result}")));
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, depends_on: &[&str]) -> Task {
        Task {
            id: id.to_owned(),
            agent: "a".to_owned(),
            description: "Do it.".to_owned(),
            expected_output: String::new(),
            depends_on: depends_on.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn ids(tasks: &[Task]) -> Option<Vec<String>> {
        in_order(tasks).ok().map(|tasks| tasks.iter().map(|task| task.id.clone()).collect())
    }

    #[test]
    fn tasks_come_after_what_they_depend_on() {
        let tasks = [task("write", &["research", "outline"]), task("outline", &["research"]), task("research", &[])];
        assert_eq!(ids(&tasks).unwrap(), ["research", "outline", "write"]);
        assert_eq!(ids(&[task("b", &[]), task("a", &[])]).unwrap(), ["b", "a"]);
    }

    #[test]
    fn circles_and_unknown_tasks_are_told_and_not_run() {
        assert_eq!(ids(&[task("a", &["b"]), task("b", &["a"])]), None);
        assert_eq!(ids(&[task("a", &["nobody"])]), None);
        assert_eq!(ids(&[task("a", &[]), task("a", &[])]), None);
    }
}
