//! API tokens.

use leptos::prelude::*;

/// API tokens.
#[component]
pub(crate) fn TokensPage() -> impl IntoView {
    view! { <h1>"API tokens"</h1> }.into_any()
}
