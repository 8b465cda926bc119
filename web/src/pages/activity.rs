//! All jobs of this instance, and whether its parts work.

use gantry_domain::Timestamp;
use gantry_domain::api::job::{Job, JobKind, JobState};
use gantry_domain::api::system::PartState;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api::{calls, work};
use crate::load::{Loader, load, loaded};
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
const KINDS: [(&str, &str); 4] = [("", "All kinds"), ("run", "Runs"), ("build", "Builds"), ("publish", "Publications")];

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
    let loader = load(move || {
        let (state, kind) = (state.get(), kind.get());
        async move { work::jobs(state, kind, None).await }
    });
    // New jobs come from elsewhere too, so the page is read again whether or not something is active.
    keep_fresh(loader, |_| true);
    // What is further down is read on demand, and not again.
    let (further, next) = (RwSignal::new(Vec::<Job>::new()), RwSignal::new(None::<Option<String>>));
    Effect::new(move |_| {
        state.track();
        kind.track();
        further.set(Vec::new());
        next.set(None);
    });
    let toaster = use_toaster();
    let loading_more = RwSignal::new(false);
    let more = move |cursor: String| {
        loading_more.set(true);
        leptos::task::spawn_local(async move {
            match work::jobs(state.get_untracked(), kind.get_untracked(), Some(&cursor)).await {
                Ok(page) => {
                    further.try_update(|further| further.extend(page.items));
                    next.try_set(Some(page.next_cursor));
                }
                Err(error) => toaster.bad(error.to_string()),
            }
            loading_more.try_set(false);
        });
    };
    let now = every_second();
    let list = loaded(
        loader,
        "The list of jobs",
        || skeleton_rows(6),
        move |page| {
            if page.items.is_empty() {
                let text = "Runs, builds and publications appear here while they are under way and after.";
                let title = if state.get_untracked().is_empty() && kind.get_untracked().is_empty() {
                    "No jobs"
                } else {
                    "No such jobs"
                };
                return view! { <EmptyState title text/> }.into_any();
            }
            let cursor = next.get().unwrap_or(page.next_cursor);
            let mut jobs = page.items;
            // A job that moved down the list while more was read is listed once.
            let known: Vec<_> = jobs.iter().map(|job| job.id).collect();
            jobs.extend(further.get().into_iter().filter(|job| !known.contains(&job.id)));
            let rows = jobs.into_iter().map(|job| job_row(job, loader, now)).collect_view();
            let more = cursor.map(|cursor| {
            view! { <div class="more"><Button busy=loading_more on_press=move |()| more(cursor.clone())>"Show more"</Button></div> }
        });
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
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                {more}
            }
            .into_any()
        },
    );
    view! {
        <header class="page-head"><h1>"Activity"</h1></header>
        <Health/>
        <Filters state kind/>
        {list}
    }
    .into_any()
}

#[component]
fn Filters(state: Memo<&'static str>, kind: Memo<&'static str>) -> impl IntoView {
    let href = |state: &str, kind: &str| match (state, kind) {
        ("", "") => "/activity".to_owned(),
        ("", kind) => format!("/activity?kind={kind}"),
        (state, "") => format!("/activity?state={state}"),
        (state, kind) => format!("/activity?state={state}&kind={kind}"),
    };
    let states = STATES.map(|(value, word)| {
        view! {
            <a href=move || href(value, kind.get()) aria-current=move || (state.get() == value).then_some("true")>{word}</a>
        }
    });
    let navigate = use_navigate();
    let options =
        KINDS.map(|(value, word)| view! { <option value=value selected=move || kind.get() == value>{word}</option> });
    view! {
        <div class="row activity-filters">
            <nav class="switcher" aria-label="State">{states.into_iter().collect_view()}</nav>
            <select class="control kind-filter" aria-label="Kind"
                on:change:target=move |event| navigate(&href(state.get_untracked(), &event.target().value()), Default::default())>
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
    }
}

/// Where the thing that a job works on is shown.
fn subject_address(job: &Job) -> Option<String> {
    let project = job.project_name.as_ref()?;
    Some(match (job.kind, job.subject_id) {
        (JobKind::Build, Some(build)) => format!("/projects/{project}/builds/{build}"),
        (JobKind::Build, None) => format!("/projects/{project}/builds"),
        (JobKind::Run, _) => format!("/projects/{project}/chat"),
        (JobKind::Publish, _) => format!("/projects/{project}/images"),
    })
}

fn job_row(job: Job, loader: Loader<gantry_domain::api::Page<Job>>, now: ReadSignal<Timestamp>) -> AnyView {
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
            <td class="end">{job_action(&job, loader)}</td>
        </tr>
    }
    .into_any()
}

/// Cancel what is under way, retry what failed.
fn job_action(job: &Job, loader: Loader<gantry_domain::api::Page<Job>>) -> Option<AnyView> {
    let (id, toaster) = (job.id, use_toaster());
    let asked = job.cancel_requested_at.is_some();
    let busy = RwSignal::new(false);
    let act = move |cancel: bool| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = if cancel { work::cancel_job(id).await } else { work::retry_job(id).await };
            match answer {
                Ok(_) => loader.reload(),
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
