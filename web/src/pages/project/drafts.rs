//! Text of a project's files that was not saved yet. It is kept for as long as the browser's tab
//! lives, so that going from one file or page to another loses nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CurrentProject;
use crate::parts::use_toaster;

/// How long after the last change it is written into the browser's storage.
const KEEP_AFTER: Duration = Duration::from_secs(1);

/// Text of a file that was not saved yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Draft {
    /// The text.
    pub(super) text: String,
    /// The SHA-256 of the text that it was made from; none for a new file.
    pub(super) base: Option<String>,
}

/// What a project has, by path.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kept {
    project: Option<Uuid>,
    drafts: BTreeMap<String, Draft>,
}

/// The drafts of the project that the address names.
#[derive(Clone, Copy)]
pub(crate) struct Drafts {
    kept: RwSignal<Kept>,
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

fn storage_key(project: Uuid) -> String {
    format!("gantry.drafts.{project}")
}

impl Kept {
    fn read(project: Option<Uuid>) -> Self {
        let text = project.and_then(|project| storage()?.get_item(&storage_key(project)).ok().flatten());
        // What an older version kept may no longer be readable.
        let drafts = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self { project, drafts }
    }

    fn write(&self) {
        let (Some(project), Some(storage)) = (self.project, storage()) else { return };
        let key = storage_key(project);
        // A browser whose storage is full keeps the text in memory, and warns before it is closed.
        if self.drafts.is_empty() {
            let _ = storage.remove_item(&key);
        } else if let Ok(text) = serde_json::to_string(&self.drafts) {
            let _ = storage.set_item(&key, &text);
        }
    }
}

impl Drafts {
    /// Those of the project with this id, for the calling component's lifetime.
    pub(super) fn of(project: Memo<Option<Uuid>>) -> Self {
        let kept = RwSignal::new(Kept::default());
        Effect::new(move |_| {
            let project = project.get();
            if kept.with_untracked(|kept| kept.project != project) {
                kept.with_untracked(Kept::write);
                kept.set(Kept::read(project));
            }
        });
        let timer = StoredValue::new(None::<TimeoutHandle>);
        Effect::new(move |_| {
            kept.track();
            if let Some(timer) = timer.get_value() {
                timer.clear();
            }
            let keep = move || {
                kept.try_with_untracked(Kept::write);
            };
            timer.set_value(set_timeout_with_handle(keep, KEEP_AFTER).ok());
        });
        let listener = window_event_listener(ev::beforeunload, move |event| {
            kept.with_untracked(|kept| {
                kept.write();
                if !kept.drafts.is_empty() {
                    event.prevent_default();
                }
            });
        });
        on_cleanup(move || {
            listener.remove();
            kept.try_with_untracked(Kept::write);
        });
        Self { kept }
    }

    /// Whether a file has a draft.
    pub(super) fn has(self, path: &str) -> bool {
        self.kept.with(|kept| kept.drafts.contains_key(path))
    }

    /// What the draft of a file was made from, if there is one.
    pub(super) fn base_of(self, path: &str) -> Option<Option<String>> {
        self.kept.with(|kept| kept.drafts.get(path).map(|draft| draft.base.clone()))
    }

    /// The draft of a file, without following it.
    pub(super) fn get_untracked(self, path: &str) -> Option<Draft> {
        self.kept.with_untracked(|kept| kept.drafts.get(path).cloned())
    }

    /// Keeps the draft of a file.
    pub(super) fn set(self, path: &str, draft: Draft) {
        self.kept.update(|kept| drop(kept.drafts.insert(path.to_owned(), draft)));
    }

    /// Says that the draft of a file is made from another text than before.
    pub(super) fn rebase(self, path: &str, base: Option<String>) {
        self.kept.update(|kept| {
            if let Some(draft) = kept.drafts.get_mut(path) {
                draft.base = base;
            }
        });
    }

    /// Forgets the draft of a file.
    pub(super) fn remove(self, path: &str) {
        if self.kept.with_untracked(|kept| kept.drafts.contains_key(path)) {
            self.kept.try_update(|kept| drop(kept.drafts.remove(path)));
        }
    }

    /// The files that have drafts, and whether they are new.
    pub(super) fn paths(self) -> Memo<BTreeMap<String, bool>> {
        Memo::new(move |_| {
            self.kept
                .with(|kept| kept.drafts.iter().map(|(path, draft)| (path.clone(), draft.base.is_none())).collect())
        })
    }

    fn count(self) -> usize {
        self.kept.try_with_untracked(|kept| kept.drafts.len()).unwrap_or_default()
    }
}

/// Says, when a person leaves the project's files, that text is not saved and where it is.
pub(super) fn tell_of_drafts(current: CurrentProject) {
    let toaster = use_toaster();
    let drafts = current.drafts;
    let tell = move || {
        let text = match drafts.count() {
            0 => return,
            1 => "The text of a file is not saved. It is kept in this tab until you come back to Files.".to_owned(),
            count => {
                format!("The text of {count} files is not saved. It is kept in this tab until you come back to Files.")
            }
        };
        toaster.good(text);
    };
    let path = use_location().pathname;
    let was_on_files = StoredValue::new(false);
    Effect::new(move |_| {
        let is_on_files = path.with(|path| {
            matches!(path.split('/').nth(3), Some("files" | "edits" | "conflicts" | "revisions" | "checks"))
        });
        if was_on_files.get_value() && !is_on_files {
            tell();
        }
        was_on_files.set_value(is_on_files);
    });
    // Leaving the project ends all of this before the effect could notice.
    on_cleanup(move || {
        if was_on_files.try_get_value() == Some(true) {
            tell();
        }
    });
}
