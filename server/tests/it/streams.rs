//! One log, three ways to read it, over a real socket: WebSocket, server-sent events, pages.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::support::{TestApp, for_both};
use axum::http::{HeaderMap, header};
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

/// Opens a stream of each kind on a job that never begins, and gives what ends with them: how the
/// WebSocket was closed, and what the server-sent events were in all.
async fn open_streams(
    address: SocketAddr,
    headers: &HeaderMap,
    id: Uuid,
) -> (tokio::task::JoinHandle<(u16, String)>, tokio::task::JoinHandle<String>) {
    let path = format!("{address}/api/v1/jobs/{id}/events");
    let mut request = format!("ws://{path}").into_client_request().unwrap();
    request.headers_mut().extend(headers.clone());
    request.headers_mut().insert(header::ORIGIN, format!("http://{address}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let first = socket.next().await.unwrap().unwrap();
    assert!(matches!(first, Message::Text(_)), "{first:?}");
    let closed = tokio::spawn(async move {
        while let Some(message) = socket.next().await {
            if let Message::Close(Some(frame)) = message.unwrap() {
                return (frame.code.into(), frame.reason.to_string());
            }
        }
        unreachable!("the stream ended without a close frame");
    });
    let request = reqwest::Client::new().get(format!("http://{path}")).headers(headers.clone());
    let answer = request.header(header::ACCEPT, "text/event-stream").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    (closed, tokio::spawn(async move { answer.text().await.unwrap() }))
}

/// Both streams end within two seconds and say why.
async fn assert_cut(
    (closed, events): (tokio::task::JoinHandle<(u16, String)>, tokio::task::JoinHandle<String>),
    began: Instant,
) {
    let (code, reason) = tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap().unwrap();
    assert_eq!(code, 3000, "unauthorized, of IANA's close codes: {reason}");
    assert!(reason.starts_with("unauthorized"), "{reason}");
    let events = tokio::time::timeout(Duration::from_secs(10), events).await.unwrap().unwrap();
    assert!(events.contains("id: 1") && events.contains(": unauthorized"), "{events}");
    assert!(began.elapsed() < Duration::from_secs(2), "after {:?}", began.elapsed());
}

#[tokio::test]
async fn streams_end_with_the_login_that_opened_them_and_others_go_on() {
    for_both(|test| async move {
        let address = serve(&test).await;
        let (ada, elsewhere) = (test.admin().await, test.admin().await);
        let id = enqueue(&test.app).await;
        let cut = open_streams(address, &ada.headers, id).await;
        let kept = open_streams(address, &elsewhere.headers, id).await;
        // Long enough for the login to have been asked about while it worked.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(!cut.0.is_finished() && !cut.1.is_finished());
        let began = Instant::now();
        ada.post("/api/v1/auth/logout", json!({})).await.expect(204);
        assert_cut(cut, began).await;
        assert!(!kept.0.is_finished() && !kept.1.is_finished(), "another login's streams were cut as well");

        // A login that is over by its age, as nobody signs out.
        let began = Instant::now();
        test.app.db.sql("UPDATE login SET created_at = 0").execute().await.unwrap();
        assert_cut(kept, began).await;
    })
    .await;
}

#[tokio::test]
async fn streams_end_with_their_token_when_it_is_deleted_on_another_node_or_expires() {
    for_both(|test| async move {
        // Another server on the same database, as a second node is.
        let other = gantry_server::http::router(App::open(test.app.config.clone()).await.unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, other).await });

        let admin = test.admin().await;
        let id = enqueue(&test.app).await;
        let made = json!({"name": "reader", "scopes": ["read"], "expiresInDays": 1});
        let mut streams = Vec::new();
        for _ in 0..2 {
            let token = admin.post("/api/v1/tokens", made.clone()).await.expect(201).json();
            let mut headers = HeaderMap::new();
            let bearer = format!("Bearer {}", token["secret"].as_str().unwrap());
            headers.insert(header::AUTHORIZATION, bearer.parse().unwrap());
            streams.push((token["id"].as_str().unwrap().to_owned(), open_streams(address, &headers, id).await));
        }
        let (expired, (deleted, cut)) = (streams.pop().unwrap(), streams.pop().unwrap());
        let began = Instant::now();
        admin.delete(&format!("/api/v1/tokens/{deleted}")).await.expect(204);
        assert_cut(cut, began).await;
        assert!(!expired.1.0.is_finished(), "another token's stream was cut as well");
        let began = Instant::now();
        test.app.db.sql("UPDATE token SET expires_at = 1").execute().await.unwrap();
        assert_cut(expired.1, began).await;
    })
    .await;
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
