//! Sending a request and reading its answer back as it comes. Whoever asks a model comes through here:
//! runs, the planner, the gateway and the test of a provider.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::Instant;

use gantry_domain::provider::Wire;

use super::chat::error_body;
use super::endpoint::Endpoint;
use super::fault::{ModelError, Refused, is_web_page, said_in};
use super::token;
use super::wire::{self, Outgoing, Route, Translator};

/// Bytes of one answer; a model that writes more is cut off.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;
/// Bytes of one event of a stream.
const LARGEST_EVENT: usize = 4 * 1024 * 1024;
/// The longest that is waited in all for an endpoint that is busy; a longer wait is told to the person.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How much of a refusal is passed on.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// What an endpoint answered, on the wire of who asked.
pub(crate) enum Relayed {
    /// A stream of events, which has just begun.
    Events(EventStream),
    /// One whole JSON body, as it came where the endpoint speaks the same wire.
    Whole(Bytes),
    /// A refusal, after every repetition that its kind allows.
    Refused(Refused),
}

/// Sends a body of the route's wire. An endpoint that is busy (429, 502, 503, 504, 529) is asked again within
/// the endpoint's attempts and half a minute; nothing is sent twice once an answer has begun.
///
/// # Errors
/// See [`ModelError`]; never a refusal of the endpoint.
pub(crate) async fn relay(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    route: Route,
    body: Bytes,
) -> Result<Relayed, ModelError> {
    relay_as(http, endpoint, route, body, &HeaderMap::new()).await
}

/// The same for somebody whose own headers may say more about the body: those of Anthropic's wire go with it
/// to an endpoint that speaks it.
///
/// # Errors
/// See [`relay`].
pub(crate) async fn relay_as(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    route: Route,
    body: Bytes,
    said: &HeaderMap,
) -> Result<Relayed, ModelError> {
    let Outgoing { url, body, headers } =
        wire::outgoing(endpoint, route, body, said).map_err(|what| endpoint.unsupported(&what))?;
    let asked = token::exchanged(http, endpoint).await?;
    let mut waited = Duration::ZERO;
    let mut attempt = 1;
    loop {
        let request = asked
            .with_key(http.post(&url).headers(headers.clone()))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream, application/json")
            .body(body.clone());
        let response = match tokio::time::timeout(endpoint.idle_timeout, request.send()).await {
            Err(_) => return Err(endpoint.timed_out()),
            Ok(Err(error)) => return Err(endpoint.unreachable(&error)),
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        if status.is_success() {
            return answer(&asked, route, response).await;
        }
        let busy = matches!(status.as_u16(), 429 | 502 | 503 | 504 | 529);
        let wait = retry_after(response.headers()).unwrap_or_else(|| Duration::from_millis(500 << (attempt - 1)));
        if busy && attempt < endpoint.attempts && waited + wait <= LONGEST_WAIT {
            attempt += 1;
            waited += wait;
            tokio::time::sleep(wait).await;
            continue;
        }
        if status == StatusCode::UNAUTHORIZED {
            token::forget(endpoint);
        }
        return Ok(Relayed::Refused(refused(&asked, route, status, response, wait).await));
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

async fn answer(endpoint: &Endpoint, route: Route, response: Response) -> Result<Relayed, ModelError> {
    let wire = endpoint.kind.facts().wire;
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.trim().to_ascii_lowercase().starts_with("text/event-stream") {
        return Ok(Relayed::Events(EventStream {
            endpoint: endpoint.clone(),
            source: response.bytes_stream().boxed(),
            frames: Frames::default(),
            translator: Translator::of(wire, route),
            ready: VecDeque::new(),
            silent_at: Instant::now() + endpoint.idle_timeout,
            received: 0,
            over: false,
            finished: false,
        }));
    }
    let body = read_body(endpoint, response).await?;
    if is_web_page(&String::from_utf8_lossy(&body[..body.len().min(200)])) {
        return Err(endpoint.web_page());
    }
    Ok(Relayed::Whole(wire::incoming(wire, route, body.into()).map_err(|what| endpoint.bad_response(what))?))
}

async fn refused(endpoint: &Endpoint, route: Route, status: StatusCode, response: Response, wait: Duration) -> Refused {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // A refusal that cannot be read is still a refusal.
    let mut body = read_body(endpoint, response).await.unwrap_or_default();
    body.truncate(LARGEST_REFUSAL);
    let body = endpoint.without_key(String::from_utf8_lossy(&body).into_owned());
    let said = said_in(&body);
    let body = match (endpoint.kind.facts().wire, serde_json::from_str::<Value>(&body)) {
        // In the form that OpenAI's clients read.
        (Wire::Anthropic, Ok(theirs)) if !route.is_anthropics() => {
            let kind = &theirs["error"]["type"];
            error_body(kind.clone(), kind.clone(), &said, None).to_string()
        }
        _ => body,
    };
    Refused { status, body, said, wait, location }
}

/// Reads a whole body.
///
/// # Errors
/// `TimedOut`, `BrokenOff`, or `NotACompletion` when it is too long.
pub(super) async fn read_body(endpoint: &Endpoint, response: Response) -> Result<Vec<u8>, ModelError> {
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

/// A stream of events on its way.
pub(crate) struct EventStream {
    endpoint: Endpoint,
    source: BoxStream<'static, reqwest::Result<Bytes>>,
    frames: Frames,
    translator: Translator,
    ready: VecDeque<Frame>,
    /// When the endpoint counts as silent. Kept here and not in `next`, which may be dropped and
    /// called again while it waits.
    silent_at: Instant,
    received: usize,
    /// Nothing comes from the endpoint any more.
    over: bool,
    /// What was kept for the end was given.
    finished: bool,
}

impl EventStream {
    /// The next event; none when the connection ended, in order or not: whether the answer is whole is
    /// told by what it says. May be dropped while it waits and called again.
    ///
    /// # Errors
    /// `TimedOut` when the endpoint says nothing for too long, `BrokenOff` when the last event is not
    /// whole, `NotACompletion` when it says too much or nonsense.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, ModelError> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(Some(frame));
            }
            while let Some(frame) = self.frames.next() {
                if self.over && is_cut(&frame) {
                    return Err(self.endpoint.truncated());
                }
                let taken = self.translator.take(frame, &mut self.ready);
                taken.map_err(|what| self.endpoint.bad_response(what))?;
            }
            if !self.ready.is_empty() {
                continue;
            }
            if self.over && !std::mem::replace(&mut self.finished, true) {
                self.translator.finish(&mut self.ready);
                continue;
            }
            if self.over {
                return Ok(None);
            }
            let arrived = tokio::time::timeout_at(self.silent_at, self.source.next()).await;
            self.silent_at = Instant::now() + self.endpoint.idle_timeout;
            match arrived {
                Err(_) => return Err(self.endpoint.timed_out()),
                Ok(Some(Ok(bytes))) => {
                    self.received += bytes.len();
                    if self.received > LARGEST_ANSWER {
                        return Err(self.endpoint.bad_response("it is longer than 16 MiB"));
                    }
                    self.frames.push(&bytes);
                    if self.frames.pending() > LARGEST_EVENT {
                        return Err(self.endpoint.bad_response("one event of it is longer than 4 MiB"));
                    }
                }
                Ok(Some(Err(error))) if error.is_timeout() => return Err(self.endpoint.timed_out()),
                Ok(Some(Err(_)) | None) => {
                    self.over = true;
                    self.frames.finish();
                }
            }
        }
    }
}

/// Whether the last event of a stream ends in the middle.
fn is_cut(frame: &Frame) -> bool {
    let data = frame.data.trim();
    !data.is_empty() && data != "[DONE]" && serde_json::from_str::<IgnoredAny>(data).is_err()
}

/// One event of a stream: its bytes as they came, blank line included, and what its `data` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The bytes.
    pub(crate) raw: Bytes,
    /// The `data` lines, joined; empty for a comment.
    pub(crate) data: String,
}

impl Frame {
    /// An event of our own.
    pub(crate) fn of(name: Option<&str>, data: &str) -> Self {
        let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        Self { raw: format!("{name}data: {data}\n\n").into(), data: data.to_owned() }
    }
}

/// Cuts bytes that arrive in any pieces into events, without changing them.
#[derive(Default)]
pub(crate) struct Frames {
    held: BytesMut,
    /// How far `held` was searched for the end of an event.
    searched: usize,
}

impl Frames {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Bytes that are in no complete event yet.
    pub(crate) fn pending(&self) -> usize {
        self.held.len()
    }

    /// The stream ended: some endpoints leave the last blank line out.
    pub(crate) fn finish(&mut self) {
        if self.held.iter().any(|byte| !byte.is_ascii_whitespace()) {
            self.held.extend_from_slice(b"\n\n");
        }
    }

    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            let end = self.end_of_event()?;
            let raw = self.held.split_to(end).freeze();
            self.searched = 0;
            // Blank lines between events say nothing.
            if raw.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
                let data = data_of(&raw);
                return Some(Frame { raw, data });
            }
        }
    }

    /// Where the first event ends: after the first line end that is followed by another.
    fn end_of_event(&mut self) -> Option<usize> {
        let bytes = &self.held;
        let mut at = self.searched;
        while at < bytes.len() {
            let Some(first) = line_end(&bytes[at..]) else {
                // A line feed may still follow a carriage return at the very end.
                if bytes[at] == b'\r' {
                    break;
                }
                at += 1;
                continue;
            };
            let after = at + first;
            match bytes.get(after..).and_then(line_end) {
                Some(second) => return Some(after + second),
                None if after >= bytes.len() || (bytes[after] == b'\r' && after + 1 == bytes.len()) => break,
                None => at = after,
            }
        }
        self.searched = at;
        None
    }
}

/// The length of the line end that these bytes begin with, if it is certain.
fn line_end(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        [b'\r', _, ..] => Some(1),
        _ => None,
    }
}

fn data_of(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.split(['\r', '\n']).filter_map(|line| line.strip_prefix("data:"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for piece in pieces {
            frames.push(piece);
            found.extend(std::iter::from_fn(|| frames.next()));
        }
        frames.finish();
        found.extend(std::iter::from_fn(|| frames.next()));
        found
    }

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
    fn events_keep_their_bytes_wherever_they_are_cut() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!(
                ": hello{end}{end}event: x{end}data: {{\"a\":\"é\"}}{end}{end}data:two{end}data: lines{end}{end}"
            );
            let bytes = text.as_bytes();
            let whole = cut(&[bytes]);
            let data: Vec<&str> = whole.iter().map(|frame| frame.data.as_str()).collect();
            assert_eq!(data, ["", "{\"a\":\"é\"}", "two\nlines"]);
            for at in 0..bytes.len() {
                let again = cut(&[&bytes[..at], &bytes[at..]]);
                let joined: Vec<u8> = again.iter().flat_map(|frame| frame.raw.to_vec()).collect();
                let data: Vec<&str> = again.iter().map(|frame| frame.data.as_str()).collect();
                assert_eq!(data, ["", "{\"a\":\"é\"}", "two\nlines"], "{end:?} cut at {at}");
                assert!(joined.starts_with(bytes) || bytes.starts_with(&joined), "{end:?} cut at {at}");
            }
        }
    }

    #[test]
    fn an_event_without_its_blank_line_is_given_at_the_end() {
        let frames = cut(&[b"data: [DONE]"]);
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].data, "[DONE]");
    }
}
