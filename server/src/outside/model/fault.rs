//! Why a model gave no answer: what happened, told apart as finely as the endpoint allows, and what to do.

use std::time::Duration;

use gantry_domain::provider::{Finding, ProviderKind};
use reqwest::StatusCode;
use serde_json::Value;

use super::chat::error_text;
use super::endpoint::{Endpoint, visible};

/// Why a model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelError {
    /// What is the matter, as finely as it is known.
    pub(crate) finding: Finding,
    /// What happened and what to do, as a sentence. Never contains the key.
    pub(crate) message: String,
}

/// A refusal of an endpoint, after every repetition that its kind allows; with the key hidden.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// The endpoint's status.
    pub(crate) status: StatusCode,
    /// What it wrote; Anthropic's words on OpenAI's wire, unless who asked speaks Anthropic's.
    pub(crate) body: String,
    /// The sentence in it.
    pub(crate) said: String,
    /// How long it asks to wait.
    pub(super) wait: Duration,
    /// Where it sends to instead.
    pub(super) location: Option<String>,
}

impl ModelError {
    /// The code of a run's end and of the gateway: `model_unreachable`, `model_unauthorized`,
    /// `model_rate_limited`, `model_timeout`, `model_stream_truncated`, `model_request_unsupported` or
    /// `model_bad_response`.
    pub(crate) fn code(&self) -> &'static str {
        match self.finding {
            Finding::NameNotResolved
            | Finding::ConnectionRefused
            | Finding::TlsFailed
            | Finding::Unreachable
            | Finding::Overloaded => "model_unreachable",
            Finding::TimedOut => "model_timeout",
            Finding::KeyMissing | Finding::KeyRefused | Finding::KeyNotAllowed => "model_unauthorized",
            Finding::RateLimited | Finding::QuotaExceeded => "model_rate_limited",
            Finding::BrokenOff => "model_stream_truncated",
            Finding::Unsupported => "model_request_unsupported",
            Finding::Works
            | Finding::PathWrong
            | Finding::WebPage
            | Finding::Redirected
            | Finding::ModelUnknown
            | Finding::EndpointFailing
            | Finding::RequestRefused
            | Finding::NotACompletion => "model_bad_response",
        }
    }
}

impl Endpoint {
    pub(super) fn error(&self, finding: Finding, message: impl Into<String>) -> ModelError {
        ModelError { finding, message: self.without_key(message.into()) }
    }

    pub(super) fn unreachable(&self, error: &reqwest::Error) -> ModelError {
        let place = self.place();
        let (finding, cause) = transport(error);
        let start = format!("The model's endpoint at {place} cannot be reached");
        match finding {
            Finding::TimedOut => self.timed_out(),
            Finding::NameNotResolved => self.error(
                finding,
                format!("{start}: no machine has that name. Check the spelling of the provider's address, and that this server can resolve it."),
            ),
            Finding::ConnectionRefused => self.error(
                finding,
                format!("{start}: nothing listens there. Start the endpoint, or correct host and port of the provider's address; 127.0.0.1 is the machine that Gantry runs on."),
            ),
            Finding::TlsFailed => self.error(
                finding,
                format!("{start} securely ({cause}). Check the certificate of the endpoint; if it speaks plain HTTP, its address begins with http://."),
            ),
            _ => self.error(finding, format!("{start} ({cause}). Check that it is running and that the provider's address is right.")),
        }
    }

    pub(super) fn timed_out(&self) -> ModelError {
        self.error(
            Finding::TimedOut,
            format!(
                "The model's endpoint at {} sent nothing for {} seconds. Try again, or choose a faster model.",
                self.place(),
                self.idle_timeout.as_secs_f64().ceil()
            ),
        )
    }

    pub(crate) fn truncated(&self) -> ModelError {
        self.error(
            Finding::BrokenOff,
            "The model's answer broke off before its end. What had arrived is kept above; send the message again for a whole answer.",
        )
    }

    pub(crate) fn bad_response(&self, what: impl std::fmt::Display) -> ModelError {
        self.error(
            Finding::NotACompletion,
            format!(
                "The model's endpoint at {} gave an answer that is not a chat completion: {what}. Check that the provider's address ends where {} begins and that the model's name exists there.",
                self.place(),
                if self.kind == ProviderKind::Anthropic { "/v1/messages" } else { "/chat/completions" }
            ),
        )
    }

    /// It said within its answer that it failed.
    pub(super) fn failed_within(&self, said: &str) -> ModelError {
        let said = shortened(said);
        let place = self.place();
        if said.to_lowercase().contains("overloaded") {
            return self.error(
                Finding::Overloaded,
                format!("The model's endpoint at {place} broke its answer off because it has too much to do ({said}). Try again in a moment."),
            );
        }
        self.error(
            Finding::EndpointFailing,
            format!("The model's endpoint at {place} ended its answer with an error: {said}. Send the message again; if it comes back, ask whoever runs the endpoint."),
        )
    }

    /// Its wire has no way to say what was asked for.
    pub(super) fn unsupported(&self, what: &str) -> ModelError {
        self.error(Finding::Unsupported, format!("{} cannot be asked for this: {what}", self.kind.facts().label))
    }

    pub(super) fn web_page(&self) -> ModelError {
        self.error(
            Finding::WebPage,
            format!(
                "At {} a web page answers and not a model's API. Enter the address of the API, which often ends in /v1.",
                self.place()
            ),
        )
    }

    /// What a refusal means.
    pub(crate) fn refusal(&self, refused: &Refused) -> ModelError {
        let finding = self.finding(refused);
        let (place, status) = (self.place(), refused.status);
        let said = if refused.said.is_empty() { status.to_string() } else { format!("{status}: {}", refused.said) };
        let model = &self.model;
        let message = match finding {
            Finding::KeyMissing => format!(
                "The model's endpoint at {place} wants a key and none is stored ({status}). Enter a key for the provider in the settings."
            ),
            Finding::KeyRefused => format!(
                "The model's endpoint at {place} refused the key ({status}). Enter a valid key for the provider in the settings."
            ),
            Finding::KeyNotAllowed => format!(
                "The model's endpoint at {place} refused the key for this ({said}). Allow the model for this key at the provider, or enter another key in the settings."
            ),
            Finding::QuotaExceeded => format!(
                "The account at {place} has nothing left to spend ({said}). Raise its limit or pay in at the provider."
            ),
            Finding::RateLimited => format!(
                "The model's endpoint at {place} has had too many requests and asks to wait {} seconds. Try again later, or raise the limit at the provider.",
                refused.wait.as_secs_f64().ceil()
            ),
            Finding::TimedOut => return self.timed_out(),
            Finding::Overloaded => {
                format!("The model's endpoint at {place} is not available ({said}). Try again in a moment.")
            }
            Finding::Redirected => {
                let to = refused.location.as_deref().map_or_else(String::new, |to| format!(" to {}", visible(to)));
                format!(
                    "The model's endpoint at {place} sends elsewhere{to} ({status}). Enter that address: a key is not sent after such a direction."
                )
            }
            Finding::ModelUnknown => format!(
                "The model's endpoint at {place} does not know the model {model} ({said}). {}",
                match self.kind {
                    ProviderKind::Ollama => format!("Pull it there first: ollama pull {model}."),
                    ProviderKind::AzureOpenai => "Enter the name of a deployment of that resource.".to_owned(),
                    _ => "Choose a model that it has.".to_owned(),
                }
            ),
            Finding::PathWrong => format!(
                "At {place} nothing answers for a model ({said}). Check the path of the provider's address: it ends where {} begins.",
                if self.kind == ProviderKind::Anthropic { "/v1/messages" } else { "/chat/completions" }
            ),
            Finding::WebPage => return self.web_page(),
            Finding::EndpointFailing => format!(
                "The model's endpoint at {place} failed ({said}). Try again; if it comes back, ask whoever runs the endpoint."
            ),
            _ => format!("The model's endpoint at {place} refused the request ({said})."),
        };
        self.error(finding, message)
    }

    fn finding(&self, refused: &Refused) -> Finding {
        let said = refused.said.to_lowercase();
        let whole = refused.body.to_lowercase();
        let names_the_model = ["model", "deployment"].iter().any(|word| said.contains(word))
            && [
                "not found",
                "not exist",
                "not_found",
                "unknown",
                "invalid model",
                "no such",
                "not available",
                "model:",
            ]
            .iter()
            .any(|word| said.contains(word));
        match refused.status.as_u16() {
            300..=399 => Finding::Redirected,
            401 | 403 if !self.has_key() => Finding::KeyMissing,
            401 => Finding::KeyRefused,
            403 => Finding::KeyNotAllowed,
            402 => Finding::QuotaExceeded,
            408 => Finding::TimedOut,
            _ if is_web_page(&refused.body) => Finding::WebPage,
            404 | 400 | 422 if names_the_model || whole.contains("deploymentnotfound") => Finding::ModelUnknown,
            // Gemini says so with 400.
            400 if said.contains("api key not valid") || said.contains("api_key_invalid") => Finding::KeyRefused,
            404 | 405 => Finding::PathWrong,
            429 if ["insufficient_quota", "billing", "credit balance"].iter().any(|word| whole.contains(word)) => {
                Finding::QuotaExceeded
            }
            429 => Finding::RateLimited,
            // OllaBridge says with 500 what the endpoint behind it said.
            500 if self.kind == ProviderKind::Ollabridge && said.contains("'404 not found'") => Finding::ModelUnknown,
            500 if self.kind == ProviderKind::Ollabridge && said.contains("'429 too many") => Finding::RateLimited,
            502..=504 | 529 => Finding::Overloaded,
            500..=599 => Finding::EndpointFailing,
            _ => Finding::RequestRefused,
        }
    }
}

/// What kept a request from its endpoint, and the cause in its own words.
fn transport(error: &reqwest::Error) -> (Finding, String) {
    if error.is_timeout() && !error.is_connect() {
        return (Finding::TimedOut, String::new());
    }
    let mut finding = Finding::Unreachable;
    let mut cause: &dyn std::error::Error = error;
    loop {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            finding = match io.kind() {
                _ if is_tls(io) => Finding::TlsFailed,
                std::io::ErrorKind::ConnectionRefused => Finding::ConnectionRefused,
                std::io::ErrorKind::TimedOut => Finding::TimedOut,
                _ => finding,
            };
        } else if cause.is::<rustls::Error>() {
            finding = Finding::TlsFailed;
        } else if cause.to_string().starts_with("dns error") {
            finding = Finding::NameNotResolved;
        }
        match cause.source() {
            Some(next) => cause = next,
            None => return (finding, shortened(&cause.to_string())),
        }
    }
}

/// Whether an error of a connection is one of its encryption. Such errors are wrapped, more than once.
fn is_tls(error: &std::io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>() || inner.downcast_ref::<std::io::Error>().is_some_and(is_tls))
}

/// Whether a text is a page for people.
pub(super) fn is_web_page(body: &str) -> bool {
    let start: String = body.trim_start().chars().take(15).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head")
}

/// The sentence in a refusal's body.
pub(super) fn said_in(body: &str) -> String {
    let said = match serde_json::from_str::<Value>(body) {
        Ok(error) => error_text(&error),
        Err(_) if is_web_page(body) => "a web page".to_owned(),
        Err(_) => body.to_owned(),
    };
    shortened(&said)
}

pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::model::endpoint::sample;

    fn found(kind: ProviderKind, key: bool, status: u16, body: &str) -> Finding {
        let endpoint = Endpoint { key: key.then(|| "sk-secret-key".into()), ..sample(kind, "http://127.0.0.1:1/v1") };
        let refused = Refused {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.to_owned(),
            said: said_in(body),
            wait: Duration::ZERO,
            location: None,
        };
        let error = endpoint.refusal(&refused);
        assert!(!error.message.contains("sk-secret-key"), "{}", error.message);
        error.finding
    }

    #[test]
    fn what_endpoints_really_answer_is_told_apart() {
        use ProviderKind::{Anthropic, AzureOpenai, Gemini, Ollabridge, Ollama, Openai};
        for (kind, key, status, body, expected) in [
            (
                Openai,
                true,
                401,
                r#"{"error":{"message":"Incorrect API key provided: sk-secret-key","code":"invalid_api_key"}}"#,
                Finding::KeyRefused,
            ),
            (Openai, false, 401, r#"{"error":{"message":"You didn't provide an API key."}}"#, Finding::KeyMissing),
            (
                Openai,
                true,
                403,
                r#"{"error":{"message":"Project does not have access to model `x`"}}"#,
                Finding::KeyNotAllowed,
            ),
            (
                Openai,
                true,
                404,
                r#"{"error":{"message":"The model `x` does not exist or you do not have access to it.","code":"model_not_found"}}"#,
                Finding::ModelUnknown,
            ),
            (Openai, true, 404, r#"{"detail":"Not Found"}"#, Finding::PathWrong),
            (Openai, true, 404, "<!DOCTYPE html><html><title>404</title></html>", Finding::WebPage),
            (
                Openai,
                true,
                429,
                r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#,
                Finding::QuotaExceeded,
            ),
            (Openai, true, 429, r#"{"error":{"message":"Rate limit reached"}}"#, Finding::RateLimited),
            (Openai, true, 400, r#"{"error":{"message":"Unsupported parameter"}}"#, Finding::RequestRefused),
            (Openai, true, 500, "oops", Finding::EndpointFailing),
            (Openai, true, 301, "", Finding::Redirected),
            (
                Anthropic,
                true,
                404,
                r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#,
                Finding::ModelUnknown,
            ),
            (
                Anthropic,
                true,
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                Finding::Overloaded,
            ),
            (
                Anthropic,
                true,
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: required"}}"#,
                Finding::RequestRefused,
            ),
            (
                AzureOpenai,
                true,
                404,
                r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
                Finding::ModelUnknown,
            ),
            (
                Gemini,
                true,
                400,
                r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}]"#,
                Finding::KeyRefused,
            ),
            (
                Ollama,
                false,
                404,
                r#"{"error":{"message":"model \"x\" not found, try pulling it first"}}"#,
                Finding::ModelUnknown,
            ),
            (Ollabridge, true, 401, r#"{"detail":"Invalid or missing API key"}"#, Finding::KeyRefused),
            (
                Ollabridge,
                true,
                500,
                r#"{"detail":"Client error '404 Not Found' for url 'http://127.0.0.1:4010/api/chat'"}"#,
                Finding::ModelUnknown,
            ),
        ] {
            assert_eq!(found(kind, key, status, body), expected, "{kind:?} {status} {body}");
        }
    }
}
