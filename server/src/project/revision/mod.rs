//! Revisions: what a project is after each write, whole. What may be written and what comes of it is
//! in [`write`], the sentence about it in [`summary`]; how texts are brought together and compared is
//! the generator's.

pub(super) mod http;
mod snapshot;
pub(super) mod store;
mod summary;
mod verification;
pub(super) mod write;

use gantry_domain::Timestamp;
use gantry_domain::api::revision::{FileDiff, Regeneration, Revision, RevisionCause, RevisionDiff};
use gantry_domain::spec::Spec;
use gantry_generator::merge;
use uuid::Uuid;

use super::StoredFile;
use crate::app::App;
use crate::db::Db;
use crate::error::{Error, Result};

use snapshot::{Snapshot, texts};

pub(super) use summary::CREATED;

/// The version of the generator in this program.
pub(super) const GENERATOR_VERSION: &str = env!("CARGO_PKG_VERSION");

/// A revision to be kept.
pub(super) struct NewRevision {
    /// The project.
    pub(super) project_id: Uuid,
    /// Its number.
    pub(super) number: i64,
    /// What it comes from.
    pub(super) cause: RevisionCause,
    /// What happened.
    pub(super) summary: String,
    /// Who wrote it.
    pub(super) created_by: String,
    /// When.
    pub(super) created_at: Timestamp,
    /// Which generator wrote what it rests on.
    pub(super) generator_version: String,
    /// Its files, packed.
    pub(super) files: Vec<u8>,
    /// What the generator wrote, packed; none when that is what `files` has.
    pub(super) generated: Option<Vec<u8>>,
    /// The files in conflict, packed; none when there is none.
    pub(super) conflicts: Option<Vec<u8>>,
    /// How many files differ from what the generator wrote.
    pub(super) edited_files: i64,
}

/// What a revision is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// What the generator wrote for it.
    Generated,
    /// Another revision.
    Revision(i64),
}

/// A revision.
///
/// # Errors
/// `404` when there is none.
async fn get(db: &Db, project_id: Uuid, number: i64) -> Result<Revision> {
    store::get(db, project_id, number).await?.ok_or_else(|| Error::not_found("revision"))
}

/// A revision with its files.
///
/// # Errors
/// `404` when there is none.
async fn snapshot(db: &Db, project_id: Uuid, number: i64) -> Result<Snapshot> {
    store::snapshot(db, project_id, number).await?.ok_or_else(|| Error::not_found("revision"))
}

/// What changed up to a revision.
///
/// # Errors
/// `404` when one of the two does not exist.
async fn compare(db: &Db, project_id: Uuid, number: i64, against: Against) -> Result<RevisionDiff> {
    let to = snapshot(db, project_id, number).await?;
    let (from, from_files) = match against {
        Against::Generated => (number, to.generated().to_vec()),
        // Before the first there was nothing.
        Against::Revision(0) => (0, Vec::new()),
        Against::Revision(other) => (other, snapshot(db, project_id, other).await?.files),
    };
    Ok(RevisionDiff { from, to: number, files: diff(from_files, to.files).await? })
}

async fn diff(from: Vec<StoredFile>, to: Vec<StoredFile>) -> Result<Vec<FileDiff>> {
    // Off the threads that answer requests: a large project takes a while.
    let compared = tokio::task::spawn_blocking(move || merge::diff(&texts(&from), &texts(&to)));
    Ok(compared.await.map_err(anyhow::Error::from)?)
}

/// What regenerating a project would do now.
///
/// # Errors
/// `404`, or `422 spec_refused` when this version does not take the spec any more.
async fn regeneration(app: &App, project: &str) -> Result<Regeneration> {
    let project = super::find(&app.db, project).await?;
    let current = snapshot(&app.db, project.summary.id, project.revision).await?;
    let generated = super::generate(app, &project.spec)?;
    let to = project.revision + 1;
    if generated == current.generated() {
        let diff = RevisionDiff { from: project.revision, to, files: Vec::new() };
        return Ok(Regeneration { changed: false, diff, conflicts: current.conflicts_told() });
    }
    let before = current.files.clone();
    let mut waiting = current.conflicts_told();
    let merged = write::merged(current, generated).await?;
    let found = merged.snapshot.conflicts_told();
    waiting.retain(|old| !found.iter().any(|new| new.path == old.path));
    waiting.extend(found);
    waiting.sort_by(|a, b| a.path.cmp(&b.path));
    let files = diff(before, merged.snapshot.files).await?;
    Ok(Regeneration { changed: true, diff: RevisionDiff { from: project.revision, to, files }, conflicts: waiting })
}

/// Whether this version of the generator writes for a spec what the files of a revision rest on. A spec that it
/// does not take any more is none that it writes the same for.
pub(super) async fn is_current(app: &App, project_id: Uuid, number: i64, spec: &Spec) -> Result<bool> {
    let snapshot = snapshot(&app.db, project_id, number).await?;
    match super::generate(app, spec) {
        Ok(generated) => Ok(generated == snapshot.generated()),
        Err(error) if error.status().is_server_error() => Err(error),
        Err(_) => Ok(false),
    }
}

/// Refuses what needs files that are settled, while some of a revision's wait for a decision.
///
/// # Errors
/// `409 unresolved_conflicts` with the paths, or `404`.
pub(super) async fn refuse_conflicts(db: &Db, project_id: Uuid, number: i64) -> Result<()> {
    write::refuse_conflicts(&get(db, project_id, number).await?.conflicts)
}
