//! Regenerating: what would change is shown first, and what was done can be taken back.

use gantry_domain::api::revision::{RegenerateProject, Regeneration};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::dialogs::refusal;
use super::{Section, address, conflict_count};
use crate::api::revisions::{regenerate, regeneration};
use crate::load::{load, loaded};
use crate::pages::project::CurrentProject;
use crate::parts::diff_view::diff_view;
use crate::parts::{Button, ButtonKind, Dialog, Icon, Submission, icon, skeleton_block};

/// The button, and the dialog behind it.
#[component]
pub(super) fn RegenerateButton() -> impl IntoView {
    let project = CurrentProject::expect();
    let open = RwSignal::new(false);
    // A second merge on top of marks would help nobody; the server refuses it.
    let has_conflicts = Signal::derive(move || conflict_count(project) > 0);
    let content = move || {
        if has_conflicts.get() {
            view! { <div class="dialog-body"><p>"Files wait for your decision. Resolve them first."</p></div> }
                .into_any()
        } else {
            view! { <Preview open/> }.into_any()
        }
    };
    view! {
        <Button glyph=Icon::Retry disabled=has_conflicts on_press=move |()| open.set(true)>"Regenerate"</Button>
        <Dialog open title="Regenerate the files">{content}</Dialog>
    }
    .into_any()
}

/// What regenerating would do now.
#[component]
fn Preview(open: RwSignal<bool>) -> impl IntoView {
    let project = CurrentProject::expect();
    let preview = load(move || {
        let name = project.name.get();
        project.revision.track();
        async move { regeneration(&name).await }
    });
    let submission = Submission::new();
    let message = refusal(project, submission);
    let navigate = StoredValue::new_local(use_navigate());
    let is_nothing =
        Memo::new(move |_| preview.value.with(|preview| preview.as_ref().is_none_or(|preview| !preview.changed)));
    let press = move |()| {
        let (name, before) = (project.name.get_untracked(), project.revision.get_untracked());
        let conflicts =
            preview.value.with_untracked(|preview| preview.as_ref().map_or(0, |preview| preview.conflicts.len()));
        let body = RegenerateProject { expected_revision: before };
        submission.run(async move { regenerate(&name, &body).await }, move |answer| {
            open.set(false);
            if conflicts > 0 {
                let to = address(&project.name.get_untracked(), Section::Conflicts);
                navigate.with_value(|navigate| navigate(&to, Default::default()));
            }
            let text = format!("Regenerated as revision {}. Your edits were kept.", answer.revision);
            project.adopt_with_undo(answer, before, text);
        });
    };
    let body = loaded(preview, "What would change", skeleton_block, preview_view);
    view! {
        <div class="dialog-body regeneration">
            {body}
            <p class="field-error" role="alert">{move || message.get()}</p>
        </div>
        <footer class="dialog-actions">
            <Button on_press=move |()| open.set(false)>"Cancel"</Button>
            <Button kind=ButtonKind::Primary glyph=Icon::Retry busy=submission.busy disabled=is_nothing on_press=press>"Regenerate"</Button>
        </footer>
    }
    .into_any()
}

fn preview_view(preview: Regeneration) -> AnyView {
    if !preview.changed {
        return view! {
            <p>"Nothing would change: this version of Gantry writes for the spec what was generated before."</p>
        }
        .into_any();
    }
    let conflicts = (!preview.conflicts.is_empty()).then(|| {
        let paths = preview.conflicts.iter().map(|conflict| view! { <li><code>{conflict.path.clone()}</code></li> });
        view! {
            <div class="notice warn">
                {icon(Icon::Warning)}
                <div>
                    <p>"In these files your edits and what is generated are at odds; they will wait for your decision:"</p>
                    <ul class="bullets">{paths.collect_view()}</ul>
                </div>
            </div>
        }
    });
    view! {
        <p>"This is what would change. Your edits are kept; the revision before can be brought back."</p>
        {conflicts}
        {diff_view(preview.diff.files, None)}
    }
    .into_any()
}
