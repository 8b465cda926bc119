//! What a project's files may not be, and who may not change them.

use serde_json::{Value, json};

use crate::revisions::Story;
use crate::support::{Answer, TestApp};

#[tokio::test]
async fn paths_and_texts_that_trick_somebody_are_refused() {
    let test = TestApp::sqlite().await;
    let mut story = Story::begin(&test).await;
    let code = |answer: Answer| answer.expect(422).json()["errors"][0]["code"].as_str().unwrap().to_owned();
    for path in [
        "..%2Fa",
        "a%2F..%2F..%2Fb",
        "%2Fetc%2Fpasswd",
        "a%5Cb",
        "C:%2Fa",
        "a%2F%2Fb",
        "a%0Ab",
        ".%2Fa",
        "~x",
        "a%E2%80%AEyp.b",
    ] {
        assert_eq!(code(story.try_write(path, "x").await), "path_invalid", "{path}");
    }
    for path in [".env", "sub/.ENV.local", ".git/config", "id_rsa", "server.pem"] {
        assert_eq!(code(story.try_write(path, "x").await), "path_keeps_secrets", "{path}");
    }
    for path in ["readme.md", "README.md/x", "SRC/x.py"] {
        assert_eq!(code(story.try_write(path, "x").await), "path_clash", "{path}");
    }
    story.try_write("a%00b", "x").await.expect(400);
    // What is awkward and harmless is not.
    for path in ["a%20b.txt", "%C3%A4/%F0%9F%99%82.txt", "xy:revert", ".env.example"] {
        story.write(path, "x").await;
        assert_eq!(story.content(path).await, "x", "{path}");
    }
    story.write("large.txt", &"\n".repeat(1024 * 1024)).await;
    assert_eq!(code(story.try_write("large.txt", &"x".repeat(1024 * 1024 + 1)).await), "file_too_large");
    let answer = story.try_write("large.txt", &"x".repeat(9 * 1024 * 1024)).await.expect(413);
    assert_eq!(answer.code(), "body_too_large");
}

#[tokio::test]
async fn a_project_has_at_most_five_hundred_files() {
    let test = TestApp::sqlite().await;
    let mut story = Story::begin(&test).await;
    let files: Vec<Value> = std::iter::once(json!({"path": "a", "content": ""}))
        .chain((0..499).map(|number| json!({"path": format!("f{number:03}"), "content": ""})))
        .collect();
    test.app
        .db
        .sql("UPDATE revision SET files = $2 WHERE project_id = $1")
        .bind(story.id)
        .bind(serde_json::to_vec(&files).unwrap())
        .execute()
        .await
        .unwrap();
    let refused = story.try_write("one-more", "x").await.expect(422);
    assert_eq!(refused.json()["errors"][0]["code"], "too_many_files");
    story.write("a", "an edit is none more\n").await;
}

#[tokio::test]
async fn reading_needs_the_right_to_read_and_writing_the_right_to_write() {
    let test = TestApp::sqlite().await;
    let story = Story::begin(&test).await;
    let reader = test.token(&["read"]).await;
    let address = &story.address;
    for path in ["revisions", "revisions/1", "revisions/1/files", "revisions/1/diff", "regeneration"] {
        reader.get(&format!("{address}/{path}")).await.expect(200);
        test.anonymous().get(&format!("{address}/{path}")).await.expect(401);
    }
    let expected = json!({"expectedRevision": 1});
    reader.put(&format!("{address}/files/a"), json!({"content": "", "expectedRevision": 1})).await.expect(403);
    reader.delete(&format!("{address}/files/README.md?expectedRevision=1")).await.expect(403);
    reader.post(&format!("{address}:regenerate"), expected.clone()).await.expect(403);
    reader.post(&format!("{address}/revisions/1:restore"), expected).await.expect(403);
    let revert = json!({"path": "README.md", "expectedRevision": 1});
    reader.post(&format!("{address}/files:revert"), revert).await.expect(403);
    let resolve = json!({"path": "README.md", "take": "yours", "expectedRevision": 1});
    reader.post(&format!("{address}/files:resolve"), resolve).await.expect(403);
}
