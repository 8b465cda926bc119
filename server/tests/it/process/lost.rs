//! A server that is killed while a project is at work as a process: a real one, in a process of its own.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use gantry_domain::api::job::JobState;
use gantry_domain::matrix::Framework;
use gantry_server::app::App;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ALLOWED, created, ended, processes_of, rooms, start_as_process};
use crate::container::{python, spec_for, writer};
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::{TestApp, config};

/// Where the server that is to be killed finds its data.
const DATA: &str = "GANTRY_TEST_DOOMED_DATA";

/// No story: the server that others start, and kill.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the server that other stories start in a process of its own"]
async fn doomed_server() {
    let Some(data) = std::env::var_os(DATA) else { return };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let app = App::open(config(data.as_ref(), None, &ALLOWED)).await.unwrap();
    let tracker = tokio_util::task::TaskTracker::new();
    gantry_server::jobs::spawn_workers(&app, &tracker, gantry_server::jobs::works()).await.unwrap();
    std::future::pending::<()>().await;
}

/// A server that works on another's data, until it is killed.
struct Doomed(std::process::Child);

impl Doomed {
    fn start(test: &TestApp) -> Self {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "process::lost::doomed_server", "--ignored", "--nocapture"]).env(DATA, test.data());
        Self(command.process_group(0).stdout(std::process::Stdio::null()).spawn().unwrap())
    }

    /// `kill -9`.
    async fn die(mut self, test: &TestApp) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        test.app.db.sql("UPDATE job SET lease_until = 0 WHERE state = 'running'").execute().await.unwrap();
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

async fn until(test: &TestApp, job: Uuid, wanted: impl Fn(&Value) -> bool) {
    let began = Instant::now();
    while !log(&test.app, job).await.iter().any(&wanted) {
        assert!(began.elapsed() < Duration::from_secs(60), "{:#?}", log(&test.app, job).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_has_left_is_killed_before_the_run_goes_on() {
    let test = TestApp::sqlite_with(&ALLOWED).await;
    let admin = test.admin().await;
    let wait = python("wait", "import subprocess\nsubprocess.run(['setsid', 'sleep', '600'])\nreturn 'awake'\n");
    let project = created(&admin, &spec_for(Framework::React, json!([calculator(), writer(), wait]))).await;

    // The model has begun to speak: nothing was done, so the run begins anew.
    let model =
        FakeModel::start(vec![Reply::Slow(vec!["lost ", "words "], Duration::from_secs(5)), Reply::Text("It is 42.")])
            .await;
    let provider_id = provider(&admin, &model.url).await;
    let (harmless, harmless_job) = start_as_process(&admin, project, &provider_id, "ask").await;
    let doomed = Doomed::start(&test);
    let began = Instant::now();
    while model.requests().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "{:#?}", log(&test.app, harmless_job).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    doomed.die(&test).await;
    let left = processes_of(harmless);
    assert_eq!(left.len(), 1, "it outlives the server: {left:?}");

    // The model has asked for a tool, which is at work: what it has done is not known.
    let model = FakeModel::start(vec![Reply::Calls(vec![("wait", "{}")]), Reply::Text("Done.")]).await;
    let provider_id = provider(&admin, &model.url).await;
    let (busy, busy_job) = start_as_process(&admin, project, &provider_id, "dev").await;
    let doomed = Doomed::start(&test);
    let began = Instant::now();
    while !processes_of(busy).iter().any(|command| command.starts_with("sleep")) {
        assert!(began.elapsed() < Duration::from_secs(60), "{:#?}", log(&test.app, busy_job).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    doomed.die(&test).await;
    assert!(processes_of(busy).len() >= 2, "{:?}", processes_of(busy));

    test.start_workers().await;
    let (run, job, log) = ended(&test, &admin, harmless, harmless_job).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    assert_eq!((&run["output"], said(&log).as_str()), (&json!("It is 42."), "It is 42."));
    assert_eq!(of_kind(&log, "RUN_STARTED").len(), 1);
    let (_, job, log) = ended(&test, &admin, busy, busy_job).await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "process_lost"), "{reason:?}");
    assert_eq!(results(&log), [""; 0], "the tool is not known to have answered");
    assert_eq!(model.requests().len(), 1, "the model was not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_nobody_is_responsible_for_is_killed_and_those_of_others_are_left_alone() {
    let test = TestApp::sqlite_with(&ALLOWED).await;
    let other = TestApp::sqlite_with(&ALLOWED).await;
    std::fs::create_dir_all(other.data().join("runs")).unwrap();
    let admin = test.admin().await;
    let project = created(&admin, &spec_for(Framework::React, json!([writer()]))).await;
    let model = FakeModel::start(vec![Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)])]).await;
    let provider_id = provider(&admin, &model.url).await;
    let (run, job) = start_as_process(&admin, project, &provider_id, "ask").await;
    let doomed = Doomed::start(&test);
    until(&test, job, |event| event["type"] == "approval.requested").await;
    doomed.die(&test).await;
    // The project is deleted while no server runs that could tidy up.
    test.app.db.sql("DELETE FROM run").execute().await.unwrap();
    gantry_server::jobs::spawn_reconcilers(&other.app, &other.tracker);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(processes_of(run).len(), 1, "another server's processes are its own business");
    gantry_server::jobs::spawn_reconcilers(&test.app, &test.tracker);
    let began = Instant::now();
    while !processes_of(run).is_empty() || !rooms(&test, run).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?} {:?}", processes_of(run), rooms(&test, run));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_takes_its_processes_with_it() {
    let test = TestApp::sqlite_with(&ALLOWED).await;
    let admin = test.admin().await;
    let project = created(&admin, &spec_for(Framework::React, json!([writer()]))).await;
    let model = FakeModel::start(vec![Reply::Silent]).await;
    let provider_id = provider(&admin, &model.url).await;
    let (run, _) = start_as_process(&admin, project, &provider_id, "ask").await;
    let stopping = test.beside(&ALLOWED).await;
    stopping.start_workers().await;
    let began = Instant::now();
    while model.requests().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(processes_of(run).len(), 1);
    stopping.app.shutdown.cancel();
    stopping.tracker.close();
    stopping.tracker.wait().await;
    assert!(processes_of(run).is_empty(), "{:?}", processes_of(run));
}
