//! One query source, two databases.
//!
//! A [`Db`] is a set of pools behind one set of verbs. Statements are plain SQL with `$N`
//! placeholders, which SQLite and Postgres both accept, as `&'static str`: injection is impossible
//! by type. Where the two must differ, [`Db::pick`] chooses. Lists whose shape depends on input are
//! sea-query builders. This room is the only one that knows there are two databases; what the
//! statements say belongs in each noun's `store.rs`.

mod open;
mod statement;
mod transaction;
mod writes;

use gantry_domain::Timestamp;
use sea_query::{PostgresQueryBuilder, SqliteQueryBuilder};
use sea_query_sqlx::SqlxBinder;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Encode, FromRow, Postgres, Sqlite, Type};
use tokio_util::sync::CancellationToken;

use crate::jobs::bell::Bell;
use writes::Writes;

pub use statement::Statement;
pub use transaction::Tx;

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
            open::sqlite(address).await?
        } else if address.starts_with("postgres:") || address.starts_with("postgresql:") {
            open::postgres(address).await?
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
        Statement::on_its_own(self, sql)
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
        self.writes.of_access()
    }

    /// Who waits for news of jobs.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Starts what a database needs in the background: SQLite's checkpoints, Postgres' notifications.
    pub fn spawn_background(&self, shutdown: CancellationToken) {
        match &self.pools {
            Pools::Sqlite { options, .. } => {
                tokio::spawn(open::checkpoint(options.clone(), self.writes.clone(), shutdown));
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
            Engine::Sqlite => open::SQLITE_MIGRATIONS.iter().count(),
            Engine::Postgres => open::POSTGRES_MIGRATIONS.iter().count(),
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

/// The application's clock.
pub fn now() -> Timestamp {
    let nanos = time::OffsetDateTime::now_utc().unix_timestamp_nanos();
    Timestamp::from_micros(i64::try_from(nanos / 1_000).unwrap_or(i64::MAX))
}
