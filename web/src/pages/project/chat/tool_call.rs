//! A call of a tool: one row, which opens to its arguments and its result.

use leptos::prelude::*;

use super::approval::ApprovalCard;
use super::turn::{CallState, Item, ToolCall, Turn};
use crate::parts::json_view::{json_view, pretty};
use crate::parts::{Button, ButtonKind, CopyButton, Icon, duration_text, icon, size_text};

/// How much of an argument or answer is shown at first, in bytes.
const LONGEST_SHOWN: usize = 4_000;

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
                Some(result) => long_json("Result", &result),
                None => view! { <p class="hint">"No answer yet."</p> }.into_any(),
            };
            view! {
                <div class="call-details">
                    {move || long_json("Arguments", &arguments.get())}
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

/// A text that may be JSON under its title, with a button that copies it. A long one is cut, and shown as a whole
/// when that is asked for.
pub(in crate::pages::project) fn long_json(title: &'static str, text: &str) -> AnyView {
    let shown = StoredValue::new(pretty(text));
    let size = shown.with_value(String::len);
    let is_long = size > LONGEST_SHOWN;
    let whole = RwSignal::new(false);
    let body = move || {
        shown.with_value(|text| {
            if whole.get() || !is_long { json_view(title, text) } else { json_view(title, beginning(text)) }
        })
    };
    let more = move || {
        (is_long && !whole.get()).then(|| {
            let size = size_text(i64::try_from(size).unwrap_or(i64::MAX));
            view! { <Button kind=ButtonKind::Ghost glyph=Icon::Down on_press=move |()| whole.set(true)>{format!("Show all ({size})")}</Button> }
        })
    };
    view! {
        <div class="json-head"><b>{title}</b> <CopyButton text=Signal::stored(text.to_owned()) what=title.to_lowercase()/></div>
        {body}
        {more}
    }
    .into_any()
}

/// The first lines of a long text, as many as are shown at first.
fn beginning(text: &str) -> &str {
    let end = (0..=LONGEST_SHOWN.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let cut = &text[..end];
    // Not in the middle of a line, where there is a choice.
    match cut.rfind('\n') {
        Some(line) if line > end / 2 => &cut[..line],
        _ => cut,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_the_end_of_a_line() {
        let line = "ü".repeat(50);
        let text = vec![line.clone(); 100].join("\n");
        let cut = beginning(&text);
        assert!(cut.len() <= LONGEST_SHOWN && cut.len() > LONGEST_SHOWN - 200, "{}", cut.len());
        assert!(cut.ends_with('ü') && cut.lines().all(|part| part == line));
        assert_eq!(beginning(&"ü".repeat(4_000)).len(), LONGEST_SHOWN);
    }
}
