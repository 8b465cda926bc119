//! The chats with a project's agent: the list beside the conversation.

use gantry_domain::api::session::{Session, UpdateSession};
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use uuid::Uuid;

use super::state::Chat;
use crate::api::{ApiError, work};
use crate::load::when_loaded;
use crate::paged::paged;
use crate::pages::project::CurrentProject;
use crate::parts::{Button, ButtonKind, ConfirmDialog, Dialog, ErrorLine, Icon, TextField, TimeAgo, skeleton_rows};

/// The list of chats.
#[component]
pub(super) fn Threads(
    /// The chat that is open.
    chat: Chat,
    /// What the titles are narrowed down by.
    words: Signal<String>,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let threads = paged(move || project.name.get(), |name, cursor| async move { work::sessions(&name, cursor).await });
    Effect::new(move |before: Option<u32>| {
        let version = chat.list_version.get();
        if before.is_some_and(|before| before != version) {
            threads.reload();
        }
        version
    });
    let (renamed, deleted) = (RwSignal::new(None::<Session>), RwSignal::new(None::<Session>));
    let (items, is_empty) = (threads.items(), threads.is_empty());
    let matching = Memo::new(move |_| {
        let words = words.with(|words| words.trim().to_lowercase());
        let has = |session: &Session| session.title.to_lowercase().contains(&words);
        items.with(|items| items.iter().filter(|session| has(session)).cloned().collect::<Vec<_>>())
    });
    let shown = move || {
        if is_empty.get() {
            return view! { <p class="hint threads-empty">"Chats appear here after their first message."</p> }
                .into_any();
        }
        view! {
            <ul class="thread-list">
                <For each=move || matching.get() key=|session| (session.id, session.updated_at, session.title.clone()) let:session>
                    {thread_row(project, chat, session, renamed, deleted)}
                </For>
            </ul>
            {move || matching.with(Vec::is_empty).then(|| view! { <p class="hint threads-empty">"No chat that is listed has that in its title."</p> })}
            {threads.more("chats")}
        }
        .into_any()
    };
    let list = when_loaded(threads.loader, "The list of chats", || skeleton_rows(3), shown);
    view! {
        <div class="threads">{list}</div>
        <RenameDialog chat renamed/>
        <DeleteDialog chat deleted/>
    }
    .into_any()
}

fn thread_row(
    project: CurrentProject,
    chat: Chat,
    session: Session,
    renamed: RwSignal<Option<Session>>,
    deleted: RwSignal<Option<Session>>,
) -> AnyView {
    let href = format!("/projects/{}/chat/{}", project.name.get_untracked(), session.id);
    let title = if session.title.is_empty() { "Untitled chat".to_owned() } else { session.title.clone() };
    let id = session.id;
    let is_open = move || chat.session.with(|open| open.as_ref().is_some_and(|open| open.id == id));
    let (to_rename, to_delete) = (session.clone(), session.clone());
    view! {
        <li class="thread" class:open=is_open>
            <A href=href attr:data-row="">
                <span class="thread-title">{title}</span>
                <span class="thread-time"><TimeAgo at=session.updated_at/></span>
            </A>
            <span class="thread-actions">
                <Button kind=ButtonKind::Ghost glyph=Icon::Edit label="Rename chat" on_press=move |()| renamed.set(Some(to_rename.clone()))/>
                <Button kind=ButtonKind::Ghost glyph=Icon::Trash label="Delete chat" on_press=move |()| deleted.set(Some(to_delete.clone()))/>
            </span>
        </li>
    }
    .into_any()
}

/// Opens a dialog while there is something that it is about.
fn open_while(subject: RwSignal<Option<Session>>) -> RwSignal<bool> {
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(subject.with(Option::is_some)));
    Effect::new(move |before: Option<bool>| {
        let is_open = open.get();
        if before == Some(true) && !is_open {
            subject.set(None);
        }
        is_open
    });
    open
}

/// Asks for a chat's new title.
#[component]
pub(super) fn RenameDialog(chat: Chat, renamed: RwSignal<Option<Session>>) -> impl IntoView {
    let open = open_while(renamed);
    let title = RwSignal::new(String::new());
    Effect::new(move |_| {
        if let Some(session) = renamed.get() {
            title.set(session.title);
        }
    });
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(id) = renamed.with_untracked(|session| session.as_ref().map(|session| session.id)) else { return };
        busy.set(true);
        error.set(None);
        let body = UpdateSession { title: Some(title.get_untracked().trim().to_owned()), ..UpdateSession::default() };
        leptos::task::spawn_local(async move {
            match work::update_session(id, &body).await {
                Ok(session) => {
                    open.try_set(false);
                    chat.list_version.try_update(|version| *version += 1);
                    if chat.session.try_with_untracked(|open| open.as_ref().is_some_and(|open| open.id == id))
                        == Some(true)
                    {
                        chat.session.set(Some(session));
                    }
                }
                Err(problem) => {
                    error.try_set(Some(problem));
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        <Dialog open title="Rename chat">
            <form on:submit=submit>
                <div class="dialog-body">
                    <TextField label="Title" value=title focus=true/>
                    <ErrorLine error/>
                </div>
                <footer class="dialog-actions">
                    <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                    <Button kind=ButtonKind::Primary submit=true busy>"Rename"</Button>
                </footer>
            </form>
        </Dialog>
    }
    .into_any()
}

#[component]
fn DeleteDialog(chat: Chat, deleted: RwSignal<Option<Session>>) -> impl IntoView {
    let project = CurrentProject::expect();
    let navigate = use_navigate();
    let open = open_while(deleted);
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let confirm = Callback::new(move |()| {
        let Some(id) = deleted.with_untracked(|session| session.as_ref().map(|session| session.id)) else { return };
        let (navigate, name) = (navigate.clone(), project.name.get_untracked());
        busy.set(true);
        error.set(None);
        leptos::task::spawn_local(async move {
            match work::delete_session(id).await {
                Ok(()) => {
                    open.try_set(false);
                    chat.list_version.try_update(|version| *version += 1);
                    if is_open(chat, id) {
                        navigate(&format!("/projects/{name}/chat"), Default::default());
                    }
                }
                Err(problem) => {
                    error.try_set(Some(problem.to_string()));
                }
            }
            busy.try_set(false);
        });
    });
    view! {
        <ConfirmDialog open title="Delete this chat?" action="Delete" busy error on_confirm=confirm>
            <p>"Its messages and tool calls are lost. Builds and images stay."</p>
        </ConfirmDialog>
    }
    .into_any()
}

fn is_open(chat: Chat, id: Uuid) -> bool {
    chat.session.try_with_untracked(|open| open.as_ref().is_some_and(|open| open.id == id)) == Some(true)
}
