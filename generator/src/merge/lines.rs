//! Texts as lines, and where two texts differ.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

/// A place where two texts differ: lines of the one against lines of the other, either may be none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Which lines of the older text went.
    pub(super) before: Range<usize>,
    /// Which lines of the newer text came.
    pub(super) after: Range<usize>,
}

/// The lines of a text, each with its end; put together they are the text again.
pub(super) fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// How many lines, of both texts together, are compared in detail. Beyond that a text that repeats itself
/// makes any way of comparing take minutes; what is between the first and the last difference is
/// one change then, which is coarse and true.
const COMPARED_IN_DETAIL: usize = 20_000;

/// Where two texts differ, in order; between two changes there is at least one line that both have.
pub(super) fn changes(before: &[&str], after: &[&str]) -> Vec<Change> {
    compared(before, after, false)
}

/// Like [`changes`], with each change moved to where people would have made it.
pub(super) fn changes_to_look_at(before: &[&str], after: &[&str]) -> Vec<Change> {
    compared(before, after, true)
}

fn compared(before: &[&str], after: &[&str], to_look_at: bool) -> Vec<Change> {
    // What both begin and end with needs no comparing.
    let start = before.iter().zip(after).take_while(|(before, after)| before == after).count();
    let (before_rest, after_rest) = (&before[start..], &after[start..]);
    let end =
        before_rest.iter().rev().zip(after_rest.iter().rev()).take_while(|(before, after)| before == after).count();
    let (before_end, after_end) = (before.len() - end, after.len() - end);
    if start == before_end && start == after_end {
        return Vec::new();
    }
    if (before_end - start) + (after_end - start) > COMPARED_IN_DETAIL {
        return vec![Change { before: start..before_end, after: start..after_end }];
    }
    let mut input = InternedInput::default();
    input.update_before(before.iter().copied());
    input.update_after(after.iter().copied());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    if to_look_at {
        diff.postprocess_lines(&input);
    }
    let range = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks().map(|hunk| Change { before: range(hunk.before), after: range(hunk.after) }).collect()
}
