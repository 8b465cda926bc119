//! Registries: places to publish images to.

use gantry_domain::api::Page;
use gantry_domain::api::registry::{Registry, SaveRegistry};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use uuid::Uuid;

use super::collection::{Collection, Item, form_actions};
use super::connection::ConnectionCheck;
use super::credential::{Credential, CredentialField};
use crate::api::{ApiResult, calls};
use crate::load::load;
use crate::paged::read_all;
use crate::parts::{CheckField, ErrorLine, Icon, Pill, Submission, TextArea, TextField, Tone};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 7] = ["/name", "/address", "/prefix", "/username", "/credential", "/plainHttp", "/caCertificate"];

impl Item for Registry {
    const ONE: &'static str = "registry";
    const MANY: &'static str = "registries";
    const LOSS: &'static str = "Its credential is deleted with it. Images that were published there stay there.";

    fn id(&self) -> Uuid {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn read(cursor: Option<String>) -> ApiResult<Page<Self>> {
        calls::registries(cursor).await
    }

    async fn delete(id: Uuid) -> ApiResult<()> {
        calls::delete_registry(id).await
    }
}

/// All registries.
#[component]
pub(crate) fn RegistriesPage() -> impl IntoView {
    let registries = Collection::<Registry>::read();
    let hint = "Places to publish images to. An image is published once its digest was read back from there.";
    let nothing = (
        "No registries yet",
        "A registry is where an image goes when it is published: Docker Hub, GitHub, or one on this machine.",
    );
    let list = registries.view(Some(nothing), move |items| {
        let rows = items.into_iter().map(|registry| registry_row(registries, registry)).collect_view();
        view! { <ul class="item-list">{rows}</ul> }.into_any()
    });
    let title = |edited: Option<&Registry>| match edited {
        None => "Add a registry".to_owned(),
        Some(registry) => format!("Change {}", registry.name),
    };
    view! {
        {registries.head("Registries", hint, "Add registry")}
        {list}
        {registries.dialogs(title, move |edited| view! { <RegistryForm edited registries/> }.into_any(), |_| ())}
    }
    .into_any()
}

fn registry_row(registries: Collection<Registry>, registry: Registry) -> AnyView {
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
    let actions = registries.actions(&registry, Some("Change"));
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
            {actions}
        </li>
    }
    .into_any()
}

/// The form in the dialog.
#[component]
fn RegistryForm(edited: Option<Registry>, registries: Collection<Registry>) -> impl IntoView {
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
    let secrets = load(|| read_all(calls::secrets));
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
        submission.run(async move { calls::save_registry(id, &body).await }, move |_| registries.saved());
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
            {form_actions(registries.form_open, "Save", submission.busy)}
        </form>
    }
    .into_any()
}
