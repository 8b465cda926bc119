//! Model providers: endpoints that answer for a model, and the keys that open them.
//!
//! How an endpoint is spoken to belongs in `outside/model`; what a run makes of it belongs to runs. What
//! the kinds of providers are is data in `gantry_domain::provider`.

mod address;
pub(crate) mod http;
mod pairing;
mod store;

use std::time::Duration;

use gantry_domain::provider::{PriceSource, ProviderKind};
use secrecy::SecretString;
use uuid::Uuid;

use crate::app::App;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::outside::model::{ATTEMPTS, Endpoint};

/// What is needed to ask a provider's model. Debug output shows no key.
#[derive(Clone, Debug)]
pub struct ProviderAccess {
    /// The provider.
    pub id: Uuid,
    /// What people here call it.
    pub name: String,
    /// What kind of endpoint it is.
    pub kind: ProviderKind,
    /// Its address, with no slash at its end.
    pub base_url: String,
    /// The API's version, for kinds that have several.
    pub api_version: Option<String>,
    /// Where the key becomes a token of short life, for kinds that ask for one.
    pub token_url: Option<String>,
    /// The model used when none is chosen.
    pub default_model: String,
    /// The key, if there is one.
    pub key: Option<SecretString>,
    /// Price of a million input tokens in millionths of a US dollar, if it was entered.
    pub input_price_micros: Option<i64>,
    /// Price of a million output tokens in millionths of a US dollar, if it was entered.
    pub output_price_micros: Option<i64>,
}

impl ProviderAccess {
    /// Where one of its models is asked, as this instance asks everywhere.
    pub(crate) fn endpoint(self, app: &App, model: String) -> Endpoint {
        Endpoint {
            kind: self.kind,
            base_url: self.base_url,
            api_version: self.api_version,
            token_url: self.token_url,
            key: self.key,
            model,
            idle_timeout: Duration::from_secs(u64::from(app.config.model_idle_seconds)),
            attempts: ATTEMPTS,
        }
    }
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
    // A model on one's own machine costs nothing for a token, unless somebody says otherwise.
    let usual_price = (row.kind.facts().prices == PriceSource::Free).then_some(0);
    Ok(ProviderAccess {
        id: row.id,
        name: row.name,
        kind: row.kind,
        base_url: row.base_url,
        api_version: row.api_version,
        token_url: row.token_url,
        default_model: row.default_model,
        key,
        input_price_micros: row.input_price_micros.or(usual_price),
        output_price_micros: row.output_price_micros.or(usual_price),
    })
}
