//! Transactions.

use sqlx::{Postgres, Sqlite, Transaction};
use uuid::Uuid;

use super::statement::Statement;
use super::writes::Writes;
use super::{Db, Engine, Pools};
use crate::jobs::bell::Bell;

pub(super) enum TxConnection {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
pub struct Tx {
    pub(super) connection: TxConnection,
    bell: Bell,
    rings: Vec<Uuid>,
    writes: Writes,
    touches_access: bool,
}

impl Tx {
    /// A statement within the transaction.
    pub fn sql(&mut self, sql: &'static str) -> Statement<'_> {
        Statement::in_transaction(self, sql)
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

impl Db {
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
}
