//! The wires: where a request goes at each kind of endpoint, and what becomes of its body and its answer.
//!
//! Within the server a conversation with a model is OpenAI's chat completions, streamed or whole. Here it is
//! translated where an endpoint speaks otherwise (`anthropic`), and where a project does (`from_messages`,
//! `from_responses`): whatever comes in by one of three doors goes out to one of two wires, and the chat
//! completion is the form in between. Bytes that need no translation pass as they are. Everything in this
//! room is pure; sending belongs in `relay`.

mod anthropic;
mod from_messages;
mod from_responses;

use std::collections::VecDeque;

use bytes::Bytes;
use gantry_domain::provider::{ProviderKind, Wire};
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::relay::Frame;

pub(crate) use anthropic::{Counted, arguments, input};
pub(crate) use from_messages::streamed as message_events;
pub(crate) use from_responses::streamed as response_events;

/// What an endpoint is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// OpenAI's `POST /chat/completions`.
    Chat,
    /// OpenAI's `POST /responses`.
    Responses,
    /// OpenAI's `POST /embeddings`.
    Embeddings,
    /// Anthropic's `POST /messages`.
    Messages,
    /// Anthropic's `POST /messages/count_tokens`.
    CountTokens,
}

impl Route {
    fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
            Self::Messages => "messages",
            Self::CountTokens => "messages/count_tokens",
        }
    }

    /// Whether who asks speaks Anthropic's wire.
    pub(super) fn is_anthropics(self) -> bool {
        matches!(self, Self::Messages | Self::CountTokens)
    }
}

/// A request as it leaves: where to, what, and the headers beside the key.
#[derive(Debug, PartialEq)]
pub(super) struct Outgoing {
    pub(super) url: String,
    pub(super) body: Bytes,
    pub(super) headers: HeaderMap,
}

/// Makes a request one of the endpoint's. `said` are the headers of who asks, of which only those count that
/// belong to the wire that both speak.
///
/// # Errors
/// What cannot be asked for there, as a sentence.
pub(super) fn outgoing(endpoint: &Endpoint, route: Route, body: Bytes, said: &HeaderMap) -> Result<Outgoing, String> {
    let wire = endpoint.kind.facts().wire;
    if wire == Wire::Anthropic {
        let (route, body) = for_anthropic(route, body)?;
        let url = format!("{}/{}", endpoint.root(), route.path());
        return Ok(Outgoing { url, body, headers: anthropic::headers(said) });
    }
    let (route, body) = match route {
        Route::Messages => {
            let chat = from_messages::request(&parsed(&body)?, limit_field(endpoint.kind))?;
            (Route::Chat, chat.to_string().into())
        }
        Route::CountTokens => {
            return Err(
                "only Anthropic counts a message's tokens before it is sent. Count them from the usage of an answer."
                    .to_owned(),
            );
        }
        Route::Chat | Route::Responses | Route::Embeddings => (route, body),
    };
    let url = match wire {
        Wire::AzureOpenai => azure_url(endpoint, route, &body),
        Wire::Openai | Wire::Anthropic => format!("{}/{}", endpoint.root(), route.path()),
    };
    Ok(Outgoing { url, body, headers: HeaderMap::new() })
}

fn for_anthropic(route: Route, body: Bytes) -> Result<(Route, Bytes), String> {
    let chat = match route {
        Route::Messages | Route::CountTokens => return Ok((route, body)),
        Route::Chat => parsed(&body)?,
        Route::Responses => from_responses::request(&parsed(&body)?)?,
        Route::Embeddings => {
            return Err("it makes no embeddings. Make them within the project, or run it with a provider that has a model for them, such as OpenAI or Ollama.".to_owned());
        }
    };
    Ok((Route::Messages, anthropic::request(&chat)?.to_string().into()))
}

/// What an endpoint calls the limit of an answer's tokens: OpenAI's newer models know the newer word only, and
/// many endpoints that speak its wire know the older one only.
fn limit_field(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Openai | ProviderKind::AzureOpenai => "max_completion_tokens",
        _ => "max_tokens",
    }
}

fn parsed(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|_| "the request is not JSON.".to_owned())
}

/// A conversation as a chat completion asks for it.
///
/// # Errors
/// What cannot be said in one, as a sentence.
pub(crate) fn as_chat(route: Route, request: &Value) -> Result<Value, String> {
    match route {
        Route::Messages => from_messages::request(request, limit_field(ProviderKind::default())),
        Route::Responses => from_responses::request(request),
        Route::Chat | Route::Embeddings | Route::CountTokens => Ok(request.clone()),
    }
}

/// A chat completion as the answer to who asked.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn from_chat(route: Route, answer: &Value) -> Result<Value, String> {
    match route {
        Route::Messages => from_messages::answer(answer),
        Route::Responses => from_responses::answer(answer),
        Route::Chat | Route::Embeddings | Route::CountTokens => Ok(answer.clone()),
    }
}

/// Where the models of an endpoint are listed, and the headers for it; none where there is no list.
pub(super) fn models_url(endpoint: &Endpoint) -> Option<(String, HeaderMap)> {
    let facts = endpoint.kind.facts();
    facts.lists_models.then(|| match facts.wire {
        Wire::Anthropic => (format!("{}/models?limit=1000", endpoint.root()), anthropic::headers(&HeaderMap::new())),
        Wire::Openai | Wire::AzureOpenai => (format!("{}/models", endpoint.root()), HeaderMap::new()),
    })
}

/// Azure's address of a route. With an API version each deployment has its own path (REST reference
/// 2024-10-21); without one it is the v1 API, which reads the deployment from the body's `model`.
fn azure_url(endpoint: &Endpoint, route: Route, body: &[u8]) -> String {
    let base = endpoint.base_url.trim_end_matches('/');
    let base = base.strip_suffix("/openai/v1").or_else(|| base.strip_suffix("/openai")).unwrap_or(base);
    let path = route.path();
    match &endpoint.api_version {
        None => format!("{base}/openai/v1/{path}"),
        Some(version) if route == Route::Responses => format!("{base}/openai/{path}?api-version={version}"),
        Some(version) => {
            // Embeddings have a deployment of their own, which the body names.
            let named =
                serde_json::from_slice::<Value>(body).ok().and_then(|body| Some(body["model"].as_str()?.to_owned()));
            let deployment = named.filter(|name| !name.is_empty()).unwrap_or_else(|| endpoint.model.clone());
            // A literal plus is encoded by now, so each that is left stands for a blank.
            let deployment: String = url::form_urlencoded::byte_serialize(deployment.as_bytes()).collect();
            let deployment = deployment.replace('+', "%20");
            format!("{base}/openai/deployments/{deployment}/{path}?api-version={version}")
        }
    }
}

/// A whole answer on the wire of who asked.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn incoming(wire: Wire, route: Route, body: Bytes) -> Result<Bytes, String> {
    let answer = || serde_json::from_slice::<Value>(&body).map_err(|_| "it is not JSON".to_owned());
    let translated = match (wire, route) {
        (Wire::Anthropic, Route::Messages | Route::CountTokens) => return Ok(body),
        (Wire::Anthropic, _) => from_chat(route, &anthropic::answer(&answer()?)?)?,
        (Wire::Openai | Wire::AzureOpenai, Route::Messages) => from_chat(route, &answer()?)?,
        (Wire::Openai | Wire::AzureOpenai, _) => return Ok(body),
    };
    Ok(translated.to_string().into())
}

/// Reads the events of a stream and gives those of the wire of who asked.
pub(super) struct Translator {
    /// Makes chunks of what comes, where they are Anthropic's events.
    reader: Option<Box<anthropic::StreamReader>>,
    /// Makes events of chunks, where they are asked for.
    writer: Option<Writer>,
}

enum Writer {
    Messages(Box<from_messages::EventWriter>),
    Responses(Box<from_responses::EventWriter>),
}

impl Writer {
    fn take(&mut self, chunk: &str) -> Result<Vec<Frame>, String> {
        match self {
            Self::Messages(writer) => writer.take(chunk),
            Self::Responses(writer) => writer.take(chunk),
        }
    }

    fn finish(&mut self) -> Vec<Frame> {
        match self {
            Self::Messages(writer) => writer.finish(),
            Self::Responses(writer) => writer.finish(),
        }
    }
}

impl Translator {
    pub(super) fn of(wire: Wire, route: Route) -> Self {
        let from_anthropic = wire == Wire::Anthropic;
        let writer = match route {
            Route::Messages if !from_anthropic => Some(Writer::Messages(Box::default())),
            Route::Responses if from_anthropic => Some(Writer::Responses(Box::default())),
            _ => None,
        };
        Self { reader: (from_anthropic && !route.is_anthropics()).then(Box::default), writer }
    }

    /// Takes an event and adds what it becomes.
    ///
    /// # Errors
    /// What is wrong with the event.
    pub(super) fn take(&mut self, frame: Frame, ready: &mut VecDeque<Frame>) -> Result<(), String> {
        // A comment keeps a connection open, whatever is said on it.
        let is_comment = frame.data.trim().is_empty();
        if is_comment || (self.reader.is_none() && self.writer.is_none()) {
            ready.push_back(frame);
            return Ok(());
        }
        let chunks = match &mut self.reader {
            Some(reader) => reader.take(&frame.data)?,
            None => vec![frame.data],
        };
        for chunk in chunks {
            match &mut self.writer {
                Some(writer) => ready.extend(writer.take(&chunk)?),
                None => ready.push_back(Frame::of(None, &chunk)),
            }
        }
        Ok(())
    }

    /// The connection ended; adds what was kept for the end.
    pub(super) fn finish(&mut self, ready: &mut VecDeque<Frame>) {
        if let Some(writer) = &mut self.writer {
            ready.extend(writer.finish());
        }
    }
}

#[cfg(test)]
mod tests {
    use gantry_domain::provider::ProviderKind;

    use super::*;
    use crate::outside::model::endpoint::sample;

    fn url(kind: ProviderKind, base: &str, version: Option<&str>, route: Route) -> String {
        let endpoint = Endpoint { api_version: version.map(str::to_owned), ..sample(kind, base) };
        let body = r#"{"model":"my deploy/1","messages":[]}"#;
        outgoing(&endpoint, route, Bytes::from_static(body.as_bytes()), &HeaderMap::new()).unwrap().url
    }

    #[test]
    fn each_kind_has_its_paths() {
        use ProviderKind::{Anthropic, AzureOpenai, Ollama, OpenaiCompatible};
        for (kind, base, version, route, expected) in [
            (OpenaiCompatible, "http://x/v1", None, Route::Chat, "http://x/v1/chat/completions"),
            (Ollama, "http://x", None, Route::Embeddings, "http://x/v1/embeddings"),
            (Anthropic, "http://x", None, Route::Chat, "http://x/v1/messages"),
            (Anthropic, "http://x", None, Route::Responses, "http://x/v1/messages"),
            (Anthropic, "http://x", None, Route::CountTokens, "http://x/v1/messages/count_tokens"),
            (OpenaiCompatible, "http://x/v1", None, Route::Messages, "http://x/v1/chat/completions"),
            (AzureOpenai, "http://x", None, Route::Chat, "http://x/openai/v1/chat/completions"),
            (AzureOpenai, "http://x/openai/v1/", None, Route::Responses, "http://x/openai/v1/responses"),
            (
                AzureOpenai,
                "http://x/",
                Some("2024-10-21"),
                Route::Chat,
                "http://x/openai/deployments/my%20deploy%2F1/chat/completions?api-version=2024-10-21",
            ),
            (
                AzureOpenai,
                "http://x",
                Some("2025-03-01-preview"),
                Route::Responses,
                "http://x/openai/responses?api-version=2025-03-01-preview",
            ),
        ] {
            assert_eq!(url(kind, base, version, route), expected);
        }
    }

    #[test]
    fn what_a_wire_does_not_have_is_said_before_anything_is_sent() {
        for (kind, route) in [
            (ProviderKind::Anthropic, Route::Embeddings),
            (ProviderKind::Openai, Route::CountTokens),
            (ProviderKind::Ollama, Route::CountTokens),
        ] {
            let endpoint = sample(kind, "http://x");
            assert!(outgoing(&endpoint, route, Bytes::from_static(b"{}"), &HeaderMap::new()).is_err());
        }
    }

    #[test]
    fn bytes_for_the_wire_that_both_speak_are_not_touched() {
        let body = Bytes::from_static(b"{ \"model\" : \"m\", \"x\":1.50 }");
        let mut said = HeaderMap::new();
        said.insert("anthropic-beta", "a-1".parse().unwrap());
        said.append("anthropic-beta", "b-2".parse().unwrap());
        said.insert("anthropic-version", "2029-01-01".parse().unwrap());
        said.insert("authorization", "Bearer gantry_run_x".parse().unwrap());
        for (kind, route) in [(ProviderKind::Openai, Route::Chat), (ProviderKind::Anthropic, Route::Messages)] {
            let sent = outgoing(&sample(kind, "http://x/v1"), route, body.clone(), &said).unwrap();
            assert_eq!(sent.body, body);
            assert!(!sent.headers.contains_key("authorization"), "the run's token stays here");
            let betas: Vec<_> = sent.headers.get_all("anthropic-beta").iter().collect();
            assert_eq!(betas.len(), if kind == ProviderKind::Anthropic { 2 } else { 0 });
        }
        let anthropics = sample(ProviderKind::Anthropic, "http://x");
        let version = |said: &HeaderMap| outgoing(&anthropics, Route::Messages, body.clone(), said).unwrap().headers;
        assert_eq!(version(&said)["anthropic-version"], "2029-01-01");
        assert_eq!(version(&HeaderMap::new())["anthropic-version"], "2023-06-01");
    }
}
