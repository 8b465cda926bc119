//! A project's gates: what versions of a channel must have shown, how the project stands, and who let what through.

use gantry_domain::api::eval::{Gate, GateOverride, OverrideGate};
use gantry_domain::eval::Layer;
use gantry_domain::eval::gate::{Channel, GateAction, GatePolicy};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::{View, views};
use crate::api::evals;
use crate::load::{load, loaded};
use crate::pages::project::CurrentProject;
use crate::parts::{
    Button, ButtonKind, CheckField, Choice, Dialog, ErrorLine, Icon, Pill, SelectField, Submission, TextArea,
    TextField, TimeAgo, Tone, skeleton_block, use_toaster,
};

/// The paths that the form of a policy shows beside its fields.
const FIELDS: [&str; 3] = ["/minPassPercent", "/maxAgeHours", "/require"];

/// A project's gates.
#[component]
pub(crate) fn GatesPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let loader = load(move || {
        let (name, _) = (project.name.get(), project.revision.get());
        async move { evals::gates(&name).await }
    });
    let reload = Callback::new(move |()| loader.reload());
    let body = loaded(loader, "The gates", skeleton_block, move |gates| {
        gates.items.into_iter().map(|gate| view! { <GateCard gate reload/> }).collect_view()
    });
    view! {
        <h2 class="visually-hidden">"Gates"</h2>
        <div class="stack">
            <div class="row">{views(View::Gates)}</div>
            <p class="hint">"A gate stops builds or publications of versions that have not shown what it asks for. All gates are off until somebody sets them."</p>
            {body}
        </div>
    }
    .into_any()
}

fn channel_words(channel: Channel) -> (&'static str, &'static str) {
    match channel {
        Channel::Release => ("Release", "Versions such as 1.2.0, which people rely on."),
        Channel::Dev => ("Dev", "Pre-release versions, such as 1.2.0-dev.3."),
    }
}

fn action_word(action: GateAction) -> &'static str {
    match action {
        GateAction::Build => "Build",
        GateAction::Publish => "Publish",
    }
}

#[component]
fn GateCard(gate: Gate, reload: Callback<()>) -> impl IntoView {
    let (title, meaning) = channel_words(gate.channel);
    let heading = format!("gate-{}", gate.channel.as_str());
    let labelled_by = heading.clone();
    let is_off = gate.policy.guards.is_empty();
    let state = match (is_off, gate.passes) {
        (true, _) => view! { <Pill tone=Tone::Idle glyph=Icon::Minus text="Off: stops nothing"/> }.into_any(),
        (false, true) => {
            view! { <Pill tone=Tone::Good glyph=Icon::Check text=format!("Revision {} passes", gate.revision)/> }
                .into_any()
        }
        (false, false) => {
            view! { <Pill tone=Tone::Bad glyph=Icon::Stop text=format!("Revision {} does not pass", gate.revision)/> }
                .into_any()
        }
    };
    let missing = gate.missing.iter().map(|fault| view! { <li>{fault.message.clone()}</li> }).collect_view();
    let open = RwSignal::new(false);
    let (channel, guards) = (gate.channel, gate.policy.guards.clone());
    let lets_through = (!gate.passes).then(|| {
        view! { <Button glyph=Icon::Forward on_press=move |()| open.set(true)>"Let through once"</Button> }
    });
    let changed = gate.changed_by.clone().zip(gate.changed_at).map(|(by, at)| {
        view! { <p class="hint">"Set by " {by} ", " <TimeAgo at/></p> }
    });
    let guards = StoredValue::new(guards);
    view! {
        <section class="card stack" aria-labelledby=labelled_by>
            <div class="card-head">
                <h2 id=heading>{title}</h2> {state} <span class="grow"></span> {lets_through}
            </div>
            <p class="muted">{meaning}</p>
            <ul class="faults">{missing}</ul>
            <PolicyForm channel policy=gate.policy.clone() reload/>
            {changed}
            {overrides(&gate.overrides)}
        </section>
        <Dialog open title=format!("Let something through the gate {title}")>
            <OverrideForm channel guards=guards.get_value() open reload/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn PolicyForm(channel: Channel, policy: GatePolicy, reload: Callback<()>) -> impl IntoView {
    let project = CurrentProject::expect();
    let build = RwSignal::new(policy.guards.contains(&GateAction::Build));
    let publish = RwSignal::new(policy.guards.contains(&GateAction::Publish));
    let layers: Vec<(Layer, RwSignal<bool>)> =
        Layer::ALL.into_iter().map(|layer| (layer, RwSignal::new(policy.require.contains(&layer)))).collect();
    let percent = RwSignal::new(policy.min_pass_percent.to_string());
    let no_regression = RwSignal::new(policy.no_regression);
    let age = RwSignal::new(policy.max_age_hours.map(|hours| hours.to_string()).unwrap_or_default());
    let checks = layers
        .iter()
        .map(|(layer, checked)| view! { <CheckField label=layer.title() checked=*checked/> })
        .collect_view();
    let submission = Submission::new();
    let toaster = use_toaster();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let chosen = [(GateAction::Build, build), (GateAction::Publish, publish)];
        let body = GatePolicy {
            guards: chosen.into_iter().filter(|(_, on)| on.get_untracked()).map(|(action, _)| action).collect(),
            require: layers.iter().filter(|(_, on)| on.get_untracked()).map(|(layer, _)| *layer).collect(),
            // What is no number is refused with words beside the field.
            min_pass_percent: percent.get_untracked().trim().parse().unwrap_or(0),
            no_regression: no_regression.get_untracked(),
            max_age_hours: match age.get_untracked().trim() {
                "" => None,
                hours => Some(hours.parse().unwrap_or(0)),
            },
        };
        let name = project.name.get_untracked();
        submission.run(async move { evals::set_gate(&name, channel, &body).await }, move |_| {
            toaster.good(format!("The gate {} was set.", channel.as_str()));
            reload.run(());
        });
    };
    view! {
        <form class="stack" novalidate on:submit=submit>
            <fieldset class="row"><legend>"Stands before"</legend>
                <CheckField label="Builds" checked=build/>
                <CheckField label="Publications" checked=publish/>
            </fieldset>
            <fieldset class="row"><legend>"Must have passed"</legend>{checks}</fieldset>
            <p class="field-error" role="alert">{submission.field("/require")}</p>
            <CheckField label="No live case got worse" checked=no_regression
                hint="than at the last earlier revision of which an image was built for this channel, on the same runtime."/>
            <div class="row">
                <TextField label="Live cases, at least %" kind="number" value=percent error=submission.field("/minPassPercent")/>
                <TextField label="Eval not older than, hours" kind="number" value=age error=submission.field("/maxAgeHours") placeholder="any age"/>
            </div>
            <ErrorLine error=submission.error_beside(&FIELDS)/>
            <div class="row"><Button submit=true busy=submission.busy>"Save"</Button></div>
        </form>
    }
    .into_any()
}

#[component]
fn OverrideForm(
    channel: Channel,
    guards: Vec<GateAction>,
    open: RwSignal<bool>,
    reload: Callback<()>,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let reason = RwSignal::new(String::new());
    let action = RwSignal::new(guards.first().map_or("build", |action| action.as_str()).to_owned());
    let choices: Vec<Choice> = guards.iter().map(|action| Choice::new(action.as_str(), action_word(*action))).collect();
    let submission = Submission::new();
    let toaster = use_toaster();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let chosen = guards.iter().copied().find(|guard| action.with_untracked(|action| guard.as_str() == action));
        let Some(action) = chosen else { return };
        let body = OverrideGate { action, revision: None, reason: reason.get_untracked() };
        let name = project.name.get_untracked();
        submission.run(async move { evals::override_gate(&name, channel, &body).await }, move |made: GateOverride| {
            toaster.good(format!("{} of revision {} may go through once.", action_word(made.action), made.revision));
            open.set(false);
            reload.run(());
        });
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <p>"It works once, for the newest revision. Who did it and why is kept for ever."</p>
                <SelectField label="What" value=action choices=Signal::stored(choices)/>
                <TextArea label="Why" value=reason rows=3 focus=true error=submission.field("/reason") hint="10 to 1000 characters."/>
                <ErrorLine error=submission.error_beside(&["/reason"])/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Danger submit=true busy=submission.busy>"Let through once"</Button>
            </footer>
        </form>
    }
    .into_any()
}

fn overrides(all: &[GateOverride]) -> Option<AnyView> {
    let rows = all.iter().map(|one| {
        let used = match one.used_at {
            Some(at) => view! { "used " <TimeAgo at/> }.into_any(),
            None => view! { "not used yet" }.into_any(),
        };
        view! {
            <li>
                <b>{action_word(one.action)} " of revision " {one.revision}</b> " by " {one.created_by.clone()} ", "
                <TimeAgo at=one.created_at/> ", " {used} ": " {one.reason.clone()}
            </li>
        }
    });
    let rows = rows.collect_view();
    (!all.is_empty()).then(|| view! { <div><h3>"Let through"</h3><ul class="stack-tight">{rows}</ul></div> }.into_any())
}
