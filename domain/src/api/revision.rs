//! Revisions: what a project's files were after each write, what the writes changed, and the edits
//! that a regeneration could not bring together with what the generator writes now.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What a revision came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum RevisionCause {
    /// The project was created.
    Created,
    /// The spec was changed, and what the generator writes for it was merged with the edits.
    Spec,
    /// A file was written, deleted or put back.
    Edit,
    /// What this version of the generator writes was merged with the edits; the spec stayed.
    Regenerate,
    /// An earlier revision was brought back.
    Restore,
    /// A conflict was resolved.
    Resolve,
}

impl RevisionCause {
    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Spec => "spec",
            Self::Edit => "edit",
            Self::Regenerate => "regenerate",
            Self::Restore => "restore",
            Self::Resolve => "resolve",
        }
    }
}

/// A revision of a project, without its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// 1 for the first; each write adds one.
    pub number: i64,
    /// What it came from.
    pub cause: RevisionCause,
    /// What happened, in one sentence written by the server.
    pub summary: String,
    /// Who wrote it; empty for revisions from before this was kept.
    pub created_by: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// The version of Gantry that wrote the generated files which this revision rests on.
    pub generator_version: String,
    /// The files whose edits and generated text could not be brought together, by path. While there
    /// is one, nothing is built of the project.
    pub conflicts: Vec<FileConflict>,
    /// How many files differ from what the generator wrote: changed, added or deleted.
    pub edited_files: i64,
}

/// A file that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileConflict {
    /// Path within the project, with `/` between its parts.
    pub path: String,
    /// What is at odds.
    pub kind: ConflictKind,
}

/// What is at odds in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum ConflictKind {
    /// Both changed the same lines. The file has both versions, between the lines `<<<<<<< yours`,
    /// `=======` and `>>>>>>> generated`.
    Text,
    /// You deleted the file and the generator has changed it since. It stays deleted.
    Deleted,
    /// You changed the file and the generator does not write it any more. Yours is kept.
    NoLongerGenerated,
    /// You added a file where the generator now writes one of its own. The file has both, between the
    /// same lines as for `text`.
    Added,
}

/// Where the text of a file comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum FileOrigin {
    /// It is what the generator wrote.
    #[default]
    Generated,
    /// The generator wrote it, and it was edited since.
    Edited,
    /// The generator does not write it: it was added.
    Yours,
}

/// What changed between two lists of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RevisionDiff {
    /// The revision that is compared with. The same number as `to` when the comparison is with what the
    /// generator wrote for that revision.
    pub from: i64,
    /// The revision that is shown. For a regeneration that was not done yet: the number that it would get.
    pub to: i64,
    /// The files that differ, by path.
    pub files: Vec<FileDiff>,
}

/// What changed in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileDiff {
    /// Path within the project, with `/` between its parts.
    pub path: String,
    /// What happened to it.
    pub change: FileChange,
    /// How many lines it has that it had not, those that are not shown included.
    pub added_lines: i64,
    /// How many lines it has no more, those that are not shown included.
    pub removed_lines: i64,
    /// The changed places with up to three unchanged lines around each, in order.
    pub hunks: Vec<DiffHunk>,
    /// The hunks were cut after 2 000 lines.
    pub truncated: bool,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum FileChange {
    /// It is there now.
    Added,
    /// It is there no more.
    Removed,
    /// Its text is another.
    Changed,
}

/// A changed place of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DiffHunk {
    /// Where its first line stands in the older text, counted from 1; 0 when that text is empty.
    pub from_line: i64,
    /// Where its first line stands in the newer text, counted from 1; 0 when that text is empty.
    pub to_line: i64,
    /// Its lines, in order: of a change, those that went before those that came.
    pub lines: Vec<DiffLine>,
}

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DiffLine {
    /// Which of the two texts has it.
    pub kind: DiffLineKind,
    /// The line without the end of line.
    pub text: String,
}

/// Which of two texts has a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DiffLineKind {
    /// Both.
    Context,
    /// The newer one.
    Added,
    /// The older one.
    Removed,
}

/// What regenerating now would do: nothing is written by asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Regeneration {
    /// Whether this version of the generator writes anything differently than the one before.
    pub changed: bool,
    /// What would change in the files as they are, the edits kept.
    pub diff: RevisionDiff,
    /// The files that would wait for a decision.
    pub conflicts: Vec<FileConflict>,
}

/// The body of `PUT /projects/{project}/files/{path}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteFile {
    /// The whole text, at most 1 MiB of UTF-8.
    pub content: String,
    /// The revision that the change was made from; a newer one on the server is a conflict.
    pub expected_revision: i64,
}

/// The body of `POST /projects/{project}/files:revert`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevertFile {
    /// The file that becomes again what the generator wrote; one that was deleted comes back.
    pub path: String,
    /// The revision that the change was made from; a newer one on the server is a conflict.
    pub expected_revision: i64,
}

/// The body of `POST /projects/{project}:regenerate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegenerateProject {
    /// The revision that it is done from; a newer one on the server is a conflict.
    pub expected_revision: i64,
}

/// The body of `POST /projects/{project}/revisions/{number}:restore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreRevision {
    /// The project's revision now; a newer one on the server is a conflict.
    pub expected_revision: i64,
}

/// The body of `POST /projects/{project}/files:resolve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveConflict {
    /// The file that is in conflict.
    pub path: String,
    /// What becomes of it.
    pub take: ResolveTake,
    /// The whole text for `content`, without the lines that mark a conflict; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The revision that the decision was made from; a newer one on the server is a conflict.
    pub expected_revision: i64,
}

/// What becomes of a file in conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ResolveTake {
    /// Yours where both changed the same lines, or yours as it was: kept, or deleted.
    Yours,
    /// The generator's where both changed the same lines, or what the generator did: written, or gone.
    Generated,
    /// The text that is given.
    Content,
}
