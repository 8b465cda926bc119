//! Who has news: the bell rings with the id of a job whose log or state changed.
//!
//! It carries no data, so a missed ring costs a poll interval and never an event. On Postgres every
//! node hears every ring through `LISTEN`/`NOTIFY`; the id is all that travels.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The Postgres channel.
pub const CHANNEL: &str = "gantry_job";

/// Rings for one process.
#[derive(Clone)]
pub struct Bell(broadcast::Sender<Uuid>);

impl Default for Bell {
    fn default() -> Self {
        Self(broadcast::channel(4_096).0)
    }
}

impl Bell {
    /// Rings within this process.
    pub fn ring(&self, job_id: Uuid) {
        // No listener is no loss: whoever comes later reads the log first.
        let _ = self.0.send(job_id);
    }

    /// Hears every ring from now on.
    pub fn listen(&self) -> broadcast::Receiver<Uuid> {
        self.0.subscribe()
    }
}

/// Passes Postgres' notifications on to this process' bell until told to stop.
pub async fn listen(pool: PgPool, bell: Bell, shutdown: CancellationToken) {
    loop {
        let heard = tokio::select! {
            () = shutdown.cancelled() => return,
            heard = hear(&pool, &bell) => heard,
        };
        if let Err(error) = heard {
            tracing::warn!(%error, "the database's notifications are lost; polling until they are back");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

async fn hear(pool: &PgPool, bell: &Bell) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let notification = listener.recv().await?;
        if let Ok(job_id) = notification.payload().parse() {
            bell.ring(job_id);
        }
    }
}
