//! Servers that end while a project is at work in its container.

use std::time::{Duration, Instant};

use gantry_domain::api::job::JobState;
use gantry_domain::matrix::Framework;
use serde_json::json;

use super::{built, containers, ended, spec_for, start_in_container, tidy, with_engine, writer};
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::stories::*;
use crate::support::world;

/// Waits until something is in a log, for as long as containers take.
async fn until(test: &crate::support::TestApp, job: uuid::Uuid, wanted: impl Fn(&serde_json::Value) -> bool) {
    let began = Instant::now();
    while !log(&test.app, job).await.iter().any(&wanted) {
        assert!(began.elapsed() < Duration::from_secs(60), "{:#?}", log(&test.app, job).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_a_run_that_asked_for_no_tool_begins_anew_and_any_other_fails() {
    let Some(test) = with_engine(&[]).await else { return };
    let admin = test.admin().await;
    let builders = DoomedWorkers::start(&test);
    let project = built(&test, &admin, &spec_for(Framework::React, json!([calculator(), writer()]))).await;
    builders.die(&test).await;

    // The model has begun to speak: nothing was done.
    let model =
        FakeModel::start(vec![Reply::Slow(vec!["lost ", "words "], Duration::from_secs(2)), Reply::Text("It is 42.")])
            .await;
    let provider_id = provider(&admin, &model.url).await;
    let (harmless, harmless_job) = start_in_container(&admin, project, &provider_id, "ask").await;
    let doomed = DoomedWorkers::start(&test);
    let began = Instant::now();
    while model.requests().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "{:#?}", log(&test.app, harmless_job).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    doomed.die(&test).await;

    // The model has asked for a tool that a person is asked about.
    let model =
        FakeModel::start(vec![Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)]), Reply::Text("Done.")]).await;
    let provider_id = provider(&admin, &model.url).await;
    let (held, held_job) = start_in_container(&admin, project, &provider_id, "ask").await;
    let doomed = DoomedWorkers::start(&test);
    until(&test, held_job, |event| event["type"] == "approval.requested").await;
    doomed.die(&test).await;
    assert_eq!(containers(&test, held).await, 1, "nobody tidied up");

    test.start_workers().await;
    let (run, job, log) = ended(&test, &admin, harmless, harmless_job).await;
    assert_eq!(job.state, JobState::Done, "{job:#?}");
    assert_eq!((&run["output"], said(&log).as_str()), (&json!("It is 42."), "It is 42."));
    assert_eq!(of_kind(&log, "RUN_STARTED").len(), 1);

    let (_, job, log) = ended(&test, &admin, held, held_job).await;
    let reason = job.reason.unwrap();
    assert_eq!((job.state, reason.code.as_str()), (JobState::Failed, "container_lost"), "{reason:?}");
    assert_eq!(results(&log), [""; 0], "the tool never ran");
    assert_eq!(model.requests().len(), 1, "the model was not asked again");
    let asked = admin.get(&format!("/api/v1/approvals?runId={held}")).await.json();
    assert_eq!(asked["items"][0]["decision"], "withdrawn");

    // Retried by a person it begins anew.
    admin.post(&format!("/api/v1/jobs/{held_job}:retry"), json!({})).await.expect(202);
    let job = world::job_ends(&test, &held_job.to_string()).await;
    let run = admin.get(&format!("/api/v1/runs/{held}")).await.expect(200).json();
    let log = crate::support::stories::log(&test.app, held_job).await;
    let ids: std::collections::HashSet<String> =
        of_kind(&log, "TOOL_CALL_START").iter().map(|event| event["toolCallId"].to_string()).collect();
    assert_eq!(ids.len(), of_kind(&log, "TOOL_CALL_START").len(), "its calls have other ids");
    assert_eq!((job.state, &run["output"]), (JobState::Done, &json!("Done.")), "{job:#?}");
    tidy(&test, &admin, project).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_nobody_is_responsible_for_is_removed_and_those_of_others_are_left_alone() {
    let Some(test) = with_engine(&[]).await else { return };
    let other = with_engine(&[]).await.unwrap();
    let admin = test.admin().await;
    let workers = DoomedWorkers::start(&test);
    let project = built(&test, &admin, &spec_for(Framework::React, json!([writer()]))).await;
    let model = FakeModel::start(vec![Reply::Calls(vec![("writer", r#"{"text":"hello"}"#)])]).await;
    let provider_id = provider(&admin, &model.url).await;
    let (run, job) = start_in_container(&admin, project, &provider_id, "ask").await;
    until(&test, job, |event| event["type"] == "approval.requested").await;
    workers.die(&test).await;
    // The project is deleted while no server runs that could tidy up.
    test.app.db.sql("DELETE FROM run").execute().await.unwrap();
    gantry_server::jobs::spawn_reconcilers(&other.app, &other.tracker);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(containers(&test, run).await, 1, "another server's containers are its own business");
    gantry_server::jobs::spawn_reconcilers(&test.app, &test.tracker);
    let began = Instant::now();
    while containers(&test, run).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "it is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // So is its image, once the project is gone.
    let images = admin.get(&format!("/api/v1/projects/{project}/images")).await.expect(200).json();
    let name = format!("gantry-run/*:{}", images["items"][0]["digest"].as_str().unwrap().trim_start_matches("sha256:"));
    assert_eq!(test.app.docker.image_names(&name).await.unwrap().len(), 1);
    admin.delete(&format!("/api/v1/projects/{project}")).await.expect(204);
    let began = Instant::now();
    while !test.app.docker.image_names(&name).await.unwrap().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "it is still there");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
