//! Short messages for results whose place is not on the screen. Everything else is said in its place.

use std::sync::Arc;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;

use super::icon::{Icon, icon};

/// How long a message stays, in milliseconds. A bad one stays until it is closed.
const STAY_MILLIS: u32 = 6_000;

/// How long a message stays that offers something to do.
const OFFER_MILLIS: u32 = 20_000;

/// What a message offers: the word on its button, and what that does. It outlives the page that made it.
type Offer = (&'static str, Arc<dyn Fn() + Send + Sync>);

#[derive(Clone)]
struct Toast {
    id: u32,
    good: bool,
    text: String,
    offer: Option<Offer>,
}

/// Shows messages; there is one for the application.
#[derive(Clone, Copy)]
pub(crate) struct Toaster {
    toasts: RwSignal<Vec<Toast>>,
    next_id: StoredValue<u32>,
}

impl Toaster {
    /// Makes it available to every component below.
    pub(crate) fn provide() -> Self {
        let toaster = Self { toasts: RwSignal::new(Vec::new()), next_id: StoredValue::new(1) };
        provide_context(toaster);
        toaster
    }

    /// Says that something ended well.
    pub(crate) fn good(self, text: impl Into<String>) {
        self.push_for(STAY_MILLIS, text.into(), None);
    }

    /// Says that something ended well, with a button that takes it back or goes on. What the button does
    /// must not need the page that made it: it may be gone by then.
    pub(crate) fn offer(self, text: impl Into<String>, word: &'static str, act: impl Fn() + Send + Sync + 'static) {
        self.push_for(OFFER_MILLIS, text.into(), Some((word, Arc::new(act))));
    }

    /// Says that something failed.
    pub(crate) fn bad(self, text: impl Into<String>) {
        self.push(false, text.into(), None);
    }

    fn push_for(self, millis: u32, text: String, offer: Option<Offer>) {
        let id = self.push(true, text, offer);
        leptos::task::spawn_local(async move {
            TimeoutFuture::new(millis).await;
            self.close(id);
        });
    }

    fn push(self, good: bool, text: String, offer: Option<Offer>) -> u32 {
        let id = self.next_id.get_value();
        self.next_id.set_value(id + 1);
        self.toasts.update(|toasts| toasts.push(Toast { id, good, text, offer }));
        id
    }

    fn close(self, id: u32) {
        self.toasts.try_update(|toasts| toasts.retain(|toast| toast.id != id));
    }
}

/// The one that was provided.
pub(crate) fn use_toaster() -> Toaster {
    expect_context()
}

/// Where messages appear.
#[component]
pub(crate) fn Toasts() -> impl IntoView {
    let toaster = use_toaster();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toaster.toasts.get() key=|toast| toast.id let:toast>
                <div class="toast" class:bad=!toast.good>
                    {icon(if toast.good { Icon::Check } else { Icon::Warning })}
                    <p>{toast.text.clone()}</p>
                    {toast.offer.clone().map(|(word, act)| view! {
                        <button
                            type="button"
                            class="button"
                            on:click=move |_| {
                                toaster.close(toast.id);
                                act();
                            }
                        >
                            {word}
                        </button>
                    })}
                    <button
                        type="button"
                        class="button ghost icon-only"
                        aria-label="Close message"
                        on:click=move |_| toaster.close(toast.id)
                    >
                        {icon(Icon::Cross)}
                    </button>
                </div>
            </For>
        </div>
    }
    .into_any()
}
