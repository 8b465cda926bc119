//! What a run's page knows of its log: the spans, what was said, and the events as lines.

use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::job::JobState;
use gantry_domain::api::run::Run;
use gantry_domain::event::{Event, EventBody, LogLevel};
use gantry_domain::trace::Trace;
use leptos::prelude::*;

use crate::pages::project::chat::{Turn, describe};
use crate::parts::log_store::LogStore;

/// What is known of a log. The lines and spans are outside of signals: the page is told once a frame.
pub(super) struct Recorded {
    /// The spans.
    pub(super) trace: Trace,
    /// The events, a line each; a line's group is the number of its span.
    pub(super) lines: LogStore,
    /// What was said and done.
    pub(super) turn: ArcRwSignal<Turn>,
}

impl Recorded {
    /// Nothing but the run's record.
    pub(super) fn new(run: &Run) -> Self {
        Self { trace: Trace::default(), lines: LogStore::default(), turn: ArcRwSignal::new(Turn::new(run)) }
    }

    /// Folds in events, in order.
    pub(super) fn take(&mut self, events: &[Event]) {
        for event in events {
            let Some(span) = self.trace.apply(event) else { continue };
            self.lines.at(event.at);
            self.lines.push(&span.to_string(), level_of(&event.body), &line_of(event));
        }
        self.turn.update(|turn| events.iter().for_each(|event| turn.apply(event)));
    }
}

/// An event as a line: its kind, and the whole of it as JSON. Its number is the line's.
fn line_of(event: &Event) -> String {
    let (kind, _) = describe(&event.body);
    let json = serde_json::to_string(event).unwrap_or_default();
    format!("{kind} {json}")
}

fn level_of(body: &EventBody) -> LogLevel {
    match body {
        EventBody::JobState { state: JobState::Failed, .. }
        | EventBody::RunEvent { event: AgUiEvent::RunError { .. }, .. } => LogLevel::Error,
        EventBody::RunEvent { event: AgUiEvent::Custom { name, .. }, .. }
            if matches!(name.as_str(), "gantry.notice" | "gantry.discard") =>
        {
            LogLevel::Warning
        }
        _ => LogLevel::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_whole_event() {
        let wire = r#"{"seq":7,"at":"2026-11-21T08:00:00Z","jobId":"019f0000-0000-7000-8000-000000000001","type":"job.state","state":"failed","attempt":1}"#;
        let event: Event = serde_json::from_str(wire).unwrap();
        let line = line_of(&event);
        let (head, json) = line.split_once('{').unwrap();
        assert_eq!(head, "job.state ");
        assert_eq!(serde_json::from_str::<Event>(&format!("{{{json}")).unwrap(), event);
        assert_eq!(level_of(&event.body), LogLevel::Error);
    }
}
