//! Tabs that are links: every tab has an address.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

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
    /// Other addresses that are the tab's, with all below them.
    pub(crate) also: Vec<String>,
}

impl Tab {
    /// Whether an address is the tab's.
    fn has(&self, address: &str) -> bool {
        let address = address.trim_end_matches('/');
        let is_below = |href: &str| {
            address.strip_prefix(href).is_some_and(|rest| rest.is_empty() || (!self.exact && rest.starts_with('/')))
        };
        is_below(&self.href) || self.also.iter().any(|href| is_below(href))
    }
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
    let address = use_location().pathname;
    let links = move || {
        tabs.get()
            .into_iter()
            .enumerate()
            .map(|(index, tab)| {
                let number = (index + 1).to_string();
                let href = tab.href.clone();
                let (glyph, label) = (tab.glyph, tab.label);
                let is_current = move || address.with(|address| tab.has(address)).then_some("page");
                view! {
                    <li>
                        <a href=href aria-current=is_current data-tab=number>{icon(glyph)} <span>{label}</span></a>
                    </li>
                }
            })
            .collect_view()
    };
    view! { <nav class="tabs" aria-label=label><ul>{links}</ul></nav> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_has_its_address_and_what_is_below_it() {
        let tab = |exact, also: &[&str]| Tab {
            label: "Files",
            glyph: Icon::File,
            href: "/projects/a/files".to_owned(),
            exact,
            also: also.iter().map(|href| (*href).to_owned()).collect(),
        };
        assert!(tab(false, &[]).has("/projects/a/files"));
        assert!(tab(false, &[]).has("/projects/a/files/"));
        assert!(tab(false, &[]).has("/projects/a/files/src/a.py"));
        assert!(!tab(false, &[]).has("/projects/a/files-of-others"));
        assert!(!tab(true, &[]).has("/projects/a/files/src/a.py"));
        assert!(tab(false, &["/projects/a/revisions"]).has("/projects/a/revisions/3"));
        assert!(!tab(false, &[]).has("/projects/a/revisions/3"));
    }
}
