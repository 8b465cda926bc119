//! What is asked before a file is made, deleted or put back.

use gantry_domain::api::project::Project;
use gantry_domain::api::revision::RevertFile;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::{Section, address, file_address};
use crate::api::revisions::{delete_file, is_outdated, revert_file};
use crate::api::{ApiError, ApiResult};
use crate::pages::project::CurrentProject;
use crate::pages::project::drafts::Draft;
use crate::parts::{Button, ButtonKind, ConfirmDialog, Dialog, Icon, Submission, TextField};

/// The longest part of a path, in bytes.
const LONGEST_NAME: usize = 255;

/// What is wrong with the path of a new file, as far as that can be said here; the server knows the rest.
fn path_fault(path: &str, taken: &[String]) -> Option<&'static str> {
    let mut parts = path.split('/');
    if path.is_empty() {
        Some("A file needs a name.")
    } else if path.split('/').any(|part| part.len() > LONGEST_NAME) {
        Some("A part of a path has at most 255 bytes.")
    } else if path.starts_with('/') || path.contains('\\') {
        Some("A path begins within the project and has / between its parts, such as src/helpers.py.")
    } else if parts.any(|part| matches!(part, "" | "." | "..")) {
        Some("Every part of the path needs a name; . and .. are none.")
    } else if path.chars().any(char::is_control) {
        Some("A path has no control characters.")
    } else if taken.iter().any(|other| other.eq_ignore_ascii_case(path)) {
        Some("There is a file of this name.")
    } else if taken.iter().any(|other| is_inside(other, path) || is_inside(path, other)) {
        Some("One name cannot be a file and a folder.")
    } else {
        None
    }
}

/// Whether a path is below another one.
fn is_inside(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Asks for the path of a new file, and opens it in the editor. It is made when it is saved.
#[component]
pub(super) fn NewFile(
    /// The files that there are.
    #[prop(into)]
    paths: Signal<Vec<String>>,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let open = RwSignal::new(false);
    let path = RwSignal::new(String::new());
    let tried = RwSignal::new(false);
    let fault = Memo::new(move |_| path.with(|path| paths.with(|paths| path_fault(path.trim(), paths))));
    let error = Signal::derive(move || {
        let typed = path.with(|path| !path.trim().is_empty());
        fault.get().filter(|_| tried.get() || typed).map(str::to_owned)
    });
    let navigate = StoredValue::new_local(use_navigate());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if fault.get_untracked().is_some() {
            return;
        }
        let path = path.with_untracked(|path| path.trim().to_owned());
        project.drafts.set(&path, Draft { text: String::new(), base: None });
        open.set(false);
        let href = format!("{}?edit", file_address(&project.name.get_untracked(), &path));
        navigate.with_value(|navigate| navigate(&href, Default::default()));
    };
    let begin = move |()| {
        path.set(String::new());
        tried.set(false);
        open.set(true);
    };
    view! {
        <Button kind=ButtonKind::Ghost glyph=Icon::Plus shortcut="create" on_press=begin>"New file"</Button>
        <Dialog open title="New file">
            <form novalidate on:submit=submit>
                <div class="dialog-body">
                    <TextField
                        label="Path" value=path code=true focus=true required=true error
                        placeholder="src/helpers.py"
                        hint="Folders that are missing are made with it."
                    />
                </div>
                <footer class="dialog-actions">
                    <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                    <Button kind=ButtonKind::Primary submit=true>"Open in the editor"</Button>
                </footer>
            </form>
        </Dialog>
    }
    .into_any()
}

/// Why a write failed, as a sentence. What somebody else wrote in the meantime is read, so that the next
/// attempt is made from it.
pub(super) fn refusal(project: CurrentProject, submission: Submission) -> Signal<Option<String>> {
    Effect::new(move |_| {
        if submission.error.with(|error| error.as_ref().is_some_and(is_outdated)) {
            project.loader.reload();
        }
    });
    let sentence = |error: ApiError| {
        if is_outdated(&error) {
            "The project was changed since this page was opened, and is read again now. Look at it, then try again."
                .to_owned()
        } else {
            error.to_string()
        }
    };
    Signal::derive(move || submission.error.get().map(sentence))
}

/// Asks before one file of the project is changed, and offers to take the change back afterwards.
#[component]
fn ConfirmChange<Change, Answer>(
    /// The file.
    path: String,
    /// Whether it is open.
    open: RwSignal<bool>,
    /// What is asked.
    title: String,
    /// The word on the button.
    action: &'static str,
    /// What becomes of the file's content.
    consequence: &'static str,
    /// What is said when it is done.
    done: String,
    /// The change, of a project, a file and the revision that the page shows.
    change: Change,
    /// What follows, after what was typed into the file is forgotten.
    then: Callback<()>,
) -> impl IntoView
where
    Change: Fn(String, String, i64) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = ApiResult<Project>> + 'static,
{
    let project = CurrentProject::expect();
    let submission = Submission::new();
    let confirm = move |()| {
        let (before, path, done) = (project.revision.get_untracked(), path.clone(), done.clone());
        let answer = change(project.name.get_untracked(), path.clone(), before);
        submission.run(answer, move |answer| {
            project.drafts.remove(&path);
            then.run(());
            project.adopt_with_undo(answer, before, done);
        });
    };
    view! {
        <ConfirmDialog
            open
            title=Signal::stored(title)
            action
            busy=submission.busy
            error=refusal(project, submission)
            on_confirm=confirm
        >
            <p>{consequence}</p>
        </ConfirmDialog>
    }
    .into_any()
}

/// Asks before a file is deleted.
#[component]
pub(super) fn DeleteFile(
    /// The file.
    path: String,
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let navigate = StoredValue::new_local(use_navigate());
    let then = Callback::new(move |()| {
        let to = address(&project.name.get_untracked(), Section::Files);
        navigate.with_value(|navigate| navigate(&to, Default::default()));
    });
    view! {
        <ConfirmChange
            title=format!("Delete {path}?")
            action="Delete file"
            consequence="It stays in the revisions before, and can be brought back from there."
            done=format!("{path} was deleted.")
            change=|name, path, before| async move { delete_file(&name, &path, before).await }
            path open then
        />
    }
    .into_any()
}

/// Asks before a file becomes again what the generator wrote.
#[component]
pub(super) fn RevertDialog(
    /// The file.
    path: String,
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <ConfirmChange
            title=format!("Revert {path} to what was generated?")
            action="Revert to generated"
            consequence="Your edits of it leave this project; they stay in the revisions before, and can be brought back from there."
            done=format!("{path} is again what the generator wrote.")
            change=|name, path, before| async move { revert_file(&name, &RevertFile { path, expected_revision: before }).await }
            then=Callback::new(move |()| open.set(false))
            path open
        />
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_cannot_be_is_refused_with_a_reason() {
        let taken = ["README.md".to_owned(), "src/agent.py".to_owned()];
        for path in
            ["", "/etc/passwd", "a//b", "src/", "../x", "a/./b", "a\\b", "a\nb", "readme.MD", "src", "README.md/x"]
        {
            assert!(path_fault(path, &taken).is_some(), "{path:?}");
        }
        assert!(path_fault(&"x".repeat(256), &taken).is_some());
        for path in ["src/helpers.py", "Makefile", "src/agent.pyi", "docs/a b.md", ".dockerignore"] {
            assert_eq!(path_fault(path, &taken), None, "{path:?}");
        }
    }
}
