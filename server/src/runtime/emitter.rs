//! The run's events on their way into the log: text arrives word by word and is gathered, so that a
//! run writes at most some twenty times a second. The first piece is never held back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::event::EventBody;
use tokio::time::Instant;
use uuid::Uuid;

use crate::jobs::{JobContext, JobFailure};

/// The time between two writes.
const GATHER: Duration = Duration::from_millis(50);

/// What a run says. Agents that work at the same time share it.
pub(super) struct Emitter<'a> {
    job: &'a JobContext,
    run_id: Uuid,
    gathered: Mutex<Gathered>,
    /// One write at a time, so that events come into the log in the order in which they happened.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Gathered {
    pending: Vec<AgUiEvent>,
    written_at: Option<Instant>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(job: &'a JobContext, run_id: Uuid) -> Self {
        Self { job, run_id, gathered: Mutex::default(), writing: tokio::sync::Mutex::default() }
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event to the next write; pieces of the same text become one.
    pub(super) fn push(&self, event: AgUiEvent) {
        let pending = &mut self.gathered().pending;
        // What others say in between is of other messages, whose order does not matter.
        let same = subject(&event).and_then(|id| pending.iter_mut().rev().find(|before| subject(before) == Some(id)));
        match (same, &event) {
            (Some(AgUiEvent::TextMessageContent { delta, .. }), AgUiEvent::TextMessageContent { delta: more, .. })
            | (Some(AgUiEvent::ToolCallArgs { delta, .. }), AgUiEvent::ToolCallArgs { delta: more, .. }) => {
                delta.push_str(more);
            }
            _ => pending.push(event),
        }
    }

    /// When what was gathered is to be written; none when nothing was.
    pub(super) fn due(&self) -> Option<Instant> {
        let gathered = self.gathered();
        if gathered.pending.is_empty() {
            return None;
        }
        Some(gathered.written_at.map_or_else(Instant::now, |at| at + GATHER))
    }

    /// Writes what was gathered.
    pub(super) async fn flush(&self) -> Result<(), JobFailure> {
        self.write(Vec::new()).await
    }

    /// Writes what was gathered and these entries after it, all or nothing.
    pub(super) async fn write(&self, entries: Vec<EventBody>) -> Result<(), JobFailure> {
        let _turn = self.writing.lock().await;
        let mut bodies = self.take();
        bodies.extend(entries);
        if !bodies.is_empty() {
            self.job.append_all(bodies).await?;
            self.gathered().written_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Keeps others from writing until what is given is dropped, for a write of the caller's own.
    pub(super) async fn writing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.writing.lock().await
    }

    /// What was gathered, for a write of the caller's own.
    pub(super) fn take(&self) -> Vec<EventBody> {
        let run_id = self.run_id;
        self.gathered().pending.drain(..).map(|event| EventBody::RunEvent { run_id, event }).collect()
    }
}

/// The message or call that an event is a piece of.
fn subject(event: &AgUiEvent) -> Option<&str> {
    match event {
        AgUiEvent::TextMessageStart { message_id, .. }
        | AgUiEvent::TextMessageContent { message_id, .. }
        | AgUiEvent::TextMessageEnd { message_id } => Some(message_id),
        AgUiEvent::ToolCallStart { tool_call_id, .. }
        | AgUiEvent::ToolCallArgs { tool_call_id, .. }
        | AgUiEvent::ToolCallEnd { tool_call_id } => Some(tool_call_id),
        _ => None,
    }
}
