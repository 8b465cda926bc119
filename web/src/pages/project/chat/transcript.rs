//! What a file holds that somebody wants to look at here: a run's trace, or text to say.

use gantry_domain::api::job::JobState;
use gantry_domain::api::run::Run;
use gantry_domain::event::Event;
use serde::Deserialize;
use serde_json::Value;

use super::turn::Turn;

/// What was found in a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Loaded {
    /// A run's trace.
    Transcript(Box<Transcript>),
    /// Text to say to the agent.
    Text(String),
}

/// A run that is read from a file. Nothing of it is on this server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Transcript {
    /// The file's name.
    pub(super) file: String,
    /// What the agent was told, when the file says so.
    pub(super) input: Option<String>,
    /// What came of it.
    pub(super) turn: Turn,
    /// How many events the file has.
    pub(super) count: usize,
}

#[derive(Deserialize)]
struct TraceFile {
    #[serde(default)]
    run: Option<Run>,
    #[serde(alias = "items")]
    events: Vec<Event>,
}

/// Reads a file: a trace as `Trace JSON` saves it, a page of events as the API gives it, a list of events,
/// or else text.
///
/// # Errors
/// Why it is nothing of that, as a sentence.
pub(super) fn read(file: &str, text: &str) -> Result<Loaded, String> {
    if text.contains(['\0', '\u{fffd}']) {
        return Err(format!("{file} is not a text file."));
    }
    if text.trim().is_empty() {
        return Err(format!("{file} is empty."));
    }
    let trace = match serde_json::from_str::<Value>(text) {
        Ok(value) if value.get("events").or(value.get("items")).is_some_and(Value::is_array) => {
            serde_json::from_value::<TraceFile>(value)
        }
        Ok(value) if value.as_array().is_some_and(|events| events.iter().any(|event| event.get("seq").is_some())) => {
            serde_json::from_value(value).map(|events| TraceFile { run: None, events })
        }
        _ => return Ok(Loaded::Text(text.to_owned())),
    };
    let mut trace = trace.map_err(|error| format!("{file} is not a trace of a run: {error}."))?;
    if trace.events.is_empty() {
        return Err(format!("{file} has no events."));
    }
    trace.events.sort_by_key(|event| event.seq);
    let mut turn = trace.run.as_ref().map_or_else(|| Turn::blank(JobState::Queued), Turn::new);
    trace.events.iter().for_each(|event| turn.apply(event));
    // Nothing in a file goes on, and no decision can be made about it.
    turn.end();
    let input = trace.run.map(|run| run.input);
    Ok(Loaded::Transcript(Box::new(Transcript { file: file.to_owned(), input, turn, count: trace.events.len() })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::project::chat::turn::{CallState, Item};

    const CALL: &str = r#"{"seq":2,"at":"2026-11-21T08:00:01Z","jobId":"019f0000-0000-7000-8000-000000000001","type":"run.event","runId":"019f0000-0000-7000-8000-000000000002","event":{"type":"TOOL_CALL_START","toolCallId":"c1","toolCallName":"weather"}}"#;
    const QUEUED: &str = r#"{"seq":1,"at":"2026-11-21T08:00:00Z","jobId":"019f0000-0000-7000-8000-000000000001","type":"job.state","state":"queued","attempt":0}"#;

    #[test]
    fn a_trace_is_read_in_every_form_that_the_api_gives() {
        for text in [
            format!("[{CALL},{QUEUED}]"),
            format!(r#"{{"items":[{QUEUED},{CALL}],"nextCursor":null}}"#),
            format!(r#"{{"run":null,"events":[{QUEUED},{CALL}]}}"#),
        ] {
            let Ok(Loaded::Transcript(transcript)) = read("a.json", &text) else { panic!("{text}") };
            assert_eq!(transcript.count, 2);
            let Item::ToolCall(call) = &transcript.turn.items[0] else { panic!("{:?}", transcript.turn.items) };
            assert_eq!((call.name.as_str(), call.state), ("weather", CallState::Stopped));
        }
    }

    #[test]
    fn all_else_is_text_or_refused() {
        assert_eq!(read("a.txt", "Say it."), Ok(Loaded::Text("Say it.".to_owned())));
        assert_eq!(read("a.json", "{\"a\":1}"), Ok(Loaded::Text("{\"a\":1}".to_owned())));
        assert!(read("a.png", "\u{fffd}PNG\0").unwrap_err().contains("not a text file"));
        assert!(read("a.txt", " \n").unwrap_err().contains("empty"));
        assert!(read("a.json", r#"{"events":[{"seq":"one"}]}"#).unwrap_err().contains("not a trace"));
        assert!(read("a.json", r#"{"events":[]}"#).unwrap_err().contains("no events"));
    }
}
