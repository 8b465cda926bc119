//! What a person set for this browser. Kept in its local storage, so it needs no account.

use leptos::prelude::*;

const SHORTCUTS_KEY: &str = "gantry.shortcuts";

/// Settings of this browser.
#[derive(Clone, Copy)]
pub(crate) struct Preferences {
    /// Whether single keys are shortcuts (WCAG 2.1.4: they can be switched off).
    pub(crate) single_key_shortcuts: RwSignal<bool>,
}

impl Preferences {
    /// Makes them available to every component below, and stores changes.
    pub(crate) fn provide() {
        let storage = || window().local_storage().ok().flatten();
        let stored = storage().and_then(|storage| storage.get_item(SHORTCUTS_KEY).ok().flatten());
        let single_key_shortcuts = RwSignal::new(stored.as_deref() != Some("off"));
        Effect::new(move |ran_before: Option<()>| {
            let word = if single_key_shortcuts.get() { "on" } else { "off" };
            if ran_before.is_some()
                && let Some(storage) = storage()
            {
                let _ = storage.set_item(SHORTCUTS_KEY, word);
            }
        });
        provide_context(Self { single_key_shortcuts });
    }

    /// The ones that were provided.
    pub(crate) fn expect() -> Self {
        expect_context()
    }
}
