//! Providers in the database.

use gantry_domain::Timestamp;
use gantry_domain::api::provider::{Pairing, Provider};
use gantry_domain::provider::ProviderKind;
use uuid::Uuid;

use crate::db::{Db, Tx, now};
use crate::error::{Error, Result, ResultExt};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) kind: ProviderKind,
    pub(super) base_url: String,
    pub(super) api_version: Option<String>,
    pub(super) token_url: Option<String>,
    pub(super) default_model: String,
    pub(super) paired_device: Option<String>,
    pub(super) paired_at: Option<Timestamp>,
    pub(super) secret_id: Option<Uuid>,
    pub(super) input_price_micros: Option<i64>,
    pub(super) output_price_micros: Option<i64>,
    created_at: Timestamp,
    secret_is_named: Option<bool>,
}

impl From<Row> for Provider {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            base_url: row.base_url,
            api_version: row.api_version,
            token_url: row.token_url,
            default_model: row.default_model,
            pairing: row
                .paired_device
                .zip(row.paired_at)
                .map(|(device_id, paired_at)| Pairing { device_id, paired_at }),
            has_key: row.secret_id.is_some(),
            secret_id: row.secret_id.filter(|_| row.secret_is_named == Some(true)),
            input_price_micros: row.input_price_micros,
            output_price_micros: row.output_price_micros,
            created_at: row.created_at,
        }
    }
}

/// What a provider is saved with.
pub(super) struct Saved {
    pub(super) name: String,
    pub(super) kind: ProviderKind,
    pub(super) base_url: String,
    pub(super) api_version: Option<String>,
    pub(super) token_url: Option<String>,
    pub(super) default_model: String,
    pub(super) input_price_micros: Option<i64>,
    pub(super) output_price_micros: Option<i64>,
}

/// Up to `limit` providers by name, after the one called `after`.
pub(super) async fn list(db: &Db, after: &str, limit: u64) -> Result<Vec<Provider>> {
    let rows: Vec<Row> = db
        .sql(
            "SELECT provider.*, secret.owner_kind = 'instance' AS secret_is_named
             FROM provider LEFT JOIN secret ON secret.id = provider.secret_id
             WHERE provider.name > $1 ORDER BY provider.name LIMIT $2",
        )
        .bind(after.to_owned())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all()
        .await?;
    Ok(rows.into_iter().map(Provider::from).collect())
}

pub(super) async fn get(db: &Db, id: Uuid) -> Result<Option<Row>> {
    Ok(db
        .sql(
            "SELECT provider.*, secret.owner_kind = 'instance' AS secret_is_named
             FROM provider LEFT JOIN secret ON secret.id = provider.secret_id WHERE provider.id = $1",
        )
        .bind(id)
        .optional()
        .await?)
}

/// The secret that holds a provider's key; the provider then stays as it is until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, id: Uuid) -> Result<Option<Uuid>> {
    let sql = tx.pick(
        "SELECT secret_id FROM provider WHERE id = $1",
        "SELECT secret_id FROM provider WHERE id = $1 FOR UPDATE",
    );
    let found: Option<(Option<Uuid>,)> = tx.sql(sql).bind(id).optional().await?;
    found.map(|(secret_id,)| secret_id).ok_or_else(|| Error::not_found("provider"))
}

pub(super) async fn insert(tx: &mut Tx, id: Uuid, saved: Saved, secret_id: Option<Uuid>, by: &str) -> Result<()> {
    tx.sql(
        "INSERT INTO provider (id, name, kind, base_url, api_version, token_url, default_model, secret_id,
                               input_price_micros, output_price_micros, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
    )
    .bind(id)
    .bind(saved.name)
    .bind(saved.kind.as_str().to_owned())
    .bind(saved.base_url)
    .bind(saved.api_version)
    .bind(saved.token_url)
    .bind(saved.default_model)
    .bind(secret_id)
    .bind(saved.input_price_micros)
    .bind(saved.output_price_micros)
    .bind(by.to_owned())
    .bind(now())
    .execute()
    .await
    .on_constraint("provider_name_key", name_taken)?;
    Ok(())
}

/// Changes a provider. What it is paired as stays when its key does.
pub(super) async fn update(
    tx: &mut Tx,
    id: Uuid,
    saved: Saved,
    secret_id: Option<Uuid>,
    keeps_key: bool,
) -> Result<()> {
    tx.sql(
        "UPDATE provider SET name = $2, kind = $3, base_url = $4, api_version = $5, token_url = $6,
           default_model = $7, secret_id = $8, input_price_micros = $9, output_price_micros = $10, updated_at = $11,
           paired_device = CASE WHEN $12 AND kind = $3 THEN paired_device END,
           paired_at = CASE WHEN $12 AND kind = $3 THEN paired_at END
         WHERE id = $1",
    )
    .bind(id)
    .bind(saved.name)
    .bind(saved.kind.as_str().to_owned())
    .bind(saved.base_url)
    .bind(saved.api_version)
    .bind(saved.token_url)
    .bind(saved.default_model)
    .bind(secret_id)
    .bind(saved.input_price_micros)
    .bind(saved.output_price_micros)
    .bind(now())
    .bind(keeps_key)
    .execute()
    .await
    .on_constraint("provider_name_key", name_taken)?;
    Ok(())
}

/// Writes down that a provider is paired as a device, or not any more, and the secret that holds its key.
pub(super) async fn set_paired(
    tx: &mut Tx,
    id: Uuid,
    secret_id: Option<Uuid>,
    device: Option<&str>,
) -> sqlx::Result<()> {
    let at = now();
    tx.sql("UPDATE provider SET secret_id = $2, paired_device = $3, paired_at = $4, updated_at = $5 WHERE id = $1")
        .bind(id)
        .bind(secret_id)
        .bind(device.map(str::to_owned))
        .bind(device.map(|_| at))
        .bind(at)
        .execute()
        .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> Result<()> {
    match tx.sql("DELETE FROM provider WHERE id = $1").bind(id).execute().await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(refused)) if refused.is_foreign_key_violation() => {
            Err(Error::conflict("provider_in_use", "Something still refers to this provider. Change that first."))
        }
        Err(error) => Err(error.into()),
    }
}

fn name_taken() -> Error {
    Error::conflict("provider_name_taken", "There is a provider of this name. Choose another name.")
}
