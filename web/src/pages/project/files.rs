//! A project's generated files.

use leptos::prelude::*;

/// A project's generated files.
#[component]
pub(crate) fn FilesPage() -> impl IntoView {
    view! { <h1>"Files"</h1> }.into_any()
}
