//! A choice among a few: the browser's own select.

use leptos::prelude::*;

use super::field::{FieldFrame, unique_id};

/// One thing that can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    /// What goes into the value.
    pub(crate) value: String,
    /// What the list says.
    pub(crate) label: String,
}

impl Choice {
    /// A choice with this value and these words.
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// A choice among a few.
#[component]
pub(crate) fn SelectField(
    /// What it is for.
    #[prop(into)]
    label: String,
    /// The chosen value.
    value: RwSignal<String>,
    /// What can be chosen.
    #[prop(into)]
    choices: Signal<Vec<Choice>>,
    /// What the choice means.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with the choice.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let id = unique_id("select");
    let options = move || {
        let chosen = value.get_untracked();
        choices
            .get()
            .into_iter()
            .map(|choice| {
                let selected = choice.value == chosen;
                view! { <option value=choice.value selected=selected>{choice.label}</option> }
            })
            .collect_view()
    };
    view! {
        <FieldFrame id=id.clone() label hint error>
            <select
                id=id
                class="control"
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                prop:value=move || value.get()
                on:change:target=move |event| value.set(event.target().value())
            >
                {options}
            </select>
        </FieldFrame>
    }
    .into_any()
}
