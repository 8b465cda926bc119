//! Gantry's own store: values encrypted in the database, under a master key that is not in it.
//!
//! At start the key is found (or made, once) and must be the one that the database knows; with
//! another the server refuses to start, rather than failing at the first secret. While a rotation is
//! under way on several nodes, some rows are under the old key and some nodes know the new one only
//! from their settings: a node holds every key that it was given and looks for more when it meets an unknown one.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use anyhow::{Context, bail};
use async_trait::async_trait;
use gantry_domain::api::secret::{KeyRotation, SecretVersion};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::SecretBackend;
use super::envelope::{self, Belonging, DoesNotOpen};
use super::master_key::{self, KeySetting, MasterKey};
use super::store::{self, KnownKey, Sealed};
use crate::config::Config;
use crate::db::{Db, Engine, Tx};
use crate::error::{Error, Result};

/// Where this node finds master keys.
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// `GANTRY_MASTER_KEY` and `GANTRY_MASTER_KEY_FILE`.
    pub current: KeySetting,
    /// `GANTRY_MASTER_KEY_NEXT` and `GANTRY_MASTER_KEY_NEXT_FILE`: the key to rotate to.
    pub next: KeySetting,
    /// The file of a key that Gantry made itself.
    pub own_file: PathBuf,
}

impl From<&Config> for KeySettings {
    fn from(config: &Config) -> Self {
        Self {
            current: KeySetting { value: config.master_key.clone(), file: config.master_key_file.clone() },
            next: KeySetting { value: config.master_key_next.clone(), file: config.master_key_next_file.clone() },
            own_file: config.data.join(master_key::FILE_NAME),
        }
    }
}

impl KeySettings {
    /// The configured key, or the one that Gantry made before.
    fn current(&self) -> anyhow::Result<Option<MasterKey>> {
        match self.current.read("GANTRY_MASTER_KEY")? {
            Some(key) => Ok(Some(key)),
            None if self.own_file.exists() => master_key::read_file(&self.own_file).map(Some),
            None => Ok(None),
        }
    }

    /// The key to rotate to. Its file may be written long after the server was told where it will be.
    fn next(&self) -> anyhow::Result<Option<MasterKey>> {
        if self.next.value.is_none() && self.next.file.as_ref().is_some_and(|file| !file.exists()) {
            return Ok(None);
        }
        self.next.read("GANTRY_MASTER_KEY_NEXT")
    }

    /// Whether the current key is in the file that Gantry made itself, which it may therefore rewrite.
    fn is_own(&self) -> bool {
        self.current.value.is_none() && self.current.file.is_none() && self.own_file.exists()
    }

    /// The key that waits to take the place of Gantry's own.
    fn pending(&self) -> anyhow::Result<Option<MasterKey>> {
        if self.is_own() { master_key::read_pending(&self.own_file) } else { Ok(None) }
    }

    /// Makes a key that is in use the one in Gantry's own file; the answer is where the one before it is.
    /// None where the file is not Gantry's own to rewrite.
    fn adopt(&self, key: &MasterKey) -> Option<anyhow::Result<PathBuf>> {
        self.is_own().then(|| {
            master_key::prepare(&self.own_file, Some(key))?;
            master_key::promote(&self.own_file)
        })
    }

    /// Whether a person means to supply the next key.
    fn has_next(&self) -> bool {
        self.next.value.is_some() || self.next.file.is_some()
    }

    /// Where a person put the next key, for sentences.
    fn next_place(&self) -> String {
        match &self.next.file {
            Some(file) => format!("GANTRY_MASTER_KEY_NEXT_FILE ({})", file.display()),
            None => "GANTRY_MASTER_KEY_NEXT".to_owned(),
        }
    }

    /// Where a person put the current key, for sentences.
    fn place(&self) -> String {
        match (&self.current.value, &self.current.file) {
            (Some(_), _) => "GANTRY_MASTER_KEY".to_owned(),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => self.own_file.display().to_string(),
        }
    }
}

/// Gantry's own encrypted store.
pub struct OwnStore {
    settings: KeySettings,
    keys: RwLock<Vec<MasterKey>>,
}

impl std::fmt::Debug for OwnStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnStore").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl OwnStore {
    /// Finds the master key, or makes one for a database that has never had any.
    ///
    /// # Errors
    /// When the key is missing or is not the one that this database's secrets are encrypted under.
    pub async fn open(db: &Db, settings: KeySettings) -> anyhow::Result<Arc<Self>> {
        let current = settings.current()?;
        let next = settings.next()?;
        let known = match (store::key_in_use(db).await?, &current) {
            (Some(known), _) => known,
            (None, Some(key)) => first_key(db, key).await?,
            (None, None) => return Self::with_new_key(db, settings).await,
        };
        let pending = settings.pending()?;
        let in_use = [&current, &next, &pending].into_iter().flatten().find(|key| recognises(&known, key));
        let Some(in_use) = in_use else { bail!(wrong_key(&known, current.as_ref(), &settings)) };
        if current.as_ref().is_none_or(|key| key.id != in_use.id) {
            match settings.adopt(in_use) {
                Some(Ok(old)) => tracing::warn!(
                    master_key.id = in_use.id, file = %settings.own_file.display(), old = %old.display(),
                    "the master key was rotated, and its file is rewritten now. BACK IT UP"
                ),
                Some(Err(error)) => tracing::warn!(
                    master_key.id = in_use.id,
                    error = format!("{error:#}"),
                    "the master key was rotated, and its file could not be rewritten; the key is still taken from where it waits"
                ),
                None => tracing::warn!(
                    master_key.id = in_use.id,
                    "the master key was rotated to GANTRY_MASTER_KEY_NEXT; make it GANTRY_MASTER_KEY (or its file) and remove the other"
                ),
            }
        }
        let keys = current.into_iter().chain(next).chain(pending).collect();
        Ok(Arc::new(Self { settings, keys: RwLock::new(keys) }))
    }

    /// The first start: a key is made, and its loss is warned of.
    async fn with_new_key(db: &Db, settings: KeySettings) -> anyhow::Result<Arc<Self>> {
        let file = settings.own_file.clone();
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("the data directory {} cannot be made", directory.display()))?;
        }
        let key = master_key::create_file(&file)?;
        let known = first_key(db, &key).await?;
        if !recognises(&known, &key) {
            // Another node was first. This key has encrypted nothing, and left behind it would be the wrong one for ever.
            std::fs::remove_file(&file).with_context(|| format!("{} cannot be removed", file.display()))?;
            bail!(wrong_key(&known, None, &settings));
        }
        tracing::warn!(
            file = %file.display(),
            "a master key for secrets was made. BACK IT UP, apart from the database: without it no stored secret can ever be read again"
        );
        Ok(Arc::new(Self { settings, keys: RwLock::new(vec![key]) }))
    }

    /// A key by its id; looked for in the settings again when it is not known, for it may have been put there since.
    fn key(&self, id: &str) -> Result<MasterKey> {
        if let Some(key) = self.held(id) {
            return Ok(key);
        }
        for found in [self.settings.current(), self.settings.next(), self.settings.pending()] {
            match found {
                Ok(Some(key)) if key.id == id => {
                    self.hold(key.clone());
                    return Ok(key);
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(error = format!("{error:#}"), "a master key setting cannot be read"),
            }
        }
        Err(Error::unavailable(
            "master_key_missing",
            format!(
                "This node does not have the master key {id}, which the master key was rotated to. \
                 Set GANTRY_MASTER_KEY (or its file) to it and start this node again."
            ),
        ))
    }

    fn held(&self, id: &str) -> Option<MasterKey> {
        let keys = self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        keys.iter().find(|key| key.id == id).cloned()
    }

    fn hold(&self, key: MasterKey) {
        let mut keys = self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if keys.iter().all(|held| held.id != key.id) {
            keys.push(key);
        }
    }

    /// The key to rotate to; when Gantry made the one in use, the new one waits beside it from now on.
    fn next_key(&self, db: &Db, in_use: &str) -> Result<MasterKey> {
        let invalid = |error: anyhow::Error| Error::conflict("master_key_next_invalid", format!("{error:#}."));
        let next = self.settings.next().map_err(invalid)?;
        if next.as_ref().is_some_and(|next| next.id == in_use) {
            return Err(Error::conflict(
                "master_key_in_use",
                format!(
                    "{} is the key {in_use}, which is in use already. Supply another one.",
                    self.settings.next_place()
                ),
            ));
        }
        match next {
            Some(next) if self.settings.is_own() => {
                master_key::prepare(&self.settings.own_file, Some(&next)).map_err(invalid)
            }
            Some(next) => Ok(next),
            // One node, one file, both Gantry's own: nobody else has to be told of a new key.
            None if self.settings.is_own() && !self.settings.has_next() && db.engine() == Engine::Sqlite => {
                master_key::prepare(&self.settings.own_file, None).map_err(invalid)
            }
            None => Err(Error::conflict(
                "master_key_next_missing",
                "There is no key to rotate to. Write a new one (`openssl rand -base64 32`) to the file named by \
                 GANTRY_MASTER_KEY_NEXT_FILE, or set GANTRY_MASTER_KEY_NEXT, on every node; start it again if the setting is new.",
            )),
        }
    }

    /// Rewrites what the next start reads, where that is ours, and says what is left to do.
    fn after_rotation(&self, next: &MasterKey) -> String {
        let settings = &self.settings;
        match settings.adopt(next) {
            Some(Ok(old)) => {
                let mut advice = format!(
                    "{} holds the new key: back it up, apart from the database. The key before it is in {}: keep it for as long as you keep backups from before.",
                    settings.own_file.display(),
                    old.display()
                );
                if settings.has_next() {
                    advice.push_str(&format!(
                        " Start every other node again, then remove {} everywhere.",
                        settings.next_place()
                    ));
                }
                advice
            }
            Some(Err(error)) => format!(
                "The new key could not be written to {} ({error:#}): it waits beside it in a file ending in .next, and a start takes it from there. Back both up.",
                settings.own_file.display()
            ),
            None => format!(
                "Make the key in {} the one in {} on every node, then remove the former; until then a start with both works. Back the new key up, and keep the old one for as long as you keep backups from before.",
                settings.next_place(),
                settings.place()
            ),
        }
    }
}

#[async_trait]
impl SecretBackend for OwnStore {
    fn kind(&self) -> &'static str {
        "gantry"
    }

    async fn put(&self, tx: &mut Tx, at: Belonging, value: &SecretString, created_by: &str) -> Result<()> {
        let id = store::hold_key_in_use(tx).await?.ok_or_else(|| anyhow::anyhow!("no master key is in use"))?;
        let master = self.key(&id)?;
        let data_key = envelope::new_key();
        let sealed = Sealed {
            wrapped_key: envelope::wrap_key(&master.key, &id, &data_key, at).map_err(cannot_seal)?,
            ciphertext: envelope::seal_value(&data_key, value.expose_secret().as_bytes(), at).map_err(cannot_seal)?,
            master_key_id: id,
        };
        store::insert_sealed(tx, at, sealed, created_by).await
    }

    async fn get(&self, db: &Db, at: Belonging) -> Result<SecretString> {
        let sealed = store::sealed(db, at).await?.ok_or_else(|| Error::not_found("version of this secret"))?;
        let master = self.key(&sealed.master_key_id)?;
        let data_key = envelope::unwrap_key(&master.key, &sealed.master_key_id, &sealed.wrapped_key, at)
            .map_err(|_| unreadable(at))?;
        let value = envelope::open_value(&data_key, &sealed.ciphertext, at).map_err(|_| unreadable(at))?;
        let text = std::str::from_utf8(&value).map_err(|_| unreadable(at))?;
        Ok(SecretString::from(text))
    }

    async fn versions(&self, db: &Db, secret_id: Uuid) -> Result<Vec<SecretVersion>> {
        store::versions(db, secret_id).await
    }

    async fn rotate_master_key(&self, db: &Db) -> Result<KeyRotation> {
        let known = store::key_in_use(db).await?.ok_or_else(|| anyhow::anyhow!("no master key is in use"))?;
        let next = self.next_key(db, &known.id)?;
        let described = described(&next)?;
        let mut tx = db.begin().await?;
        if !store::replace_key(&mut tx, &known.id, &described).await? {
            return Err(Error::conflict(
                "master_key_rotating",
                "The master key was rotated by somebody else in this moment. Look whether that was what you wanted.",
            ));
        }
        let mut rewrapped = 0;
        for wrapped in store::wrapped_keys(&mut tx).await? {
            let at = wrapped.belonging()?;
            let old = self.key(&wrapped.master_key_id)?;
            let data_key = envelope::unwrap_key(&old.key, &wrapped.master_key_id, &wrapped.wrapped_key, at)
                .map_err(|_| unreadable(at))?;
            let anew = envelope::wrap_key(&next.key, &next.id, &data_key, at).map_err(cannot_seal)?;
            store::rewrap(&mut tx, at, &next.id, anew).await?;
            rewrapped += 1;
        }
        tx.commit().await?;
        let master_key_id = next.id.clone();
        self.hold(next.clone());
        let advice = self.after_rotation(&next);
        tracing::warn!(master_key.id = master_key_id, "the master key was rotated. {advice}");
        Ok(KeyRotation { rewrapped, master_key_id, advice })
    }
}

/// Makes `key` the first one that the database knows, or answers with the one that another node made first.
async fn first_key(db: &Db, key: &MasterKey) -> anyhow::Result<KnownKey> {
    store::insert_first_key(db, &described(key)?).await?;
    store::key_in_use(db).await?.context("no master key is in use")
}

fn described(key: &MasterKey) -> anyhow::Result<KnownKey> {
    let check_value = envelope::check_value(&key.key, &key.id)
        .map_err(|DoesNotOpen| anyhow::anyhow!("the master key's check value cannot be made"))?;
    Ok(KnownKey { id: key.id.clone(), check_value })
}

fn recognises(known: &KnownKey, key: &MasterKey) -> bool {
    known.id == key.id && envelope::is_the_key_of(&key.key, &key.id, &known.check_value)
}

fn wrong_key(known: &KnownKey, found: Option<&MasterKey>, settings: &KeySettings) -> String {
    let found = match found {
        Some(key) => format!("{} holds the key {}", settings.place(), key.id),
        None => format!("there is none at {}", settings.place()),
    };
    format!(
        "the master key is missing or wrong: this database's secrets are encrypted under the key {}, but {found}. \
         Restore that key, or set GANTRY_MASTER_KEY or GANTRY_MASTER_KEY_FILE to it",
        known.id
    )
}

fn unreadable(at: Belonging) -> Error {
    Error::unavailable(
        "secret_unreadable",
        format!(
            "Version {} of the secret {} does not open: its row was changed or moved. Write its value again.",
            at.version, at.secret_id
        ),
    )
}

fn cannot_seal(_: DoesNotOpen) -> Error {
    anyhow::anyhow!("a secret could not be encrypted").into()
}
