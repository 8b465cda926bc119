//! A project's runs: the list here, one run in [`one`], its spans in [`waterfall`] and [`details`].

mod again;
mod details;
mod one;
mod recorded;
mod waterfall;

use gantry_domain::Timestamp;
use gantry_domain::api::run::{PermissionMode, Run, RunRuntime};
use gantry_domain::event::Usage;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

use super::CurrentProject;
use super::chat::model_name;
use crate::api::work;
use crate::load::when_loaded;
use crate::paged::paged;
use crate::parts::money::money_text;
use crate::parts::{EmptyState, Icon, LinkButton, TimeAgo, duration_text, icon, job_pill, skeleton_rows};
use crate::poll::{every_second, keep_fresh};

/// How much of what the agent was told is shown in a row.
const LONGEST_TITLE: usize = 120;

/// The word for a mode.
pub(in crate::pages::project) fn mode_word(mode: PermissionMode) -> &'static str {
    match mode {
        PermissionMode::Safe => "Safe",
        PermissionMode::Ask => "Ask",
        PermissionMode::Dev => "Dev",
    }
}

/// What executes a run, in a word.
pub(in crate::pages::project) fn runtime_word(runtime: RunRuntime) -> &'static str {
    match runtime {
        RunRuntime::Native => "native",
        RunRuntime::Container => "in a container",
        RunRuntime::Process => "as a process",
    }
}

/// What was said, in a line.
fn title_of(input: &str) -> String {
    let line = input.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_TITLE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Tokens in and out; nothing when none were counted.
fn tokens_of(usage: &Usage) -> Option<String> {
    (usage.input_tokens + usage.output_tokens > 0).then(|| format!("{} / {}", usage.input_tokens, usage.output_tokens))
}

/// A project's runs.
#[component]
pub(crate) fn RunsPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let runs = paged(move || project.name.get(), |name, cursor| async move { work::runs(&name, cursor).await });
    keep_fresh(runs.loader, |entries| entries.items.iter().any(|run| !run.state.is_final()));
    let now = every_second();
    let (items, is_empty) = (runs.items(), runs.is_empty());
    let to_chat = move || {
        let href = format!("/projects/{}/chat", project.name.get());
        view! { <LinkButton href glyph=Icon::Chat>"Chat"</LinkButton> }
    };
    let shown = move || {
        if is_empty.get() {
            return view! {
                <EmptyState title="No runs" text="A run is one execution of the agent: a message in a chat, a step tried by itself, or a run that was done again. Its spans and events appear here.">
                    {to_chat()}
                </EmptyState>
            }
            .into_any();
        }
        view! {
            <div class="page-actions">{to_chat()}</div>
            <div class="table-frame">
                <table class="table">
                    <caption class="visually-hidden">"Runs, newest first"</caption>
                    <thead><tr>
                        <th scope="col">"Run"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="wide-only">"Model"</th>
                        <th scope="col" class="end wide-only">"Tokens in / out"</th>
                        <th scope="col" class="end wide-only">"Cost"</th>
                        <th scope="col" class="end">"Duration"</th>
                        <th scope="col" class="end wide-only">"Started"</th>
                    </tr></thead>
                    <tbody>
                        <For each=move || items.get() key=|run| (run.id, run.state, run.usage.model_calls, run.finished_at) let:run>
                            {run_row(project, run, now)}
                        </For>
                    </tbody>
                </table>
            </div>
            {runs.more("runs")}
        }
        .into_any()
    };
    let list = when_loaded(runs.loader, "The list of runs", || skeleton_rows(4), shown);
    view! { <h2 class="visually-hidden">"Runs"</h2> {list} }.into_any()
}

fn run_row(project: CurrentProject, run: Run, now: ReadSignal<Timestamp>) -> AnyView {
    let href = format!("/projects/{}/runs/{}", project.name.get_untracked(), run.id);
    let is_rehearsal = run.provider_id.is_none();
    let (started_at, finished_at) = (run.started_at, run.finished_at);
    let duration = move || {
        let end = finished_at.unwrap_or_else(|| now.get());
        Some(duration_text(end.millis_since(started_at?)))
    };
    let origin = match (&run.session_id, &run.taken_from) {
        (Some(_), _) => "in a chat",
        (None, Some(_)) => "another run done anew",
        (None, None) => "by itself",
    };
    view! {
        <tr>
            <td class="main-cell">
                <A href=href attr:data-row="">{title_of(&run.input)}</A>
                <span class="sub">{mode_word(run.mode)} ", " {runtime_word(run.runtime)} ", " {origin}</span>
            </td>
            <td>{job_pill(run.state)}</td>
            <td class="wide-only">{model_name(&run.model, is_rehearsal)}</td>
            <td class="end wide-only">{tokens_of(&run.usage)}</td>
            <td class="end wide-only">{run.usage.cost_micros.map(money_text)}</td>
            <td class="end">{duration}</td>
            <td class="end wide-only"><TimeAgo at=run.created_at/></td>
        </tr>
    }
    .into_any()
}

/// One run.
#[component]
pub(crate) fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("run")?.parse::<Uuid>().ok()));
    let project = CurrentProject::expect();
    let shown = move || match id.get() {
        Some(id) => view! { <one::RunDetail id/> }.into_any(),
        None => {
            let href = format!("/projects/{}/runs", project.name.get());
            view! {
                <EmptyState title="No such run" text="The address does not name a run.">
                    <LinkButton href>"All runs"</LinkButton>
                </EmptyState>
            }
            .into_any()
        }
    };
    view! { {shown} }.into_any()
}

/// The icon of what a span is.
fn kind_icon(kind: gantry_domain::trace::SpanKind) -> AnyView {
    use gantry_domain::trace::SpanKind;
    icon(match kind {
        SpanKind::Run => Icon::Play,
        SpanKind::Queue => Icon::Clock,
        SpanKind::Step => Icon::Agent,
        SpanKind::ModelTurn => Icon::Model,
        SpanKind::ToolCall => Icon::Tool,
        SpanKind::Approval => Icon::Person,
        SpanKind::Project => Icon::Project,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_input_is_a_line() {
        assert_eq!(title_of(" a\n b "), "a b");
        assert_eq!(title_of(&"ü".repeat(200)).chars().count(), LONGEST_TITLE + 1);
    }

    #[test]
    fn tokens_that_were_not_counted_are_not_zero() {
        assert_eq!(tokens_of(&Usage::default()), None);
        assert_eq!(tokens_of(&Usage { input_tokens: 3, ..Usage::default() }).as_deref(), Some("3 / 0"));
    }
}
