//! Projects: agents under development. What the generator writes for a spec is the generator's; what
//! becomes of it with people's edits is in [`revision`].

pub(crate) mod export;
pub(crate) mod http;
mod new;
mod packed;
pub(crate) mod paths;
mod revision;
mod store;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use gantry_domain::Timestamp;
use gantry_domain::api::project::{Project, ProjectProgress, ProjectSummary};
use gantry_domain::api::revision::WriteFile;
use gantry_domain::matrix::diagnose::{diagnose_in, is_sound};
use gantry_domain::matrix::{Diagnostic, Severity};
use gantry_domain::problem::FieldProblem;
use gantry_domain::spec::{self, Spec};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::db::Db;
use crate::error::{Error, Result};

use new::NewProject;
use packed::{packed, packed_files, unpacked, unpacked_files};

pub use new::NewProjects;

/// A file of a project as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Path within the project, with `/` between its parts.
    pub path: String,
    /// Its text.
    pub content: String,
}

impl From<gantry_generator::File> for StoredFile {
    fn from(file: gantry_generator::File) -> Self {
        Self { path: file.path, content: file.content }
    }
}

/// A project by its id or its name.
///
/// # Errors
/// `404` when there is none.
pub async fn find(db: &Db, id_or_name: &str) -> Result<Project> {
    let found = match id_or_name.parse::<Uuid>() {
        Ok(id) => store::by_id(db, id).await?,
        Err(_) => store::by_name(db, id_or_name).await?,
    };
    found.ok_or_else(|| Error::not_found("project"))
}

/// The id of the project that has this id or name, without reading the rest of it.
///
/// # Errors
/// `404` when there is none.
pub async fn find_id(db: &Db, id_or_name: &str) -> Result<Uuid> {
    store::id_of(db, id_or_name).await?.ok_or_else(|| Error::not_found("project"))
}

/// What a project is called, and what it says of itself.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ProjectName {
    /// Its name.
    pub(crate) name: String,
    /// What it says of itself; may be empty.
    pub(crate) description: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
}

/// The names of all projects, in their order.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn names(db: &Db) -> Result<Vec<ProjectName>> {
    Ok(store::names(db).await?)
}

/// A project by its id.
///
/// # Errors
/// `404` when there is none.
pub async fn get(db: &Db, id: Uuid) -> Result<Project> {
    store::by_id(db, id).await?.ok_or_else(|| Error::not_found("project"))
}

/// A project's files at a revision, by path.
///
/// # Errors
/// `404` when there is no such project or revision.
pub async fn files(db: &Db, id: Uuid, number: i64) -> Result<Vec<StoredFile>> {
    let bytes = revision::store::files(db, id, number).await?.ok_or_else(|| Error::not_found("project"))?;
    unpacked_files(&bytes)
}

/// The spec that a project had at a revision.
///
/// # Errors
/// `404` when there is no such project or revision, `409 revision_without_spec` when this version does not
/// read it any more.
pub(crate) async fn spec_at(db: &Db, id: Uuid, number: i64) -> Result<Spec> {
    let files = files(db, id, number).await?;
    let text = files.iter().find(|file| file.path == spec::FILE_NAME).map(|file| file.content.as_str());
    text.and_then(|text| spec::yaml::read(text).ok()).ok_or_else(|| {
        let detail = format!(
            "Revision {number} of the project has no agent.gantry.yaml that this version can read. Build the project again."
        );
        Error::conflict("revision_without_spec", detail)
    })
}

/// Files that a project had and has no more: by path, the texts that they had.
pub(crate) type GoneFiles = BTreeMap<String, BTreeSet<String>>;

/// How many revisions are looked through for files that are gone, from the newest on.
const LOOK_BACK: i64 = 500;

/// The files of a project's earlier revisions that `files`, those of revision `number`, do not have.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn gone_files(db: &Db, id: Uuid, number: i64, files: &[StoredFile]) -> Result<GoneFiles> {
    let there: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut gone = GoneFiles::new();
    for earlier in (number.saturating_sub(LOOK_BACK).max(1)..number).rev() {
        // Each is read by itself: all together might be larger than a project may be, many times over.
        for file in self::files(db, id, earlier).await? {
            if !there.contains(file.path.as_str()) {
                gone.entry(file.path).or_default().insert(file.content);
            }
        }
    }
    Ok(gone)
}

/// Refuses a spec that is not sound, or gives the files made from it.
///
/// # Errors
/// `422 spec_refused` with every fault by path, and the fix where there is one.
fn generate(app: &App, spec: &Spec) -> Result<Vec<StoredFile>> {
    let version = app.matrix.current();
    if !version.is_builtin {
        // The generator asks the built-in matrix; what this instance adds or does not allow is asked here.
        let found = diagnose_in(&version.matrix, spec);
        if !is_sound(&found) {
            return Err(refused(&only_errors(found)));
        }
    }
    let files = gantry_generator::emit(spec).map_err(|found| refused(&only_errors(found)))?;
    Ok(files.into_iter().map(StoredFile::from).collect())
}

fn only_errors(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect()
}

fn refused(diagnostics: &[Diagnostic]) -> Error {
    let errors = diagnostics
        .iter()
        .map(|found| {
            let message: Cow<'_, str> = match found.fixes.first() {
                Some(fix) => format!("{} To mend it: {}.", found.message, fix.label).into(),
                None => found.message.as_str().into(),
            };
            FieldProblem::new(format!("/spec{}", found.path), found.code.clone(), message)
        })
        .collect();
    Error::many(errors).coded("spec_refused")
}

/// Keeps a new project.
///
/// # Errors
/// `422 spec_refused`, or `409 project_name_taken`.
pub async fn create(app: &App, spec: Spec, created_by: &str) -> Result<Project> {
    let files = packed_files(&generate(app, &spec)?)?;
    let now = app.db.now();
    let summary = ProjectSummary {
        id: Uuid::now_v7(),
        name: spec.metadata.name.clone(),
        description: spec.metadata.description.clone(),
        framework: spec.target.framework,
        version: spec.metadata.version.clone(),
        created_at: now,
        updated_at: now,
        progress: ProjectProgress::default(),
    };
    let project = Project { summary, spec, revision: 1 };
    app.new_projects.keep(NewProject { project, created_by: created_by.to_owned(), files }).await
}

/// Puts a new spec in place of a project's, and merges what the generator writes for it with the edits.
///
/// # Errors
/// `422 spec_refused`, `409 project_name_taken`, `409 spec_changed` when somebody was faster, or
/// `409 unresolved_conflicts`.
pub async fn replace_spec(
    app: &App,
    id: Uuid,
    spec: Spec,
    expected_revision: i64,
    changed_by: &str,
) -> Result<Project> {
    let author = revision::write::Author { name: changed_by, expected_revision };
    revision::write::change_spec(app, id, spec, &author).await
}

/// Writes a file of a project: a new revision.
///
/// # Errors
/// `404`, `409 project_changed`, or `422` for a path or content that cannot be.
pub(crate) async fn write_file(
    app: &App,
    project: &str,
    path: &str,
    body: &WriteFile,
    author: &str,
) -> Result<Project> {
    revision::write::file(app, project, path, body, author).await
}

/// Whether this version of the generator writes for a spec what the files of a revision rest on.
///
/// # Errors
/// `404` when there is no such project or revision.
pub(crate) async fn is_current(app: &App, id: Uuid, number: i64, spec: &Spec) -> Result<bool> {
    revision::is_current(app, id, number, spec).await
}

/// Refuses what needs files that are settled, while some of a project's wait for a decision.
///
/// # Errors
/// `409 unresolved_conflicts` with their paths, or `404`.
pub(crate) async fn refuse_conflicts(db: &Db, id: Uuid, number: i64) -> Result<()> {
    revision::refuse_conflicts(db, id, number).await
}

/// Deletes a project with everything that is its own; what it has under way is cancelled.
///
/// # Errors
/// `404` when there is none.
pub async fn delete(app: &App, id: Uuid) -> Result<()> {
    let mut tx = app.db.begin().await?;
    app.jobs.cancel_project(&mut tx, id).await?;
    if !store::delete(&mut tx, id).await? {
        return Err(Error::not_found("project"));
    }
    tx.commit().await?;
    Ok(())
}
