//! Whether a project is sound. What that means is the generator's (`verify`); here is what it has to know.

use gantry_domain::api::verification::Verification;
use gantry_generator::verify::{Subject, verify};

use super::snapshot;
use super::snapshot::texts;
use crate::app::App;
use crate::error::Result;
use crate::project::StoredFile;

/// Checks a project as it is now. Nothing of it is run, and nothing is kept.
///
/// # Errors
/// `404` when there is none.
pub(super) async fn of(app: &App, project: &str) -> Result<Verification> {
    let project = crate::project::find(&app.db, project).await?;
    let current = snapshot(&app.db, project.summary.id, project.revision).await?;
    let version = app.matrix.current();
    // Parsing every file takes a while, so it has a thread of its own.
    let verified = tokio::task::spawn_blocking(move || {
        let now: Option<Vec<StoredFile>> =
            gantry_generator::emit(&project.spec).ok().map(|files| files.into_iter().map(StoredFile::from).collect());
        let conflicts = current.conflicts_told();
        verify(&Subject {
            revision: project.revision,
            spec: &project.spec,
            matrix: &version.matrix,
            files: texts(&current.files),
            generated: texts(current.generated()),
            now: now.as_deref().map(texts),
            conflicts: &conflicts,
        })
    });
    Ok(verified.await.map_err(anyhow::Error::from)?)
}
