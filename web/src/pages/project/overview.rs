//! A project at a glance: how far it has come, what comes next, and what it is.

use std::time::Duration;

use gantry_domain::Timestamp;
use gantry_domain::api::job::JobState;
use gantry_domain::api::project::{ProgressMark, Project, ProjectProgress};
use gantry_domain::spec::Tool;
use leptos::prelude::*;

use super::CurrentProject;
use super::labels::{effect_word, framework_name, pattern_name, source_text};
use crate::api::{BASE, encode};
use crate::parts::{ButtonKind, Icon, LinkButton, Pill, TimeAgo, Tone, icon, job_pill};

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
    move || project.get().map(|project| overview(&project))
}

/// Whether something is under way that will change by itself.
fn is_moving(project: &Project) -> bool {
    let progress = &project.summary.progress;
    let marks = [&progress.last_run, &progress.last_build, &progress.last_publication];
    marks.into_iter().flatten().any(|mark| !mark.state.is_final())
}

fn overview(project: &Project) -> AnyView {
    view! {
        <div class="stack">
            {pipeline(project)}
            <div class="columns">
                <div class="stack">{agents_card(project)} {tools_card(project)}</div>
                {facts_card(project)}
            </div>
        </div>
    }
    .into_any()
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

/// The five verbs, and one button for the next of them that can be done.
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
    view! {
        <section class="card pipeline" aria-label="Progress">
            <ol>{shown}</ol>
            {next_step(&base, progress, summary.updated_at)}
        </section>
    }
    .into_any()
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

/// What to do next, with the one button for it.
fn next_step(base: &str, progress: &ProjectProgress, changed: Timestamp) -> AnyView {
    let is_done = |mark: &Option<ProgressMark>| {
        mark.as_ref().is_some_and(|mark| mark.state == JobState::Done && mark.at >= changed)
    };
    let under_way = |mark: &Option<ProgressMark>| mark.as_ref().is_some_and(|mark| !mark.state.is_final());
    let (text, label, page, glyph) = if under_way(&progress.last_publication) {
        ("The image is being published.", "Watch it", "images", Icon::Image)
    } else if under_way(&progress.last_build) {
        ("The image is being built.", "Watch the build", "builds", Icon::Build)
    } else if under_way(&progress.last_run) {
        ("A run is under way.", "Go to the chat", "chat", Icon::Chat)
    } else if !is_done(&progress.last_run) && !is_done(&progress.last_build) {
        ("Talk to the agent, and see it call its tools.", "Test in chat", "chat", Icon::Chat)
    } else if !is_done(&progress.last_build) {
        ("Build an image of what was tested.", "Go to build", "builds", Icon::Build)
    } else if !is_done(&progress.last_publication) {
        ("The image is built. Send it to a registry.", "Go to publish", "images", Icon::Image)
    } else {
        ("Published, and nothing has changed since.", "See the image", "images", Icon::Image)
    };
    view! {
        <footer>
            <p>{text}</p>
            <LinkButton kind=ButtonKind::Primary glyph href=format!("{base}/{page}")>{label}</LinkButton>
        </footer>
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
    let download = format!("{BASE}/projects/{}/export", encode(summary.name.as_str()));
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
                <a class="button" href=download download="">{icon(Icon::Download)}"Download ZIP"</a>
            </div>
        </section>
    }
    .into_any()
}
