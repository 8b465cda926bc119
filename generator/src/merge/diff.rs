//! What changed between two lists of files, for people to look at.

use std::collections::BTreeSet;

use gantry_domain::api::revision::{DiffHunk, DiffLine, DiffLineKind, FileChange, FileDiff};

use super::Texts;
use super::lines::{Change, changes_to_look_at, lines};

/// How many lines of a file's changes are shown.
pub const LINES_SHOWN: usize = 2_000;

/// How many unchanged lines stand around a change.
const CONTEXT: usize = 3;

/// The files that differ, by path.
pub fn diff(from: &Texts<'_>, to: &Texts<'_>) -> Vec<FileDiff> {
    let paths: BTreeSet<&str> = from.keys().chain(to.keys()).copied().collect();
    paths
        .into_iter()
        .filter_map(|path| {
            let (from, to) = (from.get(path).copied(), to.get(path).copied());
            let change = match (from, to) {
                (None, Some(_)) => FileChange::Added,
                (Some(_), None) => FileChange::Removed,
                (from, to) if from == to => return None,
                _ => FileChange::Changed,
            };
            Some(file_diff(path, change, from.unwrap_or_default(), to.unwrap_or_default()))
        })
        .collect()
}

fn file_diff(path: &str, change: FileChange, from: &str, to: &str) -> FileDiff {
    let (from, to) = (lines(from), lines(to));
    let changes = changes_to_look_at(&from, &to);
    let count = |lines: usize| i64::try_from(lines).unwrap_or(i64::MAX);
    let mut diff = FileDiff {
        path: path.to_owned(),
        change,
        added_lines: count(changes.iter().map(|change| change.after.len()).sum()),
        removed_lines: count(changes.iter().map(|change| change.before.len()).sum()),
        hunks: Vec::new(),
        truncated: false,
    };
    let mut left = LINES_SHOWN;
    // Changes with so few lines between them that their surroundings meet are shown together.
    for together in changes.chunk_by(|one, next| next.before.start - one.before.end <= 2 * CONTEXT) {
        if left == 0 {
            diff.truncated = true;
            break;
        }
        let (hunk, is_whole) = hunk(&from, &to, together, left);
        left -= hunk.lines.len();
        diff.hunks.push(hunk);
        diff.truncated |= !is_whole;
    }
    diff
}

/// Changes with what surrounds them, at most so many lines, and whether that was all.
fn hunk(from: &[&str], to: &[&str], changes: &[Change], most: usize) -> (DiffHunk, bool) {
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
        return (DiffHunk { from_line: 0, to_line: 0, lines: Vec::new() }, true);
    };
    let context_before = first.before.start.min(CONTEXT);
    let (from_start, to_start) = (first.before.start - context_before, first.after.start - context_before);
    let from_end = from.len().min(last.before.end + CONTEXT);
    let mut shown: Vec<(DiffLineKind, &str)> = Vec::new();
    let mut done = from_start;
    for change in changes {
        let kinds = [
            (DiffLineKind::Context, &from[done..change.before.start]),
            (DiffLineKind::Removed, &from[change.before.clone()]),
            (DiffLineKind::Added, &to[change.after.clone()]),
        ];
        for (kind, lines) in kinds {
            shown.extend(lines.iter().map(|line| (kind, *line)));
        }
        done = change.before.end;
    }
    shown.extend(from[done..from_end].iter().map(|line| (DiffLineKind::Context, *line)));
    let is_whole = shown.len() <= most;
    let lines = shown
        .into_iter()
        .take(most)
        .map(|(kind, line)| DiffLine { kind, text: line.strip_suffix('\n').unwrap_or(line).to_owned() })
        .collect();
    let number = |lines: &[&str], start: usize| i64::try_from(if lines.is_empty() { 0 } else { start + 1 });
    let hunk = DiffHunk {
        from_line: number(from, from_start).unwrap_or(i64::MAX),
        to_line: number(to, to_start).unwrap_or(i64::MAX),
        lines,
    };
    (hunk, is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(from: &str, to: &str) -> FileDiff {
        let mut found = diff(&[("a", from)].into(), &[("a", to)].into());
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    fn shown(hunk: &DiffHunk) -> Vec<String> {
        let sign = |kind| match kind {
            DiffLineKind::Context => ' ',
            DiffLineKind::Added => '+',
            DiffLineKind::Removed => '-',
        };
        hunk.lines.iter().map(|line| format!("{}{}", sign(line.kind), line.text)).collect()
    }

    fn numbered(count: usize) -> String {
        (1..=count).map(|number| format!("{number}\n")).collect()
    }

    #[test]
    fn a_changed_line_is_shown_with_three_lines_around_it() {
        let text = numbered(20);
        let found = between(&text, &text.replace("10\n", "ten\n"));
        assert_eq!((found.change, found.added_lines, found.removed_lines), (FileChange::Changed, 1, 1));
        assert_eq!(found.hunks.len(), 1);
        assert_eq!((found.hunks[0].from_line, found.hunks[0].to_line), (7, 7));
        assert_eq!(shown(&found.hunks[0]), [" 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13"]);
        assert!(!found.truncated);
    }

    #[test]
    fn changes_close_to_one_another_are_shown_together_and_others_apart() {
        let text = numbered(40);
        let near = between(&text, &text.replace("10\n", "").replace("17\n", "x\n"));
        assert_eq!(near.hunks.len(), 1);
        let far = between(&text, &text.replace("10\n", "").replace("18\n", "x\n"));
        assert_eq!(far.hunks.len(), 2);
        assert_eq!((far.hunks[1].from_line, far.hunks[1].to_line), (15, 14));
    }

    #[test]
    fn files_that_came_and_went_are_told_apart_from_changed_ones_and_equal_ones_left_out() {
        let from: Texts<'_> = [("gone", "1\n2\n"), ("same", "x\n")].into();
        let to: Texts<'_> = [("new", "1\n"), ("same", "x\n"), ("empty", "")].into();
        let found = diff(&from, &to);
        let told: Vec<_> =
            found.iter().map(|file| (file.path.as_str(), file.change, file.added_lines, file.removed_lines)).collect();
        assert_eq!(
            told,
            [("empty", FileChange::Added, 0, 0), ("gone", FileChange::Removed, 0, 2), ("new", FileChange::Added, 1, 0)]
        );
        assert_eq!((found[1].hunks[0].from_line, found[1].hunks[0].to_line), (1, 0));
        assert_eq!(shown(&found[1].hunks[0]), ["-1", "-2"]);
    }

    #[test]
    fn a_file_with_many_changes_is_cut_and_says_so() {
        let found = between("", &numbered(LINES_SHOWN + 1));
        assert!(found.truncated);
        assert_eq!(found.hunks[0].lines.len(), LINES_SHOWN);
        assert_eq!(found.added_lines, 2_001);
        let scattered: String = (1..=9_000).map(|n| if n % 9 == 0 { "x\n".into() } else { format!("{n}\n") }).collect();
        let found = between(&numbered(9_000), &scattered);
        assert!(found.truncated);
        assert_eq!(found.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>(), LINES_SHOWN);
        assert_eq!((found.added_lines, found.removed_lines), (1_000, 1_000));
        assert!(!between("", &numbered(LINES_SHOWN)).truncated);
    }
}
