//! Talking with a project's agent.

use leptos::prelude::*;

/// Talking with a project's agent.
#[component]
pub(crate) fn ChatPage() -> impl IntoView {
    view! { <h1>"Chat"</h1> }.into_any()
}
