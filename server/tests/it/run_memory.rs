//! What an agent remembers between the turns of a thread.

use std::time::Duration;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::for_both;
use crate::support::stories::*;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_is_a_thread_with_one_turn_at_a_time() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let model = FakeModel::start(vec![
            Reply::Slow(vec!["Hello ", "Ada."], Duration::from_millis(150)),
            Reply::Text("You are Ada."),
            Reply::Slow(vec!["on ", "and "], Duration::from_secs(2)),
        ])
        .await;
        let project = project(&test.app, &spec("react", json!([]))).await;
        let provider = provider(&admin, &model.url).await;
        let sessions = format!("/api/v1/projects/{project}/sessions");
        let session = admin.post(&sessions, json!({"providerId": provider})).await.expect(201).json();
        let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
        test.start_workers().await;

        assert_eq!(admin.post(&format!("{path}:stop"), json!({})).await.expect(409).code(), "no_turn_running");
        let said = admin
            .post(&format!("{path}/messages"), json!({"text": "I am Ada \"🦀\" \\ \u{202e}."}))
            .await
            .expect(202)
            .json();
        let again = admin.post(&format!("{path}/messages"), json!({"text": "And?"})).await.expect(409);
        assert_eq!(again.code(), "turn_running");
        wait_for_end(&admin, id(&said["id"])).await;
        let said = admin.post(&format!("{path}/messages"), json!({"text": "Who am I?"})).await.expect(202).json();
        wait_for_end(&admin, id(&said["id"])).await;
        let messages = model.requests()[1]["messages"].clone();
        assert_eq!(messages[1]["content"], "I am Ada \"🦀\" \\ \u{202e}.");
        assert_eq!(messages[2], json!({"role": "assistant", "content": "Hello Ada."}));
        assert_eq!(messages[3]["content"], "Who am I?");

        let said = admin.post(&format!("{path}/messages"), json!({"text": "Go on"})).await.expect(202).json();
        wait_for_state(&admin, id(&said["id"]), &["running"]).await;
        admin.post(&format!("{path}:stop"), json!({})).await.expect(202);
        assert_eq!(wait_for_end(&admin, id(&said["id"])).await["state"], "cancelled");

        let thread = admin.get(&path).await.expect(200).json();
        assert_eq!(thread["title"], "I am Ada \"🦀\" \\ \u{202e}.");
        let outputs: Vec<Value> = thread["runs"].as_array().unwrap().iter().map(|run| run["output"].clone()).collect();
        assert_eq!(outputs, [json!("Hello Ada."), json!("You are Ada."), Value::Null]);
        let changed = admin.patch(&path, json!({"title": "Ada", "mode": "safe", "model": {}})).await.expect(200).json();
        assert_eq!(
            (&changed["title"], &changed["mode"], &changed["model"]),
            (&json!("Ada"), &json!("safe"), &json!(""))
        );
        assert_eq!(admin.get(&sessions).await.json()["items"].as_array().unwrap().len(), 1);
        admin.delete(&path).await.expect(204);
        admin.get(&path).await.expect(404);
        admin.delete(&path).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_memory_begins_every_turn_anew_and_specialists_know_only_the_request() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let model = FakeModel::answering(|request| {
            let asks = request["messages"].as_array().unwrap().iter().all(|message| message["role"] != "tool");
            if told(request).starts_with("You are boss.") && asks {
                Reply::Calls(vec![("ask_clerk", r#"{"request":"Count."}"#)])
            } else {
                Reply::Text("One.")
            }
        })
        .await;
        for (memory, known) in [("none", 0), ("thread", 2)] {
            let mut spec = team("supervisor", &["boss", "clerk"], json!([]));
            spec["memory"] = json!({"kind": memory});
            let project = project(&test.app, &spec).await;
            let provider = provider(&admin, &model.url).await;
            let sessions = format!("/api/v1/projects/{project}/sessions");
            let session = admin.post(&sessions, json!({"providerId": provider})).await.expect(201).json();
            let path = format!("/api/v1/sessions/{}/messages", session["id"].as_str().unwrap());
            if memory == "none" {
                test.start_workers().await;
            }
            for text in ["First words.", "Second words."] {
                let said = admin.post(&path, json!({"text": text})).await.expect(202).json();
                assert_eq!(wait_for_end(&admin, id(&said["id"])).await["output"], "One.");
            }
            let requests = model.requests();
            let second = &requests[requests.len() - 3..];
            assert_eq!(second[0]["messages"].as_array().unwrap().len(), 2 + known, "{memory}: {}", second[0]);
            assert_eq!(told(&second[0]).contains("First words."), known > 0, "{memory}");
            assert_eq!(told(&second[1]), "You are clerk.\nCount.", "{memory}");
        }
    })
    .await;
}
