//! Doing a run anew with another input.

use gantry_domain::api::run::{Run, RunAgain};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::{mode_word, runtime_word};
use crate::api::work;
use crate::pages::project::CurrentProject;
use crate::pages::project::chat::model_name;
use crate::parts::{Button, ButtonKind, Dialog, ErrorLine, Icon, Submission, TextArea};

/// Asks for the input, and shows the new run.
#[component]
pub(super) fn AgainDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The run.
    run: StoredValue<Run>,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let navigate = StoredValue::new_local(use_navigate());
    let input = RwSignal::new(String::new());
    let submission = Submission::new();
    Effect::new(move |_| {
        if open.get() {
            input.set(run.with_value(|run| run.input.clone()));
            submission.error.set(None);
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let id = run.with_value(|run| run.id);
        let body = RunAgain { input: Some(input.get_untracked()) };
        submission.run(async move { work::run_again(id, &body).await }, move |accepted| {
            open.set(false);
            let address = format!("/projects/{}/runs/{}", project.name.get_untracked(), accepted.id);
            navigate.with_value(|navigate| navigate(&address, Default::default()));
        });
    };
    let refused = Signal::derive(move || input.with(|input| input.trim().is_empty()));
    let (mode, model, is_turn) = run.with_value(|run| {
        (mode_word(run.mode), model_name(&run.model, run.provider_id.is_none()), run.session_id.is_some())
    });
    let runtime = run.with_value(|run| runtime_word(run.runtime));
    let model = StoredValue::new(model);
    view! {
        <Dialog open title="Run again">
            <form on:submit=submit>
                <div class="dialog-body">
                    <p>"A new run from the beginning, with the spec that this run had, in mode " <b>{mode}</b> ", with " <b>{model.get_value()}</b> ", " {runtime} ". Tools are called anew."</p>
                    {is_turn.then(|| view! { <p class="hint">"It is a run by itself: what was said before in the chat is not part of it."</p> })}
                    <TextArea label="Input" value=input rows=5 focus=true error=submission.field("/input")/>
                    <ErrorLine error=submission.error_beside(&["/input"])/>
                </div>
                <footer class="dialog-actions">
                    <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                    <Button kind=ButtonKind::Primary glyph=Icon::Play submit=true busy=submission.busy disabled=refused>"Run"</Button>
                </footer>
            </form>
        </Dialog>
    }
    .into_any()
}
