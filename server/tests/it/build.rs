//! Builds through the whole server: what is asked, what the job does, what is left in the end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]

use std::time::{Duration, Instant};

use crate::support::{TestApp, for_both, world};
use gantry_domain::api::job::JobState;
use gantry_domain::event::{Event, EventBody};
use gantry_domain::matrix::{self, Framework};
use serde_json::json;

const GOOD: &str = "FROM python:3.12-slim\nCOPY . /app\nRUN ls -a /app && test ! -e /app/.env\n";

async fn with_engine() -> Option<TestApp> {
    let address = world::engine().await?;
    let app = TestApp::sqlite_with(&["--docker", &address]).await;
    app.start_workers().await;
    Some(app)
}

async fn history(app: &TestApp, job_id: &str) -> Vec<Event> {
    app.app.jobs.log().history(job_id.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_build_is_numbered_listed_and_found_and_one_project_has_one_at_a_time() {
    for_both(async |app| {
        let project = world::project_with(&app, "bot", &[("Dockerfile", GOOD)]).await;
        let actor = app.token(&["read", "build"]).await;
        let builds = format!("/api/v1/projects/{project}/builds");
        let first = actor.post(&builds, json!({})).await.expect(202).json();
        assert_eq!(actor.post(&builds, json!({})).await.expect(409).code(), "job_active");

        let build = actor.get(&format!("/api/v1/builds/{}", first["id"].as_str().unwrap())).await.expect(200).json();
        assert_eq!((build["number"].as_i64(), build["state"].as_str()), (Some(1), Some("queued")));
        assert_eq!((build["version"].as_str(), build["revision"].as_i64()), (Some("0.1.0"), Some(1)));
        assert_eq!(build["digest"], json!(null));

        let cancel = format!("/api/v1/builds/{}:cancel", first["id"].as_str().unwrap());
        assert_eq!(actor.post(&cancel, json!({})).await.expect(202).json()["state"], "cancelled");
        assert_eq!(actor.post(&cancel, json!({})).await.expect(409).code(), "job_over");
        for _ in 0..3 {
            // By name as well as by id.
            let next = actor.post("/api/v1/projects/bot/builds", json!({})).await.expect(202).json();
            let cancel = format!("/api/v1/builds/{}:cancel", next["id"].as_str().unwrap());
            actor.post(&cancel, json!({})).await.expect(202);
        }
        let page = actor.get(&format!("{builds}?limit=3")).await.expect(200).json();
        let numbers = |page: &serde_json::Value| -> Vec<i64> {
            page["items"].as_array().unwrap().iter().map(|build| build["number"].as_i64().unwrap()).collect()
        };
        assert_eq!(numbers(&page), [4, 3, 2]);
        let rest = format!("{builds}?cursor={}", page["nextCursor"].as_str().unwrap());
        let rest = actor.get(&rest).await.expect(200).json();
        assert_eq!((numbers(&rest), &rest["nextCursor"]), (vec![1], &json!(null)));
    })
    .await;
}

#[tokio::test]
async fn a_build_needs_its_scope_and_things_that_exist() {
    let app = TestApp::sqlite().await;
    let project = world::project_with(&app, "bot", &[("Dockerfile", GOOD)]).await;
    let builds = format!("/api/v1/projects/{project}/builds");
    app.anonymous().post(&builds, json!({})).await.expect(401);
    let reader = app.token(&["read"]).await;
    reader.post(&builds, json!({})).await.expect(403);
    let builder = app.token(&["read", "build"]).await;
    builder.post("/api/v1/projects/nobody/builds", json!({})).await.expect(404);
    builder.post(&builds, json!({"fast": true})).await.expect(422);
    builder.get("/api/v1/builds/0190b5a2-0000-7000-8000-000000000000").await.expect(404);
    builder.get("/api/v1/builds/what").await.expect(404);
}

#[tokio::test]
async fn files_that_cannot_be_built_are_refused_at_once_with_every_path() {
    let app = TestApp::sqlite().await;
    let files = [("Dockerfile", "# syntax=evil/frontend\nFROM scratch\n"), ("../up", "x"), ("a", "x"), ("A", "x")];
    let project = world::project_with(&app, "bot", &files).await;
    let actor = app.token(&["read", "build"]).await;
    let answer = actor.post(&format!("/api/v1/projects/{project}/builds"), json!({})).await.expect(422);
    assert_eq!(answer.code(), "context_refused");
    let codes: Vec<_> = answer.json()["errors"].as_array().unwrap().iter().map(|e| e["code"].clone()).collect();
    assert_eq!(codes, ["path_invalid", "path_clash", "frontend_refused"]);
    let listed = actor.get(&format!("/api/v1/projects/{project}/builds")).await.expect(200).json();
    assert_eq!(listed["items"], json!([]), "nothing half-written");
}

#[tokio::test]
async fn an_image_comes_out_with_its_digest_and_without_secrets_and_again_from_the_cache() {
    let Some(app) = with_engine().await else { return };
    let mark = world::unique("mark");
    let files = [
        ("Dockerfile", GOOD),
        (".env", "TOKEN=do-not-ship-this"),
        (".dockerignore", "*.log\n!.env\n"),
        ("debug.log", "noise"),
        ("mark.txt", mark.as_str()),
    ];
    let project = world::project_with(&app, &world::unique("bot"), &files).await;
    let actor = app.token(&["read", "build"]).await;
    let builds = format!("/api/v1/projects/{project}/builds");
    let accepted = actor.post(&builds, json!({})).await.expect(202).json();
    let job_id = accepted["jobId"].as_str().unwrap();
    let job = world::job_ends(&app, job_id).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");

    let address = format!("/api/v1/builds/{}", accepted["id"].as_str().unwrap());
    let build = actor.get(&address).await.expect(200).json();
    let digest = build["digest"].as_str().unwrap().to_owned();
    let image = actor.get(&format!("/api/v1/images/{digest}")).await.expect(200).json();
    assert_eq!(
        (&image["buildNumber"], &image["version"], &image["size"]),
        (&json!(1), &json!("0.1.0"), &build["size"])
    );
    assert!(image["platform"].as_str().unwrap().starts_with("linux/"));

    let log = actor.get(&format!("{address}/log")).await.expect(200).text();
    for said in ["Left out: .env", "Left out: debug.log", "mark.txt", "RUN ls -a /app", &digest] {
        assert!(log.contains(said), "{said} is missing in:\n{log}");
    }
    let events = actor.get(&format!("{address}/events")).await.expect(200).json();
    assert_eq!(events["items"][0]["seq"], 1);
    let (_, manifest) = app.app.images.manifest(&digest.parse().unwrap()).await.unwrap();
    // The lowest layer is the base image, which no file of the project can be in.
    for layer in &manifest.layers[1..] {
        let compressed = std::fs::read(app.app.images.blob_path(&layer.digest)).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(compressed.as_slice()), &mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("do-not-ship-this") && !text.contains("noise"), "the image has what was left out");
    }

    let again = actor.post(&builds, json!({})).await.expect(202).json();
    world::job_ends(&app, again["jobId"].as_str().unwrap()).await;
    let events = history(&app, again["jobId"].as_str().unwrap()).await;
    let cached = events.iter().any(|event| matches!(&event.body, EventBody::BuildStep { step } if step.name.contains("RUN ls") && step.state == gantry_domain::event::BuildStepState::Cached));
    assert!(cached, "{events:#?}");
    let built = actor.get(&format!("/api/v1/builds/{}", again["id"].as_str().unwrap())).await.json();
    assert_eq!(built["digest"], json!(digest), "the same files come to the same image");
    let images = actor.get(&format!("/api/v1/projects/{project}/images")).await.expect(200).json();
    assert_eq!(images["items"].as_array().unwrap().len(), 1);

    let name = format!("gantry-build/{}:latest", accepted["id"].as_str().unwrap().replace('-', ""));
    assert!(!app.app.docker.has_image(&name).await.unwrap(), "the engine keeps no name of ours");
}

#[tokio::test]
async fn a_dockerfile_that_fails_is_final_and_says_where() {
    let Some(app) = with_engine().await else { return };
    let dockerfile = "FROM python:3.12-slim\nRUN echo about-to-fail && exit 7\n";
    let project = world::project_with(&app, &world::unique("bot"), &[("Dockerfile", dockerfile)]).await;
    let actor = app.token(&["read", "build"]).await;
    let accepted =
        actor.post(&format!("/api/v1/projects/{project}/builds"), json!({"noCache": true})).await.expect(202);
    let job = world::job_ends(&app, accepted.json()["jobId"].as_str().unwrap()).await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str(), job.attempt), (JobState::Failed, "build_failed", 1));
    for said in ["RUN echo about-to-fail", "exit code: 7", "\nabout-to-fail"] {
        assert!(reason.message.contains(said), "{}", reason.message);
    }
}

#[tokio::test]
async fn cancelling_a_build_stops_it_within_a_second_and_the_next_one_may_begin() {
    let Some(app) = with_engine().await else { return };
    let dockerfile = "FROM python:3.12-slim\nRUN echo sleeping && sleep 300\n";
    let project = world::project_with(&app, &world::unique("bot"), &[("Dockerfile", dockerfile)]).await;
    let actor = app.token(&["read", "build"]).await;
    let builds = format!("/api/v1/projects/{project}/builds");
    let accepted = actor.post(&builds, json!({"noCache": true})).await.expect(202).json();
    let job_id = accepted["jobId"].as_str().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while !history(&app, job_id).await.iter().any(|event| matches!(&event.body, EventBody::BuildLog { lines, .. } if lines.iter().any(|line| line.text == "sleeping"))) {
        assert!(Instant::now() < until, "the step never began");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let asked = Instant::now();
    actor.post(&format!("/api/v1/builds/{}:cancel", accepted["id"].as_str().unwrap()), json!({})).await.expect(202);
    let job = world::job_ends(&app, job_id).await;
    assert_eq!(job.state, JobState::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    let next = actor.post(&builds, json!({})).await.expect(202).json();
    actor.post(&format!("/api/v1/builds/{}:cancel", next["id"].as_str().unwrap()), json!({})).await.expect(202);
}

#[tokio::test]
async fn without_docker_a_build_says_so_and_is_tried_again() {
    let app = TestApp::sqlite_with(&["--docker", "unix:///nowhere/docker.sock"]).await;
    app.start_workers().await;
    let project = world::project_with(&app, "bot", &[("Dockerfile", GOOD)]).await;
    let actor = app.token(&["read", "build"]).await;
    let accepted = actor.post(&format!("/api/v1/projects/{project}/builds"), json!({})).await.expect(202).json();
    let job = world::job_until(&app, accepted["jobId"].as_str().unwrap(), |job| {
        job.state == JobState::Queued && job.attempt > 0
    })
    .await;
    let reason = job.reason.unwrap();
    assert_eq!(reason.code, "docker_unavailable");
    assert!(reason.message.contains("unix:///nowhere/docker.sock"), "{}", reason.message);
    actor.get("/api/v1/projects").await.expect(200);
}

#[tokio::test]
async fn generated_projects_become_images() {
    let Some(app) = with_engine().await else { return };
    let actor = app.admin().await;
    let builtin = gantry_domain::spec::Builtin::CurrentTime;
    // The others have a hundred packages and more, need a base that cannot be pulled everywhere (Node.js), or are
    // no image at all (watsonx Orchestrate).
    let built = [Framework::React, Framework::Langgraph, Framework::AgentFramework];
    let others: Vec<&str> =
        matrix::generated().filter(|framework| !built.contains(framework)).map(Framework::as_str).collect();
    eprintln!("NOT TESTED: images of {}", others.join(", "));
    for framework in built {
        let spec = json!({
            "apiVersion": "gantry/v1",
            "kind": "Agent",
            "metadata": {"name": world::unique(framework.as_str()), "version": "0.1.0", "description": "Tells the time."},
            "target": {"framework": framework.as_str(), "language": framework.language().as_str(), "pattern": "react"},
            "models": {"default": {}},
            "agents": [{"id": "main", "role": "Clock", "instructions": "Tell the time.", "tools": ["now"]}],
            "tools": [{
                "id": "now", "description": "The time now.", "kind": "builtin", "name": "current_time",
                "parameters": builtin.parameters(), "effect": "read",
            }],
        });
        let project = actor.post("/api/v1/projects", json!({"spec": spec})).await.expect(201).json();
        let builds = format!("/api/v1/projects/{}/builds", project["id"].as_str().unwrap());
        let accepted = actor.post(&builds, json!({})).await.expect(202).json();
        let job = world::job_ends(&app, accepted["jobId"].as_str().unwrap()).await;
        assert_eq!(job.state, JobState::Done, "{job:#?}");
    }
}
