//! The wizard: a sentence becomes a spec, step by step, and the spec a project.
//!
//! Planner, checks and emitters run in the browser, so every choice shows what it does at once. The
//! server sees the spec when it is created, and not before.

mod agents;
mod describe;
mod draft;
mod files;
mod framework;
mod mcp_form;
mod model;
mod pattern;
mod review;
mod summary;
mod tool_form;
mod tools;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::pages::set_title;
use crate::parts::{Button, ButtonKind, LinkButton};
use draft::{Draft, Preview};

/// One question of the wizard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Describe,
    Framework,
    Model,
    Pattern,
    Tools,
    Review,
}

impl Step {
    const ALL: [Self; 6] = [Self::Describe, Self::Framework, Self::Model, Self::Pattern, Self::Tools, Self::Review];

    fn label(self) -> &'static str {
        match self {
            Self::Describe => "Describe",
            Self::Framework => "Framework",
            Self::Model => "Model",
            Self::Pattern => "Pattern",
            Self::Tools => "Tools",
            Self::Review => "Review",
        }
    }

    /// The word in the address.
    fn word(self) -> String {
        self.label().to_lowercase()
    }

    fn from_word(word: &str) -> Self {
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
    let draft = Draft::provide();
    Preview::provide(draft);
    let query = use_query_map();
    let step = Memo::new(move |_| {
        let wanted = query.with(|query| Step::from_word(&query.get("step").unwrap_or_default()));
        // Without a spec there is nothing to choose for yet.
        if draft.has_spec() { wanted } else { Step::Describe }
    });
    let has_spec = Memo::new(move |_| draft.has_spec());
    let body = move || {
        draft.version.track();
        match step.get() {
            Step::Describe => view! { <describe::DescribeStep/> }.into_any(),
            Step::Framework => view! { <framework::FrameworkStep/> }.into_any(),
            Step::Model => view! { <model::ModelStep/> }.into_any(),
            Step::Pattern => view! { <pattern::PatternStep/> }.into_any(),
            Step::Tools => view! { <tools::ToolsStep/> }.into_any(),
            Step::Review => view! { <review::ReviewStep/> }.into_any(),
        }
    };
    view! {
        <header class="page-head">
            <nav class="crumbs" aria-label="Breadcrumbs"><A href="/projects">"Projects"</A><span aria-hidden="true">"/"</span></nav>
            <h1>"New project"</h1>
        </header>
        <Steps step/>
        <div class="wizard" class:alone=move || !has_spec.get()>
            <div class="stack">{body}</div>
            <Show when=move || has_spec.get()><summary::Summary/></Show>
        </div>
    }
    .into_any()
}

/// Where the wizard is; steps that can be gone to are links.
#[component]
fn Steps(step: Memo<Step>) -> impl IntoView {
    let draft = Draft::expect();
    let items = Step::ALL.map(|item| {
        let number = Step::ALL.iter().position(|step| *step == item).unwrap_or_default() + 1;
        let is_open = move || item == Step::Describe || draft.has_spec();
        let label = move || {
            if is_open() {
                view! { <a href=item.address() data-tab=number.to_string()>{item.label()}</a> }.into_any()
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
        <form class="stack" novalidate on:submit=submit>
            <div class="step-head"><h2>{title}</h2><p class="prose">{lead}</p></div>
            {questions}
            <footer class="step-foot">
                {step.before().map(|before| view! { <LinkButton href=before.address()>"Back"</LinkButton> })}
                <Button kind=ButtonKind::Primary submit=true>"Continue"</Button>
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
        assert_eq!(Step::Describe.before(), None);
        assert_eq!(Step::Review.after(), None);
    }
}
