//! One file: for reading, and for writing.

use gantry_domain::api::project::{Project, ProjectFileContent};
use gantry_domain::api::revision::{FileOrigin, WriteFile};
use leptos::ev;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use super::dialogs::{DeleteFile, RevertDialog};
use super::{Section, address, conflict_address, file_address, link_to};
use crate::api::revisions::{is_outdated as is_outdated_by, write_file};
use crate::api::{ApiResult, calls};
use crate::keyboard::has_modifier;
use crate::load::{Loader, load, when_loaded};
use crate::pages::project::CurrentProject;
use crate::pages::project::drafts::Draft;
use crate::parts::code_editor::{CodeEditor, EditorHandle, indentation_of};
use crate::parts::code_view::code_view;
use crate::parts::{
    Button, ButtonKind, ConfirmDialog, CopyButton, EmptyState, ErrorLine, Icon, LinkButton, Pill, Submission, Tone,
    icon, size_text, skeleton_block,
};

/// The file that carries the spec: its text is the project's spec.
const SPEC_FILE: &str = "agent.gantry.yaml";

/// Writes a file's text. When somebody else wrote in the meantime, but not this file, nothing is at odds
/// and it is written all the same.
async fn save(
    project: String,
    path: String,
    base: Option<String>,
    content: String,
    revision: i64,
) -> ApiResult<Project> {
    let body = WriteFile { content, expected_revision: revision };
    let refusal = match write_file(&project, &path, &body).await {
        Err(error) if is_outdated_by(&error) => error,
        other => return other,
    };
    let expected_revision = calls::project(&project).await?.revision;
    let now = match calls::project_file(&project, &path).await {
        Ok(file) => Some(file.file.sha256),
        Err(error) if error.status() == 404 => None,
        Err(error) => return Err(error),
    };
    if now != base {
        return Err(refusal);
    }
    write_file(&project, &path, &WriteFile { expected_revision, ..body }).await
}

/// A file, and what is known of it.
#[derive(Clone, Copy)]
struct OpenFile {
    project: CurrentProject,
    path: StoredValue<String>,
    loader: Loader<ProjectFileContent>,
    /// What the server has; none when it has no such file, or has not answered yet.
    content: Memo<Option<ProjectFileContent>>,
    /// Whether there is text that was not saved.
    is_dirty: Memo<bool>,
    /// Whether it is being written.
    editing: Memo<bool>,
    /// Rises when the editor has to begin anew with another text.
    generation: RwSignal<u32>,
    editor: EditorHandle,
    submission: Submission,
    /// The revision that the last saving made.
    saved: RwSignal<Option<i64>>,
    /// Whether the file was just created, and is not read yet.
    created: RwSignal<bool>,
}

impl OpenFile {
    fn path(self) -> String {
        self.path.get_value()
    }

    fn draft_untracked(self) -> Option<Draft> {
        self.path.with_value(|path| self.project.drafts.get_untracked(path))
    }

    fn base(self) -> Option<String> {
        self.content.with(|content| content.as_ref().map(|content| content.file.sha256.clone()))
    }

    /// Keeps a text that was typed, unless it is what the server has.
    fn keep(self, text: String) {
        let path = self.path();
        let before = untrack(|| self.project.drafts.base_of(&path));
        let same =
            self.content.with_untracked(|content| content.as_ref().is_some_and(|content| content.content == text));
        let base = before.unwrap_or_else(|| untrack(|| self.base()));
        self.saved.set(None);
        if same {
            self.project.drafts.remove(&path);
        } else {
            self.project.drafts.set(&path, Draft { text, base });
        }
    }

    fn save(self) {
        let path = self.path();
        // What was typed within this frame is in the editor, and not yet in the draft.
        if let Some(text) = self.editor.text() {
            self.keep(text);
        }
        let Some(draft) = self.project.drafts.get_untracked(&path) else { return };
        if self.is_outdated_now() {
            return;
        }
        let (name, revision) = (self.project.name.get_untracked(), self.project.revision.get_untracked());
        let answer = save(name, path.clone(), draft.base, draft.text, revision);
        let is_new = untrack(|| self.content.with(Option::is_none));
        self.submission.run(answer, move |project| {
            // The editor of a new file stands on its draft until the file was read.
            if is_new {
                self.created.set(true);
            } else {
                self.project.drafts.remove(&path);
            }
            self.saved.set(Some(project.revision));
            self.project.adopt(project);
        });
    }

    /// Whether the server has another text than the one that the draft was made from.
    fn is_outdated(self) -> bool {
        let Some(base) = self.path.with_value(|path| self.project.drafts.base_of(path)) else { return false };
        let known = self.content.with(Option::is_some) || self.is_missing();
        known && !self.created.get() && base != self.base()
    }

    fn is_outdated_now(self) -> bool {
        untrack(|| self.is_outdated())
    }

    fn is_missing(self) -> bool {
        self.loader.error.with(|error| error.as_ref().is_some_and(|error| error.status() == 404))
    }

    /// Lets the next saving replace what the server has.
    fn keep_mine(self) {
        let base = if untrack(|| self.is_missing()) { None } else { untrack(|| self.base()) };
        self.path.with_value(|path| self.project.drafts.rebase(path, base));
        self.submission.error.set(None);
    }

    /// Forgets what was typed.
    fn discard(self) {
        self.path.with_value(|path| self.project.drafts.remove(path));
        self.submission.error.set(None);
        self.generation.update(|generation| *generation += 1);
    }
}

/// The file that is chosen.
#[component]
pub(super) fn FileContent(path: String) -> impl IntoView {
    let project = CurrentProject::expect();
    let wanted = path.clone();
    let loader = load(move || {
        let (name, path) = (project.name.get(), wanted.clone());
        project.revision.track();
        async move { calls::project_file(&name, &path).await }
    });
    let query = use_query_map();
    let path = StoredValue::new(path);
    let has_draft = Memo::new(move |_| path.with_value(|path| project.drafts.has(path)));
    let is_missing =
        Memo::new(move |_| loader.error.with(|error| error.as_ref().is_some_and(|error| error.status() == 404)));
    let file = OpenFile {
        project,
        path,
        loader,
        content: Memo::new(move |_| if is_missing.get() { None } else { loader.value.get() }),
        is_dirty: has_draft,
        editing: Memo::new(move |_| query.with(|query| query.get("edit").is_some())),
        generation: RwSignal::new(0),
        editor: EditorHandle::new(),
        submission: Submission::new(),
        saved: RwSignal::new(None),
        created: RwSignal::new(false),
    };
    // A text that the server has anew is shown, unless something was typed.
    Effect::new(move |before: Option<Option<String>>| {
        let now = file.content.with(|content| content.as_ref().map(|content| content.content.clone()));
        if now.is_some() && file.created.get_untracked() {
            path.with_value(|path| project.drafts.remove(path));
            file.created.set(false);
        }
        let differs = now.is_some() && file.editor.text() != now;
        if before.is_some_and(|before| before != now) && differs && !file.is_dirty.get_untracked() {
            file.generation.update(|generation| *generation += 1);
        }
        now
    });
    // A refusal because of somebody else's write is followed by reading what that was.
    Effect::new(move |_| {
        if file.submission.error.with(|error| error.as_ref().is_some_and(is_outdated_by)) {
            project.loader.reload();
        }
    });
    save_on_key(file);
    // Who comes back to a text that was not saved goes on with it.
    let edit = switch(file);
    Effect::new(move |ran_before: Option<()>| {
        if ran_before.is_none() && has_draft.get_untracked() && !file.editing.get_untracked() {
            edit(true);
        }
    });
    let state = Memo::new(move |_| match (is_missing.get(), has_draft.get(), file.editing.get()) {
        (true, false, _) => Shown::Missing,
        (true, true, _) => Shown::Editor,
        (false, _, true) if file.content.with(Option::is_some) => Shown::Editor,
        _ => Shown::Text,
    });
    let shown = move || match state.get() {
        Shown::Missing => missing_view(file),
        Shown::Editor => editor_view(file),
        Shown::Text => when_loaded(loader, "The file", skeleton_block, move || text_view(file)),
    };
    view! { {shown} }.into_any()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Missing,
    Editor,
    Text,
}

/// Saves on Ctrl- or Cmd-S, wherever the focus is.
fn save_on_key(file: OpenFile) {
    let listener = window_event_listener(ev::keydown, move |event| {
        if has_modifier(&event) && event.key() == "s" && file.editor.text().is_some() {
            event.prevent_default();
            file.save();
        }
    });
    on_cleanup(move || listener.remove());
}

/// Goes from reading to writing, or back.
fn switch(file: OpenFile) -> impl Fn(bool) + Clone {
    let navigate = use_navigate();
    move |edit: bool| {
        let mut href = file_address(&file.project.name.get_untracked(), &file.path());
        if edit {
            href.push_str("?edit");
        }
        let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&href, options);
    }
}

fn missing_view(file: OpenFile) -> AnyView {
    let path = file.path();
    let is_conflict = file.project.newest.value.with(|revision| {
        revision.as_ref().is_some_and(|revision| revision.conflicts.iter().any(|conflict| conflict.path == path))
    });
    if is_conflict {
        let href = conflict_address(&file.project.name.get(), &path);
        return view! {
            <EmptyState title="Deleted, and in conflict" text="You deleted this file, and the generator has changed it since. It stays deleted until you decide.">
                <LinkButton href kind=ButtonKind::Primary>"Resolve conflict"</LinkButton>
            </EmptyState>
        }
        .into_any();
    }
    let href = address(&file.project.name.get(), Section::Revisions);
    let text =
        format!("The project has no file {path:?}. It may have another name since the spec changed, or was deleted.");
    view! {
        <EmptyState title="No such file" text><LinkButton href glyph=Icon::History>"Revisions"</LinkButton></EmptyState>
    }
    .into_any()
}

/// What the origin of a file is called.
pub(super) fn origin_pill(origin: FileOrigin) -> Option<AnyView> {
    match origin {
        FileOrigin::Generated => None,
        FileOrigin::Edited => Some(view! { <Pill tone=Tone::Idle glyph=Icon::Edit text="Edited"/> }.into_any()),
        FileOrigin::Yours => Some(view! { <Pill tone=Tone::Idle glyph=Icon::Plus text="Yours"/> }.into_any()),
    }
}

fn text_view(file: OpenFile) -> AnyView {
    let edit = switch(file);
    let open_editor = Callback::new({
        let edit = StoredValue::new_local(edit);
        move |()| edit.with_value(|edit| edit(true))
    });
    let (deleting, reverting) = (RwSignal::new(false), RwSignal::new(false));
    let shown = move || {
        let content = file.content.get()?;
        let path = content.file.path.clone();
        let lines = content.content.lines().count();
        let copied = content.content.clone();
        let is_conflict = content.file.conflict.is_some();
        let origin = content.file.origin;
        let revert = (origin == FileOrigin::Edited && !is_conflict).then(|| {
            view! { <Button kind=ButtonKind::Ghost glyph=Icon::Undo on_press=move |()| reverting.set(true)>"Revert"</Button> }
        });
        let actions = if is_conflict {
            let href = conflict_address(&file.project.name.get(), &path);
            view! { <LinkButton href glyph=Icon::Warning>"Resolve conflict"</LinkButton> }.into_any()
        } else {
            let delete = (path != SPEC_FILE).then(|| {
                view! { <Button kind=ButtonKind::Ghost glyph=Icon::Trash label="Delete file" on_press=move |()| deleting.set(true)/> }
            });
            view! {
                {revert} {delete}
                <Button glyph=Icon::Edit shortcut="edit" on_press=open_editor>"Edit"</Button>
            }
            .into_any()
        };
        Some(view! {
            <header class="files-head">
                <code class="file-path">{path.clone()}</code>
                <CopyButton text=Signal::stored(copied) what="file"/>
                {origin_pill(origin)}
                <span class="grow"></span>
                <span class="muted number wide-only">{format!("{lines} lines, {}", size_text(content.file.size))}</span>
                {actions}
            </header>
            {draft_notice(file, open_editor)}
            {code_view(&path, &content.content)}
        })
    };
    view! {
        {shown}
        <DeleteFile path=file.path() open=deleting/>
        <RevertDialog path=file.path() open=reverting/>
    }
    .into_any()
}

/// Says that there is text of this file that was not saved.
fn draft_notice(file: OpenFile, open_editor: Callback<()>) -> AnyView {
    let discarding = RwSignal::new(false);
    let notice = move || {
        file.is_dirty.get().then(|| {
            view! {
                <div class="notice info">
                    {icon(Icon::Edit)}
                    <p>"You changed this text and did not save it. Below is what is saved."</p>
                    <Button kind=ButtonKind::Ghost on_press=move |()| discarding.set(true)>"Discard"</Button>
                    <Button on_press=open_editor>"Go on editing"</Button>
                </div>
            }
        })
    };
    view! { <div role="status">{notice}</div> {discard_dialog(file, discarding)} }.into_any()
}

fn discard_dialog(file: OpenFile, open: RwSignal<bool>) -> AnyView {
    let confirm = move |()| {
        open.set(false);
        file.discard();
    };
    view! {
        <ConfirmDialog open title="Discard what you typed?" action="Discard" on_confirm=confirm>
            <p>"What was not saved of this file is lost. This cannot be undone."</p>
        </ConfirmDialog>
    }
    .into_any()
}

fn editor_view(file: OpenFile) -> AnyView {
    let back = switch(file);
    let close = Callback::new({
        let back = StoredValue::new_local(back);
        move |()| back.with_value(|back| back(false))
    });
    let discarding = RwSignal::new(false);
    let path = file.path();
    let is_new = Memo::new(move |_| file.content.with(Option::is_none));
    let busy = Signal::derive(move || file.submission.busy.get());
    let is_outdated = Memo::new(move |_| file.is_outdated());
    let refused = Signal::derive(move || !file.is_dirty.get() || is_outdated.get());
    let state = move || match (file.is_dirty.get(), file.saved.get()) {
        (true, _) => view! { <Pill tone=Tone::Busy glyph=Icon::Edit text="Not saved"/> }.into_any(),
        (false, Some(revision)) => {
            view! { <Pill tone=Tone::Good glyph=Icon::Check text=format!("Saved as revision {revision}")/> }.into_any()
        }
        (false, None) => ().into_any(),
    };
    let buttons = move || {
        let discard = file.is_dirty.get().then(|| {
            view! { <Button kind=ButtonKind::Ghost on_press=move |()| discarding.set(true)>"Discard"</Button> }
        });
        let close = (!is_new.get()).then(|| view! { <Button on_press=close>"Close editor"</Button> });
        view! { {discard} {close} }
    };
    let spec_hint = (path == SPEC_FILE).then(|| {
        view! { <p class="hint files-hint">"This file is the project's spec. Saving it checks the spec and generates the files anew; your edits of them are kept."</p> }
    });
    let editor = {
        let path = path.clone();
        move || {
            file.generation.track();
            let initial = untrack(|| match file.draft_untracked() {
                Some(draft) => draft.text,
                None => file
                    .content
                    .with(|content| content.as_ref().map(|content| content.content.clone()).unwrap_or_default()),
            });
            view! {
                <CodeEditor
                    label=format!("Text of {path}")
                    initial
                    indentation=indentation_of(&path)
                    handle=file.editor
                    read_only=busy
                    focus=true
                    on_change=move |text| file.keep(text)
                />
            }
        }
    };
    // The notice about somebody else's write says it better than the error.
    let errors = Signal::derive(move || file.submission.error.get().filter(|error| !is_outdated_by(error)));
    view! {
        <header class="files-head">
            <code class="file-path">{path.clone()}</code>
            <span role="status" class="row">{state}</span>
            <span class="grow"></span>
            {buttons}
            <Button kind=ButtonKind::Primary busy disabled=refused on_press=move |()| file.save()>
                {move || if is_new.get() { "Create file" } else { "Save" }}
            </Button>
        </header>
        {spec_hint}
        {outdated_notice(file, is_outdated)}
        <ErrorLine error=errors/>
        {editor}
        {discard_dialog(file, discarding)}
    }
    .into_any()
}

/// Says that the text on the server is another than the one that was opened, and offers both ways on.
fn outdated_notice(file: OpenFile, is_outdated: Memo<bool>) -> AnyView {
    let refused_but_same = Memo::new(move |_| {
        !is_outdated.get() && file.submission.error.with(|error| error.as_ref().is_some_and(is_outdated_by))
    });
    let notice = move || {
        if is_outdated.get() {
            let href =
                format!("{}/{}", address(&file.project.name.get(), Section::Revisions), file.project.revision.get());
            let gone = file.content.with(Option::is_none);
            let what = if gone {
                "This file was deleted since you opened it. Your text is still here. "
            } else {
                "This file was changed since you opened it. Your text is still here. "
            };
            return Some(
                view! {
                    <div class="notice warn">
                        {icon(Icon::Warning)}
                        <p>{what} {link_to(href, "See what changed")}</p>
                        <Button kind=ButtonKind::Ghost on_press=move |()| file.discard()>"Reload, and lose my text"</Button>
                        <Button on_press=move |()| file.keep_mine()>"Keep my text"</Button>
                    </div>
                }
                .into_any(),
            );
        }
        refused_but_same.get().then(|| {
            view! {
                <div class="notice warn">
                    {icon(Icon::Warning)}
                    <p>"The project was changed since you opened this file. It is read again; your text is still here. Save again to keep it."</p>
                </div>
            }
            .into_any()
        })
    };
    view! { <div role="alert">{notice}</div> }.into_any()
}
