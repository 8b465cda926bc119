//! The test of a provider tells what is the matter, each by its code, and what to do.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, post};
use serde_json::{Value, json};

use super::{add, tested};
use crate::support::TestApp;
use crate::support::fake_anthropic::{self, FakeAnthropic, Saying};
use crate::support::fake_model::{FakeModel, Reply};

const KEY: &str = "sk-canary-0123456789";

async fn served(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_answers_is_told_apart() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let refused = |status, body: &str| Reply::Status(status, vec![("retry-after", "7")], body.to_owned());
    for (reply, code, words) in [
        (Reply::Text("yes"), "works", "fake-1"),
        (Reply::Plain("yes"), "works", "fake-1"),
        (refused(401, &format!("no such key {KEY}")), "key_refused", "Enter a valid key"),
        (refused(403, r#"{"error":{"message":"not for you"}}"#), "key_not_allowed", "not for you"),
        (
            refused(404, r#"{"error":{"message":"The model `fake-1` does not exist"}}"#),
            "model_unknown",
            "It has fake-1",
        ),
        (refused(429, r#"{"error":{"message":"slow down"}}"#), "rate_limited", "7 seconds"),
        (refused(429, r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#), "quota_exceeded", "pay"),
        (refused(503, "loading"), "overloaded", "loading"),
        (refused(500, "oops"), "endpoint_failing", "oops"),
        (refused(400, r#"{"error":{"message":"no such field"}}"#), "request_refused", "no such field"),
        (Reply::Raw("text/html", "<!doctype html><title>Welcome</title>"), "web_page", "web page"),
        (Reply::Raw("application/json", r#"{"status":"ok"}"#), "not_a_completion", "no choices"),
        (Reply::Truncated(""), "broken_off", "broke off"),
    ] {
        let what = format!("{reply:?}");
        let model = FakeModel::start(vec![reply]).await;
        let provider = add(&admin, "openai-compatible", &model.url, "fake-1", json!({"key": KEY})).await;
        let found = tested(&admin, &provider).await;
        assert_eq!((&found["code"], &found["ok"]), (&json!(code), &json!(code == "works")), "{what}: {found}");
        assert!(found["message"].as_str().unwrap().contains(words), "{what}: {found}");
        assert!(!found.to_string().contains(KEY), "{found}");
        assert!(model.requests().len() < 4, "a test does not repeat itself for long");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_request_from_its_endpoint_is_told_apart() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = served(Router::new().fallback(any(|| async { "hello" }))).await;
    let elsewhere =
        served(Router::new().fallback(any(|| async { Redirect::permanent("https://elsewhere.example/v1?key=1") })))
            .await;
    for (url, code, words) in [
        ("http://127.0.0.1:9/v1".to_owned(), "connection_refused", "nothing listens there"),
        ("http://no-such-host.invalid/v1".to_owned(), "name_not_resolved", "no machine has that name"),
        (plain.replace("http://", "https://"), "tls_failed", "http://"),
        (elsewhere, "redirected", "to https://elsewhere.example/v1 "),
    ] {
        let provider = add(&admin, "openai-compatible", &url, "m", json!({})).await;
        let found = tested(&admin, &provider).await;
        assert_eq!((&found["code"], &found["ok"]), (&json!(code), &json!(false)), "{url}: {found}");
        assert!(found["message"].as_str().unwrap().contains(words), "{found}");
    }
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_nearly_right_is_answered_with_the_right_one() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let model = FakeModel::start(vec![Reply::Text("yes")]).await;
    let root = model.url.trim_end_matches("/v1");
    for given in [root.to_owned(), format!("{}/elsewhere", model.url)] {
        let provider = add(&admin, "openai-compatible", &given, "fake-1", json!({"key": KEY})).await;
        let found = tested(&admin, &provider).await;
        assert_eq!((&found["code"], &found["suggestedBaseUrl"]), (&json!("path_wrong"), &json!(model.url)), "{found}");
        assert!(found["message"].as_str().unwrap().contains(&format!("Did you mean {}?", model.url)), "{found}");
    }
    // A page for people at every path but one.
    let page = || async { ([("content-type", "text/html")], "<html>Welcome</html>") };
    let answer = json!({"choices": [{"message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}]});
    let api = Router::new()
        .route("/api/v1/chat/completions", post(move || async move { axum::Json(answer) }))
        .fallback(any(page));
    let url = served(api).await;
    let provider = add(&admin, "openai-compatible", &url, "m", json!({})).await;
    let found = tested(&admin, &provider).await;
    assert_eq!(
        (&found["code"], &found["suggestedBaseUrl"]),
        (&json!("web_page"), &json!(format!("{url}/api/v1"))),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_says_what_is_the_matter_in_its_own_words() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let double = FakeAnthropic::start(vec![Saying::Text("yes")]).await;
    let good = json!({"key": fake_anthropic::KEY});
    for (url, model, more, code) in [
        (double.url.clone(), fake_anthropic::MODEL, good.clone(), "works"),
        (format!("{}/v1", double.url), fake_anthropic::MODEL, good.clone(), "works"),
        (double.url.clone(), fake_anthropic::MODEL, json!({"key": KEY}), "key_refused"),
        (double.url.clone(), fake_anthropic::MODEL, json!({}), "key_missing"),
        (double.url.clone(), "claude-nobody", good.clone(), "model_unknown"),
        (format!("{}/proxy", double.url), fake_anthropic::MODEL, good, "path_wrong"),
    ] {
        let provider = add(&admin, "anthropic", &url, model, more).await;
        let found = tested(&admin, &provider).await;
        assert_eq!(found["code"], code, "{url} {model}: {found}");
        assert!(!found.to_string().contains("canary"), "{found}");
        let suggested = found["suggestedBaseUrl"].as_str();
        assert_eq!(suggested, (code == "path_wrong").then_some(double.url.as_str()), "{found}");
    }
    // Ollama answers so for a model that nobody pulled.
    let missing = || async {
        let error =
            json!({"error": {"message": "model \"llama3.2\" not found, try pulling it first", "type": "api_error"}});
        (StatusCode::NOT_FOUND, axum::Json::<Value>(error)).into_response()
    };
    let url = served(Router::new().route("/v1/chat/completions", post(missing))).await;
    let provider = add(&admin, "ollama", &url, "llama3.2", json!({})).await;
    let found = tested(&admin, &provider).await;
    assert_eq!(found["code"], "model_unknown");
    assert!(found["message"].as_str().unwrap().contains("ollama pull llama3.2"), "{found}");
}
