//! What the choices so far come to: beside every step of the wizard, and always up to date.

use gantry_domain::matrix::Diagnostic;
use leptos::prelude::*;
use serde_json::Value;

use super::Step;
use super::compatibility_card::CompatibilityCard;
use super::draft::Draft;
use super::files::Files;
use super::preview::Preview;
use super::questions::Questions;
use super::why::FallbackNotice;
use crate::pages::project::diagnostics::Diagnostics;
use crate::pages::project::labels::{framework_name, pattern_name};
use crate::pages::project::matrix::InstanceMatrix;

/// Choices, questions, checks and files; on the last step the compatibility of everything.
#[component]
pub(crate) fn Summary(
    /// Where the wizard is.
    step: Memo<Step>,
) -> impl IntoView {
    let draft = Draft::expect();
    let preview = Preview::expect();
    let found: Signal<Vec<Diagnostic>> = Signal::derive(move || {
        let mut found = preview.found.get();
        found.extend(draft.remarks.get());
        found
    });
    let mend = Callback::new(move |patch: Value| draft.mend(&patch));
    let is_review = Memo::new(move |_| step.get() == Step::Review);
    let head = move || {
        if is_review.get() {
            view! { <CompatibilityCard found on_fix=mend/> }.into_any()
        } else {
            view! { <Choices/> <Diagnostics found on_fix=mend/> }.into_any()
        }
    };
    view! {
        <aside class="summary stack" aria-label="Summary">
            <FallbackNotice/>
            {head}
            <Questions/>
            <Files/>
        </aside>
    }
    .into_any()
}

/// The choices, one a line; each leads to where it is made.
#[component]
fn Choices() -> impl IntoView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let choices = move || {
        draft.spec.with(|spec| {
            let spec = spec.as_ref()?;
            let model = spec.models.get("default").map(|model| model.model.clone()).filter(|name| !name.is_empty());
            let agents: Vec<_> = spec.agents.iter().map(|agent| agent.id.as_str()).collect();
            let tools: Vec<_> = spec.tools.iter().map(|tool| tool.id.as_str()).collect();
            let tools = if tools.is_empty() { "none".to_owned() } else { tools.join(", ") };
            let cloud = spec.target.cloud.as_deref().map_or_else(|| "any".to_owned(), |id| matrix.cloud_name(id));
            let rows = [
                (Step::Review, "Name", spec.metadata.name.to_string()),
                (Step::Framework, "Framework", framework_name(spec.target.framework).to_owned()),
                (Step::Framework, "Cloud", cloud),
                (Step::Framework, "Model", model.unwrap_or_else(|| "from the environment".to_owned())),
                (Step::Framework, "Pattern", pattern_name(spec.target.pattern).to_owned()),
                (Step::Agents, "Agents", agents.join(", ")),
                (Step::Tools, "Tools", tools),
            ];
            let rows = rows.map(|(step, name, value)| {
                view! { <dt><a href=step.address()>{name}</a></dt><dd>{value}</dd> }
            });
            Some(view! { <dl class="facts">{rows.collect_view()}</dl> })
        })
    };
    view! { <section class="card choices-so-far"><h2 class="visually-hidden">"Choices"</h2>{choices}</section> }
        .into_any()
}
