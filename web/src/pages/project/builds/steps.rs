//! The steps of a build: where each is, how long it took, and which one's lines are shown.

use gantry_domain::event::{BuildStep, BuildStepState};
use leptos::prelude::*;

use super::progress::state_word;
use crate::parts::{Icon, duration_text, icon};

/// The list of steps. Pressing one shows only its lines; pressing it again shows all.
#[component]
pub(super) fn StepList(
    /// The steps in the order in which they were heard of.
    steps: Memo<Vec<BuildStep>>,
    /// The step whose lines are shown.
    group: RwSignal<Option<String>>,
) -> impl IntoView {
    let rows = move || steps.get().into_iter().map(|step| step_row(step, group)).collect_view();
    let all = move || {
        (!steps.with(Vec::is_empty)).then(|| {
            view! {
                <button
                    type="button"
                    class="step-row"
                    aria-pressed=move || group.with(Option::is_none).to_string()
                    on:click=move |_| group.set(None)
                >
                    {icon(Icon::More)} <span class="step-name">"All steps"</span>
                </button>
            }
        })
    };
    view! {
        <div class="steps-all">{all}</div>
        <ol class="step-list" aria-label="Steps">{rows}</ol>
    }
    .into_any()
}

fn step_row(step: BuildStep, group: RwSignal<Option<String>>) -> AnyView {
    let glyph = match step.state {
        BuildStepState::Queued => Icon::Clock,
        BuildStepState::Running => Icon::Spinner,
        BuildStepState::Done | BuildStepState::Cached => Icon::Check,
        BuildStepState::Failed => Icon::Cross,
    };
    let class = match step.state {
        BuildStepState::Queued => "step-row queued",
        BuildStepState::Running => "step-row running",
        BuildStepState::Done => "step-row done",
        BuildStepState::Cached => "step-row cached",
        BuildStepState::Failed => "step-row failed",
    };
    let time = match (step.state, step.duration_ms) {
        (BuildStepState::Cached, _) => "Cached".to_owned(),
        (_, Some(millis)) => duration_text(millis),
        _ => String::new(),
    };
    let error = step
        .error
        .filter(|_| step.state == BuildStepState::Failed)
        .map(|error| view! { <p class="step-error">{error}</p> });
    let id = step.id.clone();
    let is_chosen = move || group.with(|group| group.as_ref() == Some(&id));
    let id = step.id;
    let choose = move |_| {
        group.update(|group| *group = if group.as_ref() == Some(&id) { None } else { Some(id.clone()) });
    };
    view! {
        <li>
            <button type="button" class=class title=step.name.clone() aria-pressed=move || is_chosen().to_string() on:click=choose>
                {icon(glyph)}
                <span class="visually-hidden">{state_word(step.state)} ": "</span>
                <span class="step-name">{step.name.clone()}</span>
                <span class="step-time">{time}</span>
            </button>
            {error}
        </li>
    }
    .into_any()
}
