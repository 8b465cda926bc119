//! Images: what builds produced, known by digest, and where they were published.
//!
//! The bytes are in the store on disk (`outside/layout`); here is whose they are and where they went.

pub(crate) mod http;
mod job;
mod store;

use std::time::{Duration, SystemTime};

use gantry_domain::api::Accepted;
use gantry_domain::api::build::Build;
use gantry_domain::api::image::{Image, PublishImage};
use gantry_domain::api::job::JobKind;
use gantry_domain::eval::gate::GateAction;
use gantry_domain::{Digest, RepositoryName, Tag, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::eval::gate;
use crate::jobs::NewJob;
use crate::outside::layout::{StoredImage, Swept};

pub(crate) use job::PublishWork;

/// How many attempts at a publication may fail for reasons that mend by themselves.
const MAX_ATTEMPTS: i64 = 5;

/// A project's image that was read back from a registry last; none before the first publication.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn live(db: &Db, project_id: Uuid) -> Result<Option<Image>> {
    store::live(db, project_id).await
}

/// Notes an image that a build has put into the store, within the build's transaction. An image
/// that was there already stays what it is: the build that made it first keeps it.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn keep(tx: &mut Tx, image: &StoredImage, build: &Build, now: Timestamp) -> sqlx::Result<()> {
    store::insert(tx, image, build, now).await
}

/// For how long the store keeps what no image needs: longer than it takes from writing an image to
/// keeping it.
pub(crate) const UNNEEDED_FOR: Duration = Duration::from_secs(60 * 60);

/// Removes from this node's store what no image needs, such as those of deleted projects, and has not
/// been written within `unneeded_for`. None when an image is being written: try again later.
///
/// # Errors
/// When the store cannot be read or written, or an image in it is damaged.
pub async fn sweep(app: &App, unneeded_for: Duration) -> Result<Option<Swept>> {
    let database = crate::secret::database_id(&app.db).await?;
    if !app.images.belongs_to(&database).map_err(anyhow::Error::from)? {
        tracing::warn!(
            store = %app.images.root().display(),
            "the image store was filled for another database, so nothing is removed from it; \
             if that database is gone for good, remove the file `database` there"
        );
        return Ok(Some(Swept::default()));
    }
    // The moment first: what is written from now on is not in the list that is read next.
    let moment = SystemTime::now() - unneeded_for;
    let images = store::digests(&app.db).await?;
    let swept = app.images.sweep(images, moment).await.map_err(anyhow::Error::from)?;
    if let Some(Swept { blobs: 1.., bytes }) = swept {
        tracing::info!(bytes, "images that are no longer needed were removed from the store");
    }
    Ok(swept)
}

/// An image with its publications.
///
/// # Errors
/// `404` when there is none.
pub(crate) async fn find(app: &App, digest: &Digest) -> Result<Image> {
    store::get(&app.db, digest).await?.ok_or_else(|| Error::not_found("image"))
}

/// Whether an image is kept by anybody.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn is_kept(app: &App, digest: &Digest) -> Result<bool> {
    Ok(store::get(&app.db, digest).await?.is_some())
}

/// A project's newest image, if it has one.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn newest(app: &App, project_id: Uuid) -> Result<Option<Image>> {
    Ok(store::list(&app.db, project_id, None, 1).await?.pop())
}

/// Begins to publish an image.
///
/// # Errors
/// `404` without the image or the registry, `409 gate_not_passed`, `422` for a repository or tag that cannot be, `409
/// job_active` while the same tag is being published.
pub(crate) async fn begin(app: &App, digest: &Digest, wish: PublishImage, created_by: &str) -> Result<Accepted> {
    let image = find(app, digest).await?;
    let project = crate::project::get(&app.db, image.project_id).await?;
    let registry = crate::registry::get(app, wish.registry_id).await.map_err(|error| match error.status() {
        axum::http::StatusCode::NOT_FOUND => {
            Error::invalid("/registryId", "registry_unknown", "There is no such registry.")
        }
        _ => error,
    })?;
    let repository = match wish.repository {
        Some(repository) => repository,
        None => usual_repository(&registry.prefix, project.summary.name.as_str())?,
    };
    let tag = match wish.tag {
        Some(tag) => tag,
        None => usual_tag(&image.version)?,
    };
    let id = Uuid::now_v7();
    let mut tx = app.db.begin().await?;
    let job = NewJob {
        kind: JobKind::Publish,
        project_id: Some(image.project_id),
        subject_id: Some(id),
        args: json!({}),
        dedupe_key: Some(format!("publish:{}/{repository}:{tag}", registry.address)),
        max_attempts: MAX_ATTEMPTS,
        created_by: created_by.to_owned(),
    };
    let job_id = app.jobs.enqueue(&mut tx, job).await?;
    let asked = gate::Asked {
        project_id: image.project_id,
        version: &image.version,
        revision: crate::build::find(app, image.build_id).await?.revision,
        action: GateAction::Publish,
        subject_id: id,
        job_id,
    };
    gate::ask(app, &mut tx, &asked).await?;
    let publication = store::NewPublication {
        id,
        digest: digest.clone(),
        job_id,
        registry_id: wish.registry_id,
        registry_name: registry.name,
        host: registry.address,
        repository,
        tag,
        created_by: created_by.to_owned(),
        created_at: app.db.now(),
    };
    store::insert_publication(&mut tx, publication).await?;
    tx.commit().await?;
    Ok(Accepted { id, job_id })
}

/// Where an image goes when nobody says where: the registry's prefix and the project's name.
fn usual_repository(prefix: &str, project: &str) -> Result<RepositoryName> {
    let name = match prefix.trim_matches('/') {
        "" => project.to_owned(),
        prefix => format!("{prefix}/{project}"),
    };
    name.parse().map_err(|error| {
        Error::invalid(
            "/repository",
            "repository_invalid",
            format!("{name} cannot be a repository ({error}): name one."),
        )
    })
}

/// The tag of a version. A `+` cannot be in a tag and becomes `_`, as Helm does it.
fn usual_tag(version: &str) -> Result<Tag> {
    version.replace('+', "_").parse().map_err(|error| {
        Error::invalid("/tag", "tag_invalid", format!("The version {version} cannot be a tag ({error}): name one."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_place_is_prefix_name_and_version() {
        assert_eq!(usual_repository("", "bot").unwrap().as_str(), "bot");
        assert_eq!(usual_repository("team/", "bot").unwrap().as_str(), "team/bot");
        assert_eq!(usual_repository("Team", "bot").unwrap_err().status(), 422);
        assert_eq!(usual_tag("0.1.0-rc.1+linux").unwrap().as_str(), "0.1.0-rc.1_linux");
        assert_eq!(usual_tag("").unwrap_err().status(), 422);
    }
}
