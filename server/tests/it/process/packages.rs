//! The packages of projects that run as processes: installed once, told as they come, and stopped.

use std::time::{Duration, Instant};

use gantry_domain::api::job::JobState;
use gantry_domain::matrix::Framework;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ended, start_as_process};
use crate::container::spec_for;
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{Persona, TestApp, world};

/// A plain project whose lock is this.
async fn with_lock(admin: &Persona<'_>, lock: &str) -> Uuid {
    let spec = spec_for(Framework::React, json!([calculator()]));
    let created = admin.post("/api/v1/projects", json!({"spec": spec})).await.expect(201).json();
    let project = id(&created["id"]);
    let change = json!({"content": lock, "expectedRevision": created["revision"]});
    admin.put(&format!("/api/v1/projects/{project}/files/requirements.lock"), change).await.expect(200);
    project
}

/// A package of nothing but itself, which needs no index: its folder.
fn package(folder: &std::path::Path, setup: &str) -> String {
    std::fs::create_dir_all(folder).unwrap();
    // A build of its own, so that nothing else has to be fetched for it.
    let metadata = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";
    std::fs::write(folder.join("pyproject.toml"), metadata).unwrap();
    std::fs::write(folder.join("backend.py"), setup).unwrap();
    format!("{}\n", folder.display())
}

const BACKEND: &str = r#"import sys, zipfile
def build_wheel(directory, settings=None, metadata=None):
    name = "gantry_story-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.writestr("gantry_story.py", "ANSWER = 42\n")
        info = "gantry_story-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: gantry-story\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: story\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"#;

fn notices(log: &[Value]) -> Vec<String> {
    let notices = of_kind(log, "CUSTOM").into_iter().filter(|event| event["name"] == "gantry.notice");
    notices.map(|event| event["value"]["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_are_installed_once_for_each_lock_and_told_as_they_come() {
    let test = TestApp::sqlite_with(&super::ALLOWED).await;
    test.start_workers().await;
    let admin = test.admin().await;
    let lock = package(&test.data().join("story"), BACKEND);
    let project = with_lock(&admin, &lock).await;
    let model = FakeModel::start(vec![Reply::Text("Here.")]).await;
    let provider = provider(&admin, &model.url).await;
    // Two at the same time: one of them installs, the other waits for it.
    let (first, first_job) = start_as_process(&admin, project, &provider, "ask").await;
    let (second, second_job) = start_as_process(&admin, project, &provider, "ask").await;
    world::job_ends(&test, &first_job.to_string()).await;
    world::job_ends(&test, &second_job.to_string()).await;
    let (_, job, first_log) = ended(&test, &admin, first, first_job).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    let (_, job, second_log) = ended(&test, &admin, second, second_job).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    let mut told = [notices(&first_log), notices(&second_log)];
    told.sort();
    assert_eq!(told, [vec![], vec!["installing".to_owned(), "installed".to_owned()]]);
    let log = if notices(&first_log).is_empty() { second_log } else { first_log };
    let lines = of_kind(&log, "CUSTOM").into_iter().filter(|event| event["name"] == "gantry.install");
    let lines: Vec<String> = lines.map(|event| event["value"]["lines"].to_string()).collect();
    assert!(lines.join("\n").contains("Successfully installed gantry-story-1.0"), "{lines:?}");
    let (third, job) = start_as_process(&admin, project, &provider, "ask").await;
    let (_, _, log) = ended(&test, &admin, third, job).await;
    assert!(notices(&log).is_empty(), "it is there already");
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_that_cannot_be_installed_say_why_and_an_installation_is_stopped_with_its_run() {
    let test = TestApp::sqlite_with(&super::ALLOWED).await;
    test.start_workers().await;
    let admin = test.admin().await;
    let broken = package(&test.data().join("broken"), "raise SystemExit('this build is broken')\n");
    let project = with_lock(&admin, &broken).await;
    let model = FakeModel::start(vec![Reply::Text("Here.")]).await;
    let provider = provider(&admin, &model.url).await;
    let (run, job) = start_as_process(&admin, project, &provider, "ask").await;
    let (_, job, _) = ended(&test, &admin, run, job).await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "packages_not_installed"), "{reason:?}");
    assert!(reason.message.contains("this build is broken"), "{}", reason.message);
    assert!(model.requests().is_empty());

    let slow = package(&test.data().join("slow"), "import time\ntime.sleep(600)\n");
    let project = with_lock(&admin, &slow).await;
    let (run, job) = start_as_process(&admin, project, &provider, "ask").await;
    wait_for_event(&test.app, job, |event| event["event"]["value"]["code"] == "installing").await;
    let began = Instant::now();
    while !super::processes_of(run).iter().any(|command| command.contains("pip")) {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not begin");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let asked = Instant::now();
    admin.post(&format!("/api/v1/runs/{run}:cancel"), json!({})).await.expect(202);
    world::job_ends(&test, &job.to_string()).await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    let (_, job, _) = ended(&test, &admin, run, job).await;
    assert_eq!(job.state, JobState::Cancelled);
}
