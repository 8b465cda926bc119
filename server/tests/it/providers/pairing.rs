//! Pairing with OllaBridge by a code, in both of its forms (doubles), and the real gateway from PyPI.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{add, tested};
use crate::support::fake_ollabridge::{FakeOllabridge, Form};
use crate::support::stories::{project, spec, start, wait_for_end};
use crate::support::{Answer, Persona, TestApp, for_both, part_is_wanted};

async fn pair(admin: &Persona<'_>, provider: &Value, code: &str) -> Answer {
    admin.post(&format!("/api/v1/providers/{}:pair", provider.as_str().unwrap()), json!({"code": code})).await
}

async fn unpair(admin: &Persona<'_>, provider: &Value) -> Answer {
    admin.post(&format!("/api/v1/providers/{}:unpair", provider.as_str().unwrap()), json!({})).await
}

async fn shown(admin: &Persona<'_>, provider: &Value) -> Value {
    admin.get(&format!("/api/v1/providers/{}", provider.as_str().unwrap())).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_becomes_a_key_that_nobody_reads_and_unpairing_forgets_it() {
    for_both(|test| async move {
        let admin = test.admin().await;
        test.start_workers().await;
        for (form, codes, typed) in
            [(Form::Local, ["078-524", "111111"], " 078 524"), (Form::Cloud, ["ABCD-1234", "WXYZ-9999"], "abcd1234")]
        {
            let bridge = FakeOllabridge::start(form, &codes).await;
            let provider = add(&admin, "ollabridge", &format!("{}/v1", bridge.url), "gpt-4o", json!({})).await;
            assert_eq!(tested(&admin, &provider).await["code"], "key_missing");

            let paired = pair(&admin, &provider, typed).await.expect(200).json();
            let token = bridge.tokens()[0].clone();
            assert_eq!(
                (&paired["pairing"]["deviceId"], &paired["hasKey"]),
                (&json!(bridge.devices()[0]), &json!(true)),
                "{form:?}"
            );
            assert!(!paired.to_string().contains(&token) && paired["secretId"].is_null(), "{paired}");
            let kept: Vec<(Vec<u8>,)> = test.app.db.sql("SELECT ciphertext FROM secret_version").all().await.unwrap();
            assert!(
                !kept.is_empty()
                    && kept.iter().all(|(value,)| !value.windows(token.len()).any(|part| part == token.as_bytes()))
            );
            assert_eq!(tested(&admin, &provider).await["code"], "works");

            // It answers without streams, reasons and counts: a chat works all the same, and costs nothing.
            let project = project(&test.app, &spec("single", json!([]))).await;
            let (run, _) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
            let run = wait_for_end(&admin, run).await;
            assert_eq!(run["output"], "Hello from the double.", "{run}");

            // The same code is good once; a wrong one changes nothing.
            for code in [typed, "000000"] {
                let problem = pair(&admin, &provider, code).await.expect(422).json();
                assert_eq!(
                    (&problem["errors"][0]["path"], &problem["errors"][0]["code"]),
                    (&json!("/code"), &json!("pairing_code_refused"))
                );
            }
            assert_eq!(tested(&admin, &provider).await["code"], "works");
            let mut body = shown(&admin, &provider).await;
            let path = format!("/api/v1/providers/{}", provider.as_str().unwrap());
            for name in ["id", "hasKey", "createdAt", "pairing"] {
                body.as_object_mut().unwrap().remove(name);
            }
            assert!(
                admin.put(&path, body.clone()).await.expect(200).json()["pairing"].is_object(),
                "renaming keeps it paired"
            );

            let ended = unpair(&admin, &provider).await.expect(200).json();
            assert_eq!(ended["isForgottenThere"], form == Form::Local, "the cloud has no route for it");
            let left = shown(&admin, &provider).await;
            assert_eq!((&left["pairing"], &left["hasKey"]), (&Value::Null, &json!(false)));
            assert_eq!(tested(&admin, &provider).await["code"], "key_missing");
            assert_eq!(unpair(&admin, &provider).await.expect(409).json()["code"], "provider_not_paired");

            // A key of one's own ends a pairing, too.
            pair(&admin, &provider, codes[1]).await.expect(200);
            body["key"] = json!("sk-of-my-own");
            assert!(admin.put(&path, body).await.expect(200).json()["pairing"].is_null());
        }
        let left: Vec<(i64,)> =
            test.app.db.sql("SELECT COUNT(*) FROM secret WHERE owner_kind = 'provider'").all().await.unwrap();
        assert_eq!(left[0].0, 2, "only the two keys that were entered are kept");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_paired_says_why() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let keys_only = FakeOllabridge::start(Form::LocalThatTakesKeysOnly, &["123456"]).await;
    let other = crate::support::fake_model::FakeModel::start(Vec::new()).await;
    for (url, code, expected) in [
        (keys_only.url.as_str(), "123456", "pairing_token_refused"),
        (other.url.as_str(), "123456", "pairing_not_there"),
        ("http://127.0.0.1:9", "123456", "pairing_unreachable"),
        ("http://bridge.example", "123456", "plain_http_not_local"),
    ] {
        let provider = add(&admin, "ollabridge", url, "gpt-4o", json!({})).await;
        let problem = pair(&admin, &provider, code).await;
        assert_eq!(problem.json()["code"], expected, "{url}: {}", problem.text());
        let left = shown(&admin, &provider).await;
        assert_eq!((&left["pairing"], &left["hasKey"]), (&Value::Null, &json!(false)));
    }
    assert!(keys_only.devices().is_empty(), "what opens nothing was given back");
    let provider = add(&admin, "ollabridge", &keys_only.url, "gpt-4o", json!({})).await;
    for code in ["", "12345", "ABCDEFGH", "1; DROP TABLE"] {
        let problem = pair(&admin, &provider, code).await.expect(422).json();
        assert_eq!(problem["errors"][0]["code"], "invalid_pairing_code");
    }
    let openai = add(&admin, "openai", "https://a.example/v1", "m", json!({})).await;
    assert_eq!(pair(&admin, &openai, "123456").await.expect(409).json()["code"], "pairing_unsupported");
    let reader = test.token(&["read"]).await;
    assert_eq!(pair(&reader, &provider, "123456").await.status, 403);
}

/// What the real gateway asks for models: a double of Ollama's own wire (`/api/tags`, `/api/chat`), where
/// `scripts/ollabridge.sh` tells it that Ollama is.
async fn upstream(address: &str) {
    let tags = json!({"models": [{"name": "stand-in", "model": "stand-in", "size": 0, "digest": "", "details": {}}]});
    let message = json!({"role": "assistant", "content": "Hello from behind the gateway."});
    let said = json!({"model": "stand-in", "message": message, "done": true, "done_reason": "stop"});
    let router = axum::Router::new()
        .route("/api/tags", axum::routing::get(move || async move { axum::Json(tags) }))
        .route("/api/chat", axum::routing::post(move || async move { axum::Json(said) }));
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
}

/// The real gateway, as `scripts/ollabridge.sh` starts it.
#[tokio::test(flavor = "multi_thread")]
async fn the_real_gateway_is_paired_with_chatted_with_and_unpaired() {
    if !part_is_wanted("ollabridge") {
        return;
    }
    let named = |variable: &str, usual: &str| std::env::var(variable).unwrap_or_else(|_| usual.to_owned());
    let url = format!("http://{}", named("GANTRY_TEST_OLLABRIDGE", "127.0.0.1:5711"));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    if let Err(error) = http.get(format!("{url}/health")).send().await {
        panic!(
            "no OllaBridge answers at {url} ({error}). scripts/ollabridge.sh up starts it; or leave it out with GANTRY_TEST_SKIP=ollabridge"
        );
    }
    upstream(&named("GANTRY_TEST_OLLABRIDGE_UPSTREAM", "127.0.0.1:5712")).await;
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let generated: Value = http.post(format!("{url}/pair/generate")).send().await.unwrap().json().await.unwrap();
    let provider = add(&admin, "ollabridge", &url, "stand-in", json!({})).await;
    let paired = pair(&admin, &provider, generated["code_display"].as_str().unwrap()).await.expect(200).json();
    let device = paired["pairing"]["deviceId"].as_str().unwrap().to_owned();
    let listed = || async {
        let devices: Value = http.get(format!("{url}/pair/devices")).send().await.unwrap().json().await.unwrap();
        devices.to_string()
    };
    assert!(listed().await.contains(&device));
    let id = provider.as_str().unwrap().parse().unwrap();
    let access = gantry_server::provider::access(&test.app, id).await.unwrap();
    assert!(access.key.unwrap().expose_secret().starts_with("mtx_"));

    let found = tested(&admin, &provider).await;
    assert_eq!((&found["code"], &found["models"]), (&json!("works"), &json!(["stand-in"])), "{found}");
    let project = project(&test.app, &spec("single", json!([]))).await;
    let (run, _) = start(&admin, project, json!({"input": "go", "providerId": provider})).await;
    test.start_workers().await;
    assert_eq!(wait_for_end(&admin, run).await["output"], "Hello from behind the gateway.");

    let problem = pair(&admin, &provider, "000-000").await.expect(422).json();
    assert_eq!(problem["errors"][0]["code"], "pairing_code_refused", "{problem}");
    assert_eq!(unpair(&admin, &provider).await.expect(200).json()["isForgottenThere"], true);
    assert!(!listed().await.contains(&device));
}
