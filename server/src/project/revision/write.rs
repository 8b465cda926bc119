//! What writes a revision: edits, decisions, regenerations, changes of the spec and restorings. Each is
//! made from the revision that its author saw, and is one transaction.

use gantry_domain::api::project::Project;
use gantry_domain::api::revision::{FileConflict, ResolveConflict, ResolveTake, RevertFile, RevisionCause, WriteFile};
use gantry_domain::problem::FieldProblem;
use gantry_domain::spec::{self, Spec, yaml};
use gantry_generator::merge;
use uuid::Uuid;

use super::super::{StoredFile, packed, packed_files, paths};
use super::snapshot::{Snapshot, different_files, texts, told};
use super::summary::{self, MergeCounts};
use super::{GENERATOR_VERSION, NewRevision, snapshot, store};
use crate::app::App;
use crate::error::{Error, Result};

/// How large a file may be, in bytes.
pub(super) const LARGEST_FILE: usize = 1024 * 1024;
/// How many files a project may have, and how large they may be together, in bytes.
const MOST_FILES: usize = 500;
const LARGEST_PROJECT: usize = 32 * 1024 * 1024;

/// Who writes, and what they saw.
pub(in crate::project) struct Author<'a> {
    /// Their name.
    pub(in crate::project) name: &'a str,
    /// The revision that the change was made from.
    pub(in crate::project) expected_revision: i64,
}

/// What a write makes of a project.
struct Next {
    /// The new spec, if it is another.
    spec: Option<Spec>,
    snapshot: Snapshot,
    cause: RevisionCause,
    summary: String,
}

/// Writes a file. Writing `agent.gantry.yaml` is changing the spec; writing a file that waits for a
/// decision, without the lines that mark a conflict, is the decision.
///
/// # Errors
/// `404`, `409 project_changed`, `422` for a path or content that cannot be, and what
/// [`change_spec`] says for `agent.gantry.yaml`.
pub(in crate::project) async fn file(
    app: &App,
    project: &str,
    path: &str,
    body: &WriteFile,
    author: &str,
) -> Result<Project> {
    let author = Author { name: author, expected_revision: body.expected_revision };
    if path == spec::FILE_NAME {
        let id = super::super::find_id(&app.db, project).await?;
        let spec = read_spec(&body.content)?;
        return change_spec(app, id, spec, &author).await.map_err(|error| match error.code() {
            "spec_changed" => changed_since(author.expected_revision),
            _ => error,
        });
    }
    check_path(path)?;
    check_size("/content", &body.content)?;
    let (project, mut current) = as_seen(app, project, &author).await?;
    let decides = current.conflict(path).is_some() && !merge::has_marks(&body.content);
    let was_there = current.file(path).is_some();
    if current.file(path) == Some(body.content.as_str()) && !decides {
        return Ok(project);
    }
    if !was_there {
        check_place(path, &current.files)?;
    }
    current.set(path, Some(&body.content));
    check_total(&current.files)?;
    let (cause, summary) = if decides {
        current.conflicts.retain(|conflict| conflict.path != path);
        (RevisionCause::Resolve, summary::of_resolving(path, ResolveTake::Content))
    } else {
        (RevisionCause::Edit, summary::of_edit(path, was_there, true))
    };
    keep(app, project.summary.id, Next { spec: None, snapshot: current, cause, summary }, &author).await
}

/// Deletes a file.
///
/// # Errors
/// `404`, `409 project_changed`, or `422 spec_file_needed`.
pub(super) async fn deletion(app: &App, project: &str, path: &str, author: &Author<'_>) -> Result<Project> {
    if path == spec::FILE_NAME {
        return Err(Error::invalid(
            "/path",
            "spec_file_needed",
            "agent.gantry.yaml is the project's spec and cannot be deleted. Change it, or delete the project.",
        ));
    }
    let (project, mut current) = as_seen(app, project, author).await?;
    if current.file(path).is_none() {
        return Err(Error::not_found("file"));
    }
    let (cause, summary) = if current.conflict(path).is_some() {
        current.conflicts.retain(|conflict| conflict.path != path);
        (RevisionCause::Resolve, format!("The conflict in {path} was resolved: it was deleted."))
    } else {
        (RevisionCause::Edit, summary::of_edit(path, true, false))
    };
    current.set(path, None);
    keep(app, project.summary.id, Next { spec: None, snapshot: current, cause, summary }, author).await
}

/// Makes a file again what the generator wrote; one that was deleted comes back.
///
/// # Errors
/// `404`, `409 project_changed`, or `409 file_not_generated`.
pub(super) async fn reverting(app: &App, project: &str, body: &RevertFile, author: &str) -> Result<Project> {
    let author = Author { name: author, expected_revision: body.expected_revision };
    let path = body.path.as_str();
    let (project, mut current) = as_seen(app, project, &author).await?;
    let Some(generated) = current.generated_file(path).map(str::to_owned) else {
        return Err(match current.file(path) {
            Some(_) => Error::conflict(
                "file_not_generated",
                format!(
                    "The generator does not write {path}: there is nothing to go back to. Delete it to be rid of it."
                ),
            ),
            None => Error::not_found("file"),
        });
    };
    let is_in_conflict = current.conflict(path).is_some();
    if current.file(path) == Some(generated.as_str()) && !is_in_conflict {
        return Ok(project);
    }
    if current.file(path).is_none() {
        check_place(path, &current.files)?;
    }
    current.set(path, Some(&generated));
    current.conflicts.retain(|conflict| conflict.path != path);
    let cause = if is_in_conflict { RevisionCause::Resolve } else { RevisionCause::Edit };
    let next = Next { spec: None, snapshot: current, cause, summary: summary::of_reverting(path) };
    keep(app, project.summary.id, next, &author).await
}

/// Decides what becomes of a file in conflict.
///
/// # Errors
/// `404`, `409 project_changed`, `409 not_in_conflict`, or `422` for a text that cannot be.
pub(super) async fn resolution(app: &App, project: &str, body: &ResolveConflict, author: &str) -> Result<Project> {
    let author = Author { name: author, expected_revision: body.expected_revision };
    let path = body.path.as_str();
    match (body.take, &body.content) {
        (ResolveTake::Content, None) => {
            return Err(Error::invalid("/content", "content_missing", "Expected the text that the file is to have."));
        }
        (ResolveTake::Content, Some(content)) => {
            check_size("/content", content)?;
            if merge::has_marks(content) {
                let message = "The text still has lines that mark a conflict: expected one without <<<<<<< yours and >>>>>>> generated.";
                return Err(Error::invalid("/content", "conflict_marks_left", message));
            }
        }
        (_, Some(_)) => {
            let message = "Expected no text with yours or generated: they say what the file becomes.";
            return Err(Error::invalid("/content", "content_unexpected", message));
        }
        (_, None) => {}
    }
    let (project, mut current) = as_seen(app, project, &author).await?;
    let Some(conflict) = current.conflict(path).cloned() else {
        let detail = format!("{path} is not in conflict: there is nothing to decide.");
        return Err(Error::conflict("not_in_conflict", detail));
    };
    let content = match body.take {
        ResolveTake::Yours => conflict.yours,
        ResolveTake::Generated => conflict.generated,
        ResolveTake::Content => body.content.clone(),
    };
    if content.is_some() && current.file(path).is_none() {
        check_place(path, &current.files)?;
    }
    current.set(path, content.as_deref());
    check_total(&current.files)?;
    current.conflicts.retain(|conflict| conflict.path != path);
    let summary = summary::of_resolving(path, body.take);
    let next = Next { spec: None, snapshot: current, cause: RevisionCause::Resolve, summary };
    keep(app, project.summary.id, next, &author).await
}

/// Merges what this version of the generator writes with the edits. Writes nothing when that is what
/// it wrote before.
///
/// # Errors
/// `404`, `409 project_changed`, `409 unresolved_conflicts`, or `422 spec_refused` when this version
/// does not take the spec any more.
pub(super) async fn regeneration(app: &App, project: &str, author: &Author<'_>) -> Result<Project> {
    let (project, current) = as_seen(app, project, author).await?;
    refuse_conflicts(&told(&current.conflicts))?;
    let generated = super::super::generate(app, &project.spec)?;
    if generated == current.generated() {
        return Ok(project);
    }
    let merged = merged(current, generated).await?;
    let next = Next {
        spec: None,
        snapshot: merged.snapshot,
        cause: RevisionCause::Regenerate,
        summary: summary::of_regeneration(GENERATOR_VERSION, merged.counts),
    };
    keep(app, project.summary.id, next, author).await
}

/// Puts a new spec in place of a project's, and merges what the generator writes for it with the edits.
///
/// # Errors
/// `404`, `422 spec_refused`, `409 spec_changed`, `409 project_name_taken` or `409 unresolved_conflicts`.
pub(in crate::project) async fn change_spec(app: &App, id: Uuid, spec: Spec, author: &Author<'_>) -> Result<Project> {
    let generated = super::super::generate(app, &spec)?;
    let changed = || {
        let from = author.expected_revision;
        let detail = format!("The project has changed since revision {from}. Load it again and repeat the change.");
        Error::conflict("spec_changed", detail)
    };
    if super::super::get(&app.db, id).await?.revision != author.expected_revision {
        return Err(changed());
    }
    let current = snapshot(&app.db, id, author.expected_revision).await?;
    refuse_conflicts(&told(&current.conflicts))?;
    let merged = merged(current, generated).await?;
    let next = Next {
        spec: Some(spec),
        snapshot: merged.snapshot,
        cause: RevisionCause::Spec,
        summary: summary::of_spec_change(merged.counts),
    };
    keep(app, id, next, author).await.map_err(|error| match error.code() {
        "project_changed" => changed(),
        _ => error,
    })
}

/// Makes a project again what it was: spec, files and what of them waits for a decision.
///
/// # Errors
/// `404`, `409 project_changed`, `409 project_name_taken`, or `409 revision_without_spec`.
pub(super) async fn restoring(app: &App, project: &str, number: i64, author: &Author<'_>) -> Result<Project> {
    let project = super::super::find(&app.db, project).await?;
    let id = project.summary.id;
    if project.revision != author.expected_revision {
        return Err(changed_since(author.expected_revision));
    }
    let snapshot = snapshot(&app.db, id, number).await?;
    if number == project.revision {
        return Ok(project);
    }
    let spec = snapshot.file(spec::FILE_NAME).and_then(|text| yaml::read(text).ok()).ok_or_else(|| {
        let detail =
            format!("Revision {number} has no agent.gantry.yaml that this version reads, so it cannot come back.");
        Error::conflict("revision_without_spec", detail)
    })?;
    let summary = summary::of_restoring(number);
    keep(app, id, Next { spec: Some(spec), snapshot, cause: RevisionCause::Restore, summary }, author).await
}

/// Refuses what needs files that are settled.
pub(super) fn refuse_conflicts(conflicts: &[FileConflict]) -> Result<()> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let paths: Vec<&str> = conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    let errors = paths
        .iter()
        .map(|path| FieldProblem::new(*path, "in_conflict", "Yours and the generator's version wait for a decision."));
    let detail = format!(
        "Decide first what becomes of the files in conflict, on the page Files or over the API (files:resolve): {}.",
        paths.join(", ")
    );
    Err(Error::conflict("unresolved_conflicts", detail).with_errors(errors.collect()))
}

/// A project after a merge, and what it did.
pub(super) struct MergedProject {
    pub(super) snapshot: Snapshot,
    counts: MergeCounts,
}

/// Merges the edits of a revision with what the generator writes now.
pub(super) async fn merged(current: Snapshot, generated: Vec<StoredFile>) -> Result<MergedProject> {
    // Off the threads that answer requests: a large project takes a while.
    let work = tokio::task::spawn_blocking(move || {
        let merge::Merged { files, conflicts, combined } =
            merge::merge(&texts(current.generated()), &texts(&current.files), &texts(&generated));
        let in_conflict = |path: &str| conflicts.iter().any(|found| found.conflict.path == path);
        let files: Vec<StoredFile> = files.into_iter().map(StoredFile::from).collect();
        let changed: Vec<&str> = different_files(&current.files, &files)
            .filter(|path| *path != spec::FILE_NAME && !in_conflict(path))
            .collect();
        let counts = MergeCounts {
            changed: changed.len(),
            combined: combined.iter().filter(|path| changed.contains(&path.as_str())).count(),
            conflicts: conflicts.len(),
        };
        let conflicts = conflicts.into_iter().map(Into::into).collect();
        let snapshot = Snapshot::new(GENERATOR_VERSION.to_owned(), files, Some(generated), conflicts);
        MergedProject { snapshot, counts }
    });
    Ok(work.await.map_err(anyhow::Error::from)?)
}

/// A project and its files, if they are what the author saw.
async fn as_seen(app: &App, project: &str, author: &Author<'_>) -> Result<(Project, Snapshot)> {
    let project = super::super::find(&app.db, project).await?;
    if project.revision != author.expected_revision {
        return Err(changed_since(author.expected_revision));
    }
    let current = snapshot(&app.db, project.summary.id, project.revision).await?;
    Ok((project, current))
}

fn changed_since(revision: i64) -> Error {
    let detail = format!("The project has changed since revision {revision}. Load it again and repeat the change.");
    Error::conflict("project_changed", detail)
}

/// Keeps a revision if the one before is still the one that its author saw.
async fn keep(app: &App, project_id: Uuid, next: Next, author: &Author<'_>) -> Result<Project> {
    let Next { spec, snapshot, cause, summary } = next;
    let conflicts = if snapshot.conflicts.is_empty() { None } else { Some(packed(&snapshot.conflicts)?) };
    let now = app.db.now();
    let revision = NewRevision {
        project_id,
        number: author.expected_revision + 1,
        cause,
        summary,
        created_by: author.name.to_owned(),
        created_at: now,
        files: packed_files(&snapshot.files)?,
        generated: snapshot.generated_apart().map(packed_files).transpose()?,
        conflicts,
        edited_files: i64::try_from(snapshot.edited_files()).unwrap_or(i64::MAX),
        generator_version: snapshot.generator_version,
    };
    let mut tx = app.db.begin().await?;
    let is_next = match &spec {
        Some(spec) => {
            super::super::store::replace_spec(&mut tx, project_id, spec, author.expected_revision, now).await?
        }
        None => super::super::store::advance(&mut tx, project_id, author.expected_revision, now).await?,
    };
    if !is_next {
        return Err(changed_since(author.expected_revision));
    }
    store::insert(&mut tx, revision).await?;
    tx.commit().await?;
    super::super::get(&app.db, project_id).await
}

/// The spec in a text that somebody wrote, or what is wrong with it.
fn read_spec(text: &str) -> Result<Spec> {
    check_size("/content", text)?;
    yaml::read(text).map_err(|faults| {
        let errors = faults
            .into_iter()
            .map(|fault| FieldProblem::new(format!("/spec{}", fault.path), fault.code, fault.message))
            .collect();
        Error::many(errors).coded("spec_refused")
    })
}

/// Refuses paths that no file of a project may have.
fn check_path(path: &str) -> Result<()> {
    if let Some(fault) = paths::fault_of(path) {
        return Err(Error::invalid("/path", "path_invalid", fault.message));
    }
    if path.chars().any(spec::is_invisible) {
        let message = "A path has no characters that cannot be seen or that turn the direction of text around.";
        return Err(Error::invalid("/path", "path_invalid", message));
    }
    // `files/~revert` and the like are actions.
    if path.starts_with('~') {
        return Err(Error::invalid("/path", "path_invalid", "A path does not begin with ~."));
    }
    if paths::keeps_secrets(path) {
        let message = "Files of this name are where people keep passwords and keys, and a project's files are for others to read: expected another name. Secrets belong into the settings.";
        return Err(Error::invalid("/path", "path_keeps_secrets", message));
    }
    Ok(())
}

/// Refuses a new path that is another one's in small letters, or is within a file.
fn check_place(path: &str, files: &[StoredFile]) -> Result<()> {
    let others = files.iter().map(|file| file.path.as_str());
    match paths::clashes(others.chain([path])).into_iter().find(|fault| fault.path == path) {
        Some(fault) => Err(Error::invalid("/path", "path_clash", fault.message)),
        None => Ok(()),
    }
}

fn check_size(field: &str, content: &str) -> Result<()> {
    if content.contains('\0') {
        return Err(Error::invalid(field, "nul_character", "The character U+0000 cannot be used in text."));
    }
    if content.len() > LARGEST_FILE {
        let message = format!("Expected at most 1 MiB (1 048 576 bytes), got {} bytes.", content.len());
        return Err(Error::invalid(field, "file_too_large", message));
    }
    Ok(())
}

fn check_total(files: &[StoredFile]) -> Result<()> {
    if files.len() > MOST_FILES {
        let message = format!("A project has at most {MOST_FILES} files. Delete some first.");
        return Err(Error::invalid("/path", "too_many_files", message));
    }
    let size: usize = files.iter().map(|file| file.content.len()).sum();
    if size > LARGEST_PROJECT {
        let message = format!("A project's files have at most 32 MiB together; these would have {size} bytes.");
        return Err(Error::invalid("/content", "project_too_large", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_trick_somebody_are_refused() {
        for path in [
            "../a",
            "/etc/passwd",
            "a/../../b",
            "a\\b",
            "C:/a",
            "a//b",
            "a/",
            "./a",
            "a\u{7}b",
            "",
            "~revert",
            "a\u{202e}yp.b",
        ] {
            let error = check_path(path).unwrap_err();
            assert!(error.detail().starts_with("/path: "), "{path:?}: {}", error.detail());
        }
        assert!(check_path(".env").unwrap_err().detail().contains("passwords"));
        for path in ["a", "src/a b.py", "ä/ö.txt", ".github/ci.yml", ".env.example", "a~", "xy:z"] {
            assert!(check_path(path).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn a_path_that_is_anothers_in_small_letters_or_within_a_file_clashes() {
        let files = [StoredFile { path: "src/a.py".into(), content: String::new() }];
        for path in ["SRC/b.py", "src/A.py", "src/a.py/b", "src"] {
            assert!(check_place(path, &files).is_err(), "{path}");
        }
        assert!(check_place("src/b.py", &files).is_ok());
    }
}
