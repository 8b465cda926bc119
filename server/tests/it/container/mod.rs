//! Generated projects in containers of the real Docker Engine, with the gateway as their only way out.

mod hostile;
mod lost;

use std::collections::HashMap;

use gantry_domain::api::job::{Job, JobState};
use gantry_domain::matrix::{Framework, Language};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{Answer, Persona, TestApp, world};

/// A server with an engine and workers; none when there is no engine to be tested with.
async fn with_engine(flags: &[&str]) -> Option<TestApp> {
    let address = world::engine().await?;
    let all: Vec<&str> = ["--docker", &address].into_iter().chain(flags.iter().copied()).collect();
    Some(TestApp::sqlite_with(&all).await)
}

/// A spec of one agent with these tools, for a framework.
pub(crate) fn spec_for(framework: Framework, tools: Value) -> Value {
    let mut spec = spec("react", tools);
    spec["metadata"]["name"] = json!(world::unique(framework.as_str()));
    spec["target"]["framework"] = json!(framework.as_str());
    spec["target"]["language"] = json!(framework.language().as_str());
    spec["agents"][0]["maxSteps"] = json!(8);
    if framework.language() == Language::Typescript {
        spec["build"] = json!({"base": "node:22-slim"});
    }
    spec
}

/// A tool with an effect that a generated project has as well.
pub(crate) fn writer() -> Value {
    let mut tool = crate::support::stories::writer();
    tool["parameters"] = gantry_domain::spec::Builtin::TextStatistics.parameters();
    tool
}

/// A Python function of the project's own.
pub(crate) fn python(id: &str, body: &str) -> Value {
    json!({
        "id": id, "description": format!("Tries to {id}."), "effect": "exec", "kind": "python", "body": body,
        "timeoutMs": 60_000, "parameters": {"type": "object", "properties": {}},
    })
}

/// Creates a project and builds its image; the project's id.
async fn built(test: &TestApp, admin: &Persona<'_>, spec: &Value) -> Uuid {
    let project = admin.post("/api/v1/projects", json!({"spec": spec})).await.expect(201).json();
    build(test, admin, id(&project["id"])).await;
    id(&project["id"])
}

async fn build(test: &TestApp, admin: &Persona<'_>, project: Uuid) {
    let accepted = admin.post(&format!("/api/v1/projects/{project}/builds"), json!({})).await.expect(202).json();
    let job = world::job_ends(test, accepted["jobId"].as_str().unwrap()).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
}

/// Starts a run in a container.
async fn start_in_container(admin: &Persona<'_>, project: Uuid, provider: &Value, mode: &str) -> (Uuid, Uuid) {
    let body = json!({"input": "What is 6 * 7?", "mode": mode, "providerId": provider, "runtime": "container"});
    start(admin, project, body).await
}

/// Waits for a run's end, and gives it with its job and a log that obeys the rules.
async fn ended(test: &TestApp, admin: &Persona<'_>, run: Uuid, job: Uuid) -> (Value, Job, Vec<Value>) {
    let ended = world::job_ends(test, &job.to_string()).await;
    let log = log(&test.app, job).await;
    assert_sound(&log);
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains("sk-secret-key"), "the provider's key is in the log");
    assert!(!text.contains("gantry_run_"), "the run's token is in the log");
    assert_eq!(containers(test, run).await, 0, "its container is gone");
    (admin.get(&format!("/api/v1/runs/{run}")).await.expect(200).json(), ended, log)
}

/// Takes what a story has put into the engine out of it.
async fn tidy(test: &TestApp, admin: &Persona<'_>, project: Uuid) {
    let images = admin.get(&format!("/api/v1/projects/{project}/images")).await.expect(200).json();
    for image in images["items"].as_array().unwrap() {
        let hex = image["digest"].as_str().unwrap().trim_start_matches("sha256:");
        for name in test.app.docker.image_names(&format!("gantry-run/*:{hex}")).await.unwrap() {
            test.app.docker.remove_image(&name).await.unwrap();
        }
    }
}

/// How many containers there are for a run.
async fn containers(test: &TestApp, run: Uuid) -> usize {
    test.app.docker.labelled_containers("dev.gantry.run", &run.to_string()).await.unwrap().len()
}

/// Waits until a call is held that was not seen before, and decides it.
pub(crate) async fn decide_next(
    test: &TestApp,
    admin: &Persona<'_>,
    job: Uuid,
    seen: &mut HashMap<String, Value>,
    body: Value,
) -> Answer {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(300);
    loop {
        let asked = log(&test.app, job).await.into_iter().filter(|event| event["type"] == "approval.requested");
        let news = asked
            .map(|event| event["approval"].clone())
            .find(|approval| !seen.contains_key(approval["id"].as_str().unwrap()));
        if let Some(approval) = news {
            let id = approval["id"].as_str().unwrap().to_owned();
            seen.insert(id.clone(), approval);
            return admin.post(&format!("/api/v1/approvals/{id}:decide"), body).await;
        }
        assert!(std::time::Instant::now() < until, "nothing was asked: {:#?}", log(&test.app, job).await);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_project_answers_from_its_container_in_the_same_language_of_events() {
    let Some(test) = with_engine(&[]).await else { return };
    test.start_workers().await;
    let admin = test.admin().await;
    let project = built(&test, &admin, &spec_for(Framework::React, json!([calculator()]))).await;
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("calculator", r#"{"expression":"6 * 7"}"#)]),
        Reply::Text("It is 42."),
    ])
    .await;
    let provider = provider(&admin, &model.url).await;
    let (run, job) = start_in_container(&admin, project, &provider, "ask").await;
    let (run, job, log) = ended(&test, &admin, run, job).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    assert_eq!((&run["output"], &run["runtime"]), (&json!("It is 42."), &json!("container")), "{run}");
    let images = admin.get(&format!("/api/v1/projects/{project}/images")).await.json();
    assert_eq!(run["image"], images["items"][0]["digest"]);
    assert_eq!(results(&log), ["42"]);
    assert_eq!(said(&log), "It is 42.", "said once, though two witnesses know");
    assert_eq!(of_kind(&log, "TOOL_CALL_START").len(), 1);
    assert_eq!((&run["usage"]["modelCalls"], &run["usage"]["toolCalls"]), (&json!(2), &json!(1)));
    assert_eq!(model.keys(), ["Bearer sk-secret-key"; 2], "the gateway puts the key in");
    assert_eq!(model.requests()[1]["messages"][3]["content"], "42", "the project's own tool ran");
    let left: Vec<(i64,)> = test.app.db.sql("SELECT count(*) FROM gateway_access").all().await.unwrap();
    assert_eq!(left, [(0,)], "its door is closed");

    // A limit that is reached is told as one, whatever words the project finds for it.
    let mut limited = spec_for(Framework::React, json!([calculator()]));
    limited["guardrails"] = json!({"maxTokens": 1});
    let limited = built(&test, &admin, &limited).await;
    let costly = r#"{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"calculator","arguments":"{\"expression\":\"6 * 7\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":11,"completion_tokens":7}}"#;
    let model = FakeModel::start(vec![Reply::Raw("application/json", costly)]).await;
    let talkative = crate::support::stories::provider(&admin, &model.url).await;
    let (over, job) = start_in_container(&admin, limited, &talkative, "ask").await;
    let (over, job, _) = ended(&test, &admin, over, job).await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "token_budget"), "{reason:?}");
    assert_eq!((&over["usage"]["inputTokens"], &over["usage"]["outputTokens"]), (&json!(11), &json!(7)), "{over}");
    tidy(&test, &admin, limited).await;

    // The same once more, without a provider: the rehearsal model speaks through the gateway as well.
    let again = admin.post(&format!("/api/v1/runs/{}:again", run["id"].as_str().unwrap()), json!({})).await;
    let again = admin.get(&format!("/api/v1/runs/{}", again.expect(202).json()["id"].as_str().unwrap())).await.json();
    assert_eq!((&again["runtime"], &again["image"]), (&json!("container"), &run["image"]));
    let body = json!({"input": "What is 6 * 7?", "runtime": "container", "image": run["image"]});
    let (rehearsed, job) = start(&admin, project, body).await;
    let (rehearsed, job, log) = ended(&test, &admin, rehearsed, job).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    assert_eq!(results(&log), ["42"]);
    assert!(!rehearsed["output"].as_str().unwrap().is_empty(), "{rehearsed}");
    world::job_ends(&test, again["jobId"].as_str().unwrap()).await;
    tidy(&test, &admin, project).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_ask_mode_every_framework_is_held_edited_and_denied_like_the_native_runtime() {
    let Some(test) = with_engine(&[]).await else { return };
    test.start_workers().await;
    let admin = test.admin().await;
    for framework in [Framework::React, Framework::Langgraph, Framework::AgentFramework] {
        let project = built(&test, &admin, &spec_for(framework, json!([calculator(), writer()]))).await;
        let write = || Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)]);
        let model = FakeModel::start(vec![write(), write(), Reply::Text("One was counted.")]).await;
        let provider = provider(&admin, &model.url).await;
        let (run, job) = start_in_container(&admin, project, &provider, "ask").await;
        let mut seen = HashMap::new();
        let edited = json!({"approve": true, "arguments": {"text": "four words are here"}});
        decide_next(&test, &admin, job, &mut seen, edited).await.expect(200);
        decide_next(&test, &admin, job, &mut seen, json!({"approve": false})).await.expect(200);
        let (run, job, log) = ended(&test, &admin, run, job).await;
        assert_eq!(job.state, JobState::Done, "{framework:?} {job:#?}");
        assert_eq!(run["output"], "One was counted.", "{framework:?}");
        let results = results(&log);
        assert_eq!(results.len(), 2, "{framework:?} {results:?}");
        assert!(results[0].contains("\"words\":4") || results[0].contains("\"words\": 4"), "{framework:?} {results:?}");
        assert!(results[1].starts_with("Denied: Ada did not allow"), "{framework:?} {results:?}");
        let heard = json!(model.requests()[2]["messages"]).to_string();
        assert!(heard.contains("Denied: Ada did not allow"), "{framework:?}: the model hears of it: {heard}");
        assert_eq!(seen.len(), 2, "{framework:?}: nothing is asked twice");
        tidy(&test, &admin, project).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_in_a_container_remembers_and_a_project_without_an_image_says_what_to_do() {
    let Some(test) = with_engine(&[]).await else { return };
    test.start_workers().await;
    let admin = test.admin().await;
    let mut spec = spec_for(Framework::React, json!([calculator()]));
    spec["memory"] = json!({"kind": "thread"});
    let project = admin.post("/api/v1/projects", json!({"spec": spec})).await.expect(201).json();
    let project = id(&project["id"]);
    let runs = format!("/api/v1/projects/{project}/runs");
    let fault = |answer: Answer| answer.expect(422).json()["errors"][0]["code"].as_str().unwrap().to_owned();
    assert_eq!(fault(admin.post(&runs, json!({"input": "x", "runtime": "container"})).await), "image_missing");
    let digest = format!("sha256:{}", "0".repeat(64));
    let named = json!({"input": "x", "runtime": "container", "image": digest});
    assert_eq!(fault(admin.post(&runs, named).await), "image_unknown");
    let native = json!({"input": "x", "image": digest});
    assert_eq!(fault(admin.post(&runs, native).await), "image_without_container");
    let step = json!({"input": "x", "runtime": "container", "step": {"agent": "helper"}});
    assert_eq!(fault(admin.post(&runs, step).await), "step_in_container");

    let sessions = format!("/api/v1/projects/{project}/sessions");
    let model = FakeModel::start(vec![Reply::Text("Hello."), Reply::Text("Ada.")]).await;
    let provider = provider(&admin, &model.url).await;
    let session = admin.post(&sessions, json!({"providerId": provider})).await.expect(201).json();
    assert_eq!(session["runtime"], "native");
    let address = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    let changed = admin.patch(&address, json!({"runtime": "container"})).await.expect(200).json();
    assert_eq!(changed["runtime"], "container");
    let say = format!("{address}/messages");
    assert_eq!(fault(admin.post(&say, json!({"text": "I am Ada."})).await), "image_missing");
    build(&test, &admin, project).await;
    for words in ["I am Ada.", "Who am I?"] {
        let turn = admin.post(&say, json!({"text": words})).await.expect(202).json();
        let (_, job, _) = ended(&test, &admin, id(&turn["id"]), id(&turn["jobId"])).await;
        assert_eq!(job.state, JobState::Done, "{job:#?}");
    }
    let heard = model.requests()[1]["messages"].as_array().unwrap().clone();
    let heard: Vec<&str> = heard[1..].iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(heard, ["I am Ada.", "Hello.", "Who am I?"]);

    // Without an engine it is said at once, and everything else works.
    let lonely = test.beside(&["--docker", "unix:///nowhere/docker.sock"]).await;
    let persona = Persona::with_headers(&lonely, admin.headers.clone());
    let refused = persona.post(&runs, json!({"input": "x", "runtime": "container"})).await.expect(503);
    assert_eq!(refused.code(), "docker_unavailable");
    assert!(refused.json()["detail"].as_str().unwrap().contains("GANTRY_DOCKER"), "{}", refused.text());
    persona.post(&runs, json!({"input": "x"})).await.expect(202);
    tidy(&test, &admin, project).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_held_against_the_same_cases_in_its_image() {
    let Some(test) = with_engine(&[]).await else { return };
    test.start_workers().await;
    let admin = test.admin().await;
    let project = built(&test, &admin, &spec_for(Framework::React, json!([calculator(), writer()]))).await;
    let model = FakeModel::answering(|request| {
        let last = request["messages"].as_array().unwrap().last().unwrap().clone();
        match (last["role"].as_str(), last["content"].as_str()) {
            (Some("tool"), _) => Reply::Text("It is 20."),
            (_, Some(said)) if said.starts_with("Use the tool calculator") => {
                Reply::Calls(vec![("calculator", r#"{"expression":"(2 + 3) * 4"}"#)])
            }
            _ => Reply::Text("I compute."),
        }
    })
    .await;
    let provider = provider(&admin, &model.url).await;
    let kept: Vec<Value> =
        admin.get(&format!("/api/v1/projects/{project}/evals/cases")).await.expect(200).json()["cases"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|case| case["id"] != "calls_writer")
            .cloned()
            .collect();
    assert!(kept.iter().any(|case| case["id"] == "calls_calculator"), "{kept:?}");
    let over = async |runtime: &str| {
        let body = json!({"providerId": provider, "runtime": runtime});
        let begun = admin.post(&format!("/api/v1/projects/{project}/evals"), body).await.expect(202).json();
        world::job_ends(&test, begun["jobId"].as_str().unwrap()).await;
        admin.get(&format!("/api/v1/evals/{}", begun["id"].as_str().unwrap())).await.expect(200).json()
    };
    let native = over("native").await;
    let contained = over("container").await;
    assert_eq!((&contained["runtime"], &contained["revision"]), (&json!("container"), &native["revision"]));
    let images = admin.get(&format!("/api/v1/projects/{project}/images")).await.json();
    assert_eq!(contained["image"], images["items"][0]["digest"]);
    let state = |report: &Value, layer: &str, name: &str| {
        let mut results = report["results"].as_array().unwrap().iter();
        let found = results.find(|result| result["layer"] == layer && result["name"] == name).unwrap().clone();
        assert_eq!(found["runId"].is_string(), layer != "static", "{found:#}");
        (found["state"].as_str().unwrap().to_owned(), found)
    };
    for (layer, name) in
        [("static", "project"), ("contract", "agent:helper"), ("safety", "agent:helper"), ("live", "calls_calculator")]
    {
        let (there, (here, result)) = (state(&native, layer, name).0, state(&contained, layer, name));
        assert_eq!((there.as_str(), here.as_str()), ("passed", "passed"), "{layer} {name}: {result:#}");
    }
    let run = state(&contained, "live", "calls_calculator").1["runId"].as_str().unwrap().to_owned();
    let run = admin.get(&format!("/api/v1/runs/{run}")).await.expect(200).json();
    assert_eq!((&run["runtime"], &run["image"]), (&json!("container"), &contained["image"]));
    // The two reports know of one another, and compare the cases.
    assert_eq!(contained["comparedWith"], Value::Null, "there was none in a container before");
    assert_eq!((&contained["otherRuntime"]["id"], &contained["differences"]), (&native["id"], &json!([])));
    tidy(&test, &admin, project).await;
}
