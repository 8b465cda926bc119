//! The palette: every page, project and action by a few letters of its name.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::api::calls;
use crate::parts::dialog::follow_open;
use crate::theme::{Theme, use_theme};

/// What happens when an entry is chosen.
#[derive(Clone, Debug, PartialEq)]
enum Act {
    Go(String),
    UseTheme(Theme),
    ShowShortcuts,
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    group: &'static str,
    label: String,
    act: Act,
}

/// How well `text` matches `query` as a subsequence; none when it does not, less is better.
///
/// Gaps cost their length, a letter at the beginning of a word is rewarded.
fn score(query: &str, text: &str) -> Option<i64> {
    let mut total = 0;
    let mut previous = None::<usize>;
    let text: Vec<char> = text.to_lowercase().chars().collect();
    for wanted in query.to_lowercase().chars() {
        let from = previous.map_or(0, |index| index + 1);
        let index = from + text[from..].iter().position(|letter| *letter == wanted)?;
        total += i64::try_from(index - from).unwrap_or(i64::MAX);
        if index == 0 || !text[index - 1].is_alphanumeric() {
            total -= 2;
        }
        previous = Some(index);
    }
    Some(total)
}

/// Pages and actions that are always there.
fn fixed_entries() -> Vec<Entry> {
    let pages = [
        ("Projects", "/projects"),
        ("Activity", "/activity"),
        ("Settings: model providers", "/settings/providers"),
        ("Settings: registries", "/settings/registries"),
        ("Settings: secrets", "/settings/secrets"),
        ("Settings: API tokens", "/settings/tokens"),
        ("Settings: system", "/settings/system"),
        ("Settings: preferences", "/settings/preferences"),
    ];
    let pages =
        pages.map(|(label, href)| Entry { group: "Page", label: label.to_owned(), act: Act::Go(href.to_owned()) });
    let create = Entry { group: "Action", label: "New project".to_owned(), act: Act::Go("/projects/new".to_owned()) };
    let shortcuts = Entry { group: "Action", label: "Keyboard shortcuts".to_owned(), act: Act::ShowShortcuts };
    let themes = Theme::ALL.map(|theme| Entry {
        group: "Action",
        label: format!("Theme: {}", theme.label().to_lowercase()),
        act: Act::UseTheme(theme),
    });
    pages.into_iter().chain([create, shortcuts]).chain(themes).collect()
}

/// The entries that match, best first. A query that begins with `>` asks for actions only.
fn matching(entries: Vec<Entry>, query: &str) -> Vec<Entry> {
    let (query, actions_only) = match query.trim().strip_prefix('>') {
        Some(rest) => (rest.trim(), true),
        None => (query.trim(), false),
    };
    let mut scored: Vec<(i64, Entry)> = entries
        .into_iter()
        .filter(|entry| !actions_only || entry.group == "Action")
        .filter_map(|entry| score(query, &entry.label).map(|score| (score, entry)))
        .collect();
    if !query.is_empty() {
        scored.sort_by_key(|(score, _)| *score);
    }
    scored.into_iter().map(|(_, entry)| entry).collect()
}

/// The palette. It is closed until `open` says otherwise.
#[component]
pub(crate) fn Palette(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Opens the sheet of shortcuts.
    sheet_open: RwSignal<bool>,
) -> impl IntoView {
    let theme = use_theme();
    let navigate = use_navigate();
    let query = RwSignal::new(String::new());
    let selected = RwSignal::new(0_usize);
    let projects = RwSignal::new(Vec::<Entry>::new());
    let dialog = NodeRef::<html::Dialog>::new();
    follow_open(dialog, open);

    Effect::new(move |_| {
        if !open.get() {
            return;
        }
        query.set(String::new());
        selected.set(0);
        leptos::task::spawn_local(async move {
            // Without the server the palette still has its pages and actions.
            if let Ok(page) = calls::projects("", None).await {
                let entries = page.items.into_iter().map(|project| Entry {
                    group: "Project",
                    label: project.name.to_string(),
                    act: Act::Go(format!("/projects/{}", project.name)),
                });
                projects.try_set(entries.collect());
            }
        });
    });

    let entries = Memo::new(move |_| {
        let all = projects.get().into_iter().chain(fixed_entries()).collect();
        query.with(|query| matching(all, query))
    });
    let choose = StoredValue::new_local(move |index: usize| {
        let Some(entry) = entries.with_untracked(|entries| entries.get(index).cloned()) else {
            return;
        };
        open.set(false);
        match entry.act {
            Act::Go(address) => navigate(&address, Default::default()),
            Act::UseTheme(chosen) => theme.set(chosen),
            Act::ShowShortcuts => sheet_open.set(true),
        }
    });
    let on_key = move |event: KeyboardEvent| {
        let count = entries.with_untracked(Vec::len);
        if count == 0 {
            return;
        }
        match event.key().as_str() {
            "ArrowDown" => selected.update(|selected| *selected = (*selected + 1) % count),
            "ArrowUp" => selected.update(|selected| *selected = (*selected + count - 1) % count),
            "Enter" => choose.with_value(|choose| choose(selected.get_untracked())),
            _ => return,
        }
        event.prevent_default();
        if let Some(row) = document().get_element_by_id(&row_id(selected.get_untracked())) {
            row.scroll_into_view_with_bool(false);
        }
    };
    let rows = move || {
        let rows = entries.get().into_iter().enumerate().map(|(index, entry)| {
            view! {
                <li
                    id=row_id(index)
                    role="option"
                    aria-selected=move || if selected.get() == index { "true" } else { "false" }
                    on:mousemove=move |_| if selected.get_untracked() != index { selected.set(index) }
                    on:click=move |_| choose.with_value(|choose| choose(index))
                >
                    <span>{entry.label}</span><small>{entry.group}</small>
                </li>
            }
        });
        rows.collect_view()
    };
    let count_text = move || match entries.with(Vec::len) {
        0 => "No matches".to_owned(),
        1 => "1 result".to_owned(),
        count => format!("{count} results"),
    };
    view! {
        <dialog
            node_ref=dialog
            class="palette"
            aria-label="Search pages and actions"
            on:close=move |_| open.set(false)
            on:click=move |event| if event.target() == event.current_target() { open.set(false) }
        >
            <input
                type="text"
                role="combobox"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-autocomplete="list"
                aria-label="Search"
                aria-activedescendant=move || row_id(selected.get())
                placeholder="Projects, pages and actions; > for actions only"
                autocomplete="off"
                spellcheck="false"
                autofocus
                prop:value=query
                on:input:target=move |event| {
                    query.set(event.target().value());
                    selected.set(0);
                }
                on:keydown=on_key
            />
            <ul id="palette-list" role="listbox" aria-label="Results">{rows}</ul>
            <p class="palette-status" role="status">{count_text}</p>
        </dialog>
    }
    .into_any()
}

fn row_id(index: usize) -> String {
    format!("palette-row-{index}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_match_in_order_only() {
        assert!(score("wbt", "weather-bot").is_some());
        assert!(score("tbw", "weather-bot").is_none());
        assert_eq!(score("", "anything"), Some(0));
    }

    #[test]
    fn beginnings_of_words_come_first() {
        let entries = matching(fixed_entries(), "set");
        assert!(entries[0].label.starts_with("Settings"), "{entries:?}");
    }

    #[test]
    fn an_angle_bracket_asks_for_actions_only() {
        let entries = matching(fixed_entries(), ">");
        assert!(!entries.is_empty() && entries.iter().all(|entry| entry.group == "Action"), "{entries:?}");
    }
}
