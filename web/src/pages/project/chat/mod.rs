//! Talking with a project's agent: the chats, the conversation, and what went on behind it.
//!
//! What a turn is comes from its events ([`turn`]); how turns are kept up to date is in [`state`].

mod approval;
mod composer;
mod conversation;
mod inspector;
mod state;
mod threads;
mod timeline;
mod tool_call;
mod turn;
mod turn_view;

use gantry_domain::api::session::Session;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

use self::composer::Composer;
use self::conversation::Conversation;
use self::inspector::Inspector;
use self::state::Chat;
use self::threads::{RenameDialog, Threads};
pub(in crate::pages::project) use self::turn::Turn;
pub(in crate::pages::project) use self::turn_view::turn_items;
use super::CurrentProject;
use crate::api::work;
use crate::load::load;
use crate::parts::{
    Button, ButtonKind, Drawer, EmptyState, ErrorLine, ErrorState, Icon, LinkButton, StreamNotice, skeleton_block,
};

/// Talking with a project's agent.
#[component]
pub(crate) fn ChatPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let params = use_params_map();
    let address = Memo::new(move |_| params.with(|params| params.get("session")));
    let chat = Chat::new();
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
    let renamed = RwSignal::new(None::<Session>);
    let rename = move || {
        is_open.get().then(|| {
            let ask = move |()| renamed.set(chat.session.get_untracked());
            view! { <Button kind=ButtonKind::Ghost glyph=Icon::Edit label="Rename chat (E)" shortcut="edit" on_press=ask/> }
        })
    };
    view! {
        <div class="chat">
            <aside class="chat-threads" aria-label="Chats"><Threads chat/></aside>
            <section class="chat-main" aria-label="Conversation">
                <header class="chat-head">
                    <span class="chat-narrow"><Button kind=ButtonKind::Ghost glyph=Icon::Chat on_press=move |()| threads_open.set(true)>"Chats"</Button></span>
                    <h2>{title}</h2>
                    {rename}
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
        <Drawer open=threads_open title="Chats" at_start=true><Threads chat/></Drawer>
        <Drawer open=inspector_open title="Inspector"><Inspector chat/></Drawer>
    }
    .into_any()
}
