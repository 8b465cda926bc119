//! The last look: the name, what the project is meant to become, why the plan is as it is, and creating
//! it. The card of compatibility and the files stand beside it.

use gantry_domain::Slug;
use gantry_domain::api::project::CreateProject;
use gantry_domain::matrix::diagnose::is_sound;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use serde_json::Value;

use super::Step;
use super::draft::{Draft, bound};
use super::preview::Preview;
use super::why::Why;
use crate::api::{calls, encode};
use crate::pages::project::diagnostics::mended;
use crate::pages::project::matrix::InstanceMatrix;
use crate::pages::project::whole::WholeFields;
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
    let on_change = Callback::new(move |patch: Value| {
        draft.change(move |spec| {
            if let Some(changed) = mended(spec, &patch) {
                *spec = changed;
            }
        });
    });
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
                <h2 id="step-title" tabindex="-1">"Review"</h2>
                <p class="prose">"Creating the project writes the files that are shown. Everything can be changed later."</p>
            </div>
            <div class="card form">
                <div class="field-pair">
                    <TextField label="Name" code=true value=name error=name_error required=true hint="Lower-case letters, digits and hyphens; used in addresses and in the image's name."/>
                    <TextField label="Version" code=true value=version required=true hint="Semantic version."/>
                </div>
                <TextArea label="What it is for" value=description rows=3/>
                <Exports/>
            </div>
            <details class="card">
                <summary>"Limits, memory and image"</summary>
                <div class="stack details-body"><WholeFields spec=draft.spec on_change/></div>
            </details>
            <ErrorLine error=other_error/>
            <footer class="step-foot">
                <LinkButton href=Step::Tools.address()>"Back"</LinkButton>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy disabled=refused>"Create project"</Button>
                <Show when=move || refused.get()><p class="hint">"What is marked as blocked has to be resolved first."</p></Show>
            </footer>
            <Why/>
        </form>
    }
    .into_any()
}

/// What the project is meant to become.
#[component]
fn Exports() -> impl IntoView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let boxes = move || {
        let exports = matrix.value.with(|matrix| matrix.exports.clone());
        exports
            .into_iter()
            .map(|export| {
                let (own, toggled) = (export.id.clone(), export.id);
                let is_chosen = move || {
                    draft.spec.with(|spec| spec.as_ref().is_some_and(|spec| spec.target.exports.contains(&own)))
                };
                let toggle = move |_| {
                    let id = toggled.clone();
                    draft.change(move |spec| {
                        let before = spec.target.exports.len();
                        spec.target.exports.retain(|other| *other != id);
                        if spec.target.exports.len() == before {
                            spec.target.exports.push(id);
                        }
                    });
                };
                view! {
                    <label class="inline-check" title=export.description>
                        <input type="checkbox" prop:checked=is_chosen on:change=toggle/>{export.name}
                    </label>
                }
            })
            .collect_view()
    };
    view! {
        <fieldset class="field">
            <legend>"Meant to become"</legend>
            <div class="row exports">{boxes}</div>
            <p class="hint">"Checked against the framework. Nothing is exported yet, and nothing is excluded by leaving it out."</p>
        </fieldset>
    }
    .into_any()
}
