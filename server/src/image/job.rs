//! The work of a publication: look, push, read back, record.
//!
//! A tag that has another digest is never moved: it is looked at before anything is sent. Blobs that
//! the registry has are not sent again, so an attempt after a crash sends what is left. `published`
//! is said only of a digest that the registry gave back to a fresh question.

use std::time::Duration;

use gantry_domain::api::job::JobKind;
use gantry_domain::event::EventBody;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::store::{self, Target};
use crate::app::App;
use crate::jobs::{JobContext, JobFailure, Outcome, Work};
use crate::outside::layout::{Descriptor, LayoutError, Manifest};
use crate::outside::oci::{RegistryAccess, RegistryError, Repository};

/// How often the log is told how far a blob is.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Publishes images.
pub(crate) struct PublishWork;

#[async_trait::async_trait]
impl Work for PublishWork {
    fn kind(&self) -> JobKind {
        JobKind::Publish
    }

    async fn run(&self, app: &App, job: &JobContext) -> Result<Outcome, JobFailure> {
        let id = job.subject_id().unwrap_or_default();
        let Some(target) = store::target(&app.db, id).await? else {
            return Err(gone());
        };
        let attempt = Attempt { app, job, target };
        tokio::select! {
            biased;
            // Dropping the request under way is what stops it; the registry discards half a blob.
            () = job.cancelled().cancelled() => Err(JobFailure::cancelled()),
            published = attempt.run() => published.map(Outcome::Done),
        }
    }
}

fn gone() -> JobFailure {
    JobFailure::fatal("publication_gone", "The publication was deleted with its project.")
}

struct Attempt<'a> {
    app: &'a App,
    job: &'a JobContext,
    target: Target,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<Value, JobFailure> {
        let access = self.access().await?;
        self.job.step("push", self.push(&access)).await?;
        self.read_back(&access).await?;
        self.record().await?;
        Ok(json!({ "reference": self.target.reference(), "digest": self.target.digest }))
    }

    /// The registry with its credential, as it is configured now; but the address stays the one
    /// that the publication names.
    async fn access(&self) -> Result<RegistryAccess, JobFailure> {
        let access = crate::registry::credentials(self.app, self.target.registry_id).await?;
        if access.address != self.target.host {
            return Err(JobFailure::fatal(
                "registry_changed",
                format!("The registry is at {} now and was at {}. Publish anew.", access.address, self.target.host),
            ));
        }
        Ok(access)
    }

    async fn open(&self, access: &RegistryAccess) -> Result<Repository, JobFailure> {
        Repository::open(access, &self.target.repository, &self.target.tag).await.map_err(explain)
    }

    async fn push(&self, access: &RegistryAccess) -> Result<Value, JobFailure> {
        let registry = self.open(access).await?;
        let digest = &self.target.digest;
        match registry.tag_digest().await.map_err(explain)? {
            Some(there) if there == *digest => {
                self.say(format!("{} is there already with this digest.", self.target.reference())).await?;
                return Ok(json!({ "pushed": false }));
            }
            Some(other) => {
                return Err(JobFailure::fatal(
                    "tag_exists",
                    format!(
                        "{} exists with another digest ({other}). Nothing was sent. Publish under another tag: a tag that was published keeps its meaning.",
                        self.target.reference()
                    ),
                ));
            }
            None => {}
        }
        let (bytes, manifest) = self.manifest().await?;
        let total = manifest.blobs().count();
        for (index, blob) in manifest.blobs().enumerate() {
            let what = if blob.digest == manifest.config.digest { "Configuration" } else { "Layer" };
            let message = format!("{what}, blob {} of {total}", index + 1);
            if registry.has_blob(blob).await.map_err(explain)? {
                self.tell(&format!("{message}: the registry has it"), blob, blob.size).await?;
            } else {
                self.push_blob(&registry, blob, &message).await?;
            }
        }
        registry.push_manifest(bytes).await.map_err(explain)?;
        self.say(format!("The manifest was sent as {}.", self.target.reference())).await?;
        Ok(json!({ "pushed": true }))
    }

    async fn manifest(&self) -> Result<(bytes::Bytes, Manifest), JobFailure> {
        self.app.images.manifest(&self.target.digest).await.map_err(|error| match error {
            // With several nodes the image may be on the disk of another one: it may take the job.
            LayoutError::Missing(_) => JobFailure::retry(
                "image_not_here",
                format!("{error} on the node {}. Build the project again if no other node has it.", self.app.node),
            ),
            other => JobFailure::retry("image_store_failed", other.to_string()),
        })
    }

    async fn push_blob(&self, registry: &Repository, blob: &Descriptor, message: &str) -> Result<(), JobFailure> {
        self.tell(message, blob, 0).await?;
        let (sent, mut progress) = watch::channel(0_u64);
        let path = self.app.images.blob_path(&blob.digest);
        let push = registry.push_blob(blob, &path, move |so_far| {
            // Nobody listening is no reason to stop sending.
            let _ = sent.send(so_far);
        });
        let mut push = std::pin::pin!(push);
        let mut tick = tokio::time::interval(TELL_EVERY);
        tick.tick().await;
        loop {
            tokio::select! {
                pushed = &mut push => {
                    pushed.map_err(explain)?;
                    return self.tell(message, blob, blob.size).await;
                }
                _ = tick.tick() => {
                    if progress.has_changed().unwrap_or(false) {
                        let so_far = *progress.borrow_and_update();
                        self.tell(message, blob, so_far).await?;
                    }
                }
            }
        }
    }

    /// Asks the registry anew, with a connection and a token of its own, what the tag has now.
    async fn read_back(&self, access: &RegistryAccess) -> Result<(), JobFailure> {
        let registry = self.open(access).await?;
        match registry.tag_digest().await.map_err(explain)? {
            Some(there) if there == self.target.digest => Ok(()),
            Some(other) => Err(JobFailure::fatal(
                "digest_mismatch",
                format!("{} was pushed as {} and reads back as {other}.", self.target.reference(), self.target.digest),
            )),
            None => Err(JobFailure::retry(
                "not_read_back",
                format!("{} was pushed, but the registry does not have it yet.", self.target.reference()),
            )),
        }
    }

    /// Says that it is published, once.
    async fn record(&self) -> Result<(), JobFailure> {
        if self.job.step_output("record").await?.is_some() {
            return Ok(());
        }
        let mut tx = self.app.db.begin().await?;
        if !store::published(&mut tx, self.target.id, self.app.db.now()).await? {
            return Err(gone());
        }
        let events = [
            EventBody::PublishDone {
                publication_id: self.target.id,
                reference: self.target.reference(),
                digest: self.target.digest.to_string(),
            },
            EventBody::StepDone { step: "record".to_owned(), output: Value::Null },
        ];
        self.job.append_within(&mut tx, &events).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn say(&self, message: String) -> Result<(), JobFailure> {
        self.job.append(EventBody::PublishProgress { message, blob: None, current: 0, total: 0 }).await.map(drop)
    }

    async fn tell(&self, message: &str, blob: &Descriptor, current: u64) -> Result<(), JobFailure> {
        let body = EventBody::PublishProgress {
            message: message.to_owned(),
            blob: Some(blob.digest.to_string()),
            current: i64::try_from(current).unwrap_or(i64::MAX),
            total: i64::try_from(blob.size).unwrap_or(i64::MAX),
        };
        self.job.append(body).await.map(drop)
    }
}

fn explain(error: RegistryError) -> JobFailure {
    let message = error.to_string();
    match error {
        RegistryError::Unreachable { .. } => JobFailure::retry("registry_unreachable", message),
        RegistryError::Untrusted { .. } => JobFailure::fatal("registry_untrusted", message),
        RegistryError::Unauthorized { .. } => JobFailure::fatal("registry_unauthorized", message),
        RegistryError::Denied { .. } => JobFailure::fatal("registry_denied", message),
        RegistryError::NotFound { .. } | RegistryError::Refused { .. } => {
            JobFailure::fatal("registry_refused", message)
        }
        RegistryError::Disk(_) => JobFailure::retry("image_store_failed", message),
    }
}
