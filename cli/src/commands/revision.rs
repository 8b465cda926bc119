//! `gantry project diff | regenerate | revisions | restore`: what a project's files were, what changed,
//! and what this version of Gantry would write.

use clap::Args;
use gantry_domain::api::project::Project;
use gantry_domain::api::revision::{
    ConflictKind, DiffLineKind, FileChange, FileConflict, FileDiff, RegenerateProject, Regeneration, RestoreRevision,
    Revision, RevisionDiff,
};

use crate::Server;
use crate::client::Connection;
use crate::failure::Failure;
use crate::output::{Output, printable, table};

/// Arguments of `gantry project diff`.
#[derive(Args)]
pub(crate) struct Diff {
    /// The project's name or id.
    project: String,

    /// The revision to show; the newest when left out.
    #[arg(long, value_name = "N")]
    revision: Option<i64>,

    /// What to compare with: another revision, or "generated" for what the generator wrote, which shows
    /// the edits; the revision before when left out.
    #[arg(long, value_name = "N|generated", value_parser = against)]
    against: Option<String>,

    #[command(flatten)]
    server: Server,
}

/// Arguments of `gantry project regenerate`.
#[derive(Args)]
pub(crate) struct Regenerate {
    /// The project's name or id.
    project: String,

    /// Shows what would change and which files would be in conflict, and writes nothing.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    server: Server,
}

/// Arguments of `gantry project revisions`.
#[derive(Args)]
pub(crate) struct Revisions {
    /// The project's name or id.
    project: String,

    #[command(flatten)]
    server: Server,
}

/// Arguments of `gantry project restore`.
#[derive(Args)]
pub(crate) struct Restore {
    /// The project's name or id.
    project: String,

    /// The revision that the project becomes again, as a new one; `gantry project revisions` lists them.
    #[arg(value_name = "N")]
    revision: i64,

    #[command(flatten)]
    server: Server,
}

fn against(word: &str) -> Result<String, String> {
    if word == "generated" || word.parse::<i64>().is_ok() {
        return Ok(word.to_owned());
    }
    Err("expected the number of a revision or the word generated".to_owned())
}

/// Shows what changed.
pub(super) async fn diff(diff: Diff, output: &Output) -> Result<(), Failure> {
    let connection = diff.server.connect()?;
    let project = connection.project(&diff.project).await?;
    let (id, number) = (project.summary.id.to_string(), diff.revision.unwrap_or(project.revision).to_string());
    let query: Vec<(&str, &str)> = diff.against.iter().map(|against| ("against", against.as_str())).collect();
    let found: RevisionDiff = connection.get_with(&["projects", &id, "revisions", &number, "diff"], &query).await?;
    output.result(&found, |found| patch(&found.files));
    if !output.is_json() && found.files.is_empty() {
        eprintln!("no difference");
    }
    Ok(())
}

/// Merges what this version of Gantry writes with the edits, or says what that would do.
pub(super) async fn regenerate(regenerate: Regenerate, output: &Output) -> Result<(), Failure> {
    let connection = regenerate.server.connect()?;
    let project = connection.project(&regenerate.project).await?;
    let id = project.summary.id.to_string();
    if regenerate.dry_run {
        let found: Regeneration = connection.get(&["projects", &id, "regeneration"]).await?;
        output.result(&found, |found| patch(&found.diff.files));
        if !output.is_json() {
            eprintln!("{}", printable(&announcement(&found)));
        }
        return Ok(());
    }
    let body = RegenerateProject { expected_revision: project.revision };
    let after: Project = connection.post(&["projects", &format!("{id}:regenerate")], &body).await?;
    if after.revision == project.revision {
        output.result(&revision(&connection, &after).await?, |_| String::new());
        if !output.is_json() {
            eprintln!("nothing is written differently: {} stays at revision {}", after.summary.name, after.revision);
        }
        return Ok(());
    }
    written(&connection, &after, output).await
}

/// Lists the revisions, newest first.
pub(super) async fn revisions(revisions: Revisions, output: &Output) -> Result<(), Failure> {
    let connection = revisions.server.connect()?;
    let project = connection.project(&revisions.project).await?;
    let id = project.summary.id.to_string();
    let found: Vec<Revision> = connection.list(&["projects", &id, "revisions"]).await?;
    output.result(&found, |found| {
        let rows: Vec<Vec<String>> = found.iter().map(row).collect();
        table(&["REVISION", "CAUSE", "BY", "WRITTEN", "EDITED", "CONFLICTS", "SUMMARY"], &rows)
    });
    Ok(())
}

/// Brings an earlier revision back.
pub(super) async fn restore(restore: Restore, output: &Output) -> Result<(), Failure> {
    let connection = restore.server.connect()?;
    let project = connection.project(&restore.project).await?;
    let action = format!("{}:restore", restore.revision);
    let body = RestoreRevision { expected_revision: project.revision };
    let after: Project =
        connection.post(&["projects", &project.summary.id.to_string(), "revisions", &action], &body).await?;
    written(&connection, &after, output).await
}

async fn revision(connection: &Connection, project: &Project) -> Result<Revision, Failure> {
    let (id, number) = (project.summary.id.to_string(), project.revision.to_string());
    connection.get(&["projects", &id, "revisions", &number]).await
}

/// Says what a write made; files in conflict are a failure, as with other tools that merge.
async fn written(connection: &Connection, project: &Project, output: &Output) -> Result<(), Failure> {
    let revision = revision(connection, project).await?;
    output.result(&revision, |revision| revision.number.to_string());
    if !output.is_json() {
        eprintln!("{}", printable(&revision.summary));
    }
    if revision.conflicts.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "files wait for a decision; resolve them on the page Files of {}:\n{}",
        project.summary.name,
        conflict_lines(&revision.conflicts)
    )))
}

fn announcement(found: &Regeneration) -> String {
    let mut text = if found.changed {
        format!("{} would change", files(found.diff.files.len()))
    } else {
        "nothing is written differently".to_owned()
    };
    if !found.conflicts.is_empty() {
        text.push_str(&format!("; in conflict:\n{}", conflict_lines(&found.conflicts)));
    }
    text
}

fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

fn conflict_lines(conflicts: &[FileConflict]) -> String {
    let lines: Vec<String> = conflicts
        .iter()
        .map(|conflict| {
            let what = match conflict.kind {
                ConflictKind::Text => "both changed the same lines",
                ConflictKind::Deleted => "you deleted it and the generator changed it",
                ConflictKind::NoLongerGenerated => "you changed it and the generator does not write it any more",
                ConflictKind::Added => "you added it and the generator now writes one of its own",
            };
            format!("  {}: {what}", conflict.path)
        })
        .collect();
    lines.join("\n")
}

fn row(revision: &Revision) -> Vec<String> {
    vec![
        revision.number.to_string(),
        revision.cause.as_str().to_owned(),
        if revision.created_by.is_empty() { "-".to_owned() } else { revision.created_by.clone() },
        // To the second, without its fraction.
        revision.created_at.to_string().split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned() + "Z",
        revision.edited_files.to_string(),
        revision.conflicts.len().to_string(),
        revision.summary.clone(),
    ]
}

/// A comparison in the form that people know from `diff -u`.
fn patch(files: &[FileDiff]) -> String {
    files.iter().map(file_patch).collect::<Vec<_>>().join("\n")
}

fn file_patch(file: &FileDiff) -> String {
    let (from, to) = match file.change {
        FileChange::Added => ("/dev/null".to_owned(), format!("b/{}", file.path)),
        FileChange::Removed => (format!("a/{}", file.path), "/dev/null".to_owned()),
        FileChange::Changed => (format!("a/{}", file.path), format!("b/{}", file.path)),
    };
    let mut lines = vec![format!("--- {from}"), format!("+++ {to}")];
    for hunk in &file.hunks {
        let count = |other: DiffLineKind| hunk.lines.iter().filter(|line| line.kind != other).count();
        let (from_count, to_count) = (count(DiffLineKind::Added), count(DiffLineKind::Removed));
        lines.push(format!("@@ -{},{from_count} +{},{to_count} @@", hunk.from_line, hunk.to_line));
        lines.extend(hunk.lines.iter().map(|line| {
            let sign = match line.kind {
                DiffLineKind::Context => ' ',
                DiffLineKind::Added => '+',
                DiffLineKind::Removed => '-',
            };
            format!("{sign}{}", line.text)
        }));
    }
    if file.truncated {
        lines.push(format!("… cut; in all +{} -{}", file.added_lines, file.removed_lines));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use gantry_domain::api::revision::{DiffHunk, DiffLine};

    use super::*;

    #[test]
    fn a_comparison_looks_like_a_patch() {
        let line = |kind, text: &str| DiffLine { kind, text: text.to_owned() };
        let file = FileDiff {
            path: "src/a.py".into(),
            change: FileChange::Changed,
            added_lines: 1,
            removed_lines: 1,
            hunks: vec![DiffHunk {
                from_line: 7,
                to_line: 8,
                lines: vec![
                    line(DiffLineKind::Context, "x"),
                    line(DiffLineKind::Removed, "old"),
                    line(DiffLineKind::Added, "new"),
                ],
            }],
            truncated: false,
        };
        assert_eq!(patch(&[file]), "--- a/src/a.py\n+++ b/src/a.py\n@@ -7,2 +8,2 @@\n x\n-old\n+new");
    }

    #[test]
    fn only_a_number_or_generated_can_be_compared_with() {
        assert_eq!(against("12").as_deref(), Ok("12"));
        assert_eq!(against("generated").as_deref(), Ok("generated"));
        assert!(against("latest").is_err());
    }
}
