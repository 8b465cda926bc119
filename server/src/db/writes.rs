//! How often this process wrote something: what the background work and the memory of standings go by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often this process wrote something.
#[derive(Clone, Debug, Default)]
pub(super) struct Writes(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: AtomicU64,
    of_access: AtomicU64,
}

/// Counts a write when it is over, however it ended: a request that is cut off may have written too.
pub(super) struct CountWhenOver(Writes, bool);

impl Writes {
    /// To be held while a write is under way.
    pub(super) fn begin(&self, touches_access: bool) -> CountWhenOver {
        CountWhenOver(self.clone(), touches_access)
    }

    /// All writes that are over.
    pub(super) fn all(&self) -> u64 {
        self.0.all.load(Ordering::Acquire)
    }

    /// Those that may have changed who may do what.
    pub(super) fn of_access(&self) -> u64 {
        self.0.of_access.load(Ordering::Acquire)
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
