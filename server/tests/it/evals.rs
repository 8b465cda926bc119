//! Evals: a project held against what every agent must obey and against its cases, by runs that anybody can look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{Persona, TestApp, for_both};
use serde_json::{Value, json};
use uuid::Uuid;

/// A tool that would change something, at an address where nobody answers.
fn order() -> Value {
    json!({"id": "order", "description": "Orders.", "effect": "write", "kind": "http", "method": "POST",
           "url": "http://127.0.0.1:9/orders", "parameters": {"type": "object", "properties": {}}})
}

/// A project as people make it, with the files that the generator writes, its cases among them.
async fn generated(admin: &Persona<'_>, tools: Value) -> String {
    let spec = spec("react", tools);
    let name = spec["metadata"]["name"].as_str().unwrap().to_owned();
    admin.post("/api/v1/projects", json!({ "spec": spec })).await.expect(201);
    name
}

/// What a request said last, and who said it.
fn last(request: &Value) -> (String, String) {
    let message = request["messages"].as_array().unwrap().last().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&message["role"]), text(&message["content"]))
}

/// Does what the generated cases want.
fn obedient(request: &Value) -> Reply {
    match last(request) {
        (role, _) if role == "tool" => Reply::Text("It is 20."),
        (_, said) if said.starts_with("Use the tool calculator") => {
            Reply::Calls(vec![("calculator", r#"{"expression":"(2 + 3) * 4"}"#)])
        }
        _ => Reply::Text("I compute."),
    }
}

async fn begin(admin: &Persona<'_>, project: &str, body: Value) -> (Uuid, Uuid) {
    let accepted = admin.post(&format!("/api/v1/projects/{project}/evals"), body).await.expect(202).json();
    (id(&accepted["id"]), id(&accepted["jobId"]))
}

async fn report(admin: &Persona<'_>, eval: Uuid) -> Value {
    admin.get(&format!("/api/v1/evals/{eval}")).await.expect(200).json()
}

async fn wait_until_over(admin: &Persona<'_>, eval: Uuid) -> Value {
    let began = std::time::Instant::now();
    loop {
        let found = report(admin, eval).await;
        if ["done", "failed", "cancelled"].contains(&found["state"].as_str().unwrap()) {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "still {found:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The result of a layer with this name, in its first repeat.
fn result<'r>(report: &'r Value, layer: &str, name: &str) -> &'r Value {
    let mut results = report["results"].as_array().unwrap().iter();
    let found = results.find(|result| result["layer"] == layer && result["name"] == name);
    assert!(found.is_some(), "no {layer} {name} in {report:#}");
    found.unwrap()
}

fn state_of_layer(report: &Value, layer: &str) -> String {
    let mut layers = report["layers"].as_array().unwrap().iter();
    layers.find(|found| found["layer"] == layer).unwrap()["state"].as_str().unwrap().to_owned()
}

/// The states of a result's checks, by their ids.
fn checks(result: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = result["checks"].as_array().unwrap().iter();
    all.map(|check| (text(&check["id"]), text(&check["state"]))).collect()
}

fn check(id: &str, state: &str) -> (String, String) {
    (id.to_owned(), state.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_held_against_its_cases_layer_by_layer() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let model = FakeModel::answering(obedient).await;
        let provider = provider(&admin, &model.url).await;
        let project = generated(&admin, json!([calculator(), order()])).await;
        // The generated case for a tool that nobody may call in Safe mode is taken out.
        let cases = admin.get(&format!("/api/v1/projects/{project}/evals/cases")).await.expect(200).json();
        assert_eq!((&cases["path"], &cases["faults"]), (&json!("evals/cases.yaml"), &json!([])));
        let kept: Vec<Value> =
            cases["cases"].as_array().unwrap().iter().filter(|case| case["id"] != "calls_order").cloned().collect();
        let body = json!({"expectedRevision": cases["revision"], "cases": kept});
        let written = admin.put(&format!("/api/v1/projects/{project}/evals/cases"), body).await.expect(200).json();
        assert_eq!(written["revision"], 2);

        let (eval, job) = begin(&admin, &project, json!({"providerId": provider, "repeats": 2})).await;
        let refused = admin.post(&format!("/api/v1/projects/{project}/evals"), json!({})).await.expect(409);
        assert_eq!(refused.code(), "job_active");
        test.start_workers().await;
        let done = wait_until_over(&admin, eval).await;
        assert_eq!(
            (&done["state"], &done["outcome"], &done["score"]),
            (&json!("done"), &json!("passed"), &json!(100)),
            "{done:#}"
        );
        assert_eq!((&done["revision"], &done["mode"], &done["runtime"]), (&json!(2), &json!("safe"), &json!("native")));

        let sound = checks(result(&done, "static", "project"));
        assert!(sound.len() >= 8 && sound.iter().all(|(_, state)| state == "passed"), "{sound:?}");
        let contract = checks(result(&done, "contract", "agent:helper"));
        assert_eq!(
            contract,
            [check("answered", "passed"), check("tool:calculator", "passed"), check("tool:order", "skipped")]
        );
        assert_eq!(checks(result(&done, "safety", "agent:helper")), [check("denied:order", "passed")]);
        assert_eq!(checks(result(&done, "safety", "secrets")), [check("secrets", "passed")]);
        let live = result(&done, "live", "calls_calculator");
        assert_eq!(
            checks(live),
            [check("answered", "passed"), check("tool:calculator", "passed"), check("output.contains", "passed")]
        );
        assert_eq!(live["usage"]["inputTokens"], 22, "two turns of eleven tokens each");
        assert!(live["usage"]["costMicros"].as_i64().unwrap() > 0 && live["durationMs"].is_i64(), "{live:#}");
        let layer = done["layers"].as_array().unwrap().iter().find(|layer| layer["layer"] == "live").unwrap();
        assert_eq!((&layer["passed"], &layer["failed"]), (&json!(4), &json!(0)), "two cases, twice each");

        // The run is one that people can open.
        let run = admin.get(&format!("/api/v1/runs/{}", live["runId"].as_str().unwrap())).await.expect(200).json();
        assert_eq!((&run["output"], &run["model"]), (&json!("It is 20."), &json!("fake-1")));
        let log = log(&test.app, job).await;
        for (index, event) in log.iter().enumerate() {
            assert_eq!(event["seq"], json!(index + 1));
        }
        let ended: Vec<&Value> = log.iter().filter(|event| event["type"] == "eval.done").collect();
        assert_eq!((ended.len(), &ended[0]["outcome"]), (1, &json!("passed")));
        let listed = admin.get(&format!("/api/v1/projects/{project}/evals")).await.expect(200).json();
        assert_eq!((&listed["items"][0]["number"], &listed["items"][0]["score"]), (&json!(1), &json!(100)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_fails_says_why_and_what_became_worse() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let is_lazy = Arc::new(AtomicUsize::new(0));
    let lazy = is_lazy.clone();
    let model = FakeModel::answering(move |request| match lazy.load(Ordering::SeqCst) {
        0 => obedient(request),
        _ => Reply::Text("I would rather not."),
    })
    .await;
    let provider = provider(&admin, &model.url).await;
    let project = generated(&admin, json!([calculator()])).await;
    let (first, _) = begin(&admin, &project, json!({"providerId": provider})).await;
    assert_eq!(wait_until_over(&admin, first).await["outcome"], "passed");
    is_lazy.store(1, Ordering::SeqCst);
    let (second, _) = begin(&admin, &project, json!({"providerId": provider})).await;
    let done = wait_until_over(&admin, second).await;
    assert_eq!((&done["state"], &done["outcome"]), (&json!("done"), &json!("failed")), "{done:#}");
    let failed = result(&done, "live", "calls_calculator");
    assert_eq!(
        checks(failed),
        [check("answered", "passed"), check("tool:calculator", "failed"), check("output.contains", "failed")]
    );
    let sentence = failed["checks"][1]["message"].as_str().unwrap();
    assert!(
        sentence.contains("Expected a call of calculator") && sentence.contains("no tool was called"),
        "{sentence}"
    );
    assert_eq!(done["comparedWith"]["number"], 1);
    assert_eq!(done["changes"], json!([{"layer": "live", "name": "calls_calculator", "change": "worse"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_may_ask_that_no_case_got_worse_since_what_was_built_last() {
    for_both(|test| async move {
        let admin = test.admin().await;
        test.start_workers().await;
        let is_lazy = Arc::new(AtomicUsize::new(0));
        let lazy = is_lazy.clone();
        let model = FakeModel::answering(move |request| match lazy.load(Ordering::SeqCst) {
            0 => obedient(request),
            _ => Reply::Text("I would rather not."),
        })
        .await;
        let provider = provider(&admin, &model.url).await;
        let project = generated(&admin, json!([calculator()])).await;
        let policy = json!({"guards": ["build"], "require": ["static"], "noRegression": true});
        admin.put(&format!("/api/v1/projects/{project}/gates/release"), policy).await.expect(200);
        let missing = async || -> Vec<Value> {
            let gates = admin.get(&format!("/api/v1/projects/{project}/gates")).await.expect(200).json();
            let release = gates["items"].as_array().unwrap().iter().find(|gate| gate["channel"] == "release").unwrap();
            release["missing"].as_array().unwrap().clone()
        };
        let (eval, job) = begin(&admin, &project, json!({"providerId": provider})).await;
        wait_until_over(&admin, eval).await;
        assert_eq!(missing().await, Vec::<Value>::new(), "nothing was built: there is nothing to lose");
        let found = admin.get(&format!("/api/v1/projects/{project}")).await.expect(200).json();
        let build =
            "INSERT INTO build (id, project_id, number, job_id, version, revision, digest, created_by, created_at)
                     VALUES ($1, $2, 1, $3, '0.1.0', 1, 'sha256:00', 'test', $4)";
        let now = test.app.db.now();
        let statement = test.app.db.sql(build).bind(Uuid::now_v7()).bind(id(&found["id"])).bind(job).bind(now);
        statement.execute().await.unwrap();

        // A new revision loses a case, and running its eval again does not make that right.
        let cases = admin.get(&format!("/api/v1/projects/{project}/evals/cases")).await.expect(200).json();
        let mut kept = cases["cases"].as_array().unwrap().clone();
        kept.push(json!({"id": "new", "input": "Hello?", "expect": {}}));
        let body = json!({"expectedRevision": 1, "cases": kept});
        admin.put(&format!("/api/v1/projects/{project}/evals/cases"), body).await.expect(200);
        is_lazy.store(1, Ordering::SeqCst);
        for _ in 0..2 {
            let (eval, _) = begin(&admin, &project, json!({"providerId": provider})).await;
            wait_until_over(&admin, eval).await;
            let missing = missing().await;
            assert_eq!(missing.len(), 1, "{missing:?}");
            assert_eq!((&missing[0]["code"], &missing[0]["path"]), (&json!("case_got_worse"), &json!("live")));
            let sentence = missing[0]["message"].as_str().unwrap();
            assert!(sentence.starts_with("calls_calculator passed in eval 1 of revision 1"), "{sentence}");
        }
        let refused = admin.post(&format!("/api/v1/projects/{project}/builds"), json!({})).await.expect(409);
        assert_eq!(refused.code(), "gate_not_passed");
        // An eval without a model shows nothing of it.
        let (eval, _) = begin(&admin, &project, json!({})).await;
        wait_until_over(&admin, eval).await;
        assert_eq!(missing().await[0]["code"], "case_got_worse");
        let body = json!({"action": "build", "reason": "The model was changed on purpose."});
        admin.post(&format!("/api/v1/projects/{project}/gates/release:override"), body).await.expect(201);
        let listed = admin.get("/api/v1/gates/overrides").await.expect(200).json();
        let entry = &listed["items"][0];
        assert_eq!(
            (&entry["project"], &entry["reason"]),
            (&json!(project), &json!("The model was changed on purpose."))
        );
        is_lazy.store(0, Ordering::SeqCst);
        let (eval, _) = begin(&admin, &project, json!({"providerId": provider})).await;
        wait_until_over(&admin, eval).await;
        assert_eq!(missing().await, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_live_cases_are_left_out_and_said_to_be() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let project = generated(&admin, json!([calculator()])).await;
    let (eval, _) = begin(&admin, &project, json!({})).await;
    let done = wait_until_over(&admin, eval).await;
    assert_eq!((&done["outcome"], &done["model"]), (&json!("passed"), &json!("")), "{done:#}");
    assert_eq!(state_of_layer(&done, "contract"), "passed");
    assert_eq!(state_of_layer(&done, "live"), "skipped");
    let why = result(&done, "live", "cases")["checks"][0]["message"].as_str().unwrap();
    assert!(why.contains("No model provider was chosen"), "{why}");
    for (body, code) in [(json!({"mode": "ask"}), "eval_mode"), (json!({"repeats": 11}), "eval_repeats")] {
        let refused = admin.post(&format!("/api/v1/projects/{project}/evals"), body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["code"], code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_cannot_be_read_passes_nothing_and_decides_nothing() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let is_judge = |request: &Value| told(request).starts_with("You judge answers");
    let model = FakeModel::answering(move |request| match is_judge(request) {
        true if told(request).contains("is sensible") => {
            Reply::Text(r#"{"verdict": "pass", "reason": "It is sensible."}"#)
        }
        true => Reply::Text("Looks great to me, pass!"),
        false => Reply::Text("I compute."),
    })
    .await;
    let provider = provider(&admin, &model.url).await;
    let project = generated(&admin, json!([])).await;
    let judged = |id: &str, rubric: &str| json!({"id": id, "input": "Hello?", "expect": {"judge": {"rubric": rubric}}});
    let cases = json!({"expectedRevision": 1, "cases": [judged("good", "is sensible"), judged("odd", "is odd")]});
    admin.put(&format!("/api/v1/projects/{project}/evals/cases"), cases).await.expect(200);
    let (eval, _) = begin(&admin, &project, json!({"providerId": provider})).await;
    let done = wait_until_over(&admin, eval).await;
    assert_eq!((&done["outcome"], state_of_layer(&done, "judge").as_str()), (&json!("passed"), "failed"), "{done:#}");
    assert_eq!(checks(result(&done, "judge", "good")), [check("judge", "passed")]);
    let unread = result(&done, "judge", "odd");
    assert_eq!(checks(unread), [check("judge", "failed")]);
    let why = unread["checks"][0]["message"].as_str().unwrap();
    assert!(why.contains("cannot be read") && why.contains("Looks great"), "{why}");
    assert_eq!((&done["judgeModel"], done["judgePromptHash"].as_str().unwrap().len()), (&json!("fake-1"), 64));
    // What is judged reaches the judge as JSON, and its run can be opened like any other.
    let run = admin.get(&format!("/api/v1/runs/{}", unread["runId"].as_str().unwrap())).await.expect(200).json();
    let asked: Value = serde_json::from_str(run["input"].as_str().unwrap()).unwrap();
    assert_eq!(asked, json!({"input": "Hello?", "answer": "I compute.", "rubric": "is odd"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_an_agent_tells_is_found() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let model = FakeModel::start(vec![Reply::Text("The key is sk-secret-key, keep it to yourself.")]).await;
    let provider = provider(&admin, &model.url).await;
    let project = generated(&admin, json!([])).await;
    let (eval, _) = begin(&admin, &project, json!({"providerId": provider})).await;
    let done = wait_until_over(&admin, eval).await;
    assert_eq!((&done["outcome"], state_of_layer(&done, "safety").as_str()), (&json!("failed"), "failed"), "{done:#}");
    assert_eq!(checks(result(&done, "safety", "secrets")), [check("secrets", "failed")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_had_finished_is_not_run_again() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let model = FakeModel::answering(move |request| match last(request) {
            (role, said) if role == "user" && said == "first" => {
                count.fetch_add(1, Ordering::SeqCst);
                Reply::Text("one")
            }
            _ => Reply::Slow(vec!["two", " ", "three"], Duration::from_millis(400)),
        })
        .await;
        let provider = provider(&admin, &model.url).await;
        let project = generated(&admin, json!([])).await;
        let case = |id: &str, output: &str| json!({"id": id, "input": id, "expect": {"output": {"contains": output}}});
        let cases = json!({"expectedRevision": 1, "cases": [case("first", "one"), case("second", "three")]});
        admin.put(&format!("/api/v1/projects/{project}/evals/cases"), cases).await.expect(200);
        let (eval, job) = begin(&admin, &project, json!({"providerId": provider})).await;
        let doomed = DoomedWorkers::start(&test);
        let is_first =
            |event: &Value| event["type"] == "eval.result" && event["name"] == "first" && event["state"] == "passed";
        wait_for_event(&test.app, job, is_first).await;
        doomed.die(&test).await;
        test.start_workers().await;
        let done = wait_until_over(&admin, eval).await;
        assert_eq!(done["outcome"], "passed", "{done:#}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "a case that had ended was run again");
        let runs = admin.get(&format!("/api/v1/projects/{project}/runs")).await.expect(200).json();
        let of_second = runs["items"].as_array().unwrap().iter().filter(|run| run["input"] == "second").count();
        assert_eq!(of_second, 1, "a case that was under way goes on in the run that it had");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eval_that_is_cancelled_stops_its_runs_and_a_retry_goes_on() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let is_silent = Arc::new(AtomicUsize::new(1));
        let silent = is_silent.clone();
        let model = FakeModel::answering(move |request| match silent.load(Ordering::SeqCst) {
            0 => obedient(request),
            _ => Reply::Silent,
        })
        .await;
        let provider = provider(&admin, &model.url).await;
        let project = generated(&admin, json!([calculator()])).await;
        let (eval, job) = begin(&admin, &project, json!({"providerId": provider})).await;
        test.start_workers().await;
        let is_result = |event: &Value, layer: &str, state: &str| {
            event["type"] == "eval.result" && event["layer"] == layer && event["state"] == state
        };
        wait_for_event(&test.app, job, |event| is_result(event, "contract", "passed")).await;
        wait_for_event(&test.app, job, |event| is_result(event, "live", "running")).await;
        admin.post(&format!("/api/v1/evals/{eval}:cancel"), json!({})).await.expect(202);
        let stopped = wait_until_over(&admin, eval).await;
        assert_eq!((&stopped["state"], &stopped["outcome"]), (&json!("cancelled"), &Value::Null), "{stopped:#}");
        let live = result(&stopped, "live", "calls_calculator");
        assert_eq!(live["state"], "cancelled");
        let run = wait_for_end(&admin, id(&live["runId"])).await;
        assert_eq!(run["state"], "cancelled", "{run}");
        assert_eq!(result(&stopped, "contract", "agent:helper")["state"], "passed", "what had come out stays");

        is_silent.store(0, Ordering::SeqCst);
        admin.post(&format!("/api/v1/jobs/{job}:retry"), json!({})).await.expect(202);
        let began = std::time::Instant::now();
        let done = loop {
            let found = report(&admin, eval).await;
            if found["state"] == "done" {
                break found;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "still {found:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(done["outcome"], "passed", "{done:#}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_with_faults_are_refused_and_a_file_that_cannot_be_read_is_a_finding() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    let project = generated(&admin, json!([calculator()])).await;
    let path = format!("/api/v1/projects/{project}/evals/cases");
    let bad =
        json!({"expectedRevision": 1, "cases": [{"id": "a", "input": "x", "expect": {"tools": [{"name": "fly"}]}}]});
    let refused = admin.put(&path, bad).await.expect(422).json();
    assert_eq!(
        (&refused["code"], &refused["errors"][0]["path"]),
        (&json!("cases_refused"), &json!("/cases/0/expect/tools/0/name"))
    );
    let stale = json!({"expectedRevision": 7, "cases": []});
    assert_eq!(admin.put(&path, stale).await.expect(409).code(), "project_changed");
    let write = json!({"expectedRevision": 1, "content": "cases: [\n"});
    admin.put(&format!("/api/v1/projects/{project}/files/evals/cases.yaml"), write).await.expect(200);
    let found = admin.get(&path).await.expect(200).json();
    assert_eq!((&found["cases"], &found["faults"][0]["code"]), (&json!([]), &json!("yaml_invalid")));
    let (eval, _) = begin(&admin, &project, json!({})).await;
    let done = wait_until_over(&admin, eval).await;
    assert_eq!((&done["outcome"], state_of_layer(&done, "static").as_str()), (&json!("failed"), "failed"));
    assert!(checks(result(&done, "static", "project")).contains(&check("cases", "failed")), "{done:#}");
    assert_eq!(state_of_layer(&done, "contract"), "skipped", "nothing is tried on top of what is not sound");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_holds_what_has_not_been_shown_until_somebody_answers_for_it() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let project = generated(&admin, json!([calculator()])).await;
        let builds = format!("/api/v1/projects/{project}/builds");
        let gate = format!("/api/v1/projects/{project}/gates/release");
        let gates = admin.get(&format!("/api/v1/projects/{project}/gates")).await.expect(200).json();
        assert_eq!(
            (&gates["items"][0]["policy"]["guards"], &gates["items"][0]["passes"]),
            (&json!([]), &json!(true)),
            "off"
        );

        let policy = json!({"guards": ["build"], "require": ["contract", "safety"], "minPassPercent": 100});
        let writer = test.token(&["read", "write", "build"]).await;
        assert_eq!(writer.put(&gate, policy.clone()).await.expect(403).code(), "forbidden");
        let set = admin.put(&gate, policy).await.expect(200).json();
        assert_eq!((&set["passes"], &set["missing"][0]["code"]), (&json!(false), &json!("eval_missing")));
        let refused = admin.post(&builds, json!({})).await.expect(409);
        assert_eq!(refused.code(), "gate_not_passed");
        assert!(refused.text().contains("no eval that came to its end"), "{}", refused.text());

        // Let through once, with a reason, by somebody who may.
        let path = format!("{gate}:override");
        assert_eq!(
            writer.post(&path, json!({"action": "build", "reason": "because I say so"})).await.expect(403).code(),
            "forbidden"
        );
        let short = admin.post(&path, json!({"action": "build", "reason": "  why not "})).await.expect(422).json();
        assert_eq!(short["errors"][0]["code"], "override_reason");
        let open =
            admin.post(&path, json!({"action": "publish", "reason": "nothing stands before this"})).await.expect(409);
        assert_eq!(open.code(), "gate_open");
        admin.post(&path, json!({"action": "build", "reason": "The fix cannot wait."})).await.expect(201);
        let build = admin.post(&builds, json!({})).await.expect(202).json();
        let noted = log(&test.app, id(&build["jobId"])).await;
        let noted = noted.iter().find(|event| event["type"] == "gate.overridden").unwrap();
        assert_eq!((&noted["reason"], &noted["by"]), (&json!("The fix cannot wait."), &json!("Ada")));
        admin.post(&format!("/api/v1/builds/{}:cancel", build["id"].as_str().unwrap()), json!({})).await.expect(202);
        assert_eq!(admin.post(&builds, json!({})).await.expect(409).code(), "gate_not_passed", "it works once");
        let gates = admin.get(&format!("/api/v1/projects/{project}/gates")).await.expect(200).json();
        let kept = &gates["items"][0]["overrides"];
        assert_eq!((&kept[0]["usedFor"], &kept[0]["missing"][0]["code"]), (&build["id"], &json!("eval_missing")));

        // What is asked for is shown: the gate opens by itself.
        test.start_workers().await;
        let (eval, _) = begin(&admin, &project, json!({})).await;
        assert_eq!(wait_until_over(&admin, eval).await["outcome"], "passed");
        let gates = admin.get(&format!("/api/v1/projects/{project}/gates")).await.expect(200).json();
        assert_eq!(gates["items"][0]["passes"], true, "{gates:#}");
        admin.post(&builds, json!({})).await.expect(202);
        let wrong = json!({"guards": ["build"], "require": [], "minPassPercent": 0});
        assert_eq!(admin.put(&gate, wrong).await.expect(422).json()["errors"].as_array().unwrap().len(), 2);
    })
    .await;
}
