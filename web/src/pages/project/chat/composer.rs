//! Where a message is written, and what answers it: the model and what its tools may do.

use leptos::prelude::*;
use leptos::{ev, html};
use uuid::Uuid;

use super::attach::with_file;
use super::mode::{MODES, meaning};
use super::runtime::{RuntimeMeaning, RuntimePicker};
use super::state::{Chat, sender};
use super::tools_panel::{ToolsPanel, tool_count};
use crate::api::{calls, read_text};
use crate::load::load;
use crate::paged::read_all;
use crate::pages::project::CurrentProject;
use crate::parts::log_bar::grouped;
use crate::parts::{Icon, icon, size_text};

/// The longest message, in bytes; the server refuses longer ones.
pub(super) const MAX_BYTES: usize = 65_536;

/// From how many bytes on it is said how many there are.
const SAID_FROM: usize = 32_768;

/// Where a message is written.
#[component]
pub(super) fn Composer(
    /// The chat.
    chat: Chat,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let text = chat.draft.text;
    let area = NodeRef::<html::Textarea>::new();
    let active = Memo::new(move |_| chat.active().is_some());
    let send_text = sender(chat);
    let too_long = Memo::new(move |_| text.with(|text| text.len() > MAX_BYTES));
    let attach_fault = RwSignal::new(None::<String>);
    let tools_open = RwSignal::new(false);
    let give_back = Callback::new(move |lost: String| {
        if text.try_with_untracked(String::is_empty) == Some(true) {
            chat.draft.set(lost);
        }
    });
    let send = move || {
        let message = text.with_untracked(|text| text.trim().to_owned());
        if message.is_empty() || too_long.get_untracked() || active.get_untracked() || chat.sending.get_untracked() {
            return;
        }
        chat.draft.set(String::new());
        attach_fault.set(None);
        chat.transcript.set(None);
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
                    chat.draft.set(last);
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
    stop_on_escape(chat, active, tools_open);
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
    let fault = move || {
        let length = text.with(String::len);
        too_long
            .get()
            .then(|| format!("A message has at most 65 536 bytes; this one has {}.", grouped(length)))
            .or_else(|| attach_fault.get())
    };
    let tools_word = move || {
        let count =
            project.loader.value.with(|project| project.as_ref().map_or(0, |project| tool_count(&project.spec)));
        let mode = chat.mode.get();
        let word = MODES.iter().find(|(known, ..)| *known == mode).map_or("", |(_, word, _)| *word);
        if count == 0 { format!("No tools · {word}") } else { format!("Tools {count} · {word}") }
    };
    let length = move || {
        let length = text.with(String::len);
        (length > SAID_FROM).then(|| view! { <span class="number">{grouped(length)} " of 65 536 bytes"</span> })
    };
    view! {
        <form class="composer" on:submit=on_submit>
            {move || tools_open.get().then(|| view! { <ToolsPanel chat/> })}
            <textarea
                node_ref=area
                class="composer-text"
                aria-label="Message"
                placeholder="Message the agent"
                rows="1"
                autocomplete="off"
                prop:value=text
                on:input:target=move |event| chat.draft.set(event.target().value())
                on:keydown=on_key
            ></textarea>
            <p class="field-error" role="alert">{fault}</p>
            <div class="composer-bar">
                <AttachButton chat fault=attach_fault/>
                <button
                    type="button"
                    class="button"
                    title="What the agent may call"
                    aria-expanded=move || tools_open.get().to_string()
                    on:click=move |_| tools_open.update(|open| *open = !*open)
                >
                    {icon(Icon::Tool)} {tools_word}
                </button>
                <ModelPicker chat/>
                <RuntimePicker chat/>
                <span class="grow"></span>
                {button}
            </div>
            <RuntimeMeaning chat/>
            <p class="hint composer-hint"><span>{move || meaning(chat.mode.get())}</span> {length} <span class="wide-only">"Enter sends, Shift-Enter breaks the line"</span></p>
        </form>
    }
    .into_any()
}

/// Puts the text of chosen files into the message.
#[component]
fn AttachButton(chat: Chat, fault: RwSignal<Option<String>>) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let take = move |_| {
        let Some(input) = input.get_untracked() else { return };
        let files: Vec<web_sys::File> =
            input.files().map(|files| (0..files.length()).filter_map(|at| files.get(at)).collect()).unwrap_or_default();
        // The same file may be chosen again.
        input.set_value("");
        fault.set(None);
        leptos::task::spawn_local(async move {
            for file in files {
                let name = file.name();
                let put = if file.size() > MAX_BYTES as f64 {
                    let size = size_text(file.size() as i64);
                    Err(format!(
                        "{name} has {size}, and a message may have 65 536 bytes. Put it where a tool can read it."
                    ))
                } else {
                    match read_text(&file).await {
                        Some(content) => {
                            let Some(before) = chat.draft.text.try_get_untracked() else { return };
                            with_file(&before, &name, &content)
                        }
                        None => Err(format!("{name} could not be read.")),
                    }
                };
                match put {
                    Ok(text) => chat.draft.set(text),
                    Err(problem) => {
                        fault.try_set(Some(problem));
                        return;
                    }
                }
            }
        });
    };
    let choose = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    view! {
        <input node_ref=input type="file" multiple hidden aria-label="Files to attach" on:change=take/>
        <button type="button" class="button icon-only" aria-label="Attach text files" title="Attach text files" on:click=choose>{icon(Icon::Attach)}</button>
    }
    .into_any()
}

/// Esc closes the tools, else stops the turn under way, unless it closes something.
fn stop_on_escape(chat: Chat, active: Memo<bool>, tools_open: RwSignal<bool>) {
    let listener = window_event_listener(ev::keydown, move |event| {
        let dialog_is_open = matches!(document().query_selector("dialog[open]"), Ok(Some(_)));
        if event.key() != "Escape" || event.default_prevented() || dialog_is_open {
            return;
        }
        if tools_open.get_untracked() {
            event.prevent_default();
            tools_open.set(false);
        } else if active.get_untracked() {
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
            <optgroup label="Built in"><option value="" selected=chosen.is_none()>"Rehearsal model, not an LLM"</option></optgroup>
            <optgroup label="Providers">{known} {unknown}</optgroup>
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
