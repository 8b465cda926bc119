//! A chat's state in the browser: its turns, each kept up to date from the log of its run.

use std::sync::Arc;

use futures_util::future::AbortHandle;
use gantry_domain::api::job::JobState;
use gantry_domain::api::run::{PermissionMode, Run, RunRuntime};
use gantry_domain::api::session::{CreateSession, ModelChoice, SendMessage, Session, SessionThread, UpdateSession};
use gantry_domain::event::{Event, Usage};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use uuid::Uuid;

use super::draft::Draft;
use super::transcript::Transcript;
use super::turn::Turn;
use crate::api::{ApiError, work};
use crate::pages::project::CurrentProject;
use crate::parts::time::now;
use crate::poll::OncePerFrame;
use crate::stream::{StreamState, follow_until_stopped};

/// Of how many turns that have ended the log is read without being asked.
const READ_AHEAD: usize = 20;

/// One turn with its record. Cheap to copy around: both parts are shared.
#[derive(Clone)]
pub(super) struct TurnHandle {
    /// The run as the server listed it, or as it was asked for.
    pub(super) run: Arc<Run>,
    /// What came of it.
    pub(super) turn: ArcRwSignal<Turn>,
    /// Whether the calls and events are known, and not just the answer.
    pub(super) is_complete: ArcRwSignal<bool>,
}

impl TurnHandle {
    fn new(run: Run) -> Self {
        let ended = run.state.is_final();
        let turn = if ended { Turn::from_record(&run) } else { Turn::new(&run) };
        Self { run: Arc::new(run), turn: ArcRwSignal::new(turn), is_complete: ArcRwSignal::new(!ended) }
    }
}

/// The chat that is open, or the one that is about to begin.
#[derive(Clone, Copy)]
pub(super) struct Chat {
    /// The chat; none before its first message.
    pub(super) session: RwSignal<Option<Session>>,
    /// Its turns, oldest first.
    pub(super) turns: RwSignal<Vec<TurnHandle>>,
    /// How the stream of the turn under way is doing.
    pub(super) stream: RwSignal<StreamState>,
    /// Why the last message, stop or change was refused.
    pub(super) error: RwSignal<Option<ApiError>>,
    /// Whether a message is on its way to the server.
    pub(super) sending: RwSignal<bool>,
    /// Whether the turn under way was asked to stop.
    pub(super) stopping: RwSignal<bool>,
    /// What the next chat begins with; an open chat has its own.
    pub(super) mode: RwSignal<PermissionMode>,
    /// The provider; none is the rehearsal model.
    pub(super) provider: RwSignal<Option<Uuid>>,
    /// What executes its turns.
    pub(super) runtime: RwSignal<RunRuntime>,
    /// The turn that the inspector shows; none for the newest.
    pub(super) inspected: RwSignal<Option<Uuid>>,
    /// What is being written.
    pub(super) draft: Draft,
    /// A run that was read from a file and is looked at in the place of the conversation.
    pub(super) transcript: RwSignal<Option<Transcript>>,
    /// Rises when the list of chats has changed.
    pub(super) list_version: RwSignal<u32>,
    followed: StoredValue<Option<(Uuid, AbortHandle)>>,
    /// Which chat answers belong to: those for another one are thrown away.
    opened: StoredValue<Option<Uuid>>,
}

impl Chat {
    /// No chat yet; what is being written in it is kept by `draft`.
    pub(super) fn new(draft: Draft) -> Self {
        let chat = Self {
            session: RwSignal::new(None),
            turns: RwSignal::new(Vec::new()),
            stream: RwSignal::new(StreamState::Connecting),
            error: RwSignal::new(None),
            sending: RwSignal::new(false),
            stopping: RwSignal::new(false),
            mode: RwSignal::new(PermissionMode::Ask),
            provider: RwSignal::new(None),
            runtime: RwSignal::new(RunRuntime::Native),
            inspected: RwSignal::new(None),
            draft,
            transcript: RwSignal::new(None),
            list_version: RwSignal::new(0),
            followed: StoredValue::new(None),
            opened: StoredValue::new(None),
        };
        on_cleanup(move || chat.stop_following());
        chat
    }

    /// The turn that has not ended.
    pub(super) fn active(self) -> Option<TurnHandle> {
        self.turns.with(|turns| turns.iter().rev().find(|handle| handle.turn.with(Turn::is_active)).cloned())
    }

    /// The turn that the inspector shows.
    pub(super) fn inspected_turn(self) -> Option<TurnHandle> {
        let wanted = self.inspected.get();
        self.turns.with(|turns| {
            let chosen = turns.iter().find(|handle| Some(handle.run.id) == wanted);
            chosen.or(turns.last()).cloned()
        })
    }

    /// Shows another chat, or none.
    pub(super) fn close(self) {
        self.stop_following();
        self.opened.set_value(None);
        self.session.set(None);
        self.turns.set(Vec::new());
        self.error.set(None);
        self.sending.set(false);
        self.stopping.set(false);
        self.inspected.set(None);
        self.transcript.set(None);
    }

    /// Shows a chat as the server has it.
    pub(super) fn open(self, thread: SessionThread) {
        self.close();
        let id = thread.session.id;
        self.opened.set_value(Some(id));
        self.mode.set(thread.session.mode);
        self.provider.set(thread.session.provider_id);
        self.runtime.set(thread.session.runtime);
        self.session.set(Some(thread.session));
        let handles: Vec<TurnHandle> = thread.runs.into_iter().map(TurnHandle::new).collect();
        let active = handles.iter().rev().find(|handle| !handle.run.state.is_final()).cloned();
        let ended: Vec<TurnHandle> =
            handles.iter().rev().filter(|handle| handle.run.state.is_final()).take(READ_AHEAD).cloned().collect();
        self.turns.set(handles);
        if let Some(handle) = active {
            self.follow(&handle);
        }
        leptos::task::spawn_local(async move {
            for handle in ended {
                if self.opened.try_get_value() != Some(Some(id)) {
                    return;
                }
                read_events(&handle).await;
            }
        });
    }

    fn stop_following(self) {
        let stopped = self.followed.try_update_value(Option::take).flatten();
        if let Some((_, stream)) = stopped {
            stream.abort();
        }
    }

    /// Follows a turn; what comes is drawn once a frame.
    fn follow(self, handle: &TurnHandle) {
        self.stop_following();
        let waiting = StoredValue::new(Vec::<Event>::new());
        let turn = handle.turn.clone();
        let flush = OncePerFrame::new(move || {
            let events = waiting.try_update_value(std::mem::take).unwrap_or_default();
            turn.update(|turn| events.iter().for_each(|event| turn.apply(event)));
            if turn.with_untracked(|turn| !turn.is_active()) {
                self.stopping.try_set(false);
                self.list_version.try_update(|version| *version += 1);
            }
        });
        let stop = follow_until_stopped(handle.run.job_id, 0, self.stream.write_only(), move |event| {
            if waiting.try_update_value(|waiting| waiting.push(event)).is_some() {
                flush.ask();
            }
        });
        self.followed.set_value(Some((handle.run.id, stop)));
    }

    /// Changes the mode and model of the open chat, or of the one to begin.
    pub(super) fn change(self, mode: Option<PermissionMode>, provider: Option<Option<Uuid>>) {
        let before = (self.mode.get_untracked(), self.provider.get_untracked());
        if let Some(mode) = mode {
            self.mode.set(mode);
        }
        if let Some(provider) = provider {
            self.provider.set(provider);
        }
        let model = provider.map(|provider_id| ModelChoice { provider_id, model: None });
        self.update(UpdateSession { mode, model, ..UpdateSession::default() }, move || {
            self.mode.try_set(before.0);
            self.provider.try_set(before.1);
        });
    }

    /// Changes what executes the turns of the open chat, or of the one to begin.
    pub(super) fn change_runtime(self, runtime: RunRuntime) {
        let before = self.runtime.get_untracked();
        self.runtime.set(runtime);
        self.update(UpdateSession { runtime: Some(runtime), ..UpdateSession::default() }, move || {
            self.runtime.try_set(before);
        });
    }

    /// Changes the open chat at the server, if one is open; what does not work is undone here.
    fn update(self, change: UpdateSession, undo: impl FnOnce() + 'static) {
        let Some(id) = self.session.with_untracked(|session| session.as_ref().map(|session| session.id)) else {
            return;
        };
        leptos::task::spawn_local(async move {
            match work::update_session(id, &change).await {
                Ok(session) if self.opened.try_get_value() == Some(Some(id)) => {
                    self.session.try_set(Some(session));
                }
                Ok(_) => {}
                Err(error) => {
                    self.error.try_set(Some(error));
                    undo();
                }
            }
        });
    }

    /// Asks the turn under way to stop.
    pub(super) fn stop(self) {
        let id = self.session.with_untracked(|session| session.as_ref().map(|session| session.id));
        let Some(id) = id.filter(|_| !self.stopping.get_untracked()) else { return };
        self.stopping.set(true);
        leptos::task::spawn_local(async move {
            if let Err(error) = work::stop_session(id).await {
                self.error.try_set(Some(error));
                self.stopping.try_set(false);
            }
        });
    }
}

/// Reads the whole log of a turn that has ended.
pub(super) async fn read_events(handle: &TurnHandle) {
    let mut turn = Turn::new(&handle.run);
    loop {
        // Without its log the turn stays as its record has it.
        let Ok(page) = work::job_events(handle.run.job_id, turn.last_seq).await else { return };
        page.items.iter().for_each(|event| turn.apply(event));
        if page.next_cursor.is_none() || page.items.is_empty() {
            break;
        }
    }
    if turn.last_seq > 0 {
        handle.turn.set(turn);
    }
    handle.is_complete.set(true);
}

/// Sends a message in the open chat, or begins one with it; the text is given back when that failed.
pub(super) fn sender(chat: Chat) -> impl Fn(String, Callback<String>) + Clone + 'static {
    let project = CurrentProject::expect();
    let navigate = use_navigate();
    move |text: String, give_back: Callback<String>| {
        if chat.sending.get_untracked() {
            return;
        }
        chat.sending.set(true);
        chat.error.set(None);
        let (name, navigate) = (project.name.get_untracked(), navigate.clone());
        leptos::task::spawn_local(async move {
            match send(chat, &name, &text).await {
                Ok(Some(new)) => navigate(&format!("/projects/{name}/chat/{new}"), Default::default()),
                Ok(None) => {}
                Err(error) => {
                    chat.error.try_set(Some(error));
                    give_back.try_run(text);
                }
            }
            chat.sending.try_set(false);
        });
    }
}

/// Sends; gives the new chat's id when one was begun.
async fn send(chat: Chat, project: &str, text: &str) -> Result<Option<Uuid>, ApiError> {
    let existing = chat.session.with_untracked(Clone::clone);
    let is_new = existing.is_none();
    let session = match existing {
        Some(session) => session,
        None => {
            let body = CreateSession {
                mode: chat.mode.get_untracked(),
                provider_id: chat.provider.get_untracked(),
                runtime: chat.runtime.get_untracked(),
                ..CreateSession::default()
            };
            work::create_session(project, &body).await?
        }
    };
    let accepted = match work::send_message(session.id, &SendMessage { text: text.to_owned() }).await {
        Ok(accepted) => accepted,
        Err(error) => {
            // The next attempt goes into the chat that there is now.
            chat.session.try_set(Some(session));
            return Err(error);
        }
    };
    chat.list_version.try_update(|version| *version += 1);
    if is_new {
        return Ok(Some(session.id));
    }
    let run = Run {
        id: accepted.id,
        project_id: session.project_id,
        session_id: Some(session.id),
        job_id: accepted.job_id,
        input: text.to_owned(),
        output: None,
        mode: session.mode,
        provider_id: session.provider_id,
        model: session.model.clone(),
        runtime: session.runtime,
        image: None,
        taken_from: None,
        revision: None,
        state: JobState::Queued,
        reason: None,
        usage: Usage::default(),
        created_at: now(),
        started_at: None,
        finished_at: None,
    };
    if chat.opened.try_get_value() == Some(Some(session.id)) {
        let handle = TurnHandle::new(run);
        chat.inspected.set(None);
        chat.turns.update(|turns| turns.push(handle.clone()));
        chat.follow(&handle);
    }
    Ok(None)
}
