//! Runs that are done anew from a point in the middle of another: what was done before it is taken over and
//! nothing of it is done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{Persona, TestApp, for_both};
use serde_json::{Value, json};
use uuid::Uuid;

const SIX_TIMES_SEVEN: &str = r#"{"expression":"6*7"}"#;

/// The points of a run: names and refusals.
async fn points(admin: &Persona<'_>, run: Uuid) -> Vec<(String, Option<String>)> {
    let found = admin.get(&format!("/api/v1/runs/{run}/points")).await.expect(200).json();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let items = found["items"].as_array().unwrap().iter();
    items.map(|point| (text(&point["name"]).unwrap(), text(&point["refusal"]))).collect()
}

/// The names of the points that may be used and begin like this.
async fn open_points(admin: &Persona<'_>, run: Uuid, prefix: &str) -> Vec<String> {
    let points = points(admin, run).await.into_iter();
    points.filter(|(name, refusal)| name.starts_with(prefix) && refusal.is_none()).map(|(name, _)| name).collect()
}

/// Does a run anew and waits for its end: the run and its log, which is sound.
async fn again(test: &TestApp, admin: &Persona<'_>, run: Uuid, body: Value) -> (Value, Vec<Value>) {
    let accepted = admin.post(&format!("/api/v1/runs/{run}:again"), body).await.expect(202).json();
    let ended = wait_for_end(admin, id(&accepted["id"])).await;
    let log = log(&test.app, id(&accepted["jobId"])).await;
    assert_sound(&log);
    (ended, log)
}

/// What was taken over: of a turn its message, of an answer its call, and whether it was changed.
fn taken(log: &[Value]) -> Vec<(bool, bool)> {
    of_kind(log, "CUSTOM")
        .iter()
        .filter(|event| event["name"] == "gantry.takenOver")
        .map(|event| (event["value"]["messageId"].is_string(), event["value"]["edited"] == true))
        .collect()
}

/// What a log recorded, in order: the name of the step, and what was said in it.
fn recorded(log: &[Value]) -> Vec<(String, Value)> {
    let records = log.iter().filter(|event| event["type"] == "step.done");
    records
        .map(|event| {
            let output = &event["output"];
            let said = json!([output["text"], output["content"], output["calls"]]);
            (event["step"].as_str().unwrap().to_owned(), said)
        })
        .filter(|(step, _)| !step.starts_with("start:"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_from_its_middle_with_what_was_said_there_changed() {
    for_both(|test| async move {
        let model = FakeModel::start(vec![
            Reply::Calls(vec![("calculator", SIX_TIMES_SEVEN)]),
            Reply::Text("It is 42."),
            Reply::Text("It is 43."),
            Reply::Text("It is 48."),
            Reply::Text("Still 42."),
        ])
        .await;
        let admin = test.admin().await;
        let spec = spec("react", json!([calculator()]));
        let project = project(&test.app, &spec).await;
        let provider = provider(&admin, &model.url).await;
        test.start_workers().await;
        let body = json!({"input": "What is 6 * 7?", "mode": "safe", "providerId": provider});
        let (first, job) = start(&admin, project, body).await;
        wait_for_end(&admin, first).await;
        let old = log(&test.app, job).await;
        let call = of_kind(&old, "TOOL_CALL_START")[0]["toolCallId"].as_str().unwrap().to_owned();
        let (to_call, to_result) = (format!("call:{call}"), format!("result:{call}"));
        let names: Vec<String> = points(&admin, first).await.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["input", "turn:helper:0", &to_call, &to_result, "turn:helper:1"]);

        // Another result: the tool is not run, the model reads it.
        let body = json!({"from": to_result, "input": "43"});
        let (run, log) = again(&test, &admin, first, body).await;
        assert_eq!((&run["output"], &run["input"]), (&json!("It is 43."), &json!("What is 6 * 7?")), "{run}");
        assert_eq!((&run["usage"]["modelCalls"], &run["usage"]["toolCalls"]), (&json!(1), &json!(0)), "{run}");
        assert_eq!(results(&log), ["43"]);
        assert_eq!(taken(&log), [(true, false), (false, true)]);
        assert_eq!(run["takenFrom"], json!({"runId": first, "point": to_result, "edited": true}));
        let requests = model.requests();
        assert_eq!(requests.len(), 3, "the first turn was not asked for again");
        let asked = requests[2]["messages"].as_array().unwrap();
        assert_eq!(asked[2]["tool_calls"][0]["function"]["arguments"], SIX_TIMES_SEVEN);
        assert_eq!((&asked[3]["role"], &asked[3]["content"]), (&json!("tool"), &json!("43")));
        let second = id(&run["id"]);

        // Other arguments: the tool runs with them.
        let body = json!({"from": to_call, "input": r#"{"expression":"6*8"}"#});
        let (run, log) = again(&test, &admin, first, body).await;
        assert_eq!((&run["output"], results(&log)), (&json!("It is 48."), vec!["48".to_owned()]));
        assert_eq!(taken(&log), [(true, true)]);
        assert_eq!((&run["usage"]["modelCalls"], &run["usage"]["toolCalls"]), (&json!(1), &json!(1)));

        // Other words: nobody is asked.
        let body = json!({"from": "turn:helper:1", "input": "Forty-two."});
        let (run, log) = again(&test, &admin, first, body).await;
        assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("Forty-two.")), "{run}");
        assert_eq!(said(&log), "Forty-two.");
        assert_eq!(run["usage"], json!({"inputTokens": 0, "outputTokens": 0, "modelCalls": 0, "toolCalls": 0}));
        assert_eq!(model.requests().len(), 4);

        // The project changes; a run of the run that was done anew has what that one had, and says what differs.
        let mut changed = spec.clone();
        changed["agents"][0]["instructions"] = json!("Refuse.");
        let write = "UPDATE project SET spec = $2 WHERE id = $1";
        test.app.db.sql(write).bind(project).bind(changed).execute().await.unwrap();
        let found = admin.get(&format!("/api/v1/runs/{second}/points")).await.expect(200).json();
        assert_eq!(found["differs"], json!(["agents"]));
        let (run, log) = again(&test, &admin, second, json!({"from": "turn:helper:1"})).await;
        assert_eq!((&run["output"], results(&log)), (&json!("Still 42."), vec!["43".to_owned()]));
        assert_eq!(run["takenFrom"], json!({"runId": second, "point": "turn:helper:1", "edited": false}));
        assert_eq!(model.requests()[4]["messages"][0]["content"], "Help.");

        // Both ends know of one another, also when one is gone.
        let found = admin.get(&format!("/api/v1/runs/{first}/again")).await.expect(200).json();
        assert_eq!(found["items"].as_array().unwrap().len(), 3);
        assert_eq!(found["items"][2]["id"], json!(second), "newest first");
        assert_eq!(admin.get(&format!("/api/v1/runs/{first}")).await.json()["takenFrom"], Value::Null);
        let (beginning, _) = again(&test, &admin, first, json!({"input": "Anything else?"})).await;
        assert_eq!(beginning["takenFrom"], json!({"runId": first, "point": "input", "edited": true}));
        test.app.db.sql("DELETE FROM run WHERE id = $1").bind(second).execute().await.unwrap();
        let orphan = admin.get(&format!("/api/v1/runs/{}", run["id"].as_str().unwrap())).await.json();
        assert_eq!(orphan["takenFrom"]["runId"], Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_up_is_refused_with_the_reason() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("calculator", SIX_TIMES_SEVEN)]),
        Reply::Text("It is 42."),
        Reply::Slow(vec!["on ", "and "], Duration::from_secs(5)),
    ])
    .await;
    let project = project(&test.app, &spec("react", json!([calculator()]))).await;
    let provider = provider(&admin, &model.url).await;
    test.start_workers().await;
    let (run, _) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
    wait_for_end(&admin, run).await;
    let path = format!("/api/v1/runs/{run}:again");
    let call = open_points(&admin, run, "call:").await.remove(0);
    let long = "x".repeat(262_145);
    for (body, field, code) in [
        (json!({"from": "turn:nobody:0"}), "/from", "point_unknown"),
        (json!({"from": "somewhere"}), "/from", "point_unknown"),
        (json!({"from": call, "input": "six"}), "/input", "arguments_invalid"),
        (json!({"from": call, "input": "[1]"}), "/input", "arguments_invalid"),
        (json!({"from": "turn:helper:1", "input": " "}), "/input", "input_empty"),
        (json!({"from": "turn:helper:1", "input": long}), "/input", "input_too_long"),
        (json!({"input": " "}), "/input", "input_empty"),
    ] {
        let problem = admin.post(&path, body).await.expect(422).json();
        let error = &problem["errors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!(code), &json!(field)), "{problem}");
    }
    let reader = test.token(&["read"]).await;
    reader.get(&format!("/api/v1/runs/{run}/points")).await.expect(200);
    reader.post(&path, json!({"from": call})).await.expect(403);
    admin.get(&format!("/api/v1/runs/{}/points", Uuid::now_v7())).await.expect(404);

    let (open, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
    wait_for_event(&test.app, job, |event| event["event"]["delta"] == "on ").await;
    assert_eq!(admin.get(&format!("/api/v1/runs/{open}/points")).await.expect(409).code(), "run_under_way");
    let refused = admin.post(&format!("/api/v1/runs/{open}:again"), json!({"from": "turn:helper:0"})).await;
    assert_eq!(refused.expect(409).code(), "run_under_way");
    admin.post(&format!("/api/v1/runs/{open}:cancel"), json!({})).await.expect(202);
    wait_for_end(&admin, open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_every_pattern_a_run_goes_on_from_each_of_its_points_as_it_did_before() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let mut patterns = one_of_each_pattern();
    patterns.push((spec("react", json!([calculator()])), Vec::new()));
    for (spec, _) in patterns {
        let pattern = spec["target"]["pattern"].as_str().unwrap().to_owned();
        let project = project(&test.app, &spec).await;
        let (run, job) = start(&admin, project, json!({"input": "What is 6 * 7?", "mode": "dev"})).await;
        let before = wait_for_end(&admin, run).await;
        assert_eq!(before["state"], "done", "{pattern}: {before}");
        let old = recorded(&log(&test.app, job).await);
        let all = points(&admin, run).await;
        let refused = all.iter().filter(|(_, refusal)| refusal.is_some()).count();
        assert_eq!(refused > 0, pattern == "parallel", "{pattern}: {all:?}");
        for (name, _) in all.iter().filter(|(name, refusal)| refusal.is_none() && name != "input") {
            let (run, log) = again(&test, &admin, run, json!({"from": name})).await;
            assert_eq!((&run["state"], &run["output"]), (&json!("done"), &before["output"]), "{pattern} {name}: {run}");
            // What comes before the point is as it was, and is all that was taken over.
            let new = recorded(&log);
            let count = taken(&log).len();
            assert!(old[..count].iter().all(|record| new.contains(record)), "{pattern} {name}: {new:?}");
            let calls = |run: &Value| {
                run["usage"]["modelCalls"].as_i64().unwrap() + run["usage"]["toolCalls"].as_i64().unwrap()
            };
            assert_eq!(calls(&run) + i64::try_from(count).unwrap(), calls(&before), "{pattern} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_changes_something_is_run_again_only_when_that_is_asked_for_and_a_person_is_asked_anew() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = hits.clone();
    let service = axum::Router::new().route(
        "/orders/{id}",
        axum::routing::post(move || async move {
            counted.fetch_add(1, Ordering::SeqCst);
            "ordered"
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let order = json!({"id": "order", "description": "Orders.", "effect": "write", "kind": "http", "method": "POST",
                       "url": format!("http://{address}/orders/{{id}}"), "timeoutMs": 60_000,
                       "parameters": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}});
    let model = FakeModel::start(vec![Reply::Calls(vec![("order", r#"{"id":"7"}"#)]), Reply::Text("Done.")]).await;
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let project = project(&test.app, &spec("react", json!([order]))).await;
    let provider = provider(&admin, &model.url).await;
    test.start_workers().await;
    let (run, _) = start(&admin, project, json!({"input": "go", "mode": "ask", "providerId": provider})).await;
    let approve = async |run: Uuid| {
        wait_for_state(&admin, run, &["waiting"]).await;
        let waiting = admin.get("/api/v1/approvals").await.expect(200).json();
        let approval = waiting["items"].as_array().unwrap().iter().find(|found| found["runId"] == json!(run)).unwrap();
        let path = format!("/api/v1/approvals/{}:decide", approval["id"].as_str().unwrap());
        admin.post(&path, json!({"approve": true})).await.expect(200);
        wait_for_end(&admin, run).await
    };
    assert_eq!(approve(run).await["state"], "done");
    assert_eq!(hits.load(Ordering::SeqCst), 1);

    let result = open_points(&admin, run, "result:").await.remove(0);
    let (after, log) = again(&test, &admin, run, json!({"from": result})).await;
    assert_eq!(after["state"], "done");
    assert!(log.iter().all(|event| event["type"] != "approval.requested"), "nobody is asked about what was done");
    assert_eq!(hits.load(Ordering::SeqCst), 1, "what was done is not done again");

    let call = open_points(&admin, run, "call:").await.remove(0);
    let accepted = admin.post(&format!("/api/v1/runs/{run}:again"), json!({"from": call})).await.expect(202).json();
    let ended = approve(id(&accepted["id"])).await;
    assert_eq!(ended["state"], "done");
    assert_eq!(hits.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_what_was_taken_over_is_neither_told_nor_done_twice() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let model = FakeModel::start(vec![
            Reply::Calls(vec![("calculator", SIX_TIMES_SEVEN)]),
            Reply::Text("It is 42."),
            Reply::Slow(vec!["lost ", "words "], Duration::from_millis(300)),
            Reply::Text("It is 43."),
        ])
        .await;
        let project = project(&test.app, &spec("react", json!([calculator()]))).await;
        let provider = provider(&admin, &model.url).await;
        let (run, _) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
        let first = DoomedWorkers::start(&test);
        wait_for_end(&admin, run).await;
        let result = open_points(&admin, run, "result:").await.remove(0);
        let body = json!({"from": result, "input": "43"});
        let accepted = admin.post(&format!("/api/v1/runs/{run}:again"), body).await.expect(202).json();
        let (again, job) = (id(&accepted["id"]), id(&accepted["jobId"]));
        wait_for_event(&test.app, job, |event| event["event"]["delta"] == "lost ").await;
        first.die(&test).await;
        test.start_workers().await;
        let again = wait_for_end(&admin, again).await;
        assert_eq!((&again["state"], &again["output"]), (&json!("done"), &json!("It is 43.")), "{again}");
        assert_eq!((&again["usage"]["modelCalls"], &again["usage"]["toolCalls"]), (&json!(1), &json!(0)));
        let log = log(&test.app, job).await;
        assert_sound(&log);
        assert_eq!(taken(&log).len(), 2);
        assert_eq!(results(&log), ["43"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_of_a_chat_that_is_done_again_knows_what_was_said_before() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![
        Reply::Text("Hello Ada."),
        Reply::Calls(vec![("calculator", SIX_TIMES_SEVEN)]),
        Reply::Text("Ada: 42."),
        Reply::Text("Ada: 43."),
        Reply::Text("Ada."),
    ])
    .await;
    let project = project(&test.app, &spec("react", json!([calculator()]))).await;
    let provider = provider(&admin, &model.url).await;
    test.start_workers().await;
    let sessions = format!("/api/v1/projects/{project}/sessions");
    let session = admin.post(&sessions, json!({"providerId": provider})).await.expect(201).json();
    let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    let mut turn = Uuid::nil();
    for text in ["I am Ada.", "What is 6 * 7?"] {
        let said = admin.post(&format!("{path}/messages"), json!({"text": text})).await.expect(202).json();
        turn = id(&said["id"]);
        wait_for_end(&admin, turn).await;
    }
    let result = open_points(&admin, turn, "result:").await.remove(0);
    for body in [json!({"from": result, "input": "43"}), json!({"input": "Who am I?"})] {
        let (run, _) = again(&test, &admin, turn, body).await;
        assert_eq!((&run["state"], &run["sessionId"]), (&json!("done"), &Value::Null), "{run}");
        let request = model.requests().pop().unwrap();
        assert_eq!(request["messages"][1]["content"], "I am Ada.");
        assert_eq!(request["messages"][2]["content"], "Hello Ada.");
    }
    let thread = admin.get(&path).await.expect(200).json();
    assert_eq!(thread["runs"].as_array().unwrap().len(), 2, "the chat stays as it is");
}
