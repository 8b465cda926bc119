//! API tokens: shown once, scoped, expiring, deleted.

use crate::identity::{and, count, with};
use crate::support::{Answer, Persona, TestApp, for_both, new_postgres_schema, part_is_wanted};
use serde_json::{Value, json};

#[tokio::test]
async fn a_token_is_shown_once_and_works_within_its_scopes_until_it_is_deleted() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        let body = json!({"name": "ci", "scopes": ["build", "read", "read"], "expiresInDays": 30});
        let made = admin.post("/api/v1/tokens", body).await.expect(201).json();
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("gantry_") && secret.len() == 47, "{secret}");
        assert!(secret.starts_with(made["prefix"].as_str().unwrap()));
        assert_eq!(made["scopes"], json!(["read", "build"]));
        assert!(made["expiresAt"].is_string());

        let listed = admin.get("/api/v1/tokens").await.expect(200);
        assert!(!listed.text().contains(secret));
        assert_eq!(listed.json()["items"][0]["lastUsedAt"], Value::Null);

        let bearer = format!("bearer {secret}");
        let program = with(&app, &[("authorization", &bearer)]);
        let me = program.get("/api/v1/auth/me").await.expect(200).json();
        assert_eq!((me["name"].as_str(), &me["user"], me.get("csrfToken")), (Some("ci"), &Value::Null, None));
        assert!(admin.get("/api/v1/tokens").await.expect(200).json()["items"][0]["lastUsedAt"].is_string());
        program.get("/api/v1/jobs").await.expect(200);
        let refused = program.post("/api/v1/tokens", json!({"name": "x", "scopes": ["read"]})).await.expect(403);
        assert_eq!(refused.code(), "forbidden");
        assert!(refused.json()["detail"].as_str().unwrap().contains("\"admin\""));
        assert_eq!(program.post("/api/v1/auth/logout", json!({})).await.expect(409).code(), "not_a_login");

        admin.delete(&format!("/api/v1/tokens/{}", made["id"].as_str().unwrap())).await.expect(204);
        program.get("/api/v1/auth/me").await.expect(401);
        admin.delete(&format!("/api/v1/tokens/{}", made["id"].as_str().unwrap())).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_one_node_deletes_works_on_another_for_a_second_at_most() {
    if !part_is_wanted("postgres") {
        return;
    }
    let schema = new_postgres_schema().await;
    let here = TestApp::on(tempfile::tempdir().unwrap(), Some(&schema), &[]).await;
    let folder = tempfile::tempdir().unwrap();
    // Nodes that share a database share the key.
    std::fs::copy(here.data().join("master.key"), folder.path().join("master.key")).unwrap();
    let there = TestApp::on(folder, Some(&schema), &[]).await;
    let headers = here.token(&["read"]).await.headers;
    Persona::with_headers(&there, headers.clone()).get("/api/v1/auth/me").await.expect(200);
    here.app.db.sql("DELETE FROM token").execute().await.unwrap();
    Persona::with_headers(&here, headers.clone()).get("/api/v1/auth/me").await.expect(401);
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    Persona::with_headers(&there, headers).get("/api/v1/auth/me").await.expect(401);
}

#[tokio::test]
async fn an_expired_token_does_not_work() {
    for_both(async |app: TestApp| {
        let program = app.token(&["read"]).await;
        program.get("/api/v1/auth/me").await.expect(200);
        app.app.db.sql("UPDATE token SET expires_at = $1").bind(app.app.db.now()).execute().await.unwrap();
        program.get("/api/v1/auth/me").await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn a_token_makes_no_token_that_may_do_more() {
    for_both(async |app: TestApp| {
        let program = app.token(&["read", "admin"]).await;
        let refused =
            program.post("/api/v1/tokens", json!({"name": "x", "scopes": ["read", "publish"]})).await.expect(403);
        assert!(refused.json()["detail"].as_str().unwrap().contains("\"publish\""), "{}", refused.text());
        program.post("/api/v1/tokens", json!({"name": "x", "scopes": ["read", "admin"]})).await.expect(201);
        assert_eq!(count(&app.app, "SELECT count(*) FROM token").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_request_for_a_token_makes_no_second_one_and_keeps_no_secret() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        let admin = and(&app, &admin, "idempotency-key", Some("once"));
        let body = || json!({"name": "ci", "scopes": ["read"]});
        let first = admin.post("/api/v1/tokens", body()).await.expect(201).json();
        let again: Answer = admin.post("/api/v1/tokens", body()).await.expect(409);
        assert_eq!(again.code(), "answer_not_kept");
        assert!(!again.text().contains(first["secret"].as_str().unwrap()));
        assert_eq!(count(&app.app, "SELECT count(*) FROM token").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_bad_token_request_says_what_was_expected() {
    let app = TestApp::sqlite().await;
    let admin = app.admin().await;
    for (body, path) in [
        (json!({"name": "", "scopes": ["read"]}), "/name"),
        (json!({"name": "x".repeat(65_536), "scopes": ["read"]}), "/name"),
        (json!({"name": "a\u{0}", "scopes": ["read"]}), "/name"),
        (json!({"name": "a\u{202e}b", "scopes": ["read"]}), "/name"),
        (json!({"name": "a", "scopes": []}), "/scopes"),
        (json!({"name": "a", "scopes": ["fly"]}), "/scopes/0"),
        (json!({"name": "a", "scopes": ["read"], "expiresInDays": 0}), "/expiresInDays"),
        (json!({"name": "a", "scopes": ["read"], "expiresInDays": 366}), "/expiresInDays"),
        (json!({"name": "a", "scopes": ["read"], "expiresInDays": -1}), "/expiresInDays"),
    ] {
        let refused = admin.post("/api/v1/tokens", body.clone()).await.expect(422).json();
        assert_eq!(refused["errors"][0]["path"], path, "{body}");
    }
    admin.post("/api/v1/tokens", json!({"name": "🚀 שלום", "scopes": ["read"]})).await.expect(201);
    assert_eq!(count(&app.app, "SELECT count(*) FROM token").await, 1);
}

#[tokio::test]
async fn tokens_come_in_pages() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        for number in 0..5 {
            admin.post("/api/v1/tokens", json!({"name": format!("t{number}"), "scopes": ["read"]})).await.expect(201);
        }
        let mut names = Vec::new();
        let mut path = "/api/v1/tokens?limit=2".to_owned();
        loop {
            let page = admin.get(&path).await.expect(200).json();
            names.extend(
                page["items"].as_array().unwrap().iter().map(|token| token["name"].as_str().unwrap().to_owned()),
            );
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            path = format!("/api/v1/tokens?limit=2&cursor={cursor}");
        }
        assert_eq!(names, ["t4", "t3", "t2", "t1", "t0"]);
    })
    .await;
}
