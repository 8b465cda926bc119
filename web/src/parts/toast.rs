//! Short messages for results whose place is not on the screen. Everything else is said in its place.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;

use super::icon::{Icon, icon};

/// How long a message stays, in milliseconds. A bad one stays until it is closed.
const STAY_MILLIS: u32 = 6_000;

#[derive(Clone, PartialEq)]
struct Toast {
    id: u32,
    good: bool,
    text: String,
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
        let id = self.push(true, text.into());
        leptos::task::spawn_local(async move {
            TimeoutFuture::new(STAY_MILLIS).await;
            self.close(id);
        });
    }

    /// Says that something failed.
    pub(crate) fn bad(self, text: impl Into<String>) {
        self.push(false, text.into());
    }

    fn push(self, good: bool, text: String) -> u32 {
        let id = self.next_id.get_value();
        self.next_id.set_value(id + 1);
        self.toasts.update(|toasts| toasts.push(Toast { id, good, text }));
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
