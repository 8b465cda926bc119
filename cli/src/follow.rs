//! A job's log, event by event, as server-sent events. A broken connection is taken up again after
//! the last event that was seen, so nothing is missing and nothing comes twice.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use gantry_domain::event::Event;
use reqwest::Method;
use uuid::Uuid;

use crate::client::Connection;
use crate::failure::Failure;

/// The server says that it is alive every 20 seconds; after this long without a word the connection is dead.
const SILENCE: Duration = Duration::from_secs(50);

/// How often a lost connection is tried again, with growing pauses: a little over a minute in all.
const ATTEMPTS: u32 = 12;

/// A reader of one job's log.
pub(crate) struct Follower {
    connection: Connection,
    job_id: Uuid,
    seen: i64,
    failed_attempts: u32,
    stream: Option<BoxStream<'static, reqwest::Result<Vec<u8>>>>,
    buffer: Lines,
    ended: bool,
}

impl Follower {
    /// A reader from the first event on.
    pub(crate) fn new(connection: &Connection, job_id: Uuid) -> Self {
        Self {
            connection: connection.clone(),
            job_id,
            seen: 0,
            failed_attempts: 0,
            stream: None,
            buffer: Lines::default(),
            ended: false,
        }
    }

    /// The next event, or none after the last one. May be dropped at any time without losing an event.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            while let Some(event) = self.buffer.next_event()? {
                if event.seq <= self.seen {
                    continue;
                }
                if event.seq > self.seen + 1 {
                    // Never skip over a hole: ask again for what is after the last one seen.
                    self.disconnect();
                    break;
                }
                self.seen = event.seq;
                self.failed_attempts = 0;
                self.ended = event.body.is_last();
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            let Some(stream) = &mut self.stream else {
                self.connect().await?;
                continue;
            };
            match tokio::time::timeout(SILENCE, stream.next()).await {
                Ok(Some(Ok(bytes))) => self.buffer.push(&bytes),
                Ok(Some(Err(_)) | None) | Err(_) => self.disconnect(),
            }
        }
    }

    fn disconnect(&mut self) {
        self.stream = None;
        self.buffer = Lines::default();
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        if self.failed_attempts > 0 {
            let pause = Duration::from_millis(250 << self.failed_attempts.min(5));
            tokio::time::sleep(pause).await;
        }
        self.failed_attempts += 1;
        let request = self
            .connection
            .request(Method::GET, &["jobs", &self.job_id.to_string(), "events"])
            .header("accept", "text/event-stream")
            .header("last-event-id", self.seen.to_string());
        match self.connection.send(request).await {
            Ok(response) => {
                self.stream = Some(response.bytes_stream().map(|piece| piece.map(|bytes| bytes.to_vec())).boxed());
                Ok(())
            }
            Err(Failure::Unreachable(_)) if self.failed_attempts < ATTEMPTS => Ok(()),
            Err(Failure::Refused(problem)) if problem.status >= 500 && self.failed_attempts < ATTEMPTS => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}

/// Gathers bytes into lines and lines into events (WHATWG HTML, "Server-sent events").
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    data: String,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn next_event(&mut self) -> Result<Option<Event>, Failure> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            } else if line.is_empty() && !self.data.is_empty() {
                let data = std::mem::take(&mut self.data);
                return serde_json::from_str(&data).map(Some).map_err(|error| {
                    Failure::failed(format!("the server sent an event that this program cannot read ({error}): do they have the same version?"))
                });
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(seq: i64) -> String {
        format!(
            r#"{{"seq":{seq},"at":"2026-11-21T09:00:00Z","jobId":"019aa000-0000-7000-8000-000000000000","type":"job.state","state":"running","attempt":1}}"#
        )
    }

    #[test]
    fn events_come_out_however_the_bytes_are_cut() {
        let whole =
            format!(": hello\n\nid: 1\nevent: job.state\ndata: {}\n\n:\n\nid: 2\ndata:{}\r\n\r\n", text(1), text(2));
        for size in 1..whole.len() {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for piece in whole.as_bytes().chunks(size) {
                lines.push(piece);
                while let Some(event) = lines.next_event().unwrap() {
                    seen.push(event.seq);
                }
            }
            assert_eq!(seen, [1, 2], "cut into pieces of {size}");
        }
    }

    #[test]
    fn what_is_not_an_event_is_a_failure_and_not_silence() {
        let mut lines = Lines::default();
        lines.push(b"data: {\"seq\":\n\n");
        assert_eq!(lines.next_event().unwrap_err().exit_code(), 1);
    }
}
