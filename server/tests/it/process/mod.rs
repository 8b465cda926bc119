//! Generated projects as plain processes of the server's own user.

mod frameworks;
mod lost;
mod packages;

use std::time::{Duration, Instant};

use gantry_domain::api::job::{Job, JobState};
use gantry_domain::matrix::Framework;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::container::{python, spec_for, writer};
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{Answer, Persona, TestApp, world};

/// What allows it.
const ALLOWED: [&str; 2] = ["--process-runs", "allow"];

async fn allowing() -> TestApp {
    TestApp::sqlite_with(&ALLOWED).await
}

async fn created(admin: &Persona<'_>, spec: &Value) -> Uuid {
    id(&admin.post("/api/v1/projects", json!({"spec": spec})).await.expect(201).json()["id"])
}

async fn start_as_process(admin: &Persona<'_>, project: Uuid, provider: &Value, mode: &str) -> (Uuid, Uuid) {
    let body = json!({"input": "What is 6 * 7?", "mode": mode, "providerId": provider, "runtime": "process"});
    start(admin, project, body).await
}

/// Waits for a run's end, and gives it with its job and a log that obeys the rules; nothing of the run is left.
async fn ended(test: &TestApp, admin: &Persona<'_>, run: Uuid, job: Uuid) -> (Value, Job, Vec<Value>) {
    let ended = world::job_ends(test, &job.to_string()).await;
    let log = log(&test.app, job).await;
    assert_sound(&log);
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains("sk-secret-key"), "the provider's key is in the log");
    assert!(!text.contains("gantry_run_"), "the run's token is in the log");
    assert_eq!(processes_of(run), [] as [String; 0], "its processes are gone");
    assert_eq!(rooms(test, run), [] as [std::path::PathBuf; 0], "its directory is gone");
    (admin.get(&format!("/api/v1/runs/{run}")).await.expect(200).json(), ended, log)
}

/// The processes that carry a run's mark, by their command lines.
fn processes_of(run: Uuid) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(&format!(":{run}:")) {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    found
}

/// What is on the disk for a run.
fn rooms(test: &TestApp, run: Uuid) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(test.data().join("runs")) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| path.display().to_string().contains(&run.to_string())).collect()
}

fn fault(answer: Answer) -> String {
    answer.expect(422).json()["errors"][0]["code"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_project_runs_as_a_process_where_nobody_allows_it() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    assert_eq!(admin.get("/api/v1/system").await.json()["processRuns"], json!(false));
    let project = created(&admin, &spec_for(Framework::React, json!([calculator()]))).await;
    let runs = format!("/api/v1/projects/{project}/runs");
    let refused = admin.post(&runs, json!({"input": "x", "runtime": "process"})).await.expect(422).json();
    assert_eq!(refused["errors"][0]["code"], "process_not_allowed");
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("GANTRY_PROCESS_RUNS=allow"), "{refused}");
    let sessions = format!("/api/v1/projects/{project}/sessions");
    assert_eq!(fault(admin.post(&sessions, json!({"runtime": "process"})).await), "process_not_allowed");
    let session = admin.post(&sessions, json!({})).await.expect(201).json();
    let address = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(fault(admin.patch(&address, json!({"runtime": "process"})).await), "process_not_allowed");

    // What was allowed when it was asked for is not done once it is forbidden.
    let allowing = test.beside(&ALLOWED).await;
    let persona = Persona::with_headers(&allowing, admin.headers.clone());
    let (run, job) = start(&persona, project, json!({"input": "x", "runtime": "process"})).await;
    test.start_workers().await;
    let (_, job, _) = ended(&test, &admin, run, job).await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "process_not_allowed"));
    assert_eq!(fault(admin.post(&format!("/api/v1/runs/{run}:again"), json!({})).await), "process_not_allowed");
}

/// Tells what a project sees of the server, and who it is.
const LOOK: &str = r#"import json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
return json.dumps({"names": sorted(os.environ), "directory": os.getcwd(), "home": os.environ["HOME"],
    "temporary": os.environ["TMPDIR"], "user": status["Uid"].split()[0], "group": os.getpgrp() == os.getpid(),
    "values": "\n".join(value for value in os.environ.values() if "_".join(["gantry", "run", ""]) not in value)})
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_project_answers_as_a_process_with_nothing_of_gantry_in_its_environment() {
    let test = allowing().await;
    test.start_workers().await;
    let admin = test.admin().await;
    assert_eq!(admin.get("/api/v1/system").await.json()["processRuns"], json!(true));
    let project = created(&admin, &spec_for(Framework::React, json!([calculator(), python("look", LOOK)]))).await;
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("calculator", r#"{"expression":"6 * 7"}"#), ("look", "{}")]),
        Reply::Text("It is 42."),
    ])
    .await;
    let provider = provider(&admin, &model.url).await;
    let (run, job) = start_as_process(&admin, project, &provider, "dev").await;
    let (run, job, log) = ended(&test, &admin, run, job).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    assert_eq!(
        (&run["output"], &run["runtime"], &run["revision"]),
        (&json!("It is 42."), &json!("process"), &json!(1))
    );
    let told = results(&log);
    assert_eq!((told.len(), told[0].as_str()), (2, "42"));
    assert_eq!(said(&log), "It is 42.", "said once, though two witnesses know");
    assert_eq!((&run["usage"]["modelCalls"], &run["usage"]["toolCalls"]), (&json!(2), &json!(2)));
    assert_eq!(model.keys(), ["Bearer sk-secret-key"; 2], "the gateway puts the key in");
    let seen: Value = serde_json::from_str(&told[1]).unwrap();
    let id = run["id"].as_str().unwrap();
    let place =
        |field: &str, end: &str| assert!(seen[field].as_str().unwrap().ends_with(&format!("{id}/{end}")), "{seen}");
    place("directory", "project");
    place("home", "home");
    place("temporary", "tmp");
    assert_eq!(seen["group"], json!(true), "it leads a group of its own");
    let names: Vec<&str> = seen["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let known = [
        "GANTRY_MARK",
        "HOME",
        "HOST",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "MODEL_NAME",
        "NODE_ENV",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "PATH",
        "PORT",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPATH",
        "PYTHONUNBUFFERED",
        "TMPDIR",
        "TZ",
    ];
    // Where pyenv stands between, it and its shell add their own.
    let of_a_shell = |name: &str| {
        ["PYENV", "_PYENV", "OTEL_", "ANTHROPIC_"].iter().any(|start| name.starts_with(start))
            || ["PWD", "OLDPWD", "SHLVL", "_"].contains(&name)
    };
    let unknown: Vec<&&str> = names.iter().filter(|name| !known.contains(*name) && !of_a_shell(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let values = seen["values"].as_str().unwrap();
    assert!(!values.contains("sk-secret-key") && !values.contains(&model.url), "{values}");
    assert!(values.contains("/gateway/v1") && values.contains("http://127.0.0.1:"), "{values}");

    // Once more, as it was: the spec and the files of that revision.
    let before = admin.get(&format!("/api/v1/projects/{project}")).await.json();
    let file = before["revision"].clone();
    let change = json!({"content": "raise SystemExit(3)\n", "expectedRevision": file});
    let package = gantry_generator::package_name(before["name"].as_str().unwrap());
    admin.put(&format!("/api/v1/projects/{project}/files/src/{package}/server.py"), change).await.expect(200);
    let again = admin.post(&format!("/api/v1/runs/{id}:again"), json!({})).await.expect(202).json();
    let (again, job, _) =
        ended(&test, &admin, crate::support::stories::id(&again["id"]), crate::support::stories::id(&again["jobId"]))
            .await;
    assert_eq!((job.state, &again["revision"]), (JobState::Done, &json!(1)), "{job:#?}");
    // And as it is now.
    let (broken, job) = start_as_process(&admin, project, &provider, "dev").await;
    let (broken, job, _) = ended(&test, &admin, broken, job).await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "process_exited"), "{reason:?}");
    assert!(reason.message.contains("exit code 3"), "{}", reason.message);
    assert_eq!(broken["revision"], json!(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_as_a_process_remembers_and_what_cannot_run_so_says_why() {
    let test = allowing().await;
    test.start_workers().await;
    let admin = test.admin().await;
    let mut spec = spec_for(Framework::React, json!([calculator()]));
    spec["memory"] = json!({"kind": "thread"});
    let project = created(&admin, &spec).await;
    let runs = format!("/api/v1/projects/{project}/runs");
    let digest = format!("sha256:{}", "0".repeat(64));
    let named = json!({"input": "x", "runtime": "process", "image": digest});
    assert_eq!(fault(admin.post(&runs, named).await), "image_without_container");
    let step = json!({"input": "x", "runtime": "process", "step": {"agent": "helper"}});
    assert_eq!(fault(admin.post(&runs, step).await), "step_in_container");
    let elsewhere = created(&admin, &spec_for(Framework::WatsonxOrchestrate, json!([calculator()]))).await;
    let elsewhere = format!("/api/v1/projects/{elsewhere}/runs");
    let refused = admin.post(&elsewhere, json!({"input": "x", "runtime": "process"})).await;
    assert_eq!(fault(refused), "framework_not_local");

    let model = FakeModel::start(vec![Reply::Text("Hello."), Reply::Text("Ada.")]).await;
    let provider = provider(&admin, &model.url).await;
    let body = json!({"providerId": provider, "runtime": "process"});
    let session = admin.post(&format!("/api/v1/projects/{project}/sessions"), body).await.expect(201).json();
    assert_eq!(session["runtime"], "process");
    let say = format!("/api/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    for words in ["I am Ada.", "Who am I?"] {
        let turn = admin.post(&say, json!({"text": words})).await.expect(202).json();
        let (_, job, _) = ended(&test, &admin, id(&turn["id"]), id(&turn["jobId"])).await;
        assert_eq!(job.state, JobState::Done, "{job:#?}");
    }
    let heard = model.requests()[1]["messages"].as_array().unwrap().clone();
    let heard: Vec<&str> = heard[1..].iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(heard, ["I am Ada.", "Hello.", "Who am I?"]);
}

/// Starts a program in a session of its own and waits for it.
const SLEEP: &str = "import subprocess\nsubprocess.run(['setsid', 'sleep', '600'])\nreturn 'awake'\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_stopped_whole_within_a_second_and_when_its_time_is_over() {
    let test = allowing().await;
    test.start_workers().await;
    let admin = test.admin().await;
    let mut spec = spec_for(Framework::React, json!([python("sleep", SLEEP)]));
    let project = created(&admin, &spec).await;
    let model = FakeModel::start(vec![Reply::Calls(vec![("sleep", "{}")])]).await;
    let provider = provider(&admin, &model.url).await;
    for mode in ["dev", "ask"] {
        let (run, job) = start_as_process(&admin, project, &provider, mode).await;
        let began = Instant::now();
        // At work on a tool in the one, in front of a person in the other.
        let is_there = |log: &[Value]| match mode {
            "dev" => processes_of(run).iter().any(|command| command.starts_with("sleep")),
            _ => log.iter().any(|event| event["type"] == "approval.requested"),
        };
        while !is_there(&log(&test.app, job).await) {
            assert!(began.elapsed() < Duration::from_secs(60), "{:#?}", log(&test.app, job).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(!processes_of(run).is_empty());
        let asked = Instant::now();
        admin.post(&format!("/api/v1/runs/{run}:cancel"), json!({})).await.expect(202);
        let stopped = world::job_ends(&test, &job.to_string()).await;
        let took = asked.elapsed();
        eprintln!("stopped within {took:?}");
        assert!(took < Duration::from_secs(1), "{mode}: {took:?}");
        assert_eq!(stopped.state, JobState::Cancelled);
        ended(&test, &admin, run, job).await;
    }
    spec["metadata"]["name"] = json!(world::unique("limited"));
    spec["guardrails"] = json!({"maxSeconds": 2});
    let limited = created(&admin, &spec).await;
    let (run, job) = start_as_process(&admin, limited, &provider, "dev").await;
    let (_, job, _) = ended(&test, &admin, run, job).await;
    assert_eq!(job.reason.unwrap().code, "time_budget");
}

/// A server of the project's own that takes nobody's word: another program listens where it would be looked for.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_taken_for_the_project() {
    let test = allowing().await;
    test.start_workers().await;
    let admin = test.admin().await;
    let project = admin.post("/api/v1/projects", json!({"spec": spec_for(Framework::React, json!([writer()]))})).await;
    let project = project.expect(201).json();
    let id = id(&project["id"]);
    // Somebody who would answer, and a project that says it is there.
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = asked.clone();
    let other = axum::Router::new().fallback(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async { "ok" }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, other).await.unwrap() });
    let package = gantry_generator::package_name(project["name"].as_str().unwrap());
    let content = format!(
        "import time\n\ndef serve():\n    print('listening on http://{address}', flush=True)\n    time.sleep(2)\n    raise SystemExit(7)\n"
    );
    let change = json!({"content": content, "expectedRevision": project["revision"]});
    admin.put(&format!("/api/v1/projects/{id}/files/src/{package}/server.py"), change).await.expect(200);
    let (run, job) = start(&admin, id, json!({"input": "x", "runtime": "process"})).await;
    let (_, job, _) = ended(&test, &admin, run, job).await;
    let reason = job.reason.unwrap();
    assert_eq!(reason.code, "process_exited", "{reason:?}");
    assert!(reason.message.contains("exit code 7") && reason.message.contains("listening on"), "{}", reason.message);
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0, "it was never asked");
}
