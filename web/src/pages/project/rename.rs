//! Giving a project another name: the pencil beside its title, and the dialog behind it.

use gantry_domain::Slug;
use gantry_domain::api::project::{Project, ReplaceSpec};
use gantry_domain::problem::sentence;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use super::CurrentProject;
use crate::api::{calls, encode};
use crate::parts::{Button, ButtonKind, Dialog, ErrorLine, Icon, Submission, TextField};

/// The button, once the project is there.
#[component]
pub(super) fn RenameProject() -> impl IntoView {
    let current = CurrentProject::expect();
    let open = RwSignal::new(false);
    let is_there = Memo::new(move |_| current.loader.value.with(Option::is_some));
    let form = move || current.loader.value.get_untracked().map(|project| view! { <RenameForm project open/> });
    view! {
        <Show when=move || is_there.get()>
            <Button kind=ButtonKind::Ghost glyph=Icon::Edit label="Rename project (E)" shortcut="edit" on_press=move |()| open.set(true)/>
        </Show>
        <Dialog open title="Rename project">{form()}</Dialog>
    }
    .into_any()
}

#[component]
fn RenameForm(project: Project, open: RwSignal<bool>) -> impl IntoView {
    let before = project.summary.name.to_string();
    let name = RwSignal::new(before.clone());
    let submission = Submission::new();
    let typed = Memo::new(move |_| name.with(|name| name.trim().parse::<Slug>()));
    let error = {
        let from_server = submission.field("/spec/metadata/name");
        Signal::derive(move || match typed.get() {
            Ok(_) => from_server.get(),
            Err(fault) => Some(sentence(&fault.to_string())),
        })
    };
    let (navigate, path) = (use_navigate(), use_location().pathname);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Ok(wanted) = typed.get_untracked() else { return };
        if wanted.as_str() == before {
            open.set(false);
            return;
        }
        let mut spec = project.spec.clone();
        spec.metadata.name = wanted;
        let body = ReplaceSpec { spec, expected_revision: project.revision };
        let (id, navigate) = (project.summary.id, navigate.clone());
        // The same page of the project, under its new name.
        let page = path.with_untracked(|path| path.split('/').skip(3).map(str::to_owned).collect::<Vec<_>>().join("/"));
        submission.run(async move { calls::replace_spec(id, &body).await }, move |project| {
            open.set(false);
            let address = format!("/projects/{}/{page}", encode(project.summary.name.as_str()));
            navigate(address.trim_end_matches('/'), NavigateOptions { replace: true, ..NavigateOptions::default() });
        });
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <TextField
                    label="Name" code=true value=name error focus=true required=true
                    hint="Used in addresses and for the next image. Images that are published keep the name that they have."
                />
                <ErrorLine error=submission.error_beside(&["/spec/metadata/name"])/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy>"Rename"</Button>
            </footer>
        </form>
    }
    .into_any()
}
