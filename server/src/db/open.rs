//! Opening a database: connections, the schema brought up to date, and SQLite's checkpoints.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio_util::sync::CancellationToken;

use super::Pools;
use super::writes::Writes;

pub(super) static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/sqlite");
pub(super) static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/postgres");

/// How often SQLite's write-ahead log is moved into the database file, away from any request.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(500);

/// For how long after its last use a connection to Postgres is taken to be there still; later it is asked,
/// so that a restart of Postgres is noticed by the pool and not by a request.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

pub(super) async fn sqlite(address: &str) -> anyhow::Result<Pools> {
    let options = SqliteConnectOptions::from_str(address)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        // The background checkpoint keeps the log short; this is the net below it.
        .pragma("wal_autocheckpoint", "20000")
        .disable_statement_logging();
    if let Some(directory) = options.get_filename().parent()
        && directory != Path::new("")
    {
        std::fs::create_dir_all(directory)?;
    }
    // A file does not hang up: asking it before each statement whether it is there would double their cost.
    let pool = || SqlitePoolOptions::new().test_before_acquire(false);
    let write = pool().max_connections(1).connect_with(options.clone()).await?;
    SQLITE_MIGRATIONS.run(&write).await?;
    let read = pool().max_connections(8).connect_with(options.clone().read_only(true)).await?;
    Ok(Pools::Sqlite { read, write, options: Box::new(options) })
}

pub(super) async fn postgres(address: &str) -> anyhow::Result<Pools> {
    let options = PgConnectOptions::from_str(address)?.application_name("gantry").disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                let was_just_used = about.idle_for < TRUSTED_FOR;
                Ok(was_just_used || connection.ping().await.is_ok())
            })
        })
        .connect_with(options)
        .await?;
    POSTGRES_MIGRATIONS.run(&pool).await?;
    Ok(Pools::Postgres(pool))
}

/// Moves the write-ahead log into the file in the background, so that no request pays for it.
///
/// On a connection of its own: SQLite lets a passive checkpoint go on beside the writer and the readers.
pub(super) async fn checkpoint(options: Box<SqliteConnectOptions>, writes: Writes, shutdown: CancellationToken) {
    let mut connection = None;
    let mut done = 0;
    let mut every = tokio::time::interval(CHECKPOINT_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = every.tick() => {}
        }
        let written = writes.all();
        if written == done {
            continue;
        }
        let outcome = async {
            let connection = match &mut connection {
                Some(connection) => connection,
                empty => empty.insert(options.connect().await?),
            };
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(connection).await
        };
        match outcome.await {
            Ok(_) => done = written,
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be checkpointed");
                connection = None;
            }
        }
    }
}
