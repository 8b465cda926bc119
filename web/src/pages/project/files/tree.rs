//! A flat list of paths as folders within folders.

use gantry_domain::api::project::ProjectFile;

/// A folder's content: folders first, then files, each in the order of the alphabet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Folder {
    /// Folders by name.
    pub(super) folders: Vec<(String, Folder)>,
    /// Files by name.
    pub(super) files: Vec<(String, ProjectFile)>,
}

impl Folder {
    /// The root of all the files.
    pub(super) fn root(files: &[ProjectFile]) -> Self {
        let mut root = Self::default();
        for file in files {
            root.insert(&file.path, file);
        }
        root.sort();
        root
    }

    fn insert(&mut self, path: &str, file: &ProjectFile) {
        match path.split_once('/') {
            None => self.files.push((path.to_owned(), file.clone())),
            Some((folder, rest)) => {
                let place = self.folders.iter().position(|(name, _)| name == folder).unwrap_or_else(|| {
                    self.folders.push((folder.to_owned(), Self::default()));
                    self.folders.len() - 1
                });
                self.folders[place].1.insert(rest, file);
            }
        }
    }

    fn sort(&mut self) {
        self.folders.sort_by(|a, b| a.0.cmp(&b.0));
        self.files.sort_by(|a, b| a.0.cmp(&b.0));
        for (_, folder) in &mut self.folders {
            folder.sort();
        }
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

    #[test]
    fn folders_come_before_files_and_both_in_order() {
        let root = Folder::root(&files(&["z.py", "src/b/x.py", "README.md", "src/a.py", "docs/y.md"]));
        let folders: Vec<&str> = root.folders.iter().map(|(name, _)| name.as_str()).collect();
        let names: Vec<&str> = root.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((folders, names), (vec!["docs", "src"], vec!["README.md", "z.py"]));
        assert_eq!(root.folders[1].1.folders[0].1.files[0].1.path, "src/b/x.py");
    }

    #[test]
    fn the_readme_is_shown_first() {
        assert_eq!(first_file(&files(&["a.py", "README.md"])).as_deref(), Some("README.md"));
        assert_eq!(first_file(&files(&["a.py"])).as_deref(), Some("a.py"));
        assert_eq!(first_file(&[]), None);
    }
}
