//! A project's settings: its spec as text, and its end.

use gantry_domain::api::project::{Project, ReplaceSpec};
use gantry_domain::matrix::diagnose::is_sound;
use gantry_domain::problem::FieldProblem;
use gantry_domain::spec::yaml;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use serde_json::Value;

use super::CurrentProject;
use super::diagnostics::{Diagnostics, mended};
use super::matrix::{InstanceMatrix, MatrixNotice};
use crate::api::{calls, encode};
use crate::parts::{Button, ButtonKind, ConfirmDialog, ErrorLine, Icon, Submission, TextArea, icon, use_toaster};

/// A project's settings.
#[component]
pub(crate) fn ProjectSettingsPage() -> impl IntoView {
    let current = CurrentProject::expect();
    let id = Memo::new(move |_| current.get().map(|project| project.summary.id));
    move || {
        id.get()?;
        let project = current.loader.value.get_untracked()?;
        Some(view! {
            <div class="stack">
                <SpecEditor project=project.clone()/>
                <DangerZone project/>
            </div>
        })
    }
}

/// The spec as text, with what is wrong with it while it is edited.
#[component]
fn SpecEditor(project: Project) -> impl IntoView {
    let current = CurrentProject::expect();
    let (id, name) = (project.summary.id, project.summary.name.to_string());
    let saved = RwSignal::new(yaml::write(&project.spec));
    let revision = RwSignal::new(project.revision);
    let text = RwSignal::new(saved.get_untracked());
    let read = Memo::new(move |_| text.with(|text| yaml::read(text)));
    let matrix = InstanceMatrix::provide();
    let found =
        Memo::new(move |_| read.with(|read| read.as_ref().map(|spec| matrix.diagnose(spec)).unwrap_or_default()));
    let is_changed = Memo::new(move |_| text.with(|text| saved.with(|saved| text != saved)));
    let submission = Submission::new();
    let refused =
        Signal::derive(move || !is_changed.get() || read.with(Result::is_err) || found.with(|found| !is_sound(found)));
    let form_error = Signal::derive(move || {
        read.with(|read| read.as_ref().err().map(|faults| faults.iter().map(fault_text).collect::<Vec<_>>().join(" ")))
    });
    let fix = Callback::new(move |patch: Value| {
        let mended = read.with_untracked(|read| read.as_ref().ok().and_then(|spec| mended(spec, &patch)));
        if let Some(spec) = mended {
            text.set(yaml::write(&spec));
        }
    });
    let adopt = Callback::new(move |project: Project| {
        saved.set(yaml::write(&project.spec));
        text.set(saved.get_untracked());
        revision.set(project.revision);
    });
    let toaster = use_toaster();
    let navigate = use_navigate();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Ok(spec) = read.get_untracked() else { return };
        if refused.get_untracked() {
            return;
        }
        let (before, navigate) = (name.clone(), navigate.clone());
        let body = ReplaceSpec { spec, expected_revision: revision.get_untracked() };
        submission.run(async move { calls::replace_spec(id, &body).await }, move |project| {
            toaster.good(format!("Saved as revision {}. The files were generated anew.", project.revision));
            let name = project.summary.name.to_string();
            adopt.run(project);
            if name == before {
                current.loader.reload();
            } else {
                let address = format!("/projects/{}/settings", encode(&name));
                navigate(&address, NavigateOptions { replace: true, ..NavigateOptions::default() });
            }
        });
    };
    let somebody_was_faster =
        move || submission.error.with(|error| error.as_ref().is_some_and(|error| error.code() == "spec_changed"));
    let reload = Callback::new(move |()| {
        submission.run(async move { calls::project(&id.to_string()).await }, move |project| adopt.run(project));
    });
    view! {
        <form class="card stack" novalidate on:submit=submit>
            <div class="card-head">
                <div>
                    <h2>"Spec"</h2>
                    <p class="hint">"agent.gantry.yaml, revision " {move || revision.get()} ". Saving generates the files anew; the project takes its name from metadata.name."</p>
                </div>
            </div>
            <TextArea label="Spec as YAML" value=text code=true rows=28 error=form_error/>
            <MatrixNotice/>
            <Diagnostics found on_fix=fix/>
            <ErrorLine error=submission.error/>
            <Show when=somebody_was_faster>
                <div class="row"><Button glyph=Icon::Retry on_press=reload>"Load the newest spec, and lose this text"</Button></div>
            </Show>
            <div class="row">
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy disabled=refused>"Save spec"</Button>
                <Show when=move || is_changed.get()>
                    <Button on_press=move |()| text.set(saved.get_untracked())>"Undo all changes"</Button>
                </Show>
            </div>
        </form>
    }
    .into_any()
}

fn fault_text(fault: &FieldProblem) -> String {
    if fault.path.is_empty() { format!("{}.", fault.message) } else { format!("{}: {}.", fault.path, fault.message) }
}

/// What cannot be undone.
#[component]
fn DangerZone(project: Project) -> impl IntoView {
    let open = RwSignal::new(false);
    let submission = Submission::new();
    let (id, name) = (project.summary.id, project.summary.name.to_string());
    let toaster = use_toaster();
    let navigate = use_navigate();
    let typed_name = name.clone();
    let title = format!("Delete {name}?");
    let confirm = move |()| {
        let (navigate, name) = (navigate.clone(), name.clone());
        submission.run(calls::delete_project(id), move |()| {
            open.set(false);
            navigate("/projects", NavigateOptions::default());
            toaster.good(format!("{name} was deleted."));
        });
    };
    view! {
        <section class="card danger-zone">
            <div>
                <h2>"Delete this project"</h2>
                <p class="hint">"With its spec, files, chats, runs and builds. Images that were published stay in their registries."</p>
            </div>
            <Button kind=ButtonKind::Danger glyph=Icon::Trash on_press=move |()| open.set(true)>"Delete project"</Button>
        </section>
        <ConfirmDialog
            open
            title=Signal::derive(move || title.clone())
            action="Delete project"
            typed=Signal::derive(move || typed_name.clone())
            busy=submission.busy
            error=submission.message()
            on_confirm=confirm
        >
            <p class="row">{icon(Icon::Warning)}<span>"This cannot be undone."</span></p>
        </ConfirmDialog>
    }
    .into_any()
}
