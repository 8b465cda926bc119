//! Tabs that are links: every tab has an address.

use leptos::prelude::*;
use leptos_router::components::A;

use super::icon::{Icon, icon};

/// One tab.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    /// What it says.
    pub(crate) label: &'static str,
    /// Its icon.
    pub(crate) glyph: Icon,
    /// Where it leads.
    pub(crate) href: String,
    /// Whether only this very address is the tab's, and none below it.
    pub(crate) exact: bool,
}

/// A row of tabs; the digits 1 to 9 open them.
#[component]
pub(crate) fn Tabs(
    /// What they are tabs of.
    #[prop(into)]
    label: String,
    /// The tabs.
    #[prop(into)]
    tabs: Signal<Vec<Tab>>,
) -> impl IntoView {
    let links = move || {
        tabs.get()
            .into_iter()
            .enumerate()
            .map(|(index, tab)| {
                let number = (index + 1).to_string();
                view! {
                    <li>
                        <A href=tab.href exact=tab.exact attr:data-tab=number>{icon(tab.glyph)} <span>{tab.label}</span></A>
                    </li>
                }
            })
            .collect_view()
    };
    view! { <nav class="tabs" aria-label=label><ul>{links}</ul></nav> }.into_any()
}
