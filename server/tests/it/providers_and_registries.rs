//! Providers and registries: their credentials stay, change and go; bad input; who may do what.

use crate::secrets::{PASSWORD_CANARY, count, id, key_of, provider, registry, with, write_canaries};
use crate::support::{TestApp, for_both};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_providers_key_stays_changes_goes_and_comes_from_a_named_secret() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        let made = admin.post("/api/v1/providers", with(provider("p"), "key", json!("k1"))).await.expect(201).json();
        assert_eq!((&made["hasKey"], &made["secretId"]), (&json!(true), &Value::Null));
        let path = format!("/api/v1/providers/{}", id(&made));
        assert_eq!(key_of(&app.app, &made).await.as_deref(), Some("k1"));

        admin.put(&path, with(provider("p"), "defaultModel", json!("other"))).await.expect(200);
        assert_eq!(key_of(&app.app, &made).await.as_deref(), Some("k1"), "left out, it stays");
        admin.put(&path, with(provider("p"), "key", json!(" k2\n"))).await.expect(200);
        assert_eq!(key_of(&app.app, &made).await.as_deref(), Some("k2"));

        let named = admin.post("/api/v1/secrets", json!({"name": "shared", "value": "s1"})).await.expect(201).json();
        let body = with(provider("p"), "secretId", named["id"].clone());
        let changed = admin.put(&path, body.clone()).await.expect(200).json();
        assert_eq!(changed["secretId"], named["id"]);
        assert_eq!(count(&app.app, "SELECT count(*) FROM secret").await, 1, "the key of its own is gone");
        admin.post(&format!("/api/v1/secrets/{}/versions", id(&named)), json!({"value": "s2"})).await.expect(201);
        assert_eq!(key_of(&app.app, &made).await.as_deref(), Some("s2"), "the newest version is used");

        let refused = admin.delete(&format!("/api/v1/secrets/{}", id(&named))).await.expect(409);
        assert_eq!(refused.code(), "secret_in_use");
        assert!(refused.json()["detail"].as_str().unwrap().contains("used by p"), "{}", refused.text());
        assert_eq!(admin.get("/api/v1/secrets").await.json()["items"][0]["usedBy"], json!(["p"]));

        let changed = admin.put(&path, with(provider("p"), "key", json!(""))).await.expect(200).json();
        assert_eq!(changed["hasKey"], false);
        assert_eq!(key_of(&app.app, &made).await, None);
        admin.put(&path, body).await.expect(200);
        admin.delete(&path).await.expect(204);
        admin.get(&path).await.expect(404);
        admin.put(&path, provider("p")).await.expect(404);
        admin.delete(&format!("/api/v1/secrets/{}", id(&named))).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn a_registrys_credential_reaches_the_push_and_goes_with_the_registry() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        let body = json!({
            "name": "r", "address": " GHCR.io ", "prefix": "/team/agents/", "username": " bot ", "credential": PASSWORD_CANARY,
        });
        let made = admin.post("/api/v1/registries", body).await.expect(201).json();
        assert_eq!((&made["address"], &made["prefix"], &made["username"]), (&json!("ghcr.io"), &json!("team/agents"), &json!("bot")));
        let access = gantry_server::registry::credentials(&app.app, id(&made)).await.unwrap();
        assert_eq!(access.credential.as_ref().unwrap().expose_secret(), PASSWORD_CANARY);
        assert_eq!((access.address.as_str(), access.plain_http), ("ghcr.io", false));
        assert!(!format!("{access:?}").contains("canary"));

        let taken = admin.post("/api/v1/registries", registry("r")).await.expect(409);
        assert_eq!(taken.code(), "registry_name_taken");
        admin.delete(&format!("/api/v1/registries/{}", id(&made))).await.expect(204);
        assert_eq!(count(&app.app, "SELECT count(*) FROM secret_version").await, 0);
        assert_eq!(gantry_server::registry::credentials(&app.app, id(&made)).await.unwrap_err().status(), 404);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_fails_leaves_no_credential_behind() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        let body = || with(provider("p"), "key", json!("k"));
        let first = admin.post("/api/v1/providers", body()).await.expect(201).json();
        let taken = admin.post("/api/v1/providers", body()).await.expect(409);
        assert_eq!(taken.code(), "provider_name_taken");
        assert_eq!(count(&app.app, "SELECT count(*) FROM secret").await, 1);
        let second = admin.post("/api/v1/providers", provider("q")).await.expect(201).json();
        let body = with(provider("p"), "key", json!("k2"));
        admin.put(&format!("/api/v1/providers/{}", id(&second)), body).await.expect(409);
        assert_eq!(count(&app.app, "SELECT count(*) FROM secret").await, 1);
        assert_eq!(key_of(&app.app, &first).await.as_deref(), Some("k"));
    })
    .await;
}

#[tokio::test]
async fn bad_input_is_named_by_its_path_and_nothing_is_written() {
    let app = TestApp::sqlite().await;
    let admin = app.admin().await;
    let long = "x".repeat(65_536);
    let nobody = json!(Uuid::nil());
    let remote =
        |key: &str| json!({"name": "p", "baseUrl": "http://models.example/v1", "defaultModel": "m", "key": key});
    let cases = [
        ("/api/v1/secrets", json!({"name": "a b", "value": "v"}), "/name", "invalid_name"),
        ("/api/v1/secrets", json!({"name": "", "value": "v"}), "/name", "invalid_name"),
        ("/api/v1/secrets", json!({"name": "../a", "value": "v"}), "/name", "invalid_name"),
        ("/api/v1/secrets", json!({"name": "מפתח", "value": "v"}), "/name", "invalid_name"),
        ("/api/v1/secrets", json!({"name": long, "value": "v"}), "/name", "invalid_name"),
        ("/api/v1/secrets", json!({"name": "a", "value": ""}), "/value", "invalid_length"),
        ("/api/v1/secrets", json!({"name": "a", "value": format!("{long}x")}), "/value", "invalid_length"),
        ("/api/v1/secrets", json!({"name": "a", "value": "a\u{0}b"}), "/value", "nul_character"),
        ("/api/v1/secrets", json!({"name": "a", "value": "v", "owner": "x"}), "/owner", "invalid_value"),
        ("/api/v1/providers", with(provider(""), "key", json!("k")), "/name", "invalid_name"),
        ("/api/v1/providers", provider(&long), "/name", "invalid_name"),
        ("/api/v1/providers", provider("a\nb"), "/name", "invalid_name"),
        ("/api/v1/providers", provider("a\u{202e}b"), "/name", "invalid_name"),
        ("/api/v1/providers", with(provider("p"), "baseUrl", json!("nonsense")), "/baseUrl", "invalid_url"),
        (
            "/api/v1/providers",
            with(provider("p"), "baseUrl", json!("https://u:sesame@x/v1")),
            "/baseUrl",
            "credentials_in_url",
        ),
        ("/api/v1/providers", with(provider("p"), "defaultModel", json!("")), "/defaultModel", "invalid_model"),
        ("/api/v1/providers", with(provider("p"), "key", json!("a\r\nX-Evil: 1")), "/key", "invalid_key"),
        ("/api/v1/providers", with(provider("p"), "key", json!("ключ")), "/key", "invalid_key"),
        ("/api/v1/providers", with(provider("p"), "key", json!(long)), "/key", "invalid_key"),
        ("/api/v1/providers", with(provider("p"), "inputPriceMicros", json!(-1)), "/inputPriceMicros", "out_of_range"),
        ("/api/v1/providers", with(provider("p"), "secretId", nobody.clone()), "/secretId", "no_such_secret"),
        (
            "/api/v1/providers",
            with(with(provider("p"), "secretId", nobody.clone()), "key", json!("k")),
            "/secretId",
            "two_credentials",
        ),
        ("/api/v1/providers", remote("k"), "/baseUrl", "plain_http_not_local"),
        ("/api/v1/registries", registry("\u{1b}[31m"), "/name", "invalid_name"),
        (
            "/api/v1/registries",
            with(registry("r"), "address", json!("https://x.example")),
            "/address",
            "invalid_address",
        ),
        (
            "/api/v1/registries",
            with(registry("r"), "address", json!("10.0.0.1:5000")),
            "/plainHttp",
            "plain_http_not_local",
        ),
        ("/api/v1/registries", with(registry("r"), "prefix", json!("Team")), "/prefix", "invalid_prefix"),
        ("/api/v1/registries", with(registry("r"), "prefix", json!("../..")), "/prefix", "invalid_prefix"),
        ("/api/v1/registries", with(registry("r"), "username", json!("a:b")), "/username", "invalid_username"),
        ("/api/v1/registries", with(registry("r"), "credential", json!("a\nb")), "/credential", "invalid_credential"),
        ("/api/v1/registries", with(registry("r"), "secretId", nobody), "/secretId", "no_such_secret"),
    ];
    for (path, body, field, code) in cases {
        let refused = admin.post(path, body).await.expect(422);
        let problem = refused.json();
        assert_eq!(
            (problem["errors"][0]["path"].as_str(), problem["errors"][0]["code"].as_str()),
            (Some(field), Some(code)),
            "{path}"
        );
        assert!(!refused.text().contains("sesame"));
    }
    assert_eq!(
        count(
            &app.app,
            "SELECT (SELECT count(*) FROM secret) + (SELECT count(*) FROM provider) + (SELECT count(*) FROM registry)"
        )
        .await,
        0
    );

    // Without a key nothing can be read on the way that was meant to be secret.
    admin.post("/api/v1/providers", with(remote(""), "name", json!("אולמה 🦙 \"q\" \\"))).await.expect(201);
    admin.post("/api/v1/secrets", json!({"name": "limit", "value": long})).await.expect(201);
    for path in ["/api/v1/secrets/not-a-uuid", "/api/v1/providers/not-a-uuid", "/api/v1/registries/..%2f.."] {
        admin.get(path).await.expect(404);
    }
}

#[tokio::test]
async fn only_admin_changes_secrets_providers_and_registries_and_read_is_enough_to_see_them() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        write_canaries(&admin).await;
        let reader = app.token(&["read"]).await;
        let worker = app.token(&["write", "build", "publish"]).await;
        for noun in ["secrets", "providers", "registries"] {
            let path = format!("/api/v1/{noun}");
            let first = reader.get(&path).await.expect(200).json()["items"][0]["id"].as_str().unwrap().to_owned();
            reader.get(&format!("{path}/{first}")).await.expect(200);
            worker.get(&path).await.expect(403);
            for program in [&reader, &worker] {
                let body = match noun {
                    "secrets" => json!({"name": "x", "value": "v"}),
                    "providers" => provider("x"),
                    _ => registry("x"),
                };
                program.post(&path, body).await.expect(403);
                program.delete(&format!("{path}/{first}")).await.expect(403);
            }
        }
        reader.post("/api/v1/secrets:rotateMasterKey", json!({})).await.expect(403);
    })
    .await;
}

#[tokio::test]
async fn testing_a_registry_says_what_was_found_and_repeats_no_password() {
    let app = TestApp::sqlite().await;
    let admin = app.admin().await;
    // Port 1 answers nobody.
    let body = with(with(registry("r"), "address", json!("127.0.0.1:1")), "credential", json!(PASSWORD_CANARY));
    let made = admin.post("/api/v1/registries", body).await.expect(201).json();
    let tested = admin.post(&format!("/api/v1/registries/{}:test", id(&made)), json!({})).await.expect(200);
    assert_eq!(tested.json()["ok"], false);
    assert!(tested.json()["message"].as_str().unwrap().contains("127.0.0.1:1"), "{}", tested.text());
    assert!(!tested.text().contains("canary"));
}
