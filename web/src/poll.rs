//! Keeping a page up to date while something on it is under way.

use std::time::Duration;

use gantry_domain::Timestamp;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;

use crate::load::Loader;
use crate::parts::time::now;

/// How often a list is read again while something in it is active, in milliseconds.
const POLL_MILLIS: u32 = 2_000;

/// Reads again every two seconds while what was read last is active and the page is visible.
pub(crate) fn keep_fresh<T: Send + Sync + 'static>(loader: Loader<T>, is_active: impl Fn(&T) -> bool + 'static) {
    leptos::task::spawn_local(async move {
        loop {
            TimeoutFuture::new(POLL_MILLIS).await;
            let active = loader.value.try_with_untracked(|value| value.as_ref().is_some_and(&is_active));
            match active {
                None => return,
                Some(true) if !document().hidden() => loader.reload(),
                Some(_) => {}
            }
        }
    });
}

/// Now, moving on every second for as long as the calling component lives.
pub(crate) fn every_second() -> ReadSignal<Timestamp> {
    let (moment, set_moment) = signal(now());
    let interval = set_interval_with_handle(
        move || {
            set_moment.try_set(now());
        },
        Duration::from_secs(1),
    );
    on_cleanup(move || {
        if let Ok(interval) = interval {
            interval.clear();
        }
    });
    moment
}

/// Calls `flush` once in the next frame, however often it is asked for.
#[derive(Clone, Copy)]
pub(crate) struct OncePerFrame {
    pending: StoredValue<bool>,
    flush: StoredValue<Box<dyn Fn()>, LocalStorage>,
}

impl OncePerFrame {
    /// Something to do at most once a frame.
    pub(crate) fn new(flush: impl Fn() + 'static) -> Self {
        Self { pending: StoredValue::new(false), flush: StoredValue::new_local(Box::new(flush)) }
    }

    /// Asks for it.
    pub(crate) fn ask(self) {
        if self.pending.try_get_value() != Some(false) {
            return;
        }
        self.pending.set_value(true);
        request_animation_frame(move || {
            self.pending.try_update_value(|pending| *pending = false);
            self.flush.try_with_value(|flush| flush());
        });
    }
}
