//! Calls that wait for a person in the middle of an answer.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::{calculator, log, of_kind, provider, results, spec, wait_for_event, writer};
use crate::support::{Answer, Persona, TestApp, for_both};

use super::{Run, calls, conversation, events, text};

/// Waits until something is held, and gives it.
pub(super) async fn held(test: &TestApp, run: &Run) -> Value {
    wait_for_event(&test.app, run.job, |event| event["type"] == "approval.requested").await["approval"].clone()
}

pub(super) async fn decide(admin: &Persona<'_>, approval: &Value, body: Value) -> Answer {
    admin.post(&format!("/api/v1/approvals/{}:decide", approval["id"].as_str().unwrap()), body).await
}

pub(super) async fn open(test: &TestApp, admin: &Persona<'_>, replies: Vec<Reply>, mode: &str) -> (FakeModel, Run) {
    let model = FakeModel::start(replies).await;
    let at = provider(admin, &model.url).await;
    let body = json!({"input": "go", "providerId": at, "mode": mode});
    let run = Run::start(test, admin, &spec("react", json!([calculator(), writer()])), body).await;
    (model, run)
}

fn write() -> Reply {
    Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_call_is_released_once_with_the_arguments_that_were_approved() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let plain = r#"{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c9","type":"function","function":{"name":"writer","arguments":"{\"text\": \"hello\"}"}}]},"finish_reason":"tool_calls"}]}"#;
        let (model, run) = open(&test, &admin, vec![write(), Reply::Raw("application/json", plain)], "ask").await;
        let (answer, ()) = tokio::join!(run.chat(&test, &["writer"], true), async {
            let approval = held(&test, &run).await;
            assert_eq!((&approval["tool"], &approval["arguments"]), (&json!("writer"), &json!({"text": "hello"})));
            let bad = json!({"approve": true, "arguments": {"text": 7}});
            assert_eq!(decide(&admin, &approval, bad).await.expect(422).json()["errors"][0]["code"], "arguments_invalid");
            let edited = json!({"approve": true, "arguments": {"text": "edited"}});
            decide(&admin, &approval, edited.clone()).await.expect(200);
            assert_eq!(decide(&admin, &approval, edited).await.expect(409).code(), "approval_decided");
        });
        let released = calls(&answer.expect(200));
        assert_eq!(released.len(), 1);
        assert_eq!((released[0].1.as_str(), released[0].2.as_str()), ("writer", r#"{"text":"edited"}"#));
        assert_eq!(model.requests().len(), 1);
        let seen = log(&test.app, run.job).await;
        assert_eq!(seen.iter().filter(|event| event["type"] == "approval.decided").count(), 1);
        assert_eq!(of_kind(&seen, "TOOL_CALL_START").len(), 1);

        let (answer, ()) = tokio::join!(run.chat(&test, &["writer"], false), async {
            let is_it = |event: &Value| event["type"] == "approval.requested" && event["approval"]["toolCallId"] == "c9";
            let approval = wait_for_event(&test.app, run.job, is_it).await["approval"].clone();
            decide(&admin, &approval, json!({"approve": true})).await.expect(200);
        });
        assert_eq!(answer.expect(200).text(), plain, "approved as it was, it comes as it came");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_call_is_answered_by_the_gateway_and_the_model_is_asked_again() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let (model, run) = open(&test, &admin, vec![write(), Reply::Text("Then not.")], "ask").await;
        let (answer, ()) = tokio::join!(run.chat(&test, &["writer"], true), async {
            let approval = held(&test, &run).await;
            decide(&admin, &approval, json!({"approve": false})).await.expect(200);
        });
        let answer = answer.expect(200);
        assert_eq!((text(&answer).as_str(), calls(&answer)), ("Then not.", Vec::new()));
        let again = &model.requests()[1]["messages"];
        assert_eq!(again[1]["tool_calls"][0]["function"]["name"], "writer");
        assert!(again[2]["content"].as_str().unwrap().starts_with("Denied: Ada did not allow"), "{again}");
        let seen = log(&test.app, run.job).await;
        assert_eq!(results(&seen).len(), 1);
        assert!(results(&seen)[0].starts_with("Denied: Ada"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_decides_in_time_is_denied_and_the_stream_is_kept_alive_until_then() {
    let test = TestApp::sqlite_with(&["--approval-seconds", "6"]).await;
    let admin = test.admin().await;
    let (_, run) = open(&test, &admin, vec![write(), Reply::Text("Then not.")], "ask").await;
    let answer = run.chat(&test, &["writer"], true).await.expect(200);
    assert!(answer.text().contains(": waiting\n\n"), "{}", answer.text());
    assert_eq!(text(&answer), "Then not.");
    assert!(results(&log(&test.app, run.job).await)[0].contains("nobody approved"));
    let approval = admin.get(&format!("/api/v1/approvals?runId={}", run.id)).await.json()["items"][0].clone();
    assert_eq!(approval["decision"], "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn safe_denies_without_asking_dev_lets_through_and_reading_is_never_held() {
    for (mode, released) in [("safe", vec![]), ("dev", vec!["writer"])] {
        let test = TestApp::sqlite().await;
        let admin = test.admin().await;
        let (model, run) = open(&test, &admin, vec![write(), Reply::Text("Then not.")], mode).await;
        let answer = run.chat(&test, &["writer"], true).await.expect(200);
        let names: Vec<String> = calls(&answer).into_iter().map(|(_, name, _)| name).collect();
        assert_eq!(names, released, "{mode}");
        assert_eq!(model.requests().len(), 2 - released.len(), "{mode}");
        let asked = admin.get(&format!("/api/v1/approvals?runId={}", run.id)).await.json();
        assert_eq!(asked["items"], json!([]), "{mode}");
    }
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let look = Reply::Calls(vec![("calculator", r#"{"expression":"1"}"#)]);
    let (_, run) = open(&test, &admin, vec![look], "ask").await;
    let answer = run.chat(&test, &["calculator"], true).await.expect(200);
    assert_eq!(calls(&answer)[0].1, "calculator");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_mixed_turn_the_project_gets_what_is_allowed_and_the_model_hears_of_the_rest() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let both = Reply::Calls(vec![("writer", r#"{"text":"hello"}"#), ("calculator", r#"{"expression":"1"}"#)]);
    let (model, run) = open(&test, &admin, vec![both, Reply::Text("Done.")], "safe").await;
    let answer = run.chat(&test, &["writer", "calculator"], true).await.expect(200);
    let released = calls(&answer);
    assert_eq!(released.len(), 1);
    let (id, name, arguments) = released[0].clone();
    assert_eq!(name, "calculator");
    let mut body = conversation(&["writer", "calculator"], true);
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]}));
    messages.push(json!({"role": "tool", "tool_call_id": id, "content": "1"}));
    assert_eq!(text(&run.ask(&test, "chat/completions", body).await.expect(200)), "Done.");
    let heard = &model.requests()[1]["messages"];
    assert_eq!(heard[1]["tool_calls"].as_array().unwrap().len(), 2, "{heard}");
    let answers: Vec<&str> = heard
        .as_array()
        .unwrap()
        .iter()
        .filter(|m| m["role"] == "tool")
        .map(|m| m["content"].as_str().unwrap())
        .collect();
    assert!(answers.len() == 2 && answers[0].starts_with("Denied by policy") && answers[1] == "1", "{answers:?}");
    assert_eq!(results(&log(&test.app, run.job).await).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_responses_wire_is_held_as_well() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let turn = r#"{"id":"r1","object":"response","status":"completed","output":[{"id":"f1","type":"function_call","call_id":"c1","name":"writer","arguments":"{\"text\":\"hello\"}"}],"usage":{"input_tokens":3,"output_tokens":2}}"#;
    let done = r#"{"id":"r2","object":"response","status":"completed","output":[{"id":"m1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Then not.","annotations":[]}]}],"usage":{"input_tokens":3,"output_tokens":2}}"#;
    let replies = vec![
        Reply::Raw("application/json", turn),
        Reply::Raw("application/json", done),
        Reply::Raw("application/json", turn),
    ];
    let (model, run) = open(&test, &admin, replies, "ask").await;
    let tools = json!([{"type": "function", "name": "writer", "parameters": {"type": "object"}}]);
    let body = json!({"model": "x", "input": "go", "tools": tools, "stream": true});
    let (answer, first) = tokio::join!(run.ask(&test, "responses", body.clone()), async {
        let approval = held(&test, &run).await;
        decide(&admin, &approval, json!({"approve": false})).await.expect(200);
        approval
    });
    let seen = events(&answer.expect(200));
    assert_eq!(seen.last().unwrap()["response"]["output"][0]["content"][0]["text"], "Then not.");
    assert!(!json!(seen).to_string().contains("function_call_arguments"), "the denied call is not there");
    let again = &model.requests()[1]["input"];
    assert_eq!((&again[1]["type"], &again[2]["type"]), (&json!("function_call"), &json!("function_call_output")));

    let mut body = body;
    body["stream"] = json!(false);
    let (answer, ()) = tokio::join!(run.ask(&test, "responses", body), async {
        let approval = wait_for_event(&test.app, run.job, |event| {
            event["type"] == "approval.requested" && event["approval"]["id"] != first["id"]
        })
        .await["approval"]
            .clone();
        decide(&admin, &approval, json!({"approve": true, "arguments": {"text": "edited"}})).await.expect(200);
    });
    let output = answer.expect(200).json()["output"][0].clone();
    assert_eq!(output["arguments"], r#"{"text":"edited"}"#);
    assert_ne!(output["call_id"], "c1", "the same id again in one run is another call");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_goes_away_takes_its_question_along() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let (_, run) = open(&test, &admin, vec![write()], "ask").await;
    let approval = tokio::select! {
        _ = run.chat(&test, &["writer"], true) => panic!("nobody decided"),
        approval = held(&test, &run) => approval,
    };
    let told = wait_for_event(&test.app, run.job, |event| event["type"] == "approval.decided").await;
    assert_eq!(told["approval"]["decision"], "withdrawn");
    assert_eq!(decide(&admin, &approval, json!({"approve": true})).await.expect(409).code(), "approval_decided");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let held: Vec<(i64,)> = test.app.db.sql("SELECT holding FROM gateway_access").all().await.unwrap();
    assert_eq!(held, [(0,)], "its clock goes on");
}
