//! Single-key shortcuts and chords. Pages take part by marking elements, not by listening:
//!
//! * `data-shortcut="filter"`: `/` focuses it; `data-shortcut="create"`: `c` presses it;
//! * `data-shortcut="edit"`: `e` presses the last of them, which is the most particular one, except
//!   above a log, where it goes to the next error;
//! * `data-shortcut="picker"`: Ctrl- or Cmd-P presses it, where the page has something more particular to
//!   pick from than the palette;
//! * `data-tab="3"`: `3` opens it;
//! * `data-row` on the link of a list's row: `j` and `k` move between them, Enter opens;
//! * Ctrl- or Cmd-Enter submits the form that has the focus.

use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlFormElement};

use crate::preferences::Preferences;

/// How long after `g` the second key of a chord may come, in milliseconds.
const CHORD_MILLIS: f64 = 1_200.0;

/// Everything that the shortcut sheet lists; each is implemented here, in the palette or natively.
pub(crate) const SHORTCUTS: [(&str, &[(&str, &str)]); 9] = [
    (
        "Anywhere",
        &[
            ("mod K", "Search; > actions, # builds, @ people"),
            ("mod P", "The same; in a chat: go to an agent, chat or run"),
            ("?", "This list"),
            ("/", "Filter the list on this page"),
            ("C", "Create what this page lists"),
            ("E", "Edit the title"),
            ("Esc", "Close, stop, or clear the filter"),
        ],
    ),
    (
        "Go to",
        &[
            ("G P", "Projects"),
            ("G T", "Test"),
            ("G A", "Activity"),
            ("G S", "Settings"),
            ("1 … 9", "The tab of that number"),
        ],
    ),
    ("In lists", &[("J", "Next row"), ("K", "Previous row"), ("Enter", "Open the row")]),
    (
        "In a chat",
        &[
            ("Enter", "Send (with Shift a new line)"),
            ("↑", "Edit the last message, when the field is empty"),
            ("Esc", "Stop the agent"),
        ],
    ),
    (
        "In files",
        &[
            ("↑ ↓", "Through the tree; → and ← open and close folders"),
            ("E", "Edit the file"),
            ("mod S", "Save it"),
            ("Esc Tab", "Leave the text that is edited"),
        ],
    ),
    (
        "In a log",
        &[
            ("F", "Follow the end"),
            ("N", "Next match (with Shift the one before)"),
            ("E", "Next error"),
            ("W", "Wrap long lines"),
            ("T", "Show when lines were written"),
            ("Y", "Copy a link to the line"),
        ],
    ),
    (
        "In the wizard",
        &[
            ("1 … 9", "Choose the card of that number"),
            ("↑ ↓", "The next card of the group"),
            ("Enter", "Go on to the next step"),
        ],
    ),
    (
        "In a pipeline",
        &[
            ("Tab", "Next node (with Shift the one before)"),
            ("Enter", "Open the node"),
            ("↑ ↓ ← →", "Move the node (with Shift further)"),
            ("Delete", "Remove the node or the selected line"),
            ("mod Z", "Undo (with Shift redo)"),
            ("+ −", "Zoom in and out"),
            ("0", "Show the whole graph"),
        ],
    ),
    ("In forms", &[("mod Enter", "Submit")]),
];

/// Whether this is a Mac, where Cmd does what Ctrl does elsewhere.
pub(crate) fn is_mac() -> bool {
    window().navigator().user_agent().is_ok_and(|agent| agent.contains("Mac"))
}

/// The name of the key that goes with others: `⌘` or `Ctrl`.
pub(crate) fn modifier_name() -> &'static str {
    if is_mac() { "⌘" } else { "Ctrl" }
}

/// Whether the key that goes with others is down, and no other.
pub(crate) fn has_modifier(event: &KeyboardEvent) -> bool {
    let modifier = if is_mac() { event.meta_key() } else { event.ctrl_key() };
    modifier && !event.shift_key() && !event.alt_key()
}

/// Listens to the whole window for as long as the calling component lives.
pub(crate) fn listen(palette_open: RwSignal<bool>, sheet_open: RwSignal<bool>) {
    let preferences = Preferences::expect();
    let navigate = use_navigate();
    let chord_began = StoredValue::new(f64::MIN);
    let listener = window_event_listener(ev::keydown, move |event| {
        if event.default_prevented() || event.is_composing() {
            return;
        }
        let key = event.key();
        if has_modifier(&event) {
            match key.as_str() {
                "p" if has_picker() => act_on(&event, "[data-shortcut=picker]", HtmlElement::click),
                "k" | "p" => {
                    event.prevent_default();
                    palette_open.update(|open| *open = !*open);
                }
                "Enter" => submit_focused_form(&event),
                _ => {}
            }
            return;
        }
        let other_modifier = event.ctrl_key() || event.meta_key() || event.alt_key();
        if other_modifier || is_typing() || has_open_dialog() || !preferences.single_key_shortcuts.get_untracked() {
            return;
        }
        let now = js_sys::Date::now();
        if now - chord_began.get_value() < CHORD_MILLIS {
            chord_began.set_value(f64::MIN);
            let address = match key.as_str() {
                "p" => "/projects",
                "a" => "/activity",
                "t" => "/test",
                "s" => "/settings",
                _ => return,
            };
            event.prevent_default();
            navigate(address, Default::default());
            return;
        }
        match key.as_str() {
            "g" => chord_began.set_value(now),
            "?" => sheet_open.set(true),
            "/" => act_on(&event, "[data-shortcut=filter]", |element| drop(element.focus())),
            "c" => act_on(&event, "[data-shortcut=create]", HtmlElement::click),
            "e" if !has_log() => act_on_last(&event, "[data-shortcut=edit]", HtmlElement::click),
            "j" => move_between_rows(&event, 1),
            "k" => move_between_rows(&event, -1),
            digit if digit.len() == 1 && digit.as_bytes()[0].is_ascii_digit() => {
                act_on(&event, &format!("[data-tab=\"{digit}\"]"), HtmlElement::click);
            }
            _ => {}
        }
    });
    on_cleanup(move || listener.remove());
}

fn focused() -> Option<HtmlElement> {
    document().active_element()?.dyn_into().ok()
}

/// Whether keys mean something else just now: text that is typed, or a dialog that is open.
pub(crate) fn keys_are_taken() -> bool {
    is_typing() || has_open_dialog()
}

/// Whether keys are text just now.
fn is_typing() -> bool {
    focused().is_some_and(|element| {
        let name = element.tag_name();
        let keyless = matches!(element.get_attribute("type").as_deref(), Some("checkbox" | "radio"));
        (matches!(name.as_str(), "INPUT" | "TEXTAREA" | "SELECT") && !keyless) || element.is_content_editable()
    })
}

fn has_open_dialog() -> bool {
    matches!(document().query_selector("dialog[open]"), Ok(Some(_)))
}

fn act_on(event: &KeyboardEvent, selector: &str, act: impl Fn(&HtmlElement)) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        event.prevent_default();
        act(&element);
    }
}

fn act_on_last(event: &KeyboardEvent, selector: &str, act: impl Fn(&HtmlElement)) {
    let Ok(found) = document().query_selector_all(selector) else { return };
    let last = found.length().checked_sub(1).and_then(|index| found.get(index));
    if let Some(element) = last.and_then(|node| node.dyn_into::<HtmlElement>().ok()) {
        event.prevent_default();
        act(&element);
    }
}

/// Whether the page has something more particular to pick from than the palette.
fn has_picker() -> bool {
    matches!(document().query_selector("[data-shortcut=picker]"), Ok(Some(_)))
}

/// Whether a log is on the page: it has keys of its own.
fn has_log() -> bool {
    matches!(document().query_selector(".log"), Ok(Some(_)))
}

fn submit_focused_form(event: &KeyboardEvent) {
    let form = focused().and_then(|element| element.closest("form").ok().flatten());
    if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
        event.prevent_default();
        let _ = form.request_submit();
    }
}

fn move_between_rows(event: &KeyboardEvent, step: i64) {
    let Ok(rows) = document().query_selector_all("[data-row]") else {
        return;
    };
    let rows: Vec<HtmlElement> = (0..rows.length()).filter_map(|i| rows.get(i)?.dyn_into().ok()).collect();
    if rows.is_empty() {
        return;
    }
    event.prevent_default();
    let focused = focused();
    let current = rows.iter().position(|row| Some(row) == focused.as_ref());
    let last = rows.len() - 1;
    let next = match current {
        None => 0,
        Some(index) if step > 0 => (index + 1).min(last),
        Some(index) => index.saturating_sub(1),
    };
    let _ = rows[next].focus();
}
