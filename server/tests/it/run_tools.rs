//! Tools of runs: what may run, what comes back, and what goes wrong with them.

use crate::support::TestApp;
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn bad_calls_are_told_to_the_model_which_may_do_better() {
    let model = FakeModel::start(vec![
        Reply::Calls(vec![
            ("calculator", r#"{"expression": "#),
            ("calculator", r#"{"expr":"1"}"#),
            ("calculator", "[1]"),
            ("nobody", "{}"),
            ("calculator", r#"{"expression":"1/0"}"#),
        ]),
        Reply::Text("Sorry."),
    ])
    .await;
    let (run, log) = run_once(&TestApp::sqlite().await, &spec("react", json!([calculator()])), &model, "ask").await;
    assert_eq!((&run["state"], &run["usage"]["toolCalls"]), (&json!("done"), &json!(5)), "{run}");
    let results = results(&log);
    for (result, expected) in results.iter().zip([
        "not JSON",
        "do not fit",
        "must be a JSON object",
        "no tool called nobody",
        "Error: division by zero",
    ]) {
        assert!(result.starts_with("Error: ") && result.contains(expected), "{result} lacks {expected}");
    }
    assert_eq!(results.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn safe_mode_and_guardrails_deny() {
    let calls = || {
        vec![
            Reply::Calls(vec![("writer", r#"{"text":"a"}"#), ("calculator", r#"{"expression":"1"}"#)]),
            Reply::Text("ok"),
        ]
    };
    let model = FakeModel::start(calls()).await;
    let (run, log) =
        run_once(&TestApp::sqlite().await, &spec("react", json!([calculator(), writer()])), &model, "safe").await;
    assert_eq!(run["state"], "done");
    assert!(results(&log)[0].starts_with("Denied by policy"), "{:?}", results(&log));
    assert_eq!(results(&log)[1], "1");

    let mut guarded = spec("react", json!([calculator(), writer()]));
    guarded["guardrails"] = json!({"deny": ["writer", "calculator"]});
    let model = FakeModel::start(calls()).await;
    let (run, log) = run_once(&TestApp::sqlite().await, &guarded, &model, "dev").await;
    assert_eq!(run["state"], "done");
    assert!(results(&log).iter().all(|result| result.starts_with("Denied by policy")), "{:?}", results(&log));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_tool_is_not_run_and_not_pretended() {
    let python = json!({"id": "mine", "description": "d", "effect": "read", "kind": "python", "body": "return 'x'",
                        "parameters": {"type": "object"}});
    let model = FakeModel::start(vec![Reply::Calls(vec![("mine", "{}")]), Reply::Text("ok")]).await;
    let (_, log) = run_once(&TestApp::sqlite().await, &spec("react", json!([python])), &model, "dev").await;
    assert!(results(&log)[0].contains("tool_not_runnable_natively"), "{:?}", results(&log));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_mcp_server_is_started_asked_and_killed() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/mcp_server.py");
    let tool = |name: &str| {
        json!({"id": name, "description": name, "effect": "read", "kind": "mcp", "command": ["python3", script], "tool": name,
               "timeoutMs": 1_500, "parameters": {"type": "object"}})
    };
    let tools = json!([tool("echo"), tool("environment"), tool("fail"), tool("die"), tool("hang")]);
    let model = FakeModel::start(vec![
        Reply::Calls(vec![
            ("echo", r#"{"a":"é"}"#),
            ("environment", "{}"),
            ("fail", ""),
            ("die", ""),
            ("hang", ""),
            ("echo", "{}"),
        ]),
        Reply::Text("ok"),
    ])
    .await;
    let (run, log) = run_once(&TestApp::sqlite().await, &spec("react", tools), &model, "safe").await;
    assert_eq!(run["state"], "done", "{run}");
    let results = results(&log);
    assert_eq!(serde_json::from_str::<Value>(&results[0]).unwrap(), json!({"a": "é"}));
    let (pid, names) = results[1].split_once(' ').unwrap();
    assert!(names.contains("PATH") && !names.contains("CARGO") && !names.contains("GANTRY"), "{names}");
    assert_eq!(results[2], "Error: it went wrong");
    assert!(results[3].starts_with("Error: The MCP server failed"), "{}", results[3]);
    assert!(results[4].contains("did not answer within 1500 ms"), "{}", results[4]);
    assert_eq!(results[5], "{}", "after a server died or hung the next call starts a new one");
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "the server outlives the run");

    let missing = json!([{"id": "gone", "description": "d", "effect": "read", "kind": "mcp", "command": ["/no/such/program"],
                          "tool": "x", "parameters": {"type": "object"}}]);
    let model = FakeModel::start(vec![Reply::Calls(vec![("gone", "{}")]), Reply::Text("ok")]).await;
    let (_, log) = run_once(&TestApp::sqlite().await, &spec("react", missing), &model, "safe").await;
    assert!(self::results(&log)[0].contains("cannot be started"), "{:?}", self::results(&log));
}
