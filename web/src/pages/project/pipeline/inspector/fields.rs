//! Fields that several kinds of nodes have: the name, a list of what may be chosen, and numbers.

use gantry_domain::pipeline::{NodeId, Operation};
use gantry_domain::spec::Spec;
use leptos::prelude::*;

use crate::pages::project::pipeline::draft::{Draft, bound};
use crate::parts::TextField;
use crate::parts::field::{FieldFrame, unique_id};

/// The name of something: it is changed wherever it stands, once the field is left.
pub(super) fn name_field(node: NodeId, label: &'static str, hint: &'static str) -> AnyView {
    let draft = Draft::expect();
    let name = node.name().unwrap_or_default().to_owned();
    let value = RwSignal::new(name);
    let fault = RwSignal::new(None::<String>);
    let id = unique_id("name");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let rename = move |text: String| {
        let operation = Operation::Rename { node: node.clone(), to: text.trim().to_owned() };
        draft.seal();
        fault.set(draft.attempt(&operation).err());
    };
    view! {
        <FieldFrame id=id.clone() label=label.to_owned() hint=Some(hint.to_owned()) error=fault.into()>
            <input
                id=id
                class="control code"
                autocomplete="off"
                spellcheck="false"
                aria-describedby=format!("{hint_id} {error_id}")
                aria-invalid=move || fault.with(Option::is_some).then_some("true")
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
                on:change:target=move |event| rename(event.target().value())
            />
        </FieldFrame>
    }
    .into_any()
}

/// One thing that may be chosen: its name, and whether it is.
pub(super) type Chosen = (String, bool);

/// A list of what may be chosen, several at once.
pub(super) fn check_list(
    legend: &'static str,
    hint: &'static str,
    items: impl Fn(&Spec) -> Vec<Chosen> + Send + Sync + 'static,
    toggle: impl Fn(String, bool) -> Operation + Clone + Send + Sync + 'static,
) -> AnyView {
    let draft = Draft::expect();
    let items = Memo::new(move |_| draft.spec.with(&items));
    let names = Memo::new(move |_| items.with(|items| items.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()));
    let is_there = Memo::new(move |_| names.with(|names| !names.is_empty()));
    let row = move |name: String| {
        let toggle = toggle.clone();
        let known = name.clone();
        let is_chosen =
            Memo::new(move |_| items.with(|items| items.iter().any(|(name, is_chosen)| *name == known && *is_chosen)));
        let change = {
            let name = name.clone();
            move |event: web_sys::Event| {
                let now = !is_chosen.get_untracked();
                draft.seal();
                if !draft.takes(&toggle(name.clone(), now)) {
                    // What was refused must not look as if it had been done.
                    let input = event
                        .target()
                        .and_then(|input| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlInputElement>(input).ok());
                    if let Some(input) = input {
                        input.set_checked(!now);
                    }
                }
            }
        };
        view! {
            <label class="inline-check">
                <input type="checkbox" prop:checked=move || is_chosen.get() on:change=change/>
                <code>{name}</code>
            </label>
        }
    };
    let body = move || {
        let row = row.clone();
        is_there.get().then(|| {
            view! {
                <fieldset class="field choose">
                    <legend>{legend}</legend>
                    <div class="row"><For each=move || names.get() key=Clone::clone children=row.clone()/></div>
                    {(!hint.is_empty()).then(|| view! { <p class="hint">{hint}</p> })}
                </fieldset>
            }
        })
    };
    view! { {body} }.into_any()
}

/// A whole number; what is none is not taken over.
pub(super) fn number_field(
    label: &'static str,
    hint: &'static str,
    least: u64,
    most: u64,
    read: impl Fn(&Spec) -> Option<u64> + Send + Sync + 'static,
    write: impl Fn(u64) + 'static,
) -> AnyView {
    let value = bound(
        move |spec| read(spec).map(|number| number.to_string()),
        move |text| {
            if let Ok(number) = text.trim().parse() {
                write(number);
            }
        },
    );
    let error = Signal::derive(move || match value.with(|text| text.trim().parse::<u64>()) {
        Ok(number) if (least..=most).contains(&number) => None,
        _ => Some(format!("Expected a whole number from {least} to {most}.")),
    });
    view! { <TextField label value kind="number" hint error/> }.into_any()
}
