//! Secrets: values that are written and used, and never shown.
//!
//! A secret is a row with an id, an owner and a version; its values are kept by a [`SecretBackend`].
//! Gantry's own store ([`OwnStore`]) keeps them encrypted in the database; stores elsewhere (Vault, a
//! cloud's secret manager) will be other implementations, with their clients in `outside/`.
//! No handler reads a value: [`value`] is for what uses one, such as a model's client, and for nothing else.

mod envelope;
pub(crate) mod http;
mod master_key;
mod own_store;
mod store;

use std::collections::BTreeMap;

use async_trait::async_trait;
use gantry_domain::api::secret::KeyRotation;
use gantry_domain::spec::header_secret;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use crate::app::App;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

pub use envelope::Belonging;
pub use master_key::KeySetting;
pub use own_store::{KeySettings, OwnStore};

/// The most bytes that a value may have.
pub(crate) const LONGEST_VALUE: usize = 65_536;
/// The most bytes of a credential that travels in a header: servers take no longer ones.
pub(crate) const LONGEST_KEY: usize = 8_192;

/// What kind of thing a secret belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerKind {
    /// The instance: a secret that a person named.
    Instance,
    /// One model provider: its key.
    Provider,
    /// One registry: its password or token.
    Registry,
}

impl OwnerKind {
    /// The word in the database and in the associated data of what is encrypted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Provider => "provider",
            Self::Registry => "registry",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Instance, Self::Provider, Self::Registry].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A place that keeps secrets' values.
#[async_trait]
pub trait SecretBackend: Send + Sync {
    /// The word for this kind of place in `secret.backend`.
    fn kind(&self) -> &'static str;

    /// Keeps a value as a version that does not exist yet. It counts once `tx` is committed.
    ///
    /// # Errors
    /// When the place does not take it; then nothing is kept.
    async fn put(&self, tx: &mut Tx, at: Belonging, value: &SecretString, created_by: &str) -> Result<()>;

    /// The value of a version.
    ///
    /// # Errors
    /// `404` when there is no such version, `503 secret_unreadable` when it cannot be opened.
    async fn get(&self, db: &Db, at: Belonging) -> Result<SecretString>;

    /// The versions that are kept of a secret, newest first.
    ///
    /// # Errors
    /// Whatever the place answers.
    async fn versions(&self, db: &Db, secret_id: Uuid) -> Result<Vec<gantry_domain::api::secret::SecretVersion>>;

    /// Changes the key that everything here is encrypted under.
    ///
    /// # Errors
    /// `409` when no other key was supplied.
    async fn rotate_master_key(&self, db: &Db) -> Result<KeyRotation>;
}

/// The newest value of a secret, for what uses it.
///
/// # Errors
/// `404` when there is no such secret, `503 secret_unreadable` when it cannot be opened.
pub(crate) async fn value(app: &App, id: Uuid) -> Result<SecretString> {
    let at = store::newest(&app.db, id).await?.ok_or_else(|| Error::not_found("secret"))?;
    app.secrets.get(&app.db, at).await
}

/// The headers that a tool sends to an address, with the values of the secrets that are for its host.
///
/// # Errors
/// Which secret is not there or cannot be read, as a sentence.
pub(crate) async fn header_values(
    app: &App,
    url: &str,
    headers: &BTreeMap<String, String>,
) -> std::result::Result<Vec<(String, SecretString)>, String> {
    if headers.is_empty() {
        return Ok(Vec::new());
    }
    // What the name of a secret is made of has to be what is called, so the address is read as a client does.
    let url = Url::parse(url).map_err(|error| format!("The address is not valid: {error}."))?;
    let mut values = Vec::with_capacity(headers.len());
    for (header, variable) in headers {
        let name = header_secret(url.as_str(), variable)
            .ok_or_else(|| "The address is none that a tool may call.".to_owned())?;
        let value = value_called(app, &name).await.map_err(|error| {
            tracing::warn!(%error, name, "the secret for a tool's header cannot be read");
            format!("The secret {name}, which has the value of the header {header}, cannot be read.")
        })?;
        let missing = || {
            format!(
                "There is no secret {name}, which should have the value of the header {header}. Whoever may make secrets can make it."
            )
        };
        values.push((header.clone(), value.ok_or_else(missing)?));
    }
    Ok(values)
}

/// The newest value of the secret that a person gave this name; none if there is none.
///
/// # Errors
/// `503 secret_unreadable` when it cannot be opened.
async fn value_called(app: &App, name: &str) -> Result<Option<SecretString>> {
    match store::newest_called(&app.db, name).await? {
        Some(at) => app.secrets.get(&app.db, at).await.map(Some),
        None => Ok(None),
    }
}

/// The newest value of a secret that a person named, for what uses it at an address that somebody gave.
///
/// # Errors
/// `422 no_such_secret`, or `503 secret_unreadable` when it cannot be opened.
pub(crate) async fn named_value(app: &App, id: Uuid) -> Result<SecretString> {
    let mut tx = app.db.begin().await?;
    let owner = store::owner_of(&mut tx, id).await?;
    drop(tx);
    if owner != Some(OwnerKind::Instance) {
        return Err(Error::invalid(
            "/secretId",
            "no_such_secret",
            "Expected the id of a named secret; see GET /api/v1/secrets.",
        ));
    }
    value(app, id).await
}

/// What tells this database from every other one, for as long as it exists: its first master key, by id
/// and by the moment that it was noted here.
pub(crate) async fn database_id(db: &Db) -> Result<String> {
    store::first_key(db).await
}

/// Keeps a credential for what `owner` says, in the caller's transaction; answers with the secret's id.
pub(crate) async fn keep(
    app: &App,
    tx: &mut Tx,
    owner: OwnerKind,
    value: &SecretString,
    created_by: &str,
) -> Result<Uuid> {
    let at = Belonging { owner, secret_id: Uuid::now_v7(), version: 1 };
    store::insert(tx, at, None, app.secrets.kind(), created_by).await?;
    app.secrets.put(tx, at, value, created_by).await?;
    Ok(at.secret_id)
}

/// What becomes of a credential when its provider or registry is saved.
pub(crate) struct Change<'b> {
    /// A new value; empty removes what is there, none leaves it.
    pub(crate) value: Option<&'b SecretString>,
    /// A named secret to use instead; none leaves what is there.
    pub(crate) secret_id: Option<Uuid>,
    /// Who asks.
    pub(crate) by: &'b str,
}

/// A credential after a change.
pub(crate) struct Changed {
    /// The secret that holds it now.
    pub(crate) secret_id: Option<Uuid>,
    /// What nobody needs any more. Pass it to [`discard`] once no row refers to it.
    pub(crate) replaced: Option<Uuid>,
}

/// Changes the credential that `current` holds for an owner of that kind, in the caller's transaction.
///
/// # Errors
/// `422` when both a value and a named secret are given, or there is no secret of that name.
pub(crate) async fn change(
    app: &App,
    tx: &mut Tx,
    owner: OwnerKind,
    current: Option<Uuid>,
    change: Change<'_>,
) -> Result<Changed> {
    let own = match current {
        Some(id) => store::owner_of(tx, id).await?.filter(|kind| *kind == owner).map(|_| id),
        None => None,
    };
    if let Some(named) = change.secret_id {
        if store::owner_of(tx, named).await? != Some(OwnerKind::Instance) {
            return Err(Error::invalid(
                "/secretId",
                "no_such_secret",
                "Expected the id of a named secret; see GET /api/v1/secrets.",
            ));
        }
        return Ok(Changed { secret_id: Some(named), replaced: own });
    }
    let Some(value) = change.value else {
        return Ok(Changed { secret_id: current, replaced: None });
    };
    if value.expose_secret().is_empty() {
        return Ok(Changed { secret_id: None, replaced: own });
    }
    match own {
        Some(id) => {
            add_version(app, tx, id, value, change.by).await?;
            Ok(Changed { secret_id: Some(id), replaced: None })
        }
        None => Ok(Changed { secret_id: Some(keep(app, tx, owner, value, change.by).await?), replaced: None }),
    }
}

/// Deletes a credential that nothing refers to any more. A named secret is left alone.
pub(crate) async fn discard(tx: &mut Tx, id: Option<Uuid>) -> Result<()> {
    match id {
        Some(id) => store::delete_credential(tx, id).await,
        None => Ok(()),
    }
}

/// Writes a new version of a secret.
async fn add_version(app: &App, tx: &mut Tx, id: Uuid, value: &SecretString, by: &str) -> Result<()> {
    let at = store::next_version(tx, id).await?.ok_or_else(|| Error::not_found("secret"))?;
    app.secrets.put(tx, at, value, by).await
}
