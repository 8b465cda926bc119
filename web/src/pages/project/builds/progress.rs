//! A build as people see it, folded from the events of its job: the steps and the log.
//!
//! Folding is pure: the same events give the same picture, live or read again.

use gantry_domain::Timestamp;
use gantry_domain::api::job::JobState;
use gantry_domain::event::{BuildStep, BuildStepState, Event, EventBody, JobReason};

use crate::parts::log_store::LogStore;

/// What is known of a build while it runs and after.
#[derive(Debug, Default)]
pub(crate) struct BuildProgress {
    /// The steps, in the order in which they were heard of.
    pub(crate) steps: Vec<BuildStep>,
    /// The log.
    pub(crate) log: LogStore,
    /// Where the build is; none until the first event says so.
    pub(crate) state: Option<JobState>,
    /// Why it failed, waits or is tried again.
    pub(crate) reason: Option<JobReason>,
    /// When it began.
    pub(crate) started_at: Option<Timestamp>,
    /// When it ended.
    pub(crate) finished_at: Option<Timestamp>,
    /// The image's digest and compressed size in bytes.
    pub(crate) image: Option<(String, i64)>,
    /// The newest event that was folded in.
    pub(crate) last_seq: i64,
}

/// Why a build failed, in three lines: what failed, its first error, and where that is in the log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    /// The step that failed.
    pub(crate) step: Option<String>,
    /// What it says.
    pub(crate) message: String,
    /// The line of the log, from 0.
    pub(crate) line: Option<usize>,
}

impl BuildProgress {
    /// Folds in one event; one that was folded in before changes nothing.
    pub(crate) fn apply(&mut self, event: &Event) {
        if event.seq <= self.last_seq {
            return;
        }
        self.last_seq = event.seq;
        match &event.body {
            EventBody::JobState { state, reason, .. } => {
                self.state = Some(*state);
                self.reason.clone_from(reason);
                if *state == JobState::Running && self.started_at.is_none() {
                    self.started_at = Some(event.at);
                }
                if state.is_final() {
                    self.finished_at = Some(event.at);
                }
            }
            EventBody::BuildStep { step } => match self.steps.iter_mut().find(|known| known.id == step.id) {
                Some(known) => known.clone_from(step),
                None => self.steps.push(step.clone()),
            },
            EventBody::BuildLog { step, lines } => {
                self.log.at(event.at);
                for line in lines {
                    self.log.push(step, line.level, &line.text);
                }
            }
            EventBody::BuildDone { digest, size, .. } => self.image = Some((digest.clone(), *size)),
            _ => {}
        }
    }

    /// How many steps ended, were taken from the cache, and there are.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: &[BuildStepState]| self.steps.iter().filter(|step| wanted.contains(&step.state)).count();
        use BuildStepState::{Cached, Done};
        (count(&[Done, Cached]), count(&[Cached]), self.steps.len())
    }

    /// Why it failed, if it did.
    pub(crate) fn failure(&self) -> Option<Failure> {
        if self.state != Some(JobState::Failed) {
            return None;
        }
        let step = self.steps.iter().find(|step| step.state == BuildStepState::Failed);
        let line = self.log.errors().first().map(|line| *line as usize);
        let reason = self.reason.as_ref().map(|reason| reason.message.clone());
        let said = step.and_then(|step| step.error.clone());
        let message = reason.or(said).or_else(|| line.map(|line| self.log.line(line).to_owned()));
        Some(Failure {
            step: step.map(|step| step.name.clone()),
            message: message.unwrap_or_else(|| "The build failed without saying why.".to_owned()),
            line,
        })
    }
}

/// The word for where a step is.
pub(crate) fn state_word(state: BuildStepState) -> &'static str {
    match state {
        BuildStepState::Queued => "Queued",
        BuildStepState::Running => "Running",
        BuildStepState::Done => "Done",
        BuildStepState::Cached => "Cached",
        BuildStepState::Failed => "Failed",
    }
}

#[cfg(test)]
mod tests {
    use gantry_domain::event::{LogLevel, LogLine};
    use uuid::Uuid;

    use super::*;

    fn fold(bodies: Vec<EventBody>) -> BuildProgress {
        let mut progress = BuildProgress::default();
        for (index, body) in bodies.into_iter().enumerate() {
            let at = Timestamp::from_micros(index as i64 * 1_000_000);
            progress.apply(&Event { seq: index as i64 + 1, at, job_id: Uuid::nil(), body });
        }
        progress
    }

    fn state(state: JobState, reason: Option<&str>) -> EventBody {
        let reason = reason.map(|message| JobReason { code: "x".to_owned(), message: message.to_owned() });
        EventBody::JobState { state, attempt: 1, reason }
    }

    fn step(id: &str, state: BuildStepState, error: Option<&str>) -> EventBody {
        let (stage, name) = ("base".to_owned(), format!("RUN {id}"));
        let error = error.map(str::to_owned);
        EventBody::BuildStep { step: BuildStep { id: id.to_owned(), stage, name, state, duration_ms: None, error } }
    }

    fn lines(step: &str, lines: &[(LogLevel, &str)]) -> EventBody {
        let lines = lines.iter().map(|(level, text)| LogLine { level: *level, text: (*text).to_owned() }).collect();
        EventBody::BuildLog { step: step.to_owned(), lines }
    }

    #[test]
    fn steps_change_in_place_and_lines_are_kept() {
        let progress = fold(vec![
            state(JobState::Running, None),
            step("a", BuildStepState::Running, None),
            step("b", BuildStepState::Cached, None),
            lines("a", &[(LogLevel::Info, "hello"), (LogLevel::Warning, "careful")]),
            step("a", BuildStepState::Done, None),
            EventBody::BuildDone { build_id: Uuid::nil(), digest: "sha256:x".to_owned(), size: 7 },
            state(JobState::Done, None),
        ]);
        let ids: Vec<&str> = progress.steps.iter().map(|step| step.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(progress.counts(), (2, 1, 2));
        assert_eq!((progress.log.len(), progress.log.warnings()), (2, 1));
        assert_eq!(progress.image, Some(("sha256:x".to_owned(), 7)));
        assert_eq!(progress.failure(), None);
        assert_eq!(progress.started_at, Some(Timestamp::from_micros(0)));
        assert_eq!(progress.finished_at, Some(Timestamp::from_micros(6_000_000)));
    }

    #[test]
    fn a_failure_names_the_step_the_reason_and_the_line() {
        let progress = fold(vec![
            lines("a", &[(LogLevel::Info, "hello"), (LogLevel::Error, "no such package")]),
            step("a", BuildStepState::Failed, Some("exit code 1")),
            state(JobState::Failed, Some("A step of the Dockerfile failed.")),
        ]);
        let expected = Failure {
            step: Some("RUN a".to_owned()),
            message: "A step of the Dockerfile failed.".to_owned(),
            line: Some(1),
        };
        assert_eq!(progress.failure(), Some(expected));
        let silent = fold(vec![lines("a", &[(LogLevel::Error, "boom")]), state(JobState::Failed, None)]);
        assert_eq!(silent.failure().unwrap().message, "boom");
    }

    #[test]
    fn an_event_that_comes_twice_counts_once() {
        let event =
            Event { seq: 1, at: Timestamp::default(), job_id: Uuid::nil(), body: lines("a", &[(LogLevel::Info, "x")]) };
        let mut progress = BuildProgress::default();
        progress.apply(&event);
        progress.apply(&event);
        assert_eq!(progress.log.len(), 1);
    }
}
