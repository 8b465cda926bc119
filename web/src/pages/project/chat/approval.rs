//! A held tool call: what it would do, with which arguments, and how long there is to decide.

use gantry_domain::api::approval::{Approval, DecideApproval};
use gantry_domain::spec::Effect;
use leptos::prelude::*;
use serde_json::Value;

use crate::api::{ApiError, work};
use crate::parts::json_view::pretty;
use crate::parts::{Button, ButtonKind, ErrorLine, Icon, TextArea, icon};
use crate::poll::every_second;

/// What an effect means, as the end of a sentence.
fn effect_text(effect: Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Read => ("Reads", "only looks something up"),
        Effect::Write => ("Writes", "changes something"),
        Effect::Exec => ("Executes", "runs a program"),
        Effect::Network => ("Network", "reaches a host outside"),
    }
}

/// What is left, in words.
fn left_text(seconds: i64) -> String {
    match seconds {
        ..=0 => "The time is over: it counts as denied.".to_owned(),
        1..=59 => format!("Denied by itself in {seconds} s"),
        _ => format!("Denied by itself in {} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// A held tool call.
#[component]
pub(super) fn ApprovalCard(
    /// What is to be decided.
    approval: Approval,
) -> impl IntoView {
    let original = approval.arguments.clone();
    let text = RwSignal::new(pretty(&original.to_string()));
    let parsed =
        Memo::new(move |_| text.with(|text| serde_json::from_str::<Value>(text).map_err(|error| error.to_string())));
    let fault = Signal::derive(move || {
        parsed.with(|parsed| match parsed {
            Ok(Value::Object(_)) => None,
            Ok(_) => Some("Arguments are a JSON object: { … }.".to_owned()),
            Err(error) => Some(format!("This is not JSON: {error}.")),
        })
    });
    let (busy, error) = (RwSignal::new(None::<bool>), RwSignal::new(None::<ApiError>));
    let id = approval.id;
    let decide = Callback::new(move |approve: bool| {
        let arguments = parsed.get_untracked().ok().filter(|arguments| approve && *arguments != original);
        busy.set(Some(approve));
        error.set(None);
        leptos::task::spawn_local(async move {
            // The decision comes back as an event, which takes the card away.
            if let Err(problem) = work::decide(id, &DecideApproval { approve, arguments }).await {
                error.try_set(Some(problem));
                busy.try_set(None);
            }
        });
    });
    let now = every_second();
    let expires_at = approval.expires_at;
    let seconds = Memo::new(move |_| expires_at.millis_since(now.get()) / 1_000);
    let approving = Signal::derive(move || busy.get() == Some(true));
    let denying = Signal::derive(move || busy.get() == Some(false));
    let refused = Signal::derive(move || fault.with(Option::is_some) || seconds.get() <= 0 || busy.get().is_some());
    let (word, meaning) = effect_text(approval.effect);
    view! {
        <div class="approval" role="group" aria-label="Approval needed">
            <p>
                {icon(Icon::Warning)}
                <span><b>"Approval needed. "</b><code>{approval.tool.clone()}</code>{format!(" {meaning}.")}</span>
                <span class="effect">{word}</span>
            </p>
            <TextArea label="Arguments" value=text code=true rows=4 error=fault hint="You may change them; the tool gets what stands here."/>
            <ErrorLine error/>
            <div class="row">
                <Button kind=ButtonKind::Primary glyph=Icon::Check busy=approving disabled=refused on_press=move |()| decide.run(true)>"Approve"</Button>
                <Button glyph=Icon::Cross busy=denying disabled=Signal::derive(move || busy.get().is_some()) on_press=move |()| decide.run(false)>"Deny"</Button>
                <span class="muted number">{move || left_text(seconds.get())}</span>
            </div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::left_text;

    #[test]
    fn what_is_left_is_said_in_minutes_and_seconds() {
        assert_eq!(left_text(605), "Denied by itself in 10 min 05 s");
        assert_eq!(left_text(9), "Denied by itself in 9 s");
        assert!(left_text(-3).starts_with("The time is over"));
    }
}
