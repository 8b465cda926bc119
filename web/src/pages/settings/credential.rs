//! Where a provider's key or a registry's password comes from: entered here, or a named secret.

use gantry_domain::api::secret::Secret;
use leptos::prelude::*;
use uuid::Uuid;

use crate::load::Loader;
use crate::parts::{Choice, SelectField, TextField};

/// What the choice says; a secret's id stands for that secret.
const NONE: &str = "none";
const ENTER: &str = "enter";
const KEEP: &str = "keep";

/// What a person chose, and entered.
#[derive(Clone, Copy)]
pub(crate) struct Credential {
    source: RwSignal<String>,
    value: RwSignal<String>,
    is_stored: bool,
}

impl Credential {
    /// The choice at first: what is stored stays, or there is none.
    pub(crate) fn new(is_stored: bool, secret_id: Option<Uuid>) -> Self {
        let source = match secret_id {
            Some(id) => id.to_string(),
            None if is_stored => KEEP.to_owned(),
            None => NONE.to_owned(),
        };
        Self { source: RwSignal::new(source), value: RwSignal::new(String::new()), is_stored }
    }

    /// What goes into the body: the value (an empty one removes, none keeps) and the named secret.
    pub(crate) fn for_body(self) -> (Option<String>, Option<Uuid>) {
        let source = self.source.get_untracked();
        match source.as_str() {
            KEEP => (None, None),
            ENTER => (Some(self.value.get_untracked()), None),
            NONE if self.is_stored => (Some(String::new()), None),
            NONE => (None, None),
            id => (None, id.parse().ok()),
        }
    }
}

/// The two fields: where it comes from, and the value if it is entered here.
#[component]
pub(crate) fn CredentialField(
    /// The choice.
    credential: Credential,
    /// What it is: `Key` or `Password or token`.
    what: &'static str,
    /// All secrets, to choose one.
    secrets: Loader<Vec<Secret>>,
    /// What is wrong with the value.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let choices = Signal::derive(move || {
        let mut choices = Vec::new();
        if credential.is_stored {
            choices.push(Choice::new(KEEP, "Keep what is stored"));
            choices.push(Choice::new(ENTER, "Enter a new one"));
            choices.push(Choice::new(NONE, "Remove what is stored"));
        } else {
            choices.push(Choice::new(NONE, "None"));
            choices.push(Choice::new(ENTER, "Enter it here"));
        }
        secrets.value.with(|secrets| {
            for secret in secrets.iter().flatten() {
                choices.push(Choice::new(secret.id.to_string(), format!("Secret {}", secret.name)));
            }
        });
        choices
    });
    let is_entered = Memo::new(move |_| credential.source.with(|source| source == ENTER));
    view! {
        <SelectField label=what value=credential.source choices hint="Kept encrypted on the server. Nobody can read it back."/>
        <Show when=move || is_entered.get()>
            <TextField
                label=format!("New {}", what.to_lowercase())
                kind="password"
                autocomplete="new-password"
                value=credential.value
                error
                code=true
            />
        </Show>
    }
    .into_any()
}
