//! The wizard's keys: a digit chooses the card of that number in the group that has the focus, or in the
//! first on the page; Enter goes on when nothing that has a use for it has the focus. Arrows within a
//! group are the browser's own.

use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlFormElement, HtmlInputElement};

use crate::keyboard::keys_are_taken;
use crate::preferences::Preferences;

/// Listens to the whole window for as long as the calling component lives.
pub(crate) fn listen() {
    let preferences = Preferences::expect();
    let listener = window_event_listener(ev::keydown, move |event| {
        let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
        if event.default_prevented() || event.is_composing() || modified || keys_are_taken() {
            return;
        }
        match event.key().as_str() {
            "Enter" => go_on(&event),
            digit if preferences.single_key_shortcuts.get_untracked() => {
                if let Some(number) = digit.parse::<u32>().ok().filter(|number| (1..=9).contains(number)) {
                    choose(&event, number);
                }
            }
            _ => {}
        }
    });
    on_cleanup(move || listener.remove());
}

fn choose(event: &KeyboardEvent, number: u32) {
    let focused = document().active_element();
    let own = focused.and_then(|focused| focused.closest("[data-choices]").ok().flatten());
    let group: Option<Element> = own.or_else(|| document().query_selector("[data-choices]").ok().flatten());
    let card = group
        .and_then(|group| group.query_selector_all("input[type=radio]").ok())
        .and_then(|cards| cards.get(number - 1))
        .and_then(|card| card.dyn_into::<HtmlInputElement>().ok())
        .filter(|card| !card.disabled());
    if let Some(card) = card {
        event.prevent_default();
        // A card out of sight is scrolled to by getting the focus.
        let _ = card.focus();
        card.click();
    }
}

/// Submits the step's form when the focus is on nothing, or on a title that got it.
fn go_on(event: &KeyboardEvent) {
    let focused = document().active_element().map(|focused| focused.tag_name()).unwrap_or_default();
    if !matches!(focused.as_str(), "" | "BODY" | "MAIN" | "H1" | "H2") {
        return;
    }
    let form = document().query_selector("form[data-step-form]").ok().flatten();
    if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
        event.prevent_default();
        let _ = form.request_submit();
    }
}
