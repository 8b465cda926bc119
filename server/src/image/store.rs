//! The SQL of images and their publications.

use std::collections::{HashMap, HashSet};

use gantry_domain::api::build::Build;
use gantry_domain::api::image::{Image, Publication};
use gantry_domain::api::job::JobState;
use gantry_domain::{Digest, RepositoryName, Tag, Timestamp};
use sea_query::{Alias, Expr, ExprTrait, Order, Query};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::Result;
use crate::jobs::reason;
use crate::outside::layout::StoredImage;

/// Keeps an image unless it is known already.
pub(super) async fn insert(tx: &mut Tx, image: &StoredImage, build: &Build, now: Timestamp) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO image (digest, project_id, build_id, size, platform, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (digest) DO NOTHING",
    )
    .bind(image.digest.to_string())
    .bind(build.project_id)
    .bind(build.id)
    .bind(i64::try_from(image.size).unwrap_or(i64::MAX))
    .bind(image.platform.clone())
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Every image that there is.
pub(super) async fn digests(db: &Db) -> Result<HashSet<Digest>> {
    let rows: Vec<(String,)> = db.sql("SELECT digest FROM image").all().await?;
    rows.into_iter().map(|(digest,)| digest.parse().map_err(|error| anyhow::Error::from(error).into())).collect()
}

#[derive(sqlx::FromRow)]
struct ImageRow {
    digest: String,
    project_id: Uuid,
    build_id: Uuid,
    build_number: i64,
    version: String,
    size: i64,
    platform: String,
    created_at: Timestamp,
}

impl ImageRow {
    fn with(self, publications: Vec<Publication>) -> Result<Image> {
        Ok(Image {
            digest: self.digest.parse().map_err(anyhow::Error::from)?,
            project_id: self.project_id,
            build_id: self.build_id,
            build_number: self.build_number,
            version: self.version,
            size: self.size,
            platform: self.platform,
            created_at: self.created_at,
            publications,
        })
    }
}

macro_rules! select_image {
    ($rest:literal) => {
        concat!(
            "SELECT image.digest, image.project_id, image.build_id, build.number AS build_number, build.version,
                    image.size, image.platform, image.created_at
               FROM image JOIN build ON build.id = image.build_id ",
            $rest
        )
    };
}

pub(super) async fn get(db: &Db, digest: &Digest) -> Result<Option<Image>> {
    let row: Option<ImageRow> =
        db.sql(select_image!("WHERE image.digest = $1")).bind(digest.to_string()).optional().await?;
    with_publications(db, row).await
}

/// The project's image that was read back from a registry last.
pub(super) async fn live(db: &Db, project_id: Uuid) -> Result<Option<Image>> {
    let row: Option<ImageRow> = db
        .sql(select_image!(
            "JOIN publication ON publication.digest = image.digest
             WHERE image.project_id = $1 AND publication.published_at IS NOT NULL
             ORDER BY publication.published_at DESC, publication.id DESC LIMIT 1"
        ))
        .bind(project_id)
        .optional()
        .await?;
    with_publications(db, row).await
}

async fn with_publications(db: &Db, row: Option<ImageRow>) -> Result<Option<Image>> {
    let Some(row) = row else { return Ok(None) };
    let mut publications = publications_of(db, std::slice::from_ref(&row.digest)).await?;
    let publications = publications.remove(&row.digest).unwrap_or_default();
    row.with(publications).map(Some)
}

/// A project's images, newest first; `before` is the build of the last one on the page before.
pub(super) async fn list(db: &Db, project_id: Uuid, before: Option<Uuid>, limit: u64) -> Result<Vec<Image>> {
    let rows: Vec<ImageRow> = db
        .sql(select_image!(
            // One image per build and version 7 ids: their order is that of time.
            "WHERE image.project_id = $1 AND image.build_id < $2 ORDER BY image.build_id DESC LIMIT $3"
        ))
        .bind(project_id)
        .bind(before.unwrap_or(Uuid::max()))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all()
        .await?;
    let digests: Vec<String> = rows.iter().map(|row| row.digest.clone()).collect();
    let mut publications = publications_of(db, &digests).await?;
    rows.into_iter()
        .map(|row| {
            let its = publications.remove(&row.digest).unwrap_or_default();
            row.with(its)
        })
        .collect()
}

#[derive(sqlx::FromRow)]
struct PublicationRow {
    id: Uuid,
    digest: String,
    job_id: Uuid,
    registry_id: Uuid,
    registry_name: String,
    host: String,
    repository: String,
    tag: String,
    published_at: Option<Timestamp>,
    created_at: Timestamp,
    state: JobState,
    reason_code: Option<String>,
    reason_message: Option<String>,
}

impl PublicationRow {
    fn shown(self) -> Publication {
        let place = format!("{}/{}", self.host, self.repository);
        Publication {
            id: self.id,
            job_id: self.job_id,
            registry_id: self.registry_id,
            registry_name: self.registry_name,
            reference: format!("{place}:{}", self.tag),
            pull_command: self.published_at.map(|_| format!("docker pull {place}@{}", self.digest)),
            state: self.state,
            reason: reason(self.reason_code, self.reason_message),
            created_at: self.created_at,
            published_at: self.published_at,
        }
    }
}

/// The publications of some images, newest first.
async fn publications_of(db: &Db, digests: &[String]) -> Result<HashMap<String, Vec<Publication>>> {
    let mut found: HashMap<String, Vec<Publication>> = HashMap::new();
    if digests.is_empty() {
        return Ok(found);
    }
    let mut query = Query::select();
    query
        .columns(
            [
                "id",
                "digest",
                "job_id",
                "registry_id",
                "registry_name",
                "host",
                "repository",
                "tag",
                "published_at",
                "created_at",
            ]
            .map(|column| ("publication", column)),
        )
        .columns(["state", "reason_code", "reason_message"].map(|column| ("job", column)))
        .from("publication")
        .inner_join("job", Expr::col(("job", "id")).equals(("publication", "job_id")))
        .and_where(Expr::col((Alias::new("publication"), Alias::new("digest"))).is_in(digests.iter().cloned()))
        .order_by(("publication", "id"), Order::Desc);
    let rows: Vec<PublicationRow> = db.all(&query).await?;
    for row in rows {
        found.entry(row.digest.clone()).or_default().push(row.shown());
    }
    Ok(found)
}

/// A publication to be kept.
pub(super) struct NewPublication {
    pub id: Uuid,
    pub digest: Digest,
    pub job_id: Uuid,
    pub registry_id: Uuid,
    pub registry_name: String,
    pub host: String,
    pub repository: RepositoryName,
    pub tag: Tag,
    pub created_by: String,
    pub created_at: Timestamp,
}

pub(super) async fn insert_publication(tx: &mut Tx, publication: NewPublication) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO publication (id, digest, job_id, registry_id, registry_name, host, repository, tag, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(publication.id)
    .bind(publication.digest.to_string())
    .bind(publication.job_id)
    .bind(publication.registry_id)
    .bind(publication.registry_name)
    .bind(publication.host)
    .bind(publication.repository.to_string())
    .bind(publication.tag.to_string())
    .bind(publication.created_by)
    .bind(publication.created_at)
    .execute()
    .await?;
    Ok(())
}

/// What the job of a publication needs to know.
pub(super) struct Target {
    pub id: Uuid,
    pub digest: Digest,
    pub registry_id: Uuid,
    pub host: String,
    pub repository: RepositoryName,
    pub tag: Tag,
}

impl Target {
    /// Where it can be pulled from: `host/repository:tag`.
    pub(super) fn reference(&self) -> String {
        format!("{}/{}:{}", self.host, self.repository, self.tag)
    }
}

#[derive(sqlx::FromRow)]
struct TargetRow {
    id: Uuid,
    digest: String,
    registry_id: Uuid,
    host: String,
    repository: String,
    tag: String,
}

pub(super) async fn target(db: &Db, id: Uuid) -> Result<Option<Target>> {
    let row: Option<TargetRow> = db
        .sql("SELECT id, digest, registry_id, host, repository, tag FROM publication WHERE id = $1")
        .bind(id)
        .optional()
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Target {
        id: row.id,
        digest: row.digest.parse().map_err(anyhow::Error::from)?,
        registry_id: row.registry_id,
        host: row.host,
        repository: row.repository.parse().map_err(anyhow::Error::from)?,
        tag: row.tag.parse().map_err(anyhow::Error::from)?,
    }))
}

/// Notes that the digest was read back; whether the publication is still there.
pub(super) async fn published(tx: &mut Tx, id: Uuid, now: Timestamp) -> sqlx::Result<bool> {
    let touched = tx
        .sql("UPDATE publication SET published_at = coalesce(published_at, $2) WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}
