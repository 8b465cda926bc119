//! Agents spoken to by other agents in A2A 1.0: by hand, and by the official Python package.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::{calculator, id, project, provider, spec, wait_for_end, writer};
use crate::support::{Persona, TestApp, for_both, part_is_wanted};

/// The package that speaks for A2A.
const PACKAGE: &str = "a2a-sdk==1.2.1";

async fn ask(who: &Persona<'_>, path: &str, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let answer = who.post(path, body).await.expect(200).json();
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)), "{answer}");
    answer
}

fn message(text: &str) -> Value {
    json!({ "message": { "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": text }] } })
}

fn answer_of(task: &Value) -> &Value {
    &task["artifacts"][0]["parts"][0]["text"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_a_run_its_context_a_chat_and_a_held_call_asks_for_input() {
    for_both(|test| async move {
        let admin = test.admin().await;
        test.start_workers().await;
        let model = FakeModel::start(vec![
            Reply::Text("Hello Ada."),
            Reply::Text("You are Ada."),
            Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)]),
            Reply::Text("Not written."),
        ])
        .await;
        provider(&admin, &model.url).await;
        let spec = spec("react", json!([calculator(), writer()]));
        project(&test.app, &spec).await;
        let name = spec["metadata"]["name"].as_str().unwrap();
        let path = format!("/a2a/{name}");

        let told = ask(&admin, &path, "SendMessage", message("I am Ada.")).await;
        let task = &told["result"]["task"];
        assert_eq!(task["status"]["state"], "TASK_STATE_COMPLETED", "{told}");
        assert_eq!((answer_of(task), &task["history"][0]["role"]), (&json!("Hello Ada."), &json!("ROLE_USER")));
        let run = admin.get(&format!("/api/v1/runs/{}", task["id"].as_str().unwrap())).await.expect(200).json();
        assert_eq!((&run["mode"], &run["sessionId"]), (&json!("ask"), &task["contextId"]));

        let mut next = message("Who am I?");
        next["message"]["contextId"] = task["contextId"].clone();
        let told = ask(&admin, &path, "SendMessage", next).await;
        assert_eq!(answer_of(&told["result"]["task"]), "You are Ada.", "{told}");
        let asked = model.requests()[1]["messages"].clone();
        assert_eq!((&asked[1]["content"], &asked[2]["content"]), (&json!("I am Ada."), &json!("Hello Ada.")));

        let mut body = message("Write hello.");
        body["configuration"] = json!({ "historyLength": 0 });
        let told = ask(&admin, &path, "SendMessage", body).await;
        let task = told["result"]["task"].clone();
        assert_eq!(task["status"]["state"], "TASK_STATE_INPUT_REQUIRED", "{told}");
        assert_eq!(task["history"], Value::Null);
        let held = &task["status"]["message"]["parts"][1]["data"]["interrupts"][0];
        assert_eq!((&held["tool"], &held["arguments"]), (&json!("writer"), &json!({"text": "hello"})));
        let answer = |text: &str| {
            let mut body = message(text);
            body["message"]["taskId"] = task["id"].clone();
            body
        };
        let refused = ask(&admin, &path, "SendMessage", answer("Well, maybe.")).await;
        assert_eq!(refused["error"]["code"], -32_602, "{refused}");
        let told = ask(&admin, &path, "SendMessage", answer("deny")).await;
        assert_eq!(answer_of(&told["result"]["task"]), "Not written.", "{told}");
        let refused = ask(&admin, &path, "SendMessage", answer("approve")).await;
        assert_eq!(refused["error"]["code"], -32_004, "nothing is decided twice: {refused}");
        let denied = model.requests()[3]["messages"].as_array().unwrap().last().unwrap()["content"].clone();
        assert!(denied.as_str().unwrap().starts_with("Denied:"), "{denied}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_card_says_works_and_what_does_not_work_is_refused() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let (one, other) = (spec("react", json!([])), spec("react", json!([])));
    project(&test.app, &one).await;
    project(&test.app, &other).await;
    let name = one["metadata"]["name"].as_str().unwrap();
    let path = format!("/a2a/{name}");

    // The instance's card is for everybody and names no agent; an agent's is not.
    let stranger = test.anonymous();
    let card = stranger.get("/.well-known/agent-card.json").await.expect(200);
    assert!(!card.text().contains(name));
    assert_eq!(card.json()["capabilities"]["extendedAgentCard"], true);
    stranger.get(&format!("{path}/.well-known/agent-card.json")).await.expect(401);
    stranger
        .post(&path, json!({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "x"}}))
        .await
        .expect(401);
    let reader = test.token(&["read"]).await;
    let card = reader.get(&format!("{path}/.well-known/agent-card.json")).await.expect(200).json();
    let interface = &card["supportedInterfaces"][0];
    assert!(interface["url"].as_str().unwrap().ends_with(&path), "{card}");
    assert_eq!((&interface["protocolBinding"], &interface["protocolVersion"]), (&json!("JSONRPC"), &json!("1.0")));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": message("x")});
    reader.post(&path, body).await.expect(403);
    admin.get("/a2a/nobody/.well-known/agent-card.json").await.expect(404);

    let rehearsed = |mut body: Value| {
        body["metadata"] = json!({"gantry": {"model": "rehearsal", "mode": "safe"}});
        body
    };
    let told = ask(&admin, &path, "SendMessage", rehearsed(message("What is 6 * 7?"))).await;
    let task = told["result"]["task"].clone();
    assert_eq!(task["status"]["state"], "TASK_STATE_COMPLETED", "{told}");
    let id_of_task = json!({"id": task["id"]});
    let foreign = format!("/a2a/{}", other["metadata"]["name"].as_str().unwrap());
    let mut unasked = message("Who am I?");
    unasked["message"]["contextId"] = task["contextId"].clone();
    let mut pushed = message("x");
    pushed["configuration"] = json!({"taskPushNotificationConfig": {"url": "https://example.org"}});
    let mut drawn = message("x");
    drawn["configuration"] = json!({"acceptedOutputModes": ["image/png"]});
    let mut wild = message("x");
    wild["metadata"] = json!({"gantry": {"mode": "wild"}});
    for (path, method, params, code) in [
        (&path, "message/send", message("x"), -32_601),
        (&path, "ListTasks", json!({}), -32_004),
        (&path, "CreateTaskPushNotificationConfig", json!({}), -32_003),
        (&path, "GetExtendedAgentCard", json!({}), -32_007),
        (&path, "GetTask", json!({"id": "somewhere"}), -32_001),
        (&foreign, "GetTask", id_of_task.clone(), -32_001),
        (&foreign, "SendMessage", unasked, -32_602),
        (&path, "CancelTask", id_of_task.clone(), -32_002),
        (&path, "SubscribeToTask", id_of_task.clone(), -32_004),
        (&path, "SendMessage", json!({"message": 1}), -32_602),
        (&path, "SendMessage", rehearsed(message(" ")), -32_602),
        (&path, "SendMessage", message("no model is set up"), -32_602),
        (
            &path,
            "SendMessage",
            json!({"message": {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "x"}]}}),
            -32_602,
        ),
        (&path, "SendMessage", json!({"message": {"messageId": "m", "parts": [{"raw": "AAAA"}]}}), -32_005),
        (&path, "SendMessage", pushed, -32_003),
        (&path, "SendMessage", drawn, -32_005),
        (&path, "SendMessage", wild, -32_602),
    ] {
        let refused = ask(&admin, path, method, params.clone()).await;
        assert_eq!(refused["error"]["code"], code, "{method} {params}: {refused}");
        assert!(refused["error"]["message"].as_str().unwrap().ends_with('.'), "{refused}");
    }
    for (body, code) in
        [(json!([]), -32_600), (json!({"id": 1}), -32_600), (json!({"jsonrpc": "1.0", "method": "x"}), -32_600)]
    {
        assert_eq!(admin.post(&path, body).await.expect(200).json()["error"]["code"], code);
    }
    // The instance finds a task of whichever agent.
    let told = ask(&admin, "/a2a", "GetTask", id_of_task).await;
    assert_eq!(told["result"]["id"], task["id"]);
    let told = ask(&admin, "/a2a", "SendMessage", message("Who is there?")).await;
    let names = &told["result"]["message"]["parts"][1]["data"]["agents"];
    assert!(names.as_array().unwrap().contains(&json!(name)), "{told}");
    let mut named = rehearsed(message("What is 6 * 7?"));
    named["tenant"] = json!(name);
    let told = ask(&admin, "/a2a", "SendMessage", named).await;
    let run = wait_for_end(&admin, id(&told["result"]["task"]["id"])).await;
    assert_eq!(run["projectId"], admin.get(&format!("/api/v1/projects/{name}")).await.json()["id"]);
}

async fn python() -> PathBuf {
    let cache = std::env::var_os("GANTRY_TEST_CACHE")
        .map_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/gantry-test"), PathBuf::from);
    let directory = cache.join(PACKAGE.replace("==", "-"));
    let python = directory.join("bin/python");
    let there = tokio::process::Command::new(&python).args(["-c", "import a2a"]).stderr(Stdio::null()).status().await;
    if !there.is_ok_and(|status| status.success()) {
        for (program, arguments) in [
            (PathBuf::from("python3"), vec!["-m", "venv", "--clear", directory.to_str().unwrap()]),
            (python.clone(), vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]),
        ] {
            let status = tokio::process::Command::new(&program).args(&arguments).status().await.unwrap();
            assert!(status.success(), "{program:?} {arguments:?}");
        }
    }
    python
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_package_speaks_with_agents_here() {
    if !part_is_wanted("python") {
        return;
    }
    let python = python().await;
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("calculator", r#"{"expression":"6*7"}"#)]),
        Reply::Text("It is 42."),
        Reply::Text("Still 42."),
        Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)]),
        Reply::Text("Written."),
        Reply::Slow(vec!["on ", "and ", "on "], Duration::from_secs(5)),
        Reply::Text("It is 42."),
    ])
    .await;
    provider(&admin, &model.url).await;
    let spec = spec("react", json!([calculator(), writer()]));
    project(&test.app, &spec).await;
    let token =
        admin.post("/api/v1/tokens", json!({"name": "a2a", "scopes": ["read", "write"]})).await.expect(201).json();

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let service = gantry_server::http::router(test.app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/a2a_client.py");
    let ran = tokio::process::Command::new(python)
        .arg(script)
        .args([&address, token["secret"].as_str().unwrap(), spec["metadata"]["name"].as_str().unwrap()])
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .await
        .unwrap();
    server.abort();
    let (told, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && told.trim() == "ok", "{told}\n{errors}");
    let written = model.requests()[4]["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    assert!(written.as_str().unwrap().contains("\"changed\""), "the arguments that were approved: {written}");
}
