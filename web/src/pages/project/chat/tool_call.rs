//! A call of a tool: one row, which opens to its arguments and its result.

use leptos::prelude::*;

use super::approval::ApprovalCard;
use super::turn::{CallState, Item, ToolCall, Turn};
use crate::parts::json_view::json_view;
use crate::parts::{Icon, duration_text, icon};

/// A call of a tool.
#[component]
pub(super) fn ToolCallRow(
    /// The turn that it is in.
    turn: ArcRwSignal<Turn>,
    /// Which call.
    id: String,
) -> impl IntoView {
    let call: Memo<Option<ToolCall>> = Memo::new(move |_| {
        turn.with(|turn| {
            turn.items.iter().find_map(|item| match item {
                Item::ToolCall(call) if call.id == id => Some(call.clone()),
                _ => None,
            })
        })
    });
    let state = Memo::new(move |_| call.with(|call| call.as_ref().map_or(CallState::Stopped, |call| call.state)));
    let name = Memo::new(move |_| call.with(|call| call.as_ref().map(|call| call.name.clone()).unwrap_or_default()));
    let time = move || call.with(|call| call.as_ref().and_then(|call| call.duration_ms).map(duration_text));
    let is_open = RwSignal::new(false);
    let arguments =
        Memo::new(move |_| call.with(|call| call.as_ref().map(|call| call.arguments.clone()).unwrap_or_default()));
    let result = Memo::new(move |_| call.with(|call| call.as_ref().and_then(|call| call.result.clone())));
    let details = move || {
        is_open.get().then(|| {
            let result = move || match result.get() {
                Some(result) if result.is_empty() => view! { <p class="hint">"An empty answer."</p> }.into_any(),
                Some(result) => json_view("Result", &result),
                None => view! { <p class="hint">"No answer yet."</p> }.into_any(),
            };
            view! {
                <div class="call-details">
                    <h3>"Arguments"</h3>
                    {move || json_view("Arguments", &arguments.get())}
                    <h3>"Result"</h3>
                    {result}
                </div>
            }
        })
    };
    let approval = Memo::new(move |_| {
        call.with(|call| {
            call.as_ref().filter(|call| call.state == CallState::Waiting).and_then(|call| call.approval.clone())
        })
    });
    let decided = move || {
        let line = call.with(|call| {
            let approval = call.as_ref()?.approval.as_ref()?;
            approval.decided_at?;
            let who = approval.decided_by.clone().unwrap_or_else(|| "nobody in time".to_owned());
            Some(if call.as_ref()?.state == CallState::Denied {
                format!("denied by {who}")
            } else {
                format!("approved by {who}")
            })
        });
        line.map(|line| view! { <span class="muted">{line}</span> })
    };
    let class = move || match state.get() {
        CallState::Waiting => "call waiting",
        CallState::Failed | CallState::Denied => "call bad",
        _ => "call",
    };
    view! {
        <div class=class>
            <button type="button" class="call-row" aria-expanded=move || is_open.get().to_string() on:click=move |_| is_open.update(|open| *open = !*open)>
                {icon(Icon::Tool)}
                <code class="call-name">{name}</code>
                {move || state_mark(state.get())}
                {decided}
                <span class="grow"></span>
                <span class="call-time">{time}</span>
                <span class="call-chevron">{icon(Icon::Down)}</span>
            </button>
            {details}
            {move || approval.get().map(|approval| view! { <ApprovalCard approval/> })}
        </div>
    }
    .into_any()
}

/// A call's state in an icon and a word.
pub(super) fn state_mark(state: CallState) -> AnyView {
    let (class, glyph) = match state {
        CallState::Asking | CallState::Running => ("call-state busy", Icon::Spinner),
        CallState::Waiting => ("call-state busy", Icon::Pause),
        CallState::Done => ("call-state good", Icon::Check),
        CallState::Failed | CallState::Denied => ("call-state bad", Icon::Cross),
        CallState::Stopped => ("call-state", Icon::Stop),
    };
    view! { <span class=class>{icon(glyph)} {state.label()}</span> }.into_any()
}
