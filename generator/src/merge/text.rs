//! Two changed versions of one text brought together, line by line.

use std::ops::Range;

use super::lines::{Change, changes, lines};

/// The line before your version of a place where both changed the same.
pub const MARK_YOURS: &str = "<<<<<<< yours";
/// The line between your version and the generator's.
pub const MARK_BETWEEN: &str = "=======";
/// The line after the generator's version.
pub const MARK_GENERATED: &str = ">>>>>>> generated";

/// Two versions brought together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedText {
    /// The text; where the two are at odds it has both, between the lines [`MARK_YOURS`],
    /// [`MARK_BETWEEN`] and [`MARK_GENERATED`].
    pub text: String,
    /// The text with yours wherever the two are at odds.
    pub yours: String,
    /// The text with the generator's wherever the two are at odds.
    pub generated: String,
    /// In how many places they are at odds. With none, the three texts are the same.
    pub conflicts: usize,
}

/// Brings `mine` and `theirs` together, which both come from `base`.
///
/// What one side changed is taken. Where both changed the same lines, or lines without one between
/// them that stayed, they are at odds unless they made the same of it, as in git: two changes that
/// touch may well be about the same thing.
pub fn merge_text(base: &str, mine: &str, theirs: &str) -> MergedText {
    let (base, mine, theirs) = (lines(base), lines(mine), lines(theirs));
    let mut my = Side::new(&mine, changes(&base, &mine));
    let mut their = Side::new(&theirs, changes(&base, &theirs));
    let mut merged = MergedText::default();
    let mut done = 0;
    while let Some(start) = my.next_start().into_iter().chain(their.next_start()).min() {
        merged.both_have(&base[done..start]);
        // The place grows while a change of either side touches it.
        let mut end = start;
        let (mut by_me, mut by_them) = (false, false);
        loop {
            let mine_touches = my.take_touching(&mut end);
            let theirs_touch = their.take_touching(&mut end);
            by_me |= mine_touches;
            by_them |= theirs_touch;
            if !mine_touches && !theirs_touch {
                break;
            }
        }
        let (my_lines, their_lines) = (my.lines_of(start..end), their.lines_of(start..end));
        match (by_me, by_them) {
            (true, false) => merged.both_have(my_lines),
            (false, true) => merged.both_have(their_lines),
            _ => merged.one_of(my_lines, their_lines),
        }
        done = end;
    }
    merged.both_have(&base[done..]);
    merged
}

/// Whether a text has a line that begins or ends a place where the two are at odds.
pub fn has_marks(text: &str) -> bool {
    text.lines().any(|line| line == MARK_YOURS || line == MARK_GENERATED)
}

/// One of the two versions, read from its first change to its last.
struct Side<'a> {
    lines: &'a [&'a str],
    changes: Vec<Change>,
    /// How many changes were taken.
    taken: usize,
    /// How many lines longer than the base this version was before the place that is looked at, and is now.
    longer_before: isize,
    longer_now: isize,
}

impl<'a> Side<'a> {
    fn new(lines: &'a [&'a str], changes: Vec<Change>) -> Self {
        Self { lines, changes, taken: 0, longer_before: 0, longer_now: 0 }
    }

    /// Where in the base the next change begins.
    fn next_start(&self) -> Option<usize> {
        self.changes.get(self.taken).map(|change| change.before.start)
    }

    /// Takes the next change if it touches the place that ends at `end`, and moves the end.
    fn take_touching(&mut self, end: &mut usize) -> bool {
        let Some(change) = self.changes.get(self.taken).filter(|change| change.before.start <= *end) else {
            return false;
        };
        *end = (*end).max(change.before.end);
        self.longer_now += change.after.len() as isize - change.before.len() as isize;
        self.taken += 1;
        true
    }

    /// What this version made of a place of the base, all of whose changes were taken.
    fn lines_of(&mut self, place: Range<usize>) -> &'a [&'a str] {
        let start = place.start.saturating_add_signed(self.longer_before);
        let end = place.end.saturating_add_signed(self.longer_now);
        self.longer_before = self.longer_now;
        &self.lines[start..end]
    }
}

impl MergedText {
    fn both_have(&mut self, lines: &[&str]) {
        for line in lines {
            push_line(&mut self.text, line);
            push_line(&mut self.yours, line);
            push_line(&mut self.generated, line);
        }
    }

    fn one_of(&mut self, mine: &[&str], theirs: &[&str]) {
        // What both made the same at the beginning and at the end is not at odds.
        let before = mine.iter().zip(theirs).take_while(|(mine, theirs)| mine == theirs).count();
        let (start, mine) = mine.split_at(before);
        let theirs = &theirs[before..];
        let after = mine.iter().rev().zip(theirs.iter().rev()).take_while(|(mine, theirs)| mine == theirs).count();
        let (mine, rest) = mine.split_at(mine.len() - after);
        let theirs = &theirs[..theirs.len() - after];
        self.both_have(start);
        if !(mine.is_empty() && theirs.is_empty()) {
            self.conflicts += 1;
            push_mark(&mut self.text, MARK_YOURS);
            for line in mine {
                push_line(&mut self.text, line);
                push_line(&mut self.yours, line);
            }
            push_mark(&mut self.text, MARK_BETWEEN);
            for line in theirs {
                push_line(&mut self.text, line);
                push_line(&mut self.generated, line);
            }
            push_mark(&mut self.text, MARK_GENERATED);
        }
        self.both_have(rest);
    }
}

/// Adds a line. The last line of a text may have no end; where another follows, it needs one.
fn push_line(text: &mut String, line: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
}

fn push_mark(text: &mut String, mark: &str) {
    push_line(text, mark);
    text.push('\n');
}
