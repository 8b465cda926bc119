//! Stories about runs: an agent, its model's endpoint, its tools, and all that goes wrong with them.

use std::time::{Duration, Instant};

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::{
    agui, assert_sound, calculator, id, log, of_kind, project, provider, results, run_once, said, spec, start,
    wait_for_end, wait_for_event, writer,
};
use crate::support::{TestApp, for_both};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_calls_its_tool_and_answers() {
    for_both(|test| async move {
        let model = FakeModel::start(vec![
            Reply::Calls(vec![("calculator", r#"{"expression":"6 * 7"}"#)]),
            Reply::Text("The answer is 42."),
        ])
        .await;
        let (run, log) = run_once(&test, &spec("react", json!([calculator()])), &model, "ask").await;
        assert_eq!(run["state"], "done", "{run}");
        assert_eq!(run["output"], "The answer is 42.");
        assert_eq!(run["model"], "fake-1");
        let usage = json!({"inputTokens": 22, "outputTokens": 14, "costMicros": 50, "modelCalls": 2, "toolCalls": 1});
        assert_eq!(run["usage"], usage);
        assert_eq!(results(&log), ["42"]);
        assert_eq!(said(&log), "The answer is 42.");
        let requests = model.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0]["messages"][0], json!({"role": "system", "content": "Help."}));
        assert_eq!(requests[0]["tools"][0]["function"]["name"], "calculator");
        assert_eq!(requests[0]["stream_options"]["include_usage"], true);
        let last = requests[1]["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["role"], &last["content"], &last["tool_call_id"]),
            (&json!("tool"), &json!("42"), &json!("call_0"))
        );
        assert_eq!(model.keys()[0], "Bearer sk-secret-key");
        let kinds: Vec<String> = agui(&log).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds.first().unwrap(), "RUN_STARTED");
        assert_eq!(kinds.last().unwrap(), "RUN_FINISHED");
        let done = log.iter().find(|event| event["type"] == "run.done").unwrap();
        assert_eq!((&done["ok"], &done["outcome"], &done["usage"]), (&json!(true), &json!("success"), &usage));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rehearsal_model_tries_every_tool_and_pretends_nothing() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let project = project(&test.app, &spec("react", json!([calculator(), writer()]))).await;
    let (run, job) = start(&admin, project, json!({"input": "What is (2 + 3) * 4?", "mode": "dev"})).await;
    test.start_workers().await;
    let run = wait_for_end(&admin, run).await;
    assert_eq!((&run["state"], &run["model"]), (&json!("done"), &json!("rehearsal")), "{run}");
    let usage = json!({"inputTokens": 0, "outputTokens": 0, "modelCalls": 2, "toolCalls": 2});
    assert_eq!(run["usage"], usage);
    let log = log(&test.app, job).await;
    assert_sound(&log);
    assert_eq!(results(&log), ["20", r#"{"characters": 20, "words": 7, "lines": 1}"#]);
    assert!(said(&log).contains("not a language model"), "{}", said(&log));
    assert!(run["output"].as_str().unwrap().contains("20"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_done_in_order_each_with_what_came_before() {
    let model = FakeModel::start(vec![Reply::Text("facts"), Reply::Text("the report")]).await;
    let mut spec = spec("sequential", json!([]));
    spec["tasks"] = json!([
        {"id": "write", "agent": "helper", "description": "Write.", "expectedOutput": "A page.", "dependsOn": ["research"]},
        {"id": "research", "agent": "helper", "description": "Research."},
    ]);
    let (run, log) = run_once(&TestApp::sqlite().await, &spec, &model, "ask").await;
    assert_eq!(run["output"], "the report", "{run}");
    let steps: Vec<Value> = of_kind(&log, "STEP_STARTED").iter().map(|event| event["stepName"].clone()).collect();
    assert_eq!(steps, ["research", "write"]);
    let brief = model.requests()[1]["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    assert_eq!(brief, "Your task: Write.\n\nExpected output: A page.\n\nResult of research:\nfacts");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_stream_works_as_well() {
    let model = FakeModel::start(vec![Reply::Plain("In one piece.")]).await;
    let (run, log) = run_once(&TestApp::sqlite().await, &spec("single", json!([])), &model, "ask").await;
    assert_eq!(run["output"], "In one piece.", "{run}");
    assert_eq!(run["usage"]["inputTokens"], 3);
    assert_eq!(said(&log), "In one piece.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_with_a_model_has_a_code_and_a_sentence() {
    let refused = |status, body: &str| vec![Reply::Status(status, vec![("retry-after", "0")], body.to_owned())];
    for (replies, code) in [
        (refused(401, "no sk-secret-key"), "model_unauthorized"),
        (refused(429, ""), "model_rate_limited"),
        (refused(503, ""), "model_unreachable"),
        (refused(400, r#"{"error":{"message":"bad key sk-secret-key"}}"#), "model_bad_response"),
        (vec![Reply::Truncated("half of an")], "model_stream_truncated"),
        (vec![Reply::Raw("text/html", "<html>hello</html>")], "model_bad_response"),
        (vec![Reply::Raw("application/json", r#"{"object":"list"}"#)], "model_bad_response"),
        (
            vec![Reply::Raw("text/event-stream", "data: {\"error\":{\"message\":\"overloaded\"}}\n\n")],
            "model_unreachable",
        ),
        (vec![Reply::Raw("text/event-stream", "data: {not json\n\ndata: [DONE]\n\n")], "model_bad_response"),
        (vec![Reply::Raw("text/event-stream", "")], "model_stream_truncated"),
        (vec![Reply::Silent], "model_timeout"),
        (vec![Reply::Slow(vec!["one ", "two "], Duration::from_secs(3))], "model_timeout"),
    ] {
        let what = format!("{replies:?}");
        let model = FakeModel::start(replies).await;
        let test = TestApp::sqlite_with(&["--model-idle-seconds", "1"]).await;
        let (run, log) = run_once(&test, &spec("react", json!([calculator()])), &model, "ask").await;
        assert_eq!((&run["state"], &run["reason"]["code"]), (&json!("failed"), &json!(code)), "{what}: {run}");
        assert!(run["reason"]["message"].as_str().unwrap().ends_with('.'), "{run}");
        assert!(!run.to_string().contains("sk-secret-key"), "{run}");
        let error = of_kind(&log, "RUN_ERROR").pop().unwrap();
        assert_eq!((&error["code"], &error["message"]), (&json!(code), &run["reason"]["message"]));
        let done = log.iter().find(|event| event["type"] == "run.done").unwrap();
        assert_eq!((&done["ok"], &done["outcome"]), (&json!(false), &json!("failed")));
        if what.contains("half of an") {
            assert_eq!(said(&log), "half of an", "what had arrived is kept");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_not_there_is_told() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let project = project(&test.app, &spec("react", json!([]))).await;
    // Port 9 is the discard service, which nothing listens on here.
    let provider = provider(&admin, "http://127.0.0.1:9/v1").await;
    let (run, _) = start(&admin, project, json!({"input": "hello", "providerId": provider})).await;
    test.start_workers().await;
    let run = wait_for_end(&admin, run).await;
    assert_eq!(run["reason"]["code"], "model_unreachable", "{run}");
    assert!(run["reason"]["message"].as_str().unwrap().contains("http://127.0.0.1:9/v1"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_endpoint_is_asked_again() {
    let busy = Reply::Status(429, vec![("retry-after", "1")], String::new());
    let model = FakeModel::start(vec![busy, Reply::Text("At last.")]).await;
    let began = Instant::now();
    let (run, _) = run_once(&TestApp::sqlite().await, &spec("react", json!([])), &model, "ask").await;
    assert_eq!(run["output"], "At last.", "{run}");
    assert!(began.elapsed() >= Duration::from_secs(1), "Retry-After was not waited for");
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_ends_at_the_step_limit() {
    let model = FakeModel::start(vec![Reply::Calls(vec![("calculator", r#"{"expression":"1"}"#)])]).await;
    let (run, log) = run_once(&TestApp::sqlite().await, &spec("react", json!([calculator()])), &model, "ask").await;
    assert_eq!((&run["state"], &run["reason"]["code"]), (&json!("failed"), &json!("step_limit")));
    assert_eq!(model.requests().len(), 4);
    assert_eq!(results(&log), ["1", "1", "1", "Not run: the step limit was reached."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_end_a_run() {
    let loops = || Reply::Calls(vec![("calculator", r#"{"expression":"1"}"#)]);
    let mut small = spec("react", json!([calculator()]));
    small["guardrails"] = json!({"maxTokens": 20});
    let model = FakeModel::start(vec![loops()]).await;
    let (run, _) = run_once(&TestApp::sqlite().await, &small, &model, "ask").await;
    assert_eq!(run["reason"]["code"], "token_budget", "{run}");
    assert_eq!(model.requests().len(), 2);

    // A turn costs 25 millionths of a dollar here.
    small["guardrails"] = json!({"maxCostMicros": 40});
    let model = FakeModel::start(vec![loops()]).await;
    let (run, _) = run_once(&TestApp::sqlite().await, &small, &model, "ask").await;
    assert_eq!(run["reason"]["code"], "cost_budget", "{run}");
    assert!(run["reason"]["message"].as_str().unwrap().contains("US$ 0.000050 and its guardrails allow US$ 0.000040"));
    assert_eq!(model.requests().len(), 2);

    small["guardrails"] = json!({"maxSeconds": 1});
    let model = FakeModel::start(vec![Reply::Slow(vec!["on ", "and "], Duration::from_millis(700))]).await;
    let (run, log) = run_once(&TestApp::sqlite().await, &small, &model, "ask").await;
    assert_eq!(run["reason"]["code"], "time_budget", "{run}");
    assert_eq!(said(&log), "on ");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_cannot_be_kept_are_told_once() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("calculator", r#"{"expression":"1"}"#)]),
        Reply::Raw(
            "application/json",
            r#"{"choices":[{"message":{"role":"assistant","content":"Done."},"finish_reason":"stop"}]}"#,
        ),
    ])
    .await;
    let mut spec = spec("react", json!([calculator()]));
    spec["guardrails"] = json!({"maxCostMicros": 1, "maxTokens": 1_000});
    let project = project(&test.app, &spec).await;
    let body = json!({"name": "priceless", "baseUrl": model.url, "defaultModel": "fake-1"});
    let provider = admin.post("/api/v1/providers", body).await.expect(201).json()["id"].clone();
    test.start_workers().await;
    let (run, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
    assert_eq!(wait_for_end(&admin, run).await["output"], "Done.");
    let notices: Vec<Value> = of_kind(&log(&test.app, job).await, "CUSTOM")
        .into_iter()
        .filter(|event| event["name"] == "gantry.notice")
        .map(|event| event["value"]["code"].clone())
        .collect();
    assert_eq!(notices, ["cost_not_known", "tokens_not_counted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_reaches_a_streaming_model_and_what_was_said_stays() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let model =
            FakeModel::start(vec![Reply::Slow(vec!["once ", "upon ", "a ", "time "], Duration::from_millis(400))])
                .await;
        let project = project(&test.app, &spec("react", json!([]))).await;
        let provider = provider(&admin, &model.url).await;
        test.start_workers().await;
        let (run, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
        wait_for_event(&test.app, job, |event| event["event"]["delta"] == "once ").await;
        let asked = Instant::now();
        admin.post(&format!("/api/v1/runs/{run}:cancel"), json!({})).await.expect(202);
        let run = wait_for_end(&admin, run).await;
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        assert_eq!(run["state"], "cancelled", "{run}");
        let log = log(&test.app, job).await;
        assert_sound(&log);
        assert!(said(&log).starts_with("once "), "{}", said(&log));
        assert_eq!(of_kind(&log, "RUN_FINISHED")[0]["outcome"]["type"], "cancelled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_with_their_path() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let project = project(&test.app, &spec("react", json!([]))).await;
    let runs = format!("/api/v1/projects/{project}/runs");
    for (body, path, code) in [
        (json!({"input": "  "}), "/input", "input_empty"),
        (json!({"input": "é".repeat(32_769)}), "/input", "input_too_long"),
        (json!({"input": "x", "providerId": Uuid::now_v7()}), "/providerId", "provider_unknown"),
        (json!({"input": "x", "model": "gpt"}), "/model", "model_without_provider"),
        (json!({"input": "x", "mode": "yolo"}), "/mode", "invalid_value"),
    ] {
        let problem = admin.post(&runs, body).await.expect(422).json();
        assert_eq!(
            (&problem["errors"][0]["path"], &problem["errors"][0]["code"]),
            (&json!(path), &json!(code)),
            "{problem}"
        );
    }
    admin.post(&runs, json!({"input": "é".repeat(32_768)})).await.expect(202);
    let nobody = Uuid::now_v7();
    admin.post(&format!("/api/v1/projects/{nobody}/runs"), json!({"input": "x"})).await.expect(404);
    admin.post(&format!("/api/v1/approvals/{nobody}:decide"), json!({"approve": true})).await.expect(404);
    for path in ["runs", "sessions"] {
        admin.get(&format!("/api/v1/{path}/{nobody}")).await.expect(404);
    }
    let reader = test.token(&["read"]).await;
    reader.post(&runs, json!({"input": "x"})).await.expect(403);
    test.anonymous().get(&runs).await.expect(401);
    let page = admin.get(&format!("{runs}?limit=1")).await.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_was_deleted_fails_the_run_and_is_not_replaced() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![Reply::Text("x")]).await;
    let project = project(&test.app, &spec("react", json!([]))).await;
    let provider = provider(&admin, &model.url).await;
    let (run, job) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
    admin.delete(&format!("/api/v1/providers/{}", provider.as_str().unwrap())).await.expect(204);
    test.start_workers().await;
    let run = wait_for_end(&admin, run).await;
    assert_eq!(run["reason"]["code"], "provider_unavailable", "{run}");
    assert_sound(&log(&test.app, job).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_of_a_provider_says_what_it_found() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![Reply::Plain("yes")]).await;
    for (url, ok, words) in [
        (model.url.clone(), true, "answers for fake-1, the one model"),
        (format!("{}/elsewhere", model.url), false, "404"),
        ("http://127.0.0.1:9/v1".to_owned(), false, "cannot be reached"),
    ] {
        let provider = provider(&admin, &url).await;
        let path = format!("/api/v1/providers/{}:test", provider.as_str().unwrap());
        let found = admin.post(&path, json!({})).await.expect(200).json();
        assert_eq!(found["ok"], ok, "{found}");
        assert!(found["message"].as_str().unwrap().contains(words), "{found}");
        assert!(!found.to_string().contains("sk-secret-key"), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_runs_alone_whatever_the_pattern() {
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("calculator", r#"{"expression":"6 * 7"}"#)]),
        Reply::Text("It is 42."),
        Reply::Text("A page."),
    ])
    .await;
    let mut spec = spec("graph", json!([calculator(), writer()]));
    spec["agents"][0]["tools"] = json!(["calculator"]);
    spec["agents"].as_array_mut().unwrap().push(json!({"id": "other", "role": "Other", "instructions": "Write."}));
    spec["tasks"] = json!([
        {"id": "count", "agent": "helper", "description": "Count."},
        {"id": "write", "agent": "other", "description": "Write a page.", "dependsOn": ["count"]},
    ]);
    spec["graph"] = json!({"start": "count", "edges": [{"from": "count", "to": "write"}]});
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let project = project(&test.app, &spec).await;
    let provider = provider(&admin, &model.url).await;
    test.start_workers().await;

    let body = json!({"input": "What is 6 * 7?", "providerId": provider, "step": {"agent": "helper"}});
    let (run, job) = start(&admin, project, body).await;
    let run = wait_for_end(&admin, run).await;
    assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("It is 42.")), "{run}");
    let log = log(&test.app, job).await;
    assert_sound(&log);
    assert_eq!(results(&log), ["42"]);

    let body = json!({"input": "About rain.", "providerId": provider, "step": {"task": "write"}});
    let (run, _) = start(&admin, project, body).await;
    assert_eq!(wait_for_end(&admin, run).await["output"], "A page.");
    let requests = model.requests();
    let asked = requests[2]["messages"].as_array().unwrap();
    assert_eq!(asked[0], json!({"role": "system", "content": "Write."}));
    assert!(asked.last().unwrap()["content"].as_str().unwrap().contains("Write a page."), "{asked:?}");
    assert!(
        requests[2].get("tools").is_none_or(|tools| tools.as_array().is_none_or(Vec::is_empty)),
        "{:?}",
        requests[2]
    );

    for (step, path) in [(json!({"agent": "gone"}), "/step/agent"), (json!({"task": "gone"}), "/step/task")] {
        let body = json!({"input": "x", "step": step});
        let problem = admin.post(&format!("/api/v1/projects/{project}/runs"), body).await.expect(422).json();
        assert_eq!(
            (&problem["errors"][0]["code"], &problem["errors"][0]["path"]),
            (&json!("step_unknown"), &json!(path))
        );
    }
    let body = json!({"input": "x", "step": {"tool": "calculator"}});
    admin.post(&format!("/api/v1/projects/{project}/runs"), body).await.expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_done_again_with_the_spec_that_it_had() {
    for_both(|test| async move {
        let model = FakeModel::start(vec![Reply::Text("First."), Reply::Text("Second."), Reply::Text("Third.")]).await;
        let admin = test.admin().await;
        let spec = spec("react", json!([]));
        let project = project(&test.app, &spec).await;
        let provider = provider(&admin, &model.url).await;
        test.start_workers().await;
        let body = json!({"input": "One?", "mode": "safe", "providerId": provider, "model": "fake-2"});
        let (first, _) = start(&admin, project, body).await;
        wait_for_end(&admin, first).await;

        // The project changes; the run that is done again does not.
        let mut changed = spec.clone();
        changed["agents"][0]["instructions"] = json!("Refuse.");
        let write = "UPDATE project SET spec = $2 WHERE id = $1";
        test.app.db.sql(write).bind(project).bind(changed).execute().await.unwrap();
        let path = format!("/api/v1/runs/{first}:again");
        let again = admin.post(&path, json!({"input": "Two?"})).await.expect(202).json();
        let second = wait_for_end(&admin, id(&again["id"])).await;
        assert_eq!((&second["state"], &second["output"]), (&json!("done"), &json!("Second.")), "{second}");
        assert_eq!(
            (&second["input"], &second["mode"], &second["model"]),
            (&json!("Two?"), &json!("safe"), &json!("fake-2"))
        );
        let same = admin.post(&path, json!({})).await.expect(202).json();
        assert_eq!(wait_for_end(&admin, id(&same["id"])).await["input"], "One?");
        let asked: Vec<Value> = model.requests().iter().map(|request| request["messages"].clone()).collect();
        assert_eq!(asked[1], json!([{"role": "system", "content": "Help."}, {"role": "user", "content": "Two?"}]));

        // Newest first, a page at a time.
        let page = admin.get(&format!("/api/v1/projects/{project}/runs?limit=2")).await.expect(200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        assert_eq!(page["items"][1]["id"], again["id"]);
        let cursor = page["nextCursor"].as_str().unwrap();
        let path_of_rest = format!("/api/v1/projects/{project}/runs?limit=2&cursor={cursor}");
        let rest = admin.get(&path_of_rest).await.expect(200).json();
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["nextCursor"]), (1, &Value::Null));
        assert_eq!(id(&rest["items"][0]["id"]), first);

        let problem = admin.post(&path, json!({"input": " "})).await.expect(422).json();
        assert_eq!(problem["errors"][0]["code"], "input_empty");
        admin.post(&format!("/api/v1/runs/{}:again", Uuid::now_v7()), json!({})).await.expect(404);
    })
    .await;
}
