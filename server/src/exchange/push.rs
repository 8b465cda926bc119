//! Pushing a project to a repository: fetch, commit, push, read back.
//!
//! The project's files go on top of what the branch has. A file that the project has no more is removed there if it is
//! still what the project had; what else is there stays. Nothing is forced: when somebody was faster, the job says so. `done` is said only of a commit that the repository gave back to
//! a fresh question.

use axum::http::StatusCode;
use gantry_domain::api::Accepted;
use gantry_domain::api::exchange::PushProject;
use gantry_domain::api::job::JobKind;
use gantry_domain::event::EventBody;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::repository::{address, explained, login};
use super::{LARGEST_FILE, MOST_FILES};
use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::{JobContext, JobFailure, NewJob, Outcome, Work};
use crate::outside::git::{GitError, GitFile, Words, Workplace, reference_fault};
use crate::project::GoneFiles as Gone;

/// How many attempts may fail for reasons that mend by themselves.
const MAX_ATTEMPTS: i64 = 3;
const LONGEST_MESSAGE: usize = 10_000;

/// What the job needs to know; the secret is named, never held.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PushArguments {
    url: String,
    branch: String,
    message: String,
    username: Option<String>,
    secret_id: Option<Uuid>,
    revision: i64,
}

/// Begins a push.
///
/// # Errors
/// `404` without the project, `409 unresolved_conflicts`, `422` for an address or branch that cannot be,
/// `409 job_active` while the same branch is being pushed to.
pub(super) async fn begin(app: &App, project: &str, wish: PushProject, created_by: &str) -> Result<Accepted> {
    let project = crate::project::find(&app.db, project).await?;
    // The lines that mark a conflict are nothing for others to read.
    crate::project::refuse_conflicts(&app.db, project.summary.id, project.revision).await?;
    let address = address(&wish.url, "/url")?;
    if let Some(message) = reference_fault(&wish.branch) {
        return Err(Error::invalid("/branch", "reference_invalid", message));
    }
    let message = wish.message.filter(|text| !text.trim().is_empty());
    if message.as_ref().is_some_and(|text| text.len() > LONGEST_MESSAGE) {
        return Err(Error::invalid(
            "/message",
            "message_too_long",
            format!("Expected at most {LONGEST_MESSAGE} bytes."),
        ));
    }
    // What cannot be opened is said now and not by the job.
    login(app, wish.username.clone(), wish.secret_id).await?;
    let summary = &project.summary;
    let message = message.unwrap_or_else(|| {
        format!(
            "Write {} {} as Gantry generates it\n\nRevision {} of the project.\n",
            summary.name, summary.version, project.revision
        )
    });
    let arguments = PushArguments {
        url: address.to_string(),
        branch: wish.branch,
        message,
        username: wish.username,
        secret_id: wish.secret_id,
        revision: project.revision,
    };
    let mut tx = app.db.begin().await?;
    let job = NewJob {
        kind: JobKind::Push,
        project_id: Some(summary.id),
        subject_id: None,
        dedupe_key: Some(format!("push:{}#{}", arguments.url, arguments.branch)),
        args: serde_json::to_value(&arguments)?,
        max_attempts: MAX_ATTEMPTS,
        created_by: created_by.to_owned(),
    };
    let job_id = app.jobs.enqueue(&mut tx, job).await?;
    tx.commit().await?;
    Ok(Accepted { id: job_id, job_id })
}

/// Pushes projects.
pub(crate) struct PushWork;

#[async_trait::async_trait]
impl Work for PushWork {
    fn kind(&self) -> JobKind {
        JobKind::Push
    }

    async fn run(&self, app: &App, job: &JobContext) -> Result<Outcome, JobFailure> {
        tokio::select! {
            biased;
            // Dropping the command under way kills it.
            () = job.cancelled().cancelled() => Err(JobFailure::cancelled()),
            pushed = push(app, job) => pushed.map(Outcome::Done),
        }
    }
}

async fn push(app: &App, job: &JobContext) -> Result<Value, JobFailure> {
    let arguments: PushArguments = serde_json::from_value(job.args().clone()).map_err(|error| {
        JobFailure::fatal("push_unreadable", format!("What is to be pushed cannot be read: {error}."))
    })?;
    let PushArguments { url, branch, .. } = &arguments;
    let project_id = job.project_id().unwrap_or_default();
    let files = crate::project::files(&app.db, project_id, arguments.revision).await?;
    let gone = crate::project::gone_files(&app.db, project_id, arguments.revision, &files).await?;
    let files: Vec<GitFile> =
        files.into_iter().map(|file| GitFile { path: file.path, content: file.content.into_bytes() }).collect();
    let login = login(app, arguments.username.clone(), arguments.secret_id).await?;
    let place = Workplace::new(&app.config.data, address(url, "/url")?, login).await.map_err(failed)?;

    say(job, format!("Asking {url} for its branch {branch}.")).await?;
    let name = format!("refs/heads/{branch}");
    let there = place.remote_commit(&name).await.map_err(failed)?;
    let base = match &there {
        Some(_) => Some(place.fetch(&name).await.map_err(failed)?),
        // A new branch begins where the repository's own is.
        None if place.remote_commit("HEAD").await.map_err(failed)?.is_some() => {
            say(job, format!("The repository has no branch {branch} yet: it begins where the default branch is."))
                .await?;
            Some(place.fetch("HEAD").await.map_err(failed)?)
        }
        None => {
            say(job, "The repository is empty.".to_owned()).await?;
            None
        }
    };
    let words = Words {
        author: job.created_by().to_owned(),
        message: arguments.message.clone(),
        at: app.db.now().micros() / 1_000_000,
    };
    let removed = match &base {
        Some(base) => removed(job, &place, base, &gone).await?,
        None => Vec::new(),
    };
    let made = place.commit(base.as_deref(), &files, &removed, &words).await.map_err(failed)?;
    let (commit, changed) = match (made, &there) {
        (Some(commit), _) => (commit, true),
        (None, Some(there)) => {
            say(job, format!("The branch has these {} files already: there is nothing to push.", files.len())).await?;
            (there.clone(), false)
        }
        // The default branch has it all, and the branch itself is not there yet.
        (None, None) => {
            return Err(JobFailure::fatal(
                "push_nothing",
                format!(
                    "The repository's default branch has these files already, so a branch {branch} would have nothing of its own. Push to the default branch, or make the branch there first."
                ),
            ));
        }
    };
    if changed {
        say(job, format!("Pushing {} files as {commit}.", files.len())).await?;
        place.push(branch).await.map_err(failed)?;
        let read = place.remote_commit(&name).await.map_err(failed)?;
        if read.as_deref() != Some(commit.as_str()) {
            return Err(JobFailure::fatal(
                "push_not_read_back",
                format!(
                    "The repository took the push, but its branch {branch} is at {} and not at {commit}. Somebody may have pushed since: look there.",
                    read.as_deref().unwrap_or("nothing")
                ),
            ));
        }
    }
    let done = EventBody::PushDone { url: url.clone(), branch: branch.clone(), commit: commit.clone(), changed };
    job.append(done).await?;
    Ok(json!({ "url": url, "branch": branch, "commit": commit, "changed": changed, "removed": removed }))
}

/// The files of a commit that the project had and has no more. One that somebody else changed there is theirs by now,
/// and stays.
async fn removed(job: &JobContext, place: &Workplace, base: &str, gone: &Gone) -> Result<Vec<String>, JobFailure> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let is_gone = |path: &str| gone.contains_key(path);
    let there = place.tree(base, "", LARGEST_FILE, MOST_FILES, is_gone).await.map_err(failed)?;
    let (ours, theirs): (Vec<GitFile>, Vec<GitFile>) = there.files.into_iter().partition(|file| {
        std::str::from_utf8(&file.content).is_ok_and(|text| gone.get(&file.path).is_some_and(|had| had.contains(text)))
    });
    let paths = |files: Vec<GitFile>| files.into_iter().map(|file| file.path).collect::<Vec<String>>();
    let (ours, theirs) = (paths(ours), paths(theirs));
    if !ours.is_empty() {
        say(job, format!("Removing what the project has no more: {}.", ours.join(", "))).await?;
    }
    if !theirs.is_empty() {
        let changed = theirs.join(", ");
        say(job, format!("Keeping what the project has no more, but was changed in the repository: {changed}."))
            .await?;
    }
    Ok(ours)
}

async fn say(job: &JobContext, message: String) -> Result<(), JobFailure> {
    job.append(EventBody::PushProgress { message }).await.map(|_| ())
}

/// What may mend by itself is tried again.
fn failed(error: GitError) -> JobFailure {
    let may_mend = matches!(error, GitError::Unreachable(..) | GitError::TooSlow | GitError::Disk(_));
    let message = match &error {
        GitError::Disk(_) => error.to_string(),
        _ => String::new(),
    };
    let problem = explained(error);
    let message = if message.is_empty() { problem.detail().to_owned() } else { message };
    if may_mend || problem.status() == StatusCode::INTERNAL_SERVER_ERROR {
        JobFailure::retry(problem.code(), message)
    } else {
        JobFailure::fatal(problem.code(), message)
    }
}
