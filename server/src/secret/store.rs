//! Secrets in the database: everything but their values, and the encrypted rows of Gantry's own store.

use gantry_domain::Timestamp;
use gantry_domain::api::secret::{Secret, SecretVersion};
use uuid::Uuid;

use super::{Belonging, OwnerKind};
use crate::db::{Db, Tx, now};
use crate::error::{Error, Result, ResultExt};

#[derive(sqlx::FromRow)]
struct Place {
    id: Uuid,
    owner_kind: String,
    version: i64,
}

impl Place {
    fn belonging(self) -> Result<Belonging> {
        let owner = OwnerKind::from_word(&self.owner_kind)
            .ok_or_else(|| anyhow::anyhow!("the secret {} belongs to an unknown kind of thing", self.id))?;
        Ok(Belonging { owner, secret_id: self.id, version: self.version })
    }
}

/// Where the newest value of a secret is.
pub(super) async fn newest(db: &Db, id: Uuid) -> Result<Option<Belonging>> {
    let found: Option<Place> =
        db.sql("SELECT id, owner_kind, version FROM secret WHERE id = $1").bind(id).optional().await?;
    found.map(Place::belonging).transpose()
}

/// The newest version of the secret that a person gave a name.
pub(super) async fn newest_called(db: &Db, name: &str) -> Result<Option<Belonging>> {
    let found: Option<Place> = db
        .sql("SELECT id, owner_kind, version FROM secret WHERE name = $1 AND owner_kind = 'instance'")
        .bind(name.to_owned())
        .optional()
        .await?;
    found.map(Place::belonging).transpose()
}

/// What kind of thing a secret belongs to; none when there is none.
pub(super) async fn owner_of(tx: &mut Tx, id: Uuid) -> Result<Option<OwnerKind>> {
    let found: Option<Place> =
        tx.sql("SELECT id, owner_kind, version FROM secret WHERE id = $1").bind(id).optional().await?;
    Ok(found.map(Place::belonging).transpose()?.map(|at| at.owner))
}

pub(super) async fn insert(
    tx: &mut Tx,
    at: Belonging,
    name: Option<&str>,
    backend: &str,
    created_by: &str,
) -> Result<()> {
    tx.sql(
        "INSERT INTO secret (id, owner_kind, name, backend, version, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(at.secret_id)
    .bind(at.owner.as_str().to_owned())
    .bind(name.map(str::to_owned))
    .bind(backend.to_owned())
    .bind(at.version)
    .bind(created_by.to_owned())
    .bind(now())
    .execute()
    .await
    .on_constraint("secret_name_key", || {
        Error::conflict(
            "secret_name_taken",
            "There is a secret of this name. Write a new version of it, or choose another name.",
        )
    })?;
    Ok(())
}

/// Takes the next version number of a secret; whoever asks at the same time gets the one after.
pub(super) async fn next_version(tx: &mut Tx, id: Uuid) -> Result<Option<Belonging>> {
    let found: Option<Place> = tx
        .sql("UPDATE secret SET version = version + 1, updated_at = $2 WHERE id = $1 RETURNING id, owner_kind, version")
        .bind(id)
        .bind(now())
        .returning()
        .await?;
    found.map(Place::belonging).transpose()
}

#[derive(sqlx::FromRow)]
struct Named {
    id: Uuid,
    name: String,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Up to `limit` named secrets by name, after the one called `after`.
pub(super) async fn list(db: &Db, after: &str, limit: u64) -> Result<Vec<Secret>> {
    let rows: Vec<Named> = db
        .sql(
            "SELECT id, name, version, created_at, updated_at FROM secret
             WHERE owner_kind = 'instance' AND name > $1 ORDER BY name LIMIT $2",
        )
        .bind(after.to_owned())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all()
        .await?;
    let mut secrets = Vec::with_capacity(rows.len());
    for row in rows {
        secrets.push(with_users(db, row).await?);
    }
    Ok(secrets)
}

/// A named secret.
pub(super) async fn get(db: &Db, id: Uuid) -> Result<Secret> {
    let row: Option<Named> = db
        .sql("SELECT id, name, version, created_at, updated_at FROM secret WHERE id = $1 AND owner_kind = 'instance'")
        .bind(id)
        .optional()
        .await?;
    with_users(db, row.ok_or_else(|| Error::not_found("secret"))?).await
}

async fn with_users(db: &Db, row: Named) -> Result<Secret> {
    let users: Vec<(String,)> = db
        .sql(
            "SELECT name FROM provider WHERE secret_id = $1
             UNION SELECT name FROM registry WHERE secret_id = $1 ORDER BY name",
        )
        .bind(row.id)
        .all()
        .await?;
    Ok(Secret {
        id: row.id,
        name: row.name,
        version: row.version,
        used_by: users.into_iter().map(|(name,)| name).collect(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// Deletes a named secret with all its versions, unless a provider or registry uses it: then `false`.
pub(super) async fn delete_unused(db: &Db, id: Uuid) -> Result<bool> {
    let deleted = db
        .sql(
            "DELETE FROM secret WHERE id = $1 AND owner_kind = 'instance'
             AND NOT EXISTS (SELECT 1 FROM provider WHERE secret_id = $1)
             AND NOT EXISTS (SELECT 1 FROM registry WHERE secret_id = $1)",
        )
        .bind(id)
        .execute()
        .await;
    match deleted {
        Ok(rows) => Ok(rows > 0),
        // Somebody began to use it in this moment.
        Err(sqlx::Error::Database(refused)) if refused.is_foreign_key_violation() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Deletes a credential with all its versions. What a person named is not one.
pub(super) async fn delete_credential(tx: &mut Tx, id: Uuid) -> Result<()> {
    tx.sql("DELETE FROM secret WHERE id = $1 AND owner_kind <> 'instance'").bind(id).execute().await?;
    Ok(())
}

/// The versions of a secret in Gantry's own store, newest first.
pub(super) async fn versions(db: &Db, secret_id: Uuid) -> Result<Vec<SecretVersion>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        version: i64,
        created_by: String,
        created_at: Timestamp,
    }
    let rows: Vec<Row> = db
        .sql("SELECT version, created_by, created_at FROM secret_version WHERE secret_id = $1 ORDER BY version DESC")
        .bind(secret_id)
        .all()
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| SecretVersion { version: row.version, created_by: row.created_by, created_at: row.created_at })
        .collect())
}

/// One encrypted value and its wrapped data key.
#[derive(sqlx::FromRow)]
pub(super) struct Sealed {
    pub(super) master_key_id: String,
    pub(super) wrapped_key: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

pub(super) async fn insert_sealed(tx: &mut Tx, at: Belonging, sealed: Sealed, created_by: &str) -> Result<()> {
    tx.sql(
        "INSERT INTO secret_version (secret_id, version, master_key_id, wrapped_key, ciphertext, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(at.secret_id)
    .bind(at.version)
    .bind(sealed.master_key_id)
    .bind(sealed.wrapped_key)
    .bind(sealed.ciphertext)
    .bind(created_by.to_owned())
    .bind(now())
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn sealed(db: &Db, at: Belonging) -> Result<Option<Sealed>> {
    Ok(db
        .sql("SELECT master_key_id, wrapped_key, ciphertext FROM secret_version WHERE secret_id = $1 AND version = $2")
        .bind(at.secret_id)
        .bind(at.version)
        .optional()
        .await?)
}

/// What recognises a master key.
#[derive(sqlx::FromRow)]
pub(super) struct KnownKey {
    pub(super) id: String,
    pub(super) check_value: Vec<u8>,
}

/// The first master key that was in use here, by id and moment.
pub(super) async fn first_key(db: &Db) -> Result<String> {
    let (id, created_at): (String, Timestamp) =
        db.sql("SELECT id, created_at FROM master_key ORDER BY created_at, id LIMIT 1").one().await?;
    Ok(format!("{id}-{}", created_at.micros()))
}

/// The master key in use, as the database knows it.
pub(super) async fn key_in_use(db: &Db) -> Result<Option<KnownKey>> {
    Ok(db.sql("SELECT id, check_value FROM master_key WHERE in_use = 1").optional().await?)
}

/// The id of the master key in use, which then stays in use until the transaction ends.
pub(super) async fn hold_key_in_use(tx: &mut Tx) -> Result<Option<String>> {
    // Postgres: a rotation that commits while this waits takes the row away, so it is looked for again.
    for _ in 0..3 {
        let sql = tx
            .pick("SELECT id FROM master_key WHERE in_use = 1", "SELECT id FROM master_key WHERE in_use = 1 FOR SHARE");
        let found: Option<(String,)> = tx.sql(sql).optional().await?;
        if let Some((id,)) = found {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Makes a key the first one in use. `false` when there is one already, from another node perhaps.
pub(super) async fn insert_first_key(db: &Db, key: &KnownKey) -> Result<bool> {
    let inserted = db
        .sql(
            "INSERT INTO master_key (id, check_value, in_use, created_at) VALUES ($1, $2, 1, $3)
             ON CONFLICT DO NOTHING",
        )
        .bind(key.id.clone())
        .bind(key.check_value.clone())
        .bind(db.now())
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// Takes the key that is in use out of it and puts `next` in its place. `false` when `old` was not in use.
pub(super) async fn replace_key(tx: &mut Tx, old: &str, next: &KnownKey) -> Result<bool> {
    let retired = tx
        .sql("UPDATE master_key SET in_use = NULL, retired_at = $2 WHERE id = $1 AND in_use = 1")
        .bind(old.to_owned())
        .bind(now())
        .execute()
        .await?;
    if retired != 1 {
        return Ok(false);
    }
    tx.sql(
        "INSERT INTO master_key (id, check_value, in_use, created_at) VALUES ($1, $2, 1, $3)
         ON CONFLICT (id) DO UPDATE SET in_use = 1, retired_at = NULL",
    )
    .bind(next.id.clone())
    .bind(next.check_value.clone())
    .bind(now())
    .execute()
    .await?;
    Ok(true)
}

/// A wrapped data key and what it belongs to.
#[derive(sqlx::FromRow)]
pub(super) struct Wrapped {
    id: Uuid,
    owner_kind: String,
    version: i64,
    pub(super) master_key_id: String,
    pub(super) wrapped_key: Vec<u8>,
}

impl Wrapped {
    pub(super) fn belonging(&self) -> Result<Belonging> {
        Place { id: self.id, owner_kind: self.owner_kind.clone(), version: self.version }.belonging()
    }
}

/// Every data key there is.
pub(super) async fn wrapped_keys(tx: &mut Tx) -> Result<Vec<Wrapped>> {
    Ok(tx
        .sql(
            "SELECT secret.id, secret.owner_kind, secret_version.version, secret_version.master_key_id, secret_version.wrapped_key
             FROM secret_version JOIN secret ON secret.id = secret_version.secret_id",
        )
        .all()
        .await?)
}

pub(super) async fn rewrap(tx: &mut Tx, at: Belonging, master_key_id: &str, wrapped_key: Vec<u8>) -> Result<()> {
    tx.sql("UPDATE secret_version SET master_key_id = $3, wrapped_key = $4 WHERE secret_id = $1 AND version = $2")
        .bind(at.secret_id)
        .bind(at.version)
        .bind(master_key_id.to_owned())
        .bind(wrapped_key)
        .execute()
        .await?;
    Ok(())
}
