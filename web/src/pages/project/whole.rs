//! What holds for a project as a whole, whoever is at work in it: what one run may take, which tools never run, what is
//! remembered, what the image is made from. The wizard and the pipeline have it, each with its own draft.

use std::collections::BTreeMap;

use gantry_domain::spec::{Guardrails, MemoryKind, Spec};
use leptos::prelude::*;
use serde_json::{Value, json};

use crate::api::calls;
use crate::load::load;
use crate::paged::read_all;
use crate::parts::money::{dollars, read_dollars};
use crate::parts::{Choice, SelectField, TextArea, TextField};

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
        {labels(spec, on_change)}
    }
    .into_any()
}

/// What people sort their agents by: a label a line.
fn labels(spec: Signal<Option<Spec>>, on_change: Callback<Value>) -> AnyView {
    let value = Memo::new(move |_| {
        spec.with(|spec| spec.as_ref().map(|spec| spec.metadata.labels.clone()).unwrap_or_default())
    });
    // Such as a name with the sign = in it: a field that cannot show them must not write them either.
    let are_lines = Memo::new(move |_| value.with(|value| read_labels(&label_lines(value)).as_ref() == Ok(value)));
    let field = move || {
        if are_lines.get() {
            labels_field(value, on_change)
        } else {
            view! { <p class="hint">"The spec has labels that lines of name=value cannot show. Change them in " <code>"agent.gantry.yaml"</code> "."</p> }
                .into_any()
        }
    };
    view! { {field} }.into_any()
}

fn labels_field(value: Memo<BTreeMap<String, String>>, on_change: Callback<Value>) -> AnyView {
    let text = RwSignal::new(label_lines(&value.get_untracked()));
    Effect::new(move |_| {
        let Ok(typed) = text.with(|text| read_labels(text)) else { return };
        if let Some(patch) = value.with_untracked(|before| labels_patch(before, &typed)) {
            on_change.run(json!({"metadata": {"labels": patch}}));
        }
    });
    // What was changed elsewhere, such as by undoing, is shown; what is being typed is left alone.
    Effect::new(move |_| {
        let value = value.get();
        if text.with_untracked(|text| read_labels(text)).is_ok_and(|typed| typed != value) {
            text.set(label_lines(&value));
        }
    });
    let fault = Signal::derive(move || text.with(|text| read_labels(text)).err());
    let hint =
        "A label a line, such as team=support. People and tools sort agents by them; the agent does not see them.";
    view! { <TextArea label="Labels" code=true rows=3 value=text error=fault hint placeholder="team=support"/> }
        .into_any()
}

fn label_lines(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
}

/// The labels in a text, or what is wrong with its first line that is none.
fn read_labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut labels = BTreeMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        let label = line.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let Some((name, value)) =
            label.filter(|(name, value)| !name.is_empty() && name.len() <= 63 && value.chars().count() <= 255)
        else {
            return Err(format!(
                "Line {number}: expected a name of 1 to 63 letters, the sign = and a value of at most 255, such as team=support."
            ));
        };
        if labels.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("Line {number}: expected every name once, but {name} is there twice."));
        }
    }
    Ok(labels)
}

/// What makes some labels others, as a JSON Merge Patch; none when they are the same.
fn labels_patch(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Option<Value> {
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let set = after.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    let patch: serde_json::Map<String, Value> =
        gone.chain(set.map(|(name, value)| (name.clone(), json!(value)))).collect();
    (!patch.is_empty()).then_some(Value::Object(patch))
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
    fn labels_are_read_from_lines_and_a_line_that_is_none_is_named() {
        let labels = read_labels("team = support\n\nstage=a=b\n").unwrap();
        assert_eq!(label_lines(&labels), "stage=a=b\nteam=support");
        assert_eq!(read_labels("").unwrap(), BTreeMap::new());
        let long = format!("a=b\n{}=x", "n".repeat(64));
        for (bad, line) in
            [("team", "Line 1"), ("a=b\n=c", "Line 2"), ("a=b\na=c", "Line 2"), (long.as_str(), "Line 2")]
        {
            assert!(read_labels(bad).unwrap_err().starts_with(line), "{bad}");
        }
    }

    #[test]
    fn a_label_that_is_gone_is_taken_away_and_the_same_labels_are_no_change() {
        let before = read_labels("a=1\nb=2\nc=3").unwrap();
        assert_eq!(labels_patch(&before, &before), None);
        let after = read_labels("a=1\nb=5\nd=4").unwrap();
        assert_eq!(labels_patch(&before, &after), Some(json!({"b": "5", "c": null, "d": "4"})));
    }

    #[test]
    fn an_empty_field_is_no_limit_and_anything_else_a_number_within_bounds() {
        assert_eq!(read_number(" ", 1, 9), Some(None));
        assert_eq!(read_number("7", 1, 9), Some(Some(7)));
        for bad in ["0", "10", "x", "1.5"] {
            assert_eq!(read_number(bad, 1, 9), None, "{bad}");
        }
    }
}
