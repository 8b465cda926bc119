//! Model providers: the built-in rehearsal model, and endpoints that speak OpenAI's chat completions.

use gantry_domain::api::Page;
use gantry_domain::api::provider::{Provider, SaveProvider};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use uuid::Uuid;

use super::collection::{Collection, Item, form_actions};
use super::connection::ConnectionCheck;
use super::credential::{Credential, CredentialField};
use super::usage::Usage;
use crate::api::{ApiResult, calls};
use crate::load::load;
use crate::paged::read_all;
use crate::parts::{ErrorLine, Icon, Pill, Submission, TextField, Tone};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 6] = ["/name", "/baseUrl", "/defaultModel", "/key", "/inputPriceMicros", "/outputPriceMicros"];

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
        let rows = items.into_iter().map(|provider| provider_row(providers, provider)).collect_view();
        view! { <ul class="item-list">{rehearsal_row()}{rows}</ul> }.into_any()
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

fn provider_row(providers: Collection<Provider>, provider: Provider) -> AnyView {
    let id = provider.id;
    let key = match (provider.has_key, provider.secret_id) {
        (false, _) => "No key",
        (true, None) => "Key stored",
        (true, Some(_)) => "Key from a secret",
    };
    let price = match (provider.input_price_micros, provider.output_price_micros) {
        (None, None) => None,
        (input, output) => {
            let text =
                |price: Option<i64>| price.map_or_else(|| "?".to_owned(), |micros| format!("${}", dollars(micros)));
            Some(format!("{} in, {} out per million tokens", text(input), text(output)))
        }
    };
    let actions = providers.actions(&provider, Some("Change"));
    view! {
        <li class="item">
            <div class="item-main">
                <div class="item-title"><b>{provider.name.clone()}</b><span class="faint">{key}</span></div>
                <dl class="item-facts">
                    <div><dt>"Address"</dt><dd><code>{provider.base_url}</code></dd></div>
                    <div><dt>"Default model"</dt><dd><code>{provider.default_model}</code></dd></div>
                    {price.map(|price| view! { <div><dt>"Price"</dt><dd class="number">{price}</dd></div> })}
                </dl>
            </div>
            <ConnectionCheck name=provider.name.clone() check=move || calls::test_provider(id)/>
            {actions}
        </li>
    }
    .into_any()
}

/// Millionths of a dollar as dollars, without needless zeros.
fn dollars(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Dollars as millionths; an empty text is no price.
fn micros(text: &str) -> Result<Option<i64>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return Err(());
    }
    let value: i64 = format!("{whole}{fraction:0<6}").parse().map_err(|_| ())?;
    Ok(Some(value))
}

/// The form in the dialog.
#[component]
fn ProviderForm(edited: Option<Provider>, providers: Collection<Provider>) -> impl IntoView {
    let id = edited.as_ref().map(|provider| provider.id);
    let price_text = |price: Option<i64>| RwSignal::new(price.map(dollars).unwrap_or_default());
    let input_price = price_text(edited.as_ref().and_then(|provider| provider.input_price_micros));
    let output_price = price_text(edited.as_ref().and_then(|provider| provider.output_price_micros));
    let text = |take: fn(&Provider) -> &String| RwSignal::new(edited.as_ref().map(take).cloned().unwrap_or_default());
    let name = text(|provider| &provider.name);
    let base_url = text(|provider| &provider.base_url);
    let default_model = text(|provider| &provider.default_model);
    let credential = Credential::new(
        edited.as_ref().is_some_and(|provider| provider.has_key),
        edited.as_ref().and_then(|provider| provider.secret_id),
    );
    let secrets = load(|| read_all(calls::secrets));
    let submission = Submission::new();
    let price_error = move |price: RwSignal<String>, path: &'static str| {
        let from_server = submission.field(path);
        Signal::derive(move || match price.with(|price| micros(price)) {
            Ok(_) => from_server.get(),
            Err(()) => Some("Expected dollars with at most six decimals, such as 0.25.".to_owned()),
        })
    };
    let input_error = price_error(input_price, "/inputPriceMicros");
    let output_error = price_error(output_price, "/outputPriceMicros");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (Ok(input_price_micros), Ok(output_price_micros)) =
            (input_price.with_untracked(|price| micros(price)), output_price.with_untracked(|price| micros(price)))
        else {
            return;
        };
        let (key, secret_id) = credential.for_body();
        let body = SaveProvider {
            name: name.get_untracked().trim().to_owned(),
            base_url: base_url.get_untracked().trim().to_owned(),
            default_model: default_model.get_untracked().trim().to_owned(),
            key,
            secret_id,
            input_price_micros,
            output_price_micros,
        };
        submission.run(async move { calls::save_provider(id, &body).await }, move |_| providers.saved());
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <TextField label="Name" value=name error=submission.field("/name") focus=true required=true/>
                <TextField
                    label="Address" kind="url" code=true value=base_url error=submission.field("/baseUrl") required=true
                    placeholder="http://127.0.0.1:11434/v1"
                    hint="Up to, but without, /chat/completions."
                />
                <TextField label="Default model" code=true value=default_model error=submission.field("/defaultModel") required=true/>
                <CredentialField credential what="Key" secrets error=submission.field("/key")/>
                <div class="field-pair">
                    <TextField label="Input price" value=input_price error=input_error hint="US dollars per million tokens; may be empty."/>
                    <TextField label="Output price" value=output_price error=output_error/>
                </div>
                <ErrorLine error=submission.error_beside(&FIELDS)/>
            </div>
            {form_actions(providers.form_open, "Save", submission.busy)}
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_go_to_millionths_and_back() {
        for (text, value) in [("0.25", 250_000), ("2", 2_000_000), ("0.000001", 1), ("12.5", 12_500_000)] {
            assert_eq!(micros(text), Ok(Some(value)));
            assert_eq!(dollars(value), text);
        }
        assert_eq!(micros(" "), Ok(None));
        for bad in ["a", "1.2345678", ".5", "-1", "1e3", "1,5"] {
            assert_eq!(micros(bad), Err(()), "{bad}");
        }
    }
}
