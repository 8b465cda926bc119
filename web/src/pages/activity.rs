//! All jobs of this instance.

use leptos::prelude::*;

/// All jobs of this instance.
#[component]
pub(crate) fn ActivityPage() -> impl IntoView {
    view! { <h1>"Activity"</h1> }.into_any()
}
