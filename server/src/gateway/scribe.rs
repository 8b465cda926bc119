//! How the run's log hears of the traffic: text in pieces while it flows, each thing once.
//!
//! Writing happens beside the stream and never in front of it. Who wants to be sure that something
//! is in the log before it goes on says [`Scribe::flush`].

use std::time::Duration;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::event::EventBody;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use crate::app::App;

use super::store::Pass;

/// The time between two writes; the first piece of a message is written at once.
const GATHER: Duration = Duration::from_millis(50);
/// Bytes of a tool's answer that a log takes.
const LONGEST_RESULT: usize = 256 * 1024;

/// Writes into the log of one run.
pub(super) struct Scribe {
    entries: mpsc::UnboundedSender<Entry>,
    /// The message that is being spoken.
    message: Option<String>,
}

enum Entry {
    Event(AgUiEvent),
    Flush(oneshot::Sender<bool>),
}

impl Scribe {
    pub(super) fn new(app: &App, pass: &Pass) -> Self {
        let (entries, receiver) = mpsc::unbounded_channel();
        tokio::spawn(write(app.clone(), pass.clone(), receiver));
        Self { entries, message: None }
    }

    /// An agent says more of its message.
    pub(super) fn say(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let message_id = match &self.message {
            Some(message_id) => message_id.clone(),
            None => {
                let message_id = Uuid::now_v7().to_string();
                self.message = Some(message_id.clone());
                self.push(AgUiEvent::TextMessageStart {
                    message_id: message_id.clone(),
                    role: "assistant".to_owned(),
                    name: None,
                });
                message_id
            }
        };
        self.push(AgUiEvent::TextMessageContent { message_id, delta: clean(text) });
    }

    /// The message is complete, or will not be.
    pub(super) fn end_message(&mut self) -> Option<String> {
        let message_id = self.message.take()?;
        self.push(AgUiEvent::TextMessageEnd { message_id: message_id.clone() });
        Some(message_id)
    }

    /// Waits until everything is in the log; whether the run is still under way.
    pub(super) async fn flush(&self) -> bool {
        let (done, is_done) = oneshot::channel();
        self.entries.send(Entry::Flush(done)).is_ok() && is_done.await.unwrap_or(false)
    }

    fn push(&self, event: AgUiEvent) {
        // Nobody listens any more when the run is over: then there is nothing to tell.
        let _ = self.entries.send(Entry::Event(event));
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        self.end_message();
    }
}

async fn write(app: App, pass: Pass, mut entries: mpsc::UnboundedReceiver<Entry>) {
    let run_id = pass.run_id;
    let mut pending: Vec<AgUiEvent> = Vec::new();
    let mut flushes = Vec::new();
    let mut due = Instant::now();
    let mut open = true;
    while open {
        match entries.recv().await {
            Some(entry) => take(entry, &mut pending, &mut flushes),
            None => open = false,
        }
        while open && flushes.is_empty() && Instant::now() < due {
            match tokio::time::timeout_at(due, entries.recv()).await {
                Ok(Some(entry)) => take(entry, &mut pending, &mut flushes),
                Ok(None) => open = false,
                Err(_) => break,
            }
        }
        while let Ok(entry) = entries.try_recv() {
            take(entry, &mut pending, &mut flushes);
        }
        let bodies: Vec<EventBody> = pending.drain(..).map(|event| EventBody::RunEvent { run_id, event }).collect();
        let written = append(&app, &pass, &bodies).await;
        due = Instant::now() + GATHER;
        for flush in flushes.drain(..) {
            let _ = flush.send(matches!(written, Ok(true)));
        }
        match written {
            Ok(true) => {}
            // Whoever has the run now writes its log.
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "the gateway could not write into a run's log");
                return;
            }
        }
    }
}

fn take(entry: Entry, pending: &mut Vec<AgUiEvent>, flushes: &mut Vec<oneshot::Sender<bool>>) {
    match entry {
        Entry::Flush(flush) => flushes.push(flush),
        Entry::Event(AgUiEvent::TextMessageContent { message_id, delta }) => match pending.last_mut() {
            Some(AgUiEvent::TextMessageContent { message_id: same, delta: text }) if *same == message_id => {
                text.push_str(&delta);
            }
            _ => pending.push(AgUiEvent::TextMessageContent { message_id, delta }),
        },
        Entry::Event(event) => pending.push(event),
    }
}

async fn append(app: &App, pass: &Pass, bodies: &[EventBody]) -> sqlx::Result<bool> {
    if bodies.is_empty() {
        return Ok(true);
    }
    let mut tx = app.db.begin().await?;
    tx.leave_access_alone();
    if !super::append(app, &mut tx, pass, bodies).await? {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

/// The events of a call, whole.
pub(crate) fn call_events(id: &str, name: &str, arguments: &str, message_id: Option<&str>) -> Vec<AgUiEvent> {
    let mut events = vec![AgUiEvent::ToolCallStart {
        tool_call_id: id.to_owned(),
        tool_call_name: clean(name),
        parent_message_id: message_id.map(str::to_owned),
    }];
    if !arguments.is_empty() {
        events.push(AgUiEvent::ToolCallArgs { tool_call_id: id.to_owned(), delta: clean(arguments) });
    }
    events.push(AgUiEvent::ToolCallEnd { tool_call_id: id.to_owned() });
    events
}

/// The event of a call's answer.
pub(crate) fn result_event(id: &str, content: &str) -> AgUiEvent {
    let mut content = clean(content);
    if content.len() > LONGEST_RESULT {
        let cut = (0..=LONGEST_RESULT).rev().find(|at| content.is_char_boundary(*at)).unwrap_or(0);
        content.truncate(cut);
        content.push_str("\n[cut off after 256 KiB]");
    }
    AgUiEvent::ToolCallResult {
        message_id: Uuid::now_v7().to_string(),
        tool_call_id: id.to_owned(),
        content,
        role: Some("tool".to_owned()),
    }
}

/// The log's database cannot hold NUL.
pub(crate) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
