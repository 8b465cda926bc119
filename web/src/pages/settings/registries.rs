//! Registries: places to publish images to.

use gantry_domain::api::Page;
use gantry_domain::api::registry::{Registry, SaveRegistry};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::connection::ConnectionCheck;
use super::credential::{Credential, CredentialField};
use crate::api::calls;
use crate::load::{Loader, load, loaded};
use crate::pages::set_title;
use crate::parts::{
    Button, ButtonKind, CheckField, ConfirmDialog, Dialog, EmptyState, ErrorLine, Icon, Pill, Submission, TextArea,
    TextField, Tone, skeleton_rows,
};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 7] = ["/name", "/address", "/prefix", "/username", "/credential", "/plainHttp", "/caCertificate"];

/// All registries.
#[component]
pub(crate) fn RegistriesPage() -> impl IntoView {
    set_title("Registries");
    let registries = load(calls::registries);
    let form_open = RwSignal::new(false);
    let edited = RwSignal::new(None::<Registry>);
    let deleted = RwSignal::new(None::<Registry>);
    let add = Callback::new(move |()| {
        edited.set(None);
        form_open.set(true);
    });
    let list = loaded(
        registries,
        "The list of registries",
        || skeleton_rows(3),
        move |page: Page<Registry>| {
            if page.items.is_empty() {
                return view! {
                    <EmptyState
                        title="No registries yet"
                        text="A registry is where an image goes when it is published: Docker Hub, GitHub, or one on this machine."
                    />
                }
                .into_any();
            }
            let edit = Callback::new(move |registry| {
                edited.set(Some(registry));
                form_open.set(true);
            });
            let rows = page.items.into_iter().map(|registry| registry_row(registry, edit, deleted)).collect_view();
            view! { <ul class="item-list">{rows}</ul> }.into_any()
        },
    );
    let title = Signal::derive(move || match edited.get() {
        None => "Add a registry".to_owned(),
        Some(registry) => format!("Change {}", registry.name),
    });
    view! {
        <div class="section-head">
            <div>
                <h2>"Registries"</h2>
                <p class="hint">"Places to publish images to. An image is published once its digest was read back from there."</p>
            </div>
            <Button kind=ButtonKind::Primary glyph=Icon::Plus shortcut="create" on_press=add>"Add registry"</Button>
        </div>
        {list}
        <Dialog open=form_open title>
            <RegistryForm edited=edited.get_untracked() open=form_open registries/>
        </Dialog>
        <DeleteRegistry registry=deleted registries/>
    }
    .into_any()
}

fn registry_row(registry: Registry, edit: Callback<Registry>, deleted: RwSignal<Option<Registry>>) -> AnyView {
    let id = registry.id;
    let credential = match (registry.has_credential, registry.secret_id) {
        (false, _) => "No credential",
        (true, None) => "Credential stored",
        (true, Some(_)) => "Credential from a secret",
    };
    let address = if registry.prefix.is_empty() {
        registry.address.clone()
    } else {
        format!("{}/{}", registry.address, registry.prefix)
    };
    let (to_edit, to_delete) = (registry.clone(), registry.clone());
    view! {
        <li class="item">
            <div class="item-main">
                <div class="item-title">
                    <b>{registry.name.clone()}</b>
                    <span class="faint">{credential}</span>
                    {registry.plain_http.then(|| view! { <Pill tone=Tone::Idle glyph=Icon::Info text="Plain HTTP, this machine only"/> })}
                </div>
                <dl class="item-facts">
                    <div><dt>"Address"</dt><dd><code>{address}</code></dd></div>
                    {(!registry.username.is_empty()).then(|| view! { <div><dt>"User"</dt><dd>{registry.username}</dd></div> })}
                </dl>
            </div>
            <ConnectionCheck name=registry.name.clone() check=move || calls::test_registry(id)/>
            <div class="row-actions">
                <Button kind=ButtonKind::Ghost glyph=Icon::Edit label=format!("Change {}", registry.name) on_press=move |()| edit.run(to_edit.clone())/>
                <Button kind=ButtonKind::Ghost glyph=Icon::Trash label=format!("Delete {}", registry.name) on_press=move |()| deleted.set(Some(to_delete.clone()))/>
            </div>
        </li>
    }
    .into_any()
}

/// The form in the dialog.
#[component]
fn RegistryForm(edited: Option<Registry>, open: RwSignal<bool>, registries: Loader<Page<Registry>>) -> impl IntoView {
    let id = edited.as_ref().map(|registry| registry.id);
    let text = |take: fn(&Registry) -> &String| RwSignal::new(edited.as_ref().map(take).cloned().unwrap_or_default());
    let name = text(|registry| &registry.name);
    let address = text(|registry| &registry.address);
    let prefix = text(|registry| &registry.prefix);
    let username = text(|registry| &registry.username);
    let plain_http = RwSignal::new(edited.as_ref().is_some_and(|registry| registry.plain_http));
    let ca_certificate =
        RwSignal::new(edited.as_ref().and_then(|registry| registry.ca_certificate.clone()).unwrap_or_default());
    let credential = Credential::new(
        edited.as_ref().is_some_and(|registry| registry.has_credential),
        edited.as_ref().and_then(|registry| registry.secret_id),
    );
    let secrets = load(calls::secrets);
    let submission = Submission::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (credential, secret_id) = credential.for_body();
        let body = SaveRegistry {
            name: name.get_untracked().trim().to_owned(),
            address: address.get_untracked().trim().to_owned(),
            prefix: prefix.get_untracked().trim().to_owned(),
            username: username.get_untracked().trim().to_owned(),
            credential,
            secret_id,
            plain_http: plain_http.get_untracked(),
            ca_certificate: Some(ca_certificate.get_untracked().trim().to_owned()).filter(|pem| !pem.is_empty()),
        };
        submission.run(async move { calls::save_registry(id, &body).await }, move |_| {
            open.set(false);
            registries.reload();
        });
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <TextField label="Name" value=name error=submission.field("/name") focus=true required=true/>
                <TextField
                    label="Address" code=true value=address error=submission.field("/address") required=true
                    placeholder="ghcr.io" hint="The host, with its port if it has one; no scheme."
                />
                <TextField
                    label="Prefix" code=true value=prefix error=submission.field("/prefix")
                    hint="What repositories start with there, such as your organisation; may be empty."
                />
                <TextField label="User" value=username error=submission.field("/username") hint="Empty when a token alone, or nothing, is needed."/>
                <CredentialField credential what="Password or token" secrets error=submission.field("/credential")/>
                <CheckField label="Plain HTTP" checked=plain_http error=submission.field("/plainHttp") hint="Without encryption; only for a registry on this machine."/>
                <TextArea
                    label="Certificate of its authority" code=true rows=3 value=ca_certificate error=submission.field("/caCertificate")
                    placeholder="-----BEGIN CERTIFICATE-----"
                    hint="As PEM, for a registry whose certificate comes from an authority of your own; else empty."
                />
                <ErrorLine error=submission.error_beside(&FIELDS)/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy>"Save"</Button>
            </footer>
        </form>
    }
    .into_any()
}

#[component]
fn DeleteRegistry(registry: RwSignal<Option<Registry>>, registries: Loader<Page<Registry>>) -> impl IntoView {
    let open = super::open_while_some(registry);
    let submission = Submission::new();
    let name = Signal::derive(move || registry.get().map(|registry| registry.name).unwrap_or_default());
    let title = Signal::derive(move || format!("Delete {}?", name.get()));
    let confirm = move |()| {
        let Some(id) = registry.with_untracked(|registry| registry.as_ref().map(|registry| registry.id)) else {
            return;
        };
        submission.run(calls::delete_registry(id), move |()| {
            open.set(false);
            registries.reload();
        });
    };
    view! {
        <ConfirmDialog open title action="Delete registry" busy=submission.busy error=submission.message() on_confirm=confirm>
            <p>"Its credential is deleted with it. Images that were published there stay there."</p>
        </ConfirmDialog>
    }
    .into_any()
}
