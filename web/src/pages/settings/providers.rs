//! Model providers: the built-in rehearsal model, and endpoints that speak OpenAI's chat completions.

use gantry_domain::api::Page;
use gantry_domain::api::provider::{Provider, SaveProvider};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::connection::ConnectionCheck;
use super::credential::{Credential, CredentialField};
use crate::api::calls;
use crate::load::{Loader, load, loaded};
use crate::pages::set_title;
use crate::parts::{
    Button, ButtonKind, ConfirmDialog, Dialog, ErrorLine, Icon, Pill, Submission, TextField, Tone, skeleton_rows,
};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 6] = ["/name", "/baseUrl", "/defaultModel", "/key", "/inputPriceMicros", "/outputPriceMicros"];

/// All model providers.
#[component]
pub(crate) fn ProvidersPage() -> impl IntoView {
    set_title("Model providers");
    let providers = load(calls::providers);
    let form_open = RwSignal::new(false);
    let edited = RwSignal::new(None::<Provider>);
    let deleted = RwSignal::new(None::<Provider>);
    let add = Callback::new(move |()| {
        edited.set(None);
        form_open.set(true);
    });
    let list = loaded(
        providers,
        "The list of model providers",
        || skeleton_rows(3),
        move |page: Page<Provider>| {
            let edit = Callback::new(move |provider| {
                edited.set(Some(provider));
                form_open.set(true);
            });
            let rows = page.items.into_iter().map(|provider| provider_row(provider, edit, deleted)).collect_view();
            view! { <ul class="item-list">{rehearsal_row()}{rows}</ul> }
        },
    );
    let title = Signal::derive(move || match edited.get() {
        None => "Add a model provider".to_owned(),
        Some(provider) => format!("Change {}", provider.name),
    });
    view! {
        <div class="section-head">
            <div>
                <h2>"Model providers"</h2>
                <p class="hint">"Endpoints that answer for a model. Agents under test and chats on this instance use them."</p>
            </div>
            <Button kind=ButtonKind::Primary glyph=Icon::Plus shortcut="create" on_press=add>"Add provider"</Button>
        </div>
        {list}
        <Dialog open=form_open title>
            <ProviderForm edited=edited.get_untracked() open=form_open providers/>
        </Dialog>
        <DeleteProvider provider=deleted providers/>
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

fn provider_row(provider: Provider, edit: Callback<Provider>, deleted: RwSignal<Option<Provider>>) -> AnyView {
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
    let (to_edit, to_delete) = (provider.clone(), provider.clone());
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
            <div class="row-actions">
                <Button kind=ButtonKind::Ghost glyph=Icon::Edit label=format!("Change {}", provider.name) on_press=move |()| edit.run(to_edit.clone())/>
                <Button kind=ButtonKind::Ghost glyph=Icon::Trash label=format!("Delete {}", provider.name) on_press=move |()| deleted.set(Some(to_delete.clone()))/>
            </div>
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
fn ProviderForm(edited: Option<Provider>, open: RwSignal<bool>, providers: Loader<Page<Provider>>) -> impl IntoView {
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
    let secrets = load(calls::secrets);
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
        submission.run(async move { calls::save_provider(id, &body).await }, move |_| {
            open.set(false);
            providers.reload();
        });
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
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy>"Save"</Button>
            </footer>
        </form>
    }
    .into_any()
}

#[component]
fn DeleteProvider(provider: RwSignal<Option<Provider>>, providers: Loader<Page<Provider>>) -> impl IntoView {
    let open = super::open_while_some(provider);
    let submission = Submission::new();
    let name = Signal::derive(move || provider.get().map(|provider| provider.name).unwrap_or_default());
    let title = Signal::derive(move || format!("Delete {}?", name.get()));
    let confirm = move |()| {
        let Some(id) = provider.with_untracked(|provider| provider.as_ref().map(|provider| provider.id)) else {
            return;
        };
        submission.run(calls::delete_provider(id), move |()| {
            open.set(false);
            providers.reload();
        });
    };
    view! {
        <ConfirmDialog open title action="Delete provider" busy=submission.busy error=submission.message() on_confirm=confirm>
            <p>"Its key is deleted with it. Chats that use it need another model from then on; what they said stays."</p>
        </ConfirmDialog>
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
