//! Agents spoken to in other programs' languages: OpenAI's chat completions, and AG-UI.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::{calculator, provider, spec, wait_for_state, writer};
use crate::support::{Answer, Persona, TestApp, for_both, part_is_wanted};

/// The data lines of a stream of server-sent events.
fn data(answer: &Answer) -> Vec<String> {
    answer.text().lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

fn json_of(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap_or(Value::Null)).collect()
}

/// What a stream says in one field of its deltas.
fn streamed(chunks: &[Value], field: &str) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"][field].as_str()).collect()
}

/// A project on the server, by its name.
async fn agent(test: &TestApp, spec: &Value) -> String {
    crate::support::stories::project(&test.app, spec).await;
    spec["metadata"]["name"].as_str().unwrap().to_owned()
}

async fn newest_run(admin: &Persona<'_>, agent: &str) -> Value {
    admin.get(&format!("/api/v1/projects/{agent}/runs?limit=1")).await.expect(200).json()["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_answers_as_a_model_does_whole_and_streamed() {
    for_both(|test| async move {
        let admin = test.admin().await;
        test.start_workers().await;
        let model = FakeModel::start(vec![
            Reply::Calls(vec![("calculator", r#"{"expression":"6*7"}"#)]),
            Reply::Text("It is 42."),
            Reply::Calls(vec![("calculator", r#"{"expression":"6*7"}"#)]),
            Reply::Text("Still 42."),
        ])
        .await;
        provider(&admin, &model.url).await;
        let agent = agent(&test, &spec("react", json!([calculator()]))).await;
        let mut body = json!({
            "model": agent, "temperature": 0.1,
            "messages": [
                {"role": "system", "content": "It is Monday."},
                {"role": "user", "content": [{"type": "text", "text": "Hello."}]},
                {"role": "assistant", "content": "Hello!"},
                {"role": "user", "content": "What is 6*7?"},
            ],
        });
        let answer = admin.post("/v1/chat/completions", body.clone()).await.expect(200).json();
        assert_eq!(answer["choices"][0]["message"]["content"], "It is 42.");
        assert_eq!((&answer["object"], &answer["model"]), (&json!("chat.completion"), &json!(agent)));
        assert!(answer["usage"]["total_tokens"].as_i64().unwrap() > 0, "{answer}");
        let asked = model.requests()[0]["messages"].clone();
        let said: Vec<&str> = asked.as_array().unwrap().iter().filter_map(|one| one["content"].as_str()).collect();
        assert_eq!(said, ["Help.", "Hello.", "Hello!", "It is Monday.\n\nWhat is 6*7?"]);

        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
        let answer = admin.post("/v1/chat/completions", body).await.expect(200);
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        let lines = data(&answer);
        assert_eq!(lines.last().unwrap(), "[DONE]");
        let chunks = json_of(&lines[..lines.len() - 1]);
        assert_eq!(streamed(&chunks, "content"), "Still 42.");
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
        assert!(chunks.last().unwrap()["usage"]["prompt_tokens"].is_i64());
        assert_eq!(newest_run(&admin, &agent).await["state"], "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_parts_of_an_agent_say_is_reasoning_and_its_answer_is_content() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let model = FakeModel::start(vec![Reply::Text("A draft."), Reply::Text("The final text.")]).await;
    provider(&admin, &model.url).await;
    let mut spec = spec("sequential", json!([]));
    let task = |id: &str| json!({"id": id, "agent": "helper", "description": "Write."});
    spec["tasks"] = json!([task("draft"), task("final")]);
    let agent = agent(&test, &spec).await;
    let body = json!({"model": agent, "stream": true, "messages": [{"role": "user", "content": "Go."}]});
    let lines = data(&admin.post("/v1/chat/completions", body).await.expect(200));
    let chunks = json_of(&lines);
    assert_eq!(streamed(&chunks, "reasoning_content"), "A draft.\n\nThe final text.");
    assert_eq!(streamed(&chunks, "content"), "The final text.");
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_listed_as_models_and_a_model_is_named_where_there_are_several() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let agent = agent(&test, &spec("react", json!([]))).await;
    let ask = |model: String| json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
    let refused = admin.post("/v1/chat/completions", ask(agent.clone())).await.expect(422).json();
    assert_eq!((&refused["error"]["code"], &refused["error"]["param"]), (&json!("model_not_named"), &json!("model")));
    let rehearsed = admin.post("/v1/chat/completions", ask(format!("{agent}@rehearsal"))).await.expect(200).json();
    assert!(!rehearsed["choices"][0]["message"]["content"].as_str().unwrap().is_empty());

    let model = FakeModel::start(vec![Reply::Text("Here.")]).await;
    for name in ["one", "two/three"] {
        let body = json!({"name": name, "baseUrl": model.url, "defaultModel": "fake-1"});
        admin.post("/api/v1/providers", body).await.expect(201);
    }
    let list = admin.get("/v1/models").await.expect(200).json();
    let ids: Vec<&str> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [format!("{agent}@one"), format!("{agent}@two/three"), format!("{agent}@rehearsal")]);
    assert_eq!(admin.get(&format!("/v1/models/{agent}@one")).await.expect(200).json()["object"], "model");
    assert_eq!(
        admin.post("/v1/chat/completions", ask(agent.clone())).await.expect(422).json()["error"]["type"],
        "invalid_request_error"
    );
    for (named, asked) in [("one", "fake-1"), ("ONE/other", "other"), ("two/three", "fake-1"), ("two/three/a/b", "a/b")]
    {
        admin.post("/v1/chat/completions", ask(format!("{agent}@{named}"))).await.expect(200);
        assert_eq!(model.requests().last().unwrap()["model"], asked, "{named}");
    }
    let refused = admin.post("/v1/chat/completions", ask(format!("{agent}@four"))).await.expect(422).json();
    assert_eq!(refused["error"]["code"], "provider_unknown");
    let refused = admin.post("/v1/chat/completions", ask("nobody@one".to_owned())).await.expect(404).json();
    assert_eq!(refused["error"]["code"], "model_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_in_the_clients_own_form() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let agent = agent(&test, &spec("react", json!([]))).await;
    let model = format!("{agent}@rehearsal");
    let user = json!([{"role": "user", "content": "Hello"}]);
    for (body, field) in [
        (json!({"model": model, "messages": user, "n": 2}), "n"),
        (json!({"model": model, "messages": user, "tools": [{}]}), "tools"),
        (json!({"model": model, "messages": user, "response_format": {"type": "json_object"}}), "response_format"),
        (json!({"model": model, "messages": user, "metadata": {"gantry_mode": "loud"}}), "metadata.gantry_mode"),
        (json!({"model": model, "messages": []}), "messages"),
        (json!({"model": model, "messages": [{"role": "tool", "content": "1"}]}), "messages.0.role"),
        (
            json!({"model": model, "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
            "messages.0.content.0.type",
        ),
        (json!({"model": model, "messages": 7}), "messages"),
        (json!({"messages": user}), ""),
    ] {
        let refused = admin.post("/v1/chat/completions", body.clone()).await.expect(422).json();
        assert_eq!(refused["error"]["param"], field, "{body}: {refused}");
        assert!(refused["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    let nobody = Persona::with_headers(&test, axum::http::HeaderMap::new());
    let refused = nobody.get("/v1/models").await.expect(401).json();
    assert_eq!(refused["error"]["type"], "authentication_error");
    let reader = test.token(&["read"]).await;
    let body = json!({"model": model, "messages": user});
    assert_eq!(reader.post("/v1/chat/completions", body).await.expect(403).json()["error"]["type"], "permission_error");
    assert_eq!(reader.get("/v1/files").await.expect(404).json()["error"]["code"], "not_found");
    assert!(newest_run(&admin, &agent).await.is_null(), "nothing was started");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_says_why_and_is_not_asked_for_again() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let model = FakeModel::start(vec![Reply::Status(401, vec![], "no".to_owned())]).await;
    provider(&admin, &model.url).await;
    let agent = agent(&test, &spec("react", json!([]))).await;
    let mut body = json!({"model": agent, "messages": [{"role": "user", "content": "Hello"}]});
    let failed = admin.post("/v1/chat/completions", body.clone()).await.expect(422);
    assert_eq!(failed.headers["x-should-retry"], "false");
    assert_eq!(failed.json()["error"]["code"], "model_unauthorized");
    body["stream"] = json!(true);
    let lines = data(&admin.post("/v1/chat/completions", body).await.expect(200));
    let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "model_unauthorized", "no [DONE] after a failure");
}

/// Sends a request and gives the stream of its answer, to be dropped.
async fn opened(test: &TestApp, admin: &Persona<'_>, path: &str, body: Value) -> axum::body::BodyDataStream {
    let mut request = Request::post(path).header("host", "127.0.0.1:7777").header("content-type", "application/json");
    for (name, value) in &admin.headers {
        request = request.header(name, value);
    }
    let mut request = request.body(Body::from(body.to_string())).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000))));
    let answer = test.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body().into_data_stream()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_stops_the_run() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let model = FakeModel::start(vec![Reply::Slow(vec!["word "; 600], Duration::from_millis(100))]).await;
    provider(&admin, &model.url).await;
    let agent = agent(&test, &spec("react", json!([]))).await;
    let said = json!([{"id": "1", "role": "user", "content": "Tell."}]);
    for (path, body) in [
        ("/v1/chat/completions".to_owned(), json!({"model": agent, "stream": true, "messages": said})),
        (format!("/api/v1/agents/{agent}/agui"), json!({"threadId": "t", "runId": "r", "messages": said})),
    ] {
        let mut stream = opened(&test, &admin, &path, body).await;
        assert!(stream.next().await.unwrap().is_ok());
        let run = newest_run(&admin, &agent).await;
        assert_eq!(run["state"], "running");
        drop(stream);
        let id = run["id"].as_str().unwrap().parse().unwrap();
        wait_for_state(&admin, id, &["cancelled"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_is_answered_by_the_next_request_and_every_event_is_valid() {
    if !part_is_wanted("npm") {
        return;
    }
    for_both(|test| async move {
        let admin = test.admin().await;
        test.start_workers().await;
        let model =
            FakeModel::start(vec![Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)]), Reply::Text("Done.")]).await;
        provider(&admin, &model.url).await;
        let agent = agent(&test, &spec("react", json!([writer()]))).await;
        let path = format!("/api/v1/agents/{agent}/agui");
        let input = json!({
            "threadId": "thread-1", "runId": "run-1", "protocolVersion": "1.0", "state": {}, "tools": [],
            "context": [{"description": "Day", "value": "Monday"}],
            "messages": [{"id": "1", "role": "user", "content": "Write."}],
        });
        let first = json_of(&data(&admin.post(&path, input.clone()).await.expect(200)));
        crate::agui::validate(&first);
        assert_eq!(
            first[0],
            json!({"type": "RUN_STARTED", "threadId": "thread-1", "runId": "run-1", "protocolVersion": "1.0"})
        );
        let last = first.last().unwrap();
        assert_eq!((&last["type"], &last["runId"]), (&json!("RUN_FINISHED"), &json!("run-1")));
        let interrupt = last["outcome"]["interrupts"][0].clone();
        assert_eq!(interrupt["responseSchema"]["required"], json!(["approved"]));
        assert_eq!(newest_run(&admin, &agent).await["state"], "waiting", "it waits, and is not stopped");

        let mut answer = input.clone();
        answer["runId"] = json!("run-2");
        for (resume, code) in [
            (json!([{"interruptId": "x", "status": "resolved", "payload": {"approved": true}}]), "interrupt_unknown"),
            (json!([{"interruptId": interrupt["id"], "status": "resolved"}]), "payload_missing"),
        ] {
            answer["resume"] = resume;
            assert_eq!(admin.post(&path, answer.clone()).await.expect(422).json()["errors"][0]["code"], code);
        }
        let payload = json!({"approved": true, "arguments": {"text": "two words"}});
        answer["resume"] = json!([{"interruptId": interrupt["id"], "status": "resolved", "payload": payload}]);
        let second = json_of(&data(&admin.post(&path, answer.clone()).await.expect(200)));
        crate::agui::validate(&second);
        assert_eq!(second[0]["runId"], "run-2");
        assert_eq!(second.last().unwrap()["outcome"]["type"], "success");
        let results: Vec<_> = second.iter().filter(|event| event["type"] == "TOOL_CALL_RESULT").collect();
        assert_eq!(results.len(), 1, "{second:#?}");
        assert!(results[0]["content"].as_str().unwrap().contains(r#""characters": 9"#), "{results:?}");
        assert_eq!(admin.post(&path, answer).await.expect(409).code(), "approval_decided");
        let told = model.requests()[0]["messages"].clone();
        assert_eq!(told.as_array().unwrap().last().unwrap()["content"], "Day: Monday\n\nWrite.");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_alone_opens_its_own_doors_and_no_others() {
    let mut test = TestApp::sqlite().await;
    test.start_workers().await;
    let writer = test.token(&["read", "write"]).await.headers;
    let agent = agent(&test, &spec("react", json!([calculator()]))).await;
    test.router = gantry_server::http::engine_router(test.app.clone());
    let client = Persona::with_headers(&test, writer);
    let models = client.get("/v1/models").await.expect(200).json();
    assert_eq!(models["data"][0]["id"], json!(format!("{agent}@rehearsal")));
    let body =
        json!({"model": format!("{agent}@rehearsal"), "messages": [{"role": "user", "content": "What is 6 * 7?"}]});
    let answer = client.post("/v1/chat/completions", body.clone()).await.expect(200).json();
    assert!(answer["choices"][0]["message"]["content"].as_str().unwrap().contains("Rehearsal"), "{answer}");
    test.anonymous().post("/v1/chat/completions", body).await.expect(401);
    assert_eq!(test.anonymous().post("/gateway/v1/chat/completions", json!({})).await.status, 401);
    for probe in ["/livez", "/readyz", "/healthz"] {
        test.anonymous().get(probe).await.expect(200);
    }
    for closed in [
        "/",
        "/login",
        "/projects",
        "/assets/app.js",
        "/api/v1/projects",
        "/api/v1/openapi.json",
        "/mcp",
        "/a2a",
        "/.well-known/agent-card.json",
    ] {
        let answer = client.get(closed).await.expect(404);
        assert_eq!(answer.code(), "not_found", "{closed}: {}", answer.text());
    }
}
