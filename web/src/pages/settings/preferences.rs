//! Preferences.

use leptos::prelude::*;

/// Preferences.
#[component]
pub(crate) fn PreferencesPage() -> impl IntoView {
    view! { <h1>"Preferences"</h1> }.into_any()
}
