//! Preferences of this browser: the look and the keyboard.

use leptos::prelude::*;

use crate::pages::set_title;
use crate::parts::{CheckField, Icon, icon};
use crate::preferences::Preferences;
use crate::theme::{Theme, use_theme};

/// Preferences of this browser.
#[component]
pub(crate) fn PreferencesPage() -> impl IntoView {
    set_title("Preferences");
    let preferences = Preferences::expect();
    let theme = use_theme();
    let themes = Theme::ALL
        .map(|choice| {
            let glyph = match choice {
                Theme::Auto => Icon::Monitor,
                Theme::Light => Icon::Sun,
                Theme::Dark => Icon::Moon,
            };
            view! {
                <label>
                    <input
                        type="radio"
                        name="theme"
                        value=choice.as_str()
                        prop:checked=move || theme.get() == choice
                        on:change=move |_| theme.set(choice)
                    />
                    <span>{icon(glyph)}{choice.label()}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <div class="section-head">
            <div>
                <h2>"Preferences"</h2>
                <p class="hint">"Kept in this browser only."</p>
            </div>
        </div>
        <div class="card form">
            <fieldset class="field">
                <legend>"Theme"</legend>
                <div class="segments">{themes}</div>
            </fieldset>
            <fieldset class="field">
                <legend>"Keyboard"</legend>
                <CheckField
                    label="Single-key shortcuts"
                    checked=preferences.single_key_shortcuts
                    hint="Keys such as / and J without Ctrl. They never act while you type. The palette works either way."
                />
            </fieldset>
        </div>
    }
    .into_any()
}
