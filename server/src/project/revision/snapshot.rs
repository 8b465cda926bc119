//! A revision with its files: what the project was, what of it the generator wrote, and what waits
//! for a decision.

use std::collections::BTreeMap;

use gantry_domain::api::project::{ProjectFile, ProjectFileContent};
use gantry_domain::api::revision::{ConflictKind, FileConflict, FileOrigin};
use gantry_generator::merge::{Conflict, Texts};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::StoredFile;

/// A revision's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Which generator wrote what the files rest on.
    pub(super) generator_version: String,
    /// The project's files, by path.
    pub(super) files: Vec<StoredFile>,
    /// What the generator wrote; none when that is what `files` has.
    generated: Option<Vec<StoredFile>>,
    /// What waits for a decision, by path.
    pub(super) conflicts: Vec<StoredConflict>,
}

/// A file that waits for a decision, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredConflict {
    /// Path within the project.
    pub(super) path: String,
    /// What is at odds.
    pub(super) kind: ConflictKind,
    /// The file if yours is taken; none: it is deleted.
    pub(super) yours: Option<String>,
    /// The file if the generator's is taken; none: it is gone.
    pub(super) generated: Option<String>,
}

impl From<Conflict> for StoredConflict {
    fn from(found: Conflict) -> Self {
        let FileConflict { path, kind } = found.conflict;
        Self { path, kind, yours: found.yours, generated: found.generated }
    }
}

impl Snapshot {
    /// `generated` is none when it is what `files` has.
    pub(super) fn new(
        generator_version: String,
        files: Vec<StoredFile>,
        generated: Option<Vec<StoredFile>>,
        conflicts: Vec<StoredConflict>,
    ) -> Self {
        Self { generator_version, files, generated, conflicts }
    }

    /// What the generator wrote.
    pub(super) fn generated(&self) -> &[StoredFile] {
        self.generated.as_deref().unwrap_or(&self.files)
    }

    /// What the generator wrote, if that is not what the files are.
    pub(super) fn generated_apart(&self) -> Option<&[StoredFile]> {
        self.generated.as_deref().filter(|generated| *generated != self.files)
    }

    /// A file of the project.
    pub(super) fn file(&self, path: &str) -> Option<&str> {
        content_of(&self.files, path)
    }

    /// A file as the generator wrote it.
    pub(super) fn generated_file(&self, path: &str) -> Option<&str> {
        content_of(self.generated(), path)
    }

    /// What is at odds in a file.
    pub(super) fn conflict(&self, path: &str) -> Option<&StoredConflict> {
        self.conflicts.iter().find(|conflict| conflict.path == path)
    }

    /// Writes a file, or deletes it with none; what the generator wrote stays what it was.
    pub(super) fn set(&mut self, path: &str, content: Option<&str>) {
        if self.generated.is_none() {
            self.generated = Some(self.files.clone());
        }
        let place = self.files.binary_search_by(|file| file.path.as_str().cmp(path));
        match (place, content) {
            (Ok(at), Some(content)) => content.clone_into(&mut self.files[at].content),
            (Ok(at), None) => drop(self.files.remove(at)),
            (Err(at), Some(content)) => {
                self.files.insert(at, StoredFile { path: path.to_owned(), content: content.to_owned() });
            }
            (Err(_), None) => {}
        }
    }

    /// How many files differ from what the generator wrote: changed, added or deleted.
    pub(super) fn edited_files(&self) -> usize {
        if self.generated.is_none() {
            return 0;
        }
        different_files(self.generated(), &self.files).count()
    }

    /// The conflicts as they are told.
    pub(super) fn conflicts_told(&self) -> Vec<FileConflict> {
        told(&self.conflicts)
    }

    /// The files as they are listed.
    pub(super) fn listed(&self) -> Vec<ProjectFile> {
        let generated = texts(self.generated());
        self.files.iter().map(|file| self.summary(file, generated.get(file.path.as_str()).copied())).collect()
    }

    /// A file with its content.
    pub(super) fn with_content(&self, path: &str) -> Option<ProjectFileContent> {
        let file = self.files.iter().find(|file| file.path == path)?;
        Some(ProjectFileContent { file: self.summary(file, self.generated_file(path)), content: file.content.clone() })
    }

    fn summary(&self, file: &StoredFile, generated: Option<&str>) -> ProjectFile {
        ProjectFile {
            path: file.path.clone(),
            size: i64::try_from(file.content.len()).unwrap_or(i64::MAX),
            sha256: hex::encode(Sha256::digest(file.content.as_bytes())),
            origin: match generated {
                Some(generated) if generated == file.content => FileOrigin::Generated,
                Some(_) => FileOrigin::Edited,
                None => FileOrigin::Yours,
            },
            conflict: self.conflict(&file.path).map(|conflict| conflict.kind),
        }
    }
}

/// The conflicts as they are told.
pub(super) fn told(conflicts: &[StoredConflict]) -> Vec<FileConflict> {
    conflicts.iter().map(|conflict| FileConflict { path: conflict.path.clone(), kind: conflict.kind }).collect()
}

/// Files as the generator's functions take them.
pub(super) fn texts(files: &[StoredFile]) -> Texts<'_> {
    files.iter().map(|file| (file.path.as_str(), file.content.as_str())).collect()
}

/// The paths of the files that are there in one list only or with another text.
pub(super) fn different_files<'a>(one: &'a [StoredFile], other: &'a [StoredFile]) -> impl Iterator<Item = &'a str> {
    let mut all: BTreeMap<&str, [Option<&str>; 2]> = BTreeMap::new();
    for (index, files) in [one, other].into_iter().enumerate() {
        for file in files {
            all.entry(&file.path).or_default()[index] = Some(&file.content);
        }
    }
    all.into_iter().filter(|(_, [one, other])| one != other).map(|(path, _)| path)
}

fn content_of<'a>(files: &'a [StoredFile], path: &str) -> Option<&'a str> {
    files.iter().find(|file| file.path == path).map(|file| file.content.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str) -> StoredFile {
        StoredFile { path: path.into(), content: content.into() }
    }

    fn generated() -> Snapshot {
        Snapshot::new("1".into(), vec![file("b", "2"), file("d", "4")], None, Vec::new())
    }

    #[test]
    fn an_edit_leaves_what_was_generated_and_says_where_each_file_comes_from() {
        let mut snapshot = generated();
        assert_eq!((snapshot.edited_files(), snapshot.generated_apart()), (0, None));
        snapshot.set("b", Some("two"));
        snapshot.set("c", Some("three"));
        snapshot.set("a", Some("one"));
        let origins: Vec<_> = snapshot.listed().into_iter().map(|file| (file.path, file.origin)).collect();
        assert_eq!(
            origins,
            [
                ("a".to_owned(), FileOrigin::Yours),
                ("b".to_owned(), FileOrigin::Edited),
                ("c".to_owned(), FileOrigin::Yours),
                ("d".to_owned(), FileOrigin::Generated)
            ]
        );
        snapshot.set("d", None);
        assert_eq!(snapshot.edited_files(), 4);
        assert_eq!(snapshot.generated(), [file("b", "2"), file("d", "4")]);
    }

    #[test]
    fn an_edit_that_is_taken_back_leaves_nothing_apart() {
        let mut snapshot = generated();
        snapshot.set("b", None);
        snapshot.set("e", None);
        assert_eq!(snapshot.edited_files(), 1);
        snapshot.set("b", Some("2"));
        assert_eq!((snapshot.edited_files(), snapshot.generated_apart()), (0, None));
    }
}
