//! Why the choices are what they are: who made the plan and by which words, and what speaks for and
//! against the framework.

use gantry_domain::api::plan::{PlanAttempt, PlanMethod, PlanMode, PlanProvenance};
use leptos::prelude::*;

use super::draft::Draft;
use crate::pages::project::matrix::InstanceMatrix;
use crate::parts::{Icon, icon};

/// The block.
#[component]
pub(crate) fn Why() -> impl IntoView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let plan = move || draft.provenance.get().map(|provenance| plan_view(&provenance));
    let framework = move || {
        let entry = matrix.framework(draft.framework.get()?)?;
        let philosophy = matrix.value.with(|matrix| {
            matrix
                .philosophies
                .iter()
                .find(|known| known.id == entry.philosophy)
                .map(|known| format!("{}: {}", known.name, known.summary))
        });
        Some(view! {
            <dl class="facts">
                <dt>"Framework"</dt><dd>{entry.name}</dd>
                <dt>"For"</dt><dd>{entry.strength}</dd>
                <dt>"Against"</dt><dd>{entry.risk}</dd>
                <dt>"Thinks in"</dt><dd>{philosophy}</dd>
            </dl>
        })
    };
    view! {
        <section class="card why stack" aria-labelledby="why-title">
            <h3 id="why-title">"Why"</h3>
            {plan}
            {framework}
        </section>
    }
    .into_any()
}

fn plan_view(provenance: &PlanProvenance) -> AnyView {
    let reasons = provenance.reasons.iter().map(|reason| view! { <li>{reason.clone()}</li> }).collect_view();
    let has_attempts = !provenance.attempts.is_empty();
    view! {
        <div>
            <p>{made_by(provenance)}</p>
            <ul class="bullets">{reasons}</ul>
            {has_attempts.then(|| attempts_view(&provenance.attempts))}
        </div>
    }
    .into_any()
}

/// Who made the plan, as a sentence.
fn made_by(provenance: &PlanProvenance) -> String {
    let model = provenance.model.as_deref().unwrap_or("a model");
    match (provenance.mode, &provenance.fallback) {
        (PlanMode::Rules, None) => "The rules made the plan, in your browser:".to_owned(),
        (PlanMode::Rules, Some(_)) => format!("The rules made the plan, because {model} gave none that can be used:"),
        (PlanMode::Model, _) => format!("{model} wrote the plan:"),
    }
}

/// Said beside the choices when a model was asked and the rules made the plan after all.
#[component]
pub(crate) fn FallbackNotice() -> impl IntoView {
    let draft = Draft::expect();
    let shown = move || {
        let provenance = draft.provenance.get()?;
        let reason = provenance.fallback.clone()?;
        let model = provenance.model.clone().unwrap_or_else(|| "The model".to_owned());
        Some(view! {
            <div class="notice warn" role="status">
                {icon(Icon::Warning)}
                <div>
                    <p><b>{model} " gave no plan that can be used; this one is by the rules."</b></p>
                    <p>{reason}</p>
                    {attempts_view(&provenance.attempts)}
                </div>
            </div>
        })
    };
    view! { {shown} }.into_any()
}

/// What was asked of the model and what came of it.
pub(crate) fn attempts_view(attempts: &[PlanAttempt]) -> AnyView {
    let rows = attempts.iter().enumerate().map(|(index, attempt)| attempt_row(index + 1, attempt)).collect_view();
    let label = match attempts.len() {
        1 => "The model was asked once".to_owned(),
        count => format!("The model was asked {count} times"),
    };
    view! { <details class="attempts"><summary>{label}</summary><ol>{rows}</ol></details> }.into_any()
}

fn attempt_row(number: usize, attempt: &PlanAttempt) -> AnyView {
    let faults = attempt.problems.iter().map(|problem| view! { <li>{problem.clone()}</li> }).collect_view();
    let outcome = if attempt.problems.is_empty() { "accepted" } else { "not accepted:" };
    view! { <li>{number} ". " {method_text(attempt.method)} ": " {outcome}<ul class="bullets">{faults}</ul></li> }
        .into_any()
}

/// How a model is asked.
pub(crate) fn method_text(method: PlanMethod) -> &'static str {
    match method {
        PlanMethod::JsonSchema => "with a JSON Schema",
        PlanMethod::ForcedTool => "with a tool that it must call",
        PlanMethod::Text => "in words",
    }
}
