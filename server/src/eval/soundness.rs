//! Layer 0: what can be said of a project's files without running anything.

use gantry_domain::eval::{Check, leak};
use gantry_domain::matrix::Severity;
use gantry_domain::matrix::diagnose::diagnose_in;
use gantry_domain::spec::{FILE_NAME, yaml};
use gantry_generator::exchange::{SourceFile, syntax_error};

use super::{Kept, cases};
use crate::app::App;
use crate::error::Result;
use crate::project::{self, StoredFile};

/// How many places a sentence names.
const MOST_NAMED: usize = 5;

/// Everything that can be said.
pub(super) async fn look(app: &App, kept: &Kept) -> Result<Vec<Check>> {
    let eval = &kept.eval;
    let files = project::files(&app.db, eval.project_id, eval.revision).await?;
    let mut checks = vec![spec(app, kept), spec_file(kept, &files)];
    checks.push(match project::refuse_conflicts(&app.db, eval.project_id, eval.revision).await {
        Ok(()) => Check::passed("files.conflicts", "No file waits for a decision."),
        Err(error) if error.status().is_server_error() => return Err(error),
        Err(error) => Check::failed("files.conflicts", error.detail()),
    });
    checks.push(match project::is_current(app, eval.project_id, eval.revision, &kept.spec).await? {
        true => Check::passed("files.current", "The files rest on what this version of Gantry writes for the spec."),
        false => Check::skipped(
            "files.current",
            "This version of Gantry writes other files for the spec than these rest on. Regenerate to have them.",
        ),
    });
    checks.push(match crate::build::faults(app, eval.project_id, eval.revision).await? {
        faults if faults.is_empty() => Check::passed("files.build", "An image can be built of the files."),
        faults => {
            let faults = named(faults.into_iter().map(|fault| format!("{}: {}", fault.path, fault.message)));
            Check::failed("files.build", format!("No image can be built of the files: {faults}"))
        }
    });
    let case_file = files.iter().find(|file| file.path == kept.spec.evals.cases).map(|file| file.content.as_str());
    let (case_set, faults) = cases::read(case_file, &kept.spec.evals.cases, &kept.spec);
    checks.push(match (faults.is_empty(), case_set.cases.len()) {
        (true, 0) => Check::skipped("cases", "The project has no cases."),
        (true, count) => Check::passed("cases", format!("The cases can be read: {count}.")),
        (false, _) => {
            let faults = named(faults.into_iter().map(|fault| format!("{} {}", fault.path, fault.message)));
            Check::failed("cases", format!("{} cannot be used: {faults}", kept.spec.evals.cases))
        }
    });
    // Off the threads that do other jobs: many files take a while.
    let looked = tokio::task::spawn_blocking(move || [syntax(&files), secrets(&files)]);
    checks.extend(looked.await.map_err(anyhow::Error::from)?);
    Ok(checks)
}

fn spec(app: &App, kept: &Kept) -> Check {
    let found = diagnose_in(&app.matrix.current().matrix, &kept.spec);
    let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let errors: Vec<String> = errors.map(|diagnostic| format!("{}: {}", diagnostic.path, diagnostic.message)).collect();
    if errors.is_empty() {
        Check::passed("spec", "The spec is sound, and the compatibility matrix has nothing against it.")
    } else {
        Check::failed("spec", format!("The spec is not sound: {}", named(errors.into_iter())))
    }
}

fn spec_file(kept: &Kept, files: &[StoredFile]) -> Check {
    let text = files.iter().find(|file| file.path == FILE_NAME).map(|file| file.content.as_str());
    match text.map(yaml::read) {
        Some(Ok(spec)) if spec == kept.spec => Check::passed("spec.file", format!("{FILE_NAME} is the spec.")),
        Some(Ok(_)) => Check::failed("spec.file", format!("{FILE_NAME} says something else than the spec.")),
        Some(Err(_)) => Check::failed("spec.file", format!("{FILE_NAME} cannot be read as a spec.")),
        None => Check::failed("spec.file", format!("The project has no {FILE_NAME}.")),
    }
}

fn syntax(files: &[StoredFile]) -> Check {
    let source = |file: &StoredFile| SourceFile { path: file.path.clone(), text: file.content.clone() };
    let broken = files.iter().filter_map(|file| Some(format!("{}:{}", file.path, syntax_error(&source(file))?)));
    let broken: Vec<String> = broken.collect();
    if broken.is_empty() {
        Check::passed("files.syntax", "Every Python and TypeScript file can be parsed.")
    } else {
        Check::failed("files.syntax", format!("These lines are not the language: {}.", named(broken.into_iter())))
    }
}

fn secrets(files: &[StoredFile]) -> Check {
    let found = files.iter().filter_map(|file| {
        let leak = leak::first_in(&file.content)?;
        Some(format!("{}:{} ({})", file.path, leak.line, leak.kind))
    });
    let found: Vec<String> = found.collect();
    if found.is_empty() {
        Check::passed("files.secrets", "No file has what looks like a key or a token.")
    } else {
        let found = named(found.into_iter());
        Check::failed("files.secrets", format!("This looks like secrets: {found}. Keep them as secrets, not in files."))
    }
}

fn named(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let more = all.len().saturating_sub(MOST_NAMED);
    let mut text = all.into_iter().take(MOST_NAMED).collect::<Vec<_>>().join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    text
}
