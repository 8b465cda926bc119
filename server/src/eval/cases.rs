//! The cases of a project: read from its files, and written to them.

use gantry_domain::api::eval::{ProjectCases, ReplaceCases};
use gantry_domain::api::revision::WriteFile;
use gantry_domain::eval::{CaseSet, case};
use gantry_domain::problem::FieldProblem;
use gantry_domain::spec::Spec;
use uuid::Uuid;

use crate::app::App;
use crate::db::Db;
use crate::error::{Error, Result};

/// The cases of a revision, or what is wrong with their file.
pub(super) async fn of_revision(db: &Db, project_id: Uuid, revision: i64, spec: &Spec) -> Result<ProjectCases> {
    let path = spec.evals.cases.clone();
    let files = crate::project::files(db, project_id, revision).await?;
    let text = files.iter().find(|file| file.path == path).map(|file| file.content.as_str());
    let (cases, faults) = read(text, &path, spec);
    Ok(ProjectCases { path, revision, cases: cases.cases, faults })
}

/// The cases in a text, and what is wrong with them. Cases with faults are no cases.
pub(super) fn read(text: Option<&str>, path: &str, spec: &Spec) -> (CaseSet, Vec<FieldProblem>) {
    let Some(text) = text else {
        let message = format!("The project has no file {path}, where its spec says that its cases are.");
        return (CaseSet::default(), vec![FieldProblem::new("", "cases_missing", message)]);
    };
    match case::read(text) {
        Ok(cases) => match cases.check(spec) {
            faults if faults.is_empty() => (cases, faults),
            faults => (CaseSet::default(), faults),
        },
        Err(faults) => (CaseSet::default(), faults),
    }
}

/// The cases of a project as it is now.
///
/// # Errors
/// `404` when there is no such project.
pub(super) async fn of_project(app: &App, project: &str) -> Result<ProjectCases> {
    let project = crate::project::find(&app.db, project).await?;
    of_revision(&app.db, project.summary.id, project.revision, &project.spec).await
}

/// Puts cases in place of a project's: a new revision, with a new file of cases.
///
/// # Errors
/// `404`, `409 project_changed`, or `422 cases_refused` with every fault.
pub(super) async fn replace(app: &App, project: &str, body: ReplaceCases, author: &str) -> Result<ProjectCases> {
    let found = crate::project::find(&app.db, project).await?;
    let cases = CaseSet { cases: body.cases };
    let faults = cases.check(&found.spec);
    if !faults.is_empty() {
        return Err(Error::many(faults).coded("cases_refused"));
    }
    let write = WriteFile { content: cases.write(), expected_revision: body.expected_revision };
    let path = found.spec.evals.cases.clone();
    let written = crate::project::write_file(app, project, &path, &write, author).await?;
    Ok(ProjectCases { path, revision: written.revision, cases: cases.cases, faults: Vec::new() })
}
