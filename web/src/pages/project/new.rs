//! From a sentence to a project.

use leptos::prelude::*;

/// From a sentence to a project.
#[component]
pub(crate) fn NewProjectPage() -> impl IntoView {
    view! { <h1>"New project"</h1> }.into_any()
}
