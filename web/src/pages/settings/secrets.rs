//! Secrets: named values that providers and registries use. Values go in and never come out.

use gantry_domain::api::Page;
use gantry_domain::api::secret::{CreateSecret, CreateSecretVersion, Secret};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use uuid::Uuid;

use super::collection::{Collection, Item, form_actions};
use crate::api::{ApiResult, calls};
use crate::parts::{ErrorLine, Submission, TextField, TimeAgo};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 2] = ["/name", "/value"];

impl Item for Secret {
    const ONE: &'static str = "secret";
    const MANY: &'static str = "secrets";
    const LOSS: &'static str = "All its versions are deleted. What uses it stops working until it gets another.";

    fn id(&self) -> Uuid {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn read(cursor: Option<String>) -> ApiResult<Page<Self>> {
        calls::secrets(cursor).await
    }

    async fn delete(id: Uuid) -> ApiResult<()> {
        calls::delete_secret(id).await
    }
}

/// All secrets.
#[component]
pub(crate) fn SecretsPage() -> impl IntoView {
    let secrets = Collection::<Secret>::read();
    let hint = "Named values, kept encrypted. A new value reaches everything that uses the name.";
    let nothing = (
        "No secrets yet",
        "A secret is a named value, such as a key that several providers share. It is kept encrypted, and no page and no request gives it back.",
    );
    let list = secrets.view(Some(nothing), move |items| {
        let rows = items.into_iter().map(|secret| secret_row(secrets, secret)).collect_view();
        view! {
            <div class="table-frame">
                <table class="table">
                    <caption class="visually-hidden">"Secrets"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col" class="wide-only">"Version"</th>
                            <th scope="col">"Used by"</th>
                            <th scope="col" class="wide-only">"Value set"</th>
                            <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    });
    let title = |replaced: Option<&Secret>| match replaced {
        None => "Add a secret".to_owned(),
        Some(secret) => format!("New value for {}", secret.name),
    };
    view! {
        {secrets.head("Secrets", hint, "Add secret")}
        {list}
        {secrets.dialogs(title, move |replaced| view! { <SecretForm replaced secrets/> }.into_any(), |_| ())}
    }
    .into_any()
}

fn secret_row(secrets: Collection<Secret>, secret: Secret) -> AnyView {
    let used_by = match secret.used_by.is_empty() {
        true => view! { <span class="faint">"nothing"</span> }.into_any(),
        false => secret.used_by.join(", ").into_any(),
    };
    let actions = secrets.actions(&secret, Some("New value for"));
    view! {
        <tr>
            <td><code>{secret.name.clone()}</code></td>
            <td class="wide-only">{secret.version}</td>
            <td>{used_by}</td>
            <td class="wide-only"><TimeAgo at=secret.updated_at/></td>
            <td class="end">{actions}</td>
        </tr>
    }
    .into_any()
}

/// The form in the dialog: a name and a value, or a new value alone.
#[component]
fn SecretForm(replaced: Option<Secret>, secrets: Collection<Secret>) -> impl IntoView {
    let id = replaced.map(|secret| secret.id);
    let (name, value) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let submission = Submission::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (name, value) = (name.get_untracked().trim().to_owned(), value.get_untracked());
        let answer = async move {
            match id {
                None => calls::create_secret(&CreateSecret { name, value }).await,
                Some(id) => calls::create_secret_version(id, &CreateSecretVersion { value }).await,
            }
        };
        submission.run(answer, move |_| secrets.saved());
    };
    let name_field = id.is_none().then(|| {
        view! {
            <TextField
                label="Name" code=true value=name error=submission.field("/name") focus=true required=true
                placeholder="openai/team-key" hint="Letters, digits and . _ - / ; at most 128."
            />
        }
    });
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                {name_field}
                <TextField
                    label="Value" kind="password" autocomplete="new-password" code=true value=value
                    error=submission.field("/value") focus=id.is_some() required=true hint="Nobody can read it back."
                />
                <ErrorLine error=submission.error_beside(&FIELDS)/>
            </div>
            {form_actions(secrets.form_open, "Save", submission.busy)}
        </form>
    }
    .into_any()
}
