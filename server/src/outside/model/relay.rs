//! Passing a request on as it is, and its answer back as it comes: what a gateway needs of an endpoint.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Response, StatusCode};
use tokio::time::Instant;

use super::wire::error_text;
use super::{
    ATTEMPTS, Endpoint, LARGEST_ANSWER, LARGEST_EVENT, LONGEST_WAIT, ModelError, read_body, retry_after, shortened,
};

/// How much of a refusal is passed on.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// What an endpoint answered.
pub(crate) enum Relayed {
    /// A stream of events, which has just begun.
    Events(EventStream),
    /// One whole JSON body, as it came.
    Whole(Bytes),
    /// A refusal, after every repetition that its kind allows; with the key hidden.
    Refused {
        /// The endpoint's status.
        status: StatusCode,
        /// What it wrote: its own JSON if it was JSON.
        body: String,
        /// The sentence in it, for a log.
        said: String,
    },
}

/// Passes a body on. An endpoint that is busy (429, 502, 503, 504) is asked again within a budget of a
/// few attempts and half a minute; nothing is sent twice once an answer has begun.
///
/// # Errors
/// `model_unreachable`, `model_timeout`, `model_stream_truncated` or `model_bad_response`.
pub(crate) async fn relay(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    path: &str,
    body: Bytes,
) -> Result<Relayed, ModelError> {
    let mut waited = Duration::ZERO;
    let mut attempt = 1;
    loop {
        let request = endpoint
            .request(http.post(endpoint.address(path)))
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
            return answer(endpoint, response).await;
        }
        let busy = matches!(status.as_u16(), 429 | 502 | 503 | 504);
        let wait = retry_after(response.headers()).unwrap_or_else(|| Duration::from_millis(500 << (attempt - 1)));
        if busy && attempt < ATTEMPTS && waited + wait <= LONGEST_WAIT {
            attempt += 1;
            waited += wait;
            tokio::time::sleep(wait).await;
            continue;
        }
        return Ok(refused(endpoint, status, response).await);
    }
}

async fn answer(endpoint: &Endpoint, response: Response) -> Result<Relayed, ModelError> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.trim().to_ascii_lowercase().starts_with("text/event-stream") {
        return Ok(Relayed::Events(EventStream {
            endpoint: endpoint.clone(),
            source: response.bytes_stream().boxed(),
            frames: Frames::default(),
            silent_at: Instant::now() + endpoint.idle_timeout,
            received: 0,
            over: false,
        }));
    }
    Ok(Relayed::Whole(read_body(endpoint, response).await?.into()))
}

async fn refused(endpoint: &Endpoint, status: StatusCode, response: Response) -> Relayed {
    // A refusal that cannot be read is still a refusal.
    let mut body = read_body(endpoint, response).await.unwrap_or_default();
    body.truncate(LARGEST_REFUSAL);
    let body = endpoint.without_key(String::from_utf8_lossy(&body).into_owned());
    let said = match serde_json::from_str(&body) {
        Ok(error) => error_text(&error),
        Err(_) => body.clone(),
    };
    Relayed::Refused { status, said: shortened(&said), body }
}

/// A stream of events on its way.
pub(crate) struct EventStream {
    endpoint: Endpoint,
    source: BoxStream<'static, reqwest::Result<Bytes>>,
    frames: Frames,
    silent_at: Instant,
    received: usize,
    over: bool,
}

impl EventStream {
    /// The next event; none when the connection ended. May be dropped while it waits and called again.
    ///
    /// # Errors
    /// `model_timeout` when the endpoint says nothing for too long, `model_stream_truncated` when the
    /// connection broke, `model_bad_response` when it says too much.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, ModelError> {
        loop {
            if let Some(frame) = self.frames.next() {
                return Ok(Some(frame));
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
                Ok(Some(Err(_))) => return Err(self.endpoint.truncated()),
                Ok(None) => {
                    self.over = true;
                    self.frames.finish();
                }
            }
        }
    }
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
    fn pending(&self) -> usize {
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
