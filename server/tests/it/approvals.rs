//! Held calls: approved with the arguments that were approved, decided one by one, expired, taken back.

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{TestApp, for_both};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_held_call_runs_when_approved_with_the_arguments_that_were_approved() {
    for_both(|test| async move {
        let admin = test.admin().await;
        for (decision, expected) in [
            (json!({"approve": true}), r#"{"characters": 5, "words": 1, "lines": 1}"#),
            (
                json!({"approve": true, "arguments": {"text": "two words"}}),
                r#"{"characters": 9, "words": 2, "lines": 1}"#,
            ),
            (json!({"approve": false}), "did not allow"),
        ] {
            let model = FakeModel::start(vec![
                Reply::Calls(vec![("calculator", r#"{"expression":"1"}"#), ("writer", r#"{"text":"hello"}"#)]),
                Reply::Text("Done."),
            ])
            .await;
            let project = project(&test.app, &spec("react", json!([calculator(), writer()]))).await;
            let provider = provider(&admin, &model.url).await;
            let (run, job) =
                start(&admin, project, json!({"input": "go", "mode": "ask", "providerId": provider})).await;
            test.start_workers().await;
            let waiting = wait_for_state(&admin, run, &["waiting"]).await;
            assert_eq!(waiting["reason"]["code"], "approval");
            let held = log(&test.app, job).await;
            assert_sound(&held);
            let outcome = of_kind(&held, "RUN_FINISHED")[0]["outcome"].clone();
            let asked = admin.get(&format!("/api/v1/approvals?runId={run}")).await.expect(200).json();
            let approval = asked["items"][0].clone();
            assert_eq!(outcome["interrupts"][0]["id"], approval["id"]);
            assert_eq!((&approval["tool"], &approval["decision"]), (&json!("writer"), &json!("pending")));
            let path = format!("/api/v1/approvals/{}:decide", approval["id"].as_str().unwrap());

            let bad = json!({"approve": true, "arguments": {"text": 7}});
            assert_eq!(admin.post(&path, bad).await.expect(422).json()["errors"][0]["code"], "arguments_invalid");
            let decided = admin.post(&path, decision.clone()).await.expect(200).json();
            assert_eq!(decided["decidedBy"], "Ada");
            assert_eq!(admin.post(&path, decision).await.expect(409).code(), "approval_decided");

            let run = wait_for_end(&admin, run).await;
            assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("Done.")), "{run}");
            let log = log(&test.app, job).await;
            assert_sound(&log);
            let results = results(&log);
            assert_eq!(results[0], "1");
            assert!(results[1].contains(expected), "{results:?}");
            assert_eq!(results.len(), 2);
            assert_eq!(model.requests().len(), 2, "the turn before the approval was not asked for again");
            assert_eq!(of_kind(&log, "RUN_STARTED").len(), 2);
            let decided = log.iter().filter(|event| event["type"] == "approval.decided").count();
            assert_eq!(decided, 1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_held_calls_are_asked_about_at_once_and_decided_one_by_one() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("writer", r#"{"text":"a"}"#), ("writer", r#"{"text":"bb"}"#)]),
        Reply::Text("Done."),
    ])
    .await;
    let project = project(&test.app, &spec("react", json!([writer()]))).await;
    let provider = provider(&admin, &model.url).await;
    let (run, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
    test.start_workers().await;
    wait_for_state(&admin, run, &["waiting"]).await;
    let asked = admin.get(&format!("/api/v1/approvals?runId={run}")).await.json();
    let asked = asked["items"].as_array().unwrap();
    assert_eq!(asked.len(), 2);
    // The second first.
    let decide = |index: usize| format!("/api/v1/approvals/{}:decide", asked[index]["id"].as_str().unwrap());
    admin.post(&decide(0), json!({"approve": true})).await.expect(200);
    wait_for_event(&test.app, job, |event| event["type"] == "approval.decided").await;
    wait_for_state(&admin, run, &["waiting"]).await;
    assert!(results(&log(&test.app, job).await).is_empty());
    admin.post(&decide(1), json!({"approve": true})).await.expect(200);
    let run = wait_for_end(&admin, run).await;
    assert_eq!(run["state"], "done", "{run}");
    let log = log(&test.app, job).await;
    assert_sound(&log);
    assert!(results(&log)[0].contains("\"characters\": 1") && results(&log)[1].contains("\"characters\": 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_in_time_and_a_stopped_run_takes_its_question_back() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let reply = || vec![Reply::Calls(vec![("writer", r#"{"text":"a"}"#)]), Reply::Text("Done.")];
        let project = project(&test.app, &spec("react", json!([writer()]))).await;
        test.start_workers().await;

        let model = FakeModel::start(reply()).await;
        let at = provider(&admin, &model.url).await;
        let (run, job) = start(&admin, project, json!({"input": "go", "providerId": at})).await;
        wait_for_state(&admin, run, &["waiting"]).await;
        test.app.db.sql("UPDATE approval SET expires_at = 1").execute().await.unwrap();
        let approval = admin.get(&format!("/api/v1/approvals?runId={run}")).await.json()["items"][0].clone();
        let path = format!("/api/v1/approvals/{}:decide", approval["id"].as_str().unwrap());
        assert_eq!(admin.post(&path, json!({"approve": true})).await.expect(409).code(), "approval_decided");
        gantry_server::approval::expire(&test.app).await.unwrap();
        let ended = wait_for_end(&admin, run).await;
        assert_eq!(ended["state"], "done", "{ended}");
        let entries = log(&test.app, job).await;
        assert_sound(&entries);
        assert!(results(&entries)[0].contains("nobody approved"), "{:?}", results(&entries));

        let model = FakeModel::start(reply()).await;
        let at = provider(&admin, &model.url).await;
        let (run, job) = start(&admin, project, json!({"input": "go", "providerId": at})).await;
        wait_for_state(&admin, run, &["waiting"]).await;
        admin.post(&format!("/api/v1/runs/{run}:cancel"), json!({})).await.expect(202);
        let ended = wait_for_end(&admin, run).await;
        assert_eq!(ended["state"], "cancelled", "{ended}");
        let approval = admin.get(&format!("/api/v1/approvals?runId={run}")).await.json()["items"][0].clone();
        assert_eq!(approval["decision"], "withdrawn");
        let entries = log(&test.app, job).await;
        assert_sound(&entries);
        let done = entries.iter().find(|event| event["type"] == "run.done").unwrap();
        assert_eq!(done["outcome"], "cancelled");
    })
    .await;
}
