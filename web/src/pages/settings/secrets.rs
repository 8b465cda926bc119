//! Secrets: named values that providers and registries use. Values go in and never come out.

use gantry_domain::api::Page;
use gantry_domain::api::secret::{CreateSecret, CreateSecretVersion, Secret};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use crate::api::calls;
use crate::load::{Loader, load, loaded};
use crate::pages::set_title;
use crate::parts::{
    Button, ButtonKind, ConfirmDialog, Dialog, EmptyState, ErrorLine, Icon, Submission, TextField, TimeAgo,
    skeleton_rows,
};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 2] = ["/name", "/value"];

/// All secrets.
#[component]
pub(crate) fn SecretsPage() -> impl IntoView {
    set_title("Secrets");
    let secrets = load(calls::secrets);
    let form_open = RwSignal::new(false);
    let replaced = RwSignal::new(None::<Secret>);
    let deleted = RwSignal::new(None::<Secret>);
    let add = Callback::new(move |()| {
        replaced.set(None);
        form_open.set(true);
    });
    let list = loaded(
        secrets,
        "The list of secrets",
        || skeleton_rows(3),
        move |page: Page<Secret>| {
            if page.items.is_empty() {
                return view! {
                    <EmptyState
                        title="No secrets yet"
                        text="A secret is a named value, such as a key that several providers share. It is kept encrypted, and no page and no request gives it back."
                    />
                }
                .into_any();
            }
            let replace = Callback::new(move |secret| {
                replaced.set(Some(secret));
                form_open.set(true);
            });
            let rows = page.items.into_iter().map(|secret| secret_row(secret, replace, deleted)).collect_view();
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
        },
    );
    let title = Signal::derive(move || match replaced.get() {
        None => "Add a secret".to_owned(),
        Some(secret) => format!("New value for {}", secret.name),
    });
    view! {
        <div class="section-head">
            <div>
                <h2>"Secrets"</h2>
                <p class="hint">"Named values, kept encrypted. A new value reaches everything that uses the name."</p>
            </div>
            <Button kind=ButtonKind::Primary glyph=Icon::Plus shortcut="create" on_press=add>"Add secret"</Button>
        </div>
        {list}
        <Dialog open=form_open title>
            <SecretForm replaced=replaced.get_untracked() open=form_open secrets/>
        </Dialog>
        <DeleteSecret secret=deleted secrets/>
    }
    .into_any()
}

fn secret_row(secret: Secret, replace: Callback<Secret>, deleted: RwSignal<Option<Secret>>) -> AnyView {
    let used_by = match secret.used_by.is_empty() {
        true => view! { <span class="faint">"nothing"</span> }.into_any(),
        false => secret.used_by.join(", ").into_any(),
    };
    let (to_replace, to_delete) = (secret.clone(), secret.clone());
    view! {
        <tr>
            <td><code>{secret.name.clone()}</code></td>
            <td class="wide-only">{secret.version}</td>
            <td>{used_by}</td>
            <td class="wide-only"><TimeAgo at=secret.updated_at/></td>
            <td class="end">
                <div class="row-actions">
                    <Button kind=ButtonKind::Ghost glyph=Icon::Edit label=format!("New value for {}", secret.name) on_press=move |()| replace.run(to_replace.clone())/>
                    <Button kind=ButtonKind::Ghost glyph=Icon::Trash label=format!("Delete {}", secret.name) on_press=move |()| deleted.set(Some(to_delete.clone()))/>
                </div>
            </td>
        </tr>
    }
    .into_any()
}

/// The form in the dialog: a name and a value, or a new value alone.
#[component]
fn SecretForm(replaced: Option<Secret>, open: RwSignal<bool>, secrets: Loader<Page<Secret>>) -> impl IntoView {
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
        submission.run(answer, move |_| {
            open.set(false);
            secrets.reload();
        });
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
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy>"Save"</Button>
            </footer>
        </form>
    }
    .into_any()
}

#[component]
fn DeleteSecret(secret: RwSignal<Option<Secret>>, secrets: Loader<Page<Secret>>) -> impl IntoView {
    let open = super::open_while_some(secret);
    let submission = Submission::new();
    let name = Signal::derive(move || secret.get().map(|secret| secret.name).unwrap_or_default());
    let title = Signal::derive(move || format!("Delete {}?", name.get()));
    let confirm = move |()| {
        let Some(id) = secret.with_untracked(|secret| secret.as_ref().map(|secret| secret.id)) else { return };
        submission.run(calls::delete_secret(id), move |()| {
            open.set(false);
            secrets.reload();
        });
    };
    view! {
        <ConfirmDialog open title action="Delete secret" busy=submission.busy error=submission.message() on_confirm=confirm>
            <p>"All its versions are deleted. What uses it stops working until it gets another."</p>
        </ConfirmDialog>
    }
    .into_any()
}
