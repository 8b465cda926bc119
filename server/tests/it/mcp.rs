//! Asking MCP servers for their tools: what they say, and what happens to those that say nothing.

use crate::support::TestApp;
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/mcp_server.py");

fn asking(command: &[&str]) -> Value {
    json!({"command": command})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_started_asked_for_its_tools_and_stopped() {
    let test = TestApp::sqlite().await;
    let actor = test.token(&["write"]).await;
    let pid_file = test.data().join("pid");
    let command =
        asking(&["sh", "-c", "echo $$ > \"$1\"; exec python3 \"$2\"", "sh", pid_file.to_str().unwrap(), SCRIPT]);
    let answer = actor.post("/api/v1/mcp-servers:discover", command).await.expect(200).json();
    assert_eq!((&answer["name"], &answer["version"]), (&json!("fixture"), &json!("1")));
    let names: Vec<&str> =
        answer["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["echo", "environment", "hang", "fail", "die", "flood", "babble", "stray"]);
    assert_eq!(answer["tools"][0]["parameters"], json!({"type": "object"}));
    assert_eq!((&answer["tools"][0]["saysItOnlyReads"], &answer["hasMore"]), (&json!(true), &json!(false)));
    assert_eq!(answer["tools"][1]["saysItOnlyReads"], json!(false));
    let pid = std::fs::read_to_string(pid_file).unwrap();
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists(), "the server outlives the question");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_mcp_server_is_said_in_its_own_words() {
    let test = TestApp::sqlite().await;
    let actor = test.token(&["write"]).await;
    for (command, expected) in [
        (asking(&["/no/such/program"]), "cannot be started"),
        (asking(&["sh", "-c", "echo no such package >&2; exit 1"]), "no such package"),
    ] {
        let refused = actor.post("/api/v1/mcp-servers:discover", command).await.expect(422);
        assert_eq!(refused.code(), "mcp_server_failed");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(expected), "{detail}");
    }
    for command in [json!([]), json!([" "]), json!(["x".repeat(5_000)])] {
        let refused = actor.post("/api/v1/mcp-servers:discover", json!({"command": command})).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["path"], "/command");
    }
}

#[tokio::test]
async fn who_may_not_talk_to_agents_may_not_start_their_servers() {
    let test = TestApp::sqlite().await;
    let reader = test.token(&["read", "build", "publish"]).await;
    reader.post("/api/v1/mcp-servers:discover", asking(&["true"])).await.expect(403);
    test.anonymous().post("/api/v1/mcp-servers:discover", asking(&["true"])).await.expect(401);
}
