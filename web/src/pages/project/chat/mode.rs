//! What tools may do without asking: the choice, and what it means.

use gantry_domain::api::run::PermissionMode;
use leptos::prelude::*;

use super::state::Chat;

/// The modes with a word and what they mean.
pub(super) const MODES: [(PermissionMode, &str, &str); 3] = [
    (PermissionMode::Safe, "Safe", "Tools that only read run; all others are refused."),
    (PermissionMode::Ask, "Ask", "Tools that only read run; all others wait for you."),
    (PermissionMode::Dev, "Dev", "Every tool runs without asking."),
];

/// What a mode means.
pub(super) fn meaning(mode: PermissionMode) -> &'static str {
    MODES.iter().find(|(known, ..)| *known == mode).map_or("", |(.., meaning)| meaning)
}

/// The choice.
#[component]
pub(super) fn ModePicker(chat: Chat) -> impl IntoView {
    let buttons = MODES.map(|(mode, word, meaning)| {
        view! {
            <button
                type="button"
                title=meaning
                aria-pressed=move || (chat.mode.get() == mode).to_string()
                on:click=move |_| chat.change(Some(mode), None)
            >
                {word}
            </button>
        }
    });
    view! { <div class="switcher" role="group" aria-label="What tools may do">{buttons.into_iter().collect_view()}</div> }.into_any()
}
