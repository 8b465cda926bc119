//! Copying a text to the clipboard.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::icon::{Icon, icon};
use super::toast::{Toaster, use_toaster};

/// Copies a text, and says in a message that it did or could not.
pub(crate) fn copy_text(text: String, said: &'static str, toaster: Toaster) {
    leptos::task::spawn_local(async move {
        if write(&text).await {
            toaster.good(said);
        } else {
            toaster.bad(NOT_ALLOWED);
        }
    });
}

const NOT_ALLOWED: &str = "The browser did not allow copying. Select the text and copy it by hand.";

async fn write(text: &str) -> bool {
    // Outside of a secure context there is no clipboard, and the property is undefined.
    let window = window();
    window.is_secure_context() && JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}

/// Copies `text`, and says that it did.
#[component]
pub(crate) fn CopyButton(
    /// What is copied.
    #[prop(into)]
    text: Signal<String>,
    /// What it is, such as `digest`.
    #[prop(into)]
    what: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let toaster = use_toaster();
    let copy = move |_| {
        leptos::task::spawn_local(async move {
            if !write(&text.get_untracked()).await {
                toaster.bad(NOT_ALLOWED);
                return;
            }
            copied.set(true);
            TimeoutFuture::new(1_500).await;
            copied.try_set(false);
        });
    };
    let label = format!("Copy {what}");
    view! {
        <button type="button" class="button ghost icon-only" title=label.clone() aria-label=label on:click=copy>
            {move || icon(if copied.get() { Icon::Check } else { Icon::Copy })}
            <span class="visually-hidden" role="status">{move || copied.get().then_some("Copied")}</span>
        </button>
    }
    .into_any()
}
