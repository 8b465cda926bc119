//! The run's events on their way into the log: text arrives word by word and is gathered, so that a
//! run writes at most some twenty times a second. The first piece is never held back.

use std::time::Duration;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::event::EventBody;
use tokio::time::Instant;
use uuid::Uuid;

use crate::jobs::{JobContext, JobFailure};

/// The time between two writes.
const GATHER: Duration = Duration::from_millis(50);

/// What a run says.
pub(super) struct Emitter<'a> {
    job: &'a JobContext,
    run_id: Uuid,
    pending: Vec<AgUiEvent>,
    written_at: Option<Instant>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(job: &'a JobContext, run_id: Uuid) -> Self {
        Self { job, run_id, pending: Vec::new(), written_at: None }
    }

    /// Adds an event to the next write; pieces of the same text become one.
    pub(super) fn push(&mut self, event: AgUiEvent) {
        match (self.pending.last_mut(), &event) {
            (
                Some(AgUiEvent::TextMessageContent { message_id, delta }),
                AgUiEvent::TextMessageContent { message_id: same, delta: more },
            ) if message_id == same => delta.push_str(more),
            (
                Some(AgUiEvent::ToolCallArgs { tool_call_id, delta }),
                AgUiEvent::ToolCallArgs { tool_call_id: same, delta: more },
            ) if tool_call_id == same => delta.push_str(more),
            _ => self.pending.push(event),
        }
    }

    /// When what was gathered is to be written; none when nothing was.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.pending.is_empty() {
            return None;
        }
        Some(self.written_at.map_or_else(Instant::now, |at| at + GATHER))
    }

    /// Writes what was gathered.
    pub(super) async fn flush(&mut self) -> Result<(), JobFailure> {
        self.write(Vec::new()).await
    }

    /// Writes what was gathered and these entries after it, all or nothing.
    pub(super) async fn write(&mut self, entries: Vec<EventBody>) -> Result<(), JobFailure> {
        let mut bodies = self.take();
        bodies.extend(entries);
        if !bodies.is_empty() {
            self.job.append_all(bodies).await?;
            self.written_at = Some(Instant::now());
        }
        Ok(())
    }

    /// What was gathered, for a write of the caller's own.
    pub(super) fn take(&mut self) -> Vec<EventBody> {
        let run_id = self.run_id;
        self.pending.drain(..).map(|event| EventBody::RunEvent { run_id, event }).collect()
    }
}
