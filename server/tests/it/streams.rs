//! One log, three ways to read it, over a real socket: WebSocket, server-sent events, pages.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::{TestApp, for_both};
use axum::http::header;
use futures::StreamExt;
use gantry_domain::api::job::JobKind;
use gantry_domain::event::{EventBody, LogLevel, LogLine};
use gantry_server::app::App;
use gantry_server::jobs::{JobContext, JobFailure, NewJob, Outcome, Work};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use uuid::Uuid;

/// Appends ten lines, slowly enough that a reader sees some of them arrive.
struct TenLines;

#[async_trait::async_trait]
impl Work for TenLines {
    fn kind(&self) -> JobKind {
        JobKind::Build
    }

    async fn run(&self, _: &App, job: &JobContext) -> Result<Outcome, JobFailure> {
        for number in 0..10 {
            let line = LogLine { level: LogLevel::Info, text: number.to_string() };
            job.append(EventBody::BuildLog { step: String::new(), lines: vec![line] }).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Outcome::Done(Value::Null))
    }
}

/// queued, running, ten lines, done.
const LAST: i64 = 13;

async fn serve(test: &TestApp) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = test.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn enqueue(app: &App) -> Uuid {
    let mut tx = app.db.begin().await.unwrap();
    let job = NewJob {
        kind: JobKind::Build,
        project_id: None,
        subject_id: None,
        args: json!({}),
        dedupe_key: None,
        max_attempts: 1,
        created_by: "test".into(),
    };
    let id = app.jobs.enqueue(&mut tx, job).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn by_web_socket(address: SocketAddr, token: &str, id: Uuid, after: i64) -> Vec<i64> {
    let mut request = format!("ws://{address}/api/v1/jobs/{id}/events?after={after}").into_client_request().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, token.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let mut seen = Vec::new();
    while let Some(message) = socket.next().await {
        match message.unwrap() {
            Message::Text(text) => {
                let event: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(event["jobId"], id.to_string());
                assert!(event["type"].is_string() && event["at"].is_string(), "{event}");
                seen.push(event["seq"].as_i64().unwrap());
            }
            Message::Close(_) => break,
            _ => {}
        }
    }
    seen
}

#[tokio::test]
async fn a_web_socket_ends_with_its_job_and_resumes_where_it_was() {
    for_both(|test| async move {
        let address = serve(&test).await;
        let token = test.token(&["read"]).await.headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
        test.start_workers_on(vec![Box::new(TenLines)]).await;
        let id = enqueue(&test.app).await;
        assert_eq!(by_web_socket(address, &token, id, 0).await, (1..=LAST).collect::<Vec<_>>());
        assert_eq!(by_web_socket(address, &token, id, 9).await, (10..=LAST).collect::<Vec<_>>());
        assert!(by_web_socket(address, &token, id, LAST).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn server_sent_events_resume_after_the_last_id() {
    let test = TestApp::sqlite().await;
    let address = serve(&test).await;
    let token = test.token(&["read"]).await.headers[header::AUTHORIZATION].clone();
    test.start_workers_on(vec![Box::new(TenLines)]).await;
    let id = enqueue(&test.app).await;
    let text = reqwest::Client::new()
        .get(format!("http://{address}/api/v1/jobs/{id}/events"))
        .header(header::AUTHORIZATION, token)
        .header(header::ACCEPT, "text/event-stream")
        .header("last-event-id", "4")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let ids: Vec<i64> =
        text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids, (5..=LAST).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_say_whether_more_may_come() {
    for_both(|test| async move {
        let reader = test.token(&["read"]).await;
        let id = enqueue(&test.app).await;
        let page = reader.get(&format!("/api/v1/jobs/{id}/events")).await.expect(200).json();
        assert_eq!((page["items"].as_array().unwrap().len(), &page["nextCursor"]), (1, &json!("1")));
        test.start_workers_on(vec![Box::new(TenLines)]).await;
        let log = test.app.jobs.log().follow(id, 0).await.unwrap();
        assert_eq!(log.count().await, usize::try_from(LAST).unwrap());
        let page = reader.get(&format!("/api/v1/jobs/{id}/events?after=1&limit=5")).await.expect(200).json();
        assert_eq!((page["items"][4]["seq"].as_i64(), &page["nextCursor"]), (Some(6), &json!("6")));
        let page = reader.get(&format!("/api/v1/jobs/{id}/events?after=6")).await.expect(200).json();
        assert_eq!(page["nextCursor"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn nobody_reads_a_log_without_being_known() {
    let test = TestApp::sqlite().await;
    let id = enqueue(&test.app).await;
    test.anonymous().get(&format!("/api/v1/jobs/{id}/events")).await.expect(401);
    let reader = test.token(&["read"]).await;
    reader.get(&format!("/api/v1/jobs/{}/events", Uuid::now_v7())).await.expect(404);
    // A token that may only read steers nothing.
    let refused = reader.post(&format!("/api/v1/jobs/{id}:cancel"), json!({})).await.expect(403);
    assert_eq!(refused.code(), "forbidden");
    let builder = test.token(&["read", "build"]).await;
    let cancelled = builder.post(&format!("/api/v1/jobs/{id}:cancel"), json!({})).await.expect(202);
    assert_eq!(cancelled.json()["state"], "cancelled");
    assert_eq!(builder.post(&format!("/api/v1/jobs/{id}:cancel"), json!({})).await.expect(409).code(), "job_over");
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_not_done_again() {
    for_both(|test| async move {
        let mut admin = test.admin().await;
        admin.headers.insert("idempotency-key", "once".parse().unwrap());
        let named = |name: &str| json!({"name": name, "baseUrl": "http://127.0.0.1:1/v1", "defaultModel": "m"});
        let first = admin.post("/api/v1/providers", named("one")).await.expect(201);
        let second = admin.post("/api/v1/providers", named("one")).await.expect(201);
        assert_eq!(first.json(), second.json());
        assert_eq!(second.headers["idempotency-replayed"], "true");
        let other = admin.post("/api/v1/providers", named("other")).await.expect(422);
        assert_eq!(other.code(), "idempotency_key_reused");
        let providers = admin.get("/api/v1/providers").await.expect(200).json();
        assert_eq!(providers["items"].as_array().unwrap().len(), 1);
    })
    .await;
}
