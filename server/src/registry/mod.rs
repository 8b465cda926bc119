//! Registries: configured places to publish images to, and the credentials that open them.
//!
//! How a registry is spoken to belongs in `outside/oci`; what is pushed there belongs to images.

mod address;
pub(crate) mod http;
mod store;

use gantry_domain::api::registry::Registry;
use uuid::Uuid;

use crate::app::App;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::outside::oci;
pub use crate::outside::oci::RegistryAccess;

/// A registry as people see it.
///
/// # Errors
/// `404` when there is none.
pub async fn get(app: &App, id: Uuid) -> Result<Registry> {
    let row = store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("registry"))?;
    Ok(row.into())
}

/// The id of the registry that people here call by this name.
///
/// # Errors
/// `404` when there is none.
pub(crate) async fn id_of(db: &Db, name: &str) -> Result<Uuid> {
    store::id_of(db, name).await?.ok_or_else(|| Error::not_found("registry"))
}

/// What is needed to push to a registry, with its credential opened.
///
/// # Errors
/// `404` when there is no such registry, `503 secret_unreadable` when its credential cannot be opened.
pub async fn credentials(app: &App, id: Uuid) -> Result<RegistryAccess> {
    opened(app, store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("registry"))?).await
}

/// What opens the registry that images named after `host` come from, if one is configured with a
/// credential; and what people here call it. Of several at one address, the first by name.
///
/// # Errors
/// `503 secret_unreadable` when its credential cannot be opened.
pub(crate) async fn credentials_for_host(app: &App, host: &str) -> Result<Option<(String, RegistryAccess)>> {
    // Docker Hub's images are named docker.io, and its registry answers elsewhere.
    let other = if host == oci::DOCKER_HUB_HOST { oci::DOCKER_HUB } else { host };
    match store::with_credential_at(&app.db, [host.to_owned(), other.to_owned()]).await? {
        Some(row) => Ok(Some((row.name.clone(), opened(app, row).await?))),
        None => Ok(None),
    }
}

async fn opened(app: &App, row: store::Row) -> Result<RegistryAccess> {
    let credential = match row.secret_id {
        Some(secret) => Some(crate::secret::value(app, secret).await?),
        None => None,
    };
    Ok(RegistryAccess {
        address: row.address,
        prefix: row.prefix,
        username: row.username,
        credential,
        plain_http: row.plain_http,
        ca_certificate: row.ca_certificate,
    })
}
