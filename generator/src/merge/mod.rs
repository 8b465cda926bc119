//! Regenerating keeps what people edited: what the generator wrote before, what the project is now
//! and what the generator writes today are brought together, file by file and line by line.
//!
//! Three lists of files come in: `base` is what the generator wrote when the project was last
//! generated, `mine` what the project is, `theirs` what the generator writes now. Whatever only one
//! side changed is taken; where both changed the same place differently there is a conflict, which
//! loses neither of the two: it is told, and the text has both ([`text`]). What changed between two
//! lists, for people to look at, is in [`diff`].
//!
//! Pure: no clock, no disk, and the same input gives the same result in the server and in the browser.

mod diff;
mod lines;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use gantry_domain::api::revision::{ConflictKind, FileConflict};
use gantry_domain::spec;

use crate::File;

pub use diff::{LINES_SHOWN, diff};
pub use text::{MARK_BETWEEN, MARK_GENERATED, MARK_YOURS, MergedText, has_marks, merge_text};

/// Files by path: their texts.
pub type Texts<'a> = BTreeMap<&'a str, &'a str>;

/// What comes of bringing edits together with what the generator writes now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The project's files, by path.
    pub files: Vec<File>,
    /// What could not be brought together, by path.
    pub conflicts: Vec<Conflict>,
    /// The paths of edited files into which changes of the generator were worked without a conflict.
    pub combined: Vec<String>,
}

/// A file that waits for a decision, with what each decision would make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which file, and what is at odds.
    pub conflict: FileConflict,
    /// The file if yours is taken wherever the two are at odds; none: it is deleted.
    pub yours: Option<String>,
    /// The file if the generator's is taken wherever the two are at odds; none: it is gone.
    pub generated: Option<String>,
}

/// Brings edits together with what the generator writes now. The spec's own file is the
/// generator's always: it says what the spec is.
pub fn merge(base: &Texts<'_>, mine: &Texts<'_>, theirs: &Texts<'_>) -> Merged {
    let paths: BTreeSet<&str> = base.keys().chain(mine.keys()).chain(theirs.keys()).copied().collect();
    let mut merged = Merged::default();
    for path in paths {
        let (base, mine, theirs) = (base.get(path).copied(), mine.get(path).copied(), theirs.get(path).copied());
        if path == spec::FILE_NAME || mine == base {
            merged.keep(path, theirs);
        } else if theirs == base || mine == theirs {
            merged.keep(path, mine);
        } else {
            merged.bring_together(path, base, mine, theirs);
        }
    }
    merged
}

impl Merged {
    fn keep(&mut self, path: &str, content: Option<&str>) {
        if let Some(content) = content {
            self.files.push(File { path: path.to_owned(), content: content.to_owned() });
        }
    }

    /// A file that both changed, each in another way.
    fn bring_together(&mut self, path: &str, base: Option<&str>, mine: Option<&str>, theirs: Option<&str>) {
        let kind = match (mine, theirs) {
            (Some(mine), Some(theirs)) => {
                let merged = merge_text(base.unwrap_or_default(), mine, theirs);
                self.keep(path, Some(&merged.text));
                if merged.conflicts == 0 {
                    self.combined.push(path.to_owned());
                    return;
                }
                let kind = if base.is_some() { ConflictKind::Text } else { ConflictKind::Added };
                self.at_odds(path, kind, Some(merged.yours), Some(merged.generated));
                return;
            }
            (None, Some(_)) => ConflictKind::Deleted,
            // With neither, the two would be the same.
            (_, None) => ConflictKind::NoLongerGenerated,
        };
        self.keep(path, mine);
        self.at_odds(path, kind, mine.map(str::to_owned), theirs.map(str::to_owned));
    }

    fn at_odds(&mut self, path: &str, kind: ConflictKind, yours: Option<String>, generated: Option<String>) {
        let conflict = FileConflict { path: path.to_owned(), kind };
        self.conflicts.push(Conflict { conflict, yours, generated });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(base: &[(&str, &str)], mine: &[(&str, &str)], theirs: &[(&str, &str)]) -> Merged {
        let texts = |files: &[(&'static str, &'static str)]| -> Texts<'static> { files.iter().copied().collect() };
        // The literals of the tests are static; the signature says less so that calls stay short.
        let leak = |files: &[(&str, &str)]| -> Vec<(&'static str, &'static str)> {
            files.iter().map(|(path, text)| (&*(*path).to_owned().leak(), &*(*text).to_owned().leak())).collect()
        };
        merge(&texts(&leak(base)), &texts(&leak(mine)), &texts(&leak(theirs)))
    }

    fn files(merged: &Merged) -> Vec<(&str, &str)> {
        merged.files.iter().map(|file| (file.path.as_str(), file.content.as_str())).collect()
    }

    fn kinds(merged: &Merged) -> Vec<(&str, ConflictKind)> {
        merged.conflicts.iter().map(|found| (found.conflict.path.as_str(), found.conflict.kind)).collect()
    }

    #[test]
    fn whatever_only_one_side_changed_is_taken() {
        let base = [("a", "1\n"), ("b", "2\n"), ("c", "3\n"), ("d", "4\n")];
        // Mine: a edited, b deleted, n added. Theirs: c changed, d gone, o added.
        let mine = [("a", "1x\n"), ("c", "3\n"), ("d", "4\n"), ("n", "new\n")];
        let theirs = [("a", "1\n"), ("b", "2\n"), ("c", "3x\n"), ("o", "other\n")];
        let result = merged(&base, &mine, &theirs);
        assert_eq!(files(&result), [("a", "1x\n"), ("c", "3x\n"), ("n", "new\n"), ("o", "other\n")]);
        assert!(result.conflicts.is_empty() && result.combined.is_empty());
    }

    #[test]
    fn changes_of_both_in_different_places_of_a_file_are_combined() {
        let result = merged(&[("a", "1\n2\n3\n4\n5\n")], &[("a", "one\n2\n3\n4\n5\n")], &[("a", "1\n2\n3\n4\nfive\n")]);
        assert_eq!(files(&result), [("a", "one\n2\n3\n4\nfive\n")]);
        assert_eq!(result.combined, ["a"]);
        assert!(result.conflicts.is_empty());
    }

    #[test]
    fn each_kind_of_conflict_keeps_what_is_mine_and_knows_the_other_side() {
        let base = [("deleted", "1\n"), ("gone", "2\n"), ("text", "3\n")];
        let mine = [("added", "mine\n"), ("gone", "2x\n"), ("text", "3x\n")];
        let theirs = [("added", "theirs\n"), ("deleted", "1y\n"), ("text", "3y\n")];
        let result = merged(&base, &mine, &theirs);
        assert_eq!(
            kinds(&result),
            [
                ("added", ConflictKind::Added),
                ("deleted", ConflictKind::Deleted),
                ("gone", ConflictKind::NoLongerGenerated),
                ("text", ConflictKind::Text)
            ]
        );
        assert_eq!(
            files(&result),
            [
                ("added", "<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> generated\n"),
                ("gone", "2x\n"),
                ("text", "<<<<<<< yours\n3x\n=======\n3y\n>>>>>>> generated\n")
            ]
        );
        let sides: Vec<_> =
            result.conflicts.iter().map(|found| (found.yours.as_deref(), found.generated.as_deref())).collect();
        assert_eq!(
            sides,
            [
                (Some("mine\n"), Some("theirs\n")),
                (None, Some("1y\n")),
                (Some("2x\n"), None),
                (Some("3x\n"), Some("3y\n"))
            ]
        );
    }

    #[test]
    fn the_spec_file_is_the_generators() {
        let result = merged(&[(spec::FILE_NAME, "1\n")], &[(spec::FILE_NAME, "2\n")], &[(spec::FILE_NAME, "3\n")]);
        assert_eq!(files(&result), [(spec::FILE_NAME, "3\n")]);
        assert!(result.conflicts.is_empty());
    }

    #[test]
    fn the_same_change_on_both_sides_is_no_conflict() {
        let result = merged(&[("a", "1\n"), ("b", "2\n")], &[("a", "x\n")], &[("a", "x\n")]);
        assert_eq!(files(&result), [("a", "x\n")]);
        assert!(result.conflicts.is_empty());
    }
}
