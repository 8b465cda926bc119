//! Accounts, set-up links, logins and counted attempts in the database.

use gantry_domain::Timestamp;
use sea_query::{Expr, Query};
use uuid::Uuid;

use super::throttle::{self, Allowance};
use super::{ABSOLUTE_LIFETIME, IDLE_LIFETIME, USE_IS_NOTED_EVERY_MILLIS, email_key};
use crate::db::{Db, Tx};
use crate::error::Result;

/// A person with an account.
#[derive(Clone, sqlx::FromRow)]
pub(super) struct Account {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) email: String,
}

/// An account with what its password is checked against.
#[derive(sqlx::FromRow)]
pub(super) struct AccountWithPassword {
    #[sqlx(flatten)]
    pub(super) account: Account,
    pub(super) password_hash: String,
}

/// A browser that is signed in.
#[derive(sqlx::FromRow)]
pub(super) struct Login {
    pub(super) login_id: Uuid,
    last_used_at: Timestamp,
    #[sqlx(flatten)]
    pub(super) account: Account,
}

pub(super) async fn is_set_up(db: &Db) -> Result<bool> {
    let found: Option<(i64,)> = db.sql("SELECT CAST(1 AS BIGINT) FROM account LIMIT 1").optional().await?;
    Ok(found.is_some())
}

/// Makes this node's set-up link; the one it had before works no more.
pub(super) async fn put_setup_link(db: &Db, node: &str, token_hash: Vec<u8>, expires_at: Timestamp) -> Result<()> {
    db.sql(
        "INSERT INTO setup_link (node, token_hash, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (node) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at",
    )
    .bind(node.to_owned())
    .bind(token_hash)
    .bind(expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Whether a set-up link works now. Only the deletion in [`set_up`] decides who gets to use it.
pub(super) async fn is_setup_link(db: &Db, token_hash: Vec<u8>) -> Result<bool> {
    let found: Option<(String,)> = db
        .sql("SELECT node FROM setup_link WHERE token_hash = $1 AND expires_at > $2")
        .bind(token_hash)
        .bind(db.now())
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Makes the first account and uses up every set-up link.
///
/// The database decides: only one account can be `from_setup`, and only one deletion finds the link.
pub(super) async fn set_up(
    db: &Db,
    token_hash: Vec<u8>,
    account: &Account,
    password_hash: String,
    login_hash: Vec<u8>,
) -> Result<()> {
    let now = db.now();
    let mut tx = db.begin().await?;
    tx.sql(
        "INSERT INTO account (id, name, email, email_key, password_hash, from_setup, created_at)
         VALUES ($1, $2, $3, $4, $5, 1, $6)",
    )
    .bind(account.id)
    .bind(account.name.clone())
    .bind(account.email.clone())
    .bind(email_key(&account.email))
    .bind(password_hash)
    .bind(now)
    .execute()
    .await
    .map_err(|failed| match &failed {
        // Which of the two unique columns is named first differs between the databases; both mean the same here.
        sqlx::Error::Database(database) if database.is_unique_violation() => super::setup::already_done(),
        _ => failed.into(),
    })?;
    let used = tx
        .sql("DELETE FROM setup_link WHERE token_hash = $1 AND expires_at > $2")
        .bind(token_hash)
        .bind(now)
        .execute()
        .await?;
    if used != 1 {
        return Err(super::setup::not_a_link());
    }
    tx.sql("DELETE FROM setup_link").execute().await?;
    insert_login(&mut tx, account.id, login_hash, now).await?;
    tx.commit().await?;
    Ok(())
}

/// The account of an address, with what its password is checked against.
pub(super) async fn account_by_email(db: &Db, email: &str) -> Result<Option<AccountWithPassword>> {
    Ok(db
        .sql("SELECT id, name, email, password_hash FROM account WHERE email_key = $1")
        .bind(email_key(email))
        .optional()
        .await?)
}

/// Signs a browser in, signs out the one it was before, and forgets logins that are over.
pub(super) async fn sign_in(
    db: &Db,
    account_id: Uuid,
    login_hash: Vec<u8>,
    before: Option<Vec<u8>>,
    counted: &[Counted],
) -> Result<()> {
    let now = db.now();
    let mut tx = db.begin().await?;
    for count in counted {
        give_back(&mut tx, count).await?;
    }
    if let Some(before) = before {
        tx.sql("DELETE FROM login WHERE token_hash = $1").bind(before).execute().await?;
    }
    insert_login(&mut tx, account_id, login_hash, now).await?;
    tx.sql("DELETE FROM login WHERE created_at <= $1 OR last_used_at <= $2")
        .bind(before_now(now, ABSOLUTE_LIFETIME))
        .bind(before_now(now, IDLE_LIFETIME))
        .execute()
        .await?;
    tx.sql("DELETE FROM login_attempt WHERE attempted_at < $1 AND blocked_until < $2")
        .bind(now.plus_millis(-throttle::FORGOTTEN_AFTER * 1_000))
        .bind(now)
        .execute()
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn insert_login(tx: &mut Tx, account_id: Uuid, token_hash: Vec<u8>, now: Timestamp) -> Result<()> {
    tx.sql("INSERT INTO login (id, account_id, token_hash, created_at, last_used_at) VALUES ($1, $2, $3, $4, $4)")
        .bind(Uuid::now_v7())
        .bind(account_id)
        .bind(token_hash)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Who is signed in with a cookie, and notes that it was used.
pub(super) async fn login(db: &Db, token_hash: Vec<u8>) -> Result<Option<Login>> {
    let now = db.now();
    let found: Option<Login> = db
        .sql(
            "SELECT login.id AS login_id, login.last_used_at, account.id, account.name, account.email
             FROM login JOIN account ON account.id = login.account_id
             WHERE login.token_hash = $1 AND login.created_at > $2 AND login.last_used_at > $3",
        )
        .bind(token_hash)
        .bind(before_now(now, ABSOLUTE_LIFETIME))
        .bind(before_now(now, IDLE_LIFETIME))
        .optional()
        .await?;
    if let Some(login) = &found
        && now.millis_since(login.last_used_at) >= USE_IS_NOTED_EVERY_MILLIS
    {
        db.sql("UPDATE login SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2")
            .bind(login.login_id)
            .bind(now)
            .execute()
            .await?;
    }
    Ok(found)
}

/// Those of some logins that work now. Asking is no use of them.
pub(super) async fn working_logins(db: &Db, ids: Vec<Uuid>) -> Result<Vec<Uuid>> {
    // Not for the whole file: it would also give numbers another `max`.
    use sea_query::ExprTrait;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let now = db.now();
    let mut query = Query::select();
    query
        .column("id")
        .from("login")
        .and_where(Expr::col("id").is_in(ids))
        .and_where(Expr::col("created_at").gt(before_now(now, ABSOLUTE_LIFETIME).micros()))
        .and_where(Expr::col("last_used_at").gt(before_now(now, IDLE_LIFETIME).micros()));
    let found: Vec<(Uuid,)> = db.all(&query).await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Signs a browser out.
pub(super) async fn sign_out(db: &Db, login_id: Uuid) -> Result<()> {
    db.sql("DELETE FROM login WHERE id = $1").bind(login_id).execute().await?;
    Ok(())
}

/// One count that an attempt was added to.
#[derive(Clone)]
pub(super) struct Counted {
    key: String,
    /// Whether success sets the count to nothing; else it only takes this attempt back.
    starts_again: bool,
}

/// How long to wait before the next attempt, in whole seconds.
pub(super) struct Wait(pub(super) i64);

/// Counts an attempt for an account and an address before its password is looked at.
///
/// When either has to wait, nothing is counted and the wait is the answer.
pub(super) async fn count_attempt(
    db: &Db,
    account_key: String,
    address_key: Option<String>,
) -> Result<std::result::Result<Vec<Counted>, Wait>> {
    let now = db.now();
    let mut tx = db.begin().await?;
    let mut counted = Vec::with_capacity(2);
    // Always the address first: two attempts then never wait for one another's rows in a circle.
    if let Some(key) = address_key {
        if let Err(wait) = count_one(&mut tx, &key, throttle::PER_ADDRESS, now).await? {
            return Ok(Err(wait));
        }
        counted.push(Counted { key, starts_again: false });
    }
    if let Err(wait) = count_one(&mut tx, &account_key, throttle::PER_ACCOUNT, now).await? {
        return Ok(Err(wait));
    }
    counted.push(Counted { key: account_key, starts_again: true });
    tx.commit().await?;
    Ok(Ok(counted))
}

async fn count_one(
    tx: &mut Tx,
    key: &str,
    allowance: Allowance,
    now: Timestamp,
) -> Result<std::result::Result<(), Wait>> {
    let attempts: Option<(i64,)> = tx
        .sql(
            "INSERT INTO login_attempt (key, attempts, attempted_at, blocked_until) VALUES ($1, 1, $2, 0)
             ON CONFLICT (key) DO UPDATE SET
               attempts = CASE WHEN login_attempt.attempted_at < $3 THEN 1 ELSE login_attempt.attempts + 1 END,
               attempted_at = excluded.attempted_at
             WHERE login_attempt.blocked_until <= $2
             RETURNING attempts",
        )
        .bind(key.to_owned())
        .bind(now)
        .bind(now.plus_millis(-throttle::FORGOTTEN_AFTER * 1_000))
        .returning()
        .await?;
    let Some((attempts,)) = attempts else {
        let until: Option<(Timestamp,)> =
            tx.sql("SELECT blocked_until FROM login_attempt WHERE key = $1").bind(key.to_owned()).optional().await?;
        let left = until.map_or(0, |(until,)| until.millis_since(now));
        return Ok(Err(Wait((left + 999).div_euclid(1_000).max(1))));
    };
    let wait = allowance.wait_after(attempts);
    if wait > 0 {
        tx.sql("UPDATE login_attempt SET blocked_until = $2 WHERE key = $1")
            .bind(key.to_owned())
            .bind(now.plus_millis(wait * 1_000))
            .execute()
            .await?;
    }
    Ok(Ok(()))
}

/// Takes an attempt back that was right after all.
async fn give_back(tx: &mut Tx, count: &Counted) -> Result<()> {
    let sql = if count.starts_again {
        "DELETE FROM login_attempt WHERE key = $1"
    } else {
        "UPDATE login_attempt SET attempts = attempts - 1, blocked_until = 0 WHERE key = $1 AND attempts > 0"
    };
    tx.sql(sql).bind(count.key.clone()).execute().await?;
    Ok(())
}

fn before_now(now: Timestamp, lifetime: std::time::Duration) -> Timestamp {
    now.plus_millis(-i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX))
}
