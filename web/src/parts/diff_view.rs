//! What changed between two lists of files, one foldable block per file. Lines are built only for blocks
//! that are open, and only as many blocks open by themselves as stay quick to draw.

use std::sync::Arc;

use gantry_domain::api::revision::{DiffHunk, DiffLine, DiffLineKind, FileChange, FileDiff};
use leptos::prelude::*;

use super::field::unique_id;
use super::icon::{Icon, icon};
use super::pill::{Pill, Tone};

/// How many changed and surrounding lines are shown before anybody asks for more.
const OPEN_LINES: usize = 600;

/// What goes to the right of a file's name.
pub(crate) type FileActions = Arc<dyn Fn(&FileDiff) -> AnyView + Send + Sync>;

/// The changes of several files. `actions` gives what can be done with each.
pub(crate) fn diff_view(files: Vec<FileDiff>, actions: Option<FileActions>) -> AnyView {
    let summary = summary_of(&files);
    let mut budget = OPEN_LINES;
    let blocks = files
        .into_iter()
        .map(|file| {
            let lines = lines_of(&file);
            let is_open = lines <= budget;
            budget = budget.saturating_sub(lines);
            let actions = actions.as_ref().map(|actions| actions(&file));
            file_block(file, is_open, actions)
        })
        .collect_view();
    view! {
        <div class="diff">
            <p class="diff-summary muted number">{summary}</p>
            {blocks}
        </div>
    }
    .into_any()
}

fn lines_of(file: &FileDiff) -> usize {
    file.hunks.iter().map(|hunk| hunk.lines.len()).sum()
}

/// "3 files, 12 lines added, 4 removed".
fn summary_of(files: &[FileDiff]) -> String {
    let (added, removed) = totals(files);
    let many = if files.len() == 1 { "" } else { "s" };
    let lines = if added == 1 { "" } else { "s" };
    format!("{} file{many}, {added} line{lines} added, {removed} removed", files.len())
}

fn totals(files: &[FileDiff]) -> (i64, i64) {
    files.iter().fold((0, 0), |(added, removed), file| (added + file.added_lines, removed + file.removed_lines))
}

fn change_pill(change: FileChange) -> AnyView {
    let (tone, glyph, text) = match change {
        FileChange::Added => (Tone::Good, Icon::Plus, "Added"),
        FileChange::Removed => (Tone::Bad, Icon::Trash, "Removed"),
        FileChange::Changed => (Tone::Idle, Icon::Edit, "Changed"),
    };
    view! { <Pill tone glyph text/> }.into_any()
}

fn file_block(file: FileDiff, is_open: bool, actions: Option<AnyView>) -> AnyView {
    let open = RwSignal::new(is_open);
    let (path, change) = (file.path.clone(), file.change);
    let (added, removed) = (file.added_lines, file.removed_lines);
    let id = unique_id("diff");
    let lines_id = id.clone();
    let lines = move || open.get().then(|| file_lines(&file));
    view! {
        <section class="diff-file">
            <header class="diff-head">
                <button
                    type="button"
                    class="diff-toggle"
                    data-row=""
                    aria-expanded=move || open.get().to_string()
                    aria-controls=id
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    {icon(Icon::Forward)}
                    <code>{path}</code>
                </button>
                {change_pill(change)}
                <span class="diff-count number">
                    <span class="added"><span aria-hidden="true">"+"</span>{added}<span class="visually-hidden">" lines added"</span></span>
                    " "
                    <span class="removed"><span aria-hidden="true">"−"</span>{removed}<span class="visually-hidden">" lines removed"</span></span>
                </span>
                <span class="grow"></span>
                {actions}
            </header>
            <div id=lines_id>{lines}</div>
        </section>
    }
    .into_any()
}

fn file_lines(file: &FileDiff) -> AnyView {
    let cut = file.truncated.then(|| {
        view! { <p class="diff-note">"Only the first 2 000 lines are shown here. Open the file to see all of it."</p> }
    });
    if file.hunks.is_empty() {
        let text = match file.change {
            FileChange::Changed => "No line of its text changed.",
            _ => "It is empty.",
        };
        return view! { <p class="diff-note">{text}</p> }.into_any();
    }
    let hunks = file.hunks.iter().map(hunk_lines).collect_view();
    let label = format!("Changes of {}", file.path);
    view! {
        <div class="diff-lines" tabindex="0" role="region" aria-label=label><div class="diff-width">{hunks}</div></div>
        {cut}
    }
    .into_any()
}

fn hunk_lines(hunk: &DiffHunk) -> AnyView {
    let (mut from, mut to) = (hunk.from_line.max(1), hunk.to_line.max(1));
    let place = format!("Line {}", if hunk.to_line == 0 { hunk.from_line } else { hunk.to_line });
    let lines = hunk
        .lines
        .iter()
        .map(|line| {
            let (older, newer) = match line.kind {
                DiffLineKind::Context => (Some(from), Some(to)),
                DiffLineKind::Removed => (Some(from), None),
                DiffLineKind::Added => (None, Some(to)),
            };
            from += i64::from(older.is_some());
            to += i64::from(newer.is_some());
            line_view(line, older, newer)
        })
        .collect_view();
    view! { <div class="diff-gap">{place}</div> {lines} }.into_any()
}

/// Numbers and signs come from the style sheet, so that copied lines are code and nothing else; what they
/// say is in the elements for insertion and deletion too.
fn line_view(line: &DiffLine, older: Option<i64>, newer: Option<i64>) -> AnyView {
    let numbers = view! { <span class="diff-number" data-older=older data-newer=newer aria-hidden="true"></span> };
    let text = line.text.clone();
    match line.kind {
        DiffLineKind::Context => view! { <div class="diff-line">{numbers}<code>{text}</code></div> }.into_any(),
        DiffLineKind::Added => {
            view! { <div class="diff-line added">{numbers}<ins><code>{text}</code></ins></div> }.into_any()
        }
        DiffLineKind::Removed => {
            view! { <div class="diff-line removed">{numbers}<del><code>{text}</code></del></div> }.into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_files_and_lines() {
        let file = |added_lines, removed_lines| FileDiff {
            path: "a".to_owned(),
            change: FileChange::Changed,
            added_lines,
            removed_lines,
            hunks: Vec::new(),
            truncated: false,
        };
        assert_eq!(summary_of(&[file(1, 0)]), "1 file, 1 line added, 0 removed");
        assert_eq!(summary_of(&[file(5, 2), file(7, 2)]), "2 files, 12 lines added, 4 removed");
    }
}
