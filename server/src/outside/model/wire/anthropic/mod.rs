//! Anthropic's Messages API (version 2023-06-01) for conversations of OpenAI's chat completions.
//!
//! What is translated: system texts, images and PDFs, tools, calls and their results, tool choice,
//! limits, stop sequences, streams, usage, reasons to stop, the form of an answer by its schema, errors.
//! Fields that neither side knows of the other's pass as they are, so Anthropic's own (`thinking`, `top_k`)
//! can be used; fields that only OpenAI has are left out. What changes the meaning of an answer and has no
//! counterpart (`response_format` without a schema, sounds) is refused.

mod answer;
mod request;
mod stream;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::super::chat::TokenCount;

pub(super) use answer::answer;
pub(crate) use request::{arguments, input};
pub(super) use request::{plain, request};
pub(in crate::outside::model) use stream::StreamReader;

/// The header that names the version of this API.
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
/// The header that names what is tried out of it.
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// What every request to this API says; a caller who speaks it may say otherwise.
pub(super) fn headers(said: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(VERSION, HeaderValue::from_static("2023-06-01"));
    if let Some(version) = said.get(VERSION) {
        headers.insert(VERSION, version.clone());
    }
    for beta in said.get_all(BETA) {
        headers.append(BETA, beta.clone());
    }
    headers
}

/// OpenAI's word for a reason to stop.
fn finish_reason(stop_reason: &str) -> &'static str {
    match stop_reason {
        "tool_use" => "tool_calls",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "refusal" => "content_filter",
        // `end_turn`, `stop_sequence`, `pause_turn`, and whatever comes later.
        _ => "stop",
    }
}

/// Tokens of `usage`, as OpenAI counts them: what was read from or written to a cache was sent, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    input: i64,
    cache_written: i64,
    cache_read: i64,
    output: i64,
}

impl Counted {
    /// Takes what a `usage` says; a stream says some of it at its begin and the rest at its end.
    pub(crate) fn take(&mut self, usage: &serde_json::Value) {
        for (field, known) in [
            ("input_tokens", &mut self.input),
            ("cache_creation_input_tokens", &mut self.cache_written),
            ("cache_read_input_tokens", &mut self.cache_read),
            ("output_tokens", &mut self.output),
        ] {
            if let Some(count) = usage[field].as_i64() {
                *known = count.max(0);
            }
        }
    }

    /// Tokens sent and received; none where nothing was counted, for no conversation is made of none.
    pub(crate) fn tokens(self) -> Option<TokenCount> {
        let count = TokenCount { input: self.sent(), output: self.output };
        (count != TokenCount::default()).then_some(count)
    }

    fn sent(self) -> i64 {
        self.input + self.cache_written + self.cache_read
    }

    fn usage(self) -> serde_json::Value {
        let prompt = self.sent();
        serde_json::json!({
            "prompt_tokens": prompt,
            "completion_tokens": self.output,
            "total_tokens": prompt + self.output,
            "prompt_tokens_details": { "cached_tokens": self.cache_read },
        })
    }
}

#[cfg(test)]
mod tests;
