//! What a page shows while it loads: the shape of what comes. It appears after 150 ms (in the style
//! sheet), so that a quick answer never flickers.

use leptos::prelude::*;

/// The shape of a list with this many rows.
pub(crate) fn skeleton_rows(rows: usize) -> AnyView {
    let rows = (0..rows).map(|_| view! { <div class="skeleton-row"></div> }).collect_view();
    view! {
        <div class="skeleton" role="status" aria-busy="true">
            <span class="visually-hidden">"Loading"</span>
            {rows}
        </div>
    }
    .into_any()
}

/// The shape of a card.
pub(crate) fn skeleton_block() -> AnyView {
    view! {
        <div class="skeleton" role="status" aria-busy="true">
            <span class="visually-hidden">"Loading"</span>
            <div class="skeleton-block"></div>
        </div>
    }
    .into_any()
}
