//! Deciding about one file in conflict: yours, the generator's, or a text of both.

use gantry_domain::api::project::ProjectFileContent;
use gantry_domain::api::revision::{ConflictKind, FileConflict, ResolveConflict, ResolveTake};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::conflict_address;
use super::conflict_text::{Take, first_mark, places};
use super::conflicts::next_conflict;
use super::dialogs::refusal;
use crate::api::calls;
use crate::api::revisions::{resolve_conflict, revision_diff};
use crate::load::{load, loaded, when_loaded};
use crate::pages::project::CurrentProject;
use crate::pages::project::drafts::Draft;
use crate::parts::code_editor::{Band, CodeEditor, EditorHandle, indentation_of};
use crate::parts::code_view::code_view;
use crate::parts::diff_view::diff_view;
use crate::parts::{Button, ButtonKind, Icon, Submission, skeleton_block};

/// The decision about one file, under way.
#[derive(Clone, Copy)]
struct Decision {
    project: CurrentProject,
    path: StoredValue<String>,
    submission: Submission,
    /// Decides.
    decide: Callback<(ResolveTake, Option<String>)>,
}

impl Decision {
    fn about(project: CurrentProject, path: String) -> Self {
        let submission = Submission::new();
        let navigate = StoredValue::new_local(use_navigate());
        let path = StoredValue::new(path);
        let decide = Callback::new(move |(take, content): (ResolveTake, Option<String>)| {
            let (name, before, path) =
                (project.name.get_untracked(), project.revision.get_untracked(), path.get_value());
            let body = ResolveConflict { path: path.clone(), take, content, expected_revision: before };
            let next =
                project.newest.value.with_untracked(|revision| next_conflict(&revision.as_ref()?.conflicts, &path));
            submission.run(async move { resolve_conflict(&name, &body).await }, move |answer| {
                project.drafts.remove(&path);
                let text = match &next {
                    Some(_) => format!("{path} is decided."),
                    None => format!("{path} is decided. No conflicts are left."),
                };
                if let Some(next) = next {
                    let to = conflict_address(&project.name.get_untracked(), &next);
                    let options = NavigateOptions { replace: true, ..NavigateOptions::default() };
                    navigate.with_value(|navigate| navigate(&to, options));
                }
                project.adopt_with_undo(answer, before, text);
            });
        });
        Self { project, path, submission, decide }
    }

    fn take(self, take: ResolveTake) -> Callback<()> {
        Callback::new(move |()| self.decide.run((take, None)))
    }

    fn busy(self) -> Signal<bool> {
        self.submission.busy.into()
    }
}

/// A file in conflict, and the ways out of it.
#[component]
pub(super) fn Resolver(conflict: FileConflict) -> impl IntoView {
    let project = CurrentProject::expect();
    let decision = Decision::about(project, conflict.path.clone());
    let message = refusal(project, decision.submission);
    let body = match conflict.kind {
        ConflictKind::Text | ConflictKind::Added => text_conflict(decision, conflict.kind),
        ConflictKind::Deleted => deleted(decision),
        ConflictKind::NoLongerGenerated => no_longer_generated(decision),
    };
    view! {
        <header class="files-head"><code class="file-path">{conflict.path}</code></header>
        <p class="field-error" role="alert">{move || message.get()}</p>
        {body}
    }
    .into_any()
}

/// What is at odds, and the ways out that take one side.
fn sides(decision: Decision, text: &'static str, yours: &'static str, generated: &'static str) -> AnyView {
    let busy = decision.busy();
    view! {
        <div class="conflict-sides">
            <p>{text}</p>
            <div class="row">
                <Button busy on_press=decision.take(ResolveTake::Yours)>{yours}</Button>
                <Button busy on_press=decision.take(ResolveTake::Generated)>{generated}</Button>
            </div>
        </div>
    }
    .into_any()
}

/// A file that you deleted and the generator changed.
fn deleted(decision: Decision) -> AnyView {
    let Decision { project, path, .. } = decision;
    let diff = load(move || {
        let (name, revision) = (project.name.get(), project.revision.get());
        async move { revision_diff(&name, revision, Some("generated")).await }
    });
    let shown = loaded(diff, "What the generator writes", skeleton_block, move |diff| {
        let files = diff.files.into_iter().filter(|file| path.with_value(|path| file.path == *path)).collect();
        view! { <p class="hint">"What the generator writes there now, and the project does not have:"</p> {diff_view(files, None)} }
    });
    let text = "You deleted this file, and the generator has changed it since.";
    view! { {sides(decision, text, "Keep it deleted", "Bring the generator's back")} {shown} }.into_any()
}

/// A file that you changed and the generator writes no more.
fn no_longer_generated(decision: Decision) -> AnyView {
    let shown =
        loaded(content_of(decision), "The file", skeleton_block, |file| code_view(&file.file.path, &file.content));
    let text = "You changed this file, and the generator does not write it any more: the project works without it.";
    view! { {sides(decision, text, "Keep it as yours", "Remove it")} {shown} }.into_any()
}

fn content_of(decision: Decision) -> crate::load::Loader<ProjectFileContent> {
    let Decision { project, path, .. } = decision;
    load(move || {
        let (name, path) = (project.name.get(), path.get_value());
        project.revision.track();
        async move { calls::project_file(&name, &path).await }
    })
}

/// A file with marked places.
fn text_conflict(decision: Decision, kind: ConflictKind) -> AnyView {
    let loader = content_of(decision);
    let content = Memo::new(move |_| loader.value.get());
    let text = match kind {
        ConflictKind::Added => "You added this file, and the generator now writes one of its own.",
        _ => "You and the generator changed the same lines. Everything else of both is in the text already.",
    };
    let editor = when_loaded(loader, "The file", skeleton_block, move || {
        move || content.get().map(|file| marked_text(decision, file))
    });
    view! { {sides(decision, text, "Take yours", "Take the generator's")} {editor} }.into_any()
}

/// The text with its marked places, to be decided one by one or by hand.
fn marked_text(decision: Decision, file: ProjectFileContent) -> AnyView {
    let Decision { project, path, .. } = decision;
    let handle = EditorHandle::new();
    let base = file.file.sha256.clone();
    // A text that was begun for an earlier revision would bring back what is no more.
    let draft =
        path.with_value(|path| project.drafts.get_untracked(path)).filter(|draft| draft.base.as_ref() == Some(&base));
    let initial = draft.map_or_else(|| file.content.clone(), |draft| draft.text);
    let marked = RwSignal::new(places(&initial));
    let open_mark = RwSignal::new(first_mark(&initial));
    let saved = file.content;
    let changed = Callback::new(move |text: String| {
        marked.set(places(&text));
        open_mark.set(first_mark(&text));
        path.with_value(|path| {
            if text == saved {
                project.drafts.remove(path);
            } else {
                project.drafts.set(path, Draft { text, base: Some(base.clone()) });
            }
        });
    });
    let bands = Signal::derive(move || {
        let band = |lines, class| Band { lines, class };
        marked.with(|places| {
            places
                .iter()
                .flat_map(|place| {
                    [
                        band(place.begin..place.middle, "band yours"),
                        band(place.middle..place.middle + 1, "band middle"),
                        band(place.middle + 1..place.end + 1, "band generated"),
                    ]
                })
                .collect::<Vec<_>>()
        })
    });
    // The place that the cursor is in, or the next one after it.
    let here = move || {
        let line = handle.line();
        marked.with_untracked(|places| {
            let found = places.iter().position(|place| place.end >= line);
            found.or_else(|| places.len().checked_sub(1))
        })
    };
    let take = move |take: Take| {
        let Some(index) = here() else { return };
        let place = marked.with_untracked(|places| places[index].clone());
        let Some(text) = handle.text() else { return };
        handle.replace_lines(place.lines(), &place.taken(&text, take));
        handle.go_to_line(place.begin);
    };
    let go = move |step: isize| {
        let line = handle.line();
        let to = marked.with_untracked(|places| {
            let found = if step > 0 {
                places.iter().find(|place| place.begin > line).or(places.first())
            } else {
                places.iter().rev().find(|place| place.begin < line).or(places.last())
            };
            found.map(|place| place.begin)
        });
        if let Some(line) = to {
            handle.go_to_line(line);
        }
    };
    let count = Memo::new(move |_| marked.with(Vec::len));
    let none = Signal::derive(move || count.get() == 0);
    let unfinished = Signal::derive(move || open_mark.get().is_some());
    let status = move || match (count.get(), open_mark.get()) {
        (0, None) => "Every place is decided.".to_owned(),
        (0, Some(line)) => format!("Line {} still looks like the mark of a conflict.", line + 1),
        (1, _) => "1 place left".to_owned(),
        (count, _) => format!("{count} places left"),
    };
    let finish = move |()| {
        if let Some(text) = handle.text().filter(|text| first_mark(text).is_none()) {
            decision.decide.run((ResolveTake::Content, Some(text)));
        }
    };
    let label = path.with_value(|path| format!("Text of {path}"));
    let indentation = path.with_value(|path| indentation_of(path));
    // The first place is where the work begins.
    Effect::new(move |_| {
        if let Some(place) = marked.with_untracked(|places| places.first().map(|place| place.begin)) {
            request_animation_frame(move || handle.go_to_line(place));
        }
    });
    view! {
        <div class="conflict-bar">
            <span class="number" role="status">{status}</span>
            <div class="row">
                <Button kind=ButtonKind::Ghost disabled=none on_press=move |()| go(-1)>"Previous"</Button>
                <Button kind=ButtonKind::Ghost disabled=none on_press=move |()| go(1)>"Next"</Button>
            </div>
            <div class="row" role="group" aria-label="This place">
                <span class="muted">"This place:"</span>
                <Button disabled=none on_press=move |()| take(Take::Yours)>"Yours"</Button>
                <Button disabled=none on_press=move |()| take(Take::Generated)>"Generated"</Button>
                <Button disabled=none on_press=move |()| take(Take::Both)>"Both"</Button>
            </div>
            <Button kind=ButtonKind::Primary glyph=Icon::Check busy=decision.busy() disabled=unfinished on_press=finish>"Save this text"</Button>
        </div>
        <CodeEditor label initial indentation handle bands read_only=decision.busy() on_change=changed/>
    }
    .into_any()
}
