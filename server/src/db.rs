//! One query source, two databases.
//!
//! A [`Db`] is a set of pools behind one set of verbs. Statements are plain SQL with `$N`
//! placeholders, which SQLite and Postgres both accept, as `&'static str`: injection is impossible
//! by type. Where the two must differ, [`Db::pick`] chooses. Lists whose shape depends on input are
//! sea-query builders. This file is the only one that knows there are two databases; what the
//! statements say belongs in each noun's `store.rs`.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gantry_domain::Timestamp;
use sea_query::{PostgresQueryBuilder, SqliteQueryBuilder};
use sea_query_sqlx::SqlxBinder;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{
    Arguments, AssertSqlSafe, ConnectOptions, Connection, Encode, FromRow, Postgres, Sqlite, Transaction, Type,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::jobs::bell::Bell;

static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/postgres");

/// How often SQLite's write-ahead log is moved into the database file, away from any request.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(500);

/// For how long after its last use a connection to Postgres is taken to be there still; later it is asked,
/// so that a restart of Postgres is noticed by the pool and not by a request.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A row that both databases can decode: any `#[derive(sqlx::FromRow)]` of portable types.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A value that both databases can bind.
pub trait Value:
    for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres> + Send + 'static
{
}
impl<T> Value for T where
    T: for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres> + Send + 'static
{
}

#[derive(Clone)]
enum Pools {
    /// SQLite has one writer: `write` holds one connection, `read` many. A connection made of `options`
    /// moves the write-ahead log into the file.
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
        options: Box<SqliteConnectOptions>,
    },
    Postgres(PgPool),
}

/// The database.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
    bell: Bell,
    writes: Writes,
}

/// How often this process wrote something.
#[derive(Clone, Debug, Default)]
struct Writes(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: AtomicU64,
    /// Those that may have changed who may do what.
    of_access: AtomicU64,
}

/// Counts a write when it is over, however it ended: a request that is cut off may have written too.
struct CountWhenOver(Writes, bool);

impl Writes {
    fn begin(&self, touches_access: bool) -> CountWhenOver {
        CountWhenOver(self.clone(), touches_access)
    }
}

impl Drop for CountWhenOver {
    fn drop(&mut self) {
        self.0.0.all.fetch_add(1, Ordering::Release);
        if self.1 {
            self.0.0.of_access.fetch_add(1, Ordering::Release);
        }
    }
}

/// Which of the two databases is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One file, one node.
    Sqlite,
    /// A server, any number of nodes.
    Postgres,
}

impl Engine {
    /// The word for people and for `GET /system`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl Db {
    /// Opens `sqlite:` and `postgres:` addresses and brings the schema up to date.
    ///
    /// # Errors
    /// When the address is neither, the database cannot be reached, or a migration fails.
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        let pools = if address.starts_with("sqlite:") {
            open_sqlite(address).await?
        } else if address.starts_with("postgres:") || address.starts_with("postgresql:") {
            open_postgres(address).await?
        } else {
            anyhow::bail!("GANTRY_DATABASE_URL is neither sqlite:… nor postgres:…");
        };
        Ok(Self { pools, bell: Bell::default(), writes: Writes::default() })
    }

    /// Which database this is.
    pub fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// The statement that fits the database in use.
    pub fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self.engine() {
            Engine::Sqlite => sqlite,
            Engine::Postgres => postgres,
        }
    }

    /// A statement on its own.
    pub fn sql(&self, sql: &'static str) -> Statement<'_> {
        Statement { on: On::Db(self), sql, arguments: BoundArguments::new(self.engine()) }
    }

    /// Begins a transaction. On SQLite it takes the writer at once, so it cannot fail half-way for a lock.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        let connection = match &self.pools {
            Pools::Sqlite { write, .. } => TxConnection::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => TxConnection::Postgres(pool.begin().await?),
        };
        Ok(Tx {
            connection,
            bell: self.bell.clone(),
            rings: Vec::new(),
            writes: self.writes.clone(),
            touches_access: true,
        })
    }

    /// All rows of a query whose shape depends on input.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn all<T: Row>(&self, query: &impl SqlxBinder) -> sqlx::Result<Vec<T>> {
        match &self.pools {
            Pools::Sqlite { read, .. } => {
                let (sql, arguments) = query.build_sqlx(SqliteQueryBuilder);
                sqlx::query_as_with(AssertSqlSafe(sql), arguments).fetch_all(read).await
            }
            Pools::Postgres(pool) => {
                let (sql, arguments) = query.build_sqlx(PostgresQueryBuilder);
                sqlx::query_as_with(AssertSqlSafe(sql), arguments).fetch_all(pool).await
            }
        }
    }

    /// The application's clock, for columns that people read.
    pub fn now(&self) -> Timestamp {
        now()
    }

    /// The clock that leases are measured by: the database's own where several nodes share it, so
    /// that their clocks need not agree.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn lease_clock(&self) -> sqlx::Result<Timestamp> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(now()),
            Pools::Postgres(pool) => {
                let (micros,): (i64,) =
                    sqlx::query_as("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
                        .fetch_one(pool)
                        .await?;
                Ok(Timestamp::from_micros(micros))
            }
        }
    }

    /// A number that rises when this process wrote something that may have changed who may do what:
    /// with every write but those of transactions that [leave access alone](Tx::leave_access_alone).
    pub fn access_version(&self) -> u64 {
        self.writes.0.of_access.load(Ordering::Acquire)
    }

    /// Who waits for news of jobs.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Starts what a database needs in the background: SQLite's checkpoints, Postgres' notifications.
    pub fn spawn_background(&self, shutdown: CancellationToken) {
        match &self.pools {
            Pools::Sqlite { options, .. } => {
                tokio::spawn(checkpoint(options.clone(), self.writes.clone(), shutdown));
            }
            Pools::Postgres(pool) => {
                tokio::spawn(crate::jobs::bell::listen(pool.clone(), self.bell.clone(), shutdown));
            }
        }
    }

    /// Whether every migration that this binary knows has been applied, and how many there are.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn migrations_applied(&self) -> sqlx::Result<(i64, i64)> {
        let known = match self.engine() {
            Engine::Sqlite => SQLITE_MIGRATIONS.iter().count(),
            Engine::Postgres => POSTGRES_MIGRATIONS.iter().count(),
        };
        let (applied,): (i64,) = self.sql("SELECT count(*) FROM _sqlx_migrations WHERE success").one().await?;
        Ok((applied, i64::try_from(known).unwrap_or(i64::MAX)))
    }

    /// Closes every connection, after what they are doing.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(address: &str) -> anyhow::Result<Pools> {
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

async fn open_postgres(address: &str) -> anyhow::Result<Pools> {
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
async fn checkpoint(options: Box<SqliteConnectOptions>, writes: Writes, shutdown: CancellationToken) {
    let mut connection = None;
    let mut done = 0;
    let mut every = tokio::time::interval(CHECKPOINT_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = every.tick() => {}
        }
        let written = writes.0.all.load(Ordering::Acquire);
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

/// The application's clock.
pub fn now() -> Timestamp {
    let nanos = time::OffsetDateTime::now_utc().unix_timestamp_nanos();
    Timestamp::from_micros(i64::try_from(nanos / 1_000).unwrap_or(i64::MAX))
}

enum TxConnection {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
pub struct Tx {
    connection: TxConnection,
    bell: Bell,
    rings: Vec<Uuid>,
    writes: Writes,
    touches_access: bool,
}

impl Tx {
    /// A statement within the transaction.
    pub fn sql(&mut self, sql: &'static str) -> Statement<'_> {
        let arguments = BoundArguments::new(self.engine());
        Statement { on: On::Tx(self), sql, arguments }
    }

    /// The statement that fits the database in use.
    pub fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self.engine() {
            Engine::Sqlite => sqlite,
            Engine::Postgres => postgres,
        }
    }

    /// Rings the bell for a job once the transaction is committed.
    pub fn ring(&mut self, job_id: Uuid) {
        if !self.rings.contains(&job_id) {
            self.rings.push(job_id);
        }
    }

    /// Says that what is written has nothing to do with accounts, logins and tokens, not even through a
    /// foreign key, so that what is known of them stays true.
    pub fn leave_access_alone(&mut self) {
        self.touches_access = false;
    }

    /// Makes what was done visible to others, then rings.
    ///
    /// # Errors
    /// Whatever the database answers; then nothing was done.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        let _counted = self.writes.begin(self.touches_access);
        let rings = std::mem::take(&mut self.rings);
        match self.connection {
            TxConnection::Sqlite(transaction) => transaction.commit().await?,
            TxConnection::Postgres(mut transaction) => {
                for job_id in &rings {
                    // Within the transaction: Postgres delivers it with the commit, to every node.
                    sqlx::query("SELECT pg_notify($1, $2)")
                        .bind(crate::jobs::bell::CHANNEL)
                        .bind(job_id.to_string())
                        .execute(&mut *transaction)
                        .await?;
                }
                transaction.commit().await?;
            }
        }
        for job_id in rings {
            self.bell.ring(job_id);
        }
        Ok(())
    }

    /// Which database this is.
    pub fn engine(&self) -> Engine {
        match self.connection {
            TxConnection::Sqlite(_) => Engine::Sqlite,
            TxConnection::Postgres(_) => Engine::Postgres,
        }
    }
}

enum BoundArguments {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

impl BoundArguments {
    fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite(SqliteArguments::default()),
            Engine::Postgres => Self::Postgres(PgArguments::default()),
        }
    }
}

enum On<'a> {
    Db(&'a Db),
    Tx(&'a mut Tx),
}

/// Plain SQL on its way to either database.
pub struct Statement<'a> {
    on: On<'a>,
    sql: &'static str,
    arguments: BoundArguments,
}

/// Runs one statement in each of its four settings: (`Db` or `Tx`) x (SQLite or Postgres).
macro_rules! run {
    ($self:ident, $pool:ident, $query:path, $($fetch:tt)+) => {{
        let mismatch = || sqlx::Error::Protocol("statement built for the other database".to_owned());
        match ($self.on, $self.arguments) {
            (On::Db(db), BoundArguments::Sqlite(arguments)) => match &db.pools {
                Pools::Sqlite { read: _read, write: _write, .. } => {
                    let executor = $pool!(_read, _write);
                    $query($self.sql, arguments).$($fetch)+(executor).await
                }
                Pools::Postgres(_) => Err(mismatch()),
            }
            (On::Db(db), BoundArguments::Postgres(arguments)) => match &db.pools {
                Pools::Postgres(pool) => $query($self.sql, arguments).$($fetch)+(pool).await,
                Pools::Sqlite { .. } => Err(mismatch()),
            }
            (On::Tx(tx), BoundArguments::Sqlite(arguments)) => match &mut tx.connection {
                TxConnection::Sqlite(transaction) => $query($self.sql, arguments).$($fetch)+(&mut **transaction).await,
                TxConnection::Postgres(_) => Err(mismatch()),
            }
            (On::Tx(tx), BoundArguments::Postgres(arguments)) => match &mut tx.connection {
                TxConnection::Postgres(transaction) => $query($self.sql, arguments).$($fetch)+(&mut **transaction).await,
                TxConnection::Sqlite(_) => Err(mismatch()),
            }
        }
    }};
}

macro_rules! reading {
    ($read:ident, $write:ident) => {
        $read
    };
}

macro_rules! writing {
    ($read:ident, $write:ident) => {
        $write
    };
}

impl Statement<'_> {
    /// Binds the next `$N`.
    #[must_use]
    pub fn bind(mut self, value: impl Value) -> Self {
        let added = match &mut self.arguments {
            BoundArguments::Sqlite(arguments) => arguments.add(value),
            BoundArguments::Postgres(arguments) => arguments.add(value),
        };
        if let Err(error) = added {
            // Only a value too large to encode ends here; the statement then fails for its missing argument.
            tracing::error!(%error, sql = self.sql, "a value could not be encoded");
        }
        self
    }

    /// Counts a write on its own; one within a transaction counts when that is committed.
    fn count(&self) -> Option<CountWhenOver> {
        match &self.on {
            On::Db(db) => Some(db.writes.begin(true)),
            On::Tx(_) => None,
        }
    }

    /// Every row.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn all<T: Row>(self) -> sqlx::Result<Vec<T>> {
        run!(self, reading, sqlx::query_as_with, fetch_all)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn optional<T: Row>(self) -> sqlx::Result<Option<T>> {
        run!(self, reading, sqlx::query_as_with, fetch_optional)
    }

    /// The first row.
    ///
    /// # Errors
    /// `RowNotFound` when there is none, or whatever the database answers.
    pub async fn one<T: Row>(self) -> sqlx::Result<T> {
        run!(self, reading, sqlx::query_as_with, fetch_one)
    }

    /// The first row of a write (`… RETURNING`), if it matched one.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn returning<T: Row>(self) -> sqlx::Result<Option<T>> {
        let _counted = self.count();
        run!(self, writing, sqlx::query_as_with, fetch_optional)
    }

    /// Every row of a write (`… RETURNING`).
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn returning_all<T: Row>(self) -> sqlx::Result<Vec<T>> {
        let _counted = self.count();
        run!(self, writing, sqlx::query_as_with, fetch_all)
    }

    /// A write; how many rows it touched.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn execute(self) -> sqlx::Result<u64> {
        let _counted = self.count();
        let mismatch = || sqlx::Error::Protocol("statement built for the other database".to_owned());
        match (self.on, self.arguments) {
            (On::Db(db), BoundArguments::Sqlite(arguments)) => match &db.pools {
                Pools::Sqlite { write, .. } => {
                    sqlx::query_with(self.sql, arguments).execute(write).await.map(|done| done.rows_affected())
                }
                Pools::Postgres(_) => Err(mismatch()),
            },
            (On::Db(db), BoundArguments::Postgres(arguments)) => match &db.pools {
                Pools::Postgres(pool) => {
                    sqlx::query_with(self.sql, arguments).execute(pool).await.map(|done| done.rows_affected())
                }
                Pools::Sqlite { .. } => Err(mismatch()),
            },
            (On::Tx(tx), BoundArguments::Sqlite(arguments)) => match &mut tx.connection {
                TxConnection::Sqlite(transaction) => sqlx::query_with(self.sql, arguments)
                    .execute(&mut **transaction)
                    .await
                    .map(|done| done.rows_affected()),
                TxConnection::Postgres(_) => Err(mismatch()),
            },
            (On::Tx(tx), BoundArguments::Postgres(arguments)) => match &mut tx.connection {
                TxConnection::Postgres(transaction) => sqlx::query_with(self.sql, arguments)
                    .execute(&mut **transaction)
                    .await
                    .map(|done| done.rows_affected()),
                TxConnection::Sqlite(_) => Err(mismatch()),
            },
        }
    }
}
