//! The list of projects.

use gantry_domain::api::Page;
use gantry_domain::api::project::ProjectSummary;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api::{ApiError, calls, encode};
use crate::load::{load, loaded};
use crate::pages::set_title;
use crate::parts::{
    Button, ButtonKind, EmptyState, ErrorLine, Icon, LinkButton, TimeAgo, icon, job_pill, skeleton_rows,
};

/// All projects, newest first, filtered by a part of the name.
#[component]
pub(crate) fn ProjectsPage() -> impl IntoView {
    set_title("Projects");
    let query = use_query_map();
    let words = Memo::new(move |_| query.with(|query| query.get("q").unwrap_or_default()));
    let page = load(move || {
        let words = words.get();
        async move { calls::projects(&words, None).await }
    });
    let list = loaded(
        page,
        "The list of projects",
        || skeleton_rows(6),
        move |page: Page<ProjectSummary>| {
            match (page.items.is_empty(), words.get_untracked().is_empty()) {
            (true, true) => view! {
                <EmptyState title="No projects yet" text="A project is an agent under development. Describe in a sentence what it should do; Gantry proposes a spec and writes its code.">
                    <LinkButton kind=ButtonKind::Primary glyph=Icon::Plus href="/projects/new">"New project"</LinkButton>
                </EmptyState>
            }
            .into_any(),
            (true, false) => view! {
                <EmptyState title="No matches" text=format!("No project’s name contains {:?}.", words.get_untracked())>
                    <LinkButton href="/projects">"Show all projects"</LinkButton>
                </EmptyState>
            }
            .into_any(),
            _ => view! { <ProjectTable first=page words=words.get_untracked()/> }.into_any(),
        }
        },
    );
    let some_exist = Memo::new(move |_| {
        page.value.with(|page| page.as_ref().is_some_and(|page| !page.items.is_empty())) || !words.get().is_empty()
    });
    let head_actions = move || {
        some_exist.get().then(|| {
            view! {
                <Filter words/>
                <LinkButton kind=ButtonKind::Primary glyph=Icon::Plus href="/projects/new" shortcut="create">"New project"</LinkButton>
            }
        })
    };
    view! {
        <header class="page-head"><h1>"Projects"</h1><span class="grow"></span>{head_actions}</header>
        {list}
    }
    .into_any()
}

/// The filter; what it holds is in the address as `q`.
#[component]
fn Filter(words: Memo<String>) -> impl IntoView {
    let navigate = use_navigate();
    let show = StoredValue::new_local(move |words: &str| {
        let address = if words.is_empty() { "/projects".to_owned() } else { format!("/projects?q={}", encode(words)) };
        navigate(&address, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
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

/// The rows, with more of them on request.
#[component]
fn ProjectTable(first: Page<ProjectSummary>, words: String) -> impl IntoView {
    let rows = RwSignal::new(first.items);
    let next = RwSignal::new(first.next_cursor);
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let words = StoredValue::new(words);
    let more = Callback::new(move |()| {
        busy.set(true);
        error.set(None);
        leptos::task::spawn_local(async move {
            let cursor = next.get_untracked();
            match calls::projects(&words.get_value(), cursor.as_deref()).await {
                Ok(page) => {
                    rows.try_update(|rows| rows.extend(page.items));
                    next.try_set(page.next_cursor);
                }
                Err(failure) => {
                    error.try_set(Some(failure));
                }
            }
            busy.try_set(false);
        });
    });
    view! {
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
                    <For each=move || rows.get() key=|project| (project.id, project.updated_at) let:project>
                        {project_row(project)}
                    </For>
                </tbody>
            </table>
        </div>
        <ErrorLine error/>
        {move || next.get().map(|_| view! { <div class="more"><Button busy on_press=more>"Show more"</Button></div> })}
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
            <td class="wide-only">{project.framework.as_str()}</td>
            <td class="wide-only"><code>{project.version}</code></td>
            <td class="wide-only">{mark(progress.last_run)}</td>
            <td>{mark(progress.last_build)}</td>
            <td class="wide-only">{mark(progress.last_publication)}</td>
            <td class="end"><TimeAgo at=project.updated_at/></td>
        </tr>
    }
    .into_any()
}
