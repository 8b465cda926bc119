//! Reconcilers: functions without input that may run any time, on any node, and put right what time
//! alone makes wrong.

use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::store;
use crate::app::App;

/// How often they run.
const EVERY: Duration = Duration::from_secs(10);
/// How often the image store is swept, the first time at the start.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// How long until the next attempt when it could not be swept.
const SWEEP_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Starts the reconcilers of this node.
pub fn spawn_reconcilers(app: &App, tracker: &TaskTracker) {
    let (app, app_to_sweep) = (app.clone(), app.clone());
    tracker.spawn(async move {
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = app.shutdown.cancelled() => return,
                _ = every.tick() => {}
            }
            tick(&app).await;
        }
    });
    let app = app_to_sweep;
    tracker.spawn(async move {
        loop {
            let swept = crate::image::sweep(&app, crate::image::UNNEEDED_FOR).await;
            let pause = if matches!(swept, Ok(Some(_))) { SWEEP_EVERY } else { SWEEP_AGAIN_AFTER };
            report("the image store", swept);
            tokio::select! {
                () = app.shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
}

/// Runs each reconciler once.
pub(crate) async fn tick(app: &App) {
    report("logs past their time", delete_old_events(app).await);
    report("approvals past their time", crate::approval::expire(app).await);
    report("what is left of runs that are over", crate::run::reconcile(app).await);
    report("answers to repeated requests", crate::http::idempotency::delete_old(app).await);
}

fn report<T>(what: &str, outcome: crate::error::Result<T>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "{what} could not be reconciled; trying again");
    }
}

/// Deletes the logs of jobs that ended longer ago than the retention setting says.
async fn delete_old_events(app: &App) -> crate::error::Result<()> {
    let days = i64::from(app.config.retention_days);
    let moment = app.db.now().plus_millis(-days * 24 * 60 * 60 * 1_000);
    while store::delete_events_before(&app.db, moment).await? > 0 {}
    Ok(())
}
