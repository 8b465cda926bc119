//! A project's builds: the list here, one build in [`one`], what is known of it in [`progress`].

mod one;
mod progress;
mod steps;

use gantry_domain::api::build::{Build, CreateBuild};
use gantry_domain::api::job::JobState;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_params_map};
use uuid::Uuid;

use super::CurrentProject;
use crate::api::{ApiError, work};
use crate::load::when_loaded;
use crate::paged::paged;
use crate::parts::{
    Button, ButtonKind, EmptyState, ErrorLine, Icon, TimeAgo, duration_text, job_pill, size_text, skeleton_rows,
};
use crate::poll::{every_second, keep_fresh};

/// Starting a build: the button's state, and what went wrong.
#[derive(Clone, Copy)]
pub(super) struct StartBuild {
    /// Whether one is being asked for.
    pub(super) busy: RwSignal<bool>,
    /// Why the last one was refused.
    pub(super) error: RwSignal<Option<ApiError>>,
    /// Starts one.
    pub(super) start: Callback<bool>,
}

/// Prepares to start builds of the project, with (`false`) or without (`true`) the cache; shows the new one.
pub(super) fn start_build() -> StartBuild {
    let project = CurrentProject::expect();
    let navigate = use_navigate();
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None));
    let start = Callback::new(move |no_cache: bool| {
        let (name, navigate) = (project.name.get_untracked(), navigate.clone());
        busy.set(true);
        error.set(None);
        leptos::task::spawn_local(async move {
            let answer = work::create_build(&name, &CreateBuild { no_cache }).await;
            busy.try_set(false);
            match answer {
                Ok(started) => {
                    let id = started["id"].as_str().unwrap_or_default();
                    navigate(&format!("/projects/{name}/builds/{id}"), Default::default());
                }
                Err(problem) => {
                    error.try_set(Some(problem));
                }
            }
        });
    });
    StartBuild { busy, error, start }
}

/// How long a build took, or takes so far.
fn build_millis(build: &Build, now: gantry_domain::Timestamp) -> Option<i64> {
    Some(build.finished_at.unwrap_or(now).millis_since(build.started_at?))
}

/// A project's builds.
#[component]
pub(crate) fn BuildsPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let builds = paged(move || project.name.get(), |name, cursor| async move { work::builds(&name, cursor).await });
    keep_fresh(builds.loader, |entries| entries.items.iter().any(|build| !build.state.is_final()));
    let StartBuild { busy, error, start } = start_build();
    let now = every_second();
    let (items, is_empty) = (builds.items(), builds.is_empty());
    let button = move || {
        view! {
            <Button kind=ButtonKind::Primary glyph=Icon::Build busy shortcut="create" on_press=move |()| start.run(false)>
                "Build image"
            </Button>
        }
    };
    let shown = move || {
        if is_empty.get() {
            return view! {
                <EmptyState title="No builds" text="A build turns this project into an OCI image. Its steps and log appear here.">
                    {button()}
                </EmptyState>
            }
            .into_any();
        }
        view! {
            <div class="page-actions">{button()}</div>
            <div class="table-frame">
                <table class="table">
                    <caption class="visually-hidden">"Builds, newest first"</caption>
                    <thead><tr>
                        <th scope="col">"Build"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="wide-only">"Version"</th>
                        <th scope="col" class="wide-only">"Image"</th>
                        <th scope="col" class="end">"Duration"</th>
                        <th scope="col" class="end wide-only">"Started"</th>
                    </tr></thead>
                    <tbody>
                        // A change of state draws the row anew; all others keep the focus that they may have.
                        <For each=move || items.get() key=|build| (build.id, build.state, build.started_at) let:build>
                            {build_row(project, build, now)}
                        </For>
                    </tbody>
                </table>
            </div>
            {builds.more("builds")}
        }
        .into_any()
    };
    let list = when_loaded(builds.loader, "The list of builds", || skeleton_rows(4), shown);
    view! { <h2 class="visually-hidden">"Builds"</h2> <ErrorLine error/> {list} }.into_any()
}

fn build_row(project: CurrentProject, build: Build, now: ReadSignal<gantry_domain::Timestamp>) -> AnyView {
    let href = format!("/projects/{}/builds/{}", project.name.get_untracked(), build.id);
    let image = build.digest.as_ref().map(|digest| {
        let size = build.size.map(size_text).unwrap_or_default();
        view! { <code>{short_digest(digest.as_str())}</code> " " <span class="muted">{size}</span> }
    });
    let created_at = build.created_at;
    let (number, state, version) = (build.number, build.state, build.version.clone());
    let duration = move || {
        let now = if build.finished_at.is_some() { now.get_untracked() } else { now.get() };
        build_millis(&build, now).map(duration_text)
    };
    view! {
        <tr>
            <td><A href=href attr:data-row="">{format!("#{number}")}</A></td>
            <td>{job_pill(state)}</td>
            <td class="wide-only"><code>{version}</code></td>
            <td class="wide-only">{image}</td>
            <td class="end">{duration}</td>
            <td class="end wide-only"><TimeAgo at=created_at/></td>
        </tr>
    }
    .into_any()
}

/// `sha256:` and the first twelve digits.
pub(super) fn short_digest(digest: &str) -> String {
    digest.chars().take(19).collect()
}

/// Whether a build, or anything else with that state, can still be cancelled.
fn can_cancel(state: JobState) -> bool {
    !state.is_final()
}

/// One build.
#[component]
pub(crate) fn BuildPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("build")?.parse::<Uuid>().ok()));
    let project = CurrentProject::expect();
    let shown = move || match id.get() {
        Some(id) => view! { <one::BuildDetail id/> }.into_any(),
        None => {
            let href = format!("/projects/{}/builds", project.name.get());
            view! {
                <EmptyState title="No such build" text="The address does not name a build.">
                    <crate::parts::LinkButton href>"All builds"</crate::parts::LinkButton>
                </EmptyState>
            }
            .into_any()
        }
    };
    view! { {shown} }.into_any()
}
