//! What forms have in common: an action under way, and what came of it.

use std::future::Future;

use leptos::prelude::*;

use crate::api::{ApiError, ApiResult};

/// An action of a form or button: whether it is under way, and why it failed last.
#[derive(Clone, Copy)]
pub(crate) struct Submission {
    /// Whether it is under way.
    pub(crate) busy: RwSignal<bool>,
    /// Why it failed last.
    pub(crate) error: RwSignal<Option<ApiError>>,
}

impl Submission {
    /// Nothing under way, nothing failed.
    pub(crate) fn new() -> Self {
        Self { busy: RwSignal::new(false), error: RwSignal::new(None) }
    }

    /// What the server says about one field, by its JSON Pointer.
    pub(crate) fn field(self, path: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.error.with(|error| error.as_ref().and_then(|error| error.field(path))))
    }

    /// The error, unless every fault it names is shown beside one of these fields.
    pub(crate) fn error_beside(self, fields: &'static [&'static str]) -> Signal<Option<ApiError>> {
        Signal::derive(move || self.error.get().filter(|error| !error.is_only_about(fields)))
    }

    /// The error as a sentence.
    pub(crate) fn message(self) -> Signal<Option<String>> {
        Signal::derive(move || self.error.get().map(|error| error.to_string()))
    }

    /// Does it, unless it is under way already; `done` gets the answer when it ended well.
    pub(crate) fn run<T: 'static>(
        self,
        answer: impl Future<Output = ApiResult<T>> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.error.set(None);
        leptos::task::spawn_local(async move {
            let answer = answer.await;
            // The page may be gone by now; then nobody is left to tell.
            if self.busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(value) => done(value),
                Err(error) => self.error.set(Some(error)),
            }
        });
    }
}
