//! Model providers.

use leptos::prelude::*;

/// Model providers.
#[component]
pub(crate) fn ProvidersPage() -> impl IntoView {
    view! { <h1>"Model providers"</h1> }.into_any()
}
