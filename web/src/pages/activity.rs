//! All jobs of this instance, and whether its parts work.

use gantry_domain::Timestamp;
use gantry_domain::api::eval::{GateOverride, OverriddenGate};
use gantry_domain::api::job::{Job, JobKind, JobState};
use gantry_domain::api::system::PartState;
use gantry_domain::eval::gate::GateAction;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api::{calls, encode, evals, work};
use crate::load::{load, loaded, when_loaded};
use crate::paged::{Paged, paged};
use crate::parts::{
    Button, ButtonKind, EmptyState, Icon, Pill, TimeAgo, Tone, duration_text, icon, job_pill, skeleton_rows,
    use_toaster,
};
use crate::poll::{every_second, keep_fresh};

/// What a filter offers: the word in the address, and the one on the screen.
const STATES: [(&str, &str); 7] = [
    ("", "All"),
    ("queued", "Queued"),
    ("running", "Running"),
    ("waiting", "Waiting"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
];
const KINDS: [(&str, &str); 5] =
    [("", "All kinds"), ("run", "Runs"), ("eval", "Evals"), ("build", "Builds"), ("publish", "Publications")];

/// The word from the address if it is one that is known.
fn known<'a>(words: &'a [(&'a str, &'a str)], word: Option<String>) -> &'a str {
    words.iter().find(|(known, _)| Some(*known) == word.as_deref()).map_or("", |(known, _)| known)
}

/// All jobs of this instance.
#[component]
pub(crate) fn ActivityPage() -> impl IntoView {
    crate::pages::set_title("Activity");
    let query = use_query_map();
    let state = Memo::new(move |_| known(&STATES, query.with(|query| query.get("state"))));
    let kind = Memo::new(move |_| known(&KINDS, query.with(|query| query.get("kind"))));
    let by = Memo::new(move |_| query.with(|query| query.get("by").unwrap_or_default()));
    let jobs = paged(
        move || (state.get(), kind.get(), by.get()),
        |(state, kind, by), cursor| async move { work::jobs(state, kind, &by, cursor).await },
    );
    // New jobs come from elsewhere too, so the page is read again whether or not something is active.
    keep_fresh(jobs.loader, |_| true);
    let now = every_second();
    let (items, is_empty) = (jobs.items(), jobs.is_empty());
    let shown = move || {
        if is_empty.get() {
            let is_filtered = !(state.get().is_empty() && kind.get().is_empty() && by.with(String::is_empty));
            let text = "Runs, builds and publications appear here while they are under way and after.";
            let title = if is_filtered { "No such jobs" } else { "No jobs" };
            return view! { <EmptyState title text/> }.into_any();
        }
        view! {
            <div class="table-frame">
                <table class="table activity">
                    <caption class="visually-hidden">"Jobs, newest first"</caption>
                    <thead><tr>
                        <th scope="col">"Job"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="wide-only">"Attempt"</th>
                        <th scope="col" class="end wide-only">"Duration"</th>
                        <th scope="col" class="end wide-only">"Created"</th>
                        <th scope="col" class="end"><span class="visually-hidden">"Actions"</span></th>
                    </tr></thead>
                    <tbody>
                        // What changes in a job draws its row anew; all others keep the focus that they may have.
                        <For
                            each=move || items.get()
                            key=|job| (job.id, job.state, job.attempt, job.cancel_requested_at, job.reason.as_ref().map(|reason| reason.message.clone()))
                            let:job
                        >
                            {job_row(job, jobs, now)}
                        </For>
                    </tbody>
                </table>
            </div>
            {jobs.more("jobs")}
        }
        .into_any()
    };
    let list = when_loaded(jobs.loader, "The list of jobs", || skeleton_rows(6), shown);
    view! {
        <header class="page-head"><h1>"Activity"</h1></header>
        <Health/>
        <Filters state kind by/>
        {list}
        <Overridden/>
    }
    .into_any()
}

/// What was let through gates, if anything ever was.
#[component]
fn Overridden() -> impl IntoView {
    let made = paged(|| (), |(), cursor| async move { evals::overridden_gates(cursor).await });
    let (items, is_empty) = (made.items(), made.is_empty());
    let row = |one: OverriddenGate| {
        let GateOverride { channel, action, revision, reason, created_by, created_at, used_at, .. } = one.made;
        let what = format!(
            "{} of {}, revision {revision}",
            if action == GateAction::Build { "Build" } else { "Publication" },
            one.project
        );
        view! {
            <tr>
                <td class="main-cell">{what}<span class="sub">{reason}</span></td>
                <td class="wide-only">{channel.as_str()}</td>
                <td>{if used_at.is_some() { "used" } else { "not used" }}</td>
                <td class="wide-only">{created_by}</td>
                <td class="end wide-only"><TimeAgo at=created_at/></td>
            </tr>
        }
        .into_any()
    };
    move || {
        (made.loader.value.with(Option::is_some) && !is_empty.get()).then(|| {
            view! {
                <section class="stack overridden" aria-labelledby="overridden-heading">
                    <h2 id="overridden-heading">"Let through gates"</h2>
                    <div class="table-frame">
                        <table class="table">
                            <caption class="visually-hidden">"What was let through gates, newest first"</caption>
                            <thead><tr>
                                <th scope="col">"What, and why"</th>
                                <th scope="col" class="wide-only">"Channel"</th>
                                <th scope="col">"Override"</th>
                                <th scope="col" class="wide-only">"By"</th>
                                <th scope="col" class="end wide-only">"When"</th>
                            </tr></thead>
                            <tbody><For each=move || items.get() key=|one| (one.made.id, one.made.used_at) children=row/></tbody>
                        </table>
                    </div>
                    {made.more("overrides")}
                </section>
            }
        })
    }
}

/// The address of the list narrowed down to these.
fn address(state: &str, kind: &str, by: &str) -> String {
    let words = [("state", state), ("kind", kind), ("by", by)];
    let query: Vec<String> = words
        .into_iter()
        .filter(|(_, word)| !word.is_empty())
        .map(|(name, word)| format!("{name}={}", encode(word)))
        .collect();
    if query.is_empty() { "/activity".to_owned() } else { format!("/activity?{}", query.join("&")) }
}

#[component]
fn Filters(state: Memo<&'static str>, kind: Memo<&'static str>, by: Memo<String>) -> impl IntoView {
    let states = STATES.map(|(value, word)| {
        view! {
            <a href=move || address(value, kind.get(), &by.get()) aria-current=move || (state.get() == value).then_some("true")>{word}</a>
        }
    });
    let navigate = use_navigate();
    let options =
        KINDS.map(|(value, word)| view! { <option value=value selected=move || kind.get() == value>{word}</option> });
    let choose = move |kind: String| {
        navigate(&address(state.get_untracked(), &kind, &by.get_untracked()), Default::default());
    };
    let person = move || {
        let by = by.get();
        (!by.is_empty()).then(|| {
            view! {
                <a class="button" href=move || address(state.get(), kind.get(), "") title="Show everybody's">
                    {icon(Icon::Cross)} "by " {by} <span class="visually-hidden">": show everybody's"</span>
                </a>
            }
        })
    };
    view! {
        <div class="row activity-filters">
            <nav class="switcher" aria-label="State">{states.into_iter().collect_view()}</nav>
            <span class="grow"></span>
            {person}
            <select class="control kind-filter" aria-label="Kind" on:change:target=move |event| choose(event.target().value())>
                {options.into_iter().collect_view()}
            </select>
        </div>
    }
    .into_any()
}

fn kind_words(kind: JobKind) -> (&'static str, Icon) {
    match kind {
        JobKind::Run => ("Run", Icon::Chat),
        JobKind::Build => ("Build", Icon::Build),
        JobKind::Publish => ("Publish", Icon::Registry),
        JobKind::Push => ("Push", Icon::Registry),
        JobKind::Eval => ("Eval", Icon::Check),
    }
}

/// Where the thing that a job works on is shown.
fn subject_address(job: &Job) -> Option<String> {
    let project = job.project_name.as_ref()?;
    Some(match (job.kind, job.subject_id) {
        (JobKind::Build, Some(build)) => format!("/projects/{project}/builds/{build}"),
        (JobKind::Build, None) => format!("/projects/{project}/builds"),
        (JobKind::Run, Some(run)) => format!("/projects/{project}/runs/{run}"),
        (JobKind::Run, None) => format!("/projects/{project}/runs"),
        (JobKind::Publish, _) => format!("/projects/{project}/images"),
        (JobKind::Eval, Some(eval)) => format!("/projects/{project}/evals/{eval}"),
        (JobKind::Eval, None) => format!("/projects/{project}/evals"),
        (JobKind::Push, _) => format!("/projects/{project}/files"),
    })
}

fn job_row(job: Job, jobs: Paged<Job>, now: ReadSignal<Timestamp>) -> AnyView {
    let (word, glyph) = kind_words(job.kind);
    let name = job.project_name.clone().unwrap_or_else(|| "deleted project".to_owned());
    let title = format!("{word} {name}");
    let subject = match subject_address(&job) {
        Some(href) => view! { <A href=href attr:data-row="">{title}</A> }.into_any(),
        None => view! { <span>{title}</span> }.into_any(),
    };
    let reason = job.reason.as_ref().filter(|_| job.state != JobState::Done).map(|reason| reason.message.clone());
    let sub = reason.unwrap_or_else(|| format!("by {}", job.created_by));
    let (started_at, finished_at) = (job.started_at, job.finished_at);
    let duration = move || {
        let begin = started_at?;
        let end = finished_at.unwrap_or_else(|| now.get());
        Some(duration_text(end.millis_since(begin)))
    };
    let attempt = if job.attempt > 0 { format!("{} of {}", job.attempt, job.max_attempts) } else { String::new() };
    view! {
        <tr>
            <td class="main-cell">
                <div class="job-name">{icon(glyph)} <div>{subject}<span class="sub" title=sub.clone()>{sub.clone()}</span></div></div>
            </td>
            <td>{job_pill(job.state)}</td>
            <td class="wide-only number">{attempt}</td>
            <td class="end wide-only">{duration}</td>
            <td class="end wide-only"><TimeAgo at=job.created_at/></td>
            <td class="end">{job_action(&job, jobs)}</td>
        </tr>
    }
    .into_any()
}

/// Cancel what is under way, retry what failed.
fn job_action(job: &Job, jobs: Paged<Job>) -> Option<AnyView> {
    let (id, toaster) = (job.id, use_toaster());
    let asked = job.cancel_requested_at.is_some();
    let busy = RwSignal::new(false);
    let act = move |cancel: bool| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = if cancel { work::cancel_job(id).await } else { work::retry_job(id).await };
            match answer {
                Ok(_) => jobs.reload(),
                Err(error) => toaster.bad(error.to_string()),
            }
            busy.try_set(false);
        });
    };
    match job.state {
        JobState::Queued | JobState::Running | JobState::Waiting if asked => {
            Some(view! { <span class="muted">"Cancelling"</span> }.into_any())
        }
        JobState::Queued | JobState::Running | JobState::Waiting => Some(
            view! { <Button kind=ButtonKind::Ghost glyph=Icon::Stop busy label="Cancel job" on_press=move |()| act(true)/> }.into_any(),
        ),
        JobState::Failed => Some(
            view! { <Button kind=ButtonKind::Ghost glyph=Icon::Retry busy label="Try job again" on_press=move |()| act(false)/> }.into_any(),
        ),
        JobState::Done | JobState::Cancelled => None,
    }
}

/// Which parts of the node work.
#[component]
fn Health() -> impl IntoView {
    let system = load(|| async move { calls::system().await });
    keep_fresh(system, |system| system.parts.iter().any(|part| !part.ok));
    let shown = loaded(
        system,
        "The state of this node",
        || ().into_any(),
        |system| {
            let parts = system.parts.into_iter().map(part_mark).collect_view();
            view! {
                <section class="health" aria-label="Health">
                    <span><span class="muted">"Node "</span><code>{system.node}</code></span>
                    <span class="muted">{system.database} ", Gantry " {system.version}</span>
                    <ul>{parts}</ul>
                </section>
            }
            .into_any()
        },
    );
    view! { {shown} }.into_any()
}

fn part_mark(part: PartState) -> AnyView {
    let (tone, glyph) = match (part.ok, part.optional) {
        (true, _) => (Tone::Good, Icon::Check),
        (false, true) => (Tone::Idle, Icon::Warning),
        (false, false) => (Tone::Bad, Icon::Cross),
    };
    let message = (!part.ok).then(|| view! { <span class="part-message">{part.message.clone()}</span> });
    view! { <li title=part.message.clone()><Pill tone glyph text=part.name/>{message}</li> }.into_any()
}
