//! What holds for a project as a whole, whoever is at work in it: what one run may take, which tools never run, what is
//! remembered, what the image is made from. The wizard and the pipeline have it, each with its own draft.

use gantry_domain::spec::{Guardrails, MemoryKind, Spec};
use leptos::prelude::*;
use serde_json::{Value, json};

use crate::api::calls;
use crate::load::load;
use crate::paged::read_all;
use crate::parts::money::{dollars, read_dollars};
use crate::parts::{Choice, SelectField, TextField};

/// The fields.
#[component]
pub(crate) fn WholeFields(
    /// The spec as it is.
    #[prop(into)]
    spec: Signal<Option<Spec>>,
    /// Changes it by a JSON Merge Patch.
    on_change: Callback<Value>,
) -> impl IntoView {
    let guardrails =
        Memo::new(move |_| spec.with(|spec| spec.as_ref().map(|spec| spec.guardrails.clone()).unwrap_or_default()));
    let base =
        text_of(spec, |spec| spec.build.base.clone(), move |text| on_change.run(json!({"build": {"base": text}})));
    let cases =
        text_of(spec, |spec| spec.evals.cases.clone(), move |text| on_change.run(json!({"evals": {"cases": text}})));
    view! {
        {limits(guardrails, on_change)}
        <DeniedTools spec guardrails on_change/>
        <MemoryField spec on_change/>
        <TextField label="Base image" code=true value=base hint="What the project's image is made from."/>
        <TextField label="Eval cases" code=true value=cases hint="The file of the project that has them."/>
    }
    .into_any()
}

/// What one run may take: money, tokens, time.
fn limits(guardrails: Memo<Guardrails>, on_change: Callback<Value>) -> AnyView {
    let change = move |name: &'static str, value: Option<u64>| {
        on_change.run(json!({"guardrails": {name: value}}));
    };
    let (cost, cost_fault) = limit(
        Memo::new(move |_| guardrails.with(|guardrails| guardrails.max_cost_micros)),
        dollars,
        |text| read_dollars(text).filter(|read| *read != Some(0)),
        move |value| change("maxCostMicros", value),
        "Expected an amount such as 0.50, more than nothing and with at most six digits after the point, or nothing.",
    );
    let (tokens, tokens_fault) = limit(
        Memo::new(move |_| guardrails.with(|guardrails| guardrails.max_tokens)),
        number,
        |text| read_number(text, 1, u64::MAX),
        move |value| change("maxTokens", value),
        "Expected a whole number from 1, or nothing.",
    );
    let (seconds, seconds_fault) = limit(
        Memo::new(move |_| guardrails.with(|guardrails| guardrails.max_seconds)),
        number,
        |text| read_number(text, 1, 86_400),
        move |value| change("maxSeconds", value),
        "Expected a whole number from 1 to 86400, or nothing.",
    );
    let has_limit = Memo::new(move |_| guardrails.with(|guardrails| guardrails.max_cost_micros.is_some()));
    view! {
        <fieldset class="field limits">
            <legend>"Limits of one run"</legend>
            <TextField label="Most cost, in US dollars" value=cost error=cost_fault placeholder="no limit" hint="Such as 0.50. A run that comes to it ends."/>
            {move || has_limit.get().then(cost_not_known)}
            <TextField label="Most tokens" kind="number" value=tokens error=tokens_fault placeholder="no limit" hint="Sent and received together."/>
            <TextField label="Most seconds" kind="number" value=seconds error=seconds_fault placeholder="no limit" hint="Time at work, without waiting for people."/>
        </fieldset>
    }
    .into_any()
}

/// Says that a limit of cost cannot be kept, where no provider of this instance says what its model costs.
fn cost_not_known() -> AnyView {
    let providers = load(|| read_all(calls::providers));
    let is_priceless = Memo::new(move |_| {
        providers.value.with(|providers| {
            providers.as_ref().is_some_and(|providers| {
                !providers.iter().any(|one| one.input_price_micros.is_some() && one.output_price_micros.is_some())
            })
        })
    });
    let note = move || {
        is_priceless.get().then(|| {
            view! {
                <p class="refusal" role="status">
                    "No provider here has prices, so this limit cannot be kept yet, and a run says so ("<code>"cost_not_known"</code>
                    "). Enter what the model costs under " <a href="/settings/providers">"Settings, Providers"</a> "."
                </p>
            }
        })
    };
    view! { {note} }.into_any()
}

/// A limit that may be none: the text of its field, and what is wrong with it.
fn limit(
    value: Memo<Option<u64>>,
    show: fn(Option<u64>) -> String,
    read: fn(&str) -> Option<Option<u64>>,
    write: impl Fn(Option<u64>) + 'static,
    expected: &'static str,
) -> (RwSignal<String>, Signal<Option<String>>) {
    let text = RwSignal::new(show(value.get_untracked()));
    Effect::new(move |_| {
        if let Some(typed) = text.with(|text| read(text))
            && typed != value.get_untracked()
        {
            write(typed);
        }
    });
    // What was changed elsewhere, such as by undoing, is shown; what is being typed is left alone.
    Effect::new(move |_| {
        let value = value.get();
        if text.with_untracked(|text| read(text)).is_some_and(|typed| typed != value) {
            text.set(show(value));
        }
    });
    (text, Signal::derive(move || text.with(|text| read(text)).is_none().then(|| expected.to_owned())))
}

fn number(value: Option<u64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A whole number within bounds; nothing is no limit, and none is no number.
fn read_number(text: &str, least: u64, most: u64) -> Option<Option<u64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    text.parse().ok().filter(|number| (least..=most).contains(number)).map(Some)
}

/// A text of the spec as a field.
fn text_of(
    spec: Signal<Option<Spec>>,
    read: fn(&Spec) -> String,
    write: impl Fn(String) + 'static,
) -> RwSignal<String> {
    let value = Memo::new(move |_| spec.with(|spec| spec.as_ref().map(read).unwrap_or_default()));
    let text = RwSignal::new(value.get_untracked());
    Effect::new(move |_| {
        let typed = text.with(|text| text.trim().to_owned());
        if typed != value.get_untracked() {
            write(typed);
        }
    });
    Effect::new(move |_| {
        let value = value.get();
        if text.with_untracked(|text| text.trim() != value) {
            text.set(value);
        }
    });
    text
}

/// The tools that are never run, whatever the mode.
#[component]
fn DeniedTools(spec: Signal<Option<Spec>>, guardrails: Memo<Guardrails>, on_change: Callback<Value>) -> impl IntoView {
    let tools = Memo::new(move |_| {
        spec.with(|spec| {
            let tools = spec.iter().flat_map(|spec| &spec.tools);
            tools.map(|tool| tool.id.clone()).collect::<Vec<String>>()
        })
    });
    let row = move |id: String| {
        let own = id.clone();
        let is_denied = Memo::new(move |_| guardrails.with(|guardrails| guardrails.deny.contains(&own)));
        let toggle = {
            let id = id.clone();
            move |_| {
                let mut deny = guardrails.with_untracked(|guardrails| guardrails.deny.clone());
                let before = deny.len();
                deny.retain(|other| *other != id);
                if deny.len() == before {
                    deny.push(id.clone());
                }
                on_change.run(json!({"guardrails": {"deny": deny}}));
            }
        };
        view! {
            <label class="inline-check">
                <input type="checkbox" prop:checked=move || is_denied.get() on:change=toggle/><code>{id}</code>
            </label>
        }
    };
    let body = move || {
        tools.with(|tools| !tools.is_empty()).then(|| {
            view! {
                <fieldset class="field">
                    <legend>"Tools that never run"</legend>
                    <div class="row"><For each=move || tools.get() key=Clone::clone children=row/></div>
                    <p class="hint">"In no mode, and whatever a person approves: the model is told that it may not."</p>
                </fieldset>
            }
        })
    };
    view! { {body} }.into_any()
}

/// What is remembered between turns.
#[component]
fn MemoryField(spec: Signal<Option<Spec>>, on_change: Callback<Value>) -> impl IntoView {
    let choices =
        vec![Choice::new("thread", "The conversation so far"), Choice::new("none", "Nothing: every turn begins anew")];
    let value = text_of(
        spec,
        |spec| if spec.memory.kind == MemoryKind::None { "none" } else { "thread" }.to_owned(),
        move |kind| on_change.run(json!({"memory": {"kind": kind}})),
    );
    view! { <SelectField label="Memory" value choices=Signal::derive(move || choices.clone())/> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_is_no_limit_and_anything_else_a_number_within_bounds() {
        assert_eq!(read_number(" ", 1, 9), Some(None));
        assert_eq!(read_number("7", 1, 9), Some(Some(7)));
        for bad in ["0", "10", "x", "1.5"] {
            assert_eq!(read_number(bad, 1, 9), None, "{bad}");
        }
    }
}
