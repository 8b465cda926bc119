//! The project in the making: what was described, what the planner made of it, and what was changed since.
//!
//! It lives in the tab's session storage, so that going back, reloading or signing in again loses nothing.

use std::time::Duration;

use gantry_domain::api::plan::{Plan, PlanConstraints, PlanProvenance, PlanRequest};
use gantry_domain::matrix::{Diagnostic, Framework, Pattern};
use gantry_domain::spec::Spec;
use leptos::ev;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::facets::Selection;
use crate::pages::project::diagnostics::mended;
use crate::pages::project::matrix::InstanceMatrix;

const STORAGE_KEY: &str = "gantry.new-project";
/// How long after the last change it is stored; a page that is left stores it at once.
const REST: Duration = Duration::from_millis(200);

/// Who is to make the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Planner {
    /// The provider whose model writes it; none is the rules.
    pub(crate) provider_id: Option<Uuid>,
    /// The model's name there; empty is the provider's default.
    pub(crate) model: String,
}

/// What a plan was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Planned {
    prompt: String,
    planner: Planner,
}

/// What is kept in the session storage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    prompt: String,
    planner: Planner,
    planned: Option<Planned>,
    decided: PlanConstraints,
    spec: Option<Spec>,
    provenance: Option<PlanProvenance>,
    questions: Vec<String>,
    remarks: Vec<Diagnostic>,
    facets: Selection,
}

/// The project in the making.
#[derive(Clone, Copy)]
pub(crate) struct Draft {
    /// What was described.
    pub(crate) prompt: RwSignal<String>,
    /// Who is to make the plan.
    pub(crate) planner: RwSignal<Planner>,
    /// What the person decided, and a new plan keeps.
    pub(crate) decided: RwSignal<PlanConstraints>,
    /// The spec; none before the first plan.
    pub(crate) spec: RwSignal<Option<Spec>>,
    /// Who made the plan, and which words led to which choice.
    pub(crate) provenance: RwSignal<Option<PlanProvenance>>,
    /// What the planner would like to know.
    pub(crate) questions: RwSignal<Vec<String>>,
    /// What the planner had to say beside the checks.
    pub(crate) remarks: RwSignal<Vec<Diagnostic>>,
    /// By what the frameworks are filtered, beside the cloud, which is the spec's.
    pub(crate) facets: RwSignal<Selection>,
    /// Rises when the spec changed under a form's fields: by a plan or a fix.
    pub(crate) version: RwSignal<u32>,
    /// The framework, the pattern and the cloud of the spec, for what follows only these.
    pub(crate) framework: Memo<Option<Framework>>,
    pub(crate) pattern: Memo<Option<Pattern>>,
    pub(crate) cloud: Memo<Option<String>>,
    /// Whether it was taken up from the session storage.
    pub(crate) was_restored: RwSignal<bool>,
    /// Whether the browser keeps it; some are told to keep nothing.
    pub(crate) is_kept: RwSignal<bool>,
    matrix: InstanceMatrix,
    planned: RwSignal<Option<Planned>>,
}

impl Draft {
    /// Takes up what the session has, and keeps it up to date. For the calling component's lifetime.
    pub(crate) fn provide(matrix: InstanceMatrix) -> Self {
        let text = storage().and_then(|storage| storage.get_item(STORAGE_KEY).ok().flatten());
        // What an older version kept may no longer be readable: then the wizard begins anew.
        let kept: Kept = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let was_restored = RwSignal::new(kept.spec.is_some() || !kept.prompt.trim().is_empty());
        let spec = RwSignal::new(kept.spec);
        let draft = Self {
            prompt: RwSignal::new(kept.prompt),
            planner: RwSignal::new(kept.planner),
            decided: RwSignal::new(kept.decided),
            provenance: RwSignal::new(kept.provenance),
            questions: RwSignal::new(kept.questions),
            remarks: RwSignal::new(kept.remarks),
            facets: RwSignal::new(kept.facets),
            version: RwSignal::new(0),
            framework: Memo::new(move |_| spec.with(|spec| spec.as_ref().map(|spec| spec.target.framework))),
            pattern: Memo::new(move |_| spec.with(|spec| spec.as_ref().map(|spec| spec.target.pattern))),
            cloud: Memo::new(move |_| spec.with(|spec| spec.as_ref().and_then(|spec| spec.target.cloud.clone()))),
            spec,
            was_restored,
            is_kept: RwSignal::new(storage().is_some()),
            matrix,
            planned: RwSignal::new(kept.planned),
        };
        draft.keep_stored();
        provide_context(draft);
        draft
    }

    /// Stores changes when they rest, and at once when the page is left.
    fn keep_stored(self) {
        let timer = StoredValue::new(None::<TimeoutHandle>);
        Effect::new(move |ran_before: Option<()>| {
            self.track();
            if ran_before.is_none() {
                return;
            }
            if let Some(timer) = timer.get_value() {
                timer.clear();
            }
            timer.set_value(set_timeout_with_handle(move || self.store(), REST).ok());
        });
        let listener = window_event_listener(ev::pagehide, move |_| self.store());
        on_cleanup(move || {
            listener.remove();
            self.store();
        });
    }

    fn track(self) {
        self.prompt.track();
        self.planner.track();
        self.planned.track();
        self.decided.track();
        self.spec.track();
        self.provenance.track();
        self.questions.track();
        self.remarks.track();
        self.facets.track();
    }

    fn store(self) {
        let Some(kept) = self.kept() else { return };
        let text = serde_json::to_string(&kept).unwrap_or_default();
        let is_stored = storage().is_some_and(|storage| storage.set_item(STORAGE_KEY, &text).is_ok());
        if self.is_kept.try_get_untracked() == Some(!is_stored) {
            self.is_kept.try_set(is_stored);
        }
    }

    /// What is to be kept; none when the page is gone.
    fn kept(self) -> Option<Kept> {
        Some(Kept {
            prompt: self.prompt.try_get_untracked()?,
            planner: self.planner.try_get_untracked()?,
            planned: self.planned.try_get_untracked()?,
            decided: self.decided.try_get_untracked()?,
            spec: self.spec.try_get_untracked()?,
            provenance: self.provenance.try_get_untracked()?,
            questions: self.questions.try_get_untracked()?,
            remarks: self.remarks.try_get_untracked()?,
            facets: self.facets.try_get_untracked()?,
        })
    }

    /// The one that was provided.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Whether there is a spec to go on with.
    pub(crate) fn has_spec(self) -> bool {
        self.spec.with(Option::is_some)
    }

    /// Whether the plan is of this description and this planner.
    pub(crate) fn is_planned(self) -> bool {
        self.planned.with(|planned| {
            planned.as_ref().is_some_and(|planned| {
                self.prompt.with(|prompt| planned.prompt == *prompt)
                    && self.planner.with(|planner| planned.planner == *planner)
            })
        })
    }

    /// What to ask a planner.
    pub(crate) fn request(self) -> PlanRequest {
        let planner = self.planner.get_untracked();
        PlanRequest {
            prompt: self.prompt.get_untracked(),
            constraints: self.decided.get_untracked(),
            provider_id: planner.provider_id,
            planner_model: Some(planner.model.trim().to_owned()).filter(|model| !model.is_empty()),
        }
    }

    /// Plans by the rules, here.
    pub(crate) fn plan_by_rules(self) {
        let request = PlanRequest { provider_id: None, planner_model: None, ..self.request() };
        self.take(gantry_generator::plan(&request));
    }

    /// Takes a plan over; keeps what the person decided.
    pub(crate) fn take(self, mut plan: Plan) {
        let before = self.spec.with_untracked(|spec| spec.as_ref().map(|spec| spec.target.clone()));
        if let Some(before) = before {
            plan.spec.target.cloud = before.cloud;
            plan.spec.target.exports = before.exports;
        }
        let checks = self.matrix.diagnose_untracked(&plan.spec);
        let is_new = |remark: &Diagnostic| !checks.iter().any(|check| check.code == remark.code);
        self.remarks.set(plan.diagnostics.into_iter().filter(is_new).collect());
        self.provenance.set(Some(plan.provenance));
        self.questions.set(plan.questions);
        self.spec.set(Some(plan.spec));
        let planned = Planned { prompt: self.prompt.get_untracked(), planner: self.planner.get_untracked() };
        self.planned.set(Some(planned));
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

    /// Applies a diagnostic's fix. What it decides, a new plan keeps.
    pub(crate) fn mend(self, patch: &Value) {
        let mended = self.spec.with_untracked(|spec| spec.as_ref().and_then(|spec| mended(spec, patch)));
        let Some(mended) = mended else { return };
        self.decided.update(|decided| {
            if patch.pointer("/target/framework").is_some() {
                decided.framework = Some(mended.target.framework);
            }
            if patch.pointer("/target/pattern").is_some() {
                decided.pattern = Some(mended.target.pattern);
            }
        });
        self.rebuild(|spec| *spec = mended);
    }

    /// What is wrong with a spec, as this instance sees it.
    pub(crate) fn diagnose(self, spec: &Spec) -> Vec<Diagnostic> {
        self.matrix.diagnose_untracked(spec)
    }

    /// Begins anew, here and in the session storage.
    pub(crate) fn clear(self) {
        self.prompt.set(String::new());
        self.planner.set(Planner::default());
        self.decided.set(PlanConstraints::default());
        self.spec.set(None);
        self.provenance.set(None);
        self.questions.set(Vec::new());
        self.remarks.set(Vec::new());
        self.facets.set(Selection::default());
        self.planned.set(None);
        self.was_restored.set(false);
        self.store();
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
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
