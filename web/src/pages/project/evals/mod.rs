//! A project's evals: the list here, one report in [`report`], the cases in [`cases`], the gates in [`gates`].

mod begin;
mod case_form;
mod cases;
mod gates;
mod report;

use gantry_domain::api::eval::{Eval, EvalOutcome};
use gantry_domain::api::job::JobState;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

use super::CurrentProject;
use super::runs::runtime_word;
use crate::api::evals;
use crate::load::when_loaded;
use crate::paged::paged;
use crate::parts::{
    Button, ButtonKind, EmptyState, Icon, LinkButton, Pill, TimeAgo, Tone, duration_text, job_pill, skeleton_rows,
};
use crate::poll::{every_second, keep_fresh};

pub(crate) use self::cases::CasesPage;
pub(crate) use self::gates::GatesPage;

/// The views of evals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Reports,
    Cases,
    Gates,
}

/// The links to the views, above each of them.
fn views(current: View) -> AnyView {
    let project = CurrentProject::expect();
    let link = move |view: View, page: &'static str, word: &'static str| {
        let href = move || format!("/projects/{}/evals{page}", project.name.get());
        view! { <a href=href aria-current=(view == current).then_some("page")>{word}</a> }
    };
    view! {
        <nav class="switcher" aria-label="Views of the evals">
            {link(View::Reports, "", "Reports")}
            {link(View::Cases, "/cases", "Cases")}
            {link(View::Gates, "/gates", "Gates")}
        </nav>
    }
    .into_any()
}

/// How an eval came out, or where it is.
fn outcome_pill(state: JobState, outcome: Option<EvalOutcome>) -> AnyView {
    match outcome {
        Some(EvalOutcome::Passed) => view! { <Pill tone=Tone::Good glyph=Icon::Check text="Passed"/> }.into_any(),
        Some(EvalOutcome::Failed) => view! { <Pill tone=Tone::Bad glyph=Icon::Cross text="Not passed"/> }.into_any(),
        // It waits for its runs, not for a person.
        None if state == JobState::Waiting => {
            view! { <Pill tone=Tone::Busy glyph=Icon::Spinner text="Running"/> }.into_any()
        }
        None => job_pill(state),
    }
}

/// A project's evals.
#[component]
pub(crate) fn EvalsPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let all = paged(move || project.name.get(), |name, cursor| async move { evals::evals(&name, cursor).await });
    keep_fresh(all.loader, |entries| entries.items.iter().any(|eval| !eval.state.is_final()));
    let open = RwSignal::new(false);
    let now = every_second();
    let (items, is_empty) = (all.items(), all.is_empty());
    let button = move || {
        view! {
            <Button kind=ButtonKind::Primary glyph=Icon::Play shortcut="create" on_press=move |()| open.set(true)>
                "Run eval"
            </Button>
        }
    };
    let shown = move || {
        if is_empty.get() {
            return view! {
                <EmptyState title="No evals" text="An eval holds this revision against what every agent must obey and, with a model, against its cases. Its report appears here, compared with the one before.">
                    {button()}
                </EmptyState>
            }
            .into_any();
        }
        view! {
            <div class="table-frame">
                <table class="table">
                    <caption class="visually-hidden">"Evals, newest first"</caption>
                    <thead><tr>
                        <th scope="col">"Eval"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col" class="end">"Score"</th>
                        <th scope="col" class="wide-only">"Revision"</th>
                        <th scope="col" class="wide-only">"Model"</th>
                        <th scope="col" class="end wide-only">"Duration"</th>
                        <th scope="col" class="end wide-only">"Started"</th>
                    </tr></thead>
                    <tbody>
                        <For each=move || items.get() key=|eval| (eval.id, eval.state, eval.outcome) let:eval>
                            {row(project, eval, now)}
                        </For>
                    </tbody>
                </table>
            </div>
            {all.more("evals")}
        }
        .into_any()
    };
    let list = when_loaded(all.loader, "The list of evals", || skeleton_rows(4), shown);
    view! {
        <h2 class="visually-hidden">"Evals"</h2>
        <div class="row">
            {views(View::Reports)}
            <span class="grow"></span>
            {move || (!is_empty.get()).then(button)}
        </div>
        {list}
        <begin::BeginDialog open/>
    }
    .into_any()
}

fn row(project: CurrentProject, eval: Eval, now: ReadSignal<gantry_domain::Timestamp>) -> AnyView {
    let href = format!("/projects/{}/evals/{}", project.name.get_untracked(), eval.id);
    let (started_at, finished_at) = (eval.started_at, eval.finished_at);
    let duration = move || {
        let end = finished_at.unwrap_or_else(|| now.get());
        Some(duration_text(end.millis_since(started_at?)))
    };
    view! {
        <tr>
            <td><A href=href attr:data-row="">{format!("#{}", eval.number)}</A></td>
            <td>{outcome_pill(eval.state, eval.outcome)}</td>
            <td class="end">{eval.score.map(|score| format!("{score} %"))}</td>
            <td class="wide-only">{eval.revision}</td>
            <td class="wide-only">{model_word(&eval)} ", " {runtime_word(eval.runtime)}</td>
            <td class="end wide-only">{duration}</td>
            <td class="end wide-only"><TimeAgo at=eval.created_at/></td>
        </tr>
    }
    .into_any()
}

/// The model of the cases, or that there was none.
fn model_word(eval: &Eval) -> String {
    if eval.model.is_empty() { "no model".to_owned() } else { eval.model.clone() }
}

/// One eval.
#[component]
pub(crate) fn EvalPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("eval")?.parse::<Uuid>().ok()));
    let project = CurrentProject::expect();
    let shown = move || match id.get() {
        Some(id) => view! { <report::Report id/> }.into_any(),
        None => {
            let href = format!("/projects/{}/evals", project.name.get());
            view! {
                <EmptyState title="No such eval" text="The address does not name an eval.">
                    <LinkButton href>"All evals"</LinkButton>
                </EmptyState>
            }
            .into_any()
        }
    };
    view! { {shown} }.into_any()
}
