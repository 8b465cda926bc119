//! Registries in the database.

use gantry_domain::Timestamp;
use gantry_domain::api::registry::Registry;
use uuid::Uuid;

use crate::db::{Db, Tx, now};
use crate::error::{Error, Result, ResultExt};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) prefix: String,
    pub(super) username: String,
    pub(super) secret_id: Option<Uuid>,
    pub(super) plain_http: bool,
    pub(super) ca_certificate: Option<String>,
    created_at: Timestamp,
    secret_is_named: Option<bool>,
}

impl From<Row> for Registry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            address: row.address,
            prefix: row.prefix,
            username: row.username,
            has_credential: row.secret_id.is_some(),
            secret_id: row.secret_id.filter(|_| row.secret_is_named == Some(true)),
            plain_http: row.plain_http,
            ca_certificate: row.ca_certificate,
            created_at: row.created_at,
        }
    }
}

/// What a registry is saved with.
pub(super) struct Saved {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) prefix: String,
    pub(super) username: String,
    pub(super) plain_http: bool,
    pub(super) ca_certificate: Option<String>,
}

/// Up to `limit` registries by name, after the one called `after`.
pub(super) async fn list(db: &Db, after: &str, limit: u64) -> Result<Vec<Registry>> {
    let rows: Vec<Row> = db
        .sql(
            "SELECT registry.*, secret.owner_kind = 'instance' AS secret_is_named
             FROM registry LEFT JOIN secret ON secret.id = registry.secret_id
             WHERE registry.name > $1 ORDER BY registry.name LIMIT $2",
        )
        .bind(after.to_owned())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all()
        .await?;
    Ok(rows.into_iter().map(Registry::from).collect())
}

pub(super) async fn id_of(db: &Db, name: &str) -> Result<Option<Uuid>> {
    let row: Option<(Uuid,)> =
        db.sql("SELECT id FROM registry WHERE name = $1").bind(name.to_owned()).optional().await?;
    Ok(row.map(|(id,)| id))
}

pub(super) async fn get(db: &Db, id: Uuid) -> Result<Option<Row>> {
    Ok(db
        .sql(
            "SELECT registry.*, secret.owner_kind = 'instance' AS secret_is_named
             FROM registry LEFT JOIN secret ON secret.id = registry.secret_id WHERE registry.id = $1",
        )
        .bind(id)
        .optional()
        .await?)
}

/// The registry at one of some addresses whose credential opens it; of several the first by name.
pub(super) async fn with_credential_at(db: &Db, addresses: [String; 2]) -> Result<Option<Row>> {
    let [address, other] = addresses;
    Ok(db
        .sql(
            "SELECT registry.*, secret.owner_kind = 'instance' AS secret_is_named
             FROM registry JOIN secret ON secret.id = registry.secret_id
             WHERE registry.address IN ($1, $2) ORDER BY registry.name LIMIT 1",
        )
        .bind(address)
        .bind(other)
        .optional()
        .await?)
}

/// The secret that holds a registry's credential; the registry then stays as it is until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, id: Uuid) -> Result<Option<Uuid>> {
    let sql = tx.pick(
        "SELECT secret_id FROM registry WHERE id = $1",
        "SELECT secret_id FROM registry WHERE id = $1 FOR UPDATE",
    );
    let found: Option<(Option<Uuid>,)> = tx.sql(sql).bind(id).optional().await?;
    found.map(|(secret_id,)| secret_id).ok_or_else(|| Error::not_found("registry"))
}

pub(super) async fn insert(tx: &mut Tx, id: Uuid, saved: Saved, secret_id: Option<Uuid>, by: &str) -> Result<()> {
    tx.sql(
        "INSERT INTO registry (id, name, address, prefix, username, secret_id, plain_http, ca_certificate,
                               created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
    )
    .bind(id)
    .bind(saved.name)
    .bind(saved.address)
    .bind(saved.prefix)
    .bind(saved.username)
    .bind(secret_id)
    .bind(saved.plain_http)
    .bind(saved.ca_certificate)
    .bind(by.to_owned())
    .bind(now())
    .execute()
    .await
    .on_constraint("registry_name_key", name_taken)?;
    Ok(())
}

pub(super) async fn update(tx: &mut Tx, id: Uuid, saved: Saved, secret_id: Option<Uuid>) -> Result<()> {
    tx.sql(
        "UPDATE registry SET name = $2, address = $3, prefix = $4, username = $5, secret_id = $6, plain_http = $7,
           ca_certificate = $8, updated_at = $9
         WHERE id = $1",
    )
    .bind(id)
    .bind(saved.name)
    .bind(saved.address)
    .bind(saved.prefix)
    .bind(saved.username)
    .bind(secret_id)
    .bind(saved.plain_http)
    .bind(saved.ca_certificate)
    .bind(now())
    .execute()
    .await
    .on_constraint("registry_name_key", name_taken)?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> Result<()> {
    match tx.sql("DELETE FROM registry WHERE id = $1").bind(id).execute().await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(refused)) if refused.is_foreign_key_violation() => {
            Err(Error::conflict("registry_in_use", "Something still refers to this registry. Change that first."))
        }
        Err(error) => Err(error.into()),
    }
}

fn name_taken() -> Error {
    Error::conflict("registry_name_taken", "There is a registry of this name. Choose another name.")
}
