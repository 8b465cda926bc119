//! What goes into a build: a project's files as one archive, the same bytes for the same files.
//!
//! BuildKit applies no `.dockerignore` to an archive that is handed to it, so it is applied here;
//! and some files stay out whatever it says, since an image is for others to read. Pure: no disk,
//! no network.

use bytes::Bytes;
use gantry_domain::problem::FieldProblem;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::project::paths::{clashes, fault_of, keeps_secrets};

/// The file that says how to build; it must be there.
pub(crate) const DOCKERFILE: &str = "Dockerfile";
const IGNORE_FILE: &str = ".dockerignore";

/// What a build is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    /// The archive (tar).
    pub archive: Bytes,
    /// How many files are in it.
    pub files: usize,
    /// Paths that were left out, by rule or by `.dockerignore`.
    pub left_out: Vec<String>,
}

/// Makes the context of `files` (path and content), at most `limit` bytes of content.
///
/// # Errors
/// Every fault, by path: what is wrong with it and what was expected.
pub(crate) fn make(files: &[(String, Vec<u8>)], limit: u64) -> Result<Context, Vec<FieldProblem>> {
    let mut faults: Vec<FieldProblem> = files.iter().filter_map(|(path, _)| fault_of(path)).collect();
    faults.extend(clashes(files.iter().map(|(path, _)| path.as_str())));
    let content = |name: &str| files.iter().find(|(path, _)| path == name).map(|(_, content)| content.as_slice());
    match content(DOCKERFILE) {
        None => faults.push(FieldProblem::new(
            DOCKERFILE,
            "dockerfile_missing",
            "A file named Dockerfile is needed at the top of the project: it says how to build the image.",
        )),
        Some(text) => faults.extend(frontend_fault(&String::from_utf8_lossy(text))),
    }
    if !faults.is_empty() {
        return Err(faults);
    }

    let rules = Rules::read(&String::from_utf8_lossy(content(IGNORE_FILE).unwrap_or_default()));
    let mut left_out = Vec::new();
    let mut kept = Vec::new();
    for (path, content) in files {
        // BuildKit reads the Dockerfile from the archive, whatever the ignore file says of it.
        if path != DOCKERFILE && (path == IGNORE_FILE || keeps_secrets(path) || rules.leave_out(path)) {
            left_out.push(path.clone());
        } else {
            kept.push((path.as_str(), content.as_slice()));
        }
    }
    let size: u64 = kept.iter().map(|(_, content)| content.len() as u64).sum();
    if size > limit {
        return Err(vec![FieldProblem::new(
            "",
            "context_too_large",
            format!(
                "The files come to {size} bytes and {limit} are allowed: leave some out in .dockerignore, or raise GANTRY_BUILD_CONTEXT_MIB."
            ),
        )]);
    }
    kept.sort_unstable_by_key(|(path, _)| *path);
    left_out.sort_unstable();
    let archive = archive(&kept).map_err(|error| {
        vec![FieldProblem::new("", "context_unusable", format!("The files cannot be put into an archive: {error}."))]
    })?;
    Ok(Context { archive, files: kept.len(), left_out })
}

/// A Dockerfile that wants to be read by another program than BuildKit's own: that program would be
/// pulled and run on the builder before anything else.
fn frontend_fault(dockerfile: &str) -> Option<FieldProblem> {
    let fault = |message: &str| Some(FieldProblem::new(DOCKERFILE, "frontend_refused", message));
    let text = dockerfile.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        return fault("The Dockerfile begins with { and is not one.");
    }
    // Directives are comments before anything else; a first line with #! may come before them.
    for line in text.lines() {
        let line = line.trim();
        let Some(comment) = line.strip_prefix('#').or_else(|| line.strip_prefix("//")) else {
            if line.is_empty() {
                continue;
            }
            break;
        };
        if let Some((name, _)) = comment.split_once('=')
            && name.trim().eq_ignore_ascii_case("syntax")
        {
            return fault(
                "The line \"# syntax=…\" names a program that would run on the builder. Remove it: the builder's own is used.",
            );
        }
    }
    None
}

/// The rules of a `.dockerignore`. They differ from those of a `.gitignore`: a pattern begins at the
/// top, and the last rule that fits a path or one of its folders decides.
struct Rules(Vec<(bool, Gitignore)>);

impl Rules {
    fn read(text: &str) -> Self {
        let rules = text.trim_start_matches('\u{feff}').lines().filter_map(|line| {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                return None;
            }
            let (leave_out, pattern) = match line.strip_prefix('!') {
                Some(pattern) => (false, pattern.trim()),
                None => (true, line),
            };
            // Docker cleans patterns like paths: "./a//b/" is "a/b".
            let parts: Vec<&str> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
            if parts.is_empty() {
                return None;
            }
            let mut builder = GitignoreBuilder::new("");
            // A pattern that cannot be understood fits nothing, as in Docker's own tools.
            builder.add_line(None, &format!("/{}", parts.join("/"))).ok()?;
            Some((leave_out, builder.build().ok()?))
        });
        Self(rules.collect())
    }

    fn leave_out(&self, path: &str) -> bool {
        self.0.iter().fold(false, |left_out, (leave_out, pattern)| {
            if pattern.matched_path_or_any_parents(path, false).is_ignore() { *leave_out } else { left_out }
        })
    }
}

/// An archive of files in the order given, with nothing in it but paths and contents: no owner, no
/// time. Scripts (files that begin with `#!`) can be executed.
fn archive(files: &[(&str, &[u8])]) -> std::io::Result<Bytes> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(if content.starts_with(b"#!") { 0o755 } else { 0o644 });
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, *content)?;
    }
    Ok(builder.into_inner()?.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn files(paths: &[&str]) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = paths.iter().map(|path| ((*path).to_owned(), b"x".to_vec())).collect();
        files.push((DOCKERFILE.to_owned(), b"FROM scratch\n".to_vec()));
        files
    }

    fn with_ignore(paths: &[&str], rules: &str) -> Vec<String> {
        let mut files = files(paths);
        files.push((IGNORE_FILE.to_owned(), rules.as_bytes().to_vec()));
        names(&make(&files, 1 << 20).unwrap())
    }

    fn names(context: &Context) -> Vec<String> {
        let mut archive = tar::Archive::new(context.archive.as_ref());
        archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
    }

    fn codes(result: Result<Context, Vec<FieldProblem>>) -> Vec<String> {
        result.unwrap_err().into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn paths_that_leave_the_project_or_trick_somebody_are_refused() {
        for path in [
            "../a",
            "a/../../b",
            "/etc/passwd",
            "a\0b",
            "a\\..\\b",
            "C:\\a",
            "C:/a",
            "a//b",
            "a/",
            "./a",
            "a\nb",
            "",
            &"a".repeat(256),
            &"a/".repeat(2500),
        ] {
            assert_eq!(codes(make(&files(&[path]), 1 << 20)), ["path_invalid"], "{path:?}");
        }
        for path in ["a", "ä/ö.txt", "a b", "...", ".hidden", "نص/🙂", "a..b"] {
            assert!(make(&files(&[path]), 1 << 20).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn names_that_differ_only_in_case_and_files_that_are_folders_clash() {
        for pair in [["a.txt", "A.txt"], ["src/a", "SRC/b"], ["a", "a/b"], ["a/b", "a"], ["a", "a"]] {
            assert_eq!(codes(make(&files(&pair), 1 << 20)), ["path_clash"], "{pair:?}");
        }
        assert!(make(&files(&["src/a", "src/b", "src/c/d"]), 1 << 20).is_ok());
    }

    #[test]
    fn a_dockerfile_is_needed_and_no_foreign_frontend_is_run() {
        assert_eq!(codes(make(&[], 1 << 20)), ["dockerfile_missing"]);
        for text in [
            "# syntax=evil/frontend\nFROM scratch",
            "#Syntax = evil\nFROM scratch",
            "#!/usr/bin/env docker\n# escape=`\n# syntax=evil\n",
            "// syntax=evil\n",
            "{\"syntax\":\"evil\"}",
            "\u{feff}# syntax=evil\n",
        ] {
            let files = [(DOCKERFILE.to_owned(), text.as_bytes().to_vec())];
            assert_eq!(codes(make(&files, 1 << 20)), ["frontend_refused"], "{text:?}");
        }
        let files = [(DOCKERFILE.to_owned(), b"FROM scratch\n# syntax=harmless here\n".to_vec())];
        assert!(make(&files, 1 << 20).is_ok());
    }

    #[test]
    fn what_holds_secrets_stays_out_even_when_the_ignore_file_wants_it_in() {
        let paths = [
            ".env",
            ".ENV",
            "sub/.env.local",
            ".env.example",
            ".git/config",
            "keys/server.PEM",
            "id_rsa.pub",
            ".ssh/known_hosts",
            "app.py",
            ".netrc",
        ];
        // Names that differ in case only would clash first.
        let paths: Vec<&str> = paths.into_iter().filter(|path| *path != ".ENV").collect();
        assert_eq!(with_ignore(&paths, "!.env\n!*.pem\n"), [".env.example", "Dockerfile", "app.py"]);
    }

    #[test]
    fn ignore_rules_are_dockers_not_gits() {
        let paths = ["a.log", "sub/a.log", "docs/x.md", "docs/keep.md", "node_modules/m/i.js", "src/app.py"];
        assert_eq!(
            with_ignore(&paths, "# comment\n*.log\n/docs/\n!docs/keep.md\nnode_modules\n"),
            ["Dockerfile", "docs/keep.md", "src/app.py", "sub/a.log"]
        );
        assert_eq!(with_ignore(&["a.log", "x/y/a.log"], "**/*.log"), ["Dockerfile"]);
        // The last rule decides, whichever it is; and the Dockerfile is always needed.
        assert_eq!(with_ignore(&["docs/keep.md"], "!docs/keep.md\ndocs\nDockerfile"), ["Dockerfile"]);
        assert_eq!(with_ignore(&["a", "b"], "*\n!b\n"), ["Dockerfile", "b"]);
    }

    #[test]
    fn the_same_files_in_any_order_make_the_same_bytes() {
        let one = make(&files(&["b", "a/c", "a/b"]), 1 << 20).unwrap();
        let mut other = files(&["a/b", "b", "a/c"]);
        other.reverse();
        assert_eq!(one.archive, make(&other, 1 << 20).unwrap().archive);
        assert_eq!(names(&one), ["Dockerfile", "a/b", "a/c", "b"]);
    }

    #[test]
    fn scripts_can_be_executed_and_long_paths_arrive_whole() {
        let long = format!("{}/x.sh", "d".repeat(180));
        let files =
            [(DOCKERFILE.to_owned(), b"FROM scratch\n".to_vec()), (long.clone(), b"#!/bin/sh\necho\n".to_vec())];
        let context = make(&files, 1 << 20).unwrap();
        let mut archive = tar::Archive::new(context.archive.as_ref());
        let mut second = archive.entries().unwrap().nth(1).unwrap().unwrap();
        assert_eq!(second.path().unwrap().display().to_string(), long);
        assert_eq!(second.header().mode().unwrap(), 0o755);
        let mut text = String::new();
        second.read_to_string(&mut text).unwrap();
        assert_eq!(text, "#!/bin/sh\necho\n");
    }

    #[test]
    fn more_than_is_allowed_is_refused_counting_only_what_is_kept() {
        let mut large = files(&["a"]);
        large.push(("big.log".to_owned(), vec![0; 1000]));
        assert_eq!(codes(make(&large, 500)), ["context_too_large"]);
        large.push((IGNORE_FILE.to_owned(), b"*.log".to_vec()));
        assert!(make(&large, 500).is_ok());
    }
}
