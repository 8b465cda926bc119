//! Every framework that something is generated for, with its real packages, driven through the gateway in Ask
//! mode: one call of its tool is approved and its true output goes to the model, one is denied.
//!
//! `make test` runs those whose packages are few and prints which it left out; `GANTRY_TEST_CELLS` names others, and
//! `cargo xtask verify-frameworks --ask` runs all. The packages are installed by the server itself, into
//! the environments that the other proofs keep (`~/.cache/gantry-test`).

use std::collections::HashMap;

use gantry_domain::api::job::JobState;
use gantry_domain::matrix::Framework;
use gantry_proof::Environment;
use serde_json::{Value, json};

use super::{created, ended, start_as_process};
use crate::agui::validate;
use crate::container::{decide_next, spec_for, writer};
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{TestApp, part_is_wanted};

/// How many packages are few enough for every run of the tests.
const FEW_PACKAGES: usize = 60;

fn is_wanted(framework: Framework) -> bool {
    let (_, packages) = Environment::is_kept(framework).unwrap();
    if packages > 0 && !part_is_wanted("python") {
        return false;
    }
    let named = std::env::var("GANTRY_TEST_CELLS").unwrap_or_default();
    if named.trim().is_empty() {
        return packages <= FEW_PACKAGES;
    }
    let means = |word: &str| word == "all" || word.split('/').next() == Some(framework.as_str());
    named.split(',').map(str::trim).any(means)
}

/// What a request tells the model, however it is packed.
fn heard(request: &Value) -> String {
    request.to_string().replace('\\', "").replace("\": ", "\":")
}

async fn prove(framework: Framework) {
    if framework == Framework::WatsonxOrchestrate {
        // IBM's server runs it, nobody else; that this is said is a story in `process/mod.rs`.
        eprintln!("NOT TESTED: {} in Ask mode: it runs on IBM's server only", framework.as_str());
        return;
    }
    if !is_wanted(framework) {
        eprintln!("NOT TESTED: {} in Ask mode (GANTRY_TEST_CELLS names frameworks)", framework.as_str());
        return;
    }
    let environments = gantry_proof::cache().unwrap().display().to_string();
    let test = TestApp::sqlite_with(&["--process-runs", "allow", "--process-environments", &environments]).await;
    test.start_workers().await;
    let admin = test.admin().await;
    let project = created(&admin, &spec_for(framework, json!([calculator(), writer()]))).await;
    let model = FakeModel::start(vec![
        Reply::Calls(vec![("calculator", r#"{"expression":"6 * 7"}"#)]),
        Reply::Calls(vec![("writer", r#"{"text":"one two three"}"#)]),
        Reply::Calls(vec![("writer", r#"{"text":"never counted at all"}"#)]),
        Reply::Text("One was counted."),
    ])
    .await;
    let provider = provider(&admin, &model.url).await;
    let began = std::time::Instant::now();
    let (run, job) = start_as_process(&admin, project, &provider, "ask").await;
    let mut seen = HashMap::new();
    decide_next(&test, &admin, job, &mut seen, json!({"approve": true})).await.expect(200);
    decide_next(&test, &admin, job, &mut seen, json!({"approve": false})).await.expect(200);
    let (run, job, log) = ended(&test, &admin, run, job).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    assert_eq!(run["output"], "One was counted.", "{run}");

    let asked: Vec<(&Value, &Value)> = seen.values().map(|held| (&held["tool"], &held["arguments"]["text"])).collect();
    assert_eq!(seen.len(), 2, "nothing is asked twice, and what only reads not at all: {asked:?}");
    let requests = model.requests();
    assert_eq!(requests.len(), 4, "{requests:#?}");
    let results = results(&log);
    assert_eq!(results.len(), 3, "{results:?}");
    assert!(results[0].contains("42"), "{results:?}");
    assert!(results[1].replace("\": ", "\":").contains("\"words\":3"), "{results:?}");
    assert!(results[2].starts_with("Denied: Ada did not allow"), "{results:?}");
    assert!(heard(&requests[2]).contains("\"words\":3"), "the true output goes to the model: {:#}", requests[2]);
    assert!(heard(&requests[3]).contains("Denied: Ada did not allow"), "so does the no: {:#}", requests[3]);
    let counted = format!("\"words\":{}", 4);
    assert!(!heard(&requests[3]).contains(&counted), "what was denied did not run: {:#}", requests[3]);
    assert_eq!(said(&log), "One was counted.", "said once, though two witnesses know");
    assert!(model.keys().iter().all(|key| key == "Bearer sk-secret-key"), "the gateway puts the key in");
    if part_is_wanted("npm") {
        validate(&agui(&log));
    }
    eprintln!("tested: {} in Ask mode, {:.1} s", framework.as_str(), began.elapsed().as_secs_f64());
}

macro_rules! frameworks {
    ($($name:ident: $framework:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                prove(Framework::$framework).await;
            }
        )*

        #[test]
        fn no_framework_is_forgotten() {
            assert_eq!([$(Framework::$framework),*], Framework::ALL);
        }
    };
}

frameworks! {
    plain_react_is_held_and_denied: React,
    langgraph_is_held_and_denied: Langgraph,
    pydantic_ai_is_held_and_denied: PydanticAi,
    openai_agents_is_held_and_denied: OpenaiAgents,
    openai_agents_typescript_is_held_and_denied: OpenaiAgentsTypescript,
    agent_framework_is_held_and_denied: AgentFramework,
    google_adk_is_held_and_denied: GoogleAdk,
    strands_is_held_and_denied: Strands,
    crewai_is_held_and_denied: Crewai,
    crewai_flow_is_held_and_denied: CrewaiFlow,
    llamaindex_is_held_and_denied: Llamaindex,
    watsonx_orchestrate_is_not: WatsonxOrchestrate,
}
