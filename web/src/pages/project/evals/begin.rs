//! Beginning an eval: with which model, in which mode, how often.

use gantry_domain::api::eval::CreateEval;
use gantry_domain::api::provider::Provider;
use gantry_domain::api::run::{PermissionMode, RunRuntime};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::api::{calls, evals};
use crate::load::{load, loaded};
use crate::paged::read_all;
use crate::pages::project::CurrentProject;
use crate::parts::{
    Button, ButtonKind, Choice, Dialog, ErrorLine, Icon, SelectField, Submission, TextField, skeleton_rows,
};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 4] = ["/model", "/providerId", "/repeats", "/runtime"];

/// Asks how, and shows the eval that was begun.
#[component]
pub(super) fn BeginDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    view! { <Dialog open title="Run an eval"><Form open/></Dialog> }.into_any()
}

#[component]
fn Form(open: RwSignal<bool>) -> impl IntoView {
    let providers = load(|| read_all(calls::providers));
    loaded(providers, "The list of providers", || skeleton_rows(3), move |providers| fields(open, &providers))
}

fn fields(open: RwSignal<bool>, providers: &[Provider]) -> AnyView {
    let project = CurrentProject::expect();
    let navigate = StoredValue::new_local(use_navigate());
    let first = providers.first().map(|provider| provider.id.to_string()).unwrap_or_default();
    let (provider, judge) = (RwSignal::new(first), RwSignal::new(String::new()));
    let (model, mode, repeats) =
        (RwSignal::new(String::new()), RwSignal::new("safe".to_owned()), RwSignal::new("1".to_owned()));
    let named: Vec<Choice> =
        providers.iter().map(|provider| Choice::new(provider.id.to_string(), &provider.name)).collect();
    let with = |first: &str| {
        let mut choices = vec![Choice::new("", first)];
        choices.extend(named.iter().cloned());
        Signal::stored(choices)
    };
    let (providers, judges) = (with("No model: leave the live cases out"), with("The same as for the cases"));
    let modes = Signal::stored(vec![
        Choice::new("safe", "Safe: tools that change something are denied"),
        Choice::new("dev", "Dev: all tools run, and may change something"),
    ]);
    let runtime = RwSignal::new(RunRuntime::Native.as_str().to_owned());
    let runtimes = Signal::stored(vec![
        Choice::new(RunRuntime::Native.as_str(), "Native: the spec is interpreted"),
        Choice::new(RunRuntime::Container.as_str(), "Container: the newest image, without a network"),
    ]);
    let submission = Submission::new();
    let has_model = Memo::new(move |_| provider.with(|provider| !provider.is_empty()));
    let in_container = move || runtime.with_untracked(|runtime| runtime == RunRuntime::Container.as_str());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let text =
            |signal: RwSignal<String>| Some(signal.get_untracked().trim().to_owned()).filter(|text| !text.is_empty());
        let has_model = has_model.get_untracked();
        let body = CreateEval {
            mode: Some(if mode.get_untracked() == "dev" { PermissionMode::Dev } else { PermissionMode::Safe }),
            provider_id: provider.get_untracked().parse().ok(),
            model: text(model).filter(|_| has_model),
            judge_provider_id: judge.get_untracked().parse().ok().filter(|_| has_model),
            // What is no number is refused with words beside the field.
            repeats: Some(repeats.get_untracked().trim().parse().unwrap_or(0)),
            runtime: if in_container() { RunRuntime::Container } else { RunRuntime::Native },
            ..CreateEval::default()
        };
        let name = project.name.get_untracked();
        let asked = name.clone();
        submission.run(async move { evals::create_eval(&asked, &body).await }, move |accepted| {
            open.set(false);
            navigate.with_value(|go| go(&format!("/projects/{name}/evals/{}", accepted.id), Default::default()));
        });
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <SelectField label="Model provider" value=provider choices=providers error=submission.field("/providerId")
                    hint="The rehearsal is no model: without a provider only what needs none is looked at."/>
                <Show when=move || has_model.get()>
                    <TextField label="Model" code=true value=model error=submission.field("/model") hint="Empty for the provider's default."/>
                    <SelectField label="Judge" value=judge choices=judges hint="Asked about cases that have a rubric."/>
                    <TextField label="Repeats" kind="number" value=repeats error=submission.field("/repeats") hint="How often each case is run, 1 to 10. A case passes when all of its repeats do."/>
                </Show>
                <SelectField label="Runtime" value=runtime choices=runtimes error=submission.field("/runtime")
                    hint="In a container the revision is looked at that the image was built from."/>
                <SelectField label="Tools" value=mode choices=modes hint="Nobody is there to be asked."/>
                <ErrorLine error=submission.error_beside(&FIELDS)/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary glyph=Icon::Play submit=true busy=submission.busy>"Run"</Button>
            </footer>
        </form>
    }
    .into_any()
}
