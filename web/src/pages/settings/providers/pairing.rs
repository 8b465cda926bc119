//! Pairing an OllaBridge by a code, and ending that.

use gantry_domain::api::provider::Provider;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use crate::api::calls;
use crate::pages::settings::collection::{Collection, form_actions};
use crate::parts::{Button, ConfirmDialog, Dialog, ErrorLine, Submission, TextField, use_toaster};

/// The button that pairs, or ends it, with its dialog.
#[component]
pub(super) fn PairingControls(provider: Provider, providers: Collection<Provider>) -> impl IntoView {
    let open = RwSignal::new(false);
    let (id, name) = (provider.id, provider.name);
    if provider.pairing.is_some() {
        let submission = Submission::new();
        let toaster = use_toaster();
        let confirm = move |()| {
            submission.run(calls::unpair_provider(id), move |unpaired| {
                open.set(false);
                if !unpaired.is_forgotten_there {
                    toaster.good("Unpaired here. OllaBridge did not confirm it: remove the device there as well.");
                }
                providers.saved();
            });
        };
        let title = Signal::stored(format!("Unpair {name}?"));
        return view! {
            <Button on_press=move |()| open.set(true)>"Unpair" <span class="visually-hidden">{name}</span></Button>
            <ConfirmDialog open title action="Unpair" busy=submission.busy error=submission.message() on_confirm=confirm>
                <p>"Its token is deleted here, and OllaBridge is told to forget this instance. Chats that use it need another model until it is paired again."</p>
            </ConfirmDialog>
        }
        .into_any();
    }
    let title = Signal::stored(format!("Pair {name}"));
    view! {
        <Button on_press=move |()| open.set(true)>"Pair" <span class="visually-hidden">{name}</span></Button>
        <Dialog open title><PairingForm id open providers/></Dialog>
    }
    .into_any()
}

#[component]
fn PairingForm(id: uuid::Uuid, open: RwSignal<bool>, providers: Collection<Provider>) -> impl IntoView {
    let code = RwSignal::new(String::new());
    let submission = Submission::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let code = code.get_untracked();
        submission.run(calls::pair_provider(id, code), move |_| {
            open.set(false);
            providers.saved();
        });
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <TextField
                    label="Code" code=true value=code focus=true required=true error=submission.field("/code")
                    placeholder="ABCD-1234"
                    hint="OllaBridge Cloud shows it when you link a device; the gateway on your machine shows six digits when its AUTH_MODE is pairing."
                />
                <ErrorLine error=submission.error_beside(&["/code"])/>
            </div>
            {form_actions(open, "Pair", submission.busy)}
        </form>
    }
    .into_any()
}
