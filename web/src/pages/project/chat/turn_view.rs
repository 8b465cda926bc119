//! One turn on the screen: what the person said, what the agent said and did, and what it took.

use gantry_domain::api::job::JobState;
use leptos::prelude::*;

use super::state::{Chat, TurnHandle, read_events, sender};
use super::tool_call::ToolCallRow;
use super::turn::{Item, ItemKey, Message, Turn};
use crate::pages::project::CurrentProject;
use crate::parts::markdown_view::markdown;
use crate::parts::money::money_text;
use crate::parts::{Button, ButtonKind, CopyButton, Icon, duration_text, icon};
use crate::poll::every_second;

/// One turn.
#[component]
pub(super) fn TurnView(
    /// The chat.
    chat: Chat,
    /// The turn.
    handle: TurnHandle,
) -> impl IntoView {
    let TurnHandle { run, turn, is_complete } = handle.clone();
    let items = turn_items(turn.clone());
    let status = {
        let turn = turn.clone();
        Memo::new(move |_| turn.with(|turn| (turn.state, turn.reason.clone(), turn.items.is_empty())))
    };
    let input = run.input.clone();
    let again = sender(chat);
    let ended = {
        let input = input.clone();
        move || {
            let (state, reason, _) = status.get();
            let (input, again) = (input.clone(), again.clone());
            match state {
                JobState::Failed => {
                    let (code, message) = reason.map(|reason| (reason.code, reason.message)).unwrap_or_default();
                    let send_again = move |()| again(input.clone(), Callback::new(|_| {}));
                    Some(
                        view! {
                            <div class="notice bad" role="alert">
                                {icon(Icon::Warning)}
                                <div><p>{message}</p><p class="hint"><code>{code}</code></p></div>
                                <Button glyph=Icon::Retry busy=chat.sending on_press=send_again>"Send again"</Button>
                            </div>
                        }
                        .into_any(),
                    )
                }
                JobState::Cancelled => {
                    Some(view! { <p class="turn-notice">{icon(Icon::Stop)} <span>"Stopped."</span></p> }.into_any())
                }
                JobState::Queued if reason.is_some() => {
                    let message = reason.map(|reason| reason.message).unwrap_or_default();
                    Some(view! { <p class="turn-notice">{icon(Icon::Clock)} <span>"Trying again. " {message}</span></p> }.into_any())
                }
                _ => None,
            }
        }
    };
    // Between sending and the first word something has to move.
    let thinking = move || {
        let (state, reason, is_empty) = status.get();
        let word = match state {
            JobState::Queued if reason.is_none() => "Waiting for a worker",
            JobState::Running if is_empty => "Thinking",
            _ => return None,
        };
        Some(view! { <p class="turn-notice" role="status">{icon(Icon::Spinner)} <span>{word}</span></p> }.into_any())
    };
    let more = {
        let handle = handle.clone();
        move || {
            (!is_complete.get()).then(|| {
                let handle = handle.clone();
                let read = move |()| {
                    let handle = handle.clone();
                    leptos::task::spawn_local(async move { read_events(&handle).await });
                };
                view! { <Button kind=ButtonKind::Ghost glyph=Icon::Tool on_press=read>"Show tool calls"</Button> }
            })
        }
    };
    view! {
        <article class="turn">
            {said_by(Role::Person, view! { <div class="said">{input}</div> }.into_any())}
            {said_by(Role::Agent, view! {
                <div class="answer">
                    {items}
                    {thinking}
                    {ended}
                </div>
                <footer class="turn-foot"><TurnFoot chat handle/> {more}</footer>
            }.into_any())}
        </article>
    }
    .into_any()
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pages::project) enum Role {
    /// Whoever sits before the screen.
    Person,
    /// The project's agent.
    Agent,
}

/// Something that was said, with who said it.
pub(in crate::pages::project) fn said_by(role: Role, content: AnyView) -> AnyView {
    let project = CurrentProject::expect();
    let name = move || match role {
        Role::Person => "You".to_owned(),
        Role::Agent => project.name.get(),
    };
    let (class, glyph) = match role {
        Role::Person => ("avatar", Icon::Person),
        Role::Agent => ("avatar agent", Icon::Agent),
    };
    view! {
        <div class="role-row">
            <span class=class aria-hidden="true">{icon(glyph)}</span>
            <div class="role-body">
                <p class="role">{name}</p>
                {content}
            </div>
        </div>
    }
    .into_any()
}

/// What was said and done in a turn, in order; what is new is added as it comes.
pub(in crate::pages::project) fn turn_items(turn: ArcRwSignal<Turn>) -> AnyView {
    let keys = Memo::new({
        let turn = turn.clone();
        move |_| turn.with(|turn| turn.items.iter().map(Item::key).collect::<Vec<_>>())
    });
    let items = move |key: ItemKey| match key {
        ItemKey::Message(id) => view! { <MessageView turn=turn.clone() id/> }.into_any(),
        ItemKey::Call(id) => view! { <ToolCallRow turn=turn.clone() id/> }.into_any(),
        ItemKey::Notice(text) => view! { <p class="turn-notice">{icon(Icon::Info)} <span>{text}</span></p> }.into_any(),
    };
    view! { <For each=move || keys.get() key=Clone::clone children=items/> }.into_any()
}

/// What a turn took: model, time, tokens, cost.
#[component]
fn TurnFoot(chat: Chat, handle: TurnHandle) -> impl IntoView {
    let TurnHandle { run, turn, .. } = handle;
    let now = every_second();
    let numbers = {
        let (run, turn) = (run.clone(), turn.clone());
        move || {
            turn.with(|turn| {
                let now = if turn.is_active() { now.get() } else { now.get_untracked() };
                let mut parts = vec![model_name(&run.model, run.provider_id.is_none())];
                parts.extend(turn.elapsed_ms(now).map(duration_text));
                parts.push(tokens_text(turn, run.provider_id.is_none()));
                parts.extend(turn.usage.cost_micros.map(money_text));
                parts.join(" · ")
            })
        }
    };
    let id = run.id;
    let text = {
        let turn = turn.clone();
        Signal::derive(move || turn.with(Turn::text))
    };
    let has_text = Memo::new(move |_| text.with(|text| !text.is_empty()));
    view! {
        <button type="button" class="turn-numbers" title="Show in the inspector" on:click=move |_| chat.inspected.set(Some(id))>{numbers}</button>
        {move || has_text.get().then(|| view! { <CopyButton text what="answer"/> })}
    }
    .into_any()
}

/// The model's name for people.
pub(in crate::pages::project) fn model_name(model: &str, is_rehearsal: bool) -> String {
    if is_rehearsal { "Rehearsal model".to_owned() } else { model.to_owned() }
}

/// Tokens for people; what is not an LLM has none.
pub(in crate::pages::project) fn tokens_text(turn: &Turn, is_rehearsal: bool) -> String {
    let usage = turn.usage;
    if is_rehearsal {
        "no tokens: not an LLM".to_owned()
    } else if usage.input_tokens + usage.output_tokens == 0 {
        "tokens not known".to_owned()
    } else {
        format!("{} in, {} out", usage.input_tokens, usage.output_tokens)
    }
}

/// What the agent said. Blocks that are complete are drawn once; only the last is drawn again.
#[component]
fn MessageView(turn: ArcRwSignal<Turn>, id: String) -> impl IntoView {
    let look = {
        move |turn: &Turn| {
            turn.items.iter().find_map(|item| match item {
                Item::Message(message) if message.id == id => Some(message.clone()),
                _ => None,
            })
        }
    };
    let message: Memo<Option<Message>> = Memo::new({
        let turn = turn.clone();
        move |_| turn.with(|turn| look(turn))
    });
    let closed_count =
        Memo::new(move |_| message.with(|message| message.as_ref().map_or(0, |message| message.text.closed().len())));
    let closed = move |index: usize| {
        message.with_untracked(|message| {
            message.as_ref().and_then(|message| message.text.closed().get(index)).map(|block| markdown(block))
        })
    };
    let open = Memo::new(move |_| {
        message.with(|message| message.as_ref().map(|message| message.text.open().to_owned()).unwrap_or_default())
    });
    let writing = Memo::new(move |_| message.with(|message| message.as_ref().is_some_and(|message| !message.complete)));
    let blank =
        Memo::new(move |_| message.with(|message| message.as_ref().is_none_or(|message| message.text.is_blank())));
    let speaker = move || {
        let name = message.with(|message| message.as_ref().and_then(|message| message.speaker.clone()));
        name.filter(|_| !blank.get()).map(|name| view! { <p class="speaker"><code>{name}</code></p> })
    };
    view! {
        {speaker}
        <div class="message markdown" class:writing=move || writing.get() class:gone=move || blank.get()>
            <For each=move || 0..closed_count.get() key=|index| *index children=closed/>
            {move || markdown(&open.get())}
        </div>
    }
    .into_any()
}
