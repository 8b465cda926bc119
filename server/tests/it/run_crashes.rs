//! Runs that break off and go on: nothing is asked twice, nothing is run twice.

use std::time::Duration;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{TestApp, for_both};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_in_the_middle_of_an_answer_the_run_goes_on() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let model = FakeModel::start(vec![
            Reply::Calls(vec![("calculator", r#"{"expression":"6*7"}"#)]),
            Reply::Slow(vec!["lost ", "words "], Duration::from_millis(300)),
            Reply::Text("It is 42."),
        ])
        .await;
        let project = project(&test.app, &spec("react", json!([calculator()]))).await;
        let provider = provider(&admin, &model.url).await;
        let (run, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
        let doomed = DoomedWorkers::start(&test);
        let lost = wait_for_event(&test.app, job, |event| event["event"]["delta"] == "lost ").await;
        doomed.die(&test).await;
        test.start_workers().await;
        let run = wait_for_end(&admin, run).await;
        assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("It is 42.")), "{run}");
        assert_eq!(model.requests().len(), 3, "the complete turn was not asked for again, the broken one was");
        let log = log(&test.app, job).await;
        assert_sound(&log);
        assert_eq!(results(&log), ["42"], "the tool ran once");
        assert_eq!(said(&log), "It is 42.");
        let discard = of_kind(&log, "CUSTOM").into_iter().find(|event| event["name"] == "gantry.discard").unwrap();
        assert_eq!(discard["value"]["messageIds"], json!([lost["event"]["messageId"]]));
        assert_eq!(of_kind(&log, "RUN_STARTED").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_in_the_middle_of_a_tool_that_writes_it_is_not_run_again() {
    let hits = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = hits.clone();
    let service = axum::Router::new().route(
        "/orders/{id}",
        axum::routing::post(move || async move {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            std::future::pending::<()>().await;
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let order = json!({"id": "order", "description": "Orders.", "effect": "write", "kind": "http", "method": "POST",
                       "url": format!("http://{address}/orders/{{id}}"), "timeoutMs": 60_000,
                       "parameters": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}});
    let model = FakeModel::start(vec![Reply::Calls(vec![("order", r#"{"id":"7"}"#)]), Reply::Text("Not sure.")]).await;
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let project = project(&test.app, &spec("react", json!([order]))).await;
    let provider = provider(&admin, &model.url).await;
    let (run, job) = start(&admin, project, json!({"input": "go", "mode": "dev", "providerId": provider})).await;
    let doomed = DoomedWorkers::start(&test);
    while hits.load(std::sync::atomic::Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    doomed.die(&test).await;
    test.start_workers().await;
    let run = wait_for_end(&admin, run).await;
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(hits.load(std::sync::atomic::Ordering::SeqCst), 1);
    let log = log(&test.app, job).await;
    assert_sound(&log);
    assert!(results(&log)[0].contains("unknown"), "{:?}", results(&log));
    let told = model.requests()[1]["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    assert!(told.as_str().unwrap().contains("not run again"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_that_is_retried_goes_on_where_it_was() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("calculator", r#"{"expression":"6*7"}"#)]),
        Reply::Truncated("It"),
        Reply::Text("It is 42."),
    ])
    .await;
    let project = project(&test.app, &spec("react", json!([calculator()]))).await;
    let provider = provider(&admin, &model.url).await;
    let (run, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
    test.start_workers().await;
    assert_eq!(wait_for_end(&admin, run).await["state"], "failed");
    admin.post(&format!("/api/v1/jobs/{job}:retry"), json!({})).await.expect(202);
    let run = wait_for_state(&admin, run, &["done"]).await;
    assert_eq!(run["output"], "It is 42.");
    assert_eq!(model.requests().len(), 3);
    let log = log(&test.app, job).await;
    assert_eq!(said(&log), "It is 42.");
    assert_eq!(results(&log), ["42"]);
}
