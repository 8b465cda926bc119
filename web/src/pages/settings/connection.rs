//! A button that tries a connection, and what it found.

use std::future::Future;

use gantry_domain::api::registry::ConnectionTest;
use leptos::prelude::*;

use crate::api::ApiResult;
use crate::parts::{Button, Icon, Pill, Submission, Tone, duration_text};

/// Tries a connection, and says beside the button what came of it.
#[component]
pub(crate) fn ConnectionCheck<Check, Answer>(
    /// Whose connection it is.
    name: String,
    /// Tries it.
    check: Check,
) -> impl IntoView
where
    Check: Fn() -> Answer + Send + Sync + 'static,
    Answer: Future<Output = ApiResult<ConnectionTest>> + 'static,
{
    let submission = Submission::new();
    let found = RwSignal::new(None::<ConnectionTest>);
    let press = move |()| {
        found.set(None);
        submission.run(check(), move |test| found.set(Some(test)));
    };
    let shown = move || {
        if let Some(error) = submission.error.get() {
            return Some(
                view! { <Pill tone=Tone::Bad glyph=Icon::Cross text="Not tested"/><p>{error.to_string()}</p> }
                    .into_any(),
            );
        }
        let test = found.get()?;
        let (tone, glyph, word) =
            if test.ok { (Tone::Good, Icon::Check, "Works") } else { (Tone::Bad, Icon::Cross, "Does not work") };
        let duration = duration_text(test.duration_ms);
        Some(view! { <Pill tone glyph text=word/><p>{test.message} " " <span class="faint number">{duration}</span></p> }.into_any())
    };
    view! {
        <div class="connection">
            <Button busy=submission.busy on_press=press>"Test" <span class="visually-hidden">{name}</span></Button>
            <div class="connection-result" role="status">{shown}</div>
        </div>
    }
    .into_any()
}
