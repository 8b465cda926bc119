//! The pipeline that is being edited: the spec with its history, what is selected, and what the
//! server has in the meantime.
//!
//! What was not saved is kept in the tab's session storage, so that leaving the page, reloading or
//! signing in again loses nothing.

use gantry_domain::api::project::Project;
use gantry_domain::matrix::Diagnostic;
use gantry_domain::matrix::diagnose::diagnose;
use gantry_domain::pipeline::{EdgeId, History, NodeId, Operation, Pipeline, added, apply};
use gantry_domain::spec::Spec;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is selected, and shown in the inspector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selected {
    /// A node.
    Node(NodeId),
    /// An edge.
    Edge(EdgeId),
}

/// What is kept in the session storage.
#[derive(Serialize, Deserialize)]
struct Kept {
    revision: i64,
    spec: Spec,
}

/// The pipeline that is being edited.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    /// The project.
    pub(super) id: Uuid,
    /// The spec as it would be saved.
    pub(super) spec: Memo<Spec>,
    /// The graph of it.
    pub(super) pipeline: Memo<Pipeline>,
    /// What is wrong with it or worth knowing.
    pub(super) found: Memo<Vec<Diagnostic>>,
    /// Whether there is something to save.
    pub(super) is_changed: Memo<bool>,
    /// Whether there is a change to take back, and one that was taken back.
    pub(super) can: Memo<(bool, bool)>,
    /// The revision that the draft was made from.
    pub(super) revision: RwSignal<i64>,
    /// The project as somebody else saved it while there are changes here.
    pub(super) newer: RwSignal<Option<Project>>,
    /// What is selected.
    pub(super) selected: RwSignal<Option<Selected>>,
    /// Why the last change was refused.
    pub(super) refusal: RwSignal<Option<String>>,
    history: RwSignal<History>,
    saved: RwSignal<Spec>,
}

impl Draft {
    /// Begins with a project as the server has it, or with what this tab changed and did not save.
    pub(super) fn provide(project: Project) -> Self {
        let id = project.summary.id;
        let key = format!("gantry.pipeline.{id}");
        let storage = || window().session_storage().ok().flatten();
        let text = storage().and_then(|storage| storage.get_item(&key).ok().flatten());
        // What an older version kept may no longer be readable: then there is nothing to go on with.
        let kept: Option<Kept> = text.and_then(|text| serde_json::from_str(&text).ok());
        let saved = RwSignal::new(project.spec.clone());
        let history = RwSignal::new(History::new(project.spec.clone()));
        let revision = RwSignal::new(project.revision);
        let newer = RwSignal::new(None);
        if let Some(kept) = kept.filter(|kept| kept.spec != project.spec) {
            if kept.revision != project.revision {
                revision.set(kept.revision);
                newer.set(Some(project));
            }
            history.set(History::new(kept.spec));
        }
        let spec = Memo::new(move |_| history.with(|history| history.present().clone()));
        let draft = Self {
            id,
            spec,
            pipeline: Memo::new(move |_| spec.with(Pipeline::of)),
            found: Memo::new(move |_| spec.with(diagnose)),
            is_changed: Memo::new(move |_| spec.with(|spec| saved.with(|saved| spec != saved))),
            can: Memo::new(move |_| history.with(|history| (history.can_undo(), history.can_redo()))),
            revision,
            newer,
            selected: RwSignal::new(None),
            refusal: RwSignal::new(None),
            history,
            saved,
        };
        Effect::new(move |_| {
            let changed = draft.is_changed.get();
            let kept = Kept { revision: draft.revision.get(), spec: spec.get() };
            let Some(storage) = storage() else { return };
            // A storage that is full or forbidden costs the safety net, not the page.
            let _ = match (changed, serde_json::to_string(&kept)) {
                (true, Ok(text)) => storage.set_item(&key, &text),
                _ => storage.remove_item(&key),
            };
        });
        // What is selected may be gone after a change.
        Effect::new(move |_| {
            let is_there = draft.pipeline.with(|pipeline| {
                draft.selected.with_untracked(|selected| match selected {
                    Some(Selected::Node(id)) => pipeline.node(id).is_some(),
                    Some(Selected::Edge(id)) => pipeline.edge(id).is_some(),
                    None => true,
                })
            });
            if !is_there {
                draft.selected.set(None);
            }
        });
        provide_context(draft);
        draft
    }

    /// The one that was provided.
    pub(super) fn expect() -> Self {
        expect_context()
    }

    /// Makes a change; why it was refused is shown beside the graph.
    pub(super) fn apply(self, operation: &Operation) {
        self.takes(operation);
    }

    /// Makes a change like [`Draft::apply`], and says whether it was made.
    pub(super) fn takes(self, operation: &Operation) -> bool {
        match self.attempt(operation) {
            Ok(()) => true,
            Err(why) => {
                self.refusal.set(Some(why));
                false
            }
        }
    }

    /// Makes a change, or says why it cannot be made.
    pub(super) fn attempt(self, operation: &Operation) -> Result<(), String> {
        // A change that is refused or changes nothing must not make the page be drawn again.
        let next = self.history.with_untracked(|history| apply(history.present(), operation));
        let next = next.map_err(|refusal| refusal.0)?;
        self.refusal.set(None);
        if self.spec.with_untracked(|spec| *spec == next) {
            return Ok(());
        }
        let before = self.spec.get_untracked();
        self.history.update(|history| drop(history.apply(operation)));
        if let Operation::Rename { node, to } = operation
            && self.selected.get_untracked() == Some(Selected::Node(node.clone()))
        {
            self.selected.set(added(&before, &next).filter(|id| id.name() == Some(to)).map(Selected::Node));
        }
        Ok(())
    }

    /// Makes a change and selects the node that it added.
    pub(super) fn add(self, operation: &Operation) {
        let before = self.spec.get_untracked();
        if self.takes(operation) {
            self.seal();
            if let Some(id) = added(&before, &self.spec.get_untracked()) {
                self.selected.set(Some(Selected::Node(id)));
            }
        }
    }

    /// The next change is one by itself.
    pub(super) fn seal(self) {
        self.history.update_untracked(History::seal);
    }

    /// Takes the last change back.
    pub(super) fn undo(self) {
        self.refusal.set(None);
        self.history.update(|history| {
            history.undo();
        });
    }

    /// Makes the change again that was taken back last.
    pub(super) fn redo(self) {
        self.refusal.set(None);
        self.history.update(|history| {
            history.redo();
        });
    }

    /// Removes what is selected.
    pub(super) fn remove_selected(self) {
        match self.selected.get_untracked() {
            Some(Selected::Node(id)) => self.apply(&Operation::Remove(id)),
            Some(Selected::Edge(id)) => self.apply(&Operation::Disconnect(id)),
            None => {}
        }
    }

    /// Goes on with a project as the server has it, and forgets what was changed here.
    pub(super) fn adopt(self, project: &Project) {
        self.newer.set(None);
        self.refusal.set(None);
        self.revision.set(project.revision);
        self.saved.set(project.spec.clone());
        // Saved as it is: what led here can still be taken back.
        if self.spec.with_untracked(|spec| *spec != project.spec) {
            self.history.set(History::new(project.spec.clone()));
        }
    }

    /// The changes here are now changes of this revision: because the server took them as far as they
    /// had come, or because they are to replace what somebody else saved.
    pub(super) fn saved_as(self, project: &Project) {
        self.newer.set(None);
        self.revision.set(project.revision);
        self.saved.set(project.spec.clone());
    }

    /// Takes all changes back that were not saved.
    pub(super) fn discard(self) {
        match self.newer.get_untracked() {
            Some(project) => self.adopt(&project),
            None => {
                self.refusal.set(None);
                // Undo brings them back.
                self.history.update(|history| history.go_to(self.saved.get_untracked()));
            }
        }
    }

    /// The server has this now.
    pub(super) fn notice(self, project: &Project) {
        let (revision, is_changed) = (self.revision.get_untracked(), self.is_changed.get_untracked());
        if project.summary.id != self.id || project.revision <= revision {
            return;
        }
        if !is_changed || self.spec.with_untracked(|spec| *spec == project.spec) {
            self.adopt(project);
        } else if self.saved.with_untracked(|saved| *saved == project.spec) {
            // A newer revision of the same spec, as after files were edited.
            self.revision.set(project.revision);
        } else {
            self.newer.set(Some(project.clone()));
        }
    }

    /// The selected node.
    pub(super) fn selected_node(self) -> Option<NodeId> {
        match self.selected.get() {
            Some(Selected::Node(id)) => Some(id),
            _ => None,
        }
    }
}

/// A signal for a field: it follows the spec, and what is typed goes into the spec.
pub(super) fn bound(
    read: impl Fn(&Spec) -> Option<String> + Send + Sync + 'static,
    write: impl Fn(String) + 'static,
) -> RwSignal<String> {
    let draft = Draft::expect();
    let said = Memo::new(move |_| draft.spec.with(&read));
    let value = RwSignal::new(said.get_untracked().unwrap_or_default());
    Effect::new(move |_| {
        if let Some(said) = said.get()
            && value.with_untracked(|value| *value != said)
        {
            value.set(said);
        }
    });
    Effect::new(move |ran_before: Option<()>| {
        let text = value.get();
        if ran_before.is_some() && said.get_untracked().is_some_and(|said| said != text) {
            write(text);
        }
    });
    value
}
