//! A model's endpoint: anything that speaks OpenAI's chat completions.
//!
//! A thin client of our own, so that what an endpoint says reaches the run as it says it. Streams
//! are read piece by piece; an endpoint that answers without a stream works as well. What a run
//! makes of a model's answer belongs in `runtime/`; where the key is kept belongs in `provider/`.

mod relay;
mod sse;
mod wire;

use std::time::{Duration, SystemTime};

use futures::StreamExt;
use gantry_domain::api::registry::ConnectionTest;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) use relay::{EventStream, Frame, Relayed, relay};
use sse::SseParser;
use wire::error_text;
pub(crate) use wire::{
    ChatRequest, Message, Piece, TokenCount, ToolCall, ToolDefinition, Turn, TurnAssembly, pieces_of,
};

/// Bytes of one answer; a model that writes more is cut off.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;
/// Bytes of one event of a stream.
const LARGEST_EVENT: usize = 4 * 1024 * 1024;
/// How often a request is sent in all when the endpoint says that it is busy.
const ATTEMPTS: u32 = 4;
/// The longest `Retry-After` that is waited for; a longer one is told to the person.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The shortest key that is hidden in texts, in bytes. Below that it is a word such as `none` or `EMPTY`
/// that an endpoint without keys is given, and hiding it would only garble what the endpoint says.
const SHORTEST_SECRET: usize = 8;
/// How long the test of a connection may take.
const TEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Where a model answers and how it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// The address up to but without `/chat/completions`.
    pub(crate) base_url: String,
    /// The key, if the endpoint wants one.
    pub(crate) key: Option<SecretString>,
    /// The model's name there.
    pub(crate) model: String,
    /// How long the endpoint may be silent: before its answer and between two pieces of it.
    pub(crate) idle_timeout: Duration,
}

/// Why a model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelError {
    /// `model_unreachable`, `model_unauthorized`, `model_rate_limited`, `model_timeout`,
    /// `model_stream_truncated` or `model_bad_response`.
    pub(crate) code: &'static str,
    /// What happened and what to do, as a sentence. Never contains the key.
    pub(crate) message: String,
}

impl Endpoint {
    fn address(&self, path: &str) -> String {
        format!("{}/{path}", self.base_url.trim_end_matches('/'))
    }

    /// What people may see of the address: no user, no query.
    fn place(&self) -> String {
        match url::Url::parse(&self.base_url) {
            Ok(url) => format!("{}{}", url.origin().ascii_serialization(), url.path().trim_end_matches('/')),
            Err(_) => "its address".to_owned(),
        }
    }

    fn error(&self, code: &'static str, message: impl Into<String>) -> ModelError {
        ModelError { code, message: self.without_key(message.into()) }
    }

    /// An endpoint may quote the request, and with it the key, in its error.
    fn without_key(&self, text: String) -> String {
        match &self.key {
            Some(key) if key.expose_secret().len() >= SHORTEST_SECRET => text.replace(key.expose_secret(), "[key]"),
            _ => text,
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> ModelError {
        if error.is_timeout() {
            return self.timed_out();
        }
        let cause = root_cause(error);
        self.error(
            "model_unreachable",
            format!(
                "The model's endpoint at {} cannot be reached ({cause}). Check that it is running and that the provider's address is right.",
                self.place()
            ),
        )
    }

    fn timed_out(&self) -> ModelError {
        self.error(
            "model_timeout",
            format!(
                "The model's endpoint at {} sent nothing for {} seconds. Try again, or choose a faster model.",
                self.place(),
                self.idle_timeout.as_secs_f64().ceil()
            ),
        )
    }

    pub(crate) fn truncated(&self) -> ModelError {
        self.error(
            "model_stream_truncated",
            "The model's answer broke off before its end. What had arrived is kept above; send the message again for a whole answer.",
        )
    }

    pub(crate) fn bad_response(&self, what: impl std::fmt::Display) -> ModelError {
        self.error(
            "model_bad_response",
            format!(
                "The model's endpoint at {} gave an answer that is not a chat completion: {what}. Check that the provider's address ends where /chat/completions begins and that the model's name exists there.",
                self.place()
            ),
        )
    }

    fn request(&self, builder: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(key) if !key.expose_secret().is_empty() => builder.bearer_auth(key.expose_secret()),
            _ => builder,
        }
    }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    shortened(&cause.to_string())
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// An answer on its way.
pub(crate) struct ModelStream {
    endpoint: Endpoint,
    source: Source,
    assembly: TurnAssembly,
    ready: std::collections::VecDeque<Piece>,
    /// When the endpoint counts as silent. Kept here and not in `next`, which may be dropped and
    /// called again while it waits.
    silent_at: Instant,
    received: usize,
    done: bool,
}

enum Source {
    Stream {
        response: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
        parser: SseParser,
    },
    /// A plain answer, or a model that is not behind HTTP: everything is in `ready` already.
    Whole,
}

/// Asks a model.
///
/// Requests that the endpoint refuses because it is busy (429, 502, 503, 504) are sent again a few times.
///
/// # Errors
/// See [`ModelError::code`].
pub(crate) async fn ask(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    request: &ChatRequest,
) -> Result<ModelStream, ModelError> {
    let response = send(http, endpoint, &request.body(&endpoint.model)).await?;
    let streamed = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.trim().to_ascii_lowercase().starts_with("text/event-stream"));
    let mut stream = ModelStream {
        endpoint: endpoint.clone(),
        source: Source::Whole,
        assembly: TurnAssembly::default(),
        ready: std::collections::VecDeque::new(),
        silent_at: Instant::now() + endpoint.idle_timeout,
        received: 0,
        done: false,
    };
    if streamed {
        stream.source = Source::Stream { response: response.bytes_stream().boxed(), parser: SseParser::default() };
        return Ok(stream);
    }
    let body = read_body(endpoint, response).await?;
    let answer: Value = serde_json::from_slice(&body).map_err(|_| endpoint.bad_response("it is not JSON"))?;
    let has_choice = answer.get("choices").and_then(|choices| choices.get(0)).is_some();
    let pieces = stream.assembly.take(&answer).map_err(|text| endpoint.bad_response(shortened(&text)))?;
    if !has_choice {
        return Err(endpoint.bad_response("it has no choices"));
    }
    stream.assembly.finish();
    stream.ready.extend(pieces);
    stream.done = true;
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
            let Source::Stream { response, parser } = &mut self.source else {
                return Ok(None);
            };
            let arrived = tokio::time::timeout_at(self.silent_at, response.next()).await;
            self.silent_at = Instant::now() + self.endpoint.idle_timeout;
            let events = match arrived {
                Err(_) => return Err(self.endpoint.timed_out()),
                Ok(Some(Ok(bytes))) => {
                    self.received += bytes.len();
                    if self.received > LARGEST_ANSWER {
                        return Err(self.endpoint.bad_response("it is longer than 16 MiB"));
                    }
                    let events = parser.push(&bytes);
                    if parser.pending() > LARGEST_EVENT {
                        return Err(self.endpoint.bad_response("one event of it is longer than 4 MiB"));
                    }
                    events
                }
                Ok(Some(Err(error))) if error.is_timeout() => return Err(self.endpoint.timed_out()),
                // Cut off in the middle, or closed in order: the last event tells whether it was complete.
                Ok(Some(Err(_)) | None) => {
                    self.done = true;
                    parser.finish()
                }
            };
            self.take(events)?;
        }
    }

    fn take(&mut self, events: Vec<String>) -> Result<(), ModelError> {
        for event in events {
            if event.trim() == "[DONE]" {
                self.done = true;
                self.assembly.finish();
                return Ok(());
            }
            let chunk: Value = match serde_json::from_str(&event) {
                Ok(chunk) => chunk,
                // The last event of a stream that was cut is not whole.
                Err(_) if self.done => return Err(self.endpoint.truncated()),
                Err(_) => return Err(self.endpoint.bad_response("an event of its stream is not JSON")),
            };
            let pieces = self.assembly.take(&chunk).map_err(|text| self.endpoint.bad_response(shortened(&text)))?;
            self.ready.extend(pieces);
        }
        Ok(())
    }

    /// The turn, once [`ModelStream::next`] has said that there is no more.
    pub(crate) fn into_turn(self) -> Turn {
        self.assembly.into_turn()
    }
}

async fn send(http: &reqwest::Client, endpoint: &Endpoint, body: &Value) -> Result<Response, ModelError> {
    let mut attempt = 1;
    loop {
        let request = endpoint
            .request(http.post(endpoint.address("chat/completions")))
            .header(ACCEPT, "text/event-stream, application/json")
            .json(body);
        let response = match tokio::time::timeout(endpoint.idle_timeout, request.send()).await {
            Err(_) => return Err(endpoint.timed_out()),
            Ok(Err(error)) => return Err(endpoint.unreachable(&error)),
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let busy = matches!(status.as_u16(), 429 | 502 | 503 | 504);
        let wait = retry_after(response.headers()).unwrap_or_else(|| Duration::from_millis(500 << (attempt - 1)));
        if busy && attempt < ATTEMPTS && wait <= LONGEST_WAIT {
            attempt += 1;
            tokio::time::sleep(wait).await;
            continue;
        }
        return Err(refusal(endpoint, status, response, wait).await);
    }
}

/// How long `Retry-After` asks to wait (RFC 9110, section 10.2.3): seconds, or a date. A date is
/// measured from the answer's own `Date`, so the endpoint's clock need not be right.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let from = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
    // A moment that is over asks for no wait.
    Some(until.duration_since(from).unwrap_or_default())
}

async fn refusal(endpoint: &Endpoint, status: StatusCode, response: Response, wait: Duration) -> ModelError {
    let place = endpoint.place();
    match status.as_u16() {
        401 | 403 => endpoint.error(
            "model_unauthorized",
            format!("The model's endpoint at {place} refused the key ({status}). Enter a valid key for the provider in the settings."),
        ),
        429 => endpoint.error(
            "model_rate_limited",
            format!(
                "The model's endpoint at {place} has had too many requests and asks to wait {} seconds. Try again later, or raise the limit at the provider.",
                wait.as_secs_f64().ceil()
            ),
        ),
        408 => endpoint.timed_out(),
        502..=504 => endpoint.error(
            "model_unreachable",
            format!("The model's endpoint at {place} is not available ({status}). Try again in a moment."),
        ),
        _ => {
            let said = match read_body(endpoint, response).await {
                Ok(body) => match serde_json::from_slice::<Value>(&body) {
                    Ok(error) => error_text(&error),
                    Err(_) => String::from_utf8_lossy(&body).into_owned(),
                },
                Err(_) => String::new(),
            };
            let said = shortened(&said);
            endpoint.bad_response(if said.is_empty() { status.to_string() } else { format!("{status}: {said}") })
        }
    }
}

async fn read_body(endpoint: &Endpoint, response: Response) -> Result<Vec<u8>, ModelError> {
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    loop {
        match tokio::time::timeout(endpoint.idle_timeout, stream.next()).await {
            Err(_) => return Err(endpoint.timed_out()),
            Ok(None) => return Ok(body),
            Ok(Some(Err(_))) => return Err(endpoint.truncated()),
            Ok(Some(Ok(bytes))) => {
                body.extend_from_slice(&bytes);
                if body.len() > LARGEST_ANSWER {
                    return Err(endpoint.bad_response("it is longer than 16 MiB"));
                }
            }
        }
    }
}

/// Asks with a body of the caller's own and gives the answer as it came, whole.
///
/// # Errors
/// See [`ModelError::code`]; `model_bad_response` also when the endpoint does not know what the body asks for.
pub(crate) async fn complete(http: &reqwest::Client, endpoint: &Endpoint, body: &Value) -> Result<Value, ModelError> {
    let response = send(http, endpoint, body).await?;
    let body = read_body(endpoint, response).await?;
    let answer: Value = serde_json::from_slice(&body).map_err(|_| endpoint.bad_response("it is not JSON"))?;
    if answer["choices"][0].is_object() { Ok(answer) } else { Err(endpoint.bad_response("it has no choices")) }
}

/// Whether a provider's address and key work: lists its models, and where an endpoint has no such
/// list asks the model for one token.
pub(crate) async fn test_connection(
    http: &reqwest::Client,
    base_url: &str,
    key: Option<SecretString>,
    model: &str,
) -> ConnectionTest {
    let endpoint = Endpoint { base_url: base_url.to_owned(), key, model: model.to_owned(), idle_timeout: TEST_TIMEOUT };
    let started = Instant::now();
    let found = tokio::time::timeout(TEST_TIMEOUT, try_connection(http, &endpoint)).await;
    let found = found.unwrap_or_else(|_| Err(endpoint.timed_out()));
    let duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    match found {
        Ok(message) => ConnectionTest { ok: true, message, duration_ms },
        Err(error) => ConnectionTest { ok: false, message: error.message, duration_ms },
    }
}

async fn try_connection(http: &reqwest::Client, endpoint: &Endpoint) -> Result<String, ModelError> {
    let request = endpoint.request(http.get(endpoint.address("models")));
    let response = request.send().await.map_err(|error| endpoint.unreachable(&error))?;
    let status = response.status();
    if status.is_success() {
        let body = read_body(endpoint, response).await?;
        if let Ok(list) = serde_json::from_slice::<Value>(&body)
            && let Some(models) = list.get("data").and_then(Value::as_array)
        {
            let known = models.iter().any(|entry| entry.get("id").and_then(Value::as_str) == Some(&endpoint.model));
            return Ok(match (known, models.len()) {
                (true, count) => format!("The endpoint answers and offers {} among {count} models.", endpoint.model),
                (false, count) => format!(
                    "The endpoint answers with {count} models, but {} is not in its list: check the model's name.",
                    if endpoint.model.is_empty() { "an empty name" } else { &endpoint.model }
                ),
            });
        }
    } else if matches!(status.as_u16(), 401 | 403 | 429) {
        return Err(refusal(endpoint, status, response, Duration::ZERO).await);
    }
    let body = json!({
        "model": endpoint.model,
        "messages": [{ "role": "user", "content": "Say yes." }],
        "max_tokens": 1,
    });
    let response = send(http, endpoint, &body).await?;
    let body = read_body(endpoint, response).await?;
    let answer: Value = serde_json::from_slice(&body).map_err(|_| endpoint.bad_response("it is not JSON"))?;
    if answer.get("choices").and_then(Value::as_array).is_none() {
        return Err(endpoint.bad_response("it has no choices"));
    }
    Ok(format!("The endpoint answers for {}.", endpoint.model))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(retry_after: &str, date: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_until_a_date_by_the_endpoints_clock() {
        let noon = Some("Sun, 06 Nov 1994 12:00:00 GMT");
        for (asked, date, seconds) in [
            ("7", None, 7.0),
            (" 0.5 ", None, 0.5),
            ("Sun, 06 Nov 1994 12:00:09 GMT", noon, 9.0),
            // The older forms, which a recipient has to understand (RFC 9110, section 5.6.7).
            ("Sunday, 06-Nov-94 12:01:00 GMT", noon, 60.0),
            ("Sun Nov  6 12:00:01 1994", noon, 1.0),
            ("Sun, 06 Nov 1994 11:59:00 GMT", noon, 0.0),
        ] {
            assert_eq!(retry_after(&headers(asked, date)), Some(Duration::from_secs_f64(seconds)), "{asked}");
        }
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(20));
        let wait = retry_after(&headers(&soon, None)).unwrap().as_secs();
        assert!((17..=20).contains(&wait), "{wait}");
        for nonsense in ["", "-1", "soon", "NaN", "1e99", "Sun, 06 Nov 1994"] {
            assert_eq!(retry_after(&headers(nonsense, noon)), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_key_is_hidden_and_a_word_that_stands_in_for_one_garbles_nothing() {
        let hide = |key: &str, text: &str| {
            let key = Some(key.to_owned().into());
            let endpoint =
                Endpoint { base_url: String::new(), key, model: String::new(), idle_timeout: Duration::ZERO };
            endpoint.without_key(text.to_owned())
        };
        assert_eq!(hide("sk-12345", "no such key: sk-12345!"), "no such key: [key]!");
        assert_eq!(hide("e", "the model is loading"), "the model is loading");
        assert_eq!(hide("none", "there is none"), "there is none");
    }
}
