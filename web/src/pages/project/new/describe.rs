//! What the agent is to do, in words, and who makes a plan of it.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Step;
use super::draft::Draft;
use super::planner::{PlannerChoice, Progress, Writing};
use crate::parts::{Button, ButtonKind, TextArea};

/// The most that is read, as the plan's request has it.
const MOST_CHARACTERS: usize = 10_000;

/// The description, and the plan made from it.
#[component]
pub(crate) fn DescribeStep() -> impl IntoView {
    let draft = Draft::expect();
    let navigate = use_navigate();
    let is_submitted = RwSignal::new(false);
    let writing = Writing::new();
    let fault = Memo::new(move |_| {
        draft.prompt.with(|prompt| {
            let count = prompt.chars().count();
            if prompt.trim().is_empty() {
                Some("Describe the agent in a sentence or two.".to_owned())
            } else if count > MOST_CHARACTERS {
                Some(format!("{count} characters; at most {MOST_CHARACTERS} are read. Shorten it."))
            } else {
                None
            }
        })
    });
    // Nobody is told that a field is empty before they have tried.
    let error = Signal::derive(move || {
        fault.get().filter(|_| is_submitted.get() || draft.prompt.with(|prompt| !prompt.trim().is_empty()))
    });
    let go_on = StoredValue::new_local(move || navigate(&Step::Framework.address(), NavigateOptions::default()));
    let plan = move |()| {
        if draft.planner.with_untracked(|planner| planner.provider_id.is_none()) {
            draft.plan_by_rules();
            go_on.with_value(|go_on| go_on());
        } else {
            writing.begin(draft, move |plan| {
                draft.take(plan);
                go_on.with_value(|go_on| go_on());
            });
        }
    };
    let by_rules = move |()| {
        draft.planner.update(|planner| planner.provider_id = None);
        plan(());
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        is_submitted.set(true);
        if fault.get_untracked().is_some() {
            return;
        }
        if draft.is_planned() {
            go_on.with_value(|go_on| go_on());
        } else {
            plan(());
        }
    };
    let must_choose = move || draft.has_spec() && !draft.is_planned();
    let label = move || if must_choose() { "Plan again" } else { "Continue" };
    view! {
        <form class="stack" novalidate on:submit=submit>
            <div class="step-head">
                <h2 id="step-title" tabindex="-1">"What should the agent do?"</h2>
                <p class="prose">
                    "Say what it is for, what it may look up or call (with addresses, where you have them), and in which steps it works."
                </p>
            </div>
            <TextArea
                label="Description" value=draft.prompt error rows=7 focus=true
                placeholder="Answers questions about the weather in a city. It calls GET https://api.example.com/weather/{city} and reports temperature and wind."
            />
            <PlannerChoice/>
            <Show when=must_choose>
                <p class="hint">"The description or the planner has changed since the plan was made. Planning again replaces agents, tasks and tools; your choice of name, framework, model, pattern and cloud stays."</p>
            </Show>
            <Progress writing again=plan by_rules/>
            <footer class="step-foot">
                <Show when=must_choose>
                    <Button on_press=move |()| go_on.with_value(|go_on| go_on())>"Keep the plan"</Button>
                </Show>
                <Button kind=ButtonKind::Primary submit=true busy=writing.is_busy>{label}</Button>
            </footer>
        </form>
    }
    .into_any()
}
