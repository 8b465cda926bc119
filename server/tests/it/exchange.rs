//! Projects that come from elsewhere and go elsewhere: archives, repositories, other formats.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::git_server::{GitServer, commit_to};
use crate::support::ssh_server::SshServer;
use crate::support::{Answer, Persona, TestApp};

const AGENTS: &str = "from agents import Agent, function_tool\n\n@function_tool\ndef look(city: str) -> str:\n    \"\"\"Looks.\"\"\"\n    return city\n\nagent = Agent(name=\"Looker\", instructions=\"Look.\", tools=[look])\n";

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in entries {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

async fn upload(persona: &Persona<'_>, path: &str, body: Vec<u8>) -> Answer {
    let mut request = Request::post(path).header(header::HOST, "127.0.0.1:7777");
    for (name, value) in &persona.headers {
        request = request.header(name, value);
    }
    persona.raw(request.header(header::CONTENT_TYPE, "application/zip").body(Body::from(body)).unwrap()).await
}

async fn secret(admin: &Persona<'_>, name: &str, value: &str) -> Value {
    admin.post("/api/v1/secrets", json!({"name": name, "value": value})).await.expect(201).json()["id"].clone()
}

async fn project(admin: &Persona<'_>, name: &str) -> Value {
    let mut plan = admin.post("/api/v1/plans", json!({"prompt": "Tell the time"})).await.expect(200).json();
    plan["spec"]["metadata"]["name"] = json!(name);
    admin.post("/api/v1/projects", json!({"spec": plan["spec"]})).await.expect(201).json()
}

/// Pushes and waits for the end; gives the job and its events.
async fn push(admin: &Persona<'_>, project: &str, body: Value) -> (Value, Vec<Value>) {
    let accepted = admin.post(&format!("/api/v1/projects/{project}:push"), body).await.expect(202).json();
    let job = accepted["jobId"].as_str().unwrap().to_owned();
    let began = Instant::now();
    loop {
        let found = admin.get(&format!("/api/v1/jobs/{job}")).await.expect(200).json();
        if matches!(found["state"].as_str(), Some("done" | "failed" | "cancelled")) {
            let events = admin.get(&format!("/api/v1/jobs/{job}/events")).await.expect(200).json();
            return (found, events["items"].as_array().cloned().unwrap_or_default());
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_in_an_archive_becomes_a_spec_and_a_project() {
    let test = TestApp::sqlite().await;
    let writer = test.token(&["read", "write"]).await;
    let bytes = archive(&[("p/agents_of_ours.py", AGENTS.as_bytes()), ("p/logo.png", b"\x89PNG")]);
    let import = upload(&writer, "/api/v1/imports/archive", bytes.clone()).await.expect(200).json();
    assert_eq!(import["format"], "openai_agents");
    assert_eq!(import["spec"]["agents"][0]["tools"], json!(["look"]));
    assert!(import["diagnostics"].as_array().unwrap().iter().any(|found| found["code"] == "effect_assumed"));
    let made = writer.post("/api/v1/projects", json!({"spec": import["spec"]})).await.expect(201).json();
    assert_eq!(made["name"], "looker");

    let refused = upload(&writer, "/api/v1/imports/archive?format=autogen", bytes).await.expect(422);
    assert_eq!(refused.code(), "document_refused");
    let tricks = archive(&[("../agents.py", AGENTS.as_bytes())]);
    assert_eq!(upload(&writer, "/api/v1/imports/archive", tricks).await.expect(422).code(), "archive_refused");
    let large = vec![0; 21 * 1024 * 1024];
    assert_eq!(upload(&writer, "/api/v1/imports/archive", large).await.expect(413).code(), "body_too_large");
    upload(&test.anonymous(), "/api/v1/imports/archive", vec![]).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_and_components_come_as_documents_too() {
    let test = TestApp::sqlite().await;
    let reader = test.token(&["read"]).await;
    let import =
        reader.post("/api/v1/imports", json!({"format": "openai_agents", "document": AGENTS})).await.expect(200).json();
    assert_eq!(import["spec"]["agents"][0]["id"], "looker");
    let refused = reader.post("/api/v1/imports", json!({})).await.expect(422);
    assert_eq!(refused.code(), "import_source");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_in_a_repository_is_read_at_its_commit() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let git = GitServer::start(None).await;
    let url = git.repository("open.git");
    git.commit("open.git", "main", &[("services/look/main.py", AGENTS), ("readme.md", "x")]);
    git.commit("open.git", "other", &[("services/look/main.py", &AGENTS.replace("Looker", "Other"))]);

    let body = json!({"git": {"url": url, "folder": "services/look"}});
    let import = admin.post("/api/v1/imports", body).await.expect(200).json();
    assert_eq!(import["spec"]["agents"][0]["id"], "looker");
    assert_eq!(import["commit"], git.commits("open.git", "main")[0].as_str());
    let body = json!({"git": {"url": url, "reference": "other"}});
    assert_eq!(admin.post("/api/v1/imports", body).await.expect(200).json()["spec"]["agents"][0]["id"], "other");

    for (git, status, code) in [
        (json!({"url": url, "reference": "gone"}), 422, "git_no_reference"),
        (json!({"url": url, "folder": "gone"}), 502, "git_failed"),
        (json!({"url": format!("{url}-gone")}), 422, "git_not_found"),
        (json!({"url": "http://127.0.0.1:9/x"}), 502, "git_unreachable"),
        (json!({"url": "file:///etc"}), 422, "invalid"),
        (json!({"url": "ext::sh -c id"}), 422, "invalid"),
        (json!({"url": url, "reference": "--upload-pack=id"}), 422, "invalid"),
        (json!({"url": url, "folder": "../x"}), 422, "invalid"),
    ] {
        let refused = admin.post("/api/v1/imports", json!({ "git": git })).await.expect(status);
        assert_eq!(refused.code(), code, "{git}: {}", refused.text());
    }
    // Nothing is left behind.
    let left: Vec<_> = std::fs::read_dir(test.data().join("git")).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    let reader = test.token(&["read"]).await;
    reader.post("/api/v1/imports", json!({"git": {"url": url}})).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_opens_a_repository_and_is_shown_to_nobody_else() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let git = GitServer::start(Some("right-token")).await;
    let url = git.repository("closed.git");
    git.commit("closed.git", "main", &[("main.py", AGENTS)]);
    let right = secret(&admin, "right", "right-token").await;
    let wrong = secret(&admin, "wrong", "wrong-token").await;

    let import = admin
        .post("/api/v1/imports", json!({"git": {"url": url, "secretId": right, "username": "ada"}}))
        .await
        .expect(200)
        .json();
    assert_eq!(import["spec"]["agents"][0]["id"], "looker");
    assert!(git.logins.lock().unwrap().iter().all(|login| login == "ada:right-token"));

    let refused = admin.post("/api/v1/imports", json!({"git": {"url": url, "secretId": wrong}})).await.expect(422);
    assert_eq!(refused.code(), "git_denied");
    assert!(!refused.text().contains("wrong-token"), "{}", refused.text());
    let refused = admin.post("/api/v1/imports", json!({"git": {"url": url}})).await.expect(422);
    assert_eq!(refused.code(), "git_denied");
    let inline = url.replace("http://", "http://ada:right-token@");
    admin.post("/api/v1/imports", json!({"git": {"url": inline}})).await.expect(422);
    // Whoever chooses the address would see the secret.
    let writer = test.token(&["read", "write", "build", "publish"]).await;
    writer.post("/api/v1/imports", json!({"git": {"url": url, "secretId": right}})).await.expect(403);
    let made = project(&admin, "closed-push").await;
    let body = json!({"url": url, "branch": "main", "secretId": right});
    writer.post(&format!("/api/v1/projects/{}:push", made["id"].as_str().unwrap()), body).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_pushed_on_top_of_what_is_there_and_read_back() {
    let test = TestApp::sqlite().await;
    test.start_workers().await;
    let admin = test.admin().await;
    let git = GitServer::start(Some("t0ken")).await;
    let url = git.repository("target.git");
    let made = project(&admin, "pushed").await;
    let secret = secret(&admin, "git", "t0ken").await;
    let body = json!({"url": url, "branch": "main", "secretId": secret});

    // Into an empty repository.
    let (job, events) = push(&admin, "pushed", body.clone()).await;
    assert_eq!((&job["state"], &job["result"]["changed"]), (&json!("done"), &json!(true)), "{job}");
    let commits = git.commits("target.git", "main");
    assert_eq!(job["result"]["commit"], commits[0].as_str());
    assert!(git.file("target.git", "main", "agent.gantry.yaml").unwrap().contains("pushed"));
    assert!(events.iter().any(|event| event["type"] == "push.done" && event["commit"] == commits[0].as_str()));
    assert!(!serde_json::to_string(&events).unwrap().contains("t0ken"));

    // Nothing to do says so.
    let (job, _) = push(&admin, "pushed", body.clone()).await;
    assert_eq!((&job["state"], &job["result"]["changed"]), (&json!("done"), &json!(false)));
    assert_eq!(git.commits("target.git", "main").len(), 1);

    // On top of somebody else's work, which stays.
    git.commit("target.git", "main", &[("LICENSE", "theirs"), ("README.md", "theirs")]);
    let (job, _) = push(&admin, "pushed", body.clone()).await;
    assert_eq!(job["result"]["changed"], true, "{job}");
    assert_eq!(git.commits("target.git", "main").len(), 3);
    assert_eq!(git.file("target.git", "main", "LICENSE").as_deref(), Some("theirs"));
    assert_ne!(git.file("target.git", "main", "README.md").as_deref(), Some("theirs"));

    // A new branch begins where the default one is.
    let mut elsewhere = made["spec"].clone();
    elsewhere["metadata"]["version"] = json!("0.2.0");
    let replaced = json!({"spec": elsewhere, "expectedRevision": 1});
    admin.put(&format!("/api/v1/projects/{}/spec", made["id"].as_str().unwrap()), replaced).await.expect(200);
    let (job, _) =
        push(&admin, "pushed", json!({"url": url, "branch": "gantry/next", "secretId": secret, "message": "Next"}))
            .await;
    assert_eq!(job["result"]["changed"], true, "{job}");
    assert_eq!(git.commits("target.git", "gantry/next").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_removes_what_the_project_has_no_more_and_nobody_else_changed() {
    let test = TestApp::sqlite().await;
    test.start_workers().await;
    let admin = test.admin().await;
    let git = GitServer::start(None).await;
    let url = git.repository("shrinking.git");
    let made = project(&admin, "shrinking").await;
    let files = format!("/api/v1/projects/{}/files", made["id"].as_str().unwrap());
    let mut revision = 1;
    for path in ["notes/one.md", "notes/two.md"] {
        let body = json!({"content": format!("{path}\n"), "expectedRevision": revision});
        revision = admin.put(&format!("{files}/{path}"), body).await.expect(200).json()["revision"].as_i64().unwrap();
    }
    let body = json!({"url": url, "branch": "main"});
    push(&admin, "shrinking", body.clone()).await;
    git.commit("shrinking.git", "main", &[("notes/two.md", "theirs"), ("notes/three.md", "theirs")]);
    for path in ["notes/one.md", "notes/two.md"] {
        let gone = format!("{files}/{path}?expectedRevision={revision}");
        revision = admin.delete(&gone).await.expect(200).json()["revision"].as_i64().unwrap();
    }

    let (job, events) = push(&admin, "shrinking", body.clone()).await;
    assert_eq!((&job["state"], &job["result"]["removed"]), (&json!("done"), &json!(["notes/one.md"])), "{job}");
    assert_eq!(git.file("shrinking.git", "main", "notes/one.md"), None);
    assert_eq!(git.file("shrinking.git", "main", "notes/two.md").as_deref(), Some("theirs"));
    assert_eq!(git.file("shrinking.git", "main", "notes/three.md").as_deref(), Some("theirs"));
    let said = serde_json::to_string(&events).unwrap();
    assert!(said.contains("changed in the repository: notes/two.md"), "{said}");

    // And then there is nothing more to do.
    let (job, _) = push(&admin, "shrinking", body).await;
    assert_eq!((&job["result"]["changed"], &job["result"]["removed"]), (&json!(false), &json!([])), "{job}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_goes_and_comes_over_ssh_and_a_host_with_another_key_is_refused() {
    let Some(mut ssh) = SshServer::start() else { return };
    let test = TestApp::sqlite().await;
    test.start_workers().await;
    let admin = test.admin().await;
    project(&admin, "by-ssh").await;
    let key = secret(&admin, "key", &ssh.key("client")).await;
    let stranger = secret(&admin, "stranger", &ssh.key("stranger")).await;

    let (job, events) = push(&admin, "by-ssh", json!({"url": ssh.url(), "branch": "main", "secretId": key})).await;
    assert_eq!((&job["state"], &job["result"]["changed"]), (&json!("done"), &json!(true)), "{job} {events:?}");
    assert!(ssh.file("agent.gantry.yaml").unwrap().contains("by-ssh"));
    let body = json!({"git": {"url": ssh.url(), "secretId": key}});
    let import = admin.post("/api/v1/imports", body.clone()).await.expect(200).json();
    assert_eq!((&import["format"], &import["commit"]), (&json!("gantry"), &job["result"]["commit"]));

    // Who is not let in is told so, and no key is in anything that is said.
    let refused = admin.post("/api/v1/imports", json!({"git": {"url": ssh.url(), "secretId": stranger}})).await;
    assert_eq!(refused.code(), "git_denied", "{}", refused.text());
    assert!(!refused.text().contains("PRIVATE KEY"));
    assert_eq!(admin.post("/api/v1/imports", json!({"git": {"url": ssh.url()}})).await.code(), "git_denied");

    ssh.change_host_key();
    let refused = admin.post("/api/v1/imports", body).await.expect(422);
    assert_eq!(refused.code(), "git_host_key", "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_cannot_be_says_why_and_forces_nothing() {
    let test = TestApp::sqlite().await;
    test.start_workers().await;
    let admin = test.admin().await;
    let git = GitServer::start(Some("t0ken")).await;
    let url = git.repository("moving.git");
    project(&admin, "moving").await;
    let right = secret(&admin, "right", "t0ken").await;
    let wrong = secret(&admin, "wrong", "nope").await;
    git.commit("moving.git", "main", &[("LICENSE", "first")]);

    let (job, _) = push(&admin, "moving", json!({"url": url, "branch": "main", "secretId": wrong})).await;
    assert_eq!((&job["state"], &job["reason"]["code"]), (&json!("failed"), &json!("git_denied")), "{job}");
    assert!(!job.to_string().contains("nope"));

    // Somebody pushes between the fetch and the push.
    let path = git.path("moving.git");
    *git.before_push.lock().unwrap() = Some(Box::new(move || commit_to(&path, "main", &[("LICENSE", "second")])));
    let (job, _) = push(&admin, "moving", json!({"url": url, "branch": "main", "secretId": right})).await;
    assert_eq!((&job["state"], &job["reason"]["code"]), (&json!("failed"), &json!("git_moved")), "{job}");
    assert_eq!(git.file("moving.git", "main", "LICENSE").as_deref(), Some("second"));
    assert_eq!(git.file("moving.git", "main", "agent.gantry.yaml"), None);

    let (job, _) =
        push(&admin, "moving", json!({"url": format!("{}/gone.git", git.url), "branch": "main", "secretId": right}))
            .await;
    assert_eq!(job["reason"]["code"], "git_not_found", "{job}");
    for body in [json!({"url": url, "branch": "-f"}), json!({"url": "ftp://x/y", "branch": "main"})] {
        admin.post("/api/v1/projects/moving:push", body).await.expect(422);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_project_is_for_others_can_be_taken_out() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    project(&admin, "shown").await;
    let card = admin
        .get("/api/v1/projects/shown/exports/a2a_card?at=https://agents.example.com/shown/")
        .await
        .expect(200)
        .json();
    assert_eq!(card["supportedInterfaces"][0]["url"], "https://agents.example.com/shown/a2a");
    assert_eq!(card["name"], "shown");
    assert!(!card["skills"].as_array().unwrap().is_empty());
    admin.get("/api/v1/projects/shown/exports/a2a_card?at=nowhere").await.expect(422);
    let text = admin.get("/api/v1/projects/shown/exports/agents_md").await.expect(200).text();
    assert!(text.starts_with("# "), "{text}");
    let skill = admin.get("/api/v1/projects/shown/exports/skill").await.expect(200);
    let mut read = zip::ZipArchive::new(Cursor::new(skill.bytes)).unwrap();
    assert_eq!(read.by_index(0).unwrap().name().unwrap(), "shown/SKILL.md");
}

/// What the registry asks of a `server.json`, as it publishes it.
const SERVER_SCHEMA: &str = include_str!("fixtures/mcp_registry/server.schema.json");

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_described_to_registries_of_mcp_servers_as_it_can_be_asked() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let schema: Value = serde_json::from_str(SERVER_SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (name, prompt) in
        [("clock", "Tell the time"), ("wordy", &*"An agent that knows a great many words. ".repeat(40))]
    {
        let mut plan = admin.post("/api/v1/plans", json!({"prompt": prompt})).await.expect(200).json();
        plan["spec"]["metadata"]["name"] = json!(name);
        admin.post("/api/v1/projects", json!({"spec": plan["spec"]})).await.expect(201);
        let address = format!("/api/v1/projects/{name}/exports/mcp_server");
        let document = admin.get(&format!("{address}?at=https://gantry.example.com/")).await.expect(200).json();
        let faults: Vec<String> = schema.iter_errors(&document).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{document:#}");
        assert_eq!(document["name"], format!("com.example.gantry/{name}"));
        assert_eq!(document["remotes"][0]["url"], format!("https://gantry.example.com/mcp/{name}"));
        let named =
            admin.get(&format!("{address}?at=http://[::1]:7777&namespace=io.github.ada")).await.expect(200).json();
        assert_eq!(named["name"], format!("io.github.ada/{name}"));
    }
    for query in ["at=nowhere", "at=http://[::1]:7777", "at=https://x.example&namespace=a/b"] {
        admin.get(&format!("/api/v1/projects/clock/exports/mcp_server?{query}")).await.expect(422);
    }
    assert!(!schema.is_valid(&json!({"name": "no-slash", "description": "x", "version": "1"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_for_kagent_names_an_image_and_says_what_it_needs() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    project(&admin, "deployed").await;
    let address = "/api/v1/projects/deployed/exports/kagent";
    assert_eq!(admin.get(address).await.expect(409).code(), "export_not_possible");
    admin.get(&format!("{address}?image=no")).await.expect(422);
    let image = format!("registry.example.com/team/deployed@sha256:{}", "a".repeat(64));
    let text = admin.get(&format!("{address}?image={image}")).await.expect(200).text();
    assert!(text.contains("kubectl create secret generic deployed-settings"), "{text}");
    let manifest = gantry_domain::spec::yaml::read_value(&text).unwrap();
    assert_eq!((&manifest["apiVersion"], &manifest["kind"]), (&json!("kagent.dev/v1alpha2"), &json!("Agent")));
    assert_eq!(manifest["spec"]["type"], "BYO");
    let deployment = &manifest["spec"]["byo"]["deployment"];
    assert_eq!(deployment["image"], image);
    let variables = deployment["env"].as_array().unwrap();
    let base = variables.iter().find(|variable| variable["name"] == "OPENAI_BASE_URL").unwrap();
    assert_eq!(base["valueFrom"]["secretKeyRef"], json!({"name": "deployed-settings", "key": "OPENAI_BASE_URL"}));
    let key = variables.iter().find(|variable| variable["name"] == "OPENAI_API_KEY").unwrap();
    assert_eq!(key["valueFrom"]["secretKeyRef"]["optional"], true);
    // No variable has a value, so no secret can get into the file.
    assert!(variables.iter().all(|variable| variable.get("value").is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_checked_as_it_is_and_what_is_wrong_has_its_place() {
    let test = TestApp::sqlite().await;
    let admin = test.admin().await;
    let made = project(&admin, "checked").await;
    let id = made["id"].as_str().unwrap();
    let address = format!("/api/v1/projects/{id}/verification");
    let check = |verification: &Value, id: &str| {
        verification["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap().clone()
    };
    let sound = admin.get(&address).await.expect(200).json();
    assert_eq!((&sound["isSound"], &sound["revision"]), (&json!(true), &json!(1)), "{sound:#}");
    assert_eq!(sound["checks"].as_array().unwrap().len(), 5);

    // An edit is no fault, a file that is no Python is one, and so is a dependency that is not locked.
    let listed = admin.get(&format!("/api/v1/projects/{id}/files")).await.expect(200).json();
    let paths: Vec<&str> =
        listed["items"].as_array().unwrap().iter().filter_map(|file| file["path"].as_str()).collect();
    let agent = *paths.iter().find(|path| path.ends_with("/agent.py")).unwrap();
    let mut revision = 1;
    for (path, content) in [
        (agent, "import os\n\n\ndef broken(:\n    pass\n"),
        ("notes.md", "mine"),
        ("pyproject.toml", "[project]\nname = \"checked\"\ndependencies = [\"left-pad>=1\"]\n"),
    ] {
        let body = json!({"content": content, "expectedRevision": revision});
        let written = admin.put(&format!("/api/v1/projects/{id}/files/{path}"), body).await.expect(200).json();
        revision = written["revision"].as_i64().unwrap();
    }
    let found = admin.get(&address).await.expect(200).json();
    assert_eq!(found["isSound"], false);
    let syntax = check(&found, "syntax");
    assert_eq!(syntax["state"], "failed");
    assert_eq!(syntax["findings"][0]["path"], format!("{agent}:4"), "{syntax}");
    let files = check(&found, "files");
    assert_eq!(files["state"], "passed", "{files}");
    let codes: Vec<&str> =
        files["findings"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "file_edited").count(), 2, "{files}");
    assert!(codes.contains(&"file_added"), "{files}");
    let lock = check(&found, "lock");
    assert_eq!(lock["findings"][0]["code"], "lock_incomplete", "{lock}");
    test.anonymous().get(&address).await.expect(401);
}
