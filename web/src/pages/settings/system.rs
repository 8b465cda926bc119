//! System.

use leptos::prelude::*;

/// System.
#[component]
pub(crate) fn SystemPage() -> impl IntoView {
    view! { <h1>"System"</h1> }.into_any()
}
