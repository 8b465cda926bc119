//! Registries: configured places to publish images to, and the credentials that open them.
//!
//! How a registry is spoken to belongs in `outside/oci`; what is pushed there belongs to images.

mod address;
pub(crate) mod http;
mod store;

use gantry_domain::api::registry::Registry;
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
pub use crate::outside::oci::RegistryAccess;

/// A registry as people see it.
///
/// # Errors
/// `404` when there is none.
pub async fn get(app: &App, id: Uuid) -> Result<Registry> {
    let row = store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("registry"))?;
    Ok(row.into())
}

/// What is needed to push to a registry, with its credential opened.
///
/// # Errors
/// `404` when there is no such registry, `503 secret_unreadable` when its credential cannot be opened.
pub async fn credentials(app: &App, id: Uuid) -> Result<RegistryAccess> {
    let row = store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("registry"))?;
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
    })
}
