//! Which model answers, and where the generated code finds it.

use gantry_domain::api::provider::Provider;
use gantry_domain::spec::Model;
use leptos::prelude::*;

use super::draft::{Draft, bound};
use super::{Step, step_frame};
use crate::api::calls;
use crate::load::load;
use crate::paged::read_all;
use crate::parts::{Button, TextField};

/// The key of the model that every agent uses unless it names another.
const DEFAULT: &str = "default";

/// The model.
#[component]
pub(crate) fn ModelStep() -> impl IntoView {
    let draft = Draft::expect();
    let model = draft
        .spec
        .with_untracked(|spec| spec.as_ref().and_then(|spec| spec.models.get(DEFAULT).cloned()))
        .unwrap_or_default();
    let field = move |initial: String, write: fn(&mut Model, String)| {
        bound(initial, move |text| draft.change(|spec| write(spec.models.entry(DEFAULT.to_owned()).or_default(), text)))
    };
    let name = field(model.model, |model, text| model.model = text.trim().to_owned());
    let base_url_variable =
        field(model.base_url_variable, |model, text| model.base_url_variable = text.trim().to_owned());
    let key_variable = field(model.key_variable, |model, text| model.key_variable = text.trim().to_owned());
    let temperature_text = RwSignal::new(model.temperature.map(|value| value.to_string()).unwrap_or_default());
    let temperature = Memo::new(move |_| temperature_text.with(|text| read_temperature(text)));
    Effect::new(move |ran_before: Option<()>| {
        let read = temperature.get();
        if ran_before.is_some()
            && let Ok(value) = read
        {
            draft.change(|spec| spec.models.entry(DEFAULT.to_owned()).or_default().temperature = value);
        }
    });
    let temperature_error = Signal::derive(move || temperature.with(|read| read.as_ref().err().cloned()));
    Effect::new(move |ran_before: Option<()>| {
        let chosen = name.get();
        if ran_before.is_some() {
            let chosen = Some(chosen.trim().to_owned()).filter(|name| !name.is_empty());
            draft.decided.update(|decided| decided.model = chosen);
        }
    });
    let providers = load(|| read_all(calls::providers));
    let offers = move || {
        let offers = providers.value.with(|providers| providers.as_ref().map(|providers| offers_from(providers, name)));
        offers.filter(|offers| !offers.is_empty()).map(|offers| {
            view! {
                <div class="field">
                    <p class="hint">"Models of the providers on this instance:"</p>
                    <div class="row">{offers}</div>
                </div>
            }
        })
    };
    let questions = view! {
        <div class="card form">
            <TextField
                label="Model" code=true value=name
                hint="Its name at the provider. Empty leaves it to the environment variable MODEL_NAME, so that one image serves any model."
            />
            {offers}
            <div class="field-pair">
                <TextField label="Variable with the base URL" code=true value=base_url_variable/>
                <TextField label="Variable with the key" code=true value=key_variable/>
            </div>
            <TextField label="Temperature" value=temperature_text error=temperature_error hint="0 to 2; empty is the provider's own."/>
        </div>
    };
    step_frame(
        Step::Model,
        "Which model?",
        "The project talks to any endpoint that speaks OpenAI's chat completions, and finds it through environment variables. In the chat on this instance you choose a provider, or the rehearsal model, which needs no key.",
        questions.into_any(),
    )
}

fn offers_from(providers: &[Provider], name: RwSignal<String>) -> Vec<AnyView> {
    let offer = |provider: &Provider| {
        let (model, text) = (provider.default_model.clone(), format!("{} ({})", provider.default_model, provider.name));
        view! { <Button on_press=move |()| name.set(model.clone())>{text}</Button> }.into_any()
    };
    providers.iter().map(offer).collect()
}

/// A temperature from what was typed; none when nothing was.
fn read_temperature(text: &str) -> Result<Option<f64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(value) if (0.0..=2.0).contains(&value) => Ok(Some(value)),
        _ => Err("Expected a number from 0 to 2, or nothing.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_stay_within_what_endpoints_take() {
        assert_eq!(read_temperature(" "), Ok(None));
        assert_eq!(read_temperature("0.7"), Ok(Some(0.7)));
        for bad in ["-0.1", "2.1", "warm", "NaN", "inf"] {
            assert!(read_temperature(bad).is_err(), "{bad}");
        }
    }
}
