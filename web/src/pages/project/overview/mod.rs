//! A project at a glance: how far it has come, what comes next, what is live, and what it is.

mod action;
mod live;
mod next;

use std::time::Duration;

use gantry_domain::Timestamp;
use gantry_domain::api::job::JobState;
use gantry_domain::api::project::{ProgressMark, Project};
use gantry_domain::spec::Tool;
use leptos::prelude::*;

use self::action::NextStep;
use self::live::live_card;
use self::next::next;
use super::CurrentProject;
use super::export::ExportButton;
use super::labels::{effect_word, framework_name, pattern_name, source_text};
use crate::api::{encode, work};
use crate::load::{load, when_loaded};
use crate::parts::{Icon, Pill, TimeAgo, Tone, icon, job_pill, skeleton_block};

/// How often a page with work under way looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// A project at a glance.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let current = CurrentProject::expect();
    let is_moving = Memo::new(move |_| current.loader.value.with(|project| project.as_ref().is_some_and(is_moving)));
    Effect::new(move |timer: Option<Option<IntervalHandle>>| {
        if let Some(timer) = timer.flatten() {
            timer.clear();
        }
        let look = move || {
            if !document().hidden() {
                current.loader.reload();
            }
        };
        is_moving.get().then(|| set_interval_with_handle(look, LOOK_AGAIN).ok()).flatten()
    });
    current.loader.reload();
    // Looking again redraws only what has changed.
    let project = Memo::new(move |_| current.get());
    let mark = move |take: fn(&Project) -> &Option<ProgressMark>| {
        Memo::new(move |_| project.with(|project| project.as_ref().and_then(|project| take(project).clone())))
    };
    let last_build = mark(|project| &project.summary.progress.last_build);
    let last_publication = mark(|project| &project.summary.progress.last_publication);
    let live = load(move || {
        last_publication.track();
        let name = current.name.get();
        async move { work::live(&name).await }
    });
    // The digest that the newest build came to.
    let newest = load(move || {
        let done = last_build.get().filter(|build| build.state == JobState::Done).map(|build| build.id);
        async move {
            match done {
                Some(id) => work::build(id).await.map(|build| build.digest),
                None => Ok(None),
            }
        }
    });
    let live_image = Memo::new(move |_| live.value.get());
    let next = Memo::new(move |_| {
        let (live, newest) = (live_image.get()?.image, newest.value.get()?);
        let is_live = newest.is_some() && live.map(|image| image.digest) == newest;
        project.with(|project| project.as_ref().map(|project| next(project, is_live)))
    });
    let live_shown = move || live_image.get().map(|live| live_card(live.image));
    let live_shown = when_loaded(live, "What is live", skeleton_block, move || live_shown);
    let pipeline = move || project.get().map(|project| pipeline(&project));
    let described = move || project.get().map(|project| view! { {agents_card(&project)} {tools_card(&project)} });
    let facts = move || project.get().map(|project| facts_card(&project));
    view! {
        <div class="stack">
            <section class="card pipeline" aria-label="Progress">
                {pipeline}
                <NextStep next/>
            </section>
            <div class="columns">
                <div class="stack">{live_shown} {described}</div>
                {facts}
            </div>
        </div>
    }
    .into_any()
}

/// Whether something is under way that will change by itself.
fn is_moving(project: &Project) -> bool {
    let progress = &project.summary.progress;
    let marks = [&progress.last_run, &progress.last_build, &progress.last_publication];
    marks.into_iter().flatten().any(|mark| !mark.state.is_final())
}

/// One of the five verbs, and where it is.
struct Step {
    verb: &'static str,
    /// The page it is done on, below the project's address.
    page: Option<&'static str>,
    state: AnyView,
    at: Option<Timestamp>,
    /// Whether what it made comes from an older spec than the newest.
    is_outdated: bool,
}

/// The five verbs, each with where it is.
fn pipeline(project: &Project) -> AnyView {
    let summary = &project.summary;
    let progress = &summary.progress;
    let from_mark = |verb, page, mark: &Option<ProgressMark>, never: &'static str| Step {
        verb,
        page: Some(page),
        state: mark
            .as_ref()
            .map_or_else(|| view! { <span class="faint">{never}</span> }.into_any(), |mark| job_pill(mark.state)),
        at: mark.as_ref().map(|mark| mark.at),
        is_outdated: mark.as_ref().is_some_and(|mark| mark.at < summary.updated_at),
    };
    let steps = [
        Step {
            verb: "Generate",
            page: Some("files"),
            state: view! { <Pill tone=Tone::Good glyph=Icon::Check text=format!("Revision {}", project.revision)/> }
                .into_any(),
            at: Some(summary.updated_at),
            is_outdated: false,
        },
        from_mark("Test", "chat", &progress.last_run, "Not run yet"),
        from_mark("Build", "builds", &progress.last_build, "Not built yet"),
        from_mark("Publish", "images", &progress.last_publication, "Not published yet"),
        Step {
            verb: "Release",
            page: None,
            state: view! { <span class="faint">"Not available yet"</span> }.into_any(),
            at: None,
            is_outdated: false,
        },
    ];
    let base = format!("/projects/{}", encode(summary.name.as_str()));
    let shown = steps.into_iter().map(|step| step_view(&base, step)).collect_view();
    view! { <ol>{shown}</ol> }.into_any()
}

fn step_view(base: &str, step: Step) -> AnyView {
    let name = match step.page {
        Some(page) => view! { <a href=format!("{base}/{page}")>{step.verb}</a> }.into_any(),
        None => view! { <span>{step.verb}</span> }.into_any(),
    };
    view! {
        <li class:unavailable=step.page.is_none()>
            <h2>{name}</h2>
            <div>{step.state}</div>
            <p class="hint">
                {step.at.map(|at| view! { <TimeAgo at/> })}
                {step.is_outdated.then_some(", before the last change")}
            </p>
        </li>
    }
    .into_any()
}

fn agents_card(project: &Project) -> AnyView {
    let agents = project.spec.agents.iter().map(|agent| {
        view! {
            <li>
                <h3>{agent.role.clone()} " " <code class="faint">{agent.id.clone()}</code></h3>
                <p class="instructions">{agent.instructions.clone()}</p>
            </li>
        }
    });
    let title = if project.spec.agents.len() == 1 { "Agent" } else { "Agents" };
    view! { <section class="card"><div class="card-head"><h2>{title}</h2></div><ul class="plain-list">{agents.collect_view()}</ul></section> }
        .into_any()
}

fn tools_card(project: &Project) -> AnyView {
    let tools = &project.spec.tools;
    let body = if tools.is_empty() {
        view! { <p class="muted">"None. The agent answers from what its model knows."</p> }.into_any()
    } else {
        view! { <ul class="plain-list">{tools.iter().map(tool_row).collect_view()}</ul> }.into_any()
    };
    view! { <section class="card"><div class="card-head"><h2>"Tools"</h2></div>{body}</section> }.into_any()
}

fn tool_row(tool: &Tool) -> AnyView {
    let source = source_text(&tool.source);
    view! {
        <li>
            <h3><code>{tool.id.clone()}</code> " " <span class="effect">{icon(Icon::Tool)}{effect_word(tool.effect)}</span></h3>
            <p>{tool.description.clone()}</p>
            <p class="hint"><code>{source}</code></p>
        </li>
    }
    .into_any()
}

fn facts_card(project: &Project) -> AnyView {
    let (summary, target) = (&project.summary, &project.spec.target);
    let model = match project.spec.models.get("default").map(|model| model.model.as_str()) {
        Some("") | None => view! { <span>"from the environment"</span> }.into_any(),
        Some(name) => view! { <code>{name.to_owned()}</code> }.into_any(),
    };
    view! {
        <section class="card">
            <div class="card-head"><h2>"Project"</h2></div>
            {(!summary.description.is_empty()).then(|| view! { <p class="description">{summary.description.clone()}</p> })}
            <dl class="facts">
                <dt>"Framework"</dt><dd>{framework_name(target.framework)}</dd>
                <dt>"Pattern"</dt><dd>{pattern_name(target.pattern)}</dd>
                <dt>"Model"</dt><dd>{model}</dd>
                <dt>"Version"</dt><dd><code>{summary.version.clone()}</code></dd>
                <dt>"Revision"</dt><dd>{project.revision}</dd>
                <dt>"Changed"</dt><dd><TimeAgo at=summary.updated_at/></dd>
                <dt>"Created"</dt><dd><TimeAgo at=summary.created_at/></dd>
            </dl>
            <div class="card-foot">
                <ExportButton project=summary.name.to_string()/>
            </div>
        </section>
    }
    .into_any()
}
