//! `gantry publish`: sends an image to a registry. What to pull goes to standard output.

use clap::Args;
use gantry_domain::api::Accepted;
use gantry_domain::api::image::{Image, Publication, PublishImage};
use gantry_domain::api::registry::Registry;
use gantry_domain::event::EventBody;
use gantry_domain::{Digest, RepositoryName, Tag};

use super::watch;
use crate::Server;
use crate::client::Connection;
use crate::failure::Failure;
use crate::output::{Output, bytes};

/// Arguments of `gantry publish`.
#[derive(Args)]
pub(crate) struct Publish {
    /// The project, whose newest image is taken, or an image's digest (sha256:…).
    #[arg(value_name = "PROJECT|DIGEST")]
    image: String,

    /// The registry's name or id; may be left out when there is only one.
    #[arg(long)]
    registry: Option<String>,

    /// The repository; the registry's prefix and the project's name when left out.
    #[arg(long, value_parser = text::<RepositoryName>)]
    repository: Option<RepositoryName>,

    /// The tag; the version in the spec when left out.
    #[arg(long, value_parser = text::<Tag>)]
    tag: Option<Tag>,

    #[command(flatten)]
    server: Server,
}

/// Parses one of the domain's strings with the domain's own words for what was expected.
fn text<T: std::str::FromStr<Err = gantry_domain::InvalidText>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|error: gantry_domain::InvalidText| error.to_string())
}

pub(crate) async fn run(publish: Publish, output: &Output) -> Result<(), Failure> {
    let connection = publish.server.connect()?;
    let image = image(&connection, &publish.image).await?;
    let registry = registry(&connection, publish.registry.as_deref()).await?;
    let digest = image.digest.to_string();
    let body = PublishImage { registry_id: registry.id, repository: publish.repository, tag: publish.tag };
    let accepted: Accepted = connection.post(&["images", &format!("{digest}:publish")], &body).await?;

    let mut progress = output.progress(format!("publishing {digest} to {}", registry.name));
    let ended = watch::until_end(&connection, accepted.job_id, output, &mut progress, |body, progress| match body {
        EventBody::PublishProgress { message, current, total, .. } => {
            let detail = if *total > 0 { format!("{} of {}", bytes(*current), bytes(*total)) } else { String::new() };
            progress.status(message, &detail);
        }
        EventBody::PublishDone { reference, digest, .. } => {
            progress.say(&format!("{reference} was read back as {digest}"))
        }
        _ => {}
    })
    .await?;
    drop(progress);

    let image: Image = connection.get(&["images", &digest]).await?;
    let publication =
        image.publications.into_iter().find(|publication| publication.id == accepted.id).ok_or_else(|| {
            Failure::failed("the server does not show the publication it accepted; its log may say why")
        })?;
    output.result(&publication, |publication: &Publication| publication.pull_command.clone().unwrap_or_default());
    ended.into_result("publishing")
}

/// The image that a person named: by its digest, or as the newest of a project.
async fn image(connection: &Connection, named: &str) -> Result<Image, Failure> {
    if let Ok(digest) = named.parse::<Digest>() {
        return connection.get(&["images", digest.as_str()]).await;
    }
    let project = connection.project(named).await?;
    let page = connection.page::<Image>(&["projects", &project.summary.id.to_string(), "images"], None).await?;
    page.items
        .into_iter()
        .next()
        .ok_or_else(|| Failure::NotFound(format!("{named} has no image yet; `gantry build {named}` makes one")))
}

/// The registry that a person named, or the only one.
async fn registry(connection: &Connection, named: Option<&str>) -> Result<Registry, Failure> {
    let mut registries: Vec<Registry> = connection.list(&["registries"]).await?;
    let names = registries.iter().map(|registry| registry.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = match named {
        Some(named) => {
            registries.iter().position(|registry| registry.name == named || registry.id.to_string() == named)
        }
        None if registries.len() == 1 => Some(0),
        None => None,
    };
    match (found, named) {
        (Some(index), _) => Ok(registries.swap_remove(index)),
        (None, _) if registries.is_empty() => Err(Failure::NotFound(
            "there are no registries yet; add one in the web interface under Settings, Registries".to_owned(),
        )),
        (None, Some(named)) => Err(Failure::NotFound(format!("there is no registry {named:?}; there are: {names}"))),
        (None, None) => Err(Failure::usage(format!("say which registry with --registry; there are: {names}"))),
    }
}
