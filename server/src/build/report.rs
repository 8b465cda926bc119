//! What a build says on its way: gathered into few events for the log, and the log as plain text.

use std::time::Duration;

use gantry_domain::event::{BuildStep, BuildStepState, Event, EventBody, LogLevel, LogLine};
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use crate::jobs::{JobContext, JobFailure};
use crate::outside::buildkit::Progress;

/// How many lines go into one event.
const LINES: usize = 64;
/// How long the first of them may wait for the others.
const GATHER: Duration = Duration::from_millis(100);

/// Writes what comes out of `progress` into the job's log until its sender is gone.
///
/// # Errors
/// A lost lease: the build is somebody else's now.
pub(super) async fn write(job: &JobContext, progress: &mut Receiver<Progress>) -> Result<(), JobFailure> {
    let mut gathered = Gathered::default();
    while let Some(first) = progress.recv().await {
        let until = Instant::now() + GATHER;
        gathered.add(first);
        while gathered.lines < LINES {
            match tokio::time::timeout_at(until, progress.recv()).await {
                Ok(Some(report)) => gathered.add(report),
                Ok(None) | Err(_) => break,
            }
        }
        job.append_all(std::mem::take(&mut gathered).events).await?;
    }
    Ok(())
}

/// Reports in order; lines of one step that follow one another share an event.
#[derive(Default)]
struct Gathered {
    events: Vec<EventBody>,
    lines: usize,
}

impl Gathered {
    fn add(&mut self, report: Progress) {
        match report {
            Progress::Step(step) => self.events.push(EventBody::BuildStep { step }),
            Progress::Line { step, level, text } => {
                self.lines += 1;
                let line = LogLine { level, text };
                match self.events.last_mut() {
                    Some(EventBody::BuildLog { step: same, lines }) if *same == step => lines.push(line),
                    _ => self.events.push(EventBody::BuildLog { step, lines: vec![line] }),
                }
            }
        }
    }
}

/// A step of our own, of which there is one per stage.
pub(super) fn own_step(stage: &str, name: &str, state: BuildStepState, duration: Option<Duration>) -> BuildStep {
    BuildStep {
        id: stage.to_owned(),
        stage: stage.to_owned(),
        name: name.to_owned(),
        state,
        duration_ms: duration.map(|duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        error: None,
    }
}

/// A line of a step of our own.
pub(super) fn note(stage: &str, text: impl Into<String>) -> Progress {
    Progress::Line { step: stage.to_owned(), level: LogLevel::Info, text: text.into() }
}

/// The log of a build as text: a line for what became of each step, and what it wrote.
pub(super) fn plain(events: &[Event]) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(words);
        text.push('\n');
    };
    for event in events {
        match &event.body {
            EventBody::BuildStep { step } => match step.state {
                BuildStepState::Queued => {}
                BuildStepState::Running => line(&format!("=> {}", step.name)),
                BuildStepState::Cached => line(&format!("=> {} CACHED", step.name)),
                BuildStepState::Done => {
                    line(&format!(
                        "=> {} DONE {:.1}s",
                        step.name,
                        step.duration_ms.unwrap_or_default() as f64 / 1000.0
                    ));
                }
                BuildStepState::Failed => {
                    line(&format!("=> {} FAILED {}", step.name, step.error.as_deref().unwrap_or_default()));
                }
            },
            EventBody::BuildLog { lines, .. } => lines.iter().for_each(|one| line(&one.text)),
            EventBody::BuildDone { digest, size, .. } => line(&format!("=> image {digest}, {size} bytes compressed")),
            EventBody::JobState { state, attempt, reason } => {
                let why = reason.as_ref().map(|reason| format!(": {}", reason.message)).unwrap_or_default();
                line(&format!("-- {} (attempt {attempt}){why}", state.as_str()));
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_step_share_an_event_and_the_order_stays() {
        let mut gathered = Gathered::default();
        gathered.add(note("a", "1"));
        gathered.add(note("a", "2"));
        gathered.add(Progress::Step(own_step("b", "b", BuildStepState::Running, None)));
        gathered.add(note("a", "3"));
        let kinds: Vec<_> = gathered.events.iter().map(EventBody::kind).collect();
        assert_eq!(kinds, ["build.log", "build.step", "build.log"]);
        assert_eq!(gathered.lines, 3);
    }
}
