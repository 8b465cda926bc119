//! Going to another agent, chat or run by a few letters: Ctrl- or Cmd-P wherever agents are tested.

use gantry_domain::api::project::ProjectSummary;
use gantry_domain::api::run::Run;
use gantry_domain::api::session::Session;
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::api::{ApiResult, calls, work};
use crate::load::load;
use crate::palette::score;
use crate::parts::dialog::follow_open;
use crate::parts::pill::job_word;

/// Where one can go.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    label: String,
    kind: String,
    href: String,
}

fn agent_place(agent: &ProjectSummary) -> Place {
    Place { label: agent.name.to_string(), kind: "Agent".to_owned(), href: format!("/projects/{}/chat", agent.name) }
}

fn chat_place(project: &str, chat: &Session) -> Place {
    let label = if chat.title.is_empty() { "Untitled chat".to_owned() } else { chat.title.clone() };
    Place { label, kind: "Chat".to_owned(), href: format!("/projects/{project}/chat/{}", chat.id) }
}

fn run_place(project: &str, run: &Run) -> Place {
    let label = run.input.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(90).collect();
    let kind = format!("Run, {}", job_word(run.state).to_lowercase());
    Place { label, kind, href: format!("/projects/{project}/runs/{}", run.id) }
}

/// The places that match, best first.
fn matching(places: Vec<Place>, words: &str) -> Vec<Place> {
    let mut scored: Vec<(i64, Place)> =
        places.into_iter().filter_map(|place| score(words, &place.label).map(|score| (score, place))).collect();
    if !words.is_empty() {
        scored.sort_by_key(|(score, _)| *score);
    }
    scored.into_iter().map(|(_, place)| place).collect()
}

/// Agents by name, and of the project that is open the newest chats and runs.
async fn places(words: String, project: Option<String>) -> ApiResult<Vec<Place>> {
    let mut found: Vec<Place> = calls::projects(&words, "", None).await?.items.iter().map(agent_place).collect();
    if let Some(project) = project {
        let chats = work::sessions(&project, None).await?;
        found.extend(chats.items.iter().map(|chat| chat_place(&project, chat)));
        let runs = work::newest_runs(&project, 20).await?;
        found.extend(runs.items.iter().map(|run| run_place(&project, run)));
    }
    Ok(found)
}

/// The picker, with the button that opens it.
#[component]
pub(super) fn Picker(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The project whose chats and runs are found.
    project: Signal<Option<String>>,
) -> impl IntoView {
    let navigate = use_navigate();
    let (words, selected) = (RwSignal::new(String::new()), RwSignal::new(0_usize));
    let dialog = NodeRef::<html::Dialog>::new();
    follow_open(dialog, open);
    Effect::new(move |_| {
        if open.get() {
            words.set(String::new());
            selected.set(0);
        }
    });
    let found = load(move || {
        let (is_open, words, project) = (open.get(), words.get().trim().to_owned(), project.get());
        async move { if is_open { places(words, project).await } else { Ok(Vec::new()) } }
    });
    let places = Memo::new(move |_| {
        let all = found.value.get().unwrap_or_default();
        words.with(|words| matching(all, words.trim()))
    });
    let choose = StoredValue::new_local(move |index: usize| {
        if let Some(place) = places.with_untracked(|places| places.get(index).cloned()) {
            open.set(false);
            navigate(&place.href, Default::default());
        }
    });
    let on_key = move |event: KeyboardEvent| {
        let count = places.with_untracked(Vec::len);
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
        let rows = places.get().into_iter().enumerate().map(|(index, place)| {
            view! {
                <li
                    id=row_id(index)
                    role="option"
                    aria-selected=move || if selected.get() == index { "true" } else { "false" }
                    on:mousemove=move |_| if selected.get_untracked() != index { selected.set(index) }
                    on:click=move |_| choose.with_value(|choose| choose(index))
                >
                    <span>{place.label}</span><small>{place.kind}</small>
                </li>
            }
        });
        rows.collect_view()
    };
    let count_text = move || match (places.with(Vec::len), found.error.with(Option::is_some)) {
        (_, true) => "The server cannot be asked just now.".to_owned(),
        (0, _) => "No matches".to_owned(),
        (1, _) => "1 result".to_owned(),
        (count, _) => format!("{count} results"),
    };
    view! {
        <dialog
            node_ref=dialog
            class="palette"
            aria-label="Go to an agent, chat or run"
            on:close=move |_| open.set(false)
            on:click=move |event| if event.target() == event.current_target() { open.set(false) }
        >
            <input
                type="text"
                role="combobox"
                aria-expanded="true"
                aria-controls="picker-list"
                aria-autocomplete="list"
                aria-label="Agents, chats and runs"
                aria-activedescendant=move || row_id(selected.get())
                placeholder="Agents, chats and runs"
                autocomplete="off"
                spellcheck="false"
                autofocus
                prop:value=words
                on:input:target=move |event| {
                    words.set(event.target().value());
                    selected.set(0);
                }
                on:keydown=on_key
            />
            <ul id="picker-list" role="listbox" aria-label="Results">{rows}</ul>
            <footer class="palette-foot"><p role="status">{count_text}</p></footer>
        </dialog>
    }
    .into_any()
}

fn row_id(index: usize) -> String {
    format!("picker-row-{index}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_comes_first() {
        let place = |label: &str| Place { label: label.to_owned(), kind: String::new(), href: String::new() };
        let places = vec![place("seaweather"), place("weather"), place("ships")];
        let labels =
            |words: &str| matching(places.clone(), words).into_iter().map(|place| place.label).collect::<Vec<_>>();
        assert_eq!(labels("wea"), ["weather", "seaweather"]);
        assert_eq!(labels(""), ["seaweather", "weather", "ships"]);
    }
}
