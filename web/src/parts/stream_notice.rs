//! Says that live updates are lost, in the page and not as a passing message.

use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::stream::StreamState;

/// Nothing while the stream is well; else what is wrong with it.
#[component]
pub(crate) fn StreamNotice(
    /// How the stream is doing.
    #[prop(into)]
    state: Signal<StreamState>,
) -> impl IntoView {
    let text = move || match state.get() {
        StreamState::Connecting | StreamState::Live | StreamState::Ended => None,
        StreamState::Reconnecting { seconds } => Some(format!("Live updates lost, reconnecting in {seconds} s.")),
        StreamState::Refused(error) => Some(format!("Live updates ended. {error}")),
    };
    let shown = move || text().map(|text| view! { <div class="notice warn">{icon(Icon::Warning)}<p>{text}</p></div> });
    view! { <div role="status">{shown}</div> }.into_any()
}
