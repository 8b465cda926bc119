//! The events of runs, held against AG-UI's own validators (npm's `@ag-ui/core`).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::{
    agui, calculator, log, one_of_each_pattern, project, provider, spec, start, wait_for_end, wait_for_event,
    wait_for_state, writer,
};
use crate::support::{TestApp, part_is_wanted};
use serde_json::{Value, json};

/// Where the validators are; installed from npm the first time.
fn validators() -> PathBuf {
    let cache = std::env::var_os("GANTRY_TEST_CACHE").map_or_else(
        || Path::new(&std::env::var_os("HOME").expect("HOME is set")).join(".cache/gantry-test"),
        PathBuf::from,
    );
    let folder = cache.join("agui-1.0.0");
    if !folder.join("node_modules/zod").exists() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("package.json"), r#"{"private":true}"#).unwrap();
        let installed = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "@ag-ui/core@1.0.0", "zod@4"])
            .current_dir(&folder)
            .output()
            .expect("npm is installed; or leave it out with GANTRY_TEST_SKIP=npm");
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    }
    folder
}

pub(crate) fn validate(events: &[Value]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/validate_agui.cjs");
    let folder = validators();
    let mut node = Command::new("node")
        .arg(script)
        .env("NODE_PATH", folder.join("node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed; or leave it out with GANTRY_TEST_SKIP=npm");
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    node.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_every_kind_of_end_is_valid() {
    if !part_is_wanted("npm") {
        return;
    }
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let project = project(&test.app, &spec("react", json!([calculator(), writer()]))).await;
    test.start_workers().await;
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("calculator", r#"{"expression":"1+1"}"#), ("writer", r#"{"text":"a"}"#)]),
        Reply::Text("Answered."),
        Reply::Truncated("half"),
        Reply::Slow(vec!["one ", "two "], Duration::from_secs(2)),
    ])
    .await;
    let at = provider(&admin, &model.url).await;
    let body = json!({"input": "go", "providerId": at});
    let mut events = Vec::new();

    let (run, job) = start(&admin, project, body.clone()).await;
    wait_for_state(&admin, run, &["waiting"]).await;
    let approval = admin.get(&format!("/api/v1/approvals?runId={run}")).await.json()["items"][0]["id"].clone();
    let decide = format!("/api/v1/approvals/{}:decide", approval.as_str().unwrap());
    admin.post(&decide, json!({"approve": true})).await.expect(200);
    assert_eq!(wait_for_end(&admin, run).await["state"], "done");
    events.extend(agui(&log(&test.app, job).await));

    let (run, job) = start(&admin, project, body.clone()).await;
    assert_eq!(wait_for_end(&admin, run).await["state"], "failed");
    events.extend(agui(&log(&test.app, job).await));

    let (run, job) = start(&admin, project, body).await;
    wait_for_event(&test.app, job, |event| event["type"] == "run.event").await;
    admin.post(&format!("/api/v1/runs/{run}:cancel"), json!({})).await.expect(202);
    assert_eq!(wait_for_end(&admin, run).await["state"], "cancelled");
    events.extend(agui(&log(&test.app, job).await));

    for kind in [
        "RUN_STARTED",
        "RUN_FINISHED",
        "RUN_ERROR",
        "STEP_STARTED",
        "TEXT_MESSAGE_CONTENT",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_RESULT",
        "CUSTOM",
    ] {
        assert!(events.iter().any(|event| event["type"] == kind), "no {kind} was written");
    }
    validate(&events);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_every_pattern_is_valid() {
    if !part_is_wanted("npm") {
        return;
    }
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let mut events = Vec::new();
    for (spec, _) in one_of_each_pattern() {
        let project = project(&test.app, &spec).await;
        let (run, job) = start(&admin, project, json!({"input": "go", "mode": "dev"})).await;
        assert_eq!(wait_for_end(&admin, run).await["state"], "done");
        events.extend(agui(&log(&test.app, job).await));
    }
    assert!(events.iter().any(|event| event["name"] == "critic"), "nobody says who speaks");
    validate(&events);
}
