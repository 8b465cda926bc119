//! What happened in a write, in one sentence, made of what did happen.

use gantry_domain::api::revision::ResolveTake;

/// What the merge of a regeneration or of a change of the spec did to a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MergeCounts {
    /// Files that are other than before, those in conflict left out and the spec's own too.
    pub(super) changed: usize,
    /// Those of them into which edits and changes of the generator were worked together.
    pub(super) combined: usize,
    /// Files that wait for a decision.
    pub(super) conflicts: usize,
}

/// The first revision.
pub(in crate::project) const CREATED: &str = "The project was created.";

pub(super) fn of_spec_change(counts: MergeCounts) -> String {
    with_counts("The spec was changed", "no other file follows from it", counts)
}

pub(super) fn of_regeneration(version: &str, counts: MergeCounts) -> String {
    with_counts(&format!("The files were generated anew by Gantry {version}"), "the edits cover what changed", counts)
}

pub(super) fn of_restoring(number: i64) -> String {
    format!("Revision {number} was restored.")
}

pub(super) fn of_edit(path: &str, was_there: bool, is_there: bool) -> String {
    match (was_there, is_there) {
        (true, true) => format!("{path} was edited."),
        (false, _) => format!("{path} was added."),
        (true, false) => format!("{path} was deleted."),
    }
}

pub(super) fn of_reverting(path: &str) -> String {
    format!("{path} is what the generator wrote again.")
}

pub(super) fn of_resolving(path: &str, take: ResolveTake) -> String {
    let how = match take {
        ResolveTake::Yours => "yours was kept",
        ResolveTake::Generated => "the generator's was taken",
        ResolveTake::Content => "it was brought together by hand",
    };
    format!("The conflict in {path} was resolved: {how}.")
}

fn with_counts(what: &str, nothing: &str, counts: MergeCounts) -> String {
    let mut parts = Vec::new();
    if counts.changed > 0 {
        let mut part = format!("{} changed with it", files(counts.changed));
        if counts.combined > 0 {
            part.push_str(&format!(", {} of them together with your edits", counts.combined));
        }
        parts.push(part);
    }
    if counts.conflicts > 0 {
        let verb = if counts.conflicts == 1 { "waits" } else { "wait" };
        parts.push(format!("{} {verb} for a decision", files(counts.conflicts)));
    }
    if parts.is_empty() {
        return format!("{what}; {nothing}.");
    }
    format!("{what}: {}.", parts.join("; "))
}

fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_what_happened_and_no_more() {
        let counts = |changed, combined, conflicts| MergeCounts { changed, combined, conflicts };
        assert_eq!(of_spec_change(counts(0, 0, 0)), "The spec was changed; no other file follows from it.");
        assert_eq!(of_spec_change(counts(1, 0, 0)), "The spec was changed: 1 file changed with it.");
        assert_eq!(
            of_regeneration("0.2.0", counts(3, 1, 2)),
            "The files were generated anew by Gantry 0.2.0: 3 files changed with it, 1 of them together with your edits; \
             2 files wait for a decision."
        );
        assert_eq!(of_spec_change(counts(0, 0, 1)), "The spec was changed: 1 file waits for a decision.");
        assert_eq!(of_edit("a.py", true, false), "a.py was deleted.");
    }
}
