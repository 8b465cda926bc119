//! Finding one of many by a few letters: a field over a list, in a dialog. The keys, the rows and the
//! count are the same for whatever is looked for.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;

use super::dialog::follow_open;

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

/// Something that can be found.
pub(crate) trait Findable {
    /// What it is found by.
    fn label(&self) -> &str;
    /// What kind of thing it is, or in which state: shown beside the label.
    fn kind(&self) -> &str;
}

/// What matches a query, best first; in its own order when nothing is asked for.
pub(crate) fn matching<T: Findable>(all: Vec<T>, query: &str) -> Vec<T> {
    let mut scored: Vec<(i64, T)> =
        all.into_iter().filter_map(|one| score(query, one.label()).map(|score| (score, one))).collect();
    if !query.is_empty() {
        scored.sort_by_key(|(score, _)| *score);
    }
    scored.into_iter().map(|(_, one)| one).collect()
}

/// A dialog with a field and what it finds: the arrows choose, Enter or a click goes there, Escape closes.
///
/// What is typed is in `query`, which is emptied whenever the dialog opens.
#[component]
pub(crate) fn Finder<T: Findable + Clone + PartialEq + Send + Sync + 'static>(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// What is typed.
    query: RwSignal<String>,
    /// What was found, best first.
    found: Memo<Vec<T>>,
    /// Whether the server could not be asked.
    is_cut_off: Signal<bool>,
    /// Called with what was chosen, after the dialog was closed.
    on_choose: Callback<T>,
    /// The beginning of the ids of its elements, unique on the page.
    name: &'static str,
    /// What the dialog is for.
    title: &'static str,
    /// What the field is called.
    label: &'static str,
    /// What the empty field says can be found.
    hint: &'static str,
    /// What stands beside the count.
    #[prop(optional, into)]
    foot: ViewFn,
) -> impl IntoView {
    let row_id = move |index: usize| format!("{name}-row-{index}");
    let selected = RwSignal::new(0_usize);
    let dialog = NodeRef::<html::Dialog>::new();
    follow_open(dialog, open);
    Effect::new(move |_| {
        if open.get() {
            query.set(String::new());
            selected.set(0);
        }
    });
    let choose = move |index: usize| {
        if let Some(one) = found.with_untracked(|found| found.get(index).cloned()) {
            open.set(false);
            on_choose.run(one);
        }
    };
    let on_key = move |event: KeyboardEvent| {
        let count = found.with_untracked(Vec::len);
        if count == 0 {
            return;
        }
        match event.key().as_str() {
            "ArrowDown" => selected.update(|selected| *selected = (*selected + 1) % count),
            "ArrowUp" => selected.update(|selected| *selected = (*selected + count - 1) % count),
            "Enter" => choose(selected.get_untracked()),
            _ => return,
        }
        event.prevent_default();
        if let Some(row) = document().get_element_by_id(&row_id(selected.get_untracked())) {
            row.scroll_into_view_with_bool(false);
        }
    };
    let rows = move || {
        let rows = found.get().into_iter().enumerate().map(|(index, one)| {
            view! {
                <li
                    id=row_id(index)
                    role="option"
                    aria-selected=move || if selected.get() == index { "true" } else { "false" }
                    on:mousemove=move |_| if selected.get_untracked() != index { selected.set(index) }
                    on:click=move |_| choose(index)
                >
                    <span>{one.label().to_owned()}</span><small>{one.kind().to_owned()}</small>
                </li>
            }
        });
        rows.collect_view()
    };
    let count_text = move || match found.with(Vec::len) {
        0 if is_cut_off.get() => "The server cannot be asked just now.".to_owned(),
        0 => "No matches".to_owned(),
        1 => "1 result".to_owned(),
        count => format!("{count} results"),
    };
    view! {
        <dialog
            node_ref=dialog
            class="palette"
            aria-label=title
            on:close=move |_| open.set(false)
            on:click=move |event| if event.target() == event.current_target() { open.set(false) }
        >
            <input
                type="text"
                role="combobox"
                aria-expanded="true"
                aria-controls=format!("{name}-list")
                aria-autocomplete="list"
                aria-label=label
                aria-activedescendant=move || row_id(selected.get())
                placeholder=hint
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
            <ul id=format!("{name}-list") role="listbox" aria-label="Results">{rows}</ul>
            <footer class="palette-foot"><p role="status">{count_text}</p>{foot.run()}</footer>
        </dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Findable for &'static str {
        fn label(&self) -> &str {
            self
        }

        fn kind(&self) -> &str {
            ""
        }
    }

    #[test]
    fn letters_match_in_order_only() {
        assert!(score("wbt", "weather-bot").is_some());
        assert!(score("tbw", "weather-bot").is_none());
        assert_eq!(score("", "anything"), Some(0));
    }

    #[test]
    fn the_nearest_comes_first_and_without_a_query_the_order_stays() {
        let all = vec!["seaweather", "weather", "ships"];
        assert_eq!(matching(all.clone(), "wea"), ["weather", "seaweather"]);
        assert_eq!(matching(all, ""), ["seaweather", "weather", "ships"]);
    }
}
