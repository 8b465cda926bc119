//! One statement on its way to either database.

use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use super::transaction::{Tx, TxConnection};
use super::writes::CountWhenOver;
use super::{Db, Engine, Pools, Row, Value};

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

impl<'a> Statement<'a> {
    pub(super) fn on_its_own(db: &'a Db, sql: &'static str) -> Self {
        Self { on: On::Db(db), sql, arguments: BoundArguments::new(db.engine()) }
    }

    pub(super) fn in_transaction(transaction: &'a mut Tx, sql: &'static str) -> Self {
        let arguments = BoundArguments::new(transaction.engine());
        Self { on: On::Tx(transaction), sql, arguments }
    }

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
