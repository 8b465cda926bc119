//! A run's log in short, one line for each thing that happened: what the inspector lists.

use gantry_domain::Timestamp;
use gantry_domain::agui::AgUiEvent;
use gantry_domain::event::{Event, EventBody};

/// A line of the log in short; the pieces of one text or of one call's arguments are one line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimelineEntry {
    /// The sequence number of its first event.
    pub(crate) seq: i64,
    /// When its first event was appended.
    pub(crate) at: Timestamp,
    /// The kind, as on the wire.
    pub(crate) kind: &'static str,
    /// What it is about.
    pub(crate) detail: String,
    /// How many events it stands for.
    pub(crate) count: usize,
}

/// Adds an event to the log in short.
pub(crate) fn note(timeline: &mut Vec<TimelineEntry>, event: &Event) {
    let (kind, detail) = describe(&event.body);
    let streamed = matches!(kind, "TEXT_MESSAGE_CONTENT" | "TOOL_CALL_ARGS");
    if let Some(last) = timeline.last_mut()
        && streamed
        && last.kind == kind
        && last.detail == detail
    {
        last.count += 1;
        return;
    }
    timeline.push(TimelineEntry { seq: event.seq, at: event.at, kind, detail, count: 1 });
}

/// An event's kind and what it is about.
pub(in crate::pages::project) fn describe(body: &EventBody) -> (&'static str, String) {
    let event = match body {
        EventBody::RunEvent { event, .. } => event,
        EventBody::JobState { state, attempt, .. } => {
            let attempt = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            return (body.kind(), format!("{}{attempt}", state.as_str()));
        }
        EventBody::ApprovalRequested { approval } | EventBody::ApprovalDecided { approval } => {
            return (body.kind(), approval.tool.clone());
        }
        EventBody::RunDone { outcome, .. } => return (body.kind(), outcome.clone()),
        EventBody::StepDone { step, .. } => return (body.kind(), step.clone()),
        _ => return (body.kind(), String::new()),
    };
    match event {
        AgUiEvent::RunStarted { .. } => ("RUN_STARTED", String::new()),
        AgUiEvent::RunFinished { .. } => ("RUN_FINISHED", String::new()),
        AgUiEvent::RunError { code, .. } => ("RUN_ERROR", code.clone().unwrap_or_default()),
        AgUiEvent::StepStarted { step_name } => ("STEP_STARTED", step_name.clone()),
        AgUiEvent::StepFinished { step_name } => ("STEP_FINISHED", step_name.clone()),
        AgUiEvent::TextMessageStart { .. } => ("TEXT_MESSAGE_START", String::new()),
        AgUiEvent::TextMessageContent { .. } => ("TEXT_MESSAGE_CONTENT", String::new()),
        AgUiEvent::TextMessageEnd { .. } => ("TEXT_MESSAGE_END", String::new()),
        AgUiEvent::ToolCallStart { tool_call_name, .. } => ("TOOL_CALL_START", tool_call_name.clone()),
        AgUiEvent::ToolCallArgs { .. } => ("TOOL_CALL_ARGS", String::new()),
        AgUiEvent::ToolCallEnd { .. } => ("TOOL_CALL_END", String::new()),
        AgUiEvent::ToolCallResult { .. } => ("TOOL_CALL_RESULT", String::new()),
        AgUiEvent::Custom { name, .. } => ("CUSTOM", name.clone()),
    }
}
