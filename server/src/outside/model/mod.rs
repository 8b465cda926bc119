//! A model's endpoint, whatever wire it speaks.
//!
//! A thin client of our own, so that what an endpoint says reaches the run as it says it. Streams
//! are read piece by piece; an endpoint that answers without a stream works as well. What is asked and
//! answered is OpenAI's chat completions throughout the server; `wire` translates for endpoints, and for
//! projects behind the gateway, that speak otherwise. What a run makes of a model's answer belongs in `runtime/`; where the key is kept
//! belongs in `provider/`.

mod chat;
mod check;
mod endpoint;
mod fault;
mod relay;
mod token;
mod wire;

use std::collections::VecDeque;

use serde_json::Value;

pub(crate) use chat::{
    ChatRequest, Message, Piece, TokenCount, ToolCall, ToolDefinition, Turn, TurnAssembly, error_body, pieces_of,
};
pub(crate) use check::test_connection;
pub(crate) use endpoint::Endpoint;
pub(crate) use fault::{ModelError, Refused};
pub(crate) use relay::{EventStream, Frame, Frames, Relayed, relay, relay_as};
pub(crate) use wire::{Counted, Route, arguments, as_chat, from_chat, input, message_events, response_events};

use chat::error_text;
use fault::shortened;

/// How often a request is sent in all when the endpoint says that it is busy.
pub(crate) const ATTEMPTS: u32 = 4;

/// An answer on its way.
pub(crate) struct ModelStream {
    endpoint: Endpoint,
    /// None for a plain answer: everything is in `ready` already.
    events: Option<EventStream>,
    assembly: TurnAssembly,
    ready: VecDeque<Piece>,
    done: bool,
}

/// Asks a model.
///
/// # Errors
/// See [`ModelError::code`].
pub(crate) async fn ask(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    request: &ChatRequest,
) -> Result<ModelStream, ModelError> {
    let body = request.body(&endpoint.model).to_string();
    let mut stream = ModelStream {
        endpoint: endpoint.clone(),
        events: None,
        assembly: TurnAssembly::default(),
        ready: VecDeque::new(),
        done: false,
    };
    match relay(http, endpoint, Route::Chat, body.into()).await? {
        Relayed::Refused(refused) => return Err(endpoint.refusal(&refused)),
        Relayed::Events(events) => stream.events = Some(events),
        Relayed::Whole(body) => {
            let answer: Value = serde_json::from_slice(&body).map_err(|_| endpoint.bad_response("it is not JSON"))?;
            let has_choice = answer.get("choices").and_then(|choices| choices.get(0)).is_some();
            stream.take(&answer)?;
            if !has_choice {
                return Err(endpoint.bad_response("it has no choices"));
            }
            stream.assembly.finish();
            stream.done = true;
        }
    }
    Ok(stream)
}

impl ModelStream {
    /// The next piece; none at the end. May be dropped while it waits and called again.
    ///
    /// # Errors
    /// See [`ModelError::code`].
    pub(crate) async fn next(&mut self) -> Result<Option<Piece>, ModelError> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            if self.done {
                return if self.assembly.turn().finish_reason.is_empty() {
                    Err(self.endpoint.truncated())
                } else {
                    Ok(None)
                };
            }
            let Some(events) = &mut self.events else {
                return Ok(None);
            };
            match events.next().await? {
                None => self.done = true,
                Some(frame) if frame.data.trim().is_empty() => {}
                Some(frame) if frame.data.trim() == "[DONE]" => {
                    self.done = true;
                    self.assembly.finish();
                }
                Some(frame) => {
                    let chunk: Value = serde_json::from_str(&frame.data)
                        .map_err(|_| self.endpoint.bad_response("an event of its stream is not JSON"))?;
                    self.take(&chunk)?;
                }
            }
        }
    }

    fn take(&mut self, chunk: &Value) -> Result<(), ModelError> {
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(self.endpoint.failed_within(&error_text(error)));
        }
        let pieces = self.assembly.take(chunk).map_err(|text| self.endpoint.bad_response(shortened(&text)))?;
        self.ready.extend(pieces);
        Ok(())
    }

    /// The turn, once [`ModelStream::next`] has said that there is no more.
    pub(crate) fn into_turn(self) -> Turn {
        self.assembly.into_turn()
    }
}

/// Asks with a body of the caller's own, on OpenAI's wire, and gives the answer whole.
///
/// # Errors
/// See [`ModelError::code`]; `model_bad_response` or `model_request_unsupported` also when the endpoint
/// does not know what the body asks for.
pub(crate) async fn complete(http: &reqwest::Client, endpoint: &Endpoint, body: &Value) -> Result<Value, ModelError> {
    let body = match relay(http, endpoint, Route::Chat, body.to_string().into()).await? {
        Relayed::Whole(body) => body,
        Relayed::Refused(refused) => return Err(endpoint.refusal(&refused)),
        Relayed::Events(_) => return Err(endpoint.bad_response("it is a stream, which nobody asked for")),
    };
    let answer: Value = serde_json::from_slice(&body).map_err(|_| endpoint.bad_response("it is not JSON"))?;
    if answer["choices"][0].is_object() { Ok(answer) } else { Err(endpoint.bad_response("it has no choices")) }
}
