//! Registries.

use leptos::prelude::*;

/// Registries.
#[component]
pub(crate) fn RegistriesPage() -> impl IntoView {
    view! { <h1>"Registries"</h1> }.into_any()
}
