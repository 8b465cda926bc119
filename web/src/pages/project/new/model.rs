//! Which model answers, and where the generated code finds it: the models of the matrix with what is
//! known of each, those of the providers here, and any other by its name.

use gantry_domain::api::compatibility::ModelEntry;
use gantry_domain::api::provider::Provider;
use gantry_domain::spec::{Model, Spec};
use leptos::prelude::*;

use super::draft::{Draft, bound};
use crate::api::calls;
use crate::load::load;
use crate::paged::read_all;
use crate::pages::project::matrix::InstanceMatrix;
use crate::parts::{Button, Icon, RadioCard, TextField};

/// The key of the model that every agent uses unless it names another.
pub(crate) const DEFAULT: &str = "default";

/// A model that can be chosen.
#[derive(Clone, Debug, PartialEq)]
struct Offer {
    id: String,
    name: String,
    /// Whose it is.
    from: String,
    /// What the matrix knows of it.
    known: Option<ModelEntry>,
}

/// The model, and what goes with it.
#[component]
pub(crate) fn ModelSection() -> impl IntoView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let chosen = Memo::new(move |_| draft.spec.with(|spec| spec.as_ref().map(name_of).unwrap_or_default()));
    let calls_tools = Memo::new(move |_| {
        draft.spec.with(|spec| {
            let agents = spec.as_ref().map(|spec| spec.agents.as_slice()).unwrap_or_default();
            agents.iter().any(|agent| agent.model == DEFAULT && !agent.tools.is_empty())
        })
    });
    let providers = load(|| read_all(calls::providers));
    let words = RwSignal::new(String::new());
    let offers = Memo::new(move |_| {
        let providers = providers.value.get().unwrap_or_default();
        matrix.value.with(|matrix| offers_of(&matrix.models, &providers))
    });
    let shown = Memo::new(move |_| {
        words.with(|words| {
            offers.with(|offers| offers.iter().filter(|one| matches(one, words)).cloned().collect::<Vec<_>>())
        })
    });
    let count = move || format!("{} of {} shown", shown.with(Vec::len), offers.with(Vec::len));
    let cards = move || shown.get().into_iter().map(|offer| model_card(offer, chosen, calls_tools)).collect_view();
    let nothing = move || {
        shown.with(Vec::is_empty).then(|| {
            view! {
                <div class="hidden-note empty-result">
                    <p><b>"No known model is called like that."</b> " Any other can be used by its name below."</p>
                    <Button glyph=Icon::Cross on_press=move |()| words.set(String::new())>"Clear the filter"</Button>
                </div>
            }
        })
    };
    let unread = move || {
        providers.error.get().map(|error| {
            view! {
                <p class="hint">"The providers of this instance could not be read: " {error.to_string()} " "
                    <button type="button" class="link-button" on:click=move |_| providers.reload()>"Retry"</button>
                </p>
            }
        })
    };
    let from_environment = Signal::derive(move || chosen.with(String::is_empty));
    let own_name = own_name_field(draft, chosen);
    view! {
        <section class="choice-section" aria-labelledby="model-title">
            <div class="section-line">
                <h3 id="model-title">"Model"</h3>
                <p class="hint number" role="status">{count}</p>
                <input
                    type="search" class="control model-filter" placeholder="Filter models" aria-label="Filter models"
                    prop:value=words on:input:target=move |event| words.set(event.target().value())
                />
            </div>
            <fieldset class="choices models" data-choices="model">
                <legend class="visually-hidden">"Model"</legend>
                <RadioCard
                    group="model" value="" title="From the environment"
                    text="The project reads MODEL_NAME where it runs: one image serves any model."
                    checked=from_environment on_choose=move |()| choose(draft, "")
                />
                {cards}
            </fieldset>
            {nothing}
            {unread}
            {own_name}
            <Endpoint/>
        </section>
    }
    .into_any()
}

fn name_of(spec: &Spec) -> String {
    spec.models.get(DEFAULT).map(|model| model.model.clone()).unwrap_or_default()
}

fn choose(draft: Draft, name: &str) {
    let decided = Some(name.to_owned()).filter(|name| !name.is_empty());
    draft.decided.update(|constraints| constraints.model = decided);
    draft.change(|spec| name.clone_into(&mut spec.models.entry(DEFAULT.to_owned()).or_default().model));
}

/// The name of any model; it shows what is chosen above, too.
fn own_name_field(draft: Draft, chosen: Memo<String>) -> AnyView {
    let name = RwSignal::new(chosen.get_untracked());
    Effect::new(move |_| {
        let chosen = chosen.get();
        if name.with_untracked(|name| name.trim() != chosen) {
            name.set(chosen);
        }
    });
    Effect::new(move |ran_before: Option<()>| {
        let typed = name.with(|name| name.trim().to_owned());
        if ran_before.is_some() && chosen.with_untracked(|chosen| *chosen != typed) {
            choose(draft, &typed);
        }
    });
    view! {
        <TextField
            label="Name of the model" code=true value=name
            hint="As its provider calls it: one of those above, or any other. Of a model that is not in the matrix nothing is checked."
        />
    }
    .into_any()
}

/// The models of the matrix, then those that providers here answer with and the matrix does not know.
fn offers_of(models: &[ModelEntry], providers: &[Provider]) -> Vec<Offer> {
    let mut offers: Vec<Offer> = models
        .iter()
        .map(|model| Offer {
            id: model.id.clone(),
            name: model.name.clone(),
            from: model.provider.clone(),
            known: Some(model.clone()),
        })
        .collect();
    for provider in providers {
        match offers.iter_mut().find(|offer| offer.id == provider.default_model) {
            Some(offer) => offer.from = format!("{}, and your provider {}", offer.from, provider.name),
            None => offers.push(Offer {
                id: provider.default_model.clone(),
                name: provider.default_model.clone(),
                from: format!("your provider {}", provider.name),
                known: None,
            }),
        }
    }
    offers
}

fn matches(offer: &Offer, words: &str) -> bool {
    let text = format!("{} {} {}", offer.id, offer.name, offer.from).to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

fn model_card(offer: Offer, chosen: Memo<String>, calls_tools: Memo<bool>) -> AnyView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let id = StoredValue::new(offer.id.clone());
    let checked = Signal::derive(move || id.with_value(|id| chosen.with(|chosen| chosen == id)));
    let known = StoredValue::new(offer.known.clone());
    let note = Signal::derive(move || {
        let cloud = draft.cloud.get();
        let calls_tools = calls_tools.get();
        known.with_value(|known| {
            let known = known.as_ref()?;
            let cloud = cloud.filter(|cloud| !known.clouds.contains(cloud));
            match (cloud, calls_tools && known.tools == Some(false)) {
                (Some(cloud), _) => Some(format!("Not offered on {}.", matrix.cloud_name(&cloud))),
                (None, true) => Some("Does not call tools, and the agent has some.".to_owned()),
                (None, false) => None,
            }
        })
    });
    let facts = facts_of(offer.known.as_ref())
        .into_iter()
        .map(|(name, value)| {
            let is_unknown = value == UNKNOWN;
            view! { <div class:unknown=is_unknown><dt>{name}</dt><dd>{value}</dd></div> }
        })
        .collect_view();
    let title = if offer.known.is_some() { offer.name.clone() } else { offer.id.clone() };
    view! {
        <RadioCard
            group="model" value=offer.id.clone() title=title text=offer.from.clone() checked note
            on_choose=move |()| id.with_value(|id| choose(draft, id))
        >
            <dl class="model-facts">{facts}</dl>
        </RadioCard>
    }
    .into_any()
}

const UNKNOWN: &str = "unknown";

/// What is known of a model, and what is not.
fn facts_of(known: Option<&ModelEntry>) -> Vec<(&'static str, String)> {
    let unknown = || UNKNOWN.to_owned();
    let yes_or_no = |value: Option<bool>| match value {
        None => unknown(),
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
    };
    let price = known.and_then(|known| Some((known.input_price?, known.output_price?)));
    vec![
        ("Context", known.and_then(|known| known.context_tokens).map_or_else(unknown, tokens_text)),
        ("Tools", yes_or_no(known.and_then(|known| known.tools))),
        ("Structured output", yes_or_no(known.and_then(|known| known.structured_output))),
        (
            "Price per million tokens",
            price.map_or_else(unknown, |(input, output)| {
                if input == 0.0 && output == 0.0 {
                    "none: runs on your machine".to_owned()
                } else {
                    format!("${input} in, ${output} out")
                }
            }),
        ),
        (
            "Looked up",
            known
                .and_then(|known| known.verified_on.as_ref().map(|day| format!("{day}, {}", known.source)))
                .unwrap_or_else(|| "not verified".to_owned()),
        ),
    ]
}

/// `128k`, `1.05M`.
fn tokens_text(tokens: u64) -> String {
    let short = |value: f64, unit: &str| {
        let text = format!("{value:.2}");
        format!("{}{unit} tokens", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match tokens {
        0..1_000 => format!("{tokens} tokens"),
        1_000..1_000_000 => short((tokens / 1_000) as f64, "k"),
        _ => short(tokens as f64 / 1_000_000.0, "M"),
    }
}

/// Where the code finds the model, and how freely it answers.
#[component]
fn Endpoint() -> impl IntoView {
    let draft = Draft::expect();
    let model = draft
        .spec
        .with_untracked(|spec| spec.as_ref().and_then(|spec| spec.models.get(DEFAULT).cloned()))
        .unwrap_or_default();
    let field = move |initial: String, write: fn(&mut Model, String)| {
        bound(initial, move |text| draft.change(|spec| write(spec.models.entry(DEFAULT.to_owned()).or_default(), text)))
    };
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
    view! {
        <details class="card">
            <summary>"Endpoint and temperature"</summary>
            <div class="stack details-body">
                <p class="hint">"The project talks to any endpoint that speaks OpenAI's chat completions, and finds it through environment variables. In the chat on this instance you choose a provider, or the rehearsal model, which needs no key."</p>
                <div class="field-pair">
                    <TextField label="Variable with the base URL" code=true value=base_url_variable/>
                    <TextField label="Variable with the key" code=true value=key_variable/>
                </div>
                <TextField label="Temperature" value=temperature_text error=temperature_error hint="0 to 2; empty is the provider's own."/>
            </div>
        </details>
    }
    .into_any()
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
    use gantry_domain::matrix::compatibility;

    use super::*;

    #[test]
    fn temperatures_stay_within_what_endpoints_take() {
        assert_eq!(read_temperature(" "), Ok(None));
        assert_eq!(read_temperature("0.7"), Ok(Some(0.7)));
        for bad in ["-0.1", "2.1", "warm", "NaN", "inf"] {
            assert!(read_temperature(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_unknown_of_a_model_says_unknown() {
        let nothing = facts_of(None);
        assert_eq!(nothing.iter().filter(|(_, value)| value == UNKNOWN).count(), 4);
        assert_eq!(nothing[4].1, "not verified");
        let entry = compatibility().models.iter().find(|model| model.id == "gpt-5.5").unwrap();
        let facts = facts_of(Some(entry));
        assert_eq!(facts[0].1, "1.05M tokens");
        assert_eq!(facts[3].1, "$5 in, $30 out");
        assert!(facts[4].1.starts_with("2026-"));
        assert_eq!(tokens_text(128_000), "128k tokens");
        assert_eq!(tokens_text(131_072), "131k tokens");
        assert_eq!(tokens_text(1_000_000), "1M tokens");
    }

    #[test]
    fn models_are_found_by_any_of_their_words() {
        let offers = offers_of(&compatibility().models, &[]);
        let found = |words: &str| offers.iter().filter(|offer| matches(offer, words)).count();
        assert_eq!(found(""), offers.len());
        assert!(found("anthropic haiku") == 1 && found("nobody") == 0);
    }
}
