//! What the choices so far come to: beside every step of the wizard, and always up to date.

use gantry_domain::matrix::Diagnostic;
use leptos::prelude::*;
use serde_json::Value;

use super::draft::{Draft, Preview};
use super::files::Files;
use crate::pages::project::diagnostics::Diagnostics;
use crate::pages::project::labels::{framework_name, pattern_name};
use crate::parts::{Icon, icon};

/// Choices, checks and files.
#[component]
pub(crate) fn Summary() -> impl IntoView {
    let draft = Draft::expect();
    let preview = Preview::expect();
    let found: Signal<Vec<Diagnostic>> = Signal::derive(move || {
        let mut found = preview.found.get();
        found.extend(draft.remarks.get());
        found
    });
    let mend = Callback::new(move |patch: Value| draft.mend(&patch));
    view! {
        <aside class="summary stack" aria-label="Summary">
            <Choices/>
            <Questions/>
            <Diagnostics found on_fix=mend/>
            <Files/>
        </aside>
    }
    .into_any()
}

/// The choices, one a line.
#[component]
fn Choices() -> impl IntoView {
    let draft = Draft::expect();
    let choices = move || {
        draft.spec.with(|spec| {
            let spec = spec.as_ref()?;
            let model = spec.models.get("default").map(|model| model.model.clone()).filter(|name| !name.is_empty());
            let agents: Vec<_> = spec.agents.iter().map(|agent| agent.id.as_str()).collect();
            let tools: Vec<_> = spec.tools.iter().map(|tool| tool.id.as_str()).collect();
            let tools = if tools.is_empty() { "none".to_owned() } else { tools.join(", ") };
            Some(view! {
                <dl class="facts">
                    <dt>"Name"</dt><dd><code>{spec.metadata.name.to_string()}</code></dd>
                    <dt>"Framework"</dt><dd>{framework_name(spec.target.framework)}</dd>
                    <dt>"Model"</dt><dd>{model.unwrap_or_else(|| "from the environment".to_owned())}</dd>
                    <dt>"Pattern"</dt><dd>{pattern_name(spec.target.pattern)}</dd>
                    <dt>"Agents"</dt><dd>{agents.join(", ")}</dd>
                    <dt>"Tools"</dt><dd>{tools}</dd>
                </dl>
            })
        })
    };
    view! { <section class="card"><h2 class="visually-hidden">"Choices"</h2>{choices}</section> }.into_any()
}

/// What the planner would like to know; the answer goes into the description.
#[component]
fn Questions() -> impl IntoView {
    let draft = Draft::expect();
    let shown = move || {
        let questions = draft.questions.get();
        (!questions.is_empty()).then(|| {
            let questions = questions.into_iter().map(|question| view! { <li>{question}</li> }).collect_view();
            view! {
                <section class="notice info">
                    {icon(Icon::Info)}
                    <div><p><b>"The description leaves open:"</b></p><ul class="bullets">{questions}</ul></div>
                </section>
            }
        })
    };
    view! { {shown} }.into_any()
}
