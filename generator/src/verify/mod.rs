//! Whether a project holds together: its spec, its files seen three ways (as generated, as they are, as they would be
//! generated now), the syntax of each file, its lock.
//!
//! Pure: what a project's files are is somebody else's to know, and nothing of a project is run. What needs its
//! packages (its own tests) is the command line's `gantry project verify --run`.

mod lock;
mod syntax;

use gantry_domain::api::compatibility::Compatibility;
use gantry_domain::api::revision::{ConflictKind, FileConflict};
use gantry_domain::api::verification::{Check, CheckId, CheckState, Finding, Verification};
use gantry_domain::matrix::Severity;
use gantry_domain::matrix::diagnose::diagnose_in;
use gantry_domain::problem::sentence;
use gantry_domain::spec::{FILE_NAME, Spec, yaml};

use crate::merge::Texts;

/// A project as it is to be checked.
pub struct Subject<'a> {
    /// The revision that the files are of.
    pub revision: i64,
    /// The project's spec.
    pub spec: &'a Spec,
    /// The matrix of the instance.
    pub matrix: &'a Compatibility,
    /// The files as they are.
    pub files: Texts<'a>,
    /// The files as they were generated.
    pub generated: Texts<'a>,
    /// The files as this version generates them; none when it refuses the spec, which the check of the spec says.
    pub now: Option<Texts<'a>>,
    /// What waits for a decision.
    pub conflicts: &'a [FileConflict],
}

/// Checks a project.
pub fn verify(subject: &Subject<'_>) -> Verification {
    let checks = vec![spec(subject), compatibility(subject), files(subject), syntax(subject), lock::check(subject)];
    let is_sound = checks.iter().all(|check| check.state != CheckState::Failed);
    Verification { revision: subject.revision, is_sound, checks }
}

fn finding(severity: Severity, code: &str, path: impl Into<String>, message: impl Into<String>) -> Finding {
    Finding { severity, code: code.to_owned(), path: path.into(), message: sentence(&message.into()) }
}

/// A check from what was found; its state is that of the most serious finding.
fn check(id: CheckId, mut findings: Vec<Finding>, passed: String) -> Check {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let count = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (state, summary) = match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) => (CheckState::Passed, passed),
        (0, _) => (CheckState::Warning, passed),
        (1, _) => (CheckState::Failed, "1 thing must be mended.".to_owned()),
        (errors, _) => (CheckState::Failed, format!("{errors} things must be mended.")),
    };
    Check { id, state, summary, findings }
}

/// Whether the file that says what the project is says what the project is.
fn spec(subject: &Subject<'_>) -> Check {
    let findings = match subject.files.get(FILE_NAME).map(|text| yaml::read(text)) {
        None => vec![finding(
            Severity::Error,
            "spec_file_missing",
            FILE_NAME,
            "the file is not there, so what is exported or pushed cannot become this project again: restore an earlier revision",
        )],
        Some(Err(faults)) => faults
            .into_iter()
            .map(|fault| finding(Severity::Error, "spec_file_broken", place(&fault.path), fault.message))
            .collect(),
        Some(Ok(read)) if read != *subject.spec => vec![finding(
            Severity::Error,
            "spec_file_differs",
            FILE_NAME,
            "the file says something else than the spec that the project is generated from: save the spec again",
        )],
        Some(Ok(_)) => Vec::new(),
    };
    check(CheckId::Spec, findings, format!("{FILE_NAME} can be read and is the spec of revision {}.", subject.revision))
}

/// A place in the spec.
fn place(pointer: &str) -> String {
    format!("{FILE_NAME}#{pointer}")
}

fn compatibility(subject: &Subject<'_>) -> Check {
    let findings = diagnose_in(subject.matrix, subject.spec)
        .into_iter()
        .map(|found| {
            let message = match found.fixes.first() {
                Some(fix) => format!("{} To mend it: {}.", sentence(&found.message), fix.label),
                None => found.message,
            };
            Finding {
                severity: found.severity,
                code: found.code,
                path: place(&found.path),
                message: sentence(&message),
            }
        })
        .collect();
    let target = &subject.spec.target;
    let passed = format!("{} with the pattern {} is sound.", target.framework.as_str(), target.pattern.as_str());
    check(CheckId::Compatibility, findings, passed)
}

/// Each generated file as generated, as it is, and as it would be generated now.
fn files(subject: &Subject<'_>) -> Check {
    let mut findings: Vec<Finding> = Vec::new();
    let (mut kept, mut edited, mut added, mut deleted, mut outdated) = (0, 0, 0, 0, 0);
    for conflict in subject.conflicts {
        let why = match conflict.kind {
            ConflictKind::Text => "you and the generator changed the same lines",
            ConflictKind::Deleted => "you deleted it and the generator has changed it since",
            ConflictKind::NoLongerGenerated => "you changed it and the generator does not write it any more",
            ConflictKind::Added => "you added it where the generator now writes one of its own",
        };
        let message = format!("{why}: decide on the page Files, Conflicts");
        findings.push(finding(Severity::Error, "file_in_conflict", conflict.path.as_str(), message));
    }
    for (path, text) in &subject.files {
        match subject.generated.get(path) {
            Some(generated) if generated == text => kept += 1,
            Some(_) => {
                edited += 1;
                findings.push(finding(Severity::Info, "file_edited", *path, "you changed what was generated"));
            }
            None => {
                added += 1;
                findings.push(finding(Severity::Info, "file_added", *path, "you added it"));
            }
        }
    }
    for path in subject.generated.keys().filter(|path| !subject.files.contains_key(*path)) {
        deleted += 1;
        findings.push(finding(Severity::Info, "file_deleted", *path, "you deleted what was generated"));
    }
    if let Some(now) = &subject.now {
        let paths: std::collections::BTreeSet<&str> = now.keys().chain(subject.generated.keys()).copied().collect();
        for path in paths.into_iter().filter(|path| now.get(path) != subject.generated.get(path)) {
            outdated += 1;
            let message = "this version of Gantry generates it differently: regenerate to have that, with your edits";
            findings.push(finding(Severity::Warning, "generated_outdated", path, message));
        }
    }
    let mut passed = format!("{kept} as generated, {edited} edited, {added} added, {deleted} deleted");
    if outdated > 0 {
        passed.push_str(&format!("; {outdated} would be generated differently now"));
    }
    passed.push('.');
    check(CheckId::Files, findings, passed)
}

fn syntax(subject: &Subject<'_>) -> Check {
    let mut findings = Vec::new();
    let (mut read, mut unread) = (0, 0);
    for (path, text) in &subject.files {
        // Marks of a conflict are no syntax; that a file has them is said elsewhere.
        if subject.conflicts.iter().any(|conflict| conflict.path == *path) {
            continue;
        }
        match syntax::of(path, text) {
            syntax::Outcome::Sound => read += 1,
            syntax::Outcome::NotLooked => unread += 1,
            syntax::Outcome::TooLong => {
                unread += 1;
                let message = "it is too large to be parsed here";
                findings.push(finding(Severity::Info, "file_not_parsed", *path, message));
            }
            syntax::Outcome::Broken { line, message } => {
                let place = line.map_or_else(|| (*path).to_owned(), |line| format!("{path}:{line}"));
                findings.push(finding(Severity::Error, "file_broken", place, message));
            }
        }
    }
    let passed = format!("{read} files of code and data can be parsed; {unread} others have no syntax to check.");
    check(CheckId::Syntax, findings, passed)
}
