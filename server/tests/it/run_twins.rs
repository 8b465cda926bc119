//! The native runtime beside a generated project: with the same model they tell it the same words, in
//! the same order, and come to the same answer.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::TestApp;
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use gantry_domain::spec::Spec;
use serde_json::{Value, json};

/// What the person says; the same as [`run_once`] says.
const WORDS: &str = "What is 6 * 7?";

/// What a request tells and offers the model, without what is a matter of the wire.
fn words(request: &Value) -> Value {
    let messages = request["messages"].as_array().unwrap().iter().map(|message| {
        let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
        let calls: Vec<Value> = calls.iter().map(|call| call["function"].clone()).collect();
        json!([message["role"], message["content"].as_str().unwrap_or_default(), calls])
    });
    let tools = request["tools"].as_array().cloned().unwrap_or_default();
    json!({"messages": messages.collect::<Vec<_>>(), "tools": tools})
}

/// Runs a spec as its generated project and gives what it printed.
async fn generated(spec: &Value, model: &FakeModel) -> String {
    let spec: Spec = serde_json::from_value(spec.clone()).unwrap();
    let files = gantry_generator::emit(&spec).expect("a sound spec");
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file.content).unwrap();
    }
    let package = gantry_generator::package_name(spec.metadata.name.as_str());
    let mut python = Command::new("python3");
    python
        .args(["-m", &package, WORDS])
        .env("PYTHONPATH", folder.path().join("src"))
        .env("OPENAI_BASE_URL", &model.url)
        .env("MODEL_NAME", "fake-1");
    let output = tokio::task::spawn_blocking(move || python.output().unwrap()).await.unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a spec both ways against the same script.
async fn both_agree(spec: &Value, script: &[Reply]) {
    let pattern = spec["target"]["pattern"].as_str().unwrap().to_owned();
    let for_project = FakeModel::start(script.to_vec()).await;
    let printed = generated(spec, &for_project).await;
    let for_native = FakeModel::start(script.to_vec()).await;
    let (run, _) = run_once(&TestApp::sqlite().await, spec, &for_native, "dev").await;
    let (project, native) = (for_project.requests(), for_native.requests());
    assert_eq!(native.len(), project.len(), "{pattern}: {run} beside {printed}");
    if pattern == "parallel" {
        // Which of those that begin together comes first is chance.
        let all = |requests: &[Value]| requests.iter().map(|one| words(one).to_string()).collect::<BTreeSet<_>>();
        assert_eq!(all(&native), all(&project), "{pattern}");
    } else {
        for (index, (native, project)) in native.iter().zip(&project).enumerate() {
            assert_eq!(words(native), words(project), "{pattern}, request {index}");
        }
    }
    match run["output"].as_str() {
        Some(answer) => assert_eq!(printed.trim_end(), answer, "{pattern}"),
        None => assert!(
            printed.contains("no answer within")
                || printed.contains("passed on more than")
                || printed.contains("no end within"),
            "{pattern}: {run} beside {printed}"
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pattern_says_what_the_generated_project_says() {
    let calculate = || Reply::Calls(vec![("calculator", r#"{"expression":"6 * 7"}"#)]);
    let mut single = team("single", &["helper"], json!([]));
    single["metadata"]["description"] = json!("Twins.");
    both_agree(&single, &[Reply::Text("Hello.")]).await;

    let mut react = team("react", &["helper"], json!([calculator()]));
    react["agents"][0]["tools"] = json!(["calculator"]);
    both_agree(&react, &[calculate(), Reply::Text("42.")]).await;

    let mut sequential = team("sequential", &["a", "b"], json!([calculator()]));
    sequential["agents"][0]["tools"] = json!(["calculator"]);
    sequential["tasks"] = json!([task("write", "b", &["research"]), task("research", "a", &[])]);
    sequential["tasks"][0]["expectedOutput"] = json!("A page.");
    both_agree(&sequential, &[calculate(), Reply::Text("facts"), Reply::Text("page")]).await;

    let mut parallel = team("parallel", &["a", "b", "c"], json!([]));
    parallel["tasks"] =
        json!([task("x", "a", &[]), task("y", "b", &[]), task("z", "c", &["x"]), task("w", "c", &["z"])]);
    both_agree(&parallel, &[Reply::Text("the same")]).await;

    let router = team("router", &["front", "cook", "tailor"], json!([]));
    both_agree(
        &router,
        &[
            Reply::Text("Hm."),
            Reply::Calls(vec![("transfer_to_nobody", "{}")]),
            Reply::Calls(vec![("transfer_to_tailor", "{}")]),
            Reply::Text("Mended."),
        ],
    )
    .await;
    both_agree(&router, &[Reply::Text("Hm.")]).await;

    let mut supervisor = team("supervisor", &["boss", "clerk"], json!([calculator()]));
    supervisor["agents"][0]["tools"] = json!(["calculator"]);
    supervisor["agents"][1]["tools"] = json!(["calculator"]);
    both_agree(
        &supervisor,
        &[
            Reply::Calls(vec![("ask_clerk", r#"{"request":"Six by seven?"}"#), ("ask_clerk", "{}")]),
            calculate(),
            Reply::Text("It is 42."),
            Reply::Text("42, says the clerk."),
        ],
    )
    .await;

    let mut handoff = team("handoff", &["desk", "sales"], json!([calculator()]));
    handoff["agents"][0]["handoffs"] = json!(["sales"]);
    handoff["agents"][0]["tools"] = json!(["calculator"]);
    handoff["agents"][1]["handoffs"] = json!(["desk"]);
    let pass = |to: &'static str| Reply::Calls(vec![(to, "{}")]);
    both_agree(
        &handoff,
        &[calculate(), pass("transfer_to_sales"), pass("transfer_to_desk"), Reply::Text("At the desk again.")],
    )
    .await;
    let round: Vec<Reply> =
        (0..12).map(|hop| pass(if hop % 2 == 0 { "transfer_to_sales" } else { "transfer_to_desk" })).collect();
    both_agree(&handoff, &round).await;

    let mut graph = reviewed();
    graph["tasks"].as_array_mut().unwrap().pop();
    both_agree(&graph, &[Reply::Text("one"), Reply::Text("no"), Reply::Text("two"), Reply::Text("Approved")]).await;
    both_agree(&graph, &[Reply::Text("again")]).await;
}
