//! What can be taken away from a run or a chat: its trace, a link to it, the conversation as Markdown.

use gantry_domain::api::run::Run;
use leptos::prelude::*;
use leptos_router::components::A;
use uuid::Uuid;

use super::export::{Said, as_markdown};
use super::state::Chat;
use super::turn_view::model_name;
use crate::api::work;
use crate::pages::project::CurrentProject;
use crate::pages::project::runs::mode_word;
use crate::parts::copy::copy_text;
use crate::parts::download::{file_name, save_text};
use crate::parts::{Button, ButtonKind, ErrorLine, Icon, Submission, icon, use_toaster};

/// Saving the trace of a run, and copying a link to what is shown.
pub(in crate::pages::project) fn run_actions(id: Uuid) -> AnyView {
    let project = CurrentProject::expect();
    let toaster = use_toaster();
    let submission = Submission::new();
    let save = move |()| {
        let name = format!("{}-{id}.json", file_name(&project.name.get_untracked()));
        submission.run(async move { work::trace_of_run(id).await }, move |trace| {
            let text = serde_json::to_string_pretty(&trace).unwrap_or_default();
            if !save_text(&name, &text) {
                toaster.bad("The browser did not allow saving the file.");
            }
        });
    };
    let copy = move |()| {
        let address = window().location().href().unwrap_or_default();
        copy_text(address, "The link is copied. Whoever has an account here can open it.", toaster);
    };
    view! {
        <Button kind=ButtonKind::Ghost glyph=Icon::Download busy=submission.busy on_press=save>"Trace JSON"</Button>
        <Button kind=ButtonKind::Ghost glyph=Icon::Link on_press=copy>"Copy link"</Button>
        <ErrorLine error=submission.error/>
    }
    .into_any()
}

/// What can be done with the turn that the inspector shows, and with its chat.
#[component]
pub(super) fn QuickActions(chat: Chat, run: std::sync::Arc<Run>) -> impl IntoView {
    let project = CurrentProject::expect();
    let toaster = use_toaster();
    let href = format!("/projects/{}/runs/{}", project.name.get_untracked(), run.id);
    let export = move |()| {
        let title = chat.session.with_untracked(|session| {
            session.as_ref().map(|session| session.title.clone()).filter(|title| !title.is_empty())
        });
        let title = title.unwrap_or_else(|| "Chat".to_owned());
        let said: Vec<Said> = chat.turns.with_untracked(|turns| {
            let of = |handle: &super::state::TurnHandle| Said {
                input: handle.run.input.clone(),
                turn: handle.turn.get_untracked(),
                model: model_name(&handle.run.model, handle.run.provider_id.is_none()),
                mode: mode_word(handle.run.mode),
                at: handle.run.created_at,
            };
            turns.iter().map(of).collect()
        });
        let text = as_markdown(&title, &project.name.get_untracked(), &said);
        if !save_text(&format!("{}.md", file_name(&title)), &text) {
            toaster.bad("The browser did not allow saving the file.");
        }
    };
    view! {
        <section aria-labelledby="actions-heading">
            <h2 id="actions-heading">"Quick actions"</h2>
            <div class="quick-actions">
                <A href=href attr:class="button ghost">{icon(Icon::Activity)} "Open run"</A>
                {run_actions(run.id)}
                <Button kind=ButtonKind::Ghost glyph=Icon::File on_press=export>"Export .md"</Button>
            </div>
        </section>
    }
    .into_any()
}
