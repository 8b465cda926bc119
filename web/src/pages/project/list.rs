//! The list of projects.

use gantry_domain::Timestamp;
use gantry_domain::api::job::JobState;
use gantry_domain::api::project::{ProjectState, ProjectSummary};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};
use uuid::Uuid;

use super::import::Importing;
use super::labels::framework_name;
use crate::api::{calls, encode};
use crate::app::pages;
use crate::lazy::lazy;
use crate::load::when_loaded;
use crate::paged::paged;
use crate::pages::set_title;
use crate::parts::{Button, ButtonKind, EmptyState, Icon, LinkButton, TimeAgo, icon, job_pill, skeleton_rows};
use crate::poll::keep_fresh;

/// What the list is narrowed down to: the word in the address and the one on the screen.
fn states() -> impl Iterator<Item = (&'static str, &'static str)> {
    let word = |state: ProjectState| match state {
        ProjectState::Active => "Under way",
        ProjectState::Failed => "Failed",
        ProjectState::Published => "Published",
        ProjectState::Unpublished => "Not published",
    };
    std::iter::once(("", "All")).chain(ProjectState::ALL.map(|state| (state.as_str(), word(state))))
}

/// The address of the list narrowed down to these.
fn address(words: &str, state: &str) -> String {
    match (words, state) {
        ("", "") => "/projects".to_owned(),
        (words, "") => format!("/projects?q={}", encode(words)),
        ("", state) => format!("/projects?state={state}"),
        (words, state) => format!("/projects?q={}&state={state}", encode(words)),
    }
}

/// All projects, newest first, filtered by a part of the name and by state.
#[component]
pub(crate) fn ProjectsPage() -> impl IntoView {
    set_title("Projects");
    let query = use_query_map();
    let words = Memo::new(move |_| query.with(|query| query.get("q").unwrap_or_default()));
    let state = Memo::new(move |_| {
        let wanted = query.with(|query| query.get("state"));
        states().find(|(word, _)| Some(*word) == wanted.as_deref()).map_or("", |(word, _)| word)
    });
    let projects = paged(
        move || (words.get(), state.get()),
        |(words, state), cursor| async move { calls::projects(&words, state, cursor).await },
    );
    keep_fresh(projects.loader, |entries| {
        entries.items.iter().any(|project| {
            let progress = &project.progress;
            let mut marks =
                [&progress.last_run, &progress.last_build, &progress.last_publication].into_iter().flatten();
            marks.any(|mark| !mark.state.is_final())
        })
    });
    let (items, is_empty) = (projects.items(), projects.is_empty());
    let importing = RwSignal::new(false);
    provide_context(Importing(importing));
    let wanted = Memo::new(move |before: Option<&bool>| importing.get() || before == Some(&true));
    let import_dialog = move || wanted.get().then(lazy(pages::import_project));
    let is_filtered = Memo::new(move |_| !(words.with(String::is_empty) && state.get().is_empty()));
    let shown = move || {
        match (is_empty.get(), is_filtered.get()) {
        (true, false) => view! {
            <EmptyState title="No projects yet" text="A project is an agent under development. Describe in a sentence what it should do; Gantry proposes a spec and writes its code.">
                <LinkButton kind=ButtonKind::Primary glyph=Icon::Plus href="/projects/new">"New project"</LinkButton>
                <Button glyph=Icon::Download on_press=move |()| importing.set(true)>"Import"</Button>
            </EmptyState>
        }
        .into_any(),
        (true, true) => view! {
            <EmptyState title="No matches" text=no_match_text(&words.get(), state.get())>
                <LinkButton href="/projects">"Show all projects"</LinkButton>
            </EmptyState>
        }
        .into_any(),
        _ => view! {
            <div class="table-frame">
                <table class="table">
                    <caption class="visually-hidden">"Projects, newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col" class="wide-only">"Framework"</th>
                            <th scope="col" class="wide-only">"Version"</th>
                            <th scope="col" class="wide-only">"Last run"</th>
                            <th scope="col">"Last build"</th>
                            <th scope="col" class="wide-only">"Published"</th>
                            <th scope="col" class="end">"Changed"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || items.get() key=row_key let:project>{project_row(project)}</For>
                    </tbody>
                </table>
            </div>
            {projects.more("projects")}
        }
        .into_any(),
    }
    };
    let list = when_loaded(projects.loader, "The list of projects", || skeleton_rows(6), shown);
    let some_exist =
        Memo::new(move |_| is_filtered.get() || (projects.loader.value.with(Option::is_some) && !is_empty.get()));
    let head_actions = move || {
        some_exist.get().then(|| {
            view! {
                <Filter words state/>
                <Button glyph=Icon::Download on_press=move |()| importing.set(true)>"Import"</Button>
                <LinkButton kind=ButtonKind::Primary glyph=Icon::Plus href="/projects/new" shortcut="create">"New project"</LinkButton>
            }
        })
    };
    let state_filter = move || {
        some_exist.get().then(|| {
            let links = states().map(|(value, word)| {
                view! {
                    <a href=move || words.with(|words| address(words, value)) aria-current=move || (state.get() == value).then_some("true")>{word}</a>
                }
            });
            view! { <nav class="switcher list-filter" aria-label="State">{links.collect_view()}</nav> }
        })
    };
    view! {
        <header class="page-head"><h1>"Projects"</h1><span class="grow"></span>{head_actions}</header>
        {state_filter}
        {list}
        {import_dialog}
    }
    .into_any()
}

/// Why the narrowed-down list is empty.
fn no_match_text(words: &str, state: &str) -> String {
    let what = match state {
        "active" => "has anything under way",
        "failed" => "has a newest run, build or publication that failed",
        "published" => "was published yet",
        "unpublished" => "is without a published image",
        _ => return format!("No project’s name contains {words:?}."),
    };
    if words.is_empty() {
        format!("No project {what}.")
    } else {
        format!("No project whose name contains {words:?} {what}.")
    }
}

/// What changes in a project draws its row anew.
fn row_key(project: &ProjectSummary) -> (Uuid, Timestamp, [Option<(Uuid, JobState)>; 3]) {
    let progress = &project.progress;
    let states = [&progress.last_run, &progress.last_build, &progress.last_publication]
        .map(|mark| mark.as_ref().map(|mark| (mark.id, mark.state)));
    (project.id, project.updated_at, states)
}

/// The filter; what it holds is in the address as `q`.
#[component]
fn Filter(words: Memo<String>, state: Memo<&'static str>) -> impl IntoView {
    let navigate = use_navigate();
    let show = StoredValue::new_local(move |words: &str| {
        let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&address(words, state.get_untracked()), options);
    });
    view! {
        <div class="filter" role="search">
            {icon(Icon::Search)}
            <input
                type="search"
                class="control"
                aria-label="Filter projects"
                placeholder="Filter"
                autocomplete="off"
                data-shortcut="filter"
                prop:value=words
                on:input:target=move |event| show.with_value(|show| show(&event.target().value()))
                on:keydown=move |event| {
                    if event.key() == "Escape" {
                        show.with_value(|show| show(""));
                    }
                }
            />
            <kbd>"/"</kbd>
        </div>
    }
    .into_any()
}

fn project_row(project: ProjectSummary) -> AnyView {
    let mark = |mark: Option<gantry_domain::api::project::ProgressMark>| match mark {
        Some(mark) => job_pill(mark.state),
        None => view! { <span class="faint">"none"</span> }.into_any(),
    };
    let progress = project.progress;
    view! {
        <tr>
            <td class="main-cell">
                <A href=format!("/projects/{}", project.name) attr:data-row="">{project.name.to_string()}</A>
                <span class="sub">{project.description}</span>
            </td>
            <td class="wide-only">{framework_name(project.framework)}</td>
            <td class="wide-only"><code>{project.version}</code></td>
            <td class="wide-only">{mark(progress.last_run)}</td>
            <td>{mark(progress.last_build)}</td>
            <td class="wide-only">{mark(progress.last_publication)}</td>
            <td class="end"><TimeAgo at=project.updated_at/></td>
        </tr>
    }
    .into_any()
}
