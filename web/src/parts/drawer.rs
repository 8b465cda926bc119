//! A pane that comes in from the side when there is no room for it beside the page; on a phone it
//! covers the screen.

use leptos::html;
use leptos::prelude::*;

use super::button::{Button, ButtonKind};
use super::dialog::follow_open;
use super::field::unique_id;
use super::icon::Icon;

/// A pane from the side. Its content is built when it opens, and dropped when it closes.
#[component]
pub(crate) fn Drawer(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Its title.
    title: &'static str,
    /// Whether it comes in where lines of text begin rather than where they end.
    #[prop(optional)]
    at_start: bool,
    /// Its content.
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    follow_open(node, open);
    let title_id = unique_id("drawer");
    let labelled_by = title_id.clone();
    view! {
        <dialog
            node_ref=node
            class=if at_start { "drawer at-start" } else { "drawer" }
            aria-labelledby=labelled_by
            on:close=move |_| open.set(false)
            on:click=move |event| {
                // A press on what is behind it closes it.
                if event.target() == event.current_target() {
                    open.set(false);
                }
            }
        >
            <div class="drawer-inside">
                <header class="drawer-head">
                    <h2 id=title_id>{title}</h2>
                    <Button kind=ButtonKind::Ghost glyph=Icon::Cross label="Close" on_press=move |()| open.set(false)/>
                </header>
                <Show when=move || open.get()>{children()}</Show>
            </div>
        </dialog>
    }
    .into_any()
}
