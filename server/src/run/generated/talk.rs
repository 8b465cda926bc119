//! The conversation with the project: it says that it is ready, it is asked in the language
//! of AG-UI, and what it answers is read as it comes.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use futures::StreamExt;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::witness::{Heard, Witness};
use super::{Broken, Halt, Plan, Runner};
use crate::outside::model::Frames;

/// How long a project may take until it is ready: large frameworks are loaded for half a minute.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long until it is asked again whether it is ready.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How long an answer about its health may take.
const HEALTH_WITHIN: Duration = Duration::from_secs(5);
/// How large one event may be, in bytes.
const LARGEST_EVENT: usize = 4 << 20;
/// How much a project may say in all, in bytes.
const MOST_SAID: usize = 32 << 20;
/// How much is quoted of an answer that nobody expected, in bytes.
const LONGEST_QUOTE: usize = 300;

/// Waits until the project's server answers.
pub(super) async fn until_ready(runner: &dyn Runner) -> Result<(), Halt> {
    let until = Instant::now() + READY_WITHIN;
    while Instant::now() < until {
        let asked = tokio::time::timeout(HEALTH_WITHIN, send(runner, Method::GET, "/healthz", Body::empty())).await;
        if let Ok(Ok(response)) = asked
            && response.status() == StatusCode::OK
        {
            runner.has_answered();
            return Ok(());
        }
        tokio::time::sleep(ASK_AGAIN_AFTER).await;
    }
    Err(Halt::failed(
        "project_not_ready",
        format!(
            "The project did not answer GET /healthz {} within {} seconds. See whether its server starts.",
            runner.expected_at(),
            READY_WITHIN.as_secs()
        ),
    ))
}

/// Says to the agent what the person said, and reads its answer to the end.
pub(super) async fn converse(runner: &dyn Runner, plan: &Plan<'_>, witness: &mut Witness<'_>) -> Result<String, Halt> {
    let body = Body::from(input(plan).to_string());
    let response = send(runner, Method::POST, "/agui", body).await.map_err(|_| Halt::Own(Broken))?;
    let status = response.status();
    let mut body = response.into_body().into_data_stream();
    if status != StatusCode::OK {
        let mut said = Vec::new();
        while let Some(Ok(part)) = body.next().await
            && said.len() < LONGEST_QUOTE
        {
            said.extend_from_slice(&part);
        }
        said.truncate(LONGEST_QUOTE);
        return Err(Halt::failed(
            "project_refused",
            format!(
                "The project's server answered {status} to POST /agui: {}",
                crate::gateway::clean(&String::from_utf8_lossy(&said))
            ),
        ));
    }
    let mut frames = Frames::default();
    let mut said = 0;
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| Halt::Own(Broken))?;
        said += part.len();
        frames.push(&part);
        while let Some(frame) = frames.next() {
            match witness.take(&frame.data).await? {
                Heard::More => {}
                Heard::Answer(answer) => return Ok(answer),
                Heard::Error(reason) => return Err(Halt::Failed(reason)),
            }
        }
        if said > MOST_SAID || frames.pending() > LARGEST_EVENT {
            return Err(Halt::failed(
                "project_said_too_much",
                "The project said more than 32 MiB, or more than 4 MiB in one event, and was stopped.",
            ));
        }
    }
    Err(Halt::Own(Broken))
}

/// AG-UI's RunAgentInput.
fn input(plan: &Plan<'_>) -> Value {
    let mut messages = Vec::new();
    let mut say = |role: &str, content: &str| {
        // An agent may have spoken first.
        if !content.is_empty() {
            messages.push(json!({ "id": messages.len().to_string(), "role": role, "content": content }));
        }
    };
    for (said, answered) in &plan.earlier {
        say("user", said);
        say("assistant", answered);
    }
    say("user", &plan.run.input);
    json!({
        "threadId": plan.thread_id(), "runId": plan.run.id, "messages": messages,
        "state": {}, "tools": [], "context": [], "forwardedProps": {},
    })
}

/// One request over a connection of its own.
async fn send(runner: &dyn Runner, method: Method, path: &str, body: Body) -> anyhow::Result<Response<Body>> {
    let connection = TokioIo::new(runner.connect().await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(connection).await?;
    // Ends with the project, or with the answer.
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/event-stream")
        .header(header::CONNECTION, "close");
    Ok(sender.send_request(request.body(body)?).await?.map(Body::new))
}
