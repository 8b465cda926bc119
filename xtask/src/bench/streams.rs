//! How long an event takes from its append to a reader, with one reader and with a thousand.
//!
//! The events are those of real runs against a model endpoint on loopback; an event carries the
//! moment of its append, and server and readers share one clock.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::model::{self, now_micros};
use super::report::{Figure, Report};
use super::server::{Server, median, percentile};

/// How many read one log at once.
const FOLLOWERS: usize = 1_000;

/// Measures with one reader.
pub(super) async fn one(server: &Server, database: &str, report: &mut Report) -> Result<()> {
    let project = project(server, "stream-one").await?;
    let mut delays = follow_a_run(server, &project, 1, Duration::from_millis(10), 300).await?;
    let events = delays.len();
    let figure =
        Figure::new(format!("event append to one follower, median, {database}"), median(&mut delays), "ms").below(10.0);
    report.add(figure.note(format!("p99 {:.1} ms, {events} events", percentile(&mut delays, 0.99))));
    Ok(())
}

/// Measures with a thousand.
pub(super) async fn crowd(server: &Server, database: &str, report: &mut Report) -> Result<()> {
    let project = project(server, "stream-crowd").await?;
    let mut delays = follow_a_run(server, &project, FOLLOWERS, Duration::from_millis(200), 50).await?;
    let figure =
        Figure::new(format!("event append to {FOLLOWERS} followers, median, {database}"), median(&mut delays), "ms");
    report.add(figure.note(format!(
        "p99 {:.1} ms, {} deliveries, none missing",
        percentile(&mut delays, 0.99),
        delays.len()
    )));
    Ok(())
}

pub(super) async fn project(server: &Server, name: &str) -> Result<String> {
    let plan = server
        .post("/plans", &json!({ "prompt": "Answer questions about a library.", "constraints": { "name": name, "framework": "react" } }))
        .await?;
    let project = server.post("/projects", &json!({ "spec": plan["spec"] })).await?;
    Ok(project["id"].as_str().context("a project has an id")?.to_owned())
}

/// Starts a run, has `followers` read its log to the end, checks that each saw every event once and
/// in order, and returns how long each delivery took in milliseconds.
async fn follow_a_run(
    server: &Server,
    project: &str,
    followers: usize,
    pace: Duration,
    words: usize,
) -> Result<Vec<f64>> {
    let base = model::start(words, pace).await?;
    let name = format!("bench-{followers}");
    let provider =
        server.post("/providers", &json!({ "name": name, "baseUrl": base, "defaultModel": "bench" })).await?;
    let run = server
        .post(
            &format!("/projects/{project}/runs"),
            &json!({ "input": "Go.", "mode": "dev", "providerId": provider["id"] }),
        )
        .await?;
    let job = run["jobId"].as_str().context("a run has a job")?.to_owned();

    let mut readers = JoinSet::new();
    for _ in 0..followers {
        let mut request =
            server.address(&format!("/jobs/{job}/events")).replacen("http", "ws", 1).into_client_request()?;
        request.headers_mut().insert("authorization", server.authorization().parse()?);
        readers.spawn(read_to_end(request));
    }
    let mut delays = Vec::new();
    let mut lengths = Vec::new();
    while let Some(reader) = readers.join_next().await {
        let (length, own) = reader??;
        lengths.push(length);
        delays.extend(own);
    }
    if lengths.iter().any(|length| *length != lengths[0]) {
        bail!("the followers saw logs of different lengths: {lengths:?}");
    }
    Ok(delays)
}

/// The log's length, and the delays of what arrived live. What was there before the reader came is
/// checked for order but not timed.
async fn read_to_end(request: tokio_tungstenite::tungstenite::handshake::client::Request) -> Result<(i64, Vec<f64>)> {
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    let connected = now_micros();
    let mut seen = 0;
    let mut delays = Vec::new();
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let arrived = now_micros();
        let event: Value = serde_json::from_str(&text)?;
        let seq = event["seq"].as_i64().context("an event has a number")?;
        if seq != seen + 1 {
            bail!("event {seq} came after event {seen}");
        }
        seen = seq;
        let appended = micros(event["at"].as_str().unwrap_or_default())?;
        if appended > connected {
            delays.push((arrived - appended) as f64 / 1e3);
        }
        let last =
            event["type"] == "job.state" && matches!(event["state"].as_str(), Some("done" | "failed" | "cancelled"));
        if last {
            if event["state"] != "done" {
                bail!("the run ended as {}", event["state"]);
            }
            return Ok((seen, delays));
        }
    }
    bail!("the stream ended after event {seen}, before the run did")
}

/// A moment as RFC 3339 with `Z`, in microseconds since 1970.
pub(super) fn micros(text: &str) -> Result<i64> {
    let moment: gantry_domain::Timestamp = text.parse().with_context(|| format!("{text:?} is not a moment"))?;
    Ok(moment.micros())
}
