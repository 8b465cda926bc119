//! Where a message is written, and what answers it: the model and what its tools may do.

use gantry_domain::api::run::PermissionMode;
use leptos::prelude::*;
use leptos::{ev, html};
use uuid::Uuid;

use super::state::{Chat, sender};
use crate::api::calls;
use crate::load::load;
use crate::paged::read_all;
use crate::parts::{Icon, icon};

/// The modes with a word and what they mean.
const MODES: [(PermissionMode, &str, &str); 3] = [
    (PermissionMode::Safe, "Safe", "Tools that only read run; all others are refused."),
    (PermissionMode::Ask, "Ask", "Tools that only read run; all others wait for you."),
    (PermissionMode::Dev, "Dev", "Every tool runs without asking."),
];

/// The longest message, in bytes.
const MAX_BYTES: usize = 65_536;

/// Where a message is written.
#[component]
pub(super) fn Composer(
    /// The chat.
    chat: Chat,
) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let area = NodeRef::<html::Textarea>::new();
    let active = Memo::new(move |_| chat.active().is_some());
    let send_text = sender(chat);
    let too_long = Memo::new(move |_| text.with(|text| text.len() > MAX_BYTES));
    let give_back = Callback::new(move |lost: String| {
        if text.with_untracked(String::is_empty) {
            text.set(lost);
        }
    });
    let send = move || {
        let message = text.with_untracked(|text| text.trim().to_owned());
        if message.is_empty() || too_long.get_untracked() || active.get_untracked() || chat.sending.get_untracked() {
            return;
        }
        text.set(String::new());
        send_text(message, give_back);
    };
    let on_key = {
        let send = send.clone();
        move |event: ev::KeyboardEvent| match event.key().as_str() {
            "Enter" if !event.shift_key() && !event.is_composing() => {
                event.prevent_default();
                send();
            }
            "ArrowUp" if text.with_untracked(String::is_empty) => {
                let last = chat.turns.with_untracked(|turns| turns.last().map(|handle| handle.run.input.clone()));
                if let Some(last) = last {
                    event.prevent_default();
                    text.set(last);
                }
            }
            _ => {}
        }
    };
    let on_submit = {
        let send = send.clone();
        move |event: ev::SubmitEvent| {
            event.prevent_default();
            send();
        }
    };
    stop_on_escape(chat, active);
    // The chat is for writing: the field has the focus when nothing else needs it.
    Effect::new(move |_| {
        let is_wide = window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width > 720.0);
        if let Some(area) = area.get()
            && is_wide
        {
            let _ = area.focus();
        }
    });
    let button = move || {
        if active.get() {
            let word = move || if chat.stopping.get() { "Stopping" } else { "Stop" };
            view! {
                <button type="button" class="button" title="Stop (Esc)" prop:disabled=chat.stopping on:click=move |_| chat.stop()>
                    {icon(Icon::Stop)} {word}
                </button>
            }
            .into_any()
        } else {
            let nothing = move || text.with(|text| text.trim().is_empty()) || too_long.get() || chat.sending.get();
            view! {
                <button type="submit" class="button primary" title="Send (Enter)" prop:disabled=nothing>
                    {move || icon(if chat.sending.get() { Icon::Spinner } else { Icon::Send })} "Send"
                </button>
            }
            .into_any()
        }
    };
    let fault = move || too_long.get().then_some("A message has at most 65 536 bytes.");
    view! {
        <form class="composer" on:submit=on_submit>
            <textarea
                node_ref=area
                class="composer-text"
                aria-label="Message"
                placeholder="Message the agent"
                rows="1"
                autocomplete="off"
                prop:value=text
                on:input:target=move |event| text.set(event.target().value())
                on:keydown=on_key
            ></textarea>
            <p class="field-error" role="alert">{fault}</p>
            <div class="composer-bar">
                <ModelPicker chat/>
                <ModePicker chat/>
                <span class="grow"></span>
                {button}
            </div>
            <ModeLine chat/>
        </form>
    }
    .into_any()
}

/// Esc stops the turn under way, unless it closes something.
fn stop_on_escape(chat: Chat, active: Memo<bool>) {
    let listener = window_event_listener(ev::keydown, move |event| {
        let dialog_is_open = matches!(document().query_selector("dialog[open]"), Ok(Some(_)));
        if event.key() == "Escape" && !event.default_prevented() && !dialog_is_open && active.get_untracked() {
            event.prevent_default();
            chat.stop();
        }
    });
    on_cleanup(move || listener.remove());
}

#[component]
fn ModelPicker(chat: Chat) -> impl IntoView {
    let providers = load(|| read_all(calls::providers));
    let options = move || {
        let chosen = chat.provider.get();
        let model =
            chat.session.with(|session| session.as_ref().map(|session| session.model.clone()).unwrap_or_default());
        let known = providers.value.get().unwrap_or_default();
        let is_unknown = chosen.is_some_and(|id| known.iter().all(|provider| provider.id != id));
        let known = known
            .into_iter()
            .map(|provider| {
                let is_chosen = chosen == Some(provider.id);
                let model = if is_chosen && !model.is_empty() { model.clone() } else { provider.default_model };
                view! { <option value=provider.id.to_string() selected=is_chosen>{format!("{}: {model}", provider.name)}</option> }
            })
            .collect_view();
        let unknown = is_unknown.then(|| {
            let id = chosen.map(|id| id.to_string()).unwrap_or_default();
            view! { <option value=id selected=true>"A provider that was removed"</option> }
        });
        view! {
            <option value="" selected=chosen.is_none()>"Rehearsal model, not an LLM"</option>
            {known}
            {unknown}
        }
    };
    let choose = move |value: String| {
        let provider = value.parse::<Uuid>().ok();
        chat.change(None, Some(provider));
    };
    view! {
        <select class="control model-picker" aria-label="Model" on:change:target=move |event| choose(event.target().value())>
            {options}
        </select>
    }
    .into_any()
}

#[component]
fn ModePicker(chat: Chat) -> impl IntoView {
    let buttons = MODES.map(|(mode, word, meaning)| {
        view! {
            <button
                type="button"
                title=meaning
                aria-pressed=move || (chat.mode.get() == mode).to_string()
                on:click=move |_| chat.change(Some(mode), None)
            >
                {word}
            </button>
        }
    });
    view! { <div class="switcher" role="group" aria-label="What tools may do">{buttons.into_iter().collect_view()}</div> }.into_any()
}

#[component]
fn ModeLine(chat: Chat) -> impl IntoView {
    let meaning = move || {
        let mode = chat.mode.get();
        MODES.iter().find(|(known, ..)| *known == mode).map(|(.., meaning)| *meaning)
    };
    view! { <p class="hint composer-hint"><span>{meaning}</span> <span class="wide-only">"Enter sends, Shift-Enter breaks the line"</span></p> }
        .into_any()
}
