//! Agents that work at the same time: together, and when one of them fails, waits or dies with the server.

use std::time::Duration;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{TestApp, for_both};
use serde_json::{Value, json};

/// Two agents side by side, then a third who reads both.
fn two_and_one(tools: Value) -> Value {
    let mut spec = team("parallel", &["north", "south", "both"], tools);
    spec["tasks"] = json!([
        task("summary", "both", &["look_south", "look_north"]),
        task("look_north", "north", &[]),
        task("look_south", "south", &[]),
    ]);
    spec
}

/// Who a request was made for.
fn is_for(request: &Value, agent: &str) -> bool {
    told(request).starts_with(&format!("You are {agent}."))
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_wait_for_nothing_run_at_the_same_time_and_their_words_interleave() {
    for_both(|test| async move {
        let model = FakeModel::answering(|request| {
            let pause = Duration::from_millis(150);
            match () {
                () if is_for(request, "north") => Reply::Slow(vec!["snow ", "and ", "ice"], pause),
                () if is_for(request, "south") => Reply::Slow(vec!["sun ", "and ", "sand"], pause),
                () => Reply::Text("All weathers."),
            }
        })
        .await;
        let (run, log) = run_once(&test, &two_and_one(json!([])), &model, "ask").await;
        assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("All weathers.")), "{run}");
        assert_eq!(steps(&log), ["look_north", "look_south", "summary"]);
        assert_eq!(of_kind(&log, "STEP_FINISHED").len(), 3);
        let speakers: Vec<Value> =
            of_kind(&log, "TEXT_MESSAGE_START").iter().map(|event| event["name"].clone()).collect();
        assert_eq!(speakers.len(), 3, "{speakers:?}");
        assert_eq!(speakers[2], "both");
        let kinds: Vec<String> = agui(&log).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        let begun = kinds.iter().enumerate().filter(|(_, kind)| *kind == "TEXT_MESSAGE_START").nth(1).unwrap().0;
        let ended = kinds.iter().position(|kind| kind == "TEXT_MESSAGE_END").unwrap();
        assert!(begun < ended, "the second began before the first had ended: {kinds:?}");
        let last = model.requests()[2].clone();
        assert!(
            told(&last).ends_with(
                "Your task: Do summary.\n\nResult of look_north:\nsnow and ice\n\nResult of look_south:\nsun and sand"
            ),
            "in the order of the spec: {last}"
        );
        assert_eq!(run["usage"]["modelCalls"], 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_no_task_waits_for_are_the_answer_in_the_order_of_the_spec() {
    let model = FakeModel::answering(|request| {
        if is_for(request, "north") {
            Reply::Slow(vec!["snow"], Duration::from_millis(200))
        } else {
            Reply::Text("sun")
        }
    })
    .await;
    let mut spec = two_and_one(json!([]));
    spec["tasks"].as_array_mut().unwrap().remove(0);
    let (run, _) = run_once(&TestApp::sqlite().await, &spec, &model, "ask").await;
    assert_eq!(run["output"], "## look_north\n\nsnow\n\n## look_south\n\nsun", "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_fails_the_others_leave_off_and_a_retry_does_only_what_is_left() {
    let refuse = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let refused = refuse.clone();
    let model = FakeModel::answering(move |request| match () {
        () if is_for(request, "north") && refused.load(std::sync::atomic::Ordering::SeqCst) => {
            Reply::Slow(vec!["a ", "very ", "long ", "story"], Duration::from_millis(700))
        }
        () if is_for(request, "south") && refused.swap(false, std::sync::atomic::Ordering::SeqCst) => {
            Reply::Status(401, vec![], "no".to_owned())
        }
        () => Reply::Text("done"),
    })
    .await;
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let project = project(&test.app, &two_and_one(json!([]))).await;
    let provider = provider(&admin, &model.url).await;
    test.start_workers().await;
    let (run, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
    let began = std::time::Instant::now();
    let failed = wait_for_end(&admin, run).await;
    assert_eq!((&failed["state"], &failed["reason"]["code"]), (&json!("failed"), &json!("model_unauthorized")));
    assert!(began.elapsed() < Duration::from_secs(2), "the other one was waited for: {:?}", began.elapsed());
    assert_sound(&log(&test.app, job).await);
    assert_eq!(model.requests().len(), 2, "nothing new began after the failure");

    admin.post(&format!("/api/v1/jobs/{job}:retry"), json!({})).await.expect(202);
    let run = wait_for_state(&admin, run, &["done"]).await;
    assert_eq!(run["output"], "done", "{run}");
    assert_eq!(model.requests().len(), 5);
    assert_eq!(run["usage"]["modelCalls"], 3, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_waits_for_a_person_the_others_go_on() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let model = FakeModel::answering(|request| {
            let answered = request["messages"].as_array().unwrap().iter().any(|message| message["role"] == "tool");
            match () {
                () if is_for(request, "north") && !answered => Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)]),
                () if is_for(request, "south") => Reply::Slow(vec!["sun ", "and ", "sand"], Duration::from_millis(100)),
                () => Reply::Text("written"),
            }
        })
        .await;
        let mut spec = two_and_one(json!([writer()]));
        spec["agents"][0]["tools"] = json!(["writer"]);
        let project = project(&test.app, &spec).await;
        let provider = provider(&admin, &model.url).await;
        test.start_workers().await;
        let (run, job) = start(&admin, project, json!({"input": "go", "mode": "ask", "providerId": provider})).await;
        wait_for_state(&admin, run, &["waiting"]).await;
        let held = log(&test.app, job).await;
        assert_sound(&held);
        assert!(said(&held).contains("sand"), "the other one came to its end: {}", said(&held));
        let approval = admin.get(&format!("/api/v1/approvals?runId={run}")).await.json()["items"][0].clone();
        let outcome = of_kind(&held, "RUN_FINISHED")[0]["outcome"].clone();
        assert_eq!(outcome["interrupts"][0]["id"], approval["id"], "{outcome}");
        let decide = format!("/api/v1/approvals/{}:decide", approval["id"].as_str().unwrap());
        admin.post(&decide, json!({"approve": true})).await.expect(200);
        let run = wait_for_end(&admin, run).await;
        assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("written")), "{run}");
        let log = log(&test.app, job).await;
        assert_sound(&log);
        assert_eq!(results(&log).len(), 1);
        assert_eq!(model.requests().len(), 4, "nobody was asked twice");
        assert_eq!((&run["usage"]["modelCalls"], &run["usage"]["toolCalls"]), (&json!(4), &json!(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_followed_while_the_others_are_still_at_work() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let model = FakeModel::answering(|request| {
            let answered = request["messages"].as_array().unwrap().iter().any(|message| message["role"] == "tool");
            match () {
                () if is_for(request, "north") && !answered => Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)]),
                () if is_for(request, "south") => Reply::Slow(vec!["sun "; 8], Duration::from_millis(500)),
                () => Reply::Text("written"),
            }
        })
        .await;
        let mut spec = two_and_one(json!([writer()]));
        spec["agents"][0]["tools"] = json!(["writer"]);
        let project = project(&test.app, &spec).await;
        let provider = provider(&admin, &model.url).await;
        test.start_workers().await;
        let (run, job) = start(&admin, project, json!({"input": "go", "mode": "ask", "providerId": provider})).await;
        let asked = wait_for_event(&test.app, job, |event| event["type"] == "approval.requested").await;
        let decide = format!("/api/v1/approvals/{}:decide", asked["approval"]["id"].as_str().unwrap());
        admin.post(&decide, json!({"approve": true})).await.expect(200);
        let run = wait_for_end(&admin, run).await;
        assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("written")), "{run}");
        let log = log(&test.app, job).await;
        assert_sound(&log);
        let ended = of_kind(&log, "RUN_FINISHED");
        assert_eq!(ended.len(), 1, "the run never had to wait: {ended:?}");
        let at = |wanted: &str| log.iter().position(|event| event["event"]["type"] == wanted).unwrap();
        let last_sun = log.iter().rposition(|event| event["event"]["delta"] == "sun ").unwrap();
        assert!(at("TOOL_CALL_RESULT") < last_sun, "the call waited for the other agent");
        assert_eq!(model.requests().len(), 4, "nobody was asked twice");
        assert_eq!((&run["usage"]["modelCalls"], &run["usage"]["toolCalls"]), (&json!(4), &json!(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_in_the_middle_goes_on_with_what_was_not_done() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let again = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let is_again = again.clone();
        let model = FakeModel::answering(move |request| {
            let answered = request["messages"].as_array().unwrap().iter().any(|message| message["role"] == "tool");
            match () {
                () if is_for(request, "north") && !answered => {
                    Reply::Calls(vec![("calculator", r#"{"expression":"6*7"}"#)])
                }
                () if is_for(request, "north") => Reply::Text("It is 42."),
                () if is_for(request, "south") && !is_again.load(std::sync::atomic::Ordering::SeqCst) => {
                    Reply::Slow(vec!["lost ", "words "], Duration::from_millis(600))
                }
                () if is_for(request, "south") => Reply::Text("found"),
                () => Reply::Text("together"),
            }
        })
        .await;
        let mut spec = two_and_one(json!([calculator()]));
        spec["agents"][0]["tools"] = json!(["calculator"]);
        let project = project(&test.app, &spec).await;
        let provider = provider(&admin, &model.url).await;
        let (run, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
        let doomed = DoomedWorkers::start(&test);
        wait_for_event(&test.app, job, |event| event["event"]["delta"] == "lost ").await;
        wait_for_event(&test.app, job, |event| {
            event["event"]["stepName"] == "look_north" && event["event"]["type"] == "STEP_FINISHED"
        })
        .await;
        doomed.die(&test).await;
        again.store(true, std::sync::atomic::Ordering::SeqCst);
        let before = model.requests().len();
        assert_eq!(before, 3);
        test.start_workers().await;
        let run = wait_for_end(&admin, run).await;
        assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("together")), "{run}");
        assert_eq!(
            model.requests().len(),
            5,
            "only the turn that broke off was asked for again, and then the last task"
        );
        let log = log(&test.app, job).await;
        assert_sound(&log);
        assert_eq!(results(&log), ["42"], "the tool ran once");
        assert!(!said(&log).contains("lost"), "{}", said(&log));
        assert_eq!(of_kind(&log, "RUN_STARTED").len(), 1);
        assert_eq!(run["usage"]["modelCalls"], 4, "{run}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_reaches_all_that_are_at_work() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![Reply::Slow(vec!["on ", "and ", "on "], Duration::from_millis(500))]).await;
    let project = project(&test.app, &two_and_one(json!([]))).await;
    let provider = provider(&admin, &model.url).await;
    test.start_workers().await;
    let (run, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
    wait_for_event(&test.app, job, |event| event["event"]["delta"] == "on ").await;
    let asked = std::time::Instant::now();
    admin.post(&format!("/api/v1/runs/{run}:cancel"), json!({})).await.expect(202);
    assert_eq!(wait_for_end(&admin, run).await["state"], "cancelled");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_sound(&log(&test.app, job).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_refusals_ends_in_one_failure() {
    let model = FakeModel::start(vec![Reply::Status(429, vec![("retry-after", "0")], String::new())]).await;
    let mut spec = two_and_one(json!([]));
    spec["tasks"] = (0..6).map(|number| task(&format!("t{number}"), "north", &[])).collect();
    let (run, log) = run_once(&TestApp::sqlite().await, &spec, &model, "ask").await;
    assert_eq!((&run["state"], &run["reason"]["code"]), (&json!("failed"), &json!("model_rate_limited")), "{run}");
    assert_eq!(of_kind(&log, "RUN_ERROR").len(), 1);
    assert!(model.requests().len() <= 24, "{}", model.requests().len());
    assert_eq!(of_kind(&log, "STEP_FINISHED").len(), 6);
}
