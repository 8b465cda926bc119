//! A project's builds.

use leptos::prelude::*;

/// A project's builds.
#[component]
pub(crate) fn BuildsPage() -> impl IntoView {
    view! { <h1>"Builds"</h1> }.into_any()
}

/// One build.
#[component]
pub(crate) fn BuildPage() -> impl IntoView {
    view! { <h1>"Build"</h1> }.into_any()
}
