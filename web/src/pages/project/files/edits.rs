//! What is yours: how the files differ from what the generator wrote.

use std::sync::Arc;

use gantry_domain::api::revision::{FileChange, FileDiff};
use leptos::prelude::*;

use super::dialogs::{DeleteFile, RevertDialog};
use super::{Section, file_address, files_head};
use crate::api::revisions::revision_diff;
use crate::load::{load, loaded};
use crate::pages::project::CurrentProject;
use crate::parts::diff_view::{FileActions, diff_view};
use crate::parts::{Button, ButtonKind, EmptyState, Icon, LinkButton, skeleton_block};

/// How the files differ from what the generator wrote.
#[component]
pub(crate) fn EditsPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let diff = load(move || {
        let (name, revision) = (project.name.get(), project.revision.get());
        async move { revision_diff(&name, revision, Some("generated")).await }
    });
    let reverting = RwSignal::new(None::<String>);
    let deleting = RwSignal::new(None::<String>);
    let shown = loaded(diff, "What you changed", skeleton_block, move |diff| {
        if diff.files.is_empty() {
            let href = super::address(&project.name.get_untracked(), Section::Files);
            return view! {
                <EmptyState title="No edits" text="Every file is what the generator wrote. What you change, add or delete appears here.">
                    <LinkButton href>"Open the files"</LinkButton>
                </EmptyState>
            }
            .into_any();
        }
        let actions: FileActions = Arc::new(move |file| actions(project, file, reverting, deleting));
        view! {
            <p class="hint files-hint">"Against what the generator wrote for revision " {diff.to} "."</p>
            {diff_view(diff.files, Some(actions))}
        }
        .into_any()
    });
    view! {
        <h2 class="visually-hidden">"Your edits"</h2>
        {files_head(project, Section::Edits)}
        {shown}
        {dialog_for(reverting, |path, open| view! { <RevertDialog path open/> }.into_any())}
        {dialog_for(deleting, |path, open| view! { <DeleteFile path open/> }.into_any())}
    }
    .into_any()
}

/// A dialog about the file that is chosen; closing it forgets the file.
fn dialog_for(chosen: RwSignal<Option<String>>, dialog: fn(String, RwSignal<bool>) -> AnyView) -> impl IntoView {
    move || {
        let path = chosen.get()?;
        let open = RwSignal::new(true);
        Effect::new(move |_| {
            if !open.get() {
                chosen.set(None);
            }
        });
        Some(dialog(path, open))
    }
}

fn actions(
    project: CurrentProject,
    file: &FileDiff,
    reverting: RwSignal<Option<String>>,
    deleting: RwSignal<Option<String>>,
) -> AnyView {
    let path = StoredValue::new(file.path.clone());
    let href = file_address(&project.name.get_untracked(), &file.path);
    let open = (file.change != FileChange::Removed)
        .then(|| view! { <LinkButton href kind=ButtonKind::Ghost>"Open"</LinkButton> });
    let back = match file.change {
        FileChange::Added => view! {
            <Button kind=ButtonKind::Ghost glyph=Icon::Trash on_press=move |()| deleting.set(Some(path.get_value()))>"Delete"</Button>
        }
        .into_any(),
        FileChange::Removed => view! {
            <Button kind=ButtonKind::Ghost glyph=Icon::Undo on_press=move |()| reverting.set(Some(path.get_value()))>"Bring back"</Button>
        }
        .into_any(),
        FileChange::Changed => view! {
            <Button kind=ButtonKind::Ghost glyph=Icon::Undo on_press=move |()| reverting.set(Some(path.get_value()))>"Revert"</Button>
        }
        .into_any(),
    };
    view! { {open} {back} }.into_any()
}
