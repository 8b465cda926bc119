//! The bar above a log: what is shown, search, and the keys that steer it.

use leptos::prelude::*;
use leptos::{ev, html};

use super::button::{Button, ButtonKind};
use super::copy::copy_text;
use super::icon::{Icon, icon};
use super::log_store::LevelFilter;
use super::log_view::LogState;
use super::toast::use_toaster;
use crate::keyboard;
use crate::preferences::Preferences;

/// The bar above a log.
#[component]
pub(crate) fn LogBar(
    /// The log's state on the screen.
    state: LogState,
    /// Where the whole log is as plain text.
    raw: String,
    /// Whether more lines may come.
    live: Signal<bool>,
) -> impl IntoView {
    let toaster = use_toaster();
    let copy = move |text: String, said: &'static str| copy_text(text, said, toaster);
    let copy_link = move || copy(state.permalink(), "The link to this line is copied.");
    listen_to_keys(state, copy_link);

    let level_button = move |level: LevelFilter, word: &'static str, count: fn((usize, usize, usize)) -> usize| {
        view! {
            <button type="button" aria-pressed=move || (state.level.get() == level).to_string() on:click=move |_| state.level.set(level)>
                {word} " " <span class="count">{move || grouped(count(state.counts.get()))}</span>
            </button>
        }
        .into_any()
    };
    let toggle = move |word: &'static str, key: &'static str, on: RwSignal<bool>, press: Callback<()>| {
        view! {
            <button
                type="button"
                class="button ghost toggle"
                aria-pressed=move || on.get().to_string()
                title=format!("{word} ({key})")
                on:click=move |_| press.run(())
            >
                {word}
            </button>
        }
        .into_any()
    };
    let input = NodeRef::<html::Input>::new();
    let on_key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            state.go_to_match(event.shift_key());
        }
        "Escape" => {
            event.prevent_default();
            if state.words.with_untracked(String::is_empty) {
                if let Some(input) = input.get_untracked() {
                    let _ = input.blur();
                }
            } else {
                state.words.set(String::new());
            }
        }
        _ => {}
    };
    let matches_text = move || {
        if state.words.with(|words| words.trim().is_empty()) {
            return String::new();
        }
        let count = state.match_count.get();
        match state.match_number() {
            Some(number) => format!("{}/{}", grouped(number), grouped(count)),
            None if count == 0 => "No match".to_owned(),
            None if count == 1 => "1 line".to_owned(),
            None => format!("{} lines", grouped(count)),
        }
    };
    let follow_toggle = move || {
        live.get().then(|| {
            toggle(
                "Follow",
                "F",
                state.follow,
                Callback::new(move |()| state.set_follow(!state.follow.get_untracked())),
            )
        })
    };
    view! {
        <header class="log-bar">
            <div class="switcher" role="group" aria-label="Level">
                {level_button(LevelFilter::All, "All", |counts| counts.0)}
                {level_button(LevelFilter::Warnings, "Warnings", |counts| counts.1 + counts.2)}
                {level_button(LevelFilter::Errors, "Errors", |counts| counts.2)}
            </div>
            <div class="log-search">
                {icon(Icon::Search)}
                <input
                    node_ref=input
                    class="control"
                    type="search"
                    aria-label="Search the log"
                    placeholder="Search the log"
                    autocomplete="off"
                    spellcheck="false"
                    data-shortcut="filter"
                    prop:value=state.words
                    on:input:target=move |event| state.words.set(event.target().value())
                    on:keydown=on_key
                />
                <span class="log-matches" role="status">{matches_text}</span>
            </div>
            <div class="row log-actions">
                <Button kind=ButtonKind::Ghost glyph=Icon::Down label="Next match (N)" on_press=move |()| state.go_to_match(false)
                    disabled=Signal::derive(move || state.match_count.get() == 0)/>
                {follow_toggle}
                {toggle("Wrap", "W", state.wrap, Callback::new(move |()| state.wrap.update(|wrap| *wrap = !*wrap)))}
                {toggle("Times", "T", state.times, Callback::new(move |()| state.times.update(|times| *times = !*times)))}
                <Button kind=ButtonKind::Ghost glyph=Icon::Copy label="Copy the shown lines"
                    on_press=move |()| copy(state.shown_text(), "The shown lines are copied.")/>
                <a class="button ghost" href=raw target="_blank" rel="external">{icon(Icon::External)} "Raw"</a>
            </div>
        </header>
    }
    .into_any()
}

/// F, N, Shift-N, E, W, T and Y, while nothing is being typed.
fn listen_to_keys(state: LogState, copy_link: impl Fn() + 'static) {
    let preferences = Preferences::expect();
    let listener = window_event_listener(ev::keydown, move |event| {
        let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
        if event.default_prevented()
            || modified
            || keyboard::keys_are_taken()
            || !preferences.single_key_shortcuts.get_untracked()
        {
            return;
        }
        match event.key().as_str() {
            "f" => state.set_follow(!state.follow.get_untracked()),
            "n" => state.go_to_match(false),
            "N" => state.go_to_match(true),
            "e" => state.go_to_error(),
            "w" => state.wrap.update(|wrap| *wrap = !*wrap),
            "t" => state.times.update(|times| *times = !*times),
            "y" => copy_link(),
            _ => return,
        }
        event.prevent_default();
    });
    on_cleanup(move || listener.remove());
}

/// "12 345": digits in groups of three.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234), "1\u{202f}234");
        assert_eq!(grouped(100_000), "100\u{202f}000");
    }
}
