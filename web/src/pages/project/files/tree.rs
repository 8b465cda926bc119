//! A flat list of paths as the rows of a tree: folders first, then files, each in the order of the
//! alphabet, without what is inside of closed folders.

use std::collections::{BTreeMap, BTreeSet};

use gantry_domain::api::project::ProjectFile;
use gantry_domain::api::revision::{ConflictKind, FileConflict, FileOrigin};

/// What there is to say about a file at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Mark {
    /// The generator wrote it, and it was edited since.
    Edited,
    /// The generator does not write it.
    Yours,
    /// It waits for a decision.
    Conflict,
    /// It waits for a decision, and is not there until then.
    Deleted,
    /// It was not saved yet.
    New,
}

/// A file of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Path within the project.
    pub(super) path: String,
    /// Size in bytes; none for what is not there.
    pub(super) size: Option<i64>,
    /// What there is to say about it.
    pub(super) mark: Option<Mark>,
    /// Whether it has text that was not saved.
    pub(super) unsaved: bool,
}

/// What a row of the tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RowKind {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// Size in bytes; none for what is not there.
        size: Option<i64>,
        /// What there is to say about it.
        mark: Option<Mark>,
        /// Whether it has text that was not saved.
        unsaved: bool,
    },
}

/// A row of the tree. All of it is its identity: a row that changes is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Row {
    /// Path within the project, of a folder without a slash at its end.
    pub(super) path: String,
    /// The last part of the path.
    pub(super) name: String,
    /// How many folders it is in.
    pub(super) depth: usize,
    /// Its number within its folder, counted from 1.
    pub(super) position: usize,
    /// How many there are in its folder.
    pub(super) siblings: usize,
    /// What it is.
    pub(super) kind: RowKind,
}

impl Row {
    /// Whether it is a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.kind == RowKind::Folder
    }
}

/// The files of a list, with those that are in conflict and gone, and those that were not saved yet.
pub(super) fn entries(
    files: &[ProjectFile],
    conflicts: &[FileConflict],
    drafts: &BTreeMap<String, bool>,
) -> Vec<Entry> {
    let there = files.iter().map(|file| {
        let mark = match (file.conflict, file.origin) {
            (Some(_), _) => Some(Mark::Conflict),
            (None, FileOrigin::Edited) => Some(Mark::Edited),
            (None, FileOrigin::Yours) => Some(Mark::Yours),
            (None, FileOrigin::Generated) => None,
        };
        Entry { path: file.path.clone(), size: Some(file.size), mark, unsaved: drafts.contains_key(&file.path) }
    });
    let is_missing = |path: &str| !files.iter().any(|file| file.path == path);
    let gone = conflicts
        .iter()
        .filter(|conflict| conflict.kind == ConflictKind::Deleted && is_missing(&conflict.path))
        .map(|conflict| Entry { path: conflict.path.clone(), size: None, mark: Some(Mark::Deleted), unsaved: false });
    let new = drafts.iter().filter(|(path, is_new)| **is_new && is_missing(path)).map(|(path, _)| Entry {
        path: path.clone(),
        size: None,
        mark: Some(Mark::New),
        unsaved: true,
    });
    there.chain(gone).chain(new).collect()
}

#[derive(Default)]
struct Folder<'a> {
    folders: BTreeMap<&'a str, Folder<'a>>,
    files: BTreeMap<&'a str, &'a Entry>,
}

impl<'a> Folder<'a> {
    fn insert(&mut self, path: &'a str, entry: &'a Entry) {
        match path.split_once('/') {
            None => drop(self.files.insert(path, entry)),
            Some((folder, rest)) => self.folders.entry(folder).or_default().insert(rest, entry),
        }
    }

    fn rows(&self, inside: &str, depth: usize, is_open: &dyn Fn(&str) -> bool, rows: &mut Vec<Row>) {
        let siblings = self.folders.len() + self.files.len();
        let path = |name: &str| if inside.is_empty() { name.to_owned() } else { format!("{inside}/{name}") };
        let mut position = 0;
        let mut row = |name: &str, kind| {
            position += 1;
            Row { path: path(name), name: name.to_owned(), depth, position, siblings, kind }
        };
        for (name, folder) in &self.folders {
            let row = row(name, RowKind::Folder);
            let path = row.path.clone();
            rows.push(row);
            if is_open(&path) {
                folder.rows(&path, depth + 1, is_open, rows);
            }
        }
        for (name, entry) in &self.files {
            let Entry { size, mark, unsaved, .. } = **entry;
            rows.push(row(name, RowKind::File { size, mark, unsaved }));
        }
    }
}

/// The rows of the tree whose paths have the filter's words in them, small and large letters alike.
/// Without a filter the `closed` folders hide what is inside of them.
pub(super) fn rows(entries: &[Entry], closed: &BTreeSet<String>, filter: &str) -> Vec<Row> {
    let filter = filter.trim().to_lowercase();
    let mut root = Folder::default();
    for entry in entries {
        let path = entry.path.to_lowercase();
        if filter.split_whitespace().all(|word| path.contains(word)) {
            root.insert(&entry.path, entry);
        }
    }
    let is_open = |path: &str| !filter.is_empty() || !closed.contains(path);
    let mut rows = Vec::new();
    root.rows("", 0, &is_open, &mut rows);
    rows
}

/// The row that a key leads to from another one: those of the pattern for trees of WAI-ARIA.
pub(super) fn next_row(rows: &[Row], from: usize, key: &str) -> Option<usize> {
    let last = rows.len().checked_sub(1)?;
    match key {
        "ArrowDown" => Some((from + 1).min(last)),
        "ArrowUp" => Some(from.saturating_sub(1)),
        "Home" => Some(0),
        "End" => Some(last),
        // Into an open folder.
        "ArrowRight" => {
            let inside = rows.get(from + 1).is_some_and(|next| next.depth > rows[from].depth);
            Some(if inside { from + 1 } else { from })
        }
        // Out of a folder.
        "ArrowLeft" => {
            let depth = rows.get(from)?.depth;
            Some(rows[..from].iter().rposition(|row| row.depth < depth).unwrap_or(from))
        }
        _ => None,
    }
}

/// The file that is shown when the address names none: the one that says what the project is.
pub(super) fn first_file(files: &[ProjectFile]) -> Option<String> {
    let readme = files.iter().find(|file| file.path.eq_ignore_ascii_case("readme.md"));
    readme.or(files.first()).map(|file| file.path.clone())
}

#[cfg(test)]
mod tests {
    use gantry_domain::api::revision::FileOrigin;

    use super::*;

    fn files(paths: &[&str]) -> Vec<ProjectFile> {
        let file = |path: &&str| ProjectFile {
            path: (*path).to_owned(),
            size: 1,
            sha256: String::new(),
            origin: FileOrigin::Generated,
            conflict: None,
        };
        paths.iter().map(file).collect()
    }

    fn shown(paths: &[&str], closed: &[&str], filter: &str) -> Vec<String> {
        let entries = entries(&files(paths), &[], &BTreeMap::new());
        let closed = closed.iter().map(|path| (*path).to_owned()).collect();
        rows(&entries, &closed, filter).into_iter().map(|row| row.path).collect()
    }

    const PATHS: [&str; 5] = ["z.py", "src/b/x.py", "README.md", "src/a.py", "docs/y.md"];

    #[test]
    fn folders_come_before_files_and_both_in_order() {
        let all = ["docs", "docs/y.md", "src", "src/b", "src/b/x.py", "src/a.py", "README.md", "z.py"];
        assert_eq!(shown(&PATHS, &[], ""), all);
    }

    #[test]
    fn a_closed_folder_hides_what_is_inside_unless_a_filter_asks_for_it() {
        assert_eq!(shown(&PATHS, &["src"], ""), ["docs", "docs/y.md", "src", "README.md", "z.py"]);
        assert_eq!(shown(&PATHS, &["src"], "SRC .py"), ["src", "src/b", "src/b/x.py", "src/a.py"]);
        assert!(shown(&PATHS, &[], "nothing").is_empty());
    }

    #[test]
    fn keys_lead_through_the_tree() {
        let entries = entries(&files(&PATHS), &[], &BTreeMap::new());
        let rows = rows(&entries, &BTreeSet::new(), "");
        let next = |from: &str, key| {
            let from = rows.iter().position(|row| row.path == from).unwrap();
            rows[next_row(&rows, from, key).unwrap()].path.as_str()
        };
        assert_eq!(next("src", "ArrowRight"), "src/b");
        assert_eq!(next("src/b/x.py", "ArrowLeft"), "src/b");
        assert_eq!(next("src/b", "ArrowLeft"), "src");
        assert_eq!(next("src", "ArrowLeft"), "src");
        assert_eq!(next("README.md", "ArrowRight"), "README.md");
        assert_eq!(next("docs", "End"), "z.py");
        assert_eq!(next("z.py", "ArrowDown"), "z.py");
        assert_eq!(next_row(&rows, 0, "x"), None);
    }

    #[test]
    fn rows_know_their_place_among_their_siblings() {
        let entries = entries(&files(&PATHS), &[], &BTreeMap::new());
        let rows = rows(&entries, &BTreeSet::new(), "");
        let place = |path: &str| {
            let row = rows.iter().find(|row| row.path == path).unwrap();
            (row.depth, row.position, row.siblings)
        };
        assert_eq!((place("src"), place("src/a.py"), place("z.py")), ((0, 2, 4), (1, 2, 2), (0, 4, 4)));
    }

    #[test]
    fn what_is_gone_in_a_conflict_and_what_is_new_is_in_the_tree() {
        let mut there = files(&["a.py", "b.py"]);
        there[0].origin = FileOrigin::Edited;
        there[1].conflict = Some(ConflictKind::Text);
        let conflicts = [
            FileConflict { path: "b.py".to_owned(), kind: ConflictKind::Text },
            FileConflict { path: "gone.py".to_owned(), kind: ConflictKind::Deleted },
        ];
        let drafts = BTreeMap::from([("a.py".to_owned(), false), ("new.py".to_owned(), true)]);
        let marks: Vec<_> = entries(&there, &conflicts, &drafts)
            .into_iter()
            .map(|entry| (entry.path, entry.mark, entry.unsaved))
            .collect();
        let expected = [
            ("a.py", Some(Mark::Edited), true),
            ("b.py", Some(Mark::Conflict), false),
            ("gone.py", Some(Mark::Deleted), false),
            ("new.py", Some(Mark::New), true),
        ];
        assert_eq!(marks, expected.map(|(path, mark, unsaved)| (path.to_owned(), mark, unsaved)));
    }

    #[test]
    fn the_readme_is_shown_first() {
        assert_eq!(first_file(&files(&["a.py", "README.md"])).as_deref(), Some("README.md"));
        assert_eq!(first_file(&files(&["a.py"])).as_deref(), Some("a.py"));
        assert_eq!(first_file(&[]), None);
    }
}
