//! Tokens in the database.

use gantry_domain::Timestamp;
use gantry_domain::api::token::{Scope, Token};
use sea_query::{Expr, ExprTrait, Query};
use uuid::Uuid;

use crate::db::Db;
use crate::error::{Error, Result};
use crate::identity::USE_IS_NOTED_EVERY_MILLIS;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    prefix: String,
    scopes: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

impl From<Row> for Token {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            // A scope that a newer version wrote and this one does not know allows nothing here.
            scopes: Scope::ALL
                .into_iter()
                .filter(|scope| row.scopes.split(' ').any(|word| word == scope.as_str()))
                .collect(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// Up to `limit` tokens, newest first, made before the one called `before`.
pub(super) async fn list(db: &Db, before: Option<Uuid>, limit: u64) -> Result<Vec<Token>> {
    let rows: Vec<Row> = db
        .sql(
            "SELECT id, name, prefix, scopes, created_at, expires_at, last_used_at FROM token
             WHERE id < $1 ORDER BY id DESC LIMIT $2",
        )
        // Ids are made in the order of time; the greatest possible one is after them all.
        .bind(before.unwrap_or(Uuid::max()))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all()
        .await?;
    Ok(rows.into_iter().map(Token::from).collect())
}

pub(super) async fn insert(db: &Db, token: &Token, hash: Vec<u8>, created_by: &str) -> Result<()> {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    db.sql(
        "INSERT INTO token (id, name, prefix, token_hash, scopes, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(token.id)
    .bind(token.name.clone())
    .bind(token.prefix.clone())
    .bind(hash)
    .bind(scopes.join(" "))
    .bind(created_by.to_owned())
    .bind(token.created_at)
    .bind(token.expires_at)
    .execute()
    .await?;
    Ok(())
}

pub(super) async fn delete(db: &Db, id: Uuid) -> Result<()> {
    match db.sql("DELETE FROM token WHERE id = $1").bind(id).execute().await? {
        0 => Err(Error::not_found("token")),
        _ => Ok(()),
    }
}

/// Those of some tokens that work now. Asking is no use of them.
pub(super) async fn working(db: &Db, ids: Vec<Uuid>) -> Result<Vec<Uuid>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let expires_at = || Expr::col("expires_at");
    let mut query = Query::select();
    query
        .column("id")
        .from("token")
        .and_where(Expr::col("id").is_in(ids))
        .and_where(expires_at().is_null().or(expires_at().gt(db.now().micros())));
    let found: Vec<(Uuid,)> = db.all(&query).await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// The token with this hash if it works now, and notes that it was used.
pub(super) async fn by_hash(db: &Db, hash: Vec<u8>) -> Result<Option<Token>> {
    let now = db.now();
    let row: Option<Row> = db
        .sql(
            "SELECT id, name, prefix, scopes, created_at, expires_at, last_used_at FROM token
             WHERE token_hash = $1 AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(hash)
        .bind(now)
        .optional()
        .await?;
    if let Some(row) = &row
        && row.last_used_at.is_none_or(|last| now.millis_since(last) >= USE_IS_NOTED_EVERY_MILLIS)
    {
        db.sql("UPDATE token SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)")
            .bind(row.id)
            .bind(now)
            .execute()
            .await?;
    }
    Ok(row.map(Token::from))
}
