//! API tokens: credentials for CI and the command line. A token is shown once, when it is made.

use gantry_domain::api::Page;
use gantry_domain::api::token::{CreateToken, CreatedToken, Scope, Token};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use uuid::Uuid;

use super::collection::{Collection, Item, form_actions};
use crate::api::{ApiResult, calls};
use crate::parts::time::now;
use crate::parts::{
    Button, ButtonKind, CheckField, Choice, CopyButton, ErrorLine, Icon, Pill, SelectField, Submission, TextField,
    TimeAgo, Tone, icon,
};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 3] = ["/name", "/scopes", "/expiresInDays"];

impl Item for Token {
    const ONE: &'static str = "token";
    const MANY: &'static str = "tokens";
    const LOSS: &'static str = "Whatever uses it is refused from this moment on.";

    fn id(&self) -> Uuid {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn read(cursor: Option<String>) -> ApiResult<Page<Self>> {
        calls::tokens(cursor).await
    }

    async fn delete(id: Uuid) -> ApiResult<()> {
        calls::delete_token(id).await
    }
}

/// All tokens.
#[component]
pub(crate) fn TokensPage() -> impl IntoView {
    let tokens = Collection::<Token>::read();
    let created = RwSignal::new(None::<CreatedToken>);
    let hint = view! { "Credentials for CI and the command line, sent as " <code>"Authorization: Bearer …"</code> "." };
    let nothing = (
        "No tokens yet",
        "A token lets CI or the command line do what you allow it to: set GANTRY_URL and GANTRY_TOKEN, and use gantry as you do here.",
    );
    let list = tokens.view(Some(nothing), move |items| {
        let rows = items.into_iter().map(|token| token_row(tokens, token)).collect_view();
        view! {
            <div class="table-frame">
                <table class="table">
                    <caption class="visually-hidden">"API tokens"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col">"May"</th>
                            <th scope="col" class="wide-only">"Last used"</th>
                            <th scope="col" class="wide-only">"Expires"</th>
                            <th scope="col" class="wide-only">"Created"</th>
                            <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    });
    // A token that is gone is not to be copied any more.
    let forget = move |id: Uuid| {
        created.update(|created| {
            if created.as_ref().is_some_and(|created| created.token.id == id) {
                *created = None;
            }
        });
    };
    view! {
        {tokens.head("API tokens", hint, "Create token")}
        <NewToken created/>
        {list}
        {tokens.dialogs(|_| "Create a token".to_owned(), move |_| view! { <TokenForm tokens created/> }.into_any(), forget)}
    }
    .into_any()
}

/// The only showing of a new token's secret part.
#[component]
fn NewToken(created: RwSignal<Option<CreatedToken>>) -> impl IntoView {
    let shown = move || {
        created.get().map(|created_token| {
            let secret = created_token.secret;
            view! {
                <div class="notice good">
                    {icon(Icon::Key)}
                    <div>
                        <p><b>"Copy " {created_token.token.name} " now."</b> " It is not stored and cannot be shown again."</p>
                        <p class="secret-line"><code>{secret.clone()}</code><CopyButton what="token" text=Signal::derive(move || secret.clone())/></p>
                    </div>
                    <Button kind=ButtonKind::Ghost glyph=Icon::Cross label="I have copied it" on_press=move |()| created.set(None)/>
                </div>
            }
        })
    };
    view! { <div role="status">{shown}</div> }.into_any()
}

fn token_row(tokens: Collection<Token>, token: Token) -> AnyView {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    let used = match token.last_used_at {
        Some(at) => view! { <TimeAgo at/> }.into_any(),
        None => view! { <span class="faint">"never"</span> }.into_any(),
    };
    let expires = match token.expires_at {
        None => view! { <span class="faint">"never"</span> }.into_any(),
        Some(at) if at <= now() => view! { <Pill tone=Tone::Bad glyph=Icon::Clock text="Expired"/> }.into_any(),
        Some(at) => {
            let date = at.to_string().chars().take(10).collect::<String>();
            view! { <time datetime=at.to_string() title=at.to_string()>{date}</time> }.into_any()
        }
    };
    let actions = tokens.actions(&token, None);
    view! {
        <tr>
            <td><b>{token.name.clone()}</b> " " <code class="faint">{token.prefix} "…"</code></td>
            <td>{scopes.join(", ")}</td>
            <td class="wide-only">{used}</td>
            <td class="wide-only">{expires}</td>
            <td class="wide-only"><TimeAgo at=token.created_at/></td>
            <td class="end">{actions}</td>
        </tr>
    }
    .into_any()
}

fn scope_meaning(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "Read projects, runs, builds and images.",
        Scope::Write => "Create and change projects, and talk to agents.",
        Scope::Build => "Build images.",
        Scope::Publish => "Publish images.",
        Scope::Admin => "Change providers, registries, secrets and tokens.",
    }
}

/// The form in the dialog.
#[component]
fn TokenForm(tokens: Collection<Token>, created: RwSignal<Option<CreatedToken>>) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let days = RwSignal::new("90".to_owned());
    let scopes = Scope::ALL.map(|scope| (scope, RwSignal::new(scope == Scope::Read)));
    let submission = Submission::new();
    let choices = vec![
        Choice::new("30", "In 30 days"),
        Choice::new("90", "In 90 days"),
        Choice::new("365", "In a year"),
        Choice::new("", "Never"),
    ];
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let chosen = scopes.iter().filter(|(_, chosen)| chosen.get_untracked()).map(|(scope, _)| *scope).collect();
        let body = CreateToken {
            name: name.get_untracked().trim().to_owned(),
            scopes: chosen,
            expires_in_days: days.get_untracked().parse().ok(),
        };
        submission.run(async move { calls::create_token(&body).await }, move |token| {
            created.set(Some(token));
            tokens.saved();
        });
    };
    let boxes = scopes
        .map(|(scope, chosen)| view! { <CheckField label=scope.as_str() checked=chosen hint=scope_meaning(scope)/> })
        .collect_view();
    let scopes_error = submission.field("/scopes");
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <TextField label="Name" value=name error=submission.field("/name") hint="What it is for." focus=true required=true/>
                <fieldset class="field">
                    <legend>"What it may do"</legend>
                    <div class="stack-tight">{boxes}</div>
                    <p class="field-error" role="alert">{move || scopes_error.get()}</p>
                </fieldset>
                <SelectField label="Expires" value=days choices=Signal::derive(move || choices.clone()) error=submission.field("/expiresInDays")/>
                <ErrorLine error=submission.error_beside(&FIELDS)/>
            </div>
            {form_actions(tokens.form_open, "Create token", submission.busy)}
        </form>
    }
    .into_any()
}
