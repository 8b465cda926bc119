//! The tree on the screen, with its filter and keys.

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::tree::{Entry, Mark, Row, RowKind, next_row, rows};
use crate::api::revisions::encode_path;
use crate::parts::{Icon, icon, size_text};

/// Files as a tree.
#[component]
pub(super) fn Tree(
    /// The files.
    #[prop(into)]
    entries: Signal<Vec<Entry>>,
    /// The address of a file is this, a slash, and its path.
    #[prop(into)]
    base: Signal<String>,
    /// The file that is shown.
    chosen: Memo<Option<String>>,
) -> impl IntoView {
    let filter = RwSignal::new(String::new());
    let closed = RwSignal::new(BTreeSet::<String>::new());
    let shown = Memo::new(move |_| {
        entries.with(|entries| closed.with(|closed| filter.with(|filter| rows(entries, closed, filter))))
    });
    // The row that the Tab key leads to.
    let active = RwSignal::new(None::<String>);
    let entered = Memo::new(move |_| {
        shown.with(|rows| {
            let has =
                |path: &Option<String>| path.as_ref().is_some_and(|path| rows.iter().any(|row| row.path == *path));
            [active.get(), chosen.get()]
                .into_iter()
                .find(has)
                .flatten()
                .or_else(|| rows.first().map(|row| row.path.clone()))
        })
    });
    let list = NodeRef::<html::Ul>::new();
    let focus_row = move |index: usize| {
        let rows = list.get_untracked().and_then(|list| list.query_selector_all("[role=treeitem]").ok());
        let row = rows.and_then(|rows| rows.get(index as u32)?.dyn_into::<HtmlElement>().ok());
        if let Some(row) = row {
            let _ = row.focus();
        }
    };
    let toggle = move |path: &str| {
        closed.update(|closed| {
            if !closed.remove(path) {
                closed.insert(path.to_owned());
            }
        });
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() || event.shift_key() {
            return;
        }
        let key = event.key();
        let Some((index, row)) = focused_row(shown, entered) else { return };
        let is_closed = closed.with_untracked(|closed| closed.contains(&row.path));
        let opens = match key.as_str() {
            "Enter" | " " => true,
            "ArrowRight" => is_closed,
            "ArrowLeft" => !is_closed,
            _ => false,
        };
        if row.is_folder() && opens {
            event.prevent_default();
            toggle(&row.path);
            return;
        }
        if let Some(next) = shown.with_untracked(|rows| next_row(rows, index, &key)) {
            event.prevent_default();
            focus_row(next);
        }
    };
    let is_empty = move || {
        shown.with(Vec::is_empty).then(|| {
            let text =
                move || if filter.with(String::is_empty) { "No files." } else { "No file has this in its path." };
            view! { <p class="tree-empty muted" role="status">{text}</p> }
        })
    };
    let clear = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            filter.set(String::new());
        } else if event.key() == "ArrowDown" {
            event.prevent_default();
            focus_row(0);
        }
    };
    view! {
        <div class="filter tree-filter">
            {icon(Icon::Search)}
            <input
                class="control"
                type="search"
                aria-label="Filter files"
                placeholder="Filter files"
                autocomplete="off"
                spellcheck="false"
                data-shortcut="filter"
                prop:value=filter
                on:input:target=move |event| filter.set(event.target().value())
                on:keydown=clear
            />
            <kbd>"/"</kbd>
        </div>
        {is_empty}
        <ul class="tree" role="tree" aria-label="Files" node_ref=list on:keydown=on_key>
            <For each=move || shown.get() key=Row::clone let:row>
                {row_view(row, base, chosen, entered, active, closed, filter, Callback::new(move |path: String| toggle(&path)))}
            </For>
        </ul>
    }
    .into_any()
}

/// The row that has the focus, or would get it.
fn focused_row(shown: Memo<Vec<Row>>, entered: Memo<Option<String>>) -> Option<(usize, Row)> {
    let entered = entered.get_untracked()?;
    shown.with_untracked(|rows| {
        let index = rows.iter().position(|row| row.path == entered)?;
        Some((index, rows[index].clone()))
    })
}

/// What a mark looks like, and what it says.
fn mark_view(mark: Mark) -> AnyView {
    let (class, letter, text) = match mark {
        Mark::Edited => ("file-mark edited", "M", "Edited"),
        Mark::Yours => ("file-mark yours", "A", "Yours"),
        Mark::Conflict => ("file-mark conflict", "!", "Conflict"),
        Mark::Deleted => ("file-mark conflict", "D", "Conflict, deleted"),
        Mark::New => ("file-mark yours", "N", "New"),
    };
    view! {
        <span class=class title=text><span aria-hidden="true">{letter}</span><span class="visually-hidden">{text}</span></span>
    }
    .into_any()
}

#[expect(clippy::too_many_arguments, reason = "a row needs all that the tree knows; it is called from one place")]
fn row_view(
    row: Row,
    base: Signal<String>,
    chosen: Memo<Option<String>>,
    entered: Memo<Option<String>>,
    active: RwSignal<Option<String>>,
    closed: RwSignal<BTreeSet<String>>,
    filter: RwSignal<String>,
    toggle: Callback<String>,
) -> AnyView {
    let path = StoredValue::new(row.path.clone());
    let is = move |other: &Option<String>| other.as_ref().is_some_and(|other| path.with_value(|path| path == other));
    let tab_index = move || if entered.with(is) { "0" } else { "-1" };
    let focused = move |_| active.set(Some(path.get_value()));
    let (level, depth) = (row.depth + 1, row.depth.to_string());
    match row.kind {
        RowKind::Folder => {
            let is_open = move || {
                let is_open = !filter.with(|filter| filter.trim().is_empty())
                    || closed.with(|closed| path.with_value(|path| !closed.contains(path)));
                is_open.to_string()
            };
            view! {
                <li role="none">
                    <div
                        class="tree-row folder"
                        role="treeitem"
                        style=("--depth", depth)
                        data-row=""
                        tabindex=tab_index
                        attr:aria-level=level
                        aria-posinset=row.position
                        aria-setsize=row.siblings
                        aria-expanded=is_open
                        on:focus=focused
                        on:click=move |_| toggle.run(path.get_value())
                    >
                        {icon(Icon::Forward)} {icon(Icon::Folder)} <span class="file-name">{row.name}</span>
                    </div>
                </li>
            }
            .into_any()
        }
        RowKind::File { size, mark, unsaved } => {
            let encoded = encode_path(&row.path);
            let href = move || format!("{}/{encoded}", base.get());
            let dot = unsaved.then(|| {
                view! { <span class="file-dot" title="Not saved"><span class="visually-hidden">"Not saved"</span></span> }
            });
            view! {
                <li role="none" class:chosen=move || chosen.with(is)>
                    <a
                        class="tree-row"
                        class:gone=mark == Some(Mark::Deleted)
                        role="treeitem"
                        style=("--depth", depth)
                        href=href
                        data-row=""
                        data-path=row.path
                        tabindex=tab_index
                        attr:aria-level=level
                        aria-posinset=row.position
                        aria-setsize=row.siblings
                        aria-current=move || chosen.with(is).then_some("page")
                        on:focus=focused
                    >
                        {icon(Icon::File)} <span class="file-name">{row.name}</span> {dot} {mark.map(mark_view)}
                        <span class="file-size">{size.map(size_text)}</span>
                    </a>
                </li>
            }
            .into_any()
        }
    }
}
