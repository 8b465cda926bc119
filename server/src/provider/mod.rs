//! Model providers: endpoints that answer for a model, and the keys that open them.
//!
//! How an endpoint is spoken to belongs in `outside/model`; what a run makes of it belongs to runs.

mod address;
pub(crate) mod http;
mod store;

use secrecy::SecretString;
use uuid::Uuid;

use crate::app::App;
use crate::db::Db;
use crate::error::{Error, Result};

/// What is needed to ask a provider's model. Debug output shows no key.
#[derive(Clone, Debug)]
pub struct ProviderAccess {
    /// The provider.
    pub id: Uuid,
    /// What people here call it.
    pub name: String,
    /// Its address, up to but without `/chat/completions`, with no slash at its end.
    pub base_url: String,
    /// The model used when none is chosen.
    pub default_model: String,
    /// The key, if there is one.
    pub key: Option<SecretString>,
    /// Price of a million input tokens in millionths of a US dollar, if it was entered.
    pub input_price_micros: Option<i64>,
    /// Price of a million output tokens in millionths of a US dollar, if it was entered.
    pub output_price_micros: Option<i64>,
}

/// The most providers that are named at once.
const MOST_NAMES: u64 = 1_000;

/// The ids and names of all providers, by name.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn names(db: &Db) -> Result<Vec<(Uuid, String)>> {
    let providers = store::list(db, "", MOST_NAMES).await?;
    Ok(providers.into_iter().map(|provider| (provider.id, provider.name)).collect())
}

/// What is needed to ask a provider's model, with its key opened.
///
/// # Errors
/// `404` when there is no such provider, `503 secret_unreadable` when its key cannot be opened.
pub async fn access(app: &App, id: Uuid) -> Result<ProviderAccess> {
    let row = store::get(&app.db, id).await?.ok_or_else(|| Error::not_found("provider"))?;
    let key = match row.secret_id {
        Some(secret) => Some(crate::secret::value(app, secret).await?),
        None => None,
    };
    Ok(ProviderAccess {
        id: row.id,
        name: row.name,
        base_url: row.base_url,
        default_model: row.default_model,
        key,
        input_price_micros: row.input_price_micros,
        output_price_micros: row.output_price_micros,
    })
}
