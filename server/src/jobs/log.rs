//! The log of a job, as it is read: what is stored first, then what arrives, without a gap.
//!
//! WebSocket, SSE and REST pages are faces of [`Log::follow`] and [`Log::page`]. Followers of the
//! same job share a tail of recent entries, so a thousand of them cost one query per ring.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::Stream;
use gantry_domain::event::Event;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::store;
use crate::db::Db;
use crate::error::{Error, Result};

/// How long a follower waits for a ring before it looks by itself.
const POLL: Duration = Duration::from_secs(5);

/// How many entries a read gets at most.
const READ_LIMIT: usize = store::READ_LIMIT as usize;

/// How many entries followers of one job share.
const TAIL: usize = 1_024;

/// An entry with its wire form, made once for all followers.
#[derive(Debug)]
pub struct Entry {
    /// The entry.
    pub event: Event,
    /// The entry as JSON text.
    pub json: String,
}

impl Entry {
    fn new(event: Event) -> Self {
        let json = serde_json::to_string(&event).unwrap_or_default();
        Self { event, json }
    }
}

/// The recent entries of one job.
#[derive(Default)]
struct Tail(tokio::sync::Mutex<VecDeque<Arc<Entry>>>);

/// The logs of all jobs.
#[derive(Clone)]
pub struct Log {
    db: Db,
    tails: Arc<Mutex<HashMap<Uuid, Weak<Tail>>>>,
}

impl Log {
    pub(super) fn new(db: Db) -> Self {
        Self { db, tails: Arc::default() }
    }

    /// Entries after a sequence number, oldest first, and whether more may come.
    ///
    /// # Errors
    /// `404` when there is no such job.
    pub async fn page(&self, job_id: Uuid, after: i64, limit: i64) -> Result<(Vec<Event>, bool)> {
        let (state, last) = store::position(&self.db, job_id).await?.ok_or_else(|| Error::not_found("job"))?;
        let events = store::events_after(&self.db, job_id, after, limit).await?;
        let seen = events.last().map_or(after, |event| event.seq);
        // A log that was deleted after its time has nothing more, however far its numbers went.
        let more = !state.is_final() || (seen < last && !events.is_empty());
        Ok((events, more))
    }

    /// The whole log as it stands.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn history(&self, job_id: Uuid) -> sqlx::Result<Vec<Event>> {
        let mut history = Vec::new();
        loop {
            let after = history.last().map_or(0, |event: &Event| event.seq);
            let events = store::events_after(&self.db, job_id, after, store::READ_LIMIT).await?;
            if events.is_empty() {
                return Ok(history);
            }
            history.extend(events);
        }
    }

    /// The log from `after` on, until the job is over and everything was read.
    ///
    /// # Errors
    /// `404` when there is no such job.
    pub async fn follow(&self, job_id: Uuid, after: i64) -> Result<impl Stream<Item = Arc<Entry>> + Send + use<>> {
        // Listening begins before the first read, so nothing falls between the two.
        let rings = self.db.bell().listen();
        store::position(&self.db, job_id).await?.ok_or_else(|| Error::not_found("job"))?;
        let follower = Follower { log: self.clone(), tail: self.tail(job_id), rings, job_id, after, look: true };
        Ok(futures::stream::unfold(
            (follower, VecDeque::new()),
            |(mut follower, mut ready): (Follower, VecDeque<Arc<Entry>>)| async move {
                if ready.is_empty() {
                    ready = follower.next_batch().await?;
                }
                let entry = ready.pop_front()?;
                Some((entry, (follower, ready)))
            },
        ))
    }

    fn tail(&self, job_id: Uuid) -> Arc<Tail> {
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tail) = tails.get(&job_id).and_then(Weak::upgrade) {
            return tail;
        }
        tails.retain(|_, tail| tail.strong_count() > 0);
        let tail = Arc::new(Tail::default());
        tails.insert(job_id, Arc::downgrade(&tail));
        tail
    }
}

struct Follower {
    log: Log,
    tail: Arc<Tail>,
    rings: tokio::sync::broadcast::Receiver<Uuid>,
    job_id: Uuid,
    after: i64,
    /// Whether there may be more to read than a ring would tell of.
    look: bool,
}

impl Follower {
    /// The next entries, or none when the job is over and everything was read.
    ///
    /// Rings are kept for whoever listens, so after a read that got everything it is enough to wait
    /// for the next one: a ring costs one query for all followers of a job, the one that gets the tail.
    async fn next_batch(&mut self) -> Option<VecDeque<Arc<Entry>>> {
        loop {
            if !self.look {
                self.wait().await;
            }
            match self.read().await {
                Ok(entries) if !entries.is_empty() => {
                    let full = entries.len() >= READ_LIMIT;
                    let last = entries.back()?;
                    self.after = last.event.seq;
                    self.look = full || last.event.body.is_last();
                    return Some(entries);
                }
                Ok(_) => {
                    self.look = false;
                    if self.is_over().await {
                        return None;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a follower could not read; it tries again");
                    self.look = false;
                }
            }
        }
    }

    /// Whether the job is over and nothing is left to read: the log is complete, or its time was over
    /// and it was deleted.
    async fn is_over(&mut self) -> bool {
        match store::position(&self.log.db, self.job_id).await {
            Ok(Some((state, _))) if state.is_final() => {
                // It may have ended after the read that got nothing.
                match self.read().await {
                    Ok(entries) if entries.is_empty() => true,
                    _ => {
                        self.look = true;
                        false
                    }
                }
            }
            Ok(None) => true,
            Ok(Some(_)) => false,
            Err(error) => {
                tracing::warn!(%error, "a follower could not read; it tries again");
                false
            }
        }
    }

    async fn read(&self) -> sqlx::Result<VecDeque<Arc<Entry>>> {
        let mut tail = self.tail.0.lock().await;
        if let Some(entries) = from_tail(&tail, self.after) {
            return Ok(entries);
        }
        let events = store::events_after(&self.log.db, self.job_id, self.after, store::READ_LIMIT).await?;
        let entries: VecDeque<_> = events.into_iter().map(Entry::new).map(Arc::new).collect();
        if let Some(first) = entries.front() {
            let continues = tail.back().is_some_and(|last| last.event.seq + 1 == first.event.seq);
            let newer = tail.back().is_none_or(|last| last.event.seq < first.event.seq);
            if newer {
                if !continues {
                    tail.clear();
                }
                tail.extend(entries.iter().cloned());
                let surplus = tail.len().saturating_sub(TAIL);
                tail.drain(..surplus);
            }
        }
        Ok(entries)
    }

    async fn wait(&mut self) {
        let deadline = tokio::time::sleep(POLL);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                () = &mut deadline => return,
                ring = self.rings.recv() => match ring {
                    Ok(job_id) if job_id != self.job_id => {}
                    // Too many rings to tell counts as one of ours.
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        // One look answers every ring that is waiting.
                        while self.rings.try_recv().is_ok() {}
                        return;
                    }
                    Err(RecvError::Closed) => {
                        deadline.as_mut().await;
                        return;
                    }
                },
            }
        }
    }
}

/// The entries after `after`, if the tail has all of them and at least one.
fn from_tail(tail: &VecDeque<Arc<Entry>>, after: i64) -> Option<VecDeque<Arc<Entry>>> {
    let first = tail.front()?.event.seq;
    let last = tail.back()?.event.seq;
    if after + 1 < first || after >= last {
        return None;
    }
    let start = usize::try_from(after + 1 - first).ok()?;
    Some(tail.iter().skip(start).cloned().collect())
}
