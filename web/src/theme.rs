//! Light, dark, or as the system has it. `theme.js` sets the stored choice before the first paint.

use leptos::prelude::*;

/// Where the choice is kept in the browser; `theme.js` reads the same.
const STORAGE_KEY: &str = "gantry.theme";

/// The look that a person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system has it.
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All of them, in the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The word in storage and in `data-theme`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The word on the screen.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Auto => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// Makes the choice available as a context and keeps page and storage in step with it.
pub(crate) fn provide_theme() {
    let root = document().document_element();
    let stored = root.as_ref().and_then(|root| root.get_attribute("data-theme"));
    let theme = RwSignal::new(match stored.as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::Auto,
    });
    Effect::new(move |ran_before: Option<()>| {
        let word = theme.get().as_str();
        if let Some(root) = &root {
            let _ = root.set_attribute("data-theme", word);
        }
        if ran_before.is_some()
            && let Ok(Some(storage)) = window().local_storage()
        {
            let _ = storage.set_item(STORAGE_KEY, word);
        }
    });
    provide_context(theme);
}

/// The choice, to read and to change.
pub(crate) fn use_theme() -> RwSignal<Theme> {
    expect_context()
}
