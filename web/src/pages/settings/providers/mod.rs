//! Model providers: the built-in rehearsal model, and endpoints that answer for a model, by where they are.

mod form;
mod pairing;

use gantry_domain::api::Page;
use gantry_domain::api::provider::{Provider, ProviderTest, SaveProvider};
use gantry_domain::provider::{PriceSource, ProviderGroup, ProviderKind};
use leptos::prelude::*;
use uuid::Uuid;

use super::collection::{Collection, Item};
use super::connection::ConnectionCheck;
use super::usage::Usage;
use crate::api::{ApiResult, calls};
use crate::parts::money::dollars;
use crate::parts::{Button, Icon, Pill, Submission, TimeAgo, Tone};

use form::ProviderForm;
use pairing::PairingControls;

impl Item for Provider {
    const ONE: &'static str = "provider";
    const MANY: &'static str = "model providers";
    const LOSS: &'static str =
        "Its key is deleted with it. Chats that use it need another model from then on; what they said stays.";

    fn id(&self) -> Uuid {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn read(cursor: Option<String>) -> ApiResult<Page<Self>> {
        calls::providers(cursor).await
    }

    async fn delete(id: Uuid) -> ApiResult<()> {
        calls::delete_provider(id).await
    }
}

/// All model providers.
#[component]
pub(crate) fn ProvidersPage() -> impl IntoView {
    let providers = Collection::<Provider>::read();
    let hint = "Endpoints that answer for a model. Agents under test and chats on this instance use them.";
    // The rehearsal model is always there, so the list is never empty.
    let list = providers.view(None, move |items| {
        let groups =
            ProviderGroup::ALL.map(|group| provider_group(providers, group, &items)).into_iter().collect_view();
        view! { <ul class="item-list">{rehearsal_row()}</ul> {groups} }.into_any()
    });
    let title = |edited: Option<&Provider>| match edited {
        None => "Add a model provider".to_owned(),
        Some(provider) => format!("Change {}", provider.name),
    };
    view! {
        {providers.head("Model providers", hint, "Add provider")}
        {list}
        {providers.dialogs(title, move |edited| view! { <ProviderForm edited providers/> }.into_any(), |_| ())}
        <Usage/>
    }
    .into_any()
}

fn rehearsal_row() -> AnyView {
    view! {
        <li class="item">
            <div class="item-main">
                <div class="item-title"><b>"Rehearsal model"</b><Pill tone=Tone::Idle glyph=Icon::Info text="Built in, not an LLM"/></div>
                <p class="hint">
                    "Deterministic: calls each of the agent's tools with arguments made from the tool's schema and the message, and reports what came back. "
                    "It shows that an agent is wired correctly, without a key and without a network."
                </p>
            </div>
        </li>
    }
    .into_any()
}

/// A group under its heading: its providers, or what could stand there.
fn provider_group(providers: Collection<Provider>, group: ProviderGroup, all: &[Provider]) -> AnyView {
    let own: Vec<Provider> = all.iter().filter(|provider| provider.kind.facts().group == group).cloned().collect();
    let list = if own.is_empty() {
        let kinds: Vec<&str> = ProviderKind::ALL
            .iter()
            .map(|kind| kind.facts())
            .filter(|facts| facts.group == group)
            .map(|facts| facts.label)
            .collect();
        view! { <p class="provider-none hint">"None yet. This is where " {kinds.join(", ")} " will be."</p> }.into_any()
    } else {
        let rows = own.into_iter().map(|provider| provider_row(providers, provider)).collect_view();
        view! { <ul class="item-list">{rows}</ul> }.into_any()
    };
    let heading = format!("provider-group-{}", group.label().to_lowercase());
    let labelled_by = heading.clone();
    view! {
        <section class="provider-group" aria-labelledby=labelled_by>
            <h3 id=heading>{group.label()}</h3>
            <p class="hint">{group.hint()}</p>
            {list}
        </section>
    }
    .into_any()
}

fn provider_row(providers: Collection<Provider>, provider: Provider) -> AnyView {
    let id = provider.id;
    let facts = provider.kind.facts();
    let key = match (provider.has_key, provider.secret_id, &provider.pairing) {
        (true, _, Some(_)) => "Paired",
        (false, ..) if facts.needs_key => "No key yet",
        (false, ..) => "No key",
        (true, None, _) => "Key stored",
        (true, Some(_), _) => "Key from a secret",
    };
    let price = match (provider.input_price_micros, provider.output_price_micros) {
        (None, None) if facts.prices == PriceSource::Free => Some("Costs nothing for a token".to_owned()),
        (None, None) => None,
        (input, output) => {
            let text = |price: Option<i64>| {
                price.map_or_else(|| "?".to_owned(), |micros| format!("${}", dollars(u64::try_from(micros).ok())))
            };
            Some(format!("{} in, {} out per million tokens", text(input), text(output)))
        }
    };
    let paired = provider.pairing.clone().map(|pairing| {
        view! { <div><dt>"Paired"</dt><dd><TimeAgo at=pairing.paired_at/> " as " <code>{pairing.device_id}</code></dd></div> }
    });
    let actions = providers.actions(&provider, Some("Change"));
    let pairing = (provider.kind == ProviderKind::Ollabridge)
        .then(|| view! { <PairingControls provider=provider.clone() providers/> });
    let tested = provider.clone();
    let more = Callback::new(move |test: ProviderTest| what_else(providers, &tested, test));
    view! {
        <li class="item">
            <div class="item-main">
                <div class="item-title"><b>{provider.name.clone()}</b><span class="muted">{facts.label}</span><span class="faint">{key}</span></div>
                <dl class="item-facts">
                    <div><dt>"Address"</dt><dd><code>{provider.base_url}</code></dd></div>
                    <div><dt>{facts.model_label}</dt><dd><code>{provider.default_model}</code></dd></div>
                    {provider.api_version.map(|version| view! { <div><dt>"API version"</dt><dd><code>{version}</code></dd></div> })}
                    {price.map(|price| view! { <div><dt>"Price"</dt><dd class="number">{price}</dd></div> })}
                    {paired}
                </dl>
            </div>
            <ConnectionCheck name=provider.name.clone() check=move || calls::test_provider(id) more/>
            {pairing}
            {actions}
        </li>
    }
    .into_any()
}

/// What follows from a test: an address to take over, the models to choose from.
fn what_else(providers: Collection<Provider>, provider: &Provider, test: ProviderTest) -> AnyView {
    let use_address = test.suggested_base_url.map(|base_url| {
        let submission = Submission::new();
        let body = SaveProvider { base_url: base_url.clone(), ..as_it_is(provider) };
        let id = provider.id;
        let press = move |()| {
            let body = body.clone();
            submission.run(async move { calls::save_provider(Some(id), &body).await }, move |_| providers.saved());
        };
        let error = submission.message();
        view! {
            <Button busy=submission.busy on_press=press>{format!("Use {base_url}")}</Button>
            <p class="field-error" role="alert">{move || error.get()}</p>
        }
    });
    let models = (!test.models.is_empty()).then(|| {
        let count = test.models.len();
        let names = test.models.into_iter().map(|name| view! { <li><code>{name}</code></li> }).collect_view();
        view! {
            <details class="provider-models"><summary>{format!("{count} models")}</summary><ul>{names}</ul></details>
        }
    });
    let code = (!test.ok).then(|| view! { <code class="faint">{test.code.code()}</code> });
    view! { {code} {use_address} {models} }.into_any()
}

/// The body that changes nothing: its key and secret stay when they are left out.
fn as_it_is(provider: &Provider) -> SaveProvider {
    SaveProvider {
        name: provider.name.clone(),
        kind: provider.kind,
        base_url: provider.base_url.clone(),
        api_version: provider.api_version.clone(),
        token_url: provider.token_url.clone(),
        default_model: provider.default_model.clone(),
        key: None,
        secret_id: None,
        input_price_micros: provider.input_price_micros,
        output_price_micros: provider.output_price_micros,
    }
}
