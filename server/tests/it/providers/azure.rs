//! Azure OpenAI: OpenAI's wire with paths and a header of its own. The endpoint is a double that records
//! how it was asked.

use serde_json::json;

use super::{add, tested};
use crate::gateway::Run;
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::{project, spec, start, wait_for_end};
use crate::support::{TestApp, for_both};

const KEY: &str = "azure-canary-0123456789";

#[tokio::test(flavor = "multi_thread")]
async fn each_deployment_has_its_path_when_a_version_is_named_and_the_key_its_own_header() {
    for_both(|test| async move {
        let double = FakeModel::start(vec![Reply::Text("Hello.")]).await;
        let address = double.url.trim_end_matches("/v1").to_owned();
        let admin = test.admin().await;
        let more = json!({"key": KEY, "apiVersion": "2024-10-21"});
        let classic = add(&admin, "azure-openai", &address, "my-gpt", more).await;
        let newer = add(&admin, "azure-openai", &format!("{address}/openai/v1"), "my-gpt", json!({"key": KEY})).await;
        for provider in [&classic, &newer] {
            let found = tested(&admin, provider).await;
            assert_eq!(found["code"], "works", "{found}");
        }
        let project = project(&test.app, &spec("single", json!([]))).await;
        test.start_workers().await;
        let (run, _) = start(&admin, project, json!({"input": "go", "providerId": classic})).await;
        assert_eq!(wait_for_end(&admin, run).await["output"], "Hello.");

        let heads = double.heads();
        let paths: Vec<&str> = heads.iter().map(|(path, _)| path.as_str()).collect();
        let of_deployment = "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21";
        assert_eq!(paths, [of_deployment, "/openai/v1/chat/completions", of_deployment]);
        assert!(heads.iter().all(|(_, headers)| headers["api-key"] == KEY && !headers.contains_key("authorization")));
        assert_eq!(double.requests()[1]["model"], "my-gpt");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_go_to_the_deployment_that_the_project_names() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let answer = r#"{"data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":4}}"#;
    let double = FakeModel::start(vec![Reply::Raw("application/json", answer)]).await;
    let more = json!({"key": KEY, "apiVersion": "2024-10-21"});
    let at = add(&admin, "azure-openai", double.url.trim_end_matches("/v1"), "my-gpt", more).await;
    let run = Run::start(&test, &admin, &spec("react", json!([])), json!({"input": "go", "providerId": at})).await;
    run.ask(&test, "embeddings", json!({"model": "my-embed", "input": "a"})).await.expect(200);
    assert_eq!(double.heads()[0].0, "/openai/deployments/my-embed/embeddings?api-version=2024-10-21");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_some_kinds_have_is_refused_elsewhere() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    for (body, path, code) in [
        (json!({"kind": "openai", "apiVersion": "2024-10-21"}), "/apiVersion", "field_not_of_kind"),
        (json!({"kind": "azure-openai", "apiVersion": "2024&x=1"}), "/apiVersion", "invalid_api_version"),
        (json!({"kind": "anthropic", "tokenUrl": "https://t.example/token"}), "/tokenUrl", "field_not_of_kind"),
        (json!({"kind": "watsonx", "tokenUrl": "nonsense"}), "/tokenUrl", "invalid_url"),
        (
            json!({"kind": "watsonx", "tokenUrl": "http://t.example/token", "key": "k"}),
            "/tokenUrl",
            "plain_http_not_local",
        ),
    ] {
        let mut whole = json!({"name": "p", "baseUrl": "https://a.example", "defaultModel": "m"});
        for (name, value) in body.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let problem = admin.post("/api/v1/providers", whole).await.expect(422).json();
        assert_eq!(
            (&problem["errors"][0]["path"], &problem["errors"][0]["code"]),
            (&json!(path), &json!(code)),
            "{problem}"
        );
    }
    let body = json!({"name": "p", "kind": "nobody", "baseUrl": "https://a.example", "defaultModel": "m"});
    admin.post("/api/v1/providers", body).await.expect(422);
}
