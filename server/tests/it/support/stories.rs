//! What stories about runs have in common: a project out of a spec, waiting, and what a log must obey.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use gantry_domain::event::Event;
use gantry_domain::trace::Trace;
use gantry_server::app::App;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fake_model::FakeModel;
use super::{Persona, TestApp};

/// How long a story waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A spec with one agent that has these tools.
pub fn spec(pattern: &str, tools: Value) -> Value {
    let names: Vec<Value> = tools.as_array().unwrap().iter().map(|tool| tool["id"].clone()).collect();
    json!({
        "apiVersion": "gantry/v1",
        "kind": "Agent",
        "metadata": {"name": format!("p-{}", Uuid::now_v7().simple()), "version": "0.1.0", "description": ""},
        "target": {"framework": "react", "language": "python", "pattern": pattern},
        "models": {"default": {"model": ""}},
        "agents": [{"id": "helper", "role": "Helper", "instructions": "Help.", "tools": names, "maxSteps": 4}],
        "tools": tools,
    })
}

/// A spec with several agents, each with its id as its instructions; fields of theirs are added by the story.
pub fn team(pattern: &str, agents: &[&str], tools: Value) -> Value {
    let mut spec = spec(pattern, tools);
    spec["agents"] = agents
        .iter()
        .map(|id| json!({"id": id, "role": format!("The {id}"), "instructions": format!("You are {id}."), "maxSteps": 4}))
        .collect();
    spec
}

/// A task of a spec.
pub fn task(id: &str, agent: &str, depends_on: &[&str]) -> Value {
    json!({"id": id, "agent": agent, "description": format!("Do {id}."), "dependsOn": depends_on})
}

/// A spec in each pattern that has several agents, and the steps that the rehearsal takes in it.
pub fn one_of_each_pattern() -> Vec<(Value, Vec<&'static str>)> {
    let mut sequential = team("sequential", &["a", "b"], json!([]));
    sequential["tasks"] = json!([task("y", "b", &["x"]), task("x", "a", &[])]);
    let mut parallel = team("parallel", &["a", "b"], json!([]));
    parallel["tasks"] = json!([task("x", "a", &[]), task("y", "b", &[])]);
    let mut supervisor = team("supervisor", &["boss", "clerk", "cook"], json!([calculator()]));
    supervisor["agents"][1]["tools"] = json!(["calculator"]);
    let mut handoff = team("handoff", &["desk", "sales"], json!([calculator()]));
    handoff["agents"][0]["handoffs"] = json!(["sales"]);
    handoff["agents"][1]["handoffs"] = json!(["desk"]);
    handoff["agents"][1]["tools"] = json!(["calculator"]);
    vec![
        (sequential, vec!["x", "y"]),
        (parallel, vec!["x", "y"]),
        (team("router", &["front", "cook", "tailor"], json!([])), vec!["tailor"]),
        (supervisor, vec!["clerk", "cook"]),
        (handoff, vec!["desk", "sales"]),
        (reviewed(), vec!["draft", "review", "draft", "review"]),
    ]
}

/// A graph: a draft that is reviewed until it is approved.
pub fn reviewed() -> Value {
    let mut spec = team("graph", &["author", "critic"], json!([]));
    spec["tasks"] = json!([task("draft", "author", &[]), task("review", "critic", &[]), task("unused", "critic", &[])]);
    spec["graph"] = json!({"start": "draft", "maxSteps": 5, "edges": [
        {"from": "draft", "to": "review"},
        {"from": "review", "to": "draft", "when": {"lacks": "approved"}},
        {"from": "review", "to": "end"},
    ]});
    spec
}

/// Runs a spec once against an endpoint and gives the run and its log.
pub async fn run_once(test: &TestApp, spec: &Value, model: &FakeModel, mode: &str) -> (Value, Vec<Value>) {
    let admin = test.admin().await;
    let project = project(&test.app, spec).await;
    let provider = provider(&admin, &model.url).await;
    let body = json!({"input": "What is 6 * 7?", "mode": mode, "providerId": provider});
    let (run, job) = start(&admin, project, body).await;
    test.start_workers().await;
    let run = wait_for_end(&admin, run).await;
    let log = log(&test.app, job).await;
    assert_sound(&log);
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains("sk-secret-key"), "the key is in the log");
    (run, log)
}

/// The names of the steps that began, in order.
pub fn steps(log: &[Value]) -> Vec<String> {
    of_kind(log, "STEP_STARTED").iter().map(|event| event["stepName"].as_str().unwrap().to_owned()).collect()
}

/// Everything that a request told the model, as one text.
pub fn told(request: &Value) -> String {
    let messages = request["messages"].as_array().unwrap().iter();
    messages.map(|message| message["content"].as_str().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The calculator as a tool of a spec.
pub fn calculator() -> Value {
    json!({
        "id": "calculator", "description": "Computes.", "effect": "read", "kind": "builtin", "name": "calculator",
        "parameters": gantry_domain::spec::Builtin::Calculator.parameters(),
    })
}

/// A tool with an effect: counts characters, which needs nobody but the rules.
pub fn writer() -> Value {
    json!({
        "id": "writer", "description": "Writes.", "effect": "write", "kind": "builtin", "name": "text_statistics",
        "parameters": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
    })
}

/// Keeps a spec as a project without asking what the generator thinks of it.
pub async fn project(app: &App, spec: &Value) -> Uuid {
    let id = Uuid::now_v7();
    app.db
        .sql(
            "INSERT INTO project (id, name, description, framework, version, spec, created_by, created_at, updated_at)
             VALUES ($1, $2, '', 'react', '0.1.0', $3, 'test', $4, $4)",
        )
        .bind(id)
        .bind(spec["metadata"]["name"].as_str().unwrap().to_owned())
        .bind(spec.clone())
        .bind(app.db.now())
        .execute()
        .await
        .unwrap();
    id
}

/// A provider at an address, with a key and prices.
pub async fn provider(admin: &Persona<'_>, url: &str) -> Value {
    let body = json!({
        "name": format!("p{}", Uuid::now_v7().simple()), "baseUrl": url, "defaultModel": "fake-1", "key": "sk-secret-key",
        "inputPriceMicros": 1_000_000, "outputPriceMicros": 2_000_000,
    });
    admin.post("/api/v1/providers", body).await.expect(201).json()["id"].clone()
}

/// Starts a run and gives its id and its job's.
pub async fn start(admin: &Persona<'_>, project: Uuid, body: Value) -> (Uuid, Uuid) {
    let accepted = admin.post(&format!("/api/v1/projects/{project}/runs"), body).await.expect(202).json();
    (id(&accepted["id"]), id(&accepted["jobId"]))
}

/// An id on the wire.
pub fn id(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}

/// Waits until a run is in one of these states.
pub async fn wait_for_state(admin: &Persona<'_>, run: Uuid, states: &[&str]) -> Value {
    let began = Instant::now();
    loop {
        let found = admin.get(&format!("/api/v1/runs/{run}")).await.expect(200).json();
        if states.contains(&found["state"].as_str().unwrap()) {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "still {found}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until a run is over.
pub async fn wait_for_end(admin: &Persona<'_>, run: Uuid) -> Value {
    wait_for_state(admin, run, &["done", "failed", "cancelled"]).await
}

/// Waits until something is in a log.
pub async fn wait_for_event(app: &App, job: Uuid, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        for event in log(app, job).await {
            if wanted(&event) {
                return event;
            }
        }
        assert!(began.elapsed() < PATIENCE, "not in the log: {:#?}", log(app, job).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A log as readers get it.
pub async fn log(app: &App, job: Uuid) -> Vec<Value> {
    let history: Vec<Event> = app.jobs.log().history(job).await.unwrap();
    history.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
}

/// The AG-UI events of a log.
pub fn agui(log: &[Value]) -> Vec<Value> {
    log.iter().filter(|event| event["type"] == "run.event").map(|event| event["event"].clone()).collect()
}

/// The AG-UI events of a kind.
pub fn of_kind(log: &[Value], kind: &str) -> Vec<Value> {
    agui(log).into_iter().filter(|event| event["type"] == kind).collect()
}

/// What the tools answered, in order.
pub fn results(log: &[Value]) -> Vec<String> {
    of_kind(log, "TOOL_CALL_RESULT").iter().map(|event| event["content"].as_str().unwrap().to_owned()).collect()
}

/// What every log must obey: no gap and no double in its numbers, no step recorded twice, and AG-UI's
/// order: nothing outside of a run, every message, call and step ended before its run is. As spans, each
/// of its events is in exactly one, and none is left open when the job is over.
#[track_caller]
pub fn assert_sound(log: &[Value]) {
    assert_traceable(log);
    for (index, event) in log.iter().enumerate() {
        assert_eq!(event["seq"], json!(index + 1), "the sequence has a gap or a double");
    }
    let steps: Vec<_> =
        log.iter().filter(|event| event["type"] == "step.done").map(|event| event["step"].to_string()).collect();
    let distinct: HashSet<_> = steps.iter().collect();
    assert_eq!(distinct.len(), steps.len(), "a step was recorded twice: {steps:?}");
    assert!(log.iter().filter(|event| event["type"] == "run.done").count() <= 1, "two ends");

    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let (mut open, mut steps, mut messages, mut calls) = (false, HashSet::new(), HashSet::new(), HashSet::new());
    let (mut seen_messages, mut seen_calls) = (HashSet::new(), HashSet::new());
    for event in agui(log) {
        let kind = text(&event, "type");
        assert!(open || kind == "RUN_STARTED", "{kind} outside of a run");
        match kind.as_str() {
            "RUN_STARTED" => assert!(!std::mem::replace(&mut open, true), "a run within a run"),
            "RUN_FINISHED" => {
                assert!(
                    steps.is_empty() && messages.is_empty() && calls.is_empty(),
                    "ended with {steps:?} {messages:?} {calls:?}"
                );
                open = false;
            }
            "RUN_ERROR" => {
                open = false;
                steps.clear();
                messages.clear();
                calls.clear();
            }
            "STEP_STARTED" => assert!(steps.insert(text(&event, "stepName")), "a step was begun twice"),
            "STEP_FINISHED" => assert!(steps.remove(&text(&event, "stepName")), "a step ended that was not open"),
            "TEXT_MESSAGE_START" => {
                assert!(seen_messages.insert(text(&event, "messageId")), "a message id came twice");
                messages.insert(text(&event, "messageId"));
            }
            "TEXT_MESSAGE_CONTENT" => {
                assert!(messages.contains(&text(&event, "messageId")));
                assert!(!text(&event, "delta").is_empty());
            }
            "TEXT_MESSAGE_END" => assert!(messages.remove(&text(&event, "messageId"))),
            "TOOL_CALL_START" => {
                assert!(seen_calls.insert(text(&event, "toolCallId")), "a call id came twice");
                calls.insert(text(&event, "toolCallId"));
            }
            "TOOL_CALL_ARGS" => assert!(calls.contains(&text(&event, "toolCallId"))),
            "TOOL_CALL_END" => assert!(calls.remove(&text(&event, "toolCallId"))),
            "TOOL_CALL_RESULT" => assert!(seen_calls.contains(&text(&event, "toolCallId"))),
            "CUSTOM" => assert!(text(&event, "name").starts_with("gantry.")),
            other => panic!("unexpected {other}"),
        }
    }
}

#[track_caller]
fn assert_traceable(log: &[Value]) {
    let events: Vec<Event> = log.iter().map(|event| serde_json::from_value(event.clone()).unwrap()).collect();
    let trace = Trace::of(&events);
    let mut owned: Vec<i64> = trace.spans().iter().flat_map(|span| span.events.clone()).collect();
    owned.sort_unstable();
    assert_eq!(owned, events.iter().map(|event| event.seq).collect::<Vec<_>>(), "an event without its span");
    let is_over = events.last().is_some_and(|event| event.body.is_last());
    for span in trace.spans() {
        assert!(!span.name.is_empty(), "{span:?}");
        assert!(!(is_over && span.state.is_open()), "the job is over and this is open: {span:?}");
    }
}

/// The text of the messages of a log that were not discarded.
pub fn said(log: &[Value]) -> String {
    let discarded: HashSet<String> = of_kind(log, "CUSTOM")
        .iter()
        .filter(|event| event["name"] == "gantry.discard")
        .flat_map(|event| event["value"]["messageIds"].as_array().unwrap().clone())
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();
    of_kind(log, "TEXT_MESSAGE_CONTENT")
        .iter()
        .filter(|event| !discarded.contains(event["messageId"].as_str().unwrap()))
        .map(|event| event["delta"].as_str().unwrap().to_owned())
        .collect()
}

/// Workers that can die in the middle of what they do, as with `kill -9`.
pub struct DoomedWorkers {
    runtime: Option<tokio::runtime::Runtime>,
}

impl DoomedWorkers {
    /// Starts workers on a server's database, apart from the server.
    pub fn start(test: &TestApp) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = test.app.config.clone();
        runtime.spawn(async move {
            let app = App::open(config).await.unwrap();
            let tracker = tokio_util::task::TaskTracker::new();
            gantry_server::jobs::spawn_workers(&app, &tracker, gantry_server::jobs::works()).await.unwrap();
            std::future::pending::<()>().await;
        });
        Self { runtime: Some(runtime) }
    }

    /// Drops everything where it stands; leases stay as they are and run out.
    pub async fn die(mut self, test: &TestApp) {
        self.runtime.take().unwrap().shutdown_background();
        tokio::time::sleep(Duration::from_millis(100)).await;
        test.app.db.sql("UPDATE job SET lease_until = 0 WHERE state = 'running'").execute().await.unwrap();
    }
}

impl Drop for DoomedWorkers {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
