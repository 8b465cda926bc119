//! A project's images.

use leptos::prelude::*;

/// A project's images.
#[component]
pub(crate) fn ImagesPage() -> impl IntoView {
    view! { <h1>"Images"</h1> }.into_any()
}

/// One image.
#[component]
pub(crate) fn ImagePage() -> impl IntoView {
    view! { <h1>"Image"</h1> }.into_any()
}
