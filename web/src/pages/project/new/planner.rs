//! Who makes the plan: the rules, here and at once, or a provider's model, whose writing is shown while
//! it lasts and can be given up.

use std::time::Duration;

use gantry_domain::api::plan::{Plan, PlanEvent};
use gantry_domain::api::provider::Provider;
use leptos::prelude::*;
use web_sys::AbortController;

use super::draft::{Draft, Planner};
use super::why::method_text;
use crate::api::{ApiError, calls, plans};
use crate::load::load;
use crate::paged::read_all;
use crate::parts::{Button, ErrorLine, Icon, RadioCard, TextField, icon};

/// The choice between the rules and the providers of this instance.
#[component]
pub(crate) fn PlannerChoice() -> impl IntoView {
    let draft = Draft::expect();
    let providers = load(|| read_all(calls::providers));
    let by_rules = Signal::derive(move || draft.planner.with(|planner| planner.provider_id.is_none()));
    let cards = move || {
        let providers = providers.value.get().unwrap_or_default();
        providers.into_iter().map(provider_card).collect_view()
    };
    // A provider that is gone cannot be asked: then the rules are chosen, in sight.
    Effect::new(move |_| {
        let chosen = draft.planner.with_untracked(|planner| planner.provider_id);
        let is_gone = providers.value.with(|providers| {
            let is_known = |id| providers.iter().flatten().any(|provider| provider.id == id);
            providers.is_some() && chosen.is_some_and(|id| !is_known(id))
        });
        if is_gone {
            draft.planner.set(Planner::default());
        }
    });
    let none = move || {
        providers.value.with(|providers| providers.as_ref().is_some_and(Vec::is_empty)).then(|| {
            view! {
                <p class="hint">"A model can write the plan once there is a provider: add one under "
                    <a href="/settings/providers">"Settings, Model providers"</a>"."</p>
            }
        })
    };
    let unread = move || {
        providers.error.get().map(|error| {
            view! {
                <p class="hint">"The providers could not be read: " {error.to_string()} " "
                    <button type="button" class="link-button" on:click=move |_| providers.reload()>"Retry"</button>
                </p>
            }
        })
    };
    let model = RwSignal::new(draft.planner.with_untracked(|planner| planner.model.clone()));
    Effect::new(move |_| {
        let typed = model.get();
        if draft.planner.with_untracked(|planner| planner.model != typed) {
            draft.planner.update(|planner| planner.model = typed);
        }
    });
    let has_provider = move || !by_rules.get();
    view! {
        <fieldset class="choices planners" data-choices="planner">
            <legend>"Who makes the plan?"</legend>
            <RadioCard
                group="planner" value="rules" title="Rules"
                text="In your browser, at once. They read your words and say which ones led to what; nothing is sent anywhere."
                checked=by_rules on_choose=move |()| draft.planner.update(|planner| planner.provider_id = None)
            />
            {cards}
        </fieldset>
        {none}
        {unread}
        <Show when=has_provider>
            <TextField label="Model that writes the plan" code=true value=model hint="Empty is the provider's default. The rules take over, and say so, when it gives no plan that can be used."/>
        </Show>
    }
    .into_any()
}

fn provider_card(provider: Provider) -> AnyView {
    let draft = Draft::expect();
    let id = provider.id;
    let checked = Signal::derive(move || draft.planner.with(|planner| planner.provider_id == Some(id)));
    let text =
        format!("{} at {} writes it. Your description is sent there.", provider.default_model, provider.base_url);
    view! {
        <RadioCard
            group="planner" value=id.to_string() title=provider.name text checked
            on_choose=move |()| draft.planner.update(|planner| planner.provider_id = Some(id))
        />
    }
    .into_any()
}

/// A plan that a model is writing.
#[derive(Clone, Copy)]
pub(crate) struct Writing {
    /// Whether one is being written.
    pub(crate) is_busy: RwSignal<bool>,
    events: RwSignal<Vec<PlanEvent>>,
    error: RwSignal<Option<ApiError>>,
    was_cancelled: RwSignal<bool>,
    seconds: RwSignal<u32>,
    controller: StoredValue<Option<AbortController>, LocalStorage>,
}

impl Writing {
    /// Nothing is written yet. What is being written ends with the calling component.
    pub(crate) fn new() -> Self {
        let writing = Self {
            is_busy: RwSignal::new(false),
            events: RwSignal::new(Vec::new()),
            error: RwSignal::new(None),
            was_cancelled: RwSignal::new(false),
            seconds: RwSignal::new(0),
            controller: StoredValue::new_local(None),
        };
        on_cleanup(move || writing.cancel());
        writing
    }

    /// Has the draft's provider write a plan; `done` gets it.
    pub(crate) fn begin(self, draft: Draft, done: impl FnOnce(Plan) + 'static) {
        if self.is_busy.get_untracked() {
            return;
        }
        let Ok(controller) = AbortController::new() else { return };
        let signal = controller.signal();
        self.controller.set_value(Some(controller));
        self.is_busy.set(true);
        self.events.set(Vec::new());
        self.error.set(None);
        self.was_cancelled.set(false);
        self.seconds.set(0);
        let request = draft.request();
        leptos::task::spawn_local(async move {
            let told = |event| {
                let _ = self.events.try_update(|events| events.push(event));
            };
            let answer = plans::plan(&request, &signal, told).await;
            // The page may be gone by now; then nobody is left to tell.
            if self.is_busy.try_set(false).is_some() {
                return;
            }
            match answer {
                _ if signal.aborted() => self.was_cancelled.set(true),
                Ok(plan) => done(plan),
                Err(error) => self.error.set(Some(error)),
            }
        });
        self.count();
    }

    /// Counts the seconds while it is busy.
    fn count(self) {
        set_timeout(
            move || {
                if self.is_busy.try_get_untracked() == Some(true) {
                    self.seconds.update(|seconds| *seconds += 1);
                    self.count();
                }
            },
            Duration::from_secs(1),
        );
    }

    /// Gives the plan up, here and at the model.
    pub(crate) fn cancel(self) {
        if let Some(controller) = self.controller.try_get_value().flatten() {
            controller.abort();
        }
    }
}

/// What is being asked, and why the last plan did not come.
#[component]
pub(crate) fn Progress(
    /// The plan in the making.
    writing: Writing,
    /// Tries again.
    #[prop(into)]
    again: Callback<()>,
    /// Has the rules make the plan instead.
    #[prop(into)]
    by_rules: Callback<()>,
) -> impl IntoView {
    let steps = move || writing.events.get().into_iter().map(event_row).collect_view();
    let has_failed = move || writing.error.with(Option::is_some);
    view! {
        <Show when=move || writing.is_busy.get()>
            <section class="card writing" aria-label="The plan in the making">
                <div class="writing-head">
                    {icon(Icon::Spinner)}
                    <p role="status">"The model is writing the plan"</p>
                    <span class="number muted">{move || writing.seconds.get()} " s"</span>
                    <Button glyph=Icon::Stop on_press=move |()| writing.cancel()>"Cancel"</Button>
                </div>
                <ol class="writing-steps">{steps}</ol>
                <p class="hint">"It may take a while on your own machine. A document that is not sound goes back to the model, twice at most."</p>
            </section>
        </Show>
        <Show when=move || writing.was_cancelled.get()>
            <p class="hint" role="status">"Cancelled. Nothing was changed, and the model is no longer asked."</p>
        </Show>
        <ErrorLine error=writing.error/>
        <Show when=has_failed>
            <div class="row">
                <Button glyph=Icon::Retry on_press=again>"Try again"</Button>
                <Button on_press=by_rules>"Plan by the rules instead"</Button>
            </div>
        </Show>
    }
    .into_any()
}

fn event_row(event: PlanEvent) -> Option<AnyView> {
    let text = match event {
        PlanEvent::Asked { method, number } => format!("Question {number}: asked {}", method_text(method)),
        PlanEvent::Answered { attempt } => match attempt.problems.as_slice() {
            [] => "The answer is sound".to_owned(),
            [problem] => format!("Not accepted: {problem}"),
            [problem, rest @ ..] => format!("Not accepted: {problem}, and {} more", rest.len()),
        },
        PlanEvent::Done { .. } => return None,
    };
    Some(view! { <li>{text}</li> }.into_any())
}
