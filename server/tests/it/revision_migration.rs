//! What a server without revisions left becomes a revision.

use serde_json::json;
use uuid::Uuid;

use crate::support::{TestApp, new_postgres_schema, part_is_wanted};

/// The migrations of a server that did not keep revisions.
async fn migrations_before(engine: &str) -> sqlx::migrate::Migrator {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("migrations").join(engine);
    let all = sqlx::migrate::Migrator::new(folder).await.unwrap();
    sqlx::migrate::Migrator::with_migrations(all.iter().filter(|found| found.version <= 9).cloned().collect())
}

/// What such a server left: a project whose spec was changed once.
fn rows_before(id: &str, files: &str) -> [String; 3] {
    let generation = |revision: i64| {
        format!(
            "INSERT INTO generation (project_id, revision, generator_version, files, created_at)
             VALUES ({id}, {revision}, '0.0.9', {files}, {revision})"
        )
    };
    let project = format!(
        "INSERT INTO project (id, name, description, framework, version, spec, revision, created_by, created_at, updated_at)
         VALUES ({id}, 'old', '', 'react', '0.1.0', '{{}}', 2, 'ada', 1, 2)"
    );
    [project, generation(1), generation(2)]
}

#[tokio::test]
async fn what_was_generated_before_revisions_were_kept_is_a_revision_that_nobody_edited() {
    let id = Uuid::now_v7();
    let files = hex::encode(br#"[{"path":"a.txt","content":"kept\n"}]"#);
    let directory = tempfile::tempdir().unwrap();
    let address = format!("sqlite://{}?mode=rwc", directory.path().join("gantry.db").display());
    let pool = sqlx::SqlitePool::connect(&address).await.unwrap();
    migrations_before("sqlite").await.run(&pool).await.unwrap();
    for row in rows_before(&format!("x'{}'", id.simple()), &format!("x'{files}'")) {
        sqlx::query(sqlx::AssertSqlSafe(row)).execute(&pool).await.unwrap();
    }
    pool.close().await;
    assert_kept(&TestApp::on(directory, None, &[]).await, id).await;
    if part_is_wanted("postgres") {
        let address = new_postgres_schema().await;
        let pool = sqlx::PgPool::connect(&address).await.unwrap();
        migrations_before("postgres").await.run(&pool).await.unwrap();
        for row in rows_before(&format!("'{id}'"), &format!("'\\x{files}'")) {
            sqlx::query(sqlx::AssertSqlSafe(row)).execute(&pool).await.unwrap();
        }
        pool.close().await;
        assert_kept(&TestApp::on(tempfile::tempdir().unwrap(), Some(&address), &[]).await, id).await;
    }
}

async fn assert_kept(test: &TestApp, id: Uuid) {
    let actor = test.token(&["read"]).await;
    let list = actor.get(&format!("/api/v1/projects/{id}/revisions")).await.expect(200).json();
    let told: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|revision| {
            (&revision["cause"], &revision["createdBy"], &revision["editedFiles"], &revision["generatorVersion"])
        })
        .collect();
    let (none, version) = (&json!(0), &json!("0.0.9"));
    assert_eq!(told, [(&json!("spec"), &json!(""), none, version), (&json!("created"), &json!("ada"), none, version)]);
    let file = actor.get(&format!("/api/v1/projects/{id}/revisions/2/files/a.txt")).await.expect(200).json();
    assert_eq!((&file["content"], &file["origin"]), (&json!("kept\n"), &json!("generated")));
}
