//! A project's files as a place to work: the tree and one file here, what is yours in [`edits`], what
//! waits for a decision in [`conflicts`], and what was in [`revisions`].

mod checks;
mod conflict_text;
mod conflicts;
mod dialogs;
mod edits;
mod one;
mod regenerate;
mod resolver;
mod revision_files;
mod revisions;
mod tree;
mod tree_view;

use gantry_domain::api::Page;
use gantry_domain::api::project::ProjectFile;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::{use_location, use_params_map};

pub(crate) use self::checks::ChecksPage;
pub(crate) use self::conflicts::ConflictsPage;
use self::dialogs::NewFile;
pub(crate) use self::edits::EditsPage;
use self::one::FileContent;
use self::regenerate::RegenerateButton;
pub(crate) use self::revision_files::RevisionFilesPage;
pub(crate) use self::revisions::RevisionsPage;
use self::tree::{entries, first_file};
use self::tree_view::Tree;
use super::CurrentProject;
use crate::api::{calls, encode, work};
use crate::load::{Loader, load, when_loaded};
use crate::parts::{EmptyState, Icon, LinkButton, icon, size_text, skeleton_rows};

/// The views of a project's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Files,
    Edits,
    Conflicts,
    Revisions,
    Checks,
}

impl Section {
    /// The part of the address below the project's.
    fn page(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Edits => "edits",
            Self::Conflicts => "conflicts",
            Self::Revisions => "revisions",
            Self::Checks => "checks",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Files => "Files",
            Self::Edits => "Your edits",
            Self::Conflicts => "Conflicts",
            Self::Revisions => "Revisions",
            Self::Checks => "Checks",
        }
    }
}

/// The address of a page of a project's files.
fn address(project: &str, section: Section) -> String {
    format!("/projects/{}/{}", encode(project), section.page())
}

/// The address of a file.
fn file_address(project: &str, path: &str) -> String {
    format!("{}/{}", address(project, Section::Files), crate::api::revisions::encode_path(path))
}

/// The address of a conflict.
fn conflict_address(project: &str, path: &str) -> String {
    format!("{}?path={}", address(project, Section::Conflicts), encode(path))
}

/// How many files are in conflict.
fn conflict_count(project: CurrentProject) -> usize {
    project.newest.value.with(|revision| revision.as_ref().map_or(0, |revision| revision.conflicts.len()))
}

/// What stands above every view of the files: the way to the others, and what can be done with all files.
fn files_head(project: CurrentProject, current: Section) -> AnyView {
    let count = Memo::new(move |_| conflict_count(project));
    let edited = Memo::new(move |_| {
        project.newest.value.with(|revision| revision.as_ref().map_or(0, |revision| revision.edited_files))
    });
    let link = move |section: Section, number: Signal<String>| {
        let href = move || address(&project.name.get(), section);
        let is_current = (section == current).then_some("page");
        view! { <a href=href aria-current=is_current>{section.word()} <span class="count number">{number}</span></a> }
    };
    let number = |number: i64| if number == 0 { String::new() } else { number.to_string() };
    let edits = Signal::derive(move || number(edited.get()));
    let conflicts = Signal::derive(move || number(count.get() as i64));
    let revision = Signal::derive(move || number(project.revision.get()));
    let has_conflicts = Memo::new(move |_| count.get() > 0 || current == Section::Conflicts);
    let export = move || work::export_address(&project.name.get());
    view! {
        <div class="files-bar">
            <nav class="switcher" aria-label="Views of the files">
                {link(Section::Files, Signal::stored(String::new()))}
                {link(Section::Edits, edits)}
                {move || has_conflicts.get().then(|| link(Section::Conflicts, conflicts))}
                {link(Section::Revisions, revision)}
                {link(Section::Checks, Signal::stored(String::new()))}
            </nav>
            <span class="grow"></span>
            <RegenerateButton/>
            <a class="button" href=export download="" rel="external">{icon(Icon::Download)} "ZIP"</a>
        </div>
    }
    .into_any()
}

/// Says on every page of the project that files wait for a decision, except where it is made.
pub(super) fn conflict_notice(project: CurrentProject) -> AnyView {
    let path = use_location().pathname;
    let shown = Memo::new(move |_| {
        let on_conflicts = path.with(|path| path.split('/').nth(3) == Some(Section::Conflicts.page()));
        if on_conflicts { 0 } else { conflict_count(project) }
    });
    let notice = move || {
        let text = match shown.get() {
            0 => return None,
            1 => "In a file your edits and what is generated are at odds. Until you decide, no image is built and nothing is regenerated.".to_owned(),
            count => format!("In {count} files your edits and what is generated are at odds. Until you decide, no image is built and nothing is regenerated."),
        };
        let href = address(&project.name.get(), Section::Conflicts);
        Some(view! {
            <div class="notice warn">
                {icon(Icon::Warning)}
                <p>{text}</p>
                <LinkButton href>"Resolve conflicts"</LinkButton>
            </div>
        })
    };
    view! { <div role="status">{notice}</div> }.into_any()
}

/// The path in the address; the file that opens first when it names none.
fn chosen_file(loader: Loader<Page<ProjectFile>>) -> Memo<Option<String>> {
    let params = use_params_map();
    Memo::new(move |_| {
        let path = params.with(|params| params.get("path").unwrap_or_default());
        if path.is_empty() {
            loader.value.with(|page| page.as_ref().and_then(|page| first_file(&page.items)))
        } else {
            Some(path)
        }
    })
}

/// A project's files.
#[component]
pub(crate) fn FilesPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let loader = load(move || {
        let name = project.name.get();
        project.revision.track();
        async move { calls::project_files(&name).await }
    });
    let chosen = chosen_file(loader);
    let drafts = project.drafts.paths();
    let entries = Memo::new(move |_| {
        loader.value.with(|page| {
            let files = page.as_ref().map(|page| page.items.as_slice()).unwrap_or_default();
            project.newest.value.with(|revision| {
                let conflicts = revision.as_ref().map(|revision| revision.conflicts.as_slice()).unwrap_or_default();
                drafts.with(|drafts| entries(files, conflicts, drafts))
            })
        })
    });
    let base = Signal::derive(move || address(&project.name.get(), Section::Files));
    let tree =
        when_loaded(loader, "The list of files", || skeleton_rows(8), move || view! { <Tree entries base chosen/> });
    let counts = move || {
        loader.value.with(|page| {
            page.as_ref().map(|page| {
                let bytes = page.items.iter().map(|file| file.size).sum();
                format!("{} files, {}", page.items.len(), size_text(bytes))
            })
        })
    };
    let paths =
        Signal::derive(move || entries.with(|entries| entries.iter().map(|entry| entry.path.clone()).collect()));
    let nothing = Memo::new(move |_| loader.value.with(|page| page.as_ref().is_some_and(|page| page.items.is_empty())));
    let content = move || match chosen.get() {
        Some(path) => Some(view! { <FileContent path/> }.into_any()),
        None if nothing.get() => Some(
            view! { <EmptyState title="No files" text="Every file was deleted. Revisions bring them back."/> }
                .into_any(),
        ),
        None => None,
    };
    view! {
        <h2 class="visually-hidden">"Files"</h2>
        {files_head(project, Section::Files)}
        <div class="files">
            <aside class="files-tree" aria-label="Files">
                <header class="files-head">
                    <span class="muted number">{counts}</span>
                    <span class="grow"></span>
                    <NewFile paths/>
                </header>
                {tree}
            </aside>
            <section class="files-content" aria-label="File">{content}</section>
        </div>
    }
    .into_any()
}

/// A way back, as a link in a line of text.
fn link_to(href: String, words: &'static str) -> AnyView {
    view! { <A href=href>{words}</A> }.into_any()
}
