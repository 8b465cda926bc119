//! The message that is being written: kept in the tab's session storage, one for each chat and one for the next
//! new chat of each project, so that a reload or a look elsewhere loses nothing.

use leptos::prelude::*;

/// The message that is being written.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    /// The text; change it by [`Draft::set`].
    pub(super) text: RwSignal<String>,
    key: Memo<String>,
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

impl Draft {
    /// The draft of the chat that `chat` names: the project, and the chat's id if it has one.
    pub(super) fn of(chat: impl Fn() -> (String, Option<String>) + Send + Sync + 'static) -> Self {
        let key = Memo::new(move |_| {
            let (project, session) = chat();
            format!("gantry.message.{project}.{}", session.unwrap_or_default())
        });
        let read = |key: &str| storage().and_then(|storage| storage.get_item(key).ok().flatten()).unwrap_or_default();
        let text = RwSignal::new(key.with_untracked(|key| read(key)));
        Effect::new(move |before: Option<String>| {
            let key = key.get();
            if before.is_some_and(|before| before != key) {
                text.set(read(&key));
            }
            key
        });
        Self { text, key }
    }

    /// Writes this instead.
    pub(super) fn set(self, text: String) {
        if let Some(storage) = storage() {
            let key = self.key.get_untracked();
            // A browser that keeps nothing still sends what stands there.
            let _ = if text.is_empty() { storage.remove_item(&key) } else { storage.set_item(&key, &text) };
        }
        self.text.set(text);
    }
}
