//! Pages, one folder per noun. A page reads and shows; what it is built from is in `parts`.

pub(crate) mod activity;
pub(crate) mod login;
pub(crate) mod not_found;
pub(crate) mod project;
pub(crate) mod settings;
pub(crate) mod setup;

use leptos::prelude::*;

/// Names the page in the browser's title and history.
pub(crate) fn set_title(title: &str) {
    document().set_title(&format!("{title} · Gantry"));
}
