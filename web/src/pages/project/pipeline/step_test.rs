//! Trying one step by itself: an agent or a task of the saved spec, run on this instance.

use futures_util::future::AbortHandle;
use gantry_domain::api::job::JobState;
use gantry_domain::api::run::{CreateRun, PermissionMode, RunRuntime, RunStep};
use gantry_domain::event::Event;
use leptos::prelude::*;
use uuid::Uuid;

use super::draft::Draft;
use crate::api::{calls, work};
use crate::load::load;
use crate::paged::read_all;
use crate::pages::project::chat::{Turn, turn_items};
use crate::parts::{
    Button, Choice, ErrorLine, Icon, SelectField, StreamNotice, Submission, TextArea, duration_text, icon,
};
use crate::poll::OncePerFrame;
use crate::stream::{StreamState, follow_until_stopped};

/// A test of one step.
#[component]
pub(super) fn StepTest(step: RunStep) -> impl IntoView {
    let draft = Draft::expect();
    let is_task = matches!(step, RunStep::Task(_));
    let open = RwSignal::new(false);
    let body = move || open.get().then(|| view! { <TestForm step=step.clone()/> });
    let hint = if is_task {
        "Runs this task alone with its agent. Results of tasks before it are not there: say in the input what it needs of them."
    } else {
        "Runs this agent alone with its tools."
    };
    view! {
        <section class="step-test">
            <button type="button" class="step-test-head" aria-expanded=move || open.get().to_string() on:click=move |_| open.update(|open| *open = !*open)>
                {icon(Icon::Play)} <b>"Test this step"</b> <span class="grow"></span> {icon(Icon::Down)}
            </button>
            {move || open.get().then(|| view! { <p class="hint">{hint}</p> })}
            {move || (open.get() && draft.is_changed.get()).then(|| view! {
                <p class="hint warn">{icon(Icon::Warning)} " A test runs what is saved: save first to test your changes."</p>
            })}
            {body}
        </section>
    }
    .into_any()
}

#[component]
fn TestForm(step: RunStep) -> impl IntoView {
    let draft = Draft::expect();
    let input = RwSignal::new(String::new());
    let (provider, mode) = (RwSignal::new(String::new()), RwSignal::new("ask".to_owned()));
    let turn = RwSignal::new(None::<ArcRwSignal<Turn>>);
    let run_id = RwSignal::new(None::<Uuid>);
    let stream = RwSignal::new(StreamState::Connecting);
    let followed = StoredValue::new(None::<AbortHandle>);
    let stop_following = move || {
        if let Some(stop) = followed.try_update_value(Option::take).flatten() {
            stop.abort();
        }
    };
    on_cleanup(stop_following);
    let submission = Submission::new();
    let providers = load(|| read_all(calls::providers));
    let models = Signal::derive(move || {
        let known = providers.value.get().unwrap_or_default();
        let known = known
            .into_iter()
            .map(|known| Choice::new(known.id.to_string(), format!("{}: {}", known.name, known.default_model)));
        [Choice::new("", "Rehearsal model, not an LLM")].into_iter().chain(known).collect::<Vec<_>>()
    });
    let modes = vec![
        Choice::new("safe", "Safe: only tools that read run"),
        Choice::new("ask", "Ask: all others wait for you"),
        Choice::new("dev", "Dev: every tool runs"),
    ];
    let is_active = Memo::new(move |_| turn.with(|turn| turn.as_ref().is_some_and(|turn| turn.with(Turn::is_active))));
    let begin = move |()| {
        stop_following();
        let body = CreateRun {
            input: input.get_untracked(),
            mode: match mode.get_untracked().as_str() {
                "safe" => PermissionMode::Safe,
                "dev" => PermissionMode::Dev,
                _ => PermissionMode::Ask,
            },
            provider_id: provider.get_untracked().parse().ok(),
            model: None,
            step: Some(step.clone()),
            runtime: RunRuntime::Native,
            image: None,
        };
        let id = draft.id;
        let started = async move {
            let accepted = work::create_run(id, &body).await?;
            work::run(accepted.id).await
        };
        submission.run(started, move |run| {
            run_id.set(Some(run.id));
            let state = ArcRwSignal::new(Turn::new(&run));
            turn.set(Some(state.clone()));
            let waiting = StoredValue::new(Vec::<Event>::new());
            let flush = OncePerFrame::new(move || {
                let events = waiting.try_update_value(std::mem::take).unwrap_or_default();
                state.update(|turn| events.iter().for_each(|event| turn.apply(event)));
            });
            let stop = follow_until_stopped(run.job_id, 0, stream.write_only(), move |event| {
                if waiting.try_update_value(|waiting| waiting.push(event)).is_some() {
                    flush.ask();
                }
            });
            followed.set_value(Some(stop));
        });
    };
    let stop = Submission::new();
    let cancel = move |()| {
        if let Some(id) = run_id.get_untracked() {
            stop.run(work::cancel_run(id), |_| {});
        }
    };
    let refused = Signal::derive(move || input.with(|input| input.trim().is_empty()) || draft.is_changed.get());
    let outcome = move || {
        let turn = turn.get()?;
        let items = turn_items(turn.clone());
        let state = {
            let turn = turn.clone();
            move || turn.with(ended)
        };
        Some(view! {
            <div class="step-outcome" role="region" aria-label="What came of the test">
                {items}
                <p class="hint" role="status">{state}</p>
            </div>
        })
    };
    let buttons = move || {
        if is_active.get() {
            view! { <Button glyph=Icon::Stop busy=stop.busy on_press=cancel>"Stop"</Button> }.into_any()
        } else {
            view! { <Button glyph=Icon::Play busy=submission.busy disabled=refused on_press=begin.clone()>"Run this step"</Button> }.into_any()
        }
    };
    view! {
        <div class="stack">
            <TextArea label="What the person says" value=input rows=3/>
            <SelectField label="Model" value=provider choices=models/>
            <SelectField label="Tools" value=mode choices=Signal::derive(move || modes.clone())/>
            <div class="row">{buttons}</div>
            <ErrorLine error=submission.error/>
            <ErrorLine error=stop.error/>
            {move || turn.with(Option::is_some).then(|| view! { <StreamNotice state=stream/> })}
            {outcome}
        </div>
    }
    .into_any()
}

/// Where a test is, in words.
fn ended(turn: &Turn) -> String {
    let took = || match (turn.started_at, turn.finished_at) {
        (Some(from), Some(to)) => format!(" in {}", duration_text(to.millis_since(from))),
        _ => String::new(),
    };
    match turn.state {
        JobState::Queued => "Waiting for a worker.".to_owned(),
        JobState::Running => "At work.".to_owned(),
        JobState::Waiting => "Waits for your decision.".to_owned(),
        JobState::Done => format!("Done{}.", took()),
        JobState::Cancelled => "Stopped.".to_owned(),
        JobState::Failed => {
            let message = turn.reason.as_ref().map(|reason| reason.message.clone()).unwrap_or_default();
            format!("Failed{}. {message}", took())
        }
    }
}
