//! Copying a text to the clipboard.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::icon::{Icon, icon};
use super::toast::use_toaster;

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
            // Outside of a secure context there is no clipboard, and the property is undefined.
            let window = window();
            let available = window.is_secure_context();
            let done = available
                && JsFuture::from(window.navigator().clipboard().write_text(&text.get_untracked())).await.is_ok();
            if !done {
                toaster.bad("The browser did not allow copying. Select the text and copy it by hand.");
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
