//! The rail beside a conversation: the agents of this instance, the chats with this one, its newest runs, and a way
//! to look at a run from a file.

use gantry_domain::api::job::JobState;
use gantry_domain::api::project::ProjectSummary;
use gantry_domain::api::run::Run;
use leptos::html;
use leptos::prelude::*;
use leptos_router::components::A;

use super::state::Chat;
use super::threads::Threads;
use super::transcript::{self, Loaded};
use crate::api::{calls, read_text, work};
use crate::load::{load, when_loaded};
use crate::paged::paged;
use crate::pages::project::CurrentProject;
use crate::pages::project::labels::framework_name;
use crate::parts::pill::job_word;
use crate::parts::{Button, ButtonKind, Icon, LinkButton, TimeAgo, icon, size_text, skeleton_rows};
use crate::poll::keep_fresh;

/// How many agents are listed before the others are asked for.
const FIRST_AGENTS: usize = 6;

/// How many runs are listed.
const NEWEST_RUNS: usize = 5;

/// The largest file that is read, in bytes.
const LARGEST_FILE: f64 = 16.0 * 1024.0 * 1024.0;

/// The rail of a project's chat.
#[component]
pub(super) fn Rail(
    /// The chat that is open.
    chat: Chat,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let words = RwSignal::new(String::new());
    let current = Memo::new(move |_| Some(project.name.get()));
    let version = chat.list_version;
    let href = move || format!("/projects/{}/chat", project.name.get());
    view! {
        <div class="agent-rail">
            <div class="threads-head">
                {move || view! { <LinkButton href=href() glyph=Icon::Plus shortcut="create">"New chat"</LinkButton> }}
                <RailSearch words/>
            </div>
            <div class="rail-lists">
                <AgentList words=words.into() current version=version.into()/>
                <TeamList chat words=words.into()/>
                <section aria-label="Chats"><h2>"Chats"</h2><Threads chat words=words.into()/></section>
                <RecentRuns chat/>
            </div>
            <LoadFile chat/>
        </div>
    }
    .into_any()
}

/// The field that narrows the rail down.
#[component]
pub(super) fn RailSearch(words: RwSignal<String>) -> impl IntoView {
    view! {
        <div class="filter" role="search">
            {icon(Icon::Search)}
            <input
                type="search"
                class="control"
                aria-label="Search agents and chats"
                placeholder="Search"
                autocomplete="off"
                data-shortcut="filter"
                prop:value=words
                on:input:target=move |event| words.set(event.target().value())
                on:keydown=move |event| {
                    if event.key() == "Escape" && !words.with_untracked(String::is_empty) {
                        event.prevent_default();
                        words.set(String::new());
                    }
                }
            />
            <kbd>"/"</kbd>
        </div>
    }
    .into_any()
}

/// Where an agent is, by its newest run: always an icon with a word.
fn status(project: &ProjectSummary) -> AnyView {
    let (class, glyph, word) = match project.progress.last_run.as_ref().map(|run| run.state) {
        None => ("call-state", Icon::Minus, "Not run yet"),
        Some(JobState::Queued | JobState::Running) => ("call-state busy", Icon::Spinner, "At work"),
        Some(JobState::Waiting) => ("call-state busy", Icon::Pause, "Waits for a person"),
        Some(JobState::Done) => ("call-state good", Icon::Check, "Last run done"),
        Some(JobState::Failed) => ("call-state bad", Icon::Cross, "Last run failed"),
        Some(JobState::Cancelled) => ("call-state", Icon::Stop, "Last run stopped"),
    };
    view! { <span class=class title=word>{icon(glyph)}<span class="visually-hidden">{word}</span></span> }.into_any()
}

/// The agents of this instance; the one that is open comes first.
#[component]
pub(super) fn AgentList(
    /// What the names are narrowed down by.
    words: Signal<String>,
    /// The project that is open.
    current: Memo<Option<String>>,
    /// Rises when something ran.
    version: Signal<u32>,
) -> impl IntoView {
    let agents = paged(
        move || words.get().trim().to_owned(),
        |words, cursor| async move { calls::projects(&words, "", cursor).await },
    );
    keep_fresh(agents.loader, |entries| {
        let is_active =
            |project: &ProjectSummary| project.progress.last_run.as_ref().is_some_and(|run| !run.state.is_final());
        entries.items.iter().any(is_active)
    });
    Effect::new(move |before: Option<u32>| {
        let version = version.get();
        if before.is_some_and(|before| before != version) {
            agents.reload();
        }
        version
    });
    let all = RwSignal::new(false);
    let items = agents.items();
    let sorted = Memo::new(move |_| {
        let mut items = items.get();
        let current = current.get();
        items.sort_by_key(|project| Some(project.name.to_string()) != current);
        items
    });
    let shown = Memo::new(move |_| {
        let most = if all.get() || !words.with(|words| words.trim().is_empty()) { usize::MAX } else { FIRST_AGENTS };
        sorted.with(|items| items.iter().take(most).cloned().collect::<Vec<_>>())
    });
    let hidden = Memo::new(move |_| sorted.with(Vec::len).saturating_sub(shown.with(Vec::len)));
    let is_empty = agents.is_empty();
    let row = move |project: ProjectSummary| {
        let name = project.name.to_string();
        let href = format!("/projects/{name}/chat");
        let is_current = {
            let name = name.clone();
            move || current.with(|current| current.as_deref() == Some(name.as_str())).then_some("true")
        };
        view! {
            <li class="agent-row">
                <a href=href data-row="" aria-current=is_current title=project.description.clone()>
                    {status(&project)}
                    <span class="thread-title">{name}</span>
                    <span class="thread-time">{framework_name(project.framework)}</span>
                </a>
            </li>
        }
        .into_any()
    };
    let key = |project: &ProjectSummary| {
        (project.id, project.updated_at, project.progress.last_run.as_ref().map(|run| (run.id, run.state)))
    };
    let list = move || {
        if is_empty.get() {
            let text = if words.with(|words| words.trim().is_empty()) {
                "No agents yet."
            } else {
                "No agent has that in its name."
            };
            return view! { <p class="hint threads-empty">{text}</p> }.into_any();
        }
        view! {
            <ul class="thread-list"><For each=move || shown.get() key=key children=row/></ul>
            {move || (hidden.get() > 0).then(|| view! {
                <div class="more"><Button kind=ButtonKind::Ghost glyph=Icon::Down on_press=move |()| all.set(true)>{format!("{} more", hidden.get_untracked())}</Button></div>
            })}
            {move || (hidden.get() == 0).then(|| agents.more("agents"))}
        }
        .into_any()
    };
    let list = when_loaded(agents.loader, "The list of agents", || skeleton_rows(2), list);
    view! { <section aria-label="Agents"><h2>"Agents"</h2>{list}</section> }.into_any()
}

/// The agents within the project, when there are several, and which of them are at work.
#[component]
fn TeamList(chat: Chat, words: Signal<String>) -> impl IntoView {
    let project = CurrentProject::expect();
    let working = Memo::new(move |_| {
        chat.active().map(|handle| handle.turn.with(|turn| turn.working.clone())).unwrap_or_default()
    });
    let rows = move || {
        project.loader.value.with(|project| {
            let spec = &project.as_ref()?.spec;
            if spec.agents.len() < 2 {
                return None;
            }
            let words = words.with(|words| words.trim().to_lowercase());
            let matching = spec.agents.iter().filter(|agent| {
                agent.id.to_lowercase().contains(&words) || agent.role.to_lowercase().contains(&words)
            });
            let rows = matching.map(|agent| {
                let tasks = spec.tasks.iter().filter(|task| task.agent == agent.id).map(|task| task.id.clone());
                let steps: Vec<String> = tasks.chain([agent.id.clone()]).collect();
                let is_working = Memo::new(move |_| working.with(|working| steps.iter().any(|step| working.contains(step))));
                let mark = move || {
                    let (class, glyph, word) = if is_working.get() {
                        ("call-state busy", Icon::Spinner, "At work")
                    } else {
                        ("call-state", Icon::Agent, "Not at work")
                    };
                    view! { <span class=class title=word>{icon(glyph)}<span class="visually-hidden">{word}</span></span> }
                };
                view! { <li class="team-row">{mark} <span class="thread-title">{agent.role.clone()}</span> <code class="thread-time">{agent.id.clone()}</code></li> }
            });
            let rows = rows.collect_view();
            Some(view! { <section aria-label="Agents in this project"><h2>"In this project"</h2><ul class="thread-list">{rows}</ul></section> })
        })
    };
    view! { {rows} }.into_any()
}

/// The newest runs of the project.
#[component]
fn RecentRuns(chat: Chat) -> impl IntoView {
    let project = CurrentProject::expect();
    let runs = load(move || {
        chat.list_version.track();
        let name = project.name.get();
        async move { work::newest_runs(&name, NEWEST_RUNS).await }
    });
    keep_fresh(runs, |page| page.items.iter().any(|run| !run.state.is_final()));
    let shown = move || {
        let items = Memo::new(move |_| {
            runs.value.with(|page| page.as_ref().map(|page| page.items.clone()).unwrap_or_default())
        });
        move || {
            if items.with(Vec::is_empty) {
                return view! { <p class="hint threads-empty">"Runs appear here."</p> }.into_any();
            }
            let name = project.name.get();
            let rows = items.get().into_iter().map(|run| run_row(&name, run)).collect_view();
            view! { <ul class="thread-list">{rows}</ul> }.into_any()
        }
    };
    let list = when_loaded(runs, "The list of runs", || skeleton_rows(2), shown);
    view! {
        <section aria-label="Recent runs">
            <h2>"Recent runs" <span class="grow"></span> {move || view! { <A href=format!("/projects/{}/runs", project.name.get())>"All"</A> }}</h2>
            {list}
        </section>
    }
    .into_any()
}

fn run_row(project: &str, run: Run) -> AnyView {
    let href = format!("/projects/{project}/runs/{}", run.id);
    let title: String = run.input.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(80).collect();
    view! {
        <li class="thread">
            <A href=href attr:data-row="">
                <span class="thread-title">{title}</span>
                <span class="thread-time">{job_word(run.state)} ", " <TimeAgo at=run.created_at/></span>
            </A>
        </li>
    }
    .into_any()
}

/// Opens a file: a run's trace to look at, or text to say.
#[component]
fn LoadFile(chat: Chat) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let fault = RwSignal::new(None::<String>);
    let take = move |_| {
        let Some(input) = input.get_untracked() else { return };
        let file = input.files().and_then(|files| files.get(0));
        input.set_value("");
        fault.set(None);
        let Some(file) = file else { return };
        leptos::task::spawn_local(async move {
            let name = file.name();
            let found = if file.size() > LARGEST_FILE {
                Err(format!("{name} has {}; at most 16 MiB are read.", size_text(file.size() as i64)))
            } else {
                match read_text(&file).await {
                    Some(text) => transcript::read(&name, &text),
                    None => Err(format!("{name} could not be read.")),
                }
            };
            match found {
                Ok(Loaded::Transcript(transcript)) => {
                    chat.transcript.try_set(Some(*transcript));
                }
                Ok(Loaded::Text(text)) if text.len() > super::composer::MAX_BYTES => {
                    fault.try_set(Some(format!("{name} has {} bytes, and a message may have 65 536.", text.len())));
                }
                Ok(Loaded::Text(text)) => chat.draft.set(text),
                Err(problem) => {
                    fault.try_set(Some(problem));
                }
            }
        });
    };
    let choose = move |()| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    view! {
        <div class="rail-load">
            <input node_ref=input type="file" hidden aria-label="File to load" accept=".json,.txt,.md,text/*,application/json" on:change=take/>
            <Button kind=ButtonKind::Ghost glyph=Icon::Upload on_press=choose>"Load from file…"</Button>
            <p class="field-error" role="alert">{move || fault.get()}</p>
        </div>
    }
    .into_any()
}
