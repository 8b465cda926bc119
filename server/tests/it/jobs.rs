//! The queue and the log: what a job may rely on, on both databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{TestApp, for_both};
use futures::StreamExt;
use gantry_domain::api::job::{JobKind, JobState};
use gantry_domain::event::{EventBody, JobReason, LogLevel, LogLine};
use gantry_server::app::App;
use gantry_server::jobs::{JobContext, JobFailure, NewJob, Outcome, Work};
use serde_json::json;
use uuid::Uuid;

type Script =
    dyn Fn(Arc<Seen>, App, &JobContext) -> futures::future::BoxFuture<'_, Result<Outcome, JobFailure>> + Send + Sync;

/// What a scripted job was asked to do.
#[derive(Default)]
struct Seen {
    attempts: AtomicUsize,
    steps: AtomicUsize,
}

struct Scripted {
    seen: Arc<Seen>,
    script: Box<Script>,
}

#[async_trait::async_trait]
impl Work for Scripted {
    fn kind(&self) -> JobKind {
        JobKind::Build
    }

    async fn run(&self, app: &App, job: &JobContext) -> Result<Outcome, JobFailure> {
        self.seen.attempts.fetch_add(1, Ordering::SeqCst);
        (self.script)(self.seen.clone(), app.clone(), job).await
    }
}

async fn start(
    test: &TestApp,
    script: impl Fn(Arc<Seen>, App, &JobContext) -> futures::future::BoxFuture<'_, Result<Outcome, JobFailure>>
    + Send
    + Sync
    + 'static,
) -> Arc<Seen> {
    let seen = Arc::new(Seen::default());
    let work = Scripted { seen: seen.clone(), script: Box::new(script) };
    test.start_workers_on(vec![Box::new(work)]).await;
    seen
}

async fn enqueue(app: &App, dedupe_key: Option<&str>, max_attempts: i64) -> gantry_server::error::Result<Uuid> {
    let mut tx = app.db.begin().await?;
    let id = app
        .jobs
        .enqueue(
            &mut tx,
            NewJob {
                kind: JobKind::Build,
                project_id: None,
                subject_id: None,
                args: json!({"a": 1}),
                dedupe_key: dedupe_key.map(str::to_owned),
                max_attempts,
                created_by: "test".into(),
            },
        )
        .await?;
    tx.commit().await?;
    Ok(id)
}

async fn until_state(app: &App, id: Uuid, state: JobState) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let now = app.jobs.get(id).await.unwrap();
        if now.state == state {
            return;
        }
        assert!(Instant::now() < deadline, "{id} is {:?} ({:?}), not {state:?}", now.state, now.reason);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn log_line(text: &str) -> EventBody {
    EventBody::BuildLog { step: "s".into(), lines: vec![LogLine { level: LogLevel::Info, text: text.into() }] }
}

async fn followed(app: &App, id: Uuid, after: i64) -> Vec<(i64, &'static str)> {
    let entries = app.jobs.log().follow(id, after).await.unwrap();
    tokio::time::timeout(
        Duration::from_secs(20),
        entries.map(|entry| (entry.event.seq, entry.event.body.kind())).collect(),
    )
    .await
    .expect("the log ends with its job")
}

#[tokio::test]
async fn a_job_is_done_once_and_its_log_is_gap_free() {
    for_both(|test| async move {
        let seen = start(&test, |_, _, job| {
            Box::pin(async move {
                for number in 0..30 {
                    job.append(log_line(&number.to_string())).await?;
                }
                job.append_all(vec![log_line("a"), log_line("b")]).await?;
                Ok(Outcome::Done(json!({"answer": 42})))
            })
        })
        .await;
        let id = enqueue(&test.app, None, 3).await.unwrap();
        let log = followed(&test.app, id, 0).await;
        // queued, running, 32 lines, done.
        assert_eq!(log.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=35).collect::<Vec<_>>());
        assert_eq!(log.last().unwrap().1, "job.state");
        assert_eq!(followed(&test.app, id, 33).await.len(), 2, "a reader that saw 33 gets the rest");
        let job = test.app.jobs.get(id).await.unwrap();
        assert_eq!((job.state, job.attempt, job.result), (JobState::Done, 1, Some(json!({"answer": 42}))));
        assert_eq!(seen.attempts.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn a_retry_skips_the_steps_that_are_done() {
    for_both(|test| async move {
        let seen = start(&test, |seen, _, job| {
            Box::pin(async move {
                let first: i64 = job
                    .step("first", async {
                        seen.steps.fetch_add(1, Ordering::SeqCst);
                        Ok(7)
                    })
                    .await?;
                if job.attempt() == 1 {
                    return Err(JobFailure::retry("flaky", "The other side was away."));
                }
                Ok(Outcome::Done(json!(first)))
            })
        })
        .await;
        let id = enqueue(&test.app, None, 3).await.unwrap();
        until_state(&test.app, id, JobState::Done).await;
        assert_eq!(seen.attempts.load(Ordering::SeqCst), 2);
        assert_eq!(seen.steps.load(Ordering::SeqCst), 1, "the step ran once");
        assert_eq!(test.app.jobs.get(id).await.unwrap().result, Some(json!(7)));
    })
    .await;
}

#[tokio::test]
async fn attempts_run_out() {
    for_both(|test| async move {
        let seen =
            start(&test, |_, _, _| Box::pin(async { Err(JobFailure::retry("flaky", "The other side was away.")) }))
                .await;
        let id = enqueue(&test.app, None, 2).await.unwrap();
        until_state(&test.app, id, JobState::Failed).await;
        assert_eq!(seen.attempts.load(Ordering::SeqCst), 2);
        let job = test.app.jobs.get(id).await.unwrap();
        assert_eq!(job.reason.unwrap().code, "flaky");
    })
    .await;
}

#[tokio::test]
async fn cancelling_reaches_a_running_job_within_a_second() {
    for_both(|test| async move {
        start(&test, |_, _, job| {
            Box::pin(async move {
                job.cancelled().cancelled().await;
                Err(JobFailure::cancelled())
            })
        })
        .await;
        let id = enqueue(&test.app, None, 3).await.unwrap();
        until_state(&test.app, id, JobState::Running).await;
        let asked = Instant::now();
        let mut tx = test.app.db.begin().await.unwrap();
        test.app.jobs.request_cancel(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        until_state(&test.app, id, JobState::Cancelled).await;
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        let mut tx = test.app.db.begin().await.unwrap();
        assert_eq!(test.app.jobs.request_cancel(&mut tx, id).await.unwrap_err().code(), "job_over");
    })
    .await;
}

#[tokio::test]
async fn a_job_that_never_began_is_cancelled_at_once() {
    for_both(|test| async move {
        let id = enqueue(&test.app, None, 3).await.unwrap();
        let mut tx = test.app.db.begin().await.unwrap();
        test.app.jobs.request_cancel(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(test.app.jobs.get(id).await.unwrap().state, JobState::Cancelled);
        assert_eq!(followed(&test.app, id, 0).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_waiting_job_goes_on_when_woken_even_if_the_wake_comes_early() {
    for_both(|test| async move {
        start(&test, |_, app, job| {
            Box::pin(async move {
                if job.attempt() > 1 {
                    return Ok(Outcome::Done(json!("woken")));
                }
                // The answer comes before the job has begun to wait.
                let mut tx = app.db.begin().await?;
                app.jobs.wake(&mut tx, job.id()).await?;
                tx.commit().await?;
                Ok(Outcome::Waiting(JobReason { code: "approval".into(), message: "Waits.".into() }))
            })
        })
        .await;
        let id = enqueue(&test.app, None, 1).await.unwrap();
        until_state(&test.app, id, JobState::Done).await;
        assert_eq!(test.app.jobs.get(id).await.unwrap().attempt, 2);
    })
    .await;
}

#[tokio::test]
async fn a_dedupe_key_is_free_again_when_its_job_is_over() {
    for_both(|test| async move {
        let first = enqueue(&test.app, Some("one"), 1).await.unwrap();
        assert_eq!(enqueue(&test.app, Some("one"), 1).await.unwrap_err().code(), "job_active");
        let mut tx = test.app.db.begin().await.unwrap();
        test.app.jobs.request_cancel(&mut tx, first).await.unwrap();
        tx.commit().await.unwrap();
        let second = enqueue(&test.app, Some("one"), 1).await.unwrap();
        assert_ne!(first, second);
        // Retrying the first would be a second one at the same time.
        let mut tx = test.app.db.begin().await.unwrap();
        assert_eq!(test.app.jobs.retry(&mut tx, first).await.unwrap_err().code(), "job_active");
    })
    .await;
}

#[tokio::test]
async fn what_lost_its_lease_writes_into_nothing() {
    for_both(|test| async move {
        start(&test, |seen, app, job| {
            Box::pin(async move {
                if job.attempt() > 1 {
                    return Ok(Outcome::Done(json!("second")));
                }
                job.append(log_line("mine")).await?;
                // Somebody else takes the job over, as after a lease that ran out.
                while job.append(log_line("still mine")).await.is_ok() {
                    app.db
                        .sql("UPDATE job SET lease_until = 0 WHERE id = $1 AND attempt = 1")
                        .bind(job.id())
                        .execute()
                        .await?;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                seen.steps.fetch_add(1, Ordering::SeqCst);
                Ok(Outcome::Done(json!("first")))
            })
        })
        .await;
        let id = enqueue(&test.app, None, 3).await.unwrap();
        until_state(&test.app, id, JobState::Done).await;
        let job = test.app.jobs.get(id).await.unwrap();
        assert_eq!((job.attempt, job.result), (2, Some(json!("second"))));
        let log = followed(&test.app, id, 0).await;
        let expected: Vec<i64> = (1..=i64::try_from(log.len()).unwrap()).collect();
        assert_eq!(log.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), expected);
    })
    .await;
}

#[tokio::test]
async fn a_panic_ends_its_job_and_not_the_worker() {
    for_both(|test| async move {
        start(&test, |_, _, job| {
            let fails = job.args()["a"] == 1 && job.attempt() == 1;
            Box::pin(async move {
                assert!(!fails, "on purpose");
                Ok(Outcome::Done(json!(null)))
            })
        })
        .await;
        let id = enqueue(&test.app, None, 3).await.unwrap();
        until_state(&test.app, id, JobState::Failed).await;
        assert_eq!(test.app.jobs.get(id).await.unwrap().reason.unwrap().code, "panicked");
        let mut tx = test.app.db.begin().await.unwrap();
        test.app.jobs.retry(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        until_state(&test.app, id, JobState::Done).await;
    })
    .await;
}

#[tokio::test]
async fn many_writers_leave_neither_gaps_nor_doubles() {
    for_both(|test| async move {
        start(&test, |_, app, job| {
            Box::pin(async move {
                let mine = async {
                    for _ in 0..40 {
                        job.append(log_line("worker")).await?;
                    }
                    Ok::<_, JobFailure>(())
                };
                // Requests to cancel append from outside at the same time.
                let others = async {
                    for _ in 0..40 {
                        let mut tx = app.db.begin().await?;
                        app.jobs.wake(&mut tx, job.id()).await?;
                        tx.commit().await?;
                    }
                    Ok::<_, JobFailure>(())
                };
                let (a, b) = tokio::join!(mine, others);
                a.and(b)?;
                Ok(Outcome::Done(json!(null)))
            })
        })
        .await;
        let ids = futures::future::join_all((0..4).map(|_| enqueue(&test.app, None, 1))).await;
        for id in ids {
            let log = followed(&test.app, id.unwrap(), 0).await;
            let expected: Vec<i64> = (1..=i64::try_from(log.len()).unwrap()).collect();
            assert_eq!(log.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), expected);
            assert_eq!(log.len(), 43);
        }
    })
    .await;
}

#[tokio::test]
async fn a_thousand_followers_read_the_same_log() {
    let test = TestApp::sqlite().await;
    start(&test, |_, _, job| {
        Box::pin(async move {
            for number in 0..100 {
                job.append(log_line(&number.to_string())).await?;
            }
            Ok(Outcome::Done(json!(null)))
        })
    })
    .await;
    let id = enqueue(&test.app, None, 1).await.unwrap();
    let logs = futures::future::join_all((0..1_000).map(|_| followed(&test.app, id, 0))).await;
    for log in logs {
        assert_eq!(log.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=103).collect::<Vec<_>>());
    }
}
