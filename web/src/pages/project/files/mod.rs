//! A project's generated files: the tree and the text of one of them.

mod tree;

use gantry_domain::api::project::{ProjectFile, ProjectFileContent};
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;

use self::tree::{Folder, first_file};
use super::CurrentProject;
use crate::api::{calls, work};
use crate::load::{load, loaded};
use crate::parts::code_view::code_view;
use crate::parts::{CopyButton, EmptyState, Icon, icon, size_text, skeleton_block, skeleton_rows};

/// A project's generated files.
#[component]
pub(crate) fn FilesPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let params = use_params_map();
    let address = Memo::new(move |_| params.with(|params| params.get("path").unwrap_or_default()));
    let loader = load(move || {
        let name = project.name.get();
        // The files are made from the spec: another revision has other files.
        project.loader.value.with(|value| value.as_ref().map(|project| project.revision));
        async move { calls::project_files(&name).await }
    });
    let chosen = Memo::new(move |_| {
        let address = address.get();
        if address.is_empty() {
            loader.value.with(|page| page.as_ref().and_then(|page| first_file(&page.items)))
        } else {
            Some(address)
        }
    });
    let tree = loaded(
        loader,
        "The list of files",
        || skeleton_rows(6),
        move |page| {
            view! { <ul class="tree">{folder_rows(project, Folder::root(&page.items), chosen)}</ul> }.into_any()
        },
    );
    let content = move || chosen.get().map(|path| view! { <FileContent path/> });
    let counts = move || {
        loader.value.with(|page| {
            page.as_ref().map(|page| {
                let bytes = page.items.iter().map(|file| file.size).sum();
                format!("{} files, {}", page.items.len(), size_text(bytes))
            })
        })
    };
    let export = move || work::export_address(&project.name.get());
    view! {
        <div class="files">
            <aside class="files-tree" aria-label="Files">
                <header class="files-head">
                    <span class="muted">{counts}</span>
                    <span class="grow"></span>
                    <a class="button" href=export download="" rel="external">{icon(Icon::Download)} "ZIP"</a>
                </header>
                {tree}
            </aside>
            <section class="files-content" aria-label="File">{content}</section>
        </div>
    }
    .into_any()
}

fn folder_rows(project: CurrentProject, folder: Folder, chosen: Memo<Option<String>>) -> AnyView {
    let folders = folder
        .folders
        .into_iter()
        .map(|(name, folder)| {
            view! {
                <li>
                    <details open>
                        <summary>{icon(Icon::Forward)} {icon(Icon::Folder)} <span>{name}</span></summary>
                        <ul>{folder_rows(project, folder, chosen)}</ul>
                    </details>
                </li>
            }
        })
        .collect_view();
    let files = folder.files.into_iter().map(|(name, file)| file_row(project, name, file, chosen)).collect_view();
    view! { {folders} {files} }.into_any()
}

fn file_row(project: CurrentProject, name: String, file: ProjectFile, chosen: Memo<Option<String>>) -> AnyView {
    let path = file.path.clone();
    let is_chosen = move || chosen.with(|chosen| chosen.as_deref() == Some(path.as_str()));
    let href = format!("/projects/{}/files/{}", project.name.get_untracked(), file.path);
    let size = size_text(file.size);
    view! {
        <li class:chosen=is_chosen>
            <A href=href attr:data-row="">
                {icon(Icon::File)} <span class="file-name">{name}</span> <span class="file-size">{size}</span>
            </A>
        </li>
    }
    .into_any()
}

#[component]
fn FileContent(path: String) -> impl IntoView {
    let project = CurrentProject::expect();
    let wanted = path.clone();
    let loader = load(move || {
        let (name, path) = (project.name.get(), wanted.clone());
        project.loader.value.with(|value| value.as_ref().map(|project| project.revision));
        async move { calls::project_file(&name, &path).await }
    });
    let is_missing = move || loader.error.with(|error| error.as_ref().is_some_and(|error| error.status() == 404));
    let shown = move || {
        if is_missing() {
            let text = format!("The project has no file {path:?}. It may have another name since the spec changed.");
            return view! { <EmptyState title="No such file" text/> }.into_any();
        }
        loaded(loader, "The file", skeleton_block, file_view)
    };
    view! { {shown} }.into_any()
}

fn file_view(file: ProjectFileContent) -> AnyView {
    let path = file.file.path.clone();
    let lines = file.content.lines().count();
    let copied = file.content.clone();
    view! {
        <header class="files-head">
            <code class="file-path">{path.clone()}</code>
            <CopyButton text=Signal::stored(copied) what="file"/>
            <span class="grow"></span>
            <span class="muted number">{format!("{lines} lines, {}", size_text(file.file.size))}</span>
        </header>
        {code_view(&path, &file.content)}
    }
    .into_any()
}
