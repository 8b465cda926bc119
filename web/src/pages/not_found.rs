//! An address that leads nowhere.

use leptos::prelude::*;

use crate::pages::set_title;
use crate::parts::{EmptyState, LinkButton};

/// An address that leads nowhere.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    set_title("Page not found");
    view! {
        <div class="page">
            <h1 class="visually-hidden">"Page not found"</h1>
            <EmptyState title="Page not found" text="The address may be mistyped, or what was here has been deleted.">
                <LinkButton href="/projects">"Go to projects"</LinkButton>
            </EmptyState>
        </div>
    }
    .into_any()
}
