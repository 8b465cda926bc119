//! The files of a revision, for reading.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::one::origin_pill;
use super::revisions::RestoreDialog;
use super::tree::entries;
use super::tree_view::Tree;
use super::{Section, address, chosen_file, files_head, link_to};
use crate::api::revisions::{revision_file, revision_files};
use crate::load::{load, loaded, when_loaded};
use crate::pages::project::CurrentProject;
use crate::parts::code_view::code_view;
use crate::parts::{Button, CopyButton, EmptyState, Icon, icon, size_text, skeleton_block, skeleton_rows};

/// The files of a revision.
#[component]
pub(crate) fn RevisionFilesPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let params = use_params_map();
    let number = Memo::new(move |_| {
        params.with(|params| params.get("number")?.parse::<i64>().ok().filter(|number| *number > 0))
    });
    let shown = move || match number.get() {
        Some(number) => view! { <RevisionFiles number/> }.into_any(),
        None => {
            view! { <EmptyState title="No such revision" text="The address does not name a revision."/> }.into_any()
        }
    };
    view! {
        <h2 class="visually-hidden">"Files of a revision"</h2>
        {files_head(project, Section::Revisions)}
        {shown}
    }
    .into_any()
}

#[component]
fn RevisionFiles(number: i64) -> impl IntoView {
    let project = CurrentProject::expect();
    let loader = load(move || {
        let name = project.name.get();
        async move { revision_files(&name, number).await }
    });
    let chosen = chosen_file(loader);
    let entries = Memo::new(move |_| {
        loader.value.with(|page| {
            let files = page.as_ref().map(|page| page.items.as_slice()).unwrap_or_default();
            entries(files, &[], &BTreeMap::new())
        })
    });
    let revision = move || format!("{}/{number}", address(&project.name.get(), Section::Revisions));
    let base = Signal::derive(move || format!("{}/files", revision()));
    let tree =
        when_loaded(loader, "The list of files", || skeleton_rows(8), move || view! { <Tree entries base chosen/> });
    let content = move || chosen.get().map(|path| view! { <RevisionFile number path/> });
    let restoring = RwSignal::new(false);
    let is_current = Memo::new(move |_| project.revision.get() == number);
    let restore = move || {
        (!is_current.get()).then(|| {
            view! { <Button glyph=Icon::Undo on_press=move |()| restoring.set(true)>"Restore"</Button> }
        })
    };
    let words = move || {
        if is_current.get() { "They are those of the project now. " } else { "They can be read here, not edited. " }
    };
    view! {
        <div class="notice info">
            {icon(Icon::History)}
            <p>"The files of revision " {number} ". " {words} {move || link_to(revision(), "What it changed")}</p>
            {restore}
        </div>
        <div class="files">
            <aside class="files-tree" aria-label="Files of the revision">{tree}</aside>
            <section class="files-content" aria-label="File">{content}</section>
        </div>
        <RestoreDialog number open=restoring/>
    }
    .into_any()
}

#[component]
fn RevisionFile(number: i64, path: String) -> impl IntoView {
    let project = CurrentProject::expect();
    let wanted = path.clone();
    let loader = load(move || {
        let (name, path) = (project.name.get(), wanted.clone());
        async move { revision_file(&name, number, &path).await }
    });
    let is_missing =
        Memo::new(move |_| loader.error.with(|error| error.as_ref().is_some_and(|error| error.status() == 404)));
    let shown = move || {
        if is_missing.get() {
            let text = format!("Revision {number} has no file {path:?}.");
            return view! { <EmptyState title="No such file" text/> }.into_any();
        }
        loaded(loader, "The file", skeleton_block, |file| {
            let path = file.file.path.clone();
            let lines = file.content.lines().count();
            view! {
                <header class="files-head">
                    <code class="file-path">{path.clone()}</code>
                    <CopyButton text=Signal::stored(file.content.clone()) what="file"/>
                    {origin_pill(file.file.origin)}
                    <span class="grow"></span>
                    <span class="muted number wide-only">{format!("{lines} lines, {}", size_text(file.file.size))}</span>
                </header>
                {code_view(&path, &file.content)}
            }
        })
    };
    view! { {shown} }.into_any()
}
