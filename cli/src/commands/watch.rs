//! Watching a job to its end: shows its events, answers Ctrl-C by asking the server to cancel, and
//! asks the person at the terminal about held tool calls.

use std::io::BufRead;

use gantry_domain::api::approval::{Approval, DecideApproval};
use gantry_domain::api::job::{Job, JobState};
use gantry_domain::event::{Event, EventBody, JobReason};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::client::Connection;
use crate::failure::Failure;
use crate::follow::Follower;
use crate::output::{Output, Progress};

/// How a job ended.
pub(crate) struct Ended {
    state: JobState,
    reason: Option<JobReason>,
    interrupted: bool,
}

impl Ended {
    /// Nothing, or why the job did not end well. `what` is what was under way, such as "the build".
    pub(crate) fn into_result(self, what: &str) -> Result<(), Failure> {
        match self.state {
            JobState::Done => Ok(()),
            JobState::Cancelled if self.interrupted => Err(Failure::Interrupted),
            state => {
                let reason =
                    self.reason.map_or_else(|| format!("it ended as {}", state.as_str()), |reason| reason.message);
                Err(Failure::failed(format!(
                    "{what} {}: {reason}",
                    if state == JobState::Cancelled { "was cancelled" } else { "failed" }
                )))
            }
        }
    }
}

/// Follows the job until it ends and hands every event to `show`.
pub(crate) async fn until_end(
    connection: &Connection,
    job_id: Uuid,
    output: &Output,
    progress: &mut Progress,
    mut show: impl FnMut(&EventBody, &mut Progress),
) -> Result<Ended, Failure> {
    let mut follower = Follower::new(connection, job_id);
    let mut ended = Ended { state: JobState::Queued, reason: None, interrupted: false };
    let mut questions = Questions::new(output.is_interactive());
    let mut interrupt = listen_for(SignalKind::interrupt())?;
    let mut terminate = listen_for(SignalKind::terminate())?;
    loop {
        tokio::select! {
            event = follower.next() => match event? {
                Some(Event { body, .. }) => {
                    if let EventBody::JobState { state, reason, .. } = &body {
                        ended.state = *state;
                        ended.reason.clone_from(reason);
                        say_state(*state, reason.as_ref(), progress);
                    }
                    show(&body, progress);
                    questions.note(&body, connection, progress);
                }
                None => return Ok(ended),
            },
            () = either(&mut interrupt, &mut terminate) => {
                if ended.interrupted {
                    return Err(Failure::Interrupted);
                }
                ended.interrupted = true;
                progress.say("cancelling; press Ctrl-C again to leave without waiting for it");
                match connection.post::<Job>(&["jobs", &format!("{job_id}:cancel")], &serde_json::json!({})).await {
                    // It ended by itself meanwhile: the log will tell.
                    Ok(_) | Err(Failure::Refused(_)) => {}
                    Err(failure) => return Err(failure),
                }
            },
            answer = questions.answer() => questions.decide(&answer, connection, progress).await?,
        }
    }
}

fn listen_for(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::failed(format!("the program cannot listen for Ctrl-C: {error}")))
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

fn say_state(state: JobState, reason: Option<&JobReason>, progress: &Progress) {
    match (state, reason) {
        (JobState::Queued, Some(reason)) => progress.say(&format!("will be tried again: {}", reason.message)),
        // An eval waits for its runs all the time, and its results tell.
        (JobState::Waiting, Some(reason)) if reason.code != "runs" => {
            progress.say(&format!("waiting: {}", reason.message))
        }
        _ => {}
    }
}

/// The held tool calls, and the person who may be there to decide.
struct Questions {
    interactive: bool,
    pending: Vec<Approval>,
    lines: Option<mpsc::UnboundedReceiver<String>>,
}

impl Questions {
    fn new(interactive: bool) -> Self {
        Self { interactive, pending: Vec::new(), lines: None }
    }

    fn note(&mut self, body: &EventBody, connection: &Connection, progress: &Progress) {
        match body {
            EventBody::ApprovalRequested { approval } => {
                self.pending.push(approval.clone());
                if self.interactive {
                    if self.pending.len() == 1 {
                        self.ask(progress);
                    }
                } else {
                    progress.say(&format!(
                        "the tool {:?} ({}) waits for a person's approval until {}: decide in the web interface at {}, \
                         or start the run with --mode safe (such calls are denied) or --mode dev (they all run)",
                        approval.tool,
                        effect_word(approval),
                        approval.expires_at,
                        connection.base()
                    ));
                }
            }
            EventBody::ApprovalDecided { approval } => {
                let asked = self.pending.first().is_some_and(|first| first.id == approval.id);
                self.pending.retain(|pending| pending.id != approval.id);
                let who = approval.decided_by.as_deref().map(|name| format!(" by {name}")).unwrap_or_default();
                progress.say(&format!("{}: {}{who}", approval.tool, decision_word(approval)));
                if self.interactive && asked && !self.pending.is_empty() {
                    self.ask(progress);
                }
            }
            _ => {}
        }
    }

    /// Puts the first pending question to the person.
    fn ask(&mut self, progress: &Progress) {
        let Some(approval) = self.pending.first() else { return };
        let arguments = serde_json::to_string_pretty(&approval.arguments).unwrap_or_default();
        progress.say(&format!(
            "\nThe agent wants to call {:?} ({}) with:\n{arguments}\nAllow it? [y/N]",
            approval.tool,
            effect_word(approval)
        ));
        if self.lines.is_none() {
            let (sender, receiver) = mpsc::unbounded_channel();
            self.lines = Some(receiver);
            // A thread of its own: reading a line cannot be interrupted, and nothing waits for it at the end.
            std::thread::spawn(move || {
                for line in std::io::stdin().lock().lines() {
                    let Ok(line) = line else { return };
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        } else if let Some(lines) = &mut self.lines {
            // What was typed before the question is not its answer.
            while lines.try_recv().is_ok() {}
        }
    }

    /// The next line from the person, while a question is open; never otherwise.
    async fn answer(&mut self) -> String {
        if !self.pending.is_empty()
            && let Some(lines) = &mut self.lines
            && let Some(line) = lines.recv().await
        {
            return line;
        }
        std::future::pending().await
    }

    async fn decide(&mut self, answer: &str, connection: &Connection, progress: &Progress) -> Result<(), Failure> {
        let Some(approval) = self.pending.first() else { return Ok(()) };
        let approve = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
        let body = DecideApproval { approve, arguments: None };
        match connection.post::<Approval>(&["approvals", &format!("{}:decide", approval.id)], &body).await {
            // The event in the log says what was decided, whoever was faster.
            Ok(_) => Ok(()),
            Err(Failure::Refused(problem)) if problem.status == 409 => {
                progress.say(&problem.detail);
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }
}

fn effect_word(approval: &Approval) -> String {
    serde_json::to_value(approval.effect).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn decision_word(approval: &Approval) -> String {
    serde_json::to_value(approval.decision).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(state: JobState, interrupted: bool) -> Result<(), Failure> {
        let reason = Some(JobReason { code: "x".into(), message: "the base image is missing".into() });
        Ended { state, reason, interrupted }.into_result("the build")
    }

    #[test]
    fn the_end_of_a_job_becomes_the_end_of_the_command() {
        assert!(ended(JobState::Done, false).is_ok());
        // Ctrl-C came too late: it worked.
        assert!(ended(JobState::Done, true).is_ok());
        assert_eq!(ended(JobState::Cancelled, true).unwrap_err().exit_code(), 130);
        assert_eq!(ended(JobState::Cancelled, false).unwrap_err().exit_code(), 1);
        let failure = ended(JobState::Failed, false).unwrap_err();
        assert_eq!(failure.exit_code(), 1);
        assert_eq!(failure.to_string(), "the build failed: the base image is missing");
    }
}
