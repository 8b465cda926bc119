//! Secrets, and the providers and registries that use them: written, used, rotated, never shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails by unwrapping has said what it needs to say"
)]

use crate::support::{Persona, TestApp, config, files_below, for_both, new_postgres_schema, part_is_wanted};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gantry_server::app::App;
use gantry_server::secret::{Belonging, OwnerKind};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

const CANARY: &str = "canary-9f31-sésame-never-shown";
const KEY_CANARY: &str = "sk-canary-provider-77aa";
pub(crate) const PASSWORD_CANARY: &str = "canary registry p4ssword";

pub(crate) async fn count(app: &App, sql: &'static str) -> i64 {
    let (count,): (i64,) = app.db.sql(sql).one().await.unwrap();
    count
}

pub(crate) fn id(answer: &Value) -> Uuid {
    answer["id"].as_str().unwrap().parse().unwrap()
}

/// The value of a named secret's version, as what uses it gets it.
async fn opened(app: &App, secret_id: Uuid, version: i64) -> gantry_server::error::Result<String> {
    let at = Belonging { owner: OwnerKind::Instance, secret_id, version };
    Ok(app.secrets.get(&app.db, at).await?.expose_secret().to_owned())
}

pub(crate) async fn key_of(app: &App, provider: &Value) -> Option<String> {
    let access = gantry_server::provider::access(app, id(provider)).await.unwrap();
    access.key.map(|key| key.expose_secret().to_owned())
}

pub(crate) fn provider(name: &str) -> Value {
    json!({"name": name, "baseUrl": "http://127.0.0.1:11434/v1", "defaultModel": "m"})
}

pub(crate) fn registry(name: &str) -> Value {
    json!({"name": name, "address": "127.0.0.1:5000", "plainHttp": true})
}

pub(crate) fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
async fn a_secret_is_written_described_used_and_deleted_but_never_shown() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        let made = admin.post("/api/v1/secrets", json!({"name": "team/key", "value": CANARY})).await.expect(201);
        assert!(!made.text().contains("canary"), "{}", made.text());
        let made = made.json();
        assert_eq!((&made["name"], &made["version"], &made["usedBy"]), (&json!("team/key"), &json!(1), &json!([])));
        assert_eq!(opened(&app.app, id(&made), 1).await.unwrap(), CANARY);

        let path = format!("/api/v1/secrets/{}", id(&made));
        let again = admin.post(&format!("{path}/versions"), json!({"value": "second"})).await.expect(201).json();
        assert_eq!(again["version"], 2);
        assert_eq!(opened(&app.app, id(&made), 1).await.unwrap(), CANARY);
        assert_eq!(opened(&app.app, id(&made), 2).await.unwrap(), "second");
        let versions = admin.get(&format!("{path}/versions")).await.expect(200).json();
        let numbers: Vec<i64> =
            versions["items"].as_array().unwrap().iter().map(|v| v["version"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [2, 1]);

        let taken = admin.post("/api/v1/secrets", json!({"name": "team/key", "value": "x"})).await.expect(409);
        assert_eq!(taken.code(), "secret_name_taken");
        assert_eq!(count(&app.app, "SELECT count(*) FROM secret_version").await, 2, "nothing half-written");
        admin.delete(&path).await.expect(204);
        admin.delete(&path).await.expect(404);
        assert_eq!(count(&app.app, "SELECT count(*) FROM secret_version").await, 0);
        assert_eq!(opened(&app.app, id(&made), 1).await.unwrap_err().status(), 404);
    })
    .await;
}

#[tokio::test]
async fn versions_written_at_once_get_numbers_of_their_own() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        let made = admin.post("/api/v1/secrets", json!({"name": "k", "value": "v1"})).await.expect(201).json();
        let path = format!("/api/v1/secrets/{}/versions", id(&made));
        let (admin, path) = (&admin, &path);
        let writes =
            (2..=9).map(|number| async move { admin.post(path, json!({"value": format!("v{number}")})).await });
        for answer in futures::future::join_all(writes).await {
            answer.expect(201);
        }
        for version in 1..=9 {
            assert!(opened(&app.app, id(&made), version).await.unwrap().starts_with('v'));
        }
        assert_eq!(count(&app.app, "SELECT version FROM secret").await, 9);
    })
    .await;
}

/// Writes every kind of secret that there is.
pub(crate) async fn write_canaries(admin: &Persona<'_>) {
    let named = admin.post("/api/v1/secrets", json!({"name": "named", "value": CANARY})).await.expect(201).json();
    admin.post("/api/v1/providers", with(provider("p"), "key", json!(KEY_CANARY))).await.expect(201);
    admin.post("/api/v1/registries", with(registry("r"), "credential", json!(PASSWORD_CANARY))).await.expect(201);
    admin.post("/api/v1/providers", with(provider("q"), "secretId", named["id"].clone())).await.expect(201);
}

#[tokio::test]
async fn no_address_of_the_api_answers_with_a_value() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        write_canaries(&admin).await;
        let ids = [
            admin.get("/api/v1/secrets").await.json()["items"][0]["id"].clone(),
            admin.get("/api/v1/providers").await.json()["items"][0]["id"].clone(),
            admin.get("/api/v1/registries").await.json()["items"][0]["id"].clone(),
        ];
        let document = admin.get("/api/v1/openapi.json").await.expect(200).json();
        let mut answered = 0;
        for (path, operations) in document["paths"].as_object().unwrap() {
            if operations.get("get").is_none() {
                continue;
            }
            for id in &ids {
                let answer = admin.get(&path.replace("{id}", id.as_str().unwrap())).await;
                assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text());
                answered += i32::from(answer.status == 200);
                let everything = format!("{:?} {}", answer.headers, answer.text());
                for canary in [CANARY, KEY_CANARY, PASSWORD_CANARY] {
                    assert!(!everything.contains(canary), "{path}");
                }
            }
        }
        assert!(answered >= 12, "only {answered} answers were looked at");
    })
    .await;
}

#[tokio::test]
async fn no_file_of_the_server_holds_a_value_and_the_key_is_not_in_the_database() {
    let app = TestApp::sqlite().await;
    let admin = app.admin().await;
    write_canaries(&admin).await;
    let master = std::fs::read_to_string(app.data().join("master.key")).unwrap();
    let master = STANDARD.decode(master.trim()).unwrap();
    let mut looked_at = 0;
    for file in files_below(app.data()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&file).unwrap();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        for canary in [CANARY, KEY_CANARY, PASSWORD_CANARY] {
            assert!(!holds(canary.as_bytes()), "{name}");
            assert!(!holds(STANDARD.encode(canary).trim_end_matches('=').as_bytes()), "{name}");
        }
        if name.starts_with("gantry.db") {
            assert!(!holds(&master));
            looked_at += 1;
        }
    }
    assert!(looked_at >= 1);
}

#[tokio::test]
async fn a_row_that_was_changed_moved_or_turned_back_does_not_open() {
    for_both(async |app: TestApp| {
        let admin = app.admin().await;
        let one = id(&admin.post("/api/v1/secrets", json!({"name": "one", "value": "first"})).await.expect(201).json());
        let two = id(&admin.post("/api/v1/secrets", json!({"name": "two", "value": "other"})).await.expect(201).json());
        admin.post(&format!("/api/v1/secrets/{one}/versions"), json!({"value": "second"})).await.expect(201);
        let refused = async |secret: Uuid, version: i64| {
            let error = opened(&app.app, secret, version).await.unwrap_err();
            assert_eq!((error.status().as_u16(), error.code()), (503, "secret_unreadable"));
            let text = format!("{error} {error:?}");
            assert!(!text.contains("first") && !text.contains("other"), "{text}");
        };
        // Version 1's bytes in the place of version 2: an old key brought back.
        app.app
            .db
            .sql(
                "UPDATE secret_version SET
                   ciphertext = (SELECT ciphertext FROM secret_version WHERE secret_id = $1 AND version = 1),
                   wrapped_key = (SELECT wrapped_key FROM secret_version WHERE secret_id = $1 AND version = 1)
                 WHERE secret_id = $1 AND version = 2",
            )
            .bind(one)
            .execute()
            .await
            .unwrap();
        refused(one, 2).await;
        // One secret's bytes in the place of another's.
        app.app
            .db
            .sql(
                "UPDATE secret_version SET
                   ciphertext = (SELECT ciphertext FROM secret_version WHERE secret_id = $1 AND version = 1),
                   wrapped_key = (SELECT wrapped_key FROM secret_version WHERE secret_id = $1 AND version = 1)
                 WHERE secret_id = $2",
            )
            .bind(one)
            .bind(two)
            .execute()
            .await
            .unwrap();
        refused(two, 1).await;
        assert_eq!(opened(&app.app, one, 1).await.unwrap(), "first", "what was not touched still opens");
        // One bit.
        let (mut bytes,): (Vec<u8>,) = app
            .app
            .db
            .sql("SELECT ciphertext FROM secret_version WHERE secret_id = $1 AND version = 1")
            .bind(one)
            .one()
            .await
            .unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        app.app
            .db
            .sql("UPDATE secret_version SET ciphertext = $2 WHERE secret_id = $1 AND version = 1")
            .bind(one)
            .bind(bytes)
            .execute()
            .await
            .unwrap();
        refused(one, 1).await;
    })
    .await;
}

/// Opens a server on data that another one leaves, with other settings.
async fn open(data: &std::path::Path, database: Option<&str>, flags: &[&str]) -> anyhow::Result<App> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    App::open(config(data, database, flags)).await
}

#[tokio::test]
async fn a_missing_or_wrong_master_key_keeps_the_server_from_starting() {
    let mut databases = vec![None];
    if part_is_wanted("postgres") {
        databases.push(Some(new_postgres_schema().await));
    }
    for database in databases {
        let database = database.as_deref();
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        let first = open(data, database, &[]).await.unwrap();
        first.db.close().await;
        let file = data.join("master.key");
        let right = std::fs::read_to_string(&file).unwrap();
        open(data, database, &[]).await.unwrap().db.close().await;

        std::fs::rename(&file, data.join("elsewhere")).unwrap();
        let sentence = format!("{:#}", open(data, database, &[]).await.err().unwrap());
        assert!(
            sentence.contains("master key is missing or wrong") && sentence.contains("GANTRY_MASTER_KEY"),
            "{sentence}"
        );
        assert!(!file.exists(), "no new key is made for old secrets");

        let wrong = STANDARD.encode([7_u8; 32]);
        for bad in [wrong.as_str(), "hunter2"] {
            let sentence = format!("{:#}", open(data, database, &["--master-key", bad]).await.err().unwrap());
            assert!(sentence.contains("master key") || sentence.contains("GANTRY_MASTER_KEY"), "{sentence}");
            assert!(!sentence.contains(bad), "{sentence}");
        }
        let both = ["--master-key", right.trim(), "--master-key-file", "/nowhere"];
        assert!(open(data, database, &both).await.is_err(), "two settings for one key");
        open(data, database, &["--master-key", right.trim()]).await.unwrap().db.close().await;
        let elsewhere = data.join("elsewhere");
        open(data, database, &["--master-key-file", elsewhere.to_str().unwrap()]).await.unwrap().db.close().await;
    }
}

#[tokio::test]
async fn two_nodes_that_start_at_once_do_not_end_up_with_two_keys() {
    if !part_is_wanted("postgres") {
        return;
    }
    let schema = new_postgres_schema().await;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The schema is made before, so that only the keys race.
    gantry_server::db::Db::open(&schema).await.unwrap().close().await;
    let (first, second) = tokio::join!(open(one.path(), Some(&schema), &[]), open(two.path(), Some(&schema), &[]));
    let started = [first.is_ok(), second.is_ok()];
    assert_eq!(started.iter().filter(|ok| **ok).count(), 1, "{started:?}");
    let loser = if started[0] { two.path() } else { one.path() };
    assert!(!loser.join("master.key").exists(), "a key that nothing is encrypted under is not left behind");
}

#[tokio::test]
async fn after_a_rotation_old_values_are_readable_with_the_new_key_and_not_with_the_old_one() {
    let mut databases = vec![None];
    if part_is_wanted("postgres") {
        databases.push(Some(new_postgres_schema().await));
    }
    for database in databases {
        let directory = tempfile::tempdir().unwrap();
        let next = directory.path().join("next.key");
        let flags = ["--master-key-next-file", next.to_str().unwrap()];
        let app = TestApp::on(directory, database.as_deref(), &flags).await;
        let admin = app.admin().await;
        let made = admin.post("/api/v1/secrets", json!({"name": "k", "value": CANARY})).await.expect(201).json();
        admin.post("/api/v1/providers", with(provider("p"), "key", json!(KEY_CANARY))).await.expect(201);
        let (before,): (Vec<u8>,) = app
            .app
            .db
            .sql("SELECT ciphertext FROM secret_version WHERE secret_id = $1")
            .bind(id(&made))
            .one()
            .await
            .unwrap();

        let old = std::fs::read_to_string(app.data().join("master.key")).unwrap();
        let early = admin.post("/api/v1/secrets:rotateMasterKey", json!({})).await.expect(409);
        assert_eq!(early.code(), "master_key_next_missing");
        std::fs::write(&next, "not a key").unwrap();
        let early = admin.post("/api/v1/secrets:rotateMasterKey", json!({})).await.expect(409);
        assert_eq!(early.code(), "master_key_next_invalid");
        // Written while the server runs.
        std::fs::write(&next, STANDARD.encode([9_u8; 32])).unwrap();
        let rotated = admin.post("/api/v1/secrets:rotateMasterKey", json!({})).await.expect(200).json();
        assert_eq!(rotated["rewrapped"], 2);
        assert_eq!(
            admin.post("/api/v1/secrets:rotateMasterKey", json!({})).await.expect(409).code(),
            "master_key_in_use"
        );
        assert_eq!(opened(&app.app, id(&made), 1).await.unwrap(), CANARY);
        let (after,): (Vec<u8>,) = app
            .app
            .db
            .sql("SELECT ciphertext FROM secret_version WHERE secret_id = $1")
            .bind(id(&made))
            .one()
            .await
            .unwrap();
        assert_eq!(before, after, "values are not encrypted anew, only their keys are");
        admin.post("/api/v1/secrets", json!({"name": "new", "value": "after"})).await.expect(201);

        // A start with both settings as they were, as after a crash.
        let again = open(app.data(), database.as_deref(), &flags).await.unwrap();
        assert_eq!(opened(&again, id(&made), 1).await.unwrap(), CANARY);
        again.db.close().await;
        // A start with the new key alone.
        let alone =
            open(app.data(), database.as_deref(), &["--master-key-file", next.to_str().unwrap()]).await.unwrap();
        assert_eq!(opened(&alone, id(&made), 1).await.unwrap(), CANARY);
        alone.db.close().await;
        // A start with no setting: Gantry's own file was rewritten.
        let own = open(app.data(), database.as_deref(), &[]).await.unwrap();
        assert_eq!(opened(&own, id(&made), 1).await.unwrap(), CANARY);
        own.db.close().await;
        // A start with the old key alone.
        let flags = ["--master-key", old.trim()];
        let sentence = format!("{:#}", open(app.data(), database.as_deref(), &flags).await.err().unwrap());
        assert!(sentence.contains(rotated["masterKeyId"].as_str().unwrap()), "{sentence}");
    }
}

#[tokio::test]
async fn a_node_that_was_not_told_of_the_new_key_says_so_and_secrets_written_meanwhile_are_never_lost() {
    if !part_is_wanted("postgres") {
        return;
    }
    let schema = new_postgres_schema().await;
    let directory = tempfile::tempdir().unwrap();
    let next = directory.path().join("next.key");
    std::fs::write(&next, STANDARD.encode([9_u8; 32])).unwrap();
    let app = TestApp::on(directory, Some(&schema), &["--master-key-next-file", next.to_str().unwrap()]).await;
    let admin = app.admin().await;
    let apart = tempfile::tempdir().unwrap();
    std::fs::copy(app.data().join("master.key"), apart.path().join("master.key")).unwrap();
    let other = open(apart.path(), Some(&schema), &[]).await.unwrap();

    let writes = (0..20).map(|number| {
        let admin = &admin;
        async move { admin.post("/api/v1/secrets", json!({"name": format!("k{number}"), "value": "v"})).await }
    });
    let (rotated, written) =
        tokio::join!(admin.post("/api/v1/secrets:rotateMasterKey", json!({})), futures::future::join_all(writes));
    rotated.expect(200);
    let mut ids = Vec::new();
    for answer in written {
        ids.push(id(&answer.expect(201).json()));
    }
    assert_eq!(count(&app.app, "SELECT count(DISTINCT master_key_id) FROM secret_version").await, 1);
    for secret in &ids {
        assert_eq!(opened(&app.app, *secret, 1).await.unwrap(), "v");
    }
    let error = opened(&other, ids[0], 1).await.unwrap_err();
    assert_eq!(error.code(), "master_key_missing");
    // A start with the setting is enough, and rewrites this node's own file: the next one needs nothing.
    other.db.close().await;
    for flags in [&["--master-key-next-file", next.to_str().unwrap()][..], &[]] {
        let other = open(apart.path(), Some(&schema), flags).await.unwrap();
        assert_eq!(opened(&other, ids[0], 1).await.unwrap(), "v");
        other.db.close().await;
    }
}

#[tokio::test]
async fn a_key_that_gantry_made_is_rotated_without_hand_work_and_every_crash_on_the_way_is_survived() {
    let app = TestApp::sqlite().await;
    let admin = app.admin().await;
    let made = admin.post("/api/v1/secrets", json!({"name": "k", "value": CANARY})).await.expect(201).json();
    let data = app.data();
    let (file, pending) = (data.join("master.key"), data.join("master.key.next"));
    let reads = async |what: &str| {
        let again = open(data, None, &[]).await.unwrap_or_else(|error| panic!("{what}: {error:#}"));
        assert_eq!(opened(&again, id(&made), 1).await.unwrap(), CANARY, "{what}");
        again.db.close().await;
    };
    // Cut off before the database was asked: the key that waits changes nothing, and is the next one.
    let waiting = STANDARD.encode([5_u8; 32]);
    std::fs::write(&pending, &waiting).unwrap();
    reads("a key waits").await;
    assert!(pending.exists());

    let first = std::fs::read_to_string(&file).unwrap();
    let rotated = admin.post("/api/v1/secrets:rotateMasterKey", json!({})).await.expect(200).json();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), waiting);
    assert!(!pending.exists());
    let advice = rotated["advice"].as_str().unwrap();
    let old = advice.split_whitespace().find(|word| word.ends_with(".old:")).unwrap().trim_end_matches(':');
    assert_eq!(std::fs::read_to_string(old).unwrap(), first, "{advice}");
    assert!(!advice.contains(&waiting));
    reads("after the rotation").await;

    // Cut off between the database and the files: the next start finishes the exchange.
    std::fs::rename(&file, &pending).unwrap();
    std::fs::rename(old, &file).unwrap();
    reads("the files were not exchanged").await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), waiting);
    assert!(!pending.exists());
    // Cut off between the two steps of the exchange.
    std::fs::rename(&file, &pending).unwrap();
    std::fs::copy(old, &file).unwrap();
    reads("only the old key was moved aside").await;
    reads("and it stays so").await;

    let again = admin.post("/api/v1/secrets:rotateMasterKey", json!({})).await.expect(200).json();
    assert_ne!(again["masterKeyId"], rotated["masterKeyId"]);
    admin.post("/api/v1/secrets", json!({"name": "new", "value": "after"})).await.expect(201);
    reads("after a second rotation").await;
}

#[tokio::test]
async fn a_rotation_without_a_key_to_rotate_to_says_how_to_supply_one() {
    let app = TestApp::sqlite_with(&["--master-key", &STANDARD.encode([4_u8; 32])]).await;
    let admin = app.admin().await;
    let refused = admin.post("/api/v1/secrets:rotateMasterKey", json!({})).await.expect(409);
    assert_eq!(refused.code(), "master_key_next_missing");
    assert!(refused.text().contains("GANTRY_MASTER_KEY_NEXT_FILE"));
    assert!(!app.data().join("master.key.next").exists());
}
