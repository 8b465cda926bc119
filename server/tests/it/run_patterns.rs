//! The patterns in which agents know of one another, and the graph: who is asked what, in which order,
//! and where it stops.

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{TestApp, for_both};
use serde_json::{Value, json};

/// The names under which a request offers something to the model.
fn offered(request: &Value) -> Vec<String> {
    let tools = request["tools"].as_array().cloned().unwrap_or_default();
    tools.iter().map(|tool| tool["function"]["name"].as_str().unwrap().to_owned()).collect()
}

/// Who a request was made for.
fn speaker(request: &Value) -> String {
    request["messages"][0]["content"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_that_is_chosen_answers_and_a_choice_of_nobody_is_made_again() {
    let model = FakeModel::start(vec![
        Reply::Text("I think the cook."),
        Reply::Calls(vec![("transfer_to_nobody", "{}")]),
        Reply::Calls(vec![("transfer_to_cook", "{}")]),
        Reply::Text("Soup."),
    ])
    .await;
    let spec = team("router", &["front", "tailor", "cook"], json!([]));
    let (run, log) = run_once(&TestApp::sqlite().await, &spec, &model, "ask").await;
    assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("Soup.")), "{run}");
    assert_eq!(steps(&log), ["cook"]);
    assert!(of_kind(&log, "TOOL_CALL_START").is_empty(), "a choice is no tool");
    let requests = model.requests();
    assert_eq!(offered(&requests[0]), ["transfer_to_tailor", "transfer_to_cook"]);
    assert_eq!(requests[0]["tools"][1]["function"]["description"], "Let this agent answer: The cook");
    let error = "Error: expected a call of one of: transfer_to_tailor, transfer_to_cook";
    assert_eq!(requests[1]["messages"][3], json!({"role": "user", "content": error}));
    assert_eq!(requests[2]["messages"][5]["content"], error);
    assert_eq!(requests[2]["messages"][5]["role"], "tool");
    assert_eq!(speaker(&requests[3]), "You are cook.");
    assert_eq!(requests[3]["messages"].as_array().unwrap().len(), 2, "the choosing is no part of the conversation");
    assert_eq!((&run["usage"]["modelCalls"], &run["usage"]["toolCalls"]), (&json!(4), &json!(0)));

    let model = FakeModel::start(vec![Reply::Text("Hm.")]).await;
    let (run, _) = run_once(&TestApp::sqlite().await, &spec, &model, "ask").await;
    assert_eq!(run["reason"]["code"], "step_limit", "{run}");
    assert_eq!(model.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_asks_specialists_who_know_only_the_request() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let model = FakeModel::start(vec![
            Reply::Calls(vec![
                ("ask_clerk", r#"{"request":"Count hello."}"#),
                ("ask_cook", "{}"),
                ("ask_nobody", "{}"),
                ("calculator", r#"{"expression":"6*7"}"#),
            ]),
            Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)]),
            Reply::Text("Five letters."),
            Reply::Text("All is counted."),
        ])
        .await;
        let mut spec = team("supervisor", &["boss", "clerk", "cook"], json!([writer(), calculator()]));
        spec["agents"][0]["tools"] = json!(["calculator"]);
        spec["agents"][1]["tools"] = json!(["writer"]);
        let project = project(&test.app, &spec).await;
        let provider = provider(&admin, &model.url).await;
        test.start_workers().await;
        let (run, job) = start(&admin, project, json!({"input": "Go.", "mode": "ask", "providerId": provider})).await;
        // The specialist's own call waits for a person; the server may end meanwhile, and goes on inside of it.
        wait_for_state(&admin, run, &["waiting"]).await;
        let approval = admin.get(&format!("/api/v1/approvals?runId={run}")).await.json()["items"][0].clone();
        let decide = format!("/api/v1/approvals/{}:decide", approval["id"].as_str().unwrap());
        admin.post(&decide, json!({"approve": true})).await.expect(200);
        let run = wait_for_end(&admin, run).await;
        assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("All is counted.")), "{run}");
        let log = log(&test.app, job).await;
        assert_sound(&log);
        let requests = model.requests();
        assert_eq!(requests.len(), 4, "nobody was asked twice");
        assert_eq!(offered(&requests[0]), ["ask_clerk", "ask_cook", "calculator"]);
        let clerk = requests[1]["messages"].clone();
        assert_eq!(
            clerk,
            json!([{"role": "system", "content": "You are clerk."}, {"role": "user", "content": "Count hello."}])
        );
        let back = requests[3]["messages"].as_array().unwrap();
        let answers: Vec<&str> = back[3..].iter().map(|message| message["content"].as_str().unwrap()).collect();
        assert_eq!(answers[0], "Five letters.");
        assert_eq!(answers[1], r#"Error: expected the arguments as JSON: {"request": "what to find out or do"}"#);
        assert!(
            answers[2].contains("no tool called ask_nobody") && answers[2].contains("ask_clerk, ask_cook, calculator"),
            "{answers:?}"
        );
        assert_eq!(answers[3], "42");
        assert_eq!(steps(&log), ["clerk", "clerk"], "the step goes on after the approval");
        let usage = &run["usage"];
        assert_eq!((&usage["modelCalls"], &usage["toolCalls"]), (&json!(4), &json!(5)), "{usage}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_asks_for_ever_is_stopped() {
    let model = FakeModel::answering(|request| {
        if speaker(request) == "You are boss." {
            Reply::Calls(vec![("ask_clerk", r#"{"request":"More."}"#)])
        } else {
            Reply::Text("Here.")
        }
    })
    .await;
    let spec = team("supervisor", &["boss", "clerk"], json!([]));
    let (run, _) = run_once(&TestApp::sqlite().await, &spec, &model, "ask").await;
    assert_eq!(run["reason"]["code"], "step_limit", "{run}");
    assert_eq!(model.requests().len(), 7, "four turns of the supervisor, and the last is not followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_passed_on_with_all_that_was_said() {
    let model = FakeModel::start(vec![
        Reply::Calls(vec![
            ("calculator", r#"{"expression":"6*7"}"#),
            ("transfer_to_sales", "{}"),
            ("transfer_to_legal", "{}"),
        ]),
        Reply::Calls(vec![("transfer_to_nobody", "{}")]),
        Reply::Text("Sold."),
    ])
    .await;
    let mut spec = team("handoff", &["desk", "sales", "legal"], json!([calculator()]));
    spec["agents"][0]["handoffs"] = json!(["sales", "legal"]);
    spec["agents"][0]["tools"] = json!(["calculator"]);
    let (run, log) = run_once(&TestApp::sqlite().await, &spec, &model, "ask").await;
    assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("Sold.")), "{run}");
    assert_eq!(steps(&log), ["desk", "sales"]);
    assert_eq!(of_kind(&log, "TOOL_CALL_START").len(), 2, "passing on is told by the steps; a call of nobody is one");
    let requests = model.requests();
    assert_eq!(offered(&requests[0]), ["transfer_to_sales", "transfer_to_legal", "calculator"]);
    assert!(offered(&requests[1]).is_empty());
    assert_eq!(speaker(&requests[1]), "You are sales.");
    let passed = requests[1]["messages"].as_array().unwrap();
    assert_eq!(passed[1]["content"], "What is 6 * 7?");
    let answers: Vec<&str> = passed[3..].iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(answers, ["42", "The conversation goes on with sales", "The conversation goes on with sales"]);
    assert!(results(&log)[1].contains("no tool called transfer_to_nobody"), "{:?}", results(&log));
    assert_eq!(run["usage"]["toolCalls"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_passed_round_for_ever_is_stopped() {
    let model = FakeModel::answering(|request| {
        let other = if speaker(request) == "You are ping." { "transfer_to_pong" } else { "transfer_to_ping" };
        Reply::Calls(vec![(other, "{}")])
    })
    .await;
    let mut spec = team("handoff", &["ping", "pong"], json!([]));
    spec["agents"][0]["handoffs"] = json!(["pong"]);
    spec["agents"][1]["handoffs"] = json!(["ping"]);
    // Whoever passes on in the last turn that they have has passed on.
    spec["agents"][1]["maxSteps"] = json!(1);
    let (run, log) = run_once(&TestApp::sqlite().await, &spec, &model, "ask").await;
    assert_eq!((&run["state"], &run["reason"]["code"]), (&json!("failed"), &json!("handoff_limit")), "{run}");
    assert!(run["reason"]["message"].as_str().unwrap().contains("passed on more than 10 times"), "{run}");
    assert_eq!(model.requests().len(), 11);
    assert_eq!(steps(&log).len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_through_a_graph_follows_from_the_results() {
    let model = FakeModel::start(vec![
        Reply::Text("first draft"),
        Reply::Text("too short"),
        Reply::Text("second draft"),
        Reply::Text("APPROVED."),
    ])
    .await;
    let (run, log) = run_once(&TestApp::sqlite().await, &reviewed(), &model, "ask").await;
    assert_eq!((&run["state"], &run["output"]), (&json!("done"), &json!("APPROVED.")), "{run}");
    assert_eq!(steps(&log), ["draft", "review", "draft", "review"]);
    let requests = model.requests();
    assert!(told(&requests[2]).ends_with("Result of draft:\nfirst draft\n\nResult of review:\ntoo short"));
    assert!(
        told(&requests[3]).ends_with("Result of review:\ntoo short\n\nResult of draft:\nsecond draft"),
        "the last results in the order in which they came: {}",
        told(&requests[3])
    );
    let model = FakeModel::start(vec![Reply::Text("again")]).await;
    let (run, _) = run_once(&TestApp::sqlite().await, &reviewed(), &model, "ask").await;
    assert_eq!((&run["state"], &run["reason"]["code"]), (&json!("failed"), &json!("graph_limit")), "{run}");
    assert_eq!(model.requests().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_its_pattern_is_told_and_nobody_is_asked() {
    let model = FakeModel::start(vec![Reply::Text("x")]).await;
    let mut handoff = team("handoff", &["a"], json!([]));
    handoff["agents"][0]["handoffs"] = json!(["gone"]);
    let mut circle = team("parallel", &["a"], json!([]));
    circle["tasks"] = json!([task("x", "a", &["y"]), task("y", "a", &["x"])]);
    let mut astray = team("graph", &["a"], json!([]));
    astray["tasks"] = json!([task("x", "a", &[])]);
    astray["graph"] = json!({"start": "gone"});
    for spec in [
        handoff,
        circle,
        astray,
        team("parallel", &["a"], json!([])),
        team("router", &["a"], json!([])),
        team("supervisor", &["a"], json!([])),
        team("graph", &["a"], json!([])),
        team("sequential", &["a"], json!([])),
    ] {
        let (run, log) = run_once(&TestApp::sqlite().await, &spec, &model, "ask").await;
        assert_eq!(run["reason"]["code"], "spec_invalid", "{run}");
        assert_eq!(of_kind(&log, "RUN_ERROR").len(), 1);
    }
    assert!(model.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rehearsal_goes_through_every_pattern_and_says_what_it_is() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    test.start_workers().await;
    for (spec, way) in one_of_each_pattern() {
        let project = project(&test.app, &spec).await;
        let (run, job) = start(&admin, project, json!({"input": "Ask the tailor 6*7", "mode": "dev"})).await;
        let run = wait_for_end(&admin, run).await;
        assert_eq!((&run["state"], &run["model"]), (&json!("done"), &json!("rehearsal")), "{run}");
        let log = log(&test.app, job).await;
        assert_sound(&log);
        assert_eq!(steps(&log), way, "{run}");
        let tools = match spec["target"]["pattern"].as_str().unwrap() {
            "supervisor" => 3,
            "handoff" => 1,
            _ => 0,
        };
        assert_eq!(run["usage"]["toolCalls"], tools, "{run}");
        assert!(said(&log).contains("not a language model"), "{}", said(&log));
    }
}
