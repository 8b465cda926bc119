//! A project's settings.

use leptos::prelude::*;

/// A project's settings.
#[component]
pub(crate) fn ProjectSettingsPage() -> impl IntoView {
    view! { <h1>"Settings"</h1> }.into_any()
}
