//! How the agents work together, and what each of them is told.

use gantry_domain::api::compatibility::PatternEntry;
use gantry_domain::matrix::{Support, compatibility, support};
use leptos::prelude::*;

use super::agents::AgentsEditor;
use super::draft::Draft;
use super::{Step, step_frame};
use crate::pages::project::labels::framework_name;
use crate::parts::RadioCard;

/// The pattern, and the agents in it.
#[component]
pub(crate) fn PatternStep() -> impl IntoView {
    let cards = compatibility().patterns.iter().map(pattern_card).collect_view();
    let questions = view! {
        <fieldset class="choices small"><legend class="visually-hidden">"Pattern"</legend>{cards}</fieldset>
        <AgentsEditor/>
    };
    step_frame(
        Step::Pattern,
        "How does it work?",
        "One agent, or several with tasks between them. What the framework cannot do yet is shown with the reason.",
        questions.into_any(),
    )
}

fn pattern_card(entry: &'static PatternEntry) -> AnyView {
    let draft = Draft::expect();
    let id = entry.id;
    let checked =
        Signal::derive(move || draft.spec.with(|spec| spec.as_ref().is_some_and(|spec| spec.target.pattern == id)));
    let refusal = Signal::derive(move || {
        let framework = draft.spec.with(|spec| spec.as_ref().map(|spec| spec.target.framework))?;
        let cell = support(framework, id)?;
        (cell.support == Support::Unsupported).then(|| format!("{}: {}", framework_name(framework), cell.reason))
    });
    let choose = move |()| {
        draft.decided.update(|decided| decided.pattern = Some(id));
        draft.change(|spec| spec.target.pattern = id);
    };
    view! {
        <RadioCard group="pattern" value=id.as_str() title=entry.name.as_str() text=entry.summary.as_str() checked refusal on_choose=choose>
            <p class="hint">{entry.steps.join(" → ")}</p>
        </RadioCard>
    }
    .into_any()
}
