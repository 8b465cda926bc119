//! The first account, made with the link that the server prints when it has none.

use gantry_domain::api::identity::{Setup, SetupState};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::api::calls;
use crate::load::{load, loaded};
use crate::me::CurrentMe;
use crate::pages::login::gate;
use crate::pages::set_title;
use crate::parts::{Button, ButtonKind, ErrorLine, LinkButton, Submission, TextField, skeleton_block};

/// The paths that the form shows beside its fields.
const FIELDS: [&str; 3] = ["/name", "/email", "/password"];

/// The token from `/setup#token=…` or `/setup?token=…`.
fn token_in_address() -> Option<String> {
    let location = window().location();
    let parts = [location.hash().unwrap_or_default(), location.search().unwrap_or_default()];
    parts.iter().find_map(|part| token_in(part))
}

fn token_in(part: &str) -> Option<String> {
    let pairs = part.trim_start_matches(['#', '?']).split('&');
    pairs.filter_map(|pair| pair.strip_prefix("token=")).map(str::to_owned).find(|token| !token.is_empty())
}

/// Making the first account.
#[component]
pub(crate) fn SetupPage() -> impl IntoView {
    set_title("Set up");
    let state = load(calls::setup_state);
    let body = loaded(state, "The state of this instance", skeleton_block, |state: SetupState| {
        if !state.required {
            return view! {
                <p class="prose">"This instance is set up already. The link worked once and is used up."</p>
                <LinkButton kind=ButtonKind::Primary href="/login">"Sign in"</LinkButton>
            }
            .into_any();
        }
        match token_in_address() {
            Some(token) => view! { <SetupForm token/> }.into_any(),
            None => view! {
                <p class="prose">
                    "This address is not complete. Open the whole set-up link that the server printed when it started: "
                    "it ends with a token, which proves that you run this instance."
                </p>
            }
            .into_any(),
        }
    });
    gate("Set up Gantry", body)
}

/// The form for the first account.
#[component]
fn SetupForm(
    /// The token from the link.
    token: String,
) -> impl IntoView {
    let me = CurrentMe::expect();
    let name = RwSignal::new(String::new());
    let email = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let submission = Submission::new();
    let navigate = use_navigate();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        let body = Setup {
            token: token.clone(),
            name: name.get_untracked().trim().to_owned(),
            email: email.get_untracked().trim().to_owned(),
            password: password.get_untracked(),
        };
        submission.run(async move { calls::setup(&body).await }, move |answer| {
            me.set(answer);
            // The used link goes out of the history.
            navigate("/projects", NavigateOptions { replace: true, ..NavigateOptions::default() });
        });
    };
    view! {
        <p class="prose">"Make the first account. It may do everything on this instance."</p>
        <form class="form" novalidate on:submit=submit>
            <TextField label="Name" autocomplete="name" value=name error=submission.field("/name") focus=true required=true/>
            <TextField label="Email" kind="email" autocomplete="username" hint="What you sign in with. Nothing is sent to it." value=email error=submission.field("/email") required=true/>
            <TextField label="Password" kind="password" autocomplete="new-password" hint="At least 12 characters." value=password error=submission.field("/password") required=true/>
            <ErrorLine error=submission.error_beside(&FIELDS)/>
            <Button kind=ButtonKind::Primary submit=true busy=submission.busy>"Create account"</Button>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_in_either_part_of_the_address() {
        assert_eq!(token_in("#token=abc").as_deref(), Some("abc"));
        assert_eq!(token_in("?a=1&token=abc").as_deref(), Some("abc"));
        assert_eq!(token_in("?token="), None);
        assert_eq!(token_in(""), None);
    }
}
