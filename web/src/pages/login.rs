//! Signing in.

use gantry_domain::api::identity::Login;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api::calls;
use crate::me::CurrentMe;
use crate::pages::set_title;
use crate::parts::{Button, ButtonKind, ErrorLine, Icon, Submission, TextField, icon};

/// The frame of the pages before signing in: one card in the middle.
pub(crate) fn gate(title: &'static str, body: AnyView) -> AnyView {
    view! {
        <main class="gate" id="main">
            <div class="gate-brand">{icon(Icon::Logo)}<b>"Gantry"</b></div>
            <section class="card gate-card"><h1>{title}</h1>{body}</section>
        </main>
    }
    .into_any()
}

/// Where to go after signing in: only addresses of this application.
fn destination(next: Option<String>) -> String {
    next.filter(|next| next.starts_with('/') && !next.starts_with("//") && !next.contains('\\'))
        .unwrap_or_else(|| "/projects".to_owned())
}

/// Signing in with an account's address and password.
#[component]
pub(crate) fn LoginPage() -> impl IntoView {
    set_title("Sign in");
    let me = CurrentMe::expect();
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let submission = Submission::new();
    let set_up_first = RwSignal::new(false);
    let query = use_query_map();
    let navigate = use_navigate();
    leptos::task::spawn_local(async move {
        // Signing in works without this answer; it only explains why nobody can yet.
        if let Ok(state) = calls::setup_state().await {
            set_up_first.try_set(state.required);
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        let next = destination(query.with_untracked(|query| query.get("next")));
        let body = Login { email: email.get_untracked().trim().to_owned(), password: password.get_untracked() };
        submission.run(async move { calls::login(&body).await }, move |answer| {
            me.set(answer);
            navigate(&next, NavigateOptions { replace: true, ..NavigateOptions::default() });
        });
    };
    let notice = move || {
        set_up_first.get().then(|| {
            view! {
                <div class="notice warn" role="status">
                    {icon(Icon::Info)}
                    <p>"This instance has no account yet. Open the set-up link that the server printed when it started."</p>
                </div>
            }
        })
    };
    let form = view! {
        {notice}
        <form class="form" novalidate on:submit=submit>
            <TextField label="Email" kind="email" autocomplete="username" value=email focus=true required=true/>
            <TextField label="Password" kind="password" autocomplete="current-password" value=password required=true/>
            <ErrorLine error=submission.error/>
            <Button kind=ButtonKind::Primary submit=true busy=submission.busy>"Sign in"</Button>
        </form>
    };
    gate("Sign in", form.into_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        assert_eq!(destination(Some("/projects/a?x=1".to_owned())), "/projects/a?x=1");
        for elsewhere in ["https://example.org", "//example.org", "/\\example.org", "javascript:alert(1)", ""] {
            assert_eq!(destination(Some(elsewhere.to_owned())), "/projects");
        }
        assert_eq!(destination(None), "/projects");
    }
}
