//! The form of a model provider: what it asks depends on the kind.

use gantry_domain::api::provider::{Provider, SaveProvider};
use gantry_domain::provider::{PriceSource, ProviderKind};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use crate::api::calls;
use crate::load::load;
use crate::paged::read_all;
use crate::pages::settings::collection::{Collection, form_actions};
use crate::pages::settings::credential::{Credential, CredentialField};
use crate::parts::money::{dollars, read_dollars};
use crate::parts::{Choice, ErrorLine, SelectField, Submission, TextField};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 8] = [
    "/name",
    "/baseUrl",
    "/apiVersion",
    "/tokenUrl",
    "/defaultModel",
    "/key",
    "/inputPriceMicros",
    "/outputPriceMicros",
];

/// The form in the dialog.
#[component]
pub(super) fn ProviderForm(edited: Option<Provider>, providers: Collection<Provider>) -> impl IntoView {
    let id = edited.as_ref().map(|provider| provider.id);
    let price_text = |price: Option<i64>| RwSignal::new(dollars(price.and_then(|micros| u64::try_from(micros).ok())));
    let input_price = price_text(edited.as_ref().and_then(|provider| provider.input_price_micros));
    let output_price = price_text(edited.as_ref().and_then(|provider| provider.output_price_micros));
    let text = |take: fn(&Provider) -> &String| RwSignal::new(edited.as_ref().map(take).cloned().unwrap_or_default());
    let name = text(|provider| &provider.name);
    let base_url = text(|provider| &provider.base_url);
    let default_model = text(|provider| &provider.default_model);
    let optional =
        |take: fn(&Provider) -> Option<String>| RwSignal::new(edited.as_ref().and_then(take).unwrap_or_default());
    let api_version = optional(|provider| provider.api_version.clone());
    let token_url = optional(|provider| provider.token_url.clone());
    let first_kind = edited.as_ref().map_or_else(ProviderKind::default, |provider| provider.kind);
    let kind_word = RwSignal::new(first_kind.as_str().to_owned());
    let kind = Memo::new(move |_| kind_word.with(|word| ProviderKind::from_word(word)).unwrap_or_default());
    let kinds = ProviderKind::ALL.map(|kind| {
        let facts = kind.facts();
        Choice::new(kind.as_str(), format!("{} ({})", facts.label, facts.group.label().to_lowercase()))
    });
    let kinds = Signal::stored(kinds.to_vec());
    let credential = Credential::new(
        edited.as_ref().is_some_and(|provider| provider.has_key),
        edited.as_ref().and_then(|provider| provider.secret_id),
    );
    let secrets = load(|| read_all(calls::secrets));
    let submission = Submission::new();
    let price_error = move |price: RwSignal<String>, path: &'static str| {
        let from_server = submission.field(path);
        Signal::derive(move || match price.with(|price| read_dollars(price)) {
            Some(_) => from_server.get(),
            None => Some("Expected dollars with at most six decimals, such as 0.25.".to_owned()),
        })
    };
    let input_error = price_error(input_price, "/inputPriceMicros");
    let output_error = price_error(output_price, "/outputPriceMicros");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let read = |price: RwSignal<String>| {
            let read = price.with_untracked(|price| read_dollars(price));
            read.map(|price| price.and_then(|micros| i64::try_from(micros).ok()))
        };
        let (Some(input_price_micros), Some(output_price_micros)) = (read(input_price), read(output_price)) else {
            return;
        };
        let (key, secret_id) = credential.for_body();
        let kind = kind.get_untracked();
        let facts = kind.facts();
        // What was entered before another kind was chosen is no part of this one.
        let entered = |value: RwSignal<String>, belongs: bool| {
            Some(value.get_untracked().trim().to_owned()).filter(|text| belongs && !text.is_empty())
        };
        let body = SaveProvider {
            name: name.get_untracked().trim().to_owned(),
            kind,
            base_url: base_url.get_untracked().trim().to_owned(),
            api_version: entered(api_version, facts.api_version.is_some()),
            token_url: entered(token_url, facts.token_url.is_some()),
            default_model: default_model.get_untracked().trim().to_owned(),
            key,
            secret_id,
            input_price_micros,
            output_price_micros,
        };
        submission.run(async move { calls::save_provider(id, &body).await }, move |_| providers.saved());
    };
    let of_kind = move || {
        let facts = kind.get().facts();
        let api_version = facts.api_version.map(|field| {
            view! { <TextField label=field.label code=true value=api_version hint=field.hint error=submission.field("/apiVersion")/> }
        });
        let token_url = facts.token_url.map(|field| {
            view! { <TextField label=field.label kind="url" code=true value=token_url hint=field.hint error=submission.field("/tokenUrl")/> }
        });
        view! {
            <p class="hint">{facts.help}</p>
            <TextField
                label="Address" kind="url" code=true value=base_url error=submission.field("/baseUrl") required=true
                placeholder=facts.address_form
                hint=facts.address_hint
            />
            {api_version}
            <TextField label=facts.model_label code=true value=default_model error=submission.field("/defaultModel") required=true/>
            {token_url}
        }
        .into_any()
    };
    let price_hint = move || match kind.get().facts().prices {
        PriceSource::Entered => "US dollars per million tokens; empty leaves costs unknown.",
        PriceSource::Free => "US dollars per million tokens; empty means that they cost nothing.",
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <SelectField label="Kind" value=kind_word choices=kinds/>
                <TextField label="Name" value=name error=submission.field("/name") focus=true required=true/>
                {of_kind}
                <CredentialField credential what="Key" secrets error=submission.field("/key")/>
                <div class="field-pair">
                    <TextField label="Input price" value=input_price error=input_error/>
                    <TextField label="Output price" value=output_price error=output_error/>
                </div>
                <p class="hint">{price_hint}</p>
                <ErrorLine error=submission.error_beside(&FIELDS)/>
            </div>
            {form_actions(providers.form_open, "Save", submission.busy)}
        </form>
    }
    .into_any()
}
