//! The wires: where a request goes at each kind of endpoint, and what becomes of its body and its answer.
//!
//! Within the server a conversation with a model is always OpenAI's: chat completions, streamed or whole.
//! Here it is translated where an endpoint speaks otherwise. Bytes for an endpoint that speaks OpenAI's
//! wire pass as they are. Everything in this room is pure; sending belongs in `relay`.

mod anthropic;

use std::collections::VecDeque;

use bytes::Bytes;
use gantry_domain::provider::Wire;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::relay::Frame;

/// What an endpoint is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `POST /chat/completions`.
    Chat,
    /// `POST /responses`.
    Responses,
    /// `POST /embeddings`.
    Embeddings,
}

impl Route {
    fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
        }
    }
}

/// A request as it leaves: where to, what, and the headers beside the key.
#[derive(Debug, PartialEq)]
pub(super) struct Outgoing {
    pub(super) url: String,
    pub(super) body: Bytes,
    pub(super) headers: &'static [(&'static str, &'static str)],
}

/// Makes a request of OpenAI's wire one of the endpoint's.
///
/// # Errors
/// What cannot be asked for there, as a sentence.
pub(super) fn outgoing(endpoint: &Endpoint, route: Route, body: Bytes) -> Result<Outgoing, String> {
    match endpoint.kind.facts().wire {
        Wire::Openai => Ok(Outgoing { url: format!("{}/{}", endpoint.root(), route.path()), body, headers: &[] }),
        Wire::AzureOpenai => Ok(Outgoing { url: azure_url(endpoint, route, &body), body, headers: &[] }),
        Wire::Anthropic => {
            let what = match route {
                Route::Chat => None,
                Route::Responses => Some("OpenAI's Responses API does not exist there. Use chat completions."),
                Route::Embeddings => Some("it makes no embeddings. Choose another provider for them."),
            };
            if let Some(what) = what {
                return Err(what.to_owned());
            }
            let request = serde_json::from_slice(&body).map_err(|_| "the request is not JSON.".to_owned())?;
            Ok(Outgoing {
                url: format!("{}/messages", endpoint.root()),
                body: anthropic::request(&request)?.to_string().into(),
                headers: anthropic::HEADERS,
            })
        }
    }
}

/// Where the models of an endpoint are listed, and the headers for it; none where there is no list.
pub(super) fn models_url(endpoint: &Endpoint) -> Option<(String, &'static [(&'static str, &'static str)])> {
    let facts = endpoint.kind.facts();
    facts.lists_models.then(|| match facts.wire {
        Wire::Anthropic => (format!("{}/models?limit=1000", endpoint.root()), anthropic::HEADERS),
        Wire::Openai | Wire::AzureOpenai => (format!("{}/models", endpoint.root()), [].as_slice()),
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

/// A whole answer on OpenAI's wire.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn incoming(wire: Wire, body: Bytes) -> Result<Bytes, String> {
    match wire {
        Wire::Openai | Wire::AzureOpenai => Ok(body),
        Wire::Anthropic => {
            let answer: Value = serde_json::from_slice(&body).map_err(|_| "it is not JSON".to_owned())?;
            Ok(anthropic::answer(&answer)?.to_string().into())
        }
    }
}

/// Reads the events of a stream and gives those of OpenAI's wire.
pub(super) enum Translator {
    /// They are OpenAI's already.
    None,
    /// They are Anthropic's.
    Anthropic(Box<anthropic::StreamReader>),
}

impl Translator {
    pub(super) fn of(wire: Wire) -> Self {
        match wire {
            Wire::Openai | Wire::AzureOpenai => Self::None,
            Wire::Anthropic => Self::Anthropic(Box::default()),
        }
    }

    /// Takes an event and adds what it becomes.
    ///
    /// # Errors
    /// What is wrong with the event.
    pub(super) fn take(&mut self, frame: Frame, ready: &mut VecDeque<Frame>) -> Result<(), String> {
        match self {
            Self::None => ready.push_back(frame),
            // A comment keeps a connection open, whatever is said on it.
            Self::Anthropic(_) if frame.data.trim().is_empty() => ready.push_back(frame),
            Self::Anthropic(reader) => {
                let chunks = reader.take(&frame.data)?;
                ready.extend(chunks.iter().map(|chunk| Frame::of(None, chunk)));
            }
        }
        Ok(())
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
        outgoing(&endpoint, route, Bytes::from_static(body.as_bytes())).unwrap().url
    }

    #[test]
    fn each_kind_has_its_paths() {
        use ProviderKind::{Anthropic, AzureOpenai, Ollama, OpenaiCompatible};
        for (kind, base, version, route, expected) in [
            (OpenaiCompatible, "http://x/v1", None, Route::Chat, "http://x/v1/chat/completions"),
            (Ollama, "http://x", None, Route::Embeddings, "http://x/v1/embeddings"),
            (Anthropic, "http://x", None, Route::Chat, "http://x/v1/messages"),
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
        let endpoint = sample(ProviderKind::Anthropic, "http://x");
        for route in [Route::Responses, Route::Embeddings] {
            assert!(outgoing(&endpoint, route, Bytes::from_static(b"{}")).is_err());
        }
    }

    #[test]
    fn bytes_for_openais_wire_are_not_touched() {
        let body = Bytes::from_static(b"{ \"model\" : \"m\", \"x\":1.50 }");
        let endpoint = sample(ProviderKind::Openai, "http://x/v1");
        assert_eq!(outgoing(&endpoint, Route::Chat, body.clone()).unwrap().body, body);
    }
}
