//! A model: its name, and where the generated code finds it.

use gantry_domain::pipeline::{NodeId, Operation};
use gantry_domain::spec::{Model, Spec};
use leptos::prelude::*;

use super::fields::name_field;
use super::{remove_button, said};
use crate::pages::project::pipeline::draft::{Draft, bound};
use crate::parts::TextField;

fn find<'a>(spec: &'a Spec, key: &str) -> Option<&'a Model> {
    spec.models.get(key)
}

fn field(key: &str, read: fn(&Model) -> String, write: fn(&mut Model, String) -> bool) -> RwSignal<String> {
    let draft = Draft::expect();
    let (reader, writer) = (key.to_owned(), key.to_owned());
    bound(
        move |spec| find(spec, &reader).map(read),
        move |text| {
            let model = draft.spec.with_untracked(|spec| find(spec, &writer).cloned());
            if let Some(mut model) = model
                && write(&mut model, text)
            {
                draft.apply(&Operation::ReplaceModel { key: writer.clone(), model });
            }
        },
    )
}

/// A temperature from what was typed; none when nothing was.
fn read_temperature(text: &str) -> Option<Option<f64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    text.parse::<f64>().ok().filter(|value| (0.0..=2.0).contains(value)).map(Some)
}

/// A model's fields.
pub(super) fn model_fields(key: String) -> AnyView {
    let name = field(
        &key,
        |model| model.model.clone(),
        |model, text| {
            model.model = text;
            true
        },
    );
    let base_url = field(
        &key,
        |model| model.base_url_variable.clone(),
        |model, text| {
            model.base_url_variable = text;
            true
        },
    );
    let key_variable = field(
        &key,
        |model| model.key_variable.clone(),
        |model, text| {
            model.key_variable = text;
            true
        },
    );
    let temperature = field(
        &key,
        |model| model.temperature.map(|value| value.to_string()).unwrap_or_default(),
        |model, text| read_temperature(&text).map(|value| model.temperature = value).is_some(),
    );
    let fault = Signal::derive(move || {
        let is_read = temperature.with(|text| read_temperature(text).is_some());
        (!is_read).then(|| "Expected a number from 0 to 2, or nothing.".to_owned())
    });
    let is_default = key == "default";
    let head = if is_default {
        said("The model that agents use unless they name another. It keeps its name.")
    } else {
        name_field(NodeId::Model(key.clone()), "Key", "What agents call it. It is changed wherever it stands.")
    };
    view! {
        {head}
        <TextField label="Model" code=true value=name hint="Its name at the provider. Empty leaves it to the environment variable MODEL_NAME."/>
        <TextField label="Variable with the base URL" code=true value=base_url/>
        <TextField label="Variable with the key" code=true value=key_variable/>
        <TextField label="Temperature" value=temperature error=fault hint="0 to 2; empty is the provider's own."/>
        {(!is_default).then(|| remove_button(NodeId::Model(key), "Remove model"))}
    }
    .into_any()
}
