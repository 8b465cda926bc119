//! A button that tries a connection, and what it found.

use std::future::Future;

use gantry_domain::api::provider::ProviderTest;
use gantry_domain::api::registry::ConnectionTest;
use leptos::prelude::*;

use crate::api::ApiResult;
use crate::parts::{Button, Icon, Pill, Submission, Tone, duration_text};

/// What a test found.
pub(crate) trait Tested: Clone + Send + Sync + 'static {
    /// Whether it works.
    fn ok(&self) -> bool;
    /// What was found, with what to do.
    fn message(&self) -> String;
    /// How long it took, in milliseconds.
    fn duration_ms(&self) -> i64;
}

impl Tested for ConnectionTest {
    fn ok(&self) -> bool {
        self.ok
    }

    fn message(&self) -> String {
        self.message.clone()
    }

    fn duration_ms(&self) -> i64 {
        self.duration_ms
    }
}

impl Tested for ProviderTest {
    fn ok(&self) -> bool {
        self.ok
    }

    fn message(&self) -> String {
        self.message.clone()
    }

    fn duration_ms(&self) -> i64 {
        self.duration_ms
    }
}

/// Tries a connection, and says beside the button what came of it.
#[component]
pub(crate) fn ConnectionCheck<Check, Answer, Test>(
    /// Whose connection it is.
    name: String,
    /// Tries it.
    check: Check,
    /// What else is shown of what was found.
    #[prop(optional, into)]
    more: Option<Callback<Test, AnyView>>,
) -> impl IntoView
where
    Check: Fn() -> Answer + Send + Sync + 'static,
    Answer: Future<Output = ApiResult<Test>> + 'static,
    Test: Tested,
{
    let submission = Submission::new();
    let found = RwSignal::new(None::<Test>);
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
            if test.ok() { (Tone::Good, Icon::Check, "Works") } else { (Tone::Bad, Icon::Cross, "Does not work") };
        let duration = duration_text(test.duration_ms());
        let message = test.message();
        let more = more.map(|more| more.run(test));
        Some(view! { <Pill tone glyph text=word/><p>{message} " " <span class="faint number">{duration}</span></p> {more} }.into_any())
    };
    view! {
        <div class="connection">
            <Button busy=submission.busy on_press=press>"Test" <span class="visually-hidden">{name}</span></Button>
            <div class="connection-result" role="status">{shown}</div>
        </div>
    }
    .into_any()
}
