//! One eval: its outcome, its layers, what became better and worse, and every result with its checks.

use gantry_domain::api::eval::{
    ComparedEval, Eval, EvalChange, EvalReport, EvalResult, LayerReport, LayerState, ResultChange, ResultState,
};
use gantry_domain::eval::{Check, CheckState, Layer};
use leptos::prelude::*;
use leptos_router::components::A;
use uuid::Uuid;

use super::{begin, model_word, outcome_pill};
use crate::api::evals;
use crate::load::{Loader, load, when_loaded};
use crate::pages::project::CurrentProject;
use crate::pages::project::runs::{mode_word, runtime_word};
use crate::parts::field::unique_id;
use crate::parts::money::money_text;
use crate::parts::{
    Button, ButtonKind, ErrorLine, Icon, LinkButton, Pill, Submission, TimeAgo, Tone, duration_text, icon,
    skeleton_block,
};
use crate::poll::keep_fresh;

/// Reads the report, again and again while the eval is under way.
#[component]
pub(super) fn Report(id: Uuid) -> impl IntoView {
    let loader = load(move || async move { evals::report(id).await });
    keep_fresh(loader, |report: &EvalReport| !report.eval.state.is_final());
    when_loaded(loader, "The eval", skeleton_block, move || view! { <Shown loader/> })
}

#[component]
fn Shown(loader: Loader<EvalReport>) -> impl IntoView {
    let project = CurrentProject::expect();
    let eval = Memo::new(move |_| loader.value.with(|report| report.as_ref().map(|report| report.eval.clone())));
    let results = Memo::new(move |_| {
        loader.value.with(|report| report.as_ref().map(|report| report.results.clone()).unwrap_or_default())
    });
    let compared = Memo::new(move |_| {
        loader.value.with(|report| {
            let report = report.as_ref()?;
            Some((report.compared_with.clone()?, report.changes.clone(), report.eval.state.is_final()))
        })
    });
    let open = RwSignal::new(false);
    let submission = Submission::new();
    let cancel = move |id: Uuid| submission.run(evals::cancel_eval(id), move |_| loader.reload());
    let head = move || {
        eval.get().map(|eval| {
            let id = eval.id;
            let button = if eval.state.is_final() {
                view! { <Button glyph=Icon::Retry shortcut="create" on_press=move |()| open.set(true)>"Run again"</Button> }.into_any()
            } else {
                view! { <Button kind=ButtonKind::Danger glyph=Icon::Stop busy=submission.busy on_press=move |()| cancel(id)>"Cancel"</Button> }.into_any()
            };
            view! { {summary(&eval, button)} {layers(&eval.layers)} }
        })
    };
    let comparison = move || {
        compared.get().map(|(before, changes, is_over)| {
            let href = format!("/projects/{}/evals/{}", project.name.get_untracked(), before.id);
            let score = before.score.map(|score| format!(", {score} %")).unwrap_or_default();
            let body = if changes.is_empty() && is_over {
                view! { <p class="muted">"Nothing came out otherwise."</p> }.into_any()
            } else {
                changed(&changes)
            };
            view! {
                <section class="card" aria-labelledby="compared-heading">
                    <div class="card-head">
                        <h2 id="compared-heading">"Compared with " <A href=href>{format!("#{}", before.number)}</A></h2>
                        <span class="muted">{format!("revision {}{score}", before.revision)}</span>
                    </div>
                    {body}
                </section>
            }
        })
    };
    let other = Memo::new(move |_| {
        loader.value.with(|report| {
            let report = report.as_ref()?;
            Some((report.other_runtime.clone()?, report.differences.clone()))
        })
    });
    let elsewhere = move || other.get().map(|(other, differences)| on_another_runtime(project, &other, &differences));
    let all = format!("/projects/{}/evals", project.name.get_untracked());
    view! {
        <div class="stack">
            <div class="row"><LinkButton kind=ButtonKind::Ghost href=all>"All evals"</LinkButton></div>
            {head}
            <ErrorLine error=submission.error/>
            {comparison}
            {elsewhere}
            <div class="table-frame">
                <table class="table">
                    <caption class="visually-hidden">"Results, by layer"</caption>
                    <thead><tr>
                        <th scope="col">"Result"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="wide-only">"Layer"</th>
                        <th scope="col" class="end wide-only">"Tokens"</th>
                        <th scope="col" class="end wide-only">"Cost"</th>
                        <th scope="col" class="end wide-only">"Duration"</th>
                        <th scope="col">"Transcript"</th>
                    </tr></thead>
                    <tbody>
                        // A result whose state changes is drawn anew; all others stay folded out as they are.
                        <For each=move || results.get() key=|one| (one.layer, one.name.clone(), one.repeat, one.state, one.run_id) let:one>
                            {row(project, one)}
                        </For>
                    </tbody>
                </table>
            </div>
        </div>
        <begin::BeginDialog open/>
    }
    .into_any()
}

/// What the eval was, in a strip.
fn summary(eval: &Eval, button: AnyView) -> AnyView {
    let took = eval.started_at.zip(eval.finished_at).map(|(began, ended)| duration_text(ended.millis_since(began)));
    let tokens = eval.usage.input_tokens + eval.usage.output_tokens;
    let judge = (!eval.judge_model.is_empty()).then(|| {
        let hash: String = eval.judge_prompt_hash.chars().take(12).collect();
        view! { <div><dt>"Judge"</dt><dd>{eval.judge_model.clone()} " " <code title="SHA-256 of what the judge is told">{hash}</code></dd></div> }
    });
    let reason = eval.reason.as_ref().filter(|_| eval.state.is_final()).map(|reason| {
        view! { <p class="muted">{reason.message.clone()}</p> }
    });
    let image = eval.image.as_ref().map(|image| {
        let digest = image.to_string();
        let short: String = digest.chars().take(19).collect();
        view! { <div><dt>"Image"</dt><dd><code title=digest>{short}</code></dd></div> }
    });
    view! {
        <section class="card" aria-labelledby="eval-heading">
            <div class="card-head">
                <h2 id="eval-heading">{format!("Eval #{}", eval.number)}</h2>
                {outcome_pill(eval.state, eval.outcome)}
                {eval.score.map(|score| view! { <b class="number">{format!("{score} %")}</b> })}
                <span class="grow"></span>
                {button}
            </div>
            {reason}
            <dl class="item-facts">
                <div><dt>"Revision"</dt><dd>{eval.revision}</dd></div>
                <div><dt>"Model"</dt><dd>{model_word(eval)}</dd></div>
                <div><dt>"Runtime"</dt><dd>{runtime_word(eval.runtime)}</dd></div>
                {image}
                <div><dt>"Tools"</dt><dd>{mode_word(eval.mode)}</dd></div>
                <div><dt>"Repeats"</dt><dd>{eval.repeats}</dd></div>
                {judge}
                {(tokens > 0).then(|| view! { <div><dt>"Tokens"</dt><dd>{tokens}</dd></div> })}
                {eval.usage.cost_micros.map(|cost| view! { <div><dt>"Cost"</dt><dd>{money_text(cost)}</dd></div> })}
                {took.map(|took| view! { <div><dt>"Duration"</dt><dd>{took}</dd></div> })}
                <div><dt>"Asked by"</dt><dd>{eval.created_by.clone()} ", " <TimeAgo at=eval.created_at/></dd></div>
            </dl>
        </section>
    }
    .into_any()
}

fn layers(layers: &[LayerReport]) -> AnyView {
    let rows = layers.iter().map(|report| {
        let (tone, glyph, word) = match report.state {
            LayerState::Open => (Tone::Busy, Icon::Spinner, "Under way"),
            LayerState::Passed => (Tone::Good, Icon::Check, "Passed"),
            LayerState::Failed => (Tone::Bad, Icon::Cross, "Failed"),
            LayerState::Skipped => (Tone::Idle, Icon::Minus, "Not shown"),
        };
        let advisory = (report.layer == Layer::Judge).then_some(" (advice: decides nothing unless a gate requires it)");
        view! {
            <tr>
                <td>{report.layer.title()} <span class="muted">{advisory}</span></td>
                <td><Pill tone glyph text=word/></td>
                <td class="end">{report.passed}</td>
                <td class="end">{report.failed}</td>
                <td class="end wide-only">{report.skipped}</td>
            </tr>
        }
    });
    view! {
        <div class="table-frame">
            <table class="table">
                <caption class="visually-hidden">"Layers"</caption>
                <thead><tr>
                    <th scope="col">"Layer"</th>
                    <th scope="col">"State"</th>
                    <th scope="col" class="end">"Passed"</th>
                    <th scope="col" class="end">"Failed"</th>
                    <th scope="col" class="end wide-only">"Not tried"</th>
                </tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// How the same cases came out on another runtime.
fn on_another_runtime(project: CurrentProject, other: &ComparedEval, differences: &[EvalChange]) -> AnyView {
    let href = format!("/projects/{}/evals/{}", project.name.get_untracked(), other.id);
    let body = if differences.is_empty() {
        view! { <p class="muted">"The cases came out the same."</p> }.into_any()
    } else {
        view! {
            <p>"These cases came out otherwise. What passes on one runtime alone is a fault of what was generated, or of the interpreter, unless the model answered otherwise."</p>
            {changed(differences)}
        }
        .into_any()
    };
    view! {
        <section class="card" aria-labelledby="elsewhere-heading">
            <div class="card-head">
                <h2 id="elsewhere-heading">"On the other runtime: " <A href=href>{format!("#{}", other.number)}</A></h2>
                <span class="muted">{runtime_word(other.runtime)} ", the same revision"</span>
            </div>
            {body}
        </section>
    }
    .into_any()
}

fn changed(changes: &[EvalChange]) -> AnyView {
    let group = |wanted: ResultChange, word: &'static str, tone: Tone, glyph: Icon| {
        let names: Vec<String> = changes
            .iter()
            .filter(|change| change.change == wanted)
            .map(|change| format!("{} ({})", change.name, change.layer.title()))
            .collect();
        (!names.is_empty())
            .then(|| view! { <li class="row"><Pill tone glyph text=word/> <span>{names.join(", ")}</span></li> })
    };
    view! {
        <ul class="stack-tight">
            {group(ResultChange::Worse, "Worse", Tone::Bad, Icon::Down)}
            {group(ResultChange::Better, "Better", Tone::Good, Icon::Up)}
            {group(ResultChange::New, "New", Tone::Idle, Icon::Plus)}
            {group(ResultChange::Gone, "Gone", Tone::Idle, Icon::Minus)}
        </ul>
    }
    .into_any()
}

fn result_pill(state: ResultState) -> AnyView {
    let (tone, glyph, word) = match state {
        ResultState::Waiting => (Tone::Idle, Icon::Clock, "Waiting"),
        ResultState::Running => (Tone::Busy, Icon::Spinner, "Running"),
        ResultState::Passed => (Tone::Good, Icon::Check, "Passed"),
        ResultState::Failed => (Tone::Bad, Icon::Cross, "Failed"),
        ResultState::Skipped => (Tone::Idle, Icon::Minus, "Not tried"),
        ResultState::Cancelled => (Tone::Idle, Icon::Stop, "Cancelled"),
    };
    view! { <Pill tone glyph text=word/> }.into_any()
}

fn row(project: CurrentProject, one: EvalResult) -> AnyView {
    let transcript = one.run_id.map(|run| {
        let href = format!("/projects/{}/runs/{run}", project.name.get_untracked());
        view! { <A href=href attr:data-row="" attr:aria-label=format!("Run of {}", one.name)>"Run"</A> }
    });
    let title = if one.repeat > 1 { format!("{} #{}", one.name, one.repeat) } else { one.name.clone() };
    let has_failed = one.state == ResultState::Failed;
    let checks = one.checks.iter().map(check_line).collect_view();
    let said = one.answer.clone().filter(|answer| !answer.is_empty()).map(|answer| {
        view! { <p class="hint">"Answer"</p><blockquote class="quoted">{answer}</blockquote> }
    });
    let asked = (!one.input.is_empty())
        .then(|| view! { <p class="hint">"Input"</p><blockquote class="quoted">{one.input.clone()}</blockquote> });
    let tokens = one.usage.input_tokens + one.usage.output_tokens;
    let open = RwSignal::new(has_failed);
    let unfolded = unique_id("result");
    let controls = unfolded.clone();
    view! {
        <tr>
            <td class="main-cell">
                <button type="button" class="unfold" aria-expanded=move || open.get().to_string() aria-controls=controls on:click=move |_| open.update(|open| *open = !*open)>
                    {icon(Icon::Down)} {title}
                </button>
            </td>
            <td>{result_pill(one.state)}</td>
            <td class="wide-only">{one.layer.title()}</td>
            <td class="end wide-only">{(tokens > 0).then_some(tokens)}</td>
            <td class="end wide-only">{one.usage.cost_micros.map(money_text)}</td>
            <td class="end wide-only">{one.duration_ms.map(duration_text)}</td>
            <td>{transcript}</td>
        </tr>
        <tr class="unfolded" id=unfolded hidden=move || !open.get()>
            <td colspan="7">
                <ul class="stack-tight">{checks}</ul>
                {asked}
                {said}
            </td>
        </tr>
    }
    .into_any()
}

fn check_line(check: &Check) -> AnyView {
    let (glyph, word) = match check.state {
        CheckState::Passed => (Icon::Check, "Passed"),
        CheckState::Failed => (Icon::Cross, "Failed"),
        CheckState::Skipped => (Icon::Minus, "Not tried"),
    };
    view! {
        <li class="check-line">
            {icon(glyph)}
            <span><span class="visually-hidden">{word} ": "</span> {check.message.clone()} " " <code class="faint">{check.id.clone()}</code></span>
        </li>
    }
    .into_any()
}
