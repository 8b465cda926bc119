//! A project's cases: a list that is edited case by case. Each change is a new revision of their file.

use gantry_domain::api::eval::{ProjectCases, ReplaceCases};
use gantry_domain::eval::Case;
use leptos::prelude::*;

use super::case_form::CaseForm;
use super::{View, views};
use crate::api::{ApiResult, evals};
use crate::load::{Loader, load, when_loaded};
use crate::pages::project::CurrentProject;
use crate::parts::{
    Button, ButtonKind, ConfirmDialog, Dialog, EmptyState, Icon, LinkButton, Submission, icon, skeleton_rows,
    use_toaster,
};

/// The list, and what is done to it.
#[derive(Clone, Copy)]
pub(super) struct CaseList {
    project: CurrentProject,
    loader: Loader<ProjectCases>,
    /// Which case is edited, by its place; none is a new one.
    pub(super) edited: RwSignal<Option<usize>>,
    /// Whether the form is open.
    pub(super) form_open: RwSignal<bool>,
    removed: RwSignal<Option<usize>>,
    remove_open: RwSignal<bool>,
}

impl CaseList {
    /// The case that is edited.
    pub(super) fn current(self) -> Option<Case> {
        let at = self.edited.get_untracked()?;
        self.loader.value.with_untracked(|found| found.as_ref()?.cases.get(at).cloned())
    }

    fn all(self) -> (Vec<Case>, i64) {
        self.loader.value.with_untracked(|found| {
            found.as_ref().map_or((Vec::new(), 0), |found| (found.cases.clone(), found.revision))
        })
    }

    /// The request that puts a case in the place of the one that is edited, or at the end.
    pub(super) fn saving(self, case: Case) -> impl Future<Output = ApiResult<ProjectCases>> {
        let (mut cases, expected_revision) = self.all();
        match self.edited.get_untracked().filter(|at| *at < cases.len()) {
            Some(at) => cases[at] = case,
            None => cases.push(case),
        }
        self.replacing(cases, expected_revision)
    }

    fn removing(self) -> impl Future<Output = ApiResult<ProjectCases>> {
        let (mut cases, expected_revision) = self.all();
        if let Some(at) = self.removed.get_untracked().filter(|at| *at < cases.len()) {
            cases.remove(at);
        }
        self.replacing(cases, expected_revision)
    }

    fn replacing(self, cases: Vec<Case>, expected_revision: i64) -> impl Future<Output = ApiResult<ProjectCases>> {
        let name = self.project.name.get_untracked();
        async move { evals::replace_cases(&name, &ReplaceCases { expected_revision, cases }).await }
    }

    /// Takes over what a write answered.
    pub(super) fn adopt(self, written: ProjectCases) {
        self.form_open.set(false);
        self.remove_open.set(false);
        self.loader.value.set(Some(written));
        self.project.loader.reload();
    }

    fn edit(self, at: Option<usize>) {
        self.edited.set(at);
        self.form_open.set(true);
    }
}

/// A project's cases.
#[component]
pub(crate) fn CasesPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let loader = load(move || {
        let name = project.name.get();
        async move { evals::cases(&name).await }
    });
    let list = CaseList {
        project,
        loader,
        edited: RwSignal::new(None),
        form_open: RwSignal::new(false),
        removed: RwSignal::new(None),
        remove_open: RwSignal::new(false),
    };
    let is_sound =
        Memo::new(move |_| loader.value.with(|found| found.as_ref().is_some_and(|found| found.faults.is_empty())));
    let add = move || {
        view! {
            <Button kind=ButtonKind::Primary glyph=Icon::Plus shortcut="create" on_press=move |()| list.edit(None)>"Add case"</Button>
        }
    };
    let shown = move || {
        let found = loader.value.get()?;
        let address = format!("/projects/{}/files/{}", project.name.get_untracked(), found.path);
        if !found.faults.is_empty() {
            return Some(unreadable(&found, address));
        }
        if found.cases.is_empty() {
            return Some(view! {
                <EmptyState title="No cases" text="A case is something that the agent is told, and what must come of it. Cases are run against a model by an eval.">
                    {add()}
                </EmptyState>
            }
            .into_any());
        }
        let rows = found.cases.iter().enumerate().map(|(at, case)| row(list, at, case)).collect_view();
        Some(view! {
            <p class="hint">"In " <a href=address><code>{found.path.clone()}</code></a> ", revision " {found.revision} ". They travel with the project."</p>
            <ul class="item-list">{rows}</ul>
        }
        .into_any())
    };
    let body = when_loaded(loader, "The cases", || skeleton_rows(4), move || shown);
    let title = Signal::derive(move || match list.edited.get() {
        Some(_) => "Change the case".to_owned(),
        None => "Add a case".to_owned(),
    });
    view! {
        <h2 class="visually-hidden">"Cases"</h2>
        <div class="row">
            {views(View::Cases)}
            <span class="grow"></span>
            {move || is_sound.get().then(add)}
        </div>
        {body}
        <Dialog open=list.form_open title><CaseForm list/></Dialog>
        <RemoveDialog list/>
    }
    .into_any()
}

#[component]
fn RemoveDialog(list: CaseList) -> impl IntoView {
    let submission = Submission::new();
    let toaster = use_toaster();
    let confirm = move |()| {
        submission.run(list.removing(), move |written: ProjectCases| {
            toaster.good(format!("The case was removed, as revision {}.", written.revision));
            list.adopt(written);
        });
    };
    view! {
        <ConfirmDialog
            open=list.remove_open title="Remove the case?" action="Remove case"
            busy=submission.busy error=submission.message() on_confirm=confirm
        >
            <p>"Its file gets a new revision; the one before can be restored on the page Files."</p>
        </ConfirmDialog>
    }
    .into_any()
}

fn unreadable(found: &ProjectCases, address: String) -> AnyView {
    let faults = found
        .faults
        .iter()
        .map(|fault| view! { <li><code>{fault.path.clone()}</code> " " {fault.message.clone()}</li> });
    view! {
        <div class="notice bad" role="alert">
            {icon(Icon::Warning)}
            <div><p><b>"The cases cannot be used."</b></p><ul class="faults">{faults.collect_view()}</ul></div>
            <LinkButton href=address>"Open the file"</LinkButton>
        </div>
    }
    .into_any()
}

/// What a case expects, in a few words.
fn expectations(case: &Case) -> String {
    let expect = &case.expect;
    let mut words: Vec<String> = expect.tools.iter().map(|call| format!("calls {}", call.name)).collect();
    words.extend(expect.not_tools.iter().map(|name| format!("does not call {name}")));
    words.extend(expect.steps.iter().map(|step| format!("{step} has its turn")));
    if let Some(output) = &expect.output {
        words.extend(output.contains.iter().map(|text| format!("says “{text}”")));
        words.extend(output.equals.iter().map(|text| format!("answers “{text}”")));
        words.extend(output.regex.iter().map(|pattern| format!("matches {pattern}")));
        words.extend(output.json_schema.iter().map(|_| "answers JSON of a schema".to_owned()));
    }
    words.extend(expect.max_steps.map(|most| format!("at most {most} questions to a model")));
    words.extend(expect.max_tokens.map(|most| format!("at most {most} tokens")));
    words.extend(expect.max_cost_micros.map(|most| format!("at most {most} millionths of a dollar")));
    words.extend(expect.max_ms.map(|most| format!("at most {most} ms")));
    words.extend(expect.judge.iter().map(|_| "is judged".to_owned()));
    if words.is_empty() { "answers at all".to_owned() } else { words.join(", ") }
}

fn row(list: CaseList, at: usize, case: &Case) -> AnyView {
    let (edit, remove) = (format!("Change {}", case.id), format!("Remove {}", case.id));
    view! {
        <li class="item">
            <div class="item-main">
                <div class="item-title"><b>{case.id.clone()}</b></div>
                <p class="case-input">{case.input.clone()}</p>
                <p class="muted">{expectations(case)}</p>
            </div>
            <div class="row">
                <Button kind=ButtonKind::Ghost glyph=Icon::Edit label=edit on_press=move |()| list.edit(Some(at))/>
                <Button kind=ButtonKind::Ghost glyph=Icon::Trash label=remove on_press=move |()| {
                    list.removed.set(Some(at));
                    list.remove_open.set(true);
                }/>
            </div>
        </li>
    }
    .into_any()
}
