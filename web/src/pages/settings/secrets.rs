//! Secrets.

use leptos::prelude::*;

/// Secrets.
#[component]
pub(crate) fn SecretsPage() -> impl IntoView {
    view! { <h1>"Secrets"</h1> }.into_any()
}
