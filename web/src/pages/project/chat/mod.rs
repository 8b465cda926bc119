//! Talking with a project's agent: the chats, the conversation, and what went on behind it.
//!
//! What a turn is comes from its events ([`turn`]); how turns are kept up to date is in [`state`].

mod actions;
mod approval;
mod attach;
mod composer;
mod conversation;
mod draft;
mod export;
mod inspector;
mod mode;
mod picker;
mod rail;
mod runtime;
mod state;
mod test;
mod threads;
mod timeline;
mod tool_call;
mod tools_panel;
mod transcript;
mod turn;
mod turn_view;

use gantry_domain::api::session::Session;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

pub(in crate::pages::project) use self::actions::run_actions;
use self::composer::Composer;
use self::conversation::Conversation;
use self::draft::Draft;
use self::inspector::Inspector;
use self::picker::Picker;
use self::rail::Rail;
use self::state::Chat;
pub(crate) use self::test::TestPage;
use self::threads::RenameDialog;
pub(in crate::pages::project) use self::timeline::describe;
pub(in crate::pages::project) use self::tool_call::long_json;
use self::transcript::Transcript;
pub(in crate::pages::project) use self::turn::{CallState, Turn};
pub(in crate::pages::project) use self::turn_view::{Role, model_name, said_by, tokens_text, turn_items};
use super::CurrentProject;
use crate::api::work;
use crate::keyboard::modifier_name;
use crate::load::load;
use crate::parts::{
    Button, ButtonKind, Drawer, EmptyState, ErrorLine, ErrorState, Icon, LinkButton, StreamNotice, icon, skeleton_block,
};

/// Talking with a project's agent.
#[component]
pub(crate) fn ChatPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let params = use_params_map();
    let address = Memo::new(move |_| params.with(|params| params.get("session")));
    let chat = Chat::new(Draft::of(move || (project.name.get(), address.get())));
    let thread = load(move || {
        let id = address.get().map(|id| id.parse::<Uuid>().unwrap_or_default());
        async move {
            match id {
                None => Ok(None),
                Some(id) => work::session(id).await.map(Some),
            }
        }
    });
    // Another address is another chat: the old one must not be seen under it.
    Effect::new(move |before: Option<Option<String>>| {
        let address = address.get();
        if before.is_some_and(|before| before != address) {
            thread.value.set(None);
            thread.error.set(None);
            chat.close();
        }
        address
    });
    Effect::new(move |_| {
        if let Some(Some(thread)) = thread.value.get() {
            chat.open(thread);
        }
    });
    let is_new = Memo::new(move |_| address.get().is_none());
    let is_open = Memo::new(move |_| chat.session.with(Option::is_some));
    let retry = Callback::new(move |()| thread.reload());
    let missing = move || {
        let href = format!("/projects/{}/chat", project.name.get());
        view! {
            <EmptyState title="No such chat" text="It may have been deleted.">
                <LinkButton href>"New chat"</LinkButton>
            </EmptyState>
        }
        .into_any()
    };
    let middle = move || {
        if let Some(transcript) = chat.transcript.get() {
            return from_file(chat, transcript);
        }
        if is_new.get() || is_open.get() {
            return view! { <Conversation chat/> }.into_any();
        }
        match thread.error.get() {
            Some(error) if error.status() == 404 => missing(),
            Some(error) => view! { <ErrorState what="The chat" error retry/> }.into_any(),
            None => skeleton_block(),
        }
    };
    let (threads_open, inspector_open) = (RwSignal::new(false), RwSignal::new(false));
    // A chat that was chosen in the drawer is shown without it.
    Effect::new(move |_| {
        address.track();
        threads_open.set(false);
    });
    let title = move || match chat.session.with(|session| session.as_ref().map(|session| session.title.clone())) {
        Some(title) if !title.is_empty() => title,
        _ if is_new.get() => "New chat".to_owned(),
        _ => "Chat".to_owned(),
    };
    let picking = RwSignal::new(false);
    let open_project = Signal::derive(move || Some(project.name.get()));
    let renamed = RwSignal::new(None::<Session>);
    let rename = move || {
        is_open.get().then(|| {
            let ask = move |()| renamed.set(chat.session.get_untracked());
            view! { <Button kind=ButtonKind::Ghost glyph=Icon::Edit label="Rename chat (E)" shortcut="edit" on_press=ask/> }
        })
    };
    view! {
        <div class="chat">
            <aside class="chat-threads" aria-label="Agents and chats"><Rail chat/></aside>
            <section class="chat-main" aria-label="Conversation">
                <header class="chat-head">
                    <span class="chat-narrow"><Button kind=ButtonKind::Ghost glyph=Icon::Chat on_press=move |()| threads_open.set(true)>"Agents"</Button></span>
                    <h2>{title}</h2>
                    {rename}
                    <span title=format!("Go to an agent, chat or run ({} P)", modifier_name())>
                        <Button kind=ButtonKind::Ghost glyph=Icon::Search shortcut="picker" on_press=move |()| picking.update(|open| *open = !*open)>
                            <span class="wide-only">"Go to"</span> <span class="visually-hidden">" an agent, chat or run"</span>
                        </Button>
                    </span>
                    <span class="chat-narrow"><Button kind=ButtonKind::Ghost glyph=Icon::Activity on_press=move |()| inspector_open.set(true)>"Inspect"</Button></span>
                </header>
                <StreamNotice state=chat.stream/>
                {middle}
                <ErrorLine error=chat.error/>
                <Composer chat/>
            </section>
            <aside class="chat-inspector" aria-label="Inspector" tabindex="0"><Inspector chat/></aside>
        </div>
        <RenameDialog chat renamed/>
        <Picker open=picking project=open_project/>
        <Drawer open=threads_open title="Agents and chats" at_start=true><Rail chat/></Drawer>
        <Drawer open=inspector_open title="Inspector"><Inspector chat/></Drawer>
    }
    .into_any()
}

/// A run that was read from a file, in the place of the conversation.
fn from_file(chat: Chat, transcript: Transcript) -> AnyView {
    let Transcript { file, input, turn, count } = transcript;
    let turn = ArcRwSignal::new(turn);
    let say_again = input.clone().map(|input| {
        let say = move |()| {
            chat.draft.set(input.clone());
            chat.transcript.set(None);
        };
        view! { <Button glyph=Icon::Edit on_press=say>"Put its input into the message"</Button> }
    });
    let what = if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
    let input = input.map(|input| said_by(Role::Person, view! { <div class="said">{input}</div> }.into_any()));
    view! {
        <div class="conversation" tabindex="0" role="region" aria-label="Run from a file">
            <div class="conversation-inside">
                <div class="notice info" role="status">
                    {icon(Icon::Info)}
                    <p>"This is what stands in " <b>{file}</b> ", " {what} ". It need not be a run of this server, and nothing of it is kept here."</p>
                    {say_again}
                    <Button glyph=Icon::Cross on_press=move |()| chat.transcript.set(None)>"Close"</Button>
                </div>
                <article class="turn">
                    {input}
                    {said_by(Role::Agent, view! { <div class="answer">{turn_items(turn)}</div> }.into_any())}
                </article>
            </div>
        </div>
    }
    .into_any()
}
