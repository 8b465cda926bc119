//! Bringing edits together with what the generator writes, whatever the texts: nothing of either side is
//! lost, and what only one side changed is taken as it is.

#![allow(clippy::unwrap_used, reason = "a test that fails by unwrapping has said what it needs to say")]

use std::collections::{BTreeMap, BTreeSet};

use gantry_domain::api::revision::ConflictKind;
use gantry_generator::merge::{MARK_BETWEEN, MARK_GENERATED, MARK_YOURS, Texts, has_marks, merge, merge_text};
use proptest::prelude::*;

/// Texts of few different lines, so that they repeat themselves and one another; some end without an end of line.
fn text() -> impl Strategy<Value = String> {
    (prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "d", "", "}", "e\r"]), 0..14), any::<bool>())
        .prop_map(|(lines, ends)| {
            let text = lines.join("\n");
            if ends && !lines.is_empty() { text + "\n" } else { text }
        })
}

/// A text that was made of another by changing a few lines to what no other text has.
fn edited(base: String, side: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8), 0..4).prop_map(move |edits| {
        let mut lines: Vec<String> = base.split_inclusive('\n').map(str::to_owned).collect();
        for (number, (place, kind)) in edits.into_iter().enumerate() {
            let new = format!("{side} {number}\n");
            let at = place.index(lines.len() + 1);
            match kind {
                0 => lines.insert(at, new),
                1 if at < lines.len() => lines[at] = new,
                _ if at < lines.len() => drop(lines.remove(at)),
                _ => {}
            }
        }
        lines.concat()
    })
}

fn three() -> impl Strategy<Value = (String, String, String)> {
    prop_oneof![
        (text(), text(), text()),
        text().prop_flat_map(|base| (Just(base.clone()), edited(base.clone(), "mine"), edited(base, "theirs"))),
    ]
}

fn lines(text: &str) -> BTreeSet<&str> {
    text.split('\n').collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_one_side_left_alone_is_the_other_sides((base, mine, theirs) in three()) {
        let unchanged = merge_text(&base, &mine, &base);
        prop_assert_eq!((unchanged.text.as_str(), unchanged.conflicts), (mine.as_str(), 0));
        let unedited = merge_text(&base, &base, &theirs);
        prop_assert_eq!((unedited.text.as_str(), unedited.conflicts), (theirs.as_str(), 0));
        let agreed = merge_text(&base, &mine, &mine);
        prop_assert_eq!((agreed.text.as_str(), agreed.conflicts), (mine.as_str(), 0));
    }

    #[test]
    fn no_line_of_either_side_is_lost((base, mine, theirs) in three()) {
        let merged = merge_text(&base, &mine, &theirs);
        let known = lines(&base);
        for line in lines(&mine).difference(&known) {
            prop_assert!(lines(&merged.text).contains(line), "{:?} of mine is not in {:?}", line, merged.text);
            prop_assert!(lines(&merged.yours).contains(line), "{:?} of mine is not in {:?}", line, merged.yours);
        }
        for line in lines(&theirs).difference(&known) {
            prop_assert!(lines(&merged.text).contains(line), "{:?} of theirs is not in {:?}", line, merged.text);
            prop_assert!(lines(&merged.generated).contains(line), "{:?} of theirs is not in {:?}", line, merged.generated);
        }
    }

    #[test]
    fn the_sides_are_treated_alike((base, mine, theirs) in three()) {
        let merged = merge_text(&base, &mine, &theirs);
        let turned = merge_text(&base, &theirs, &mine);
        prop_assert_eq!(merged.conflicts, turned.conflicts);
        prop_assert_eq!(&merged.yours, &turned.generated);
        prop_assert_eq!(&merged.generated, &turned.yours);
    }

    #[test]
    fn marks_stand_around_every_place_at_odds_and_nowhere_else((base, mine, theirs) in three()) {
        let merged = merge_text(&base, &mine, &theirs);
        prop_assert_eq!(merged.text.matches(MARK_YOURS).count(), merged.conflicts);
        prop_assert_eq!(merged.text.matches(MARK_BETWEEN).count(), merged.conflicts);
        prop_assert_eq!(merged.text.matches(MARK_GENERATED).count(), merged.conflicts);
        prop_assert_eq!(has_marks(&merged.text), merged.conflicts > 0);
        if merged.conflicts == 0 {
            prop_assert_eq!(&merged.yours, &merged.text);
            prop_assert_eq!(&merged.generated, &merged.text);
        }
        // Who takes one side of every place by hand comes to the text that taking that side gives.
        let (yours, generated) = (taken(&merged.text, true), taken(&merged.text, false));
        prop_assert_eq!(yours.trim_end_matches('\n'), merged.yours.trim_end_matches('\n'));
        prop_assert_eq!(generated.trim_end_matches('\n'), merged.generated.trim_end_matches('\n'));
    }

    #[test]
    fn no_file_of_mine_is_lost_and_every_conflict_knows_both_sides(
        base in files(), mine in files(), theirs in files()
    ) {
        let merged = merge(&texts(&base), &texts(&mine), &texts(&theirs));
        let now: BTreeMap<&str, &str> =
            merged.files.iter().map(|file| (file.path.as_str(), file.content.as_str())).collect();
        for (path, content) in &mine {
            if base.get(path) != Some(content) {
                let kept = now.get(path.as_str()).copied();
                let conflict = merged.conflicts.iter().find(|found| found.conflict.path == *path);
                let is_combined = merged.combined.contains(path);
                prop_assert!(kept == Some(content) || conflict.is_some() || is_combined, "{path}: {kept:?}");
            }
        }
        for found in &merged.conflicts {
            let path = found.conflict.path.as_str();
            let (has_mine, has_theirs) = (mine.contains_key(path), theirs.contains_key(path));
            let expected = match found.conflict.kind {
                ConflictKind::Text | ConflictKind::Added => (true, true),
                ConflictKind::Deleted => (false, true),
                ConflictKind::NoLongerGenerated => (true, false),
            };
            prop_assert_eq!((has_mine, has_theirs), expected);
            prop_assert_eq!((found.yours.is_some(), found.generated.is_some()), expected);
            prop_assert_eq!(now.contains_key(path), has_mine);
        }
        let unchanged = merge(&texts(&base), &texts(&mine), &texts(&base));
        prop_assert_eq!(unchanged.files.len(), mine.len());
        prop_assert!(unchanged.conflicts.is_empty());
    }
}

fn files() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(
        prop::sample::select(vec!["a.py", "b/c.md", "d", "e.toml"]).prop_map(str::to_owned),
        text(),
        0..4,
    )
}

fn texts(files: &BTreeMap<String, String>) -> Texts<'_> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

/// A text with one side of every marked place.
fn taken(text: &str, yours: bool) -> String {
    let mut result = String::new();
    // Before, in yours, in the generator's.
    let mut side = None;
    for line in text.split_inclusive('\n') {
        match line.trim_end_matches('\n') {
            MARK_YOURS => side = Some(true),
            MARK_BETWEEN => side = Some(false),
            MARK_GENERATED => side = None,
            _ if side.is_none() || side == Some(yours) => result.push_str(line),
            _ => {}
        }
    }
    result
}

#[test]
fn a_large_file_that_was_rewritten_is_merged_in_no_time() {
    // Nothing in common, everything in common many times over, and the most that is compared in detail.
    let numbered = |from: usize, count: usize| -> String {
        (from..from + count).map(|number| format!("line {number}\n")).collect()
    };
    let repeated = |line: &str, count: usize| line.repeat(count);
    let began = std::time::Instant::now();
    assert_eq!(merge_text(&numbered(0, 60_000), &numbered(100_000, 60_000), &numbered(200_000, 60_000)).conflicts, 1);
    let large = merge_text(&repeated("a\nb\n", 90_000), &repeated("b\na\n", 80_000), &repeated("b\nb\na\n", 60_000));
    assert!(!large.text.is_empty());
    let small = merge_text(&repeated("a\nb\n", 5_000), &repeated("b\na\n", 4_900), &repeated("b\nb\na\n", 3_200));
    assert!(!small.text.is_empty());
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "{:?} (unoptimised)", began.elapsed());
    // An edit at the end of a long file is found whatever its length.
    let long = numbered(0, 30_000);
    let merged = merge_text(&long, &(long.clone() + "mine\n"), &format!("theirs\n{long}"));
    assert_eq!((merged.text, merged.conflicts), (format!("theirs\n{long}mine\n"), 0));
}
