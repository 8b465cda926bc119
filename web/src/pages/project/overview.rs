//! A project at a glance.

use leptos::prelude::*;

/// A project at a glance.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    view! { <h1>"Overview"</h1> }.into_any()
}
