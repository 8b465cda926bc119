//! The Docker Engine: whether it answers, taking an image out of it and putting one in.
//!
//! Building is next door in `buildkit`, over the same socket; containers are in `container`. The
//! server starts and works without an engine: every call says clearly when there is none.

mod container;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::query_parameters::{ImportImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::io::AsyncWriteExt;

pub use container::{ContainerEnd, EngineImage, Labelled, NewContainer};

/// How long the engine may take to answer a small request.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long, in seconds, the engine may take before an exported image begins to arrive.
const EXPORT_BEGINS_WITHIN_SECONDS: u64 = 300;

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    /// Nobody answers on the socket.
    #[error(
        "Docker Engine does not answer at {address} ({cause}): start it or set GANTRY_DOCKER; everything else works"
    )]
    Unavailable {
        /// Where it was expected.
        address: String,
        /// What the attempt ended with.
        cause: String,
    },
    /// The engine has no image of that name.
    #[error("Docker Engine has no image {0}")]
    NoSuchImage(String),
    /// The engine has no container of that name.
    #[error("Docker Engine has no container {0}")]
    NoSuchContainer(String),
    /// The program that forwards connections does not run in the container.
    #[error("the program that carries connections into the container does not run there: {0}")]
    NoTunnel(String),
    /// The engine answered with an error of its own.
    #[error("Docker Engine says: {0}")]
    Refused(String),
    /// What it sent could not be written to this machine's disk.
    #[error("what Docker Engine sent could not be stored: {0}")]
    Disk(#[from] std::io::Error),
}

/// What an engine says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineVersion {
    /// Its version, such as `20.10.24`.
    pub version: String,
    /// What it builds for when not told otherwise: `linux/amd64` and the like.
    pub platform: String,
}

/// The engine behind one Unix socket. Holds no connection: an engine may come and go.
#[derive(Clone, Debug)]
pub struct Docker {
    socket: PathBuf,
}

impl Docker {
    /// The engine at `address`: `unix:///path/to/the.sock`, or the path alone.
    pub fn new(address: &str) -> Self {
        Self { socket: PathBuf::from(address.strip_prefix("unix://").unwrap_or(address)) }
    }

    /// The socket's path.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The address as it is written in settings and messages.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Asks the engine for its version. [`DockerError::Unavailable`] when nobody answers in time.
    pub async fn version(&self) -> Result<EngineVersion, DockerError> {
        let answer = tokio::time::timeout(ANSWER_WITHIN, async {
            let engine = self.connect().await?;
            engine.version().await.map_err(|error| self.explain(error, ""))
        });
        let said = answer.await.map_err(|_| self.unavailable("no answer within 10 s"))??;
        Ok(EngineVersion {
            version: said.version.unwrap_or_default(),
            platform: format!("{}/{}", said.os.unwrap_or_default(), said.arch.unwrap_or_default()),
        })
    }

    /// Whether the engine has an image of that name or id.
    pub async fn has_image(&self, name: &str) -> Result<bool, DockerError> {
        match self.connect().await?.inspect_image(name).await {
            Ok(_) => Ok(true),
            Err(error) => match self.explain(error, name) {
                DockerError::NoSuchImage(_) => Ok(false),
                other => Err(other),
            },
        }
    }

    /// Writes the image as a tar archive (what `docker save` writes) to a new file at `target`.
    ///
    /// Dropping the future stops the transfer; the file is the caller's to remove.
    pub async fn save_image(&self, name: &str, target: &Path) -> Result<u64, DockerError> {
        let engine = self.connect().await?;
        let mut file = tokio::fs::File::create(target).await?;
        let mut parts = std::pin::pin!(engine.export_image(name));
        let mut written = 0;
        while let Some(part) = parts.next().await {
            let part = part.map_err(|error| self.explain(error, name))?;
            written += part.len() as u64;
            file.write_all(&part).await?;
        }
        file.flush().await?;
        Ok(written)
    }

    /// Puts an image into the engine: what `docker load` reads.
    ///
    /// # Errors
    /// When the engine does not answer, refuses the archive, or the archive breaks off.
    pub async fn load_image(
        &self,
        archive: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<(), DockerError> {
        let engine = self.connect().await?;
        let options = ImportImageOptionsBuilder::new().quiet(true).build();
        let mut said = std::pin::pin!(engine.import_image_stream(options, archive, None));
        while let Some(line) = said.next().await {
            line.map_err(|error| self.explain(error, ""))?;
        }
        Ok(())
    }

    /// The names of images that fit a pattern: `repository/*:tag`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn image_names(&self, pattern: &str) -> Result<Vec<String>, DockerError> {
        let filters = HashMap::from([("reference", vec![pattern])]);
        let options = ListImagesOptionsBuilder::new().filters(&filters).build();
        let work = async {
            let found = self.connect().await?.list_images(Some(options)).await;
            found.map_err(|error| self.explain(error, ""))
        };
        let found = tokio::time::timeout(ANSWER_WITHIN, work).await.map_err(|_| self.unavailable("no answer"))??;
        Ok(found.into_iter().flat_map(|image| image.repo_tags).collect())
    }

    /// Removes a name from an image, and the image itself when that was its last; the builder's
    /// cache stays. An image that is not there is no error.
    pub async fn remove_image(&self, name: &str) -> Result<(), DockerError> {
        let removed = self.connect().await?.remove_image(name, None::<RemoveImageOptions>, None).await;
        match removed.map_err(|error| self.explain(error, name)) {
            Ok(_) | Err(DockerError::NoSuchImage(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// A client that speaks the version of the API that this engine knows: an old engine refuses a
    /// newer client, and a new engine refuses an old one.
    async fn connect(&self) -> Result<bollard::Docker, DockerError> {
        let path = self.socket.to_string_lossy();
        let client =
            bollard::Docker::connect_with_unix(&path, EXPORT_BEGINS_WITHIN_SECONDS, bollard::API_DEFAULT_VERSION)
                .map_err(|error| self.unavailable(error))?;
        tokio::time::timeout(ANSWER_WITHIN, client.negotiate_version())
            .await
            .map_err(|_| self.unavailable("no answer within 10 s"))?
            .map_err(|error| self.explain(error, ""))
    }

    /// The error for "nobody is there", with what the attempt ended with.
    pub(super) fn unavailable(&self, cause: impl std::fmt::Display) -> DockerError {
        DockerError::Unavailable { address: self.address(), cause: cause.to_string() }
    }

    fn explain(&self, error: bollard::errors::Error, image: &str) -> DockerError {
        match error {
            bollard::errors::Error::DockerResponseServerError { status_code: 404, .. } => {
                DockerError::NoSuchImage(image.to_owned())
            }
            bollard::errors::Error::DockerResponseServerError { message, .. } => DockerError::Refused(message),
            bollard::errors::Error::DockerStreamError { error } => DockerError::Refused(error),
            other => self.unavailable(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_absent_engine_is_named_with_what_to_do() {
        let engine = Docker::new("unix:///nowhere/docker.sock");
        let error = engine.version().await.unwrap_err();
        assert!(matches!(error, DockerError::Unavailable { .. }));
        let text = error.to_string();
        assert!(text.contains("unix:///nowhere/docker.sock") && text.contains("GANTRY_DOCKER"), "{text}");
    }
}
