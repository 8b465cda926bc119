//! The project in the making: what was described, what the planner made of it, and what was changed since.
//!
//! It lives in the tab's session storage, so that going back, reloading or signing in again loses nothing.

use gantry_domain::api::plan::{PlanConstraints, PlanRequest};
use gantry_domain::matrix::Diagnostic;
use gantry_domain::matrix::diagnose::diagnose;
use gantry_domain::spec::Spec;
use gantry_generator::File;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pages::project::diagnostics::mended;

const STORAGE_KEY: &str = "gantry.new-project";

/// What is kept in the session storage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    prompt: String,
    planned_prompt: Option<String>,
    decided: PlanConstraints,
    spec: Option<Spec>,
    reasons: Vec<String>,
    questions: Vec<String>,
    remarks: Vec<Diagnostic>,
}

/// The project in the making.
#[derive(Clone, Copy)]
pub(crate) struct Draft {
    /// What was described.
    pub(crate) prompt: RwSignal<String>,
    /// What the person decided, and a new plan keeps.
    pub(crate) decided: RwSignal<PlanConstraints>,
    /// The spec; none before the first plan.
    pub(crate) spec: RwSignal<Option<Spec>>,
    /// Which words led to which choice.
    pub(crate) reasons: RwSignal<Vec<String>>,
    /// What the planner would like to know.
    pub(crate) questions: RwSignal<Vec<String>>,
    /// What the planner had to say beside the checks.
    pub(crate) remarks: RwSignal<Vec<Diagnostic>>,
    /// Rises when the spec changed under a form's fields: by a plan or a fix.
    pub(crate) version: RwSignal<u32>,
    planned_prompt: RwSignal<Option<String>>,
}

impl Draft {
    /// Takes up what the session has, and keeps it up to date. For the calling component's lifetime.
    pub(crate) fn provide() -> Self {
        let storage = || window().session_storage().ok().flatten();
        let text = storage().and_then(|storage| storage.get_item(STORAGE_KEY).ok().flatten());
        // What an older version kept may no longer be readable: then the wizard begins anew.
        let kept: Kept = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let draft = Self {
            prompt: RwSignal::new(kept.prompt),
            decided: RwSignal::new(kept.decided),
            spec: RwSignal::new(kept.spec),
            reasons: RwSignal::new(kept.reasons),
            questions: RwSignal::new(kept.questions),
            remarks: RwSignal::new(kept.remarks),
            version: RwSignal::new(0),
            planned_prompt: RwSignal::new(kept.planned_prompt),
        };
        Effect::new(move |_| {
            let text = serde_json::to_string(&draft.kept()).unwrap_or_default();
            if let Some(storage) = storage() {
                let _ = storage.set_item(STORAGE_KEY, &text);
            }
        });
        provide_context(draft);
        draft
    }

    /// The one that was provided.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    fn kept(self) -> Kept {
        Kept {
            prompt: self.prompt.get(),
            planned_prompt: self.planned_prompt.get(),
            decided: self.decided.get(),
            spec: self.spec.get(),
            reasons: self.reasons.get(),
            questions: self.questions.get(),
            remarks: self.remarks.get(),
        }
    }

    /// Whether there is a spec to go on with.
    pub(crate) fn has_spec(self) -> bool {
        self.spec.with(Option::is_some)
    }

    /// Whether the description has changed since it was planned.
    pub(crate) fn is_planned(self) -> bool {
        self.planned_prompt.with(|planned| self.prompt.with(|prompt| planned.as_ref() == Some(prompt)))
    }

    /// Plans from the description; keeps what the person decided.
    pub(crate) fn plan(self) {
        let prompt = self.prompt.get_untracked();
        let request =
            PlanRequest { prompt: prompt.clone(), constraints: self.decided.get_untracked(), ..PlanRequest::default() };
        let plan = gantry_generator::plan(&request);
        let checks = diagnose(&plan.spec);
        self.remarks.set(plan.diagnostics.into_iter().filter(|remark| !checks.contains(remark)).collect());
        self.reasons.set(plan.provenance.reasons);
        self.questions.set(plan.questions);
        self.spec.set(Some(plan.spec));
        self.planned_prompt.set(Some(prompt));
        self.version.update(|version| *version += 1);
    }

    /// Changes the spec from a form's field.
    pub(crate) fn change(self, change: impl FnOnce(&mut Spec)) {
        self.spec.update(|spec| {
            if let Some(spec) = spec {
                change(spec);
            }
        });
    }

    /// Changes the spec by more than a field, so that forms show it anew.
    pub(crate) fn rebuild(self, change: impl FnOnce(&mut Spec)) {
        self.change(change);
        self.version.update(|version| *version += 1);
    }

    /// Applies a diagnostic's fix.
    pub(crate) fn mend(self, patch: &Value) {
        let mended = self.spec.with_untracked(|spec| spec.as_ref().and_then(|spec| mended(spec, patch)));
        if let Some(mended) = mended {
            self.rebuild(|spec| *spec = mended);
        }
    }

    /// Begins anew, here and in the session storage.
    pub(crate) fn clear(self) {
        self.prompt.set(String::new());
        self.decided.set(PlanConstraints::default());
        self.spec.set(None);
        self.reasons.set(Vec::new());
        self.questions.set(Vec::new());
        self.remarks.set(Vec::new());
        self.planned_prompt.set(None);
    }
}

/// What the spec gives just now: the checks and the files.
#[derive(Clone, Copy)]
pub(crate) struct Preview {
    /// What is wrong or worth knowing.
    pub(crate) found: Memo<Vec<Diagnostic>>,
    /// The files that would be generated; none while something is wrong.
    pub(crate) files: Memo<Option<Vec<PreviewFile>>>,
}

/// A file that would be generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PreviewFile {
    /// Its path in the project.
    pub(crate) path: String,
    /// Its text.
    pub(crate) content: String,
}

impl From<File> for PreviewFile {
    fn from(file: File) -> Self {
        Self { path: file.path, content: file.content }
    }
}

impl Preview {
    /// Follows the draft, for the calling component's lifetime.
    pub(crate) fn provide(draft: Draft) -> Self {
        let found = Memo::new(move |_| draft.spec.with(|spec| spec.as_ref().map(diagnose).unwrap_or_default()));
        let files = Memo::new(move |_| {
            let files = draft.spec.with(|spec| gantry_generator::emit(spec.as_ref()?).ok());
            files.map(|files| files.into_iter().map(PreviewFile::from).collect())
        });
        let preview = Self { found, files };
        provide_context(preview);
        preview
    }

    /// The one that was provided.
    pub(crate) fn expect() -> Self {
        expect_context()
    }
}

/// A signal for a field of a form, whose changes go into the draft.
pub(crate) fn bound(initial: String, write: impl Fn(String) + 'static) -> RwSignal<String> {
    let value = RwSignal::new(initial);
    Effect::new(move |ran_before: Option<()>| {
        let text = value.get();
        if ran_before.is_some() {
            write(text);
        }
    });
    value
}
