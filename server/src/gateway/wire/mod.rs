//! The conversations that clients have with a model: OpenAI's chat completions and responses, and Anthropic's
//! messages.
//!
//! Here an answer is read while it comes, and changed in the few places where the gateway has decided
//! something: a call's arguments, its id, or that it is not there. Whatever is not changed stays as the
//! endpoint wrote it, byte for byte. Who decides what belongs in `relay`.

mod chat;
pub(super) mod fields;
mod messages;
mod responses;

use bytes::Bytes;
use serde_json::Value;

use crate::outside::model::{Frame, Route, TokenCount, message_events, response_events};

use chat::ChatReader;
use messages::MessagesReader;
use responses::ResponsesReader;

/// Which conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// OpenAI's `POST /chat/completions`.
    Chat,
    /// OpenAI's `POST /responses`.
    Responses,
    /// Anthropic's `POST /messages`.
    Messages,
}

/// A call that a model asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    /// Its id as the endpoint gave it; may be empty.
    pub(super) id: String,
    /// The tool's name.
    pub(super) name: String,
    /// The arguments as the model wrote them.
    pub(super) arguments: String,
}

/// What a model said in one turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    /// Its text.
    pub(super) text: String,
    /// The tools that it calls.
    pub(super) calls: Vec<Call>,
    /// Tokens, when the endpoint said.
    pub(super) tokens: Option<TokenCount>,
    /// Whether it came to its end.
    pub(super) complete: bool,
    /// Its thoughts, where the wire wants them back with the calls that followed from them.
    pub(super) thoughts: Vec<Value>,
}

/// What was decided about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// The project gets it, under this id and with these arguments.
    Released { id: String, arguments: String },
    /// The project does not see it; the model reads this answer.
    Denied { id: String, answer: String },
}

/// A call that was taken out of a turn whose other calls were released.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Denial {
    /// The call's id.
    pub(super) call_id: String,
    /// The call beside it that the project did see.
    pub(super) neighbour: String,
    /// The tool's name.
    pub(super) name: String,
    /// The arguments as the model wrote them.
    pub(super) arguments: String,
    /// What the model reads.
    pub(super) answer: String,
}

/// What becomes of an event that has arrived.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// What goes to the project at once.
    pub(super) forward: Option<Bytes>,
    /// The text in it; may be empty.
    pub(super) text: String,
}

/// Reads a streamed turn, and keeps back what must wait for a decision or for the log.
pub(super) enum Reader {
    Chat(ChatReader),
    Responses(ResponsesReader),
    Messages(MessagesReader),
}

impl Reader {
    /// Takes the next event.
    ///
    /// # Errors
    /// The endpoint's own words when it is an error, or what is wrong with it.
    pub(super) fn take(&mut self, frame: Frame) -> Result<Step, String> {
        match self {
            Self::Chat(reader) => reader.take(frame),
            Self::Responses(reader) => reader.take(frame),
            Self::Messages(reader) => reader.take(frame),
        }
    }

    /// What was said so far.
    pub(super) fn said(&self) -> Said {
        match self {
            Self::Chat(reader) => reader.said(),
            Self::Responses(reader) => reader.said(),
            Self::Messages(reader) => reader.said(),
        }
    }

    /// What was kept back, with what was decided about each call.
    pub(super) fn release(self, settled: &[Settled]) -> Vec<Bytes> {
        match self {
            Self::Chat(reader) => reader.release(settled),
            Self::Responses(reader) => reader.release(settled),
            Self::Messages(reader) => reader.release(settled),
        }
    }

    /// A reader for the next turn of the same answer: whoever reads it sees one answer.
    pub(super) fn next_turn(&self) -> Self {
        match self {
            Self::Chat(reader) => Self::Chat(reader.next_turn()),
            Self::Responses(reader) => Self::Responses(reader.next_turn()),
            Self::Messages(reader) => Self::Messages(reader.next_turn()),
        }
    }
}

impl Api {
    /// What an endpoint is asked for.
    pub(super) fn route(self) -> Route {
        match self {
            Self::Chat => Route::Chat,
            Self::Responses => Route::Responses,
            Self::Messages => Route::Messages,
        }
    }

    /// The field of a request that the conversation is in.
    pub(super) fn conversation_field(self) -> &'static str {
        match self {
            Self::Chat | Self::Messages => "messages",
            Self::Responses => "input",
        }
    }

    /// What a request asks for that runs at the model's provider, if anything: the kind of a tool.
    pub(super) fn runs_elsewhere(self, request: &Value) -> Option<String> {
        if self == Self::Messages {
            return messages::runs_elsewhere(request);
        }
        let tools = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
        tools.iter().find(|tool| tool["type"] != "function").map(|tool| text_of(&tool["type"]))
    }

    /// A reader for the first turn of an answer. `wants_usage`: the project asked for the chunk that counts.
    pub(super) fn reader(self, wants_usage: bool) -> Reader {
        match self {
            Self::Chat => Reader::Chat(ChatReader::new(wants_usage)),
            Self::Responses => Reader::Responses(ResponsesReader::default()),
            Self::Messages => Reader::Messages(MessagesReader::default()),
        }
    }

    /// A whole answer, understood.
    ///
    /// # Errors
    /// The endpoint's own words when it is an error, or what is missing.
    pub(super) fn understood(self, answer: &Value) -> Result<Said, String> {
        match self {
            Self::Chat => chat::understood(answer),
            Self::Responses => responses::understood(answer),
            Self::Messages => messages::understood(answer),
        }
    }

    /// A whole answer with what was decided about each of its calls.
    pub(super) fn rewritten(self, answer: Value, settled: &[Settled]) -> Value {
        match self {
            Self::Chat => chat::rewritten(answer, settled),
            Self::Responses => responses::rewritten(answer, settled),
            Self::Messages => messages::rewritten(answer, settled),
        }
    }

    /// A whole answer as the stream that it would have come in.
    pub(super) fn streamed(self, answer: &Value) -> Vec<Frame> {
        match self {
            Self::Chat => chat::streamed(answer),
            Self::Responses => response_events(answer),
            Self::Messages => message_events(answer),
        }
    }

    /// An event that says that the answer ends in an error.
    pub(super) fn error_event(self, code: &str, message: &str) -> Bytes {
        match self {
            Self::Chat => Frame::of(None, &super::refusal::body(self, None, code, message).to_string()).raw,
            Self::Messages => {
                Frame::of(Some("error"), &super::refusal::body(self, None, code, message).to_string()).raw
            }
            Self::Responses => {
                let event = serde_json::json!({
                    "type": "error", "code": code, "message": message, "param": null, "sequence_number": 0,
                });
                Frame::of(Some("error"), &event.to_string()).raw
            }
        }
    }

    /// Adds a turn whose calls were all denied to a request, and why: the model is asked again.
    pub(super) fn go_on(self, request: &mut Value, said: &Said, settled: &[Settled]) {
        match self {
            Self::Chat => chat::go_on(request, said, settled),
            Self::Responses => responses::go_on(request, said, settled),
            Self::Messages => messages::go_on(request, said, settled),
        }
    }

    /// What tools answered, as a request tells it: call ids and texts.
    pub(super) fn results_in(self, request: &Value) -> Vec<(String, String)> {
        match self {
            Self::Chat => chat::results_in(request),
            Self::Responses => responses::results_in(request),
            Self::Messages => messages::results_in(request),
        }
    }

    /// Puts calls that the project never saw back into its request; whether there was any place for them.
    pub(super) fn put_back(self, request: &mut Value, denials: &[Denial]) -> bool {
        let before = request.clone();
        match self {
            Self::Chat => chat::put_back(request, denials),
            Self::Responses => responses::put_back(request, denials),
            Self::Messages => messages::put_back(request, denials),
        }
        *request != before
    }
}

/// Whether nothing was decided that changes an answer.
fn is_unchanged(calls: &[Call], settled: &[Settled]) -> bool {
    calls.len() == settled.len()
        && calls.iter().zip(settled).all(|(call, settled)| {
            matches!(settled, Settled::Released { id, arguments } if *id == call.id && *arguments == call.arguments)
        })
}

/// The text of a content that is a text or a list of parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect::<Vec<_>>().join("")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The text of a field, or nothing.
fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
