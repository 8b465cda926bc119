//! The operations of chats, builds, images and jobs. Those of everything else are in [`super::calls`].

use gantry_domain::api::approval::{Approval, DecideApproval};
use gantry_domain::api::build::{Build, CreateBuild};
use gantry_domain::api::image::{Image, Live, PublishImage};
use gantry_domain::api::job::Job;
use gantry_domain::api::run::{CreateRun, Run, RunAgain, RunPoints};
use gantry_domain::api::session::{CreateSession, SendMessage, Session, SessionThread, UpdateSession};
use gantry_domain::api::{Accepted, Page};
use gantry_domain::event::Event;
use uuid::Uuid;

use super::{ApiResult, BASE, after, delete, encode, get, get_text, patch, post};

/// The chats with a project's agent, newest first.
pub(crate) async fn sessions(project: &str, cursor: Option<String>) -> ApiResult<Page<Session>> {
    get(&format!("/projects/{}/sessions?limit=50{}", encode(project), after(cursor))).await
}

/// Begins a chat.
pub(crate) async fn create_session(project: &str, body: &CreateSession) -> ApiResult<Session> {
    post(&format!("/projects/{}/sessions", encode(project)), body).await
}

/// A chat with its turns.
pub(crate) async fn session(id: Uuid) -> ApiResult<SessionThread> {
    get(&format!("/sessions/{id}")).await
}

/// Changes a chat's title, mode or model.
pub(crate) async fn update_session(id: Uuid, body: &UpdateSession) -> ApiResult<Session> {
    patch(&format!("/sessions/{id}"), body).await
}

/// Deletes a chat with its turns.
pub(crate) async fn delete_session(id: Uuid) -> ApiResult<()> {
    delete(&format!("/sessions/{id}")).await
}

/// Says something in a chat; the answer names the run and its job.
pub(crate) async fn send_message(id: Uuid, body: &SendMessage) -> ApiResult<Accepted> {
    post(&format!("/sessions/{id}/messages"), body).await
}

/// Stops the turn that is under way in a chat.
pub(crate) async fn stop_session(id: Uuid) -> ApiResult<serde_json::Value> {
    post(&format!("/sessions/{id}:stop"), &()).await
}

/// Runs a project's agent once, or one step of it.
pub(crate) async fn create_run(project: Uuid, body: &CreateRun) -> ApiResult<Accepted> {
    post(&format!("/projects/{project}/runs"), body).await
}

/// One run.
pub(crate) async fn run(id: Uuid) -> ApiResult<Run> {
    get(&format!("/runs/{id}")).await
}

/// A project's runs, newest first.
pub(crate) async fn runs(project: &str, cursor: Option<String>) -> ApiResult<Page<Run>> {
    get(&format!("/projects/{}/runs?limit=50{}", encode(project), after(cursor))).await
}

/// The newest runs of a project.
pub(crate) async fn newest_runs(project: &str, most: usize) -> ApiResult<Page<Run>> {
    get(&format!("/projects/{}/runs?limit={most}", encode(project))).await
}

/// Does a run anew, from its beginning or from one of its points.
pub(crate) async fn run_again(id: Uuid, body: &RunAgain) -> ApiResult<Accepted> {
    post(&format!("/runs/{id}:again"), body).await
}

/// Where a run that is over can be done anew.
pub(crate) async fn run_points(id: Uuid) -> ApiResult<RunPoints> {
    get(&format!("/runs/{id}/points")).await
}

/// The newest runs that did a run anew.
pub(crate) async fn runs_done_again(id: Uuid) -> ApiResult<Page<Run>> {
    get(&format!("/runs/{id}/again?limit=20")).await
}

/// Where the log of a run is as JSON.
pub(crate) fn run_events_address(id: Uuid) -> String {
    format!("{BASE}/runs/{id}/events")
}

/// A run with its whole log, each exactly as the server gives it.
pub(crate) async fn trace_of_run(id: Uuid) -> ApiResult<serde_json::Value> {
    let run: serde_json::Value = get(&format!("/runs/{id}")).await?;
    let mut events: Vec<serde_json::Value> = Vec::new();
    loop {
        let last = events.last().and_then(|event| event["seq"].as_i64()).unwrap_or(0);
        let page: Page<serde_json::Value> = get(&format!("/runs/{id}/events?after={last}&limit=512")).await?;
        let is_last = page.next_cursor.is_none() || page.items.is_empty();
        events.extend(page.items);
        if is_last {
            return Ok(serde_json::json!({ "run": run, "events": events }));
        }
    }
}

/// Asks a run to stop.
pub(crate) async fn cancel_run(id: Uuid) -> ApiResult<Run> {
    post(&format!("/runs/{id}:cancel"), &()).await
}

/// Decides about a held tool call.
pub(crate) async fn decide(id: Uuid, body: &DecideApproval) -> ApiResult<Approval> {
    post(&format!("/approvals/{id}:decide"), body).await
}

/// A page of a job's log: what comes after an event.
pub(crate) async fn job_events(id: Uuid, after: i64) -> ApiResult<Page<Event>> {
    get(&format!("/jobs/{id}/events?after={after}&limit=512")).await
}

/// A project's builds, newest first.
pub(crate) async fn builds(project: &str, cursor: Option<String>) -> ApiResult<Page<Build>> {
    get(&format!("/projects/{}/builds?limit=50{}", encode(project), after(cursor))).await
}

/// Begins a build.
pub(crate) async fn create_build(project: &str, body: &CreateBuild) -> ApiResult<serde_json::Value> {
    post(&format!("/projects/{}/builds", encode(project)), body).await
}

/// One build.
pub(crate) async fn build(id: Uuid) -> ApiResult<Build> {
    get(&format!("/builds/{id}")).await
}

/// Asks a build to end.
pub(crate) async fn cancel_build(id: Uuid) -> ApiResult<serde_json::Value> {
    post(&format!("/builds/{id}:cancel"), &()).await
}

/// Where the log of a build is as plain text.
pub(crate) fn raw_log_address(id: Uuid) -> String {
    format!("{BASE}/builds/{id}/log")
}

/// What a project becomes elsewhere, as the text of a file; `address` is below `/api/v1`.
pub(crate) async fn exported(address: String) -> ApiResult<String> {
    get_text(&address).await
}

/// Where a project's skill is as a ZIP file.
pub(crate) fn skill_address(project: &str) -> String {
    format!("{BASE}/projects/{}/exports/skill", encode(project))
}

/// Where a project is as a ZIP file.
pub(crate) fn export_address(project: &str) -> String {
    format!("{BASE}/projects/{}/export", encode(project))
}

/// A project's newest image, if it has one.
pub(crate) async fn newest_image(project: &str) -> ApiResult<Page<Image>> {
    get(&format!("/projects/{}/images?limit=1", encode(project))).await
}

/// A project's images, newest first.
pub(crate) async fn images(project: &str, cursor: Option<String>) -> ApiResult<Page<Image>> {
    get(&format!("/projects/{}/images?limit=50{}", encode(project), after(cursor))).await
}

/// What of a project is live.
pub(crate) async fn live(project: &str) -> ApiResult<Live> {
    get(&format!("/projects/{}/live", encode(project))).await
}

/// One image.
pub(crate) async fn image(digest: &str) -> ApiResult<Image> {
    get(&format!("/images/{digest}")).await
}

/// Sends an image to a registry.
pub(crate) async fn publish(digest: &str, body: &PublishImage) -> ApiResult<serde_json::Value> {
    post(&format!("/images/{digest}:publish"), body).await
}

/// Jobs of the whole instance, newest first; empty words do not narrow the list down.
pub(crate) async fn jobs(state: &str, kind: &str, created_by: &str, cursor: Option<String>) -> ApiResult<Page<Job>> {
    let mut query = format!("/jobs?limit=50{}", after(cursor));
    for (name, value) in [("state", state), ("kind", kind), ("createdBy", created_by)] {
        if !value.is_empty() {
            query.push_str(&format!("&{name}={}", encode(value)));
        }
    }
    get(&query).await
}

/// Asks a job to end.
pub(crate) async fn cancel_job(id: Uuid) -> ApiResult<Job> {
    post(&format!("/jobs/{id}:cancel"), &()).await
}

/// Queues a job that failed once more.
pub(crate) async fn retry_job(id: Uuid) -> ApiResult<Job> {
    post(&format!("/jobs/{id}:retry"), &()).await
}
