//! The last look: the name, why the plan is as it is, and creating it.

use gantry_domain::Slug;
use gantry_domain::api::project::CreateProject;
use gantry_domain::matrix::diagnose::is_sound;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Step;
use super::draft::{Draft, Preview, bound};
use crate::api::{calls, encode};
use crate::parts::{Button, ButtonKind, ErrorLine, LinkButton, Submission, TextArea, TextField};

/// The last look.
#[component]
pub(crate) fn ReviewStep() -> impl IntoView {
    let draft = Draft::expect();
    let preview = Preview::expect();
    let metadata = draft.spec.with_untracked(|spec| spec.as_ref().map(|spec| spec.metadata.clone()));
    let (name, version, description) = metadata
        .map(|metadata| (metadata.name.to_string(), metadata.version, metadata.description))
        .unwrap_or_default();
    let name = bound(name, move |text| {
        if let Ok(name) = text.trim().parse::<Slug>() {
            draft.decided.update(|decided| decided.name = Some(name.to_string()));
            draft.change(|spec| spec.metadata.name = name);
        }
    });
    let version = bound(version, move |text| draft.change(|spec| spec.metadata.version = text.trim().to_owned()));
    let description = bound(description, move |text| draft.change(|spec| spec.metadata.description = text));
    let submission = Submission::new();
    let name_fault = Memo::new(move |_| {
        name.with(|name| name.trim().parse::<Slug>().err()).map(|fault| {
            let text = fault.to_string();
            format!("{}{}.", text[..1].to_uppercase(), &text[1..])
        })
    });
    let is_taken = Memo::new(move |_| {
        submission.error.with(|error| error.as_ref().is_some_and(|error| error.code() == "project_name_taken"))
    });
    let name_error = Signal::derive(move || {
        name_fault.get().or_else(|| is_taken.get().then(|| submission.message().get()).flatten())
    });
    let other_error = Signal::derive(move || submission.error.get().filter(|_| !is_taken.get()));
    let refused =
        Signal::derive(move || name_fault.with(Option::is_some) || !preview.found.with(|found| is_sound(found)));
    let navigate = use_navigate();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(spec) = draft.spec.get_untracked() else { return };
        if refused.get_untracked() {
            return;
        }
        let navigate = navigate.clone();
        submission.run(async move { calls::create_project(&CreateProject { spec }).await }, move |project| {
            draft.clear();
            let address = format!("/projects/{}", encode(project.summary.name.as_str()));
            navigate(&address, NavigateOptions { replace: true, ..NavigateOptions::default() });
        });
    };
    view! {
        <form class="stack" novalidate on:submit=submit>
            <div class="step-head">
                <h2>"Review"</h2>
                <p class="prose">"Creating the project writes the files on the right. Everything can be changed later."</p>
            </div>
            <div class="card form">
                <div class="field-pair">
                    <TextField label="Name" code=true value=name error=name_error required=true hint="Lower-case letters, digits and hyphens; used in addresses and in the image's name."/>
                    <TextField label="Version" code=true value=version required=true hint="Semantic version."/>
                </div>
                <TextArea label="What it is for" value=description rows=3/>
            </div>
            <Reasons/>
            <ErrorLine error=other_error/>
            <footer class="step-foot">
                <LinkButton href=Step::Tools.address()>"Back"</LinkButton>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy disabled=refused>"Create project"</Button>
                <Show when=move || refused.get()><p class="hint">"What is marked as wrong has to be resolved first."</p></Show>
            </footer>
        </form>
    }
    .into_any()
}

/// Why the plan looks as it does.
#[component]
fn Reasons() -> impl IntoView {
    let draft = Draft::expect();
    let list = |lines: Vec<String>| lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    let reasons = move || {
        let reasons = draft.reasons.get();
        (!reasons.is_empty()).then(|| {
            view! { <details class="card"><summary>"Why the plan was made like this"</summary><ul class="bullets">{list(reasons)}</ul></details> }
        })
    };
    view! { {reasons} }.into_any()
}
