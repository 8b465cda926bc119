//! Settings of the instance and of this browser, one page each.

mod collection;
mod connection;
mod credential;
pub(crate) mod preferences;
pub(crate) mod providers;
pub(crate) mod registries;
pub(crate) mod secrets;
pub(crate) mod system;
pub(crate) mod tokens;
mod usage;

use leptos::prelude::*;

use crate::app::outlet;
use crate::parts::{Icon, Tab, Tabs};

/// The frame around every page of settings.
#[component]
pub(crate) fn SettingsFrame() -> impl IntoView {
    let tab = |label, glyph, page: &str| Tab {
        label,
        glyph,
        href: format!("/settings/{page}"),
        exact: true,
        also: Vec::new(),
    };
    let tabs = vec![
        tab("Providers", Icon::Model, "providers"),
        tab("Registries", Icon::Registry, "registries"),
        tab("Secrets", Icon::Secret, "secrets"),
        tab("Tokens", Icon::Key, "tokens"),
        tab("System", Icon::Monitor, "system"),
        tab("Preferences", Icon::Settings, "preferences"),
    ];
    view! {
        <header class="page-head"><h1>"Settings"</h1></header>
        <Tabs label="Settings" tabs=Signal::derive(move || tabs.clone())/>
        {outlet()}
    }
    .into_any()
}
