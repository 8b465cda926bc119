//! The wizard: a sentence becomes a spec, step by step, and the spec a project.
//!
//! Planner, checks and emitters run in the browser, so every choice shows what it does at once. The
//! server sees the spec when it is created, and not before; the description, when a model is chosen to
//! write the plan.

mod agents;
mod compatibility_card;
mod describe;
mod draft;
mod facet_rail;
mod facets;
mod files;
mod framework;
mod keys;
mod mcp_form;
mod model;
mod offers;
mod openapi_form;
mod pattern;
mod pattern_glyph;
mod planner;
mod preview;
mod questions;
mod review;
mod summary;
mod tool_form;
mod tools;
mod why;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::pages::project::matrix::{InstanceMatrix, MatrixNotice};
use crate::pages::set_title;
use crate::parts::{Button, ButtonKind, Icon, LinkButton, icon};
use draft::Draft;
use preview::Preview;

/// One step of the wizard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Describe,
    Framework,
    Agents,
    Tools,
    Review,
}

impl Step {
    const ALL: [Self; 5] = [Self::Describe, Self::Framework, Self::Agents, Self::Tools, Self::Review];

    fn label(self) -> &'static str {
        match self {
            Self::Describe => "Describe",
            Self::Framework => "Framework & model",
            Self::Agents => "Agents",
            Self::Tools => "Tools",
            Self::Review => "Review",
        }
    }

    /// The word in the address.
    fn word(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Framework => "framework",
            Self::Agents => "agents",
            Self::Tools => "tools",
            Self::Review => "review",
        }
    }

    fn from_word(word: &str) -> Self {
        // These were steps of their own once; links to them are still about.
        let word = if matches!(word, "model" | "pattern") { "framework" } else { word };
        Self::ALL.into_iter().find(|step| step.word() == word).unwrap_or(Self::Describe)
    }

    fn address(self) -> String {
        format!("/projects/new?step={}", self.word())
    }

    fn before(self) -> Option<Self> {
        let index = Self::ALL.iter().position(|step| *step == self)?;
        Self::ALL.get(index.checked_sub(1)?).copied()
    }

    fn after(self) -> Option<Self> {
        let index = Self::ALL.iter().position(|step| *step == self)?;
        Self::ALL.get(index + 1).copied()
    }
}

/// The wizard.
#[component]
pub(crate) fn NewProjectPage() -> impl IntoView {
    set_title("New project");
    let matrix = InstanceMatrix::provide();
    let draft = Draft::provide(matrix);
    Preview::provide(draft, matrix);
    keys::listen();
    let query = use_query_map();
    let has_spec = Memo::new(move |_| draft.has_spec());
    let step = Memo::new(move |_| {
        let wanted = query.with(|query| Step::from_word(&query.get("step").unwrap_or_default()));
        // Without a spec there is nothing to choose for yet.
        if has_spec.get() { wanted } else { Step::Describe }
    });
    // Who goes on by a key or a link is told where that led; who just came is left alone.
    Effect::new(move |before: Option<Step>| {
        let now = step.get();
        if before.is_some_and(|before| before != now) && now != Step::Describe {
            request_animation_frame(focus_title);
        }
        now
    });
    let body = move || {
        draft.version.track();
        match step.get() {
            Step::Describe => view! { <describe::DescribeStep/> }.into_any(),
            Step::Framework => view! { <framework::FrameworkStep/> }.into_any(),
            Step::Agents => view! { <agents::AgentsStep/> }.into_any(),
            Step::Tools => view! { <tools::ToolsStep/> }.into_any(),
            Step::Review => view! { <review::ReviewStep/> }.into_any(),
        }
    };
    view! {
        <header class="page-head">
            <nav class="crumbs" aria-label="Breadcrumbs"><A href="/projects">"Projects"</A><span aria-hidden="true">"/"</span></nav>
            <h1>"New project"</h1>
            <Keeping/>
        </header>
        <Steps step/>
        <MatrixNotice/>
        <div class="wizard" class:alone=move || !has_spec.get() class:wide=move || step.get() == Step::Framework>
            <div class="stack wizard-main">{body}</div>
            <Show when=move || has_spec.get()><summary::Summary step/></Show>
        </div>
    }
    .into_any()
}

fn focus_title() {
    let title = document().get_element_by_id("step-title").and_then(|title| title.dyn_into::<HtmlElement>().ok());
    if let Some(title) = title {
        // A heading that cannot take the focus leaves it where it is.
        let _ = title.focus();
    }
}

/// Says where the work is kept, and begins anew.
#[component]
fn Keeping() -> impl IntoView {
    let draft = Draft::expect();
    let navigate = use_navigate();
    let words = move || match (draft.is_kept.get(), draft.was_restored.get()) {
        (false, _) => "This browser keeps nothing: reloading loses what you enter.",
        (true, true) => "Taken up where you left it. Kept in this tab.",
        (true, false) => "Kept in this tab: reloading loses nothing.",
    };
    let has_begun = move || draft.has_spec() || draft.prompt.with(|prompt| !prompt.trim().is_empty());
    let anew = Callback::new(move |()| {
        draft.clear();
        draft.version.update(|version| *version += 1);
        navigate(&Step::Describe.address(), NavigateOptions::default());
    });
    view! {
        <div class="keeping">
            <p class="hint" role="status">{move || (!draft.is_kept.get()).then(|| icon(Icon::Warning))} {words}</p>
            <Show when=has_begun><Button kind=ButtonKind::Ghost on_press=anew>"Start over"</Button></Show>
        </div>
    }
    .into_any()
}

/// Where the wizard is; steps that can be gone to are links.
#[component]
fn Steps(step: Memo<Step>) -> impl IntoView {
    let draft = Draft::expect();
    let items = Step::ALL.map(|item| {
        let is_open = Memo::new(move |_| item == Step::Describe || draft.has_spec());
        let label = move || {
            if is_open.get() {
                view! { <a href=item.address()>{item.label()}</a> }.into_any()
            } else {
                view! { <span>{item.label()}</span> }.into_any()
            }
        };
        view! { <li aria-current=move || (step.get() == item).then_some("step")>{label}</li> }
    });
    view! { <nav aria-label="Steps"><ol class="wizard-steps">{items.collect_view()}</ol></nav> }.into_any()
}

/// The form around a step: its title, its questions, and the way back and on.
fn step_frame(step: Step, title: &'static str, lead: &'static str, questions: AnyView) -> AnyView {
    let navigate = use_navigate();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(next) = step.after() {
            navigate(&next.address(), NavigateOptions::default());
        }
    };
    view! {
        <form class="stack" novalidate data-step-form="" on:submit=submit>
            <div class="step-head"><h2 id="step-title" tabindex="-1">{title}</h2><p class="prose">{lead}</p></div>
            {questions}
            <footer class="step-foot">
                {step.before().map(|before| view! { <LinkButton href=before.address()>"Back"</LinkButton> })}
                <Button kind=ButtonKind::Primary submit=true>"Continue"</Button>
                <p class="hint wide-only">"Digits choose a card, arrows the next one, " <kbd>"Enter"</kbd> " goes on."</p>
            </footer>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_an_address_that_leads_back_to_it() {
        for step in Step::ALL {
            let address = step.address();
            let word = address.split_once("step=").map(|(_, word)| word).unwrap_or_default();
            assert_eq!(Step::from_word(word), step);
        }
        assert_eq!(Step::from_word("elsewhere"), Step::Describe);
        assert_eq!(Step::from_word("pattern"), Step::Framework);
        assert_eq!(Step::Describe.before(), None);
        assert_eq!(Step::Review.after(), None);
    }
}
