//! What the spec gives just now: the checks at once, the files as soon as nobody is changing it.

use std::time::Duration;

use gantry_domain::matrix::Diagnostic;
use gantry_generator::File;
use leptos::prelude::*;

use super::draft::Draft;
use crate::pages::project::matrix::InstanceMatrix;

/// How long after the last change the files are generated: writing them takes longer than a frame.
const REST: Duration = Duration::from_millis(120);

/// What the spec gives just now.
#[derive(Clone, Copy)]
pub(crate) struct Preview {
    /// What is wrong or worth knowing.
    pub(crate) found: Memo<Vec<Diagnostic>>,
    /// The files that would be generated; none while something is wrong.
    pub(crate) files: RwSignal<Option<Vec<PreviewFile>>>,
    /// Whether the files are those of a spec that has changed since.
    pub(crate) is_behind: RwSignal<bool>,
}

/// A file that would be generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PreviewFile {
    /// Its path in the project.
    pub(crate) path: String,
    /// Its text.
    pub(crate) content: String,
    /// Whether the last change of the spec changed it.
    pub(crate) is_changed: bool,
}

impl Preview {
    /// Follows the draft, for the calling component's lifetime.
    pub(crate) fn provide(draft: Draft, matrix: InstanceMatrix) -> Self {
        let found = Memo::new(move |_| {
            draft.spec.with(|spec| spec.as_ref().map(|spec| matrix.diagnose(spec)).unwrap_or_default())
        });
        let files = RwSignal::new(None);
        let is_behind = RwSignal::new(false);
        let timer = StoredValue::new(None::<TimeoutHandle>);
        let generate = move || {
            // The page may be gone by now.
            let Some(spec) = draft.spec.try_get_untracked() else { return };
            let made = spec.and_then(|spec| gantry_generator::emit(&spec).ok());
            let before = files.try_update_untracked(Option::take).flatten();
            files.try_set(made.map(|made| compared(made, before.as_deref())));
            is_behind.try_set(false);
        };
        Effect::new(move |_| {
            draft.spec.track();
            if !is_behind.get_untracked() {
                is_behind.set(true);
            }
            if let Some(timer) = timer.get_value() {
                timer.clear();
            }
            timer.set_value(set_timeout_with_handle(generate, REST).ok());
        });
        on_cleanup(move || {
            if let Some(timer) = timer.try_get_value().flatten() {
                timer.clear();
            }
        });
        let preview = Self { found, files, is_behind };
        provide_context(preview);
        preview
    }

    /// The one that was provided.
    pub(crate) fn expect() -> Self {
        expect_context()
    }
}

/// The files, and which of them are not as they were.
fn compared(files: Vec<File>, before: Option<&[PreviewFile]>) -> Vec<PreviewFile> {
    let is_changed = |file: &File| {
        before.is_some_and(|before| !before.iter().any(|old| old.path == file.path && old.content == file.content))
    };
    files
        .into_iter()
        .map(|file| PreviewFile { is_changed: is_changed(&file), path: file.path, content: file.content })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_came_or_changed_is_marked_and_none_at_first() {
        let file = |path: &str, content: &str| File { path: path.to_owned(), content: content.to_owned() };
        let first = compared(vec![file("a", "1"), file("b", "1")], None);
        assert!(first.iter().all(|file| !file.is_changed));
        let second = compared(vec![file("a", "1"), file("b", "2"), file("c", "1")], Some(&first));
        assert_eq!(second.iter().map(|file| file.is_changed).collect::<Vec<_>>(), [false, true, true]);
    }
}
