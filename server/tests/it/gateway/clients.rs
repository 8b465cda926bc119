//! The gateway, asked by the clients that projects use: OpenAI's and Anthropic's own, from PyPI.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::Run;
use super::messages::at_anthropic;
use crate::support::fake_anthropic::{FakeAnthropic, Saying};
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::{calculator, log, of_kind, provider, spec};
use crate::support::{TestApp, python};

/// Lets others in over a socket; the gateway's root.
pub(super) async fn served(test: &TestApp) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}/gateway", listener.local_addr().unwrap());
    let service = test.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    root
}

/// Runs one of the fixtures and sees to it that it says that all is well.
pub(super) async fn play(python: PathBuf, fixture: &str, arguments: Vec<String>, environment: Vec<(String, String)>) {
    let script = format!("{}/tests/it/fixtures/{fixture}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(python);
    command.arg(script).args(arguments).envs(environment).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.trim() == "OK", "{fixture} said {said}\n{errors}");
}

async fn ask_with_the_clients(test: &TestApp, run: &Run, behind: &str) -> bool {
    let Some(python) = python::with_packages("clients", &["openai==3.54.0", "anthropic==2.12.0"]) else { return false };
    let arguments = vec![served(test).await, run.token.clone(), behind.to_owned()];
    play(python, "gateway_clients.py", arguments, Vec::new()).await;
    true
}

/// An agent that adds.
fn adding() -> Value {
    let mut add = calculator();
    add["id"] = json!("add");
    spec("react", json!([add]))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_of_openai_and_anthropic_ask_a_model_on_openais_wire() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::answering(|request| {
        let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        match messages.last() {
            None => Reply::Raw(
                "application/json",
                r#"{"object":"list","model":"embed-1","data":[{"object":"embedding","index":0,"embedding":[0.5,1.0]}],"usage":{"prompt_tokens":4,"total_tokens":4}}"#,
            ),
            Some(last) if last["role"] == "tool" => Reply::Text("It is 3."),
            Some(_) if request["stream"] == true => Reply::Calls(vec![("add", r#"{"a":1,"b":2}"#)]),
            Some(_) => Reply::Raw(
                "application/json",
                r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_0","type":"function","function":{"name":"add","arguments":"{\"a\":1,\"b\":2}"}}]}}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}"#,
            ),
        }
    })
    .await;
    let at = provider(&admin, &model.url).await;
    let run = Run::start(&test, &admin, &adding(), json!({"input": "go", "providerId": at})).await;
    if ask_with_the_clients(&test, &run, "openai").await {
        let seen = log(&test.app, run.job).await;
        assert!(of_kind(&seen, "TOOL_CALL_RESULT").len() >= 2, "{seen:?}");
        assert!(!format!("{seen:?}").contains("sk-secret-key"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_of_openai_and_anthropic_ask_a_model_on_anthropics_wire() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let call = || Saying::Calls("Let me see.", vec![("add", json!({"a": 1, "b": 2}))]);
    let said = || Saying::Text("It is 3.");
    // By messages, by chat, by responses.
    let double = FakeAnthropic::start(vec![call(), said(), call(), call(), said(), call(), call(), said()]).await;
    let run = at_anthropic(&test, &admin, &double, &adding(), "ask").await;
    ask_with_the_clients(&test, &run, "anthropic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_of_openai_and_anthropic_ask_the_rehearsal_model() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let run = Run::start(&test, &admin, &adding(), json!({"input": "Add 1 and 2."})).await;
    ask_with_the_clients(&test, &run, "rehearsal").await;
}
