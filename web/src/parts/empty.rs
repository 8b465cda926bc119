//! A place with nothing in it yet: what will appear there, and the one thing to do.

use leptos::prelude::*;

/// A place with nothing in it yet.
#[component]
pub(crate) fn EmptyState(
    /// What is not there, in a few words.
    #[prop(into)]
    title: String,
    /// What will appear here, and how.
    #[prop(into)]
    text: String,
    /// The one thing to do.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="empty-actions">{children()}</div> })}
        </div>
    }
    .into_any()
}
