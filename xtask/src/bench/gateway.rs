//! What Gantry adds between an agent and its model: on the way through the gateway, and around a run.
//!
//! Every word of the model on loopback is the moment at which it was written, so the delay of a word is
//! known wherever it is read: once asked directly, once through the gateway, by as many streams at once.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::model::{self, HOLD, now_micros};
use super::report::{Figure, Report};
use super::server::{Server, median, percentile};
use super::streams::{micros, project};

/// How many streams flow at once.
const STREAMS: usize = 100;
/// How many words each has, and how far apart they are.
const WORDS: usize = 100;
const PACE: Duration = Duration::from_millis(100);
/// How many chats are measured, one after another.
const CHATS: usize = 40;
/// The token that opens the gateway: known on purpose, it lives on loopback for as long as this takes.
const TOKEN: &str = "gantry_run_benchmark";

/// Measures the gateway, on SQLite.
pub(super) async fn overhead(binary: &Path, port: u16, report: &mut Report) -> Result<()> {
    let server = Server::start(binary, port, None).await?;
    server.set_up().await?;
    let measured = compare(&server, report).await;
    server.stop().await?;
    measured
}

async fn compare(server: &Server, report: &mut Report) -> Result<()> {
    let base = model::start(WORDS, PACE).await?;
    let project = project(server, "gateway").await?;
    let provider =
        server.post("/providers", &json!({ "name": "gateway", "baseUrl": base, "defaultModel": "bench" })).await?;
    let body = json!({ "input": HOLD, "mode": "dev", "providerId": provider["id"] });
    let run = server.post(&format!("/projects/{project}/runs"), &body).await?;
    let id = run["id"].as_str().context("a run has an id")?;
    while server.get(&format!("/runs/{id}")).await?["state"] != "running" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    open(server, id)?;
    // The first time warms both ways up.
    for is_counted in [false, true] {
        let mut direct = crowd(&base, "none").await?;
        let mut through = crowd(&server.gateway(), TOKEN).await?;
        if is_counted {
            let (ahead, behind) = (percentile(&mut direct, 0.95), percentile(&mut through, 0.95));
            let figure =
                Figure::new(format!("gateway overhead, p95 of a word, {STREAMS} streams"), behind - ahead, "ms")
                    .below(3.0);
            let added = median(&mut through) - median(&mut direct);
            report.add(figure.note(format!(
                "p95 {behind:.2} ms through, {ahead:.2} ms direct; median {added:.2} ms more; {} words each way",
                through.len()
            )));
        }
    }
    Ok(())
}

/// Opens the gateway for a run that is under way, as the server does for one in a container: this run's
/// own agent runs natively and needs no token, so the row is written here.
fn open(server: &Server, run_id: &str) -> Result<()> {
    let program = "
import hashlib, sqlite3, sys, uuid
database, run, token = sys.argv[1:]
db = sqlite3.connect(database, timeout=10)
db.execute('INSERT INTO gateway_access (run_id, token_hash, attempt, opened_at, expires_at) '
           'SELECT run.id, ?, job.attempt, run.created_at, 9000000000000000 FROM run JOIN job ON job.id = run.job_id WHERE run.id = ?',
           (hashlib.sha256(token.encode()).digest(), uuid.UUID(run).bytes))
db.commit()
";
    let database = server.data().join("gantry.db");
    let done = Command::new("python3").args(["-c", program]).arg(database).args([run_id, TOKEN]).output()?;
    if !done.status.success() {
        bail!("the gateway was not opened: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}

/// Reads as many streams at once as the measure wants, and gives the delay of every word in milliseconds.
async fn crowd(base: &str, token: &str) -> Result<Vec<f64>> {
    let http = reqwest::Client::builder().tcp_nodelay(true).build()?;
    let mut readers = JoinSet::new();
    for number in 0..STREAMS {
        let body = json!({ "model": "bench", "stream": true, "messages": [{ "role": "user", "content": "Go." }] });
        let request = http.post(format!("{base}/chat/completions")).bearer_auth(token).json(&body);
        readers.spawn(async move {
            // Not all in the same moment: nobody's users ask like that, and words would come in bursts.
            tokio::time::sleep(PACE.mul_f64(number as f64 / STREAMS as f64)).await;
            read(request).await
        });
    }
    let mut delays = Vec::new();
    while let Some(reader) = readers.join_next().await {
        delays.extend(reader??);
    }
    Ok(delays)
}

async fn read(request: reqwest::RequestBuilder) -> Result<Vec<f64>> {
    let mut body = request.send().await?.error_for_status()?.bytes_stream();
    let (mut held, mut delays, mut ended) = (String::new(), Vec::new(), false);
    while let Some(bytes) = body.next().await {
        let arrived = now_micros();
        held.push_str(&String::from_utf8_lossy(&bytes?));
        while let Some((event, rest)) = held.split_once("\n\n") {
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default();
            ended |= data == "[DONE]";
            let chunk: Value = serde_json::from_str(data).unwrap_or_default();
            let word =
                chunk["choices"][0]["delta"]["content"].as_str().and_then(|word| word.trim().parse::<i64>().ok());
            delays.extend(word.map(|written| (arrived - written) as f64 / 1e3));
            held = rest.to_owned();
        }
    }
    if !ended || delays.len() != WORDS {
        bail!("a stream ended after {} of {WORDS} words", delays.len());
    }
    Ok(delays)
}

/// Measures what a run is made of around a model that answers at once: until its first event is in the log,
/// and until it is over.
pub(super) async fn native(server: &Server, database: &str, report: &mut Report) -> Result<()> {
    let base = model::start(1, Duration::ZERO).await?;
    let project = project(server, "native-chat").await?;
    let provider =
        server.post("/providers", &json!({ "name": "native", "baseUrl": base, "defaultModel": "bench" })).await?;
    let body = json!({ "input": "Go.", "mode": "dev", "providerId": provider["id"] });
    let (mut firsts, mut wholes) = (Vec::new(), Vec::new());
    for _ in 0..CHATS {
        let asked = now_micros();
        let run = server.post(&format!("/projects/{project}/runs"), &body).await?;
        let job = run["jobId"].as_str().context("a run has a job")?;
        let events = loop {
            let page = server.get(&format!("/jobs/{job}/events")).await?;
            let events = page["items"].as_array().cloned().unwrap_or_default();
            if events.iter().any(|event| event["type"] == "run.done") {
                break events;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let since = |kind: &str| -> Result<f64> {
            let event = events.iter().find(|event| event["type"] == kind).with_context(|| format!("no {kind}"))?;
            Ok((micros(event["at"].as_str().unwrap_or_default())? - asked) as f64 / 1e3)
        };
        firsts.push(since("run.event")?);
        wholes.push(since("run.done")?);
    }
    let first =
        Figure::new(format!("native chat, question to first event, median, {database}"), median(&mut firsts), "ms");
    report.add(first.below(20.0).note(format!("p95 {:.1} ms, {CHATS} chats", percentile(&mut firsts, 0.95))));
    let whole = Figure::new(
        format!("native run around a model that answers at once, median, {database}"),
        median(&mut wholes),
        "ms",
    );
    report.add(
        whole
            .below(50.0)
            .note(format!("p95 {:.1} ms; the model's own time on loopback is in it", percentile(&mut wholes, 0.95))),
    );
    Ok(())
}
