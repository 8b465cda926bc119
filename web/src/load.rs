//! Reading something from the server for a page: loading, there, failed, and there but stale.

use std::future::Future;
use std::sync::Arc;

use leptos::prelude::*;

use crate::api::{ApiError, ApiResult};
use crate::parts::error_state::{ErrorState, StaleNotice};

/// Something that a page reads: what came last, and what went wrong since.
pub(crate) struct Loader<T: Send + Sync + 'static> {
    /// What came last; none until the first answer.
    pub(crate) value: RwSignal<Option<T>>,
    /// Why the newest attempt failed.
    pub(crate) error: RwSignal<Option<ApiError>>,
    version: RwSignal<u32>,
}

impl<T: Send + Sync + 'static> Clone for Loader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loader<T> {}

impl<T: Send + Sync + 'static> Loader<T> {
    /// Asks the server again; what is there stays until the answer comes.
    pub(crate) fn reload(self) {
        self.version.update(|version| *version += 1);
    }
}

/// Begins to read, and reads again whenever a signal that `request` looks at changes.
///
/// An answer that comes after a newer request was made is thrown away.
pub(crate) fn load<T, Answer>(request: impl Fn() -> Answer + 'static) -> Loader<T>
where
    T: Send + Sync + 'static,
    Answer: Future<Output = ApiResult<T>> + 'static,
{
    let loader = Loader { value: RwSignal::new(None), error: RwSignal::new(None), version: RwSignal::new(0) };
    let newest = StoredValue::new(0_u32);
    Effect::new(move |_| {
        loader.version.track();
        let answer = request();
        newest.update_value(|number| *number += 1);
        let number = newest.get_value();
        leptos::task::spawn_local(async move {
            let answer = answer.await;
            if newest.try_get_value() != Some(number) {
                return;
            }
            match answer {
                Ok(value) => {
                    loader.error.set(None);
                    loader.value.set(Some(value));
                }
                Err(error) => loader.error.set(Some(error)),
            }
        });
    });
    loader
}

/// Shows what a loader holds: `skeleton` first, then `view`; an error in its place when nothing
/// ever came, or a line above it when it is only stale.
///
/// `what` names the thing at the beginning of a sentence, such as `The list of projects`.
pub(crate) fn loaded<T, Shown>(
    loader: Loader<T>,
    what: impl Into<String>,
    skeleton: impl Fn() -> AnyView + Send + 'static,
    view: impl Fn(T) -> Shown + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Send + Sync + 'static,
    Shown: IntoView + 'static,
{
    let view = Arc::new(view);
    when_loaded(loader, what, skeleton, move || {
        let view = view.clone();
        move || loader.value.get().map(|value| view(value).into_any())
    })
}

/// Like [`loaded`], for what follows the loader by itself: `view` is made once, when there is something.
pub(crate) fn when_loaded<T, Shown>(
    loader: Loader<T>,
    what: impl Into<String>,
    skeleton: impl Fn() -> AnyView + Send + 'static,
    view: impl Fn() -> Shown + Send + Sync + 'static,
) -> AnyView
where
    T: Send + Sync + 'static,
    Shown: IntoView + 'static,
{
    let what: String = what.into();
    let has_value = Memo::new(move |_| loader.value.with(Option::is_some));
    let has_error = Memo::new(move |_| loader.error.with(Option::is_some));
    let retry = Callback::new(move |()| loader.reload());
    let body = move || {
        if has_value.get() {
            return view().into_any();
        }
        match loader.error.get() {
            Some(error) => view! { <ErrorState what=what.clone() error retry/> }.into_any(),
            None => skeleton(),
        }
    };
    view! {
        {move || (has_value.get() && has_error.get()).then(|| view! { <StaleNotice error=loader.error retry/> })}
        {body}
    }
    .into_any()
}
