//! The lines that mark a conflict in a text, and what becomes of them.

use std::ops::Range;

/// What begins the edited version of a place.
const YOURS: &str = "<<<<<<< yours";
/// What stands between the two versions.
const MIDDLE: &str = "=======";
/// What ends the generated version of a place.
const GENERATED: &str = ">>>>>>> generated";

/// A place that both changed, by its lines, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The line that begins it.
    pub(super) begin: usize,
    /// The line between the two versions.
    pub(super) middle: usize,
    /// The line that ends it.
    pub(super) end: usize,
}

/// Which version of a place is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// The edited one.
    Yours,
    /// The generated one.
    Generated,
    /// The edited one, and the generated one after it.
    Both,
}

impl Place {
    /// All its lines, those that mark it included.
    pub(super) fn lines(&self) -> Range<usize> {
        self.begin..self.end + 1
    }

    /// The lines of the edited version.
    pub(super) fn yours(&self) -> Range<usize> {
        self.begin + 1..self.middle
    }

    /// The lines of the generated version.
    pub(super) fn generated(&self) -> Range<usize> {
        self.middle + 1..self.end
    }

    /// What stands there when a version is taken.
    pub(super) fn taken(&self, text: &str, take: Take) -> String {
        let lines = |range: Range<usize>| -> String {
            text.split_inclusive('\n').skip(range.start).take(range.len()).collect()
        };
        match take {
            Take::Yours => lines(self.yours()),
            Take::Generated => lines(self.generated()),
            Take::Both => lines(self.yours()) + &lines(self.generated()),
        }
    }
}

/// The places of a text that are marked, in order. A mark whose partners are missing is not one.
pub(super) fn places(text: &str) -> Vec<Place> {
    let (mut found, mut begin, mut middle) = (Vec::new(), None, None);
    for (number, line) in text.lines().enumerate() {
        match line {
            YOURS => (begin, middle) = (Some(number), None),
            MIDDLE if begin.is_some() && middle.is_none() => middle = Some(number),
            GENERATED => {
                if let (Some(begin), Some(middle)) = (begin, middle) {
                    found.push(Place { begin, middle, end: number });
                }
                (begin, middle) = (None, None);
            }
            _ => {}
        }
    }
    found
}

/// The first line that still looks like a mark, counted from 0: a text is decided when there is none.
pub(super) fn first_mark(text: &str) -> Option<usize> {
    text.lines().position(|line| line == YOURS || line == GENERATED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "a\n<<<<<<< yours\nb\nc\n=======\nd\n>>>>>>> generated\ne\n<<<<<<< yours\n=======\nf\n>>>>>>> generated\n";

    #[test]
    fn marked_places_are_found_in_order() {
        let found = places(TEXT);
        assert_eq!(found, [Place { begin: 1, middle: 4, end: 6 }, Place { begin: 8, middle: 9, end: 11 }]);
        assert_eq!((found[0].yours(), found[0].generated()), (2..4, 5..6));
        assert_eq!(found[1].yours(), 9..9);
    }

    #[test]
    fn a_version_of_a_place_is_taken() {
        let found = places(TEXT);
        assert_eq!(found[0].taken(TEXT, Take::Yours), "b\nc\n");
        assert_eq!(found[0].taken(TEXT, Take::Generated), "d\n");
        assert_eq!(found[0].taken(TEXT, Take::Both), "b\nc\nd\n");
        assert_eq!(found[1].taken(TEXT, Take::Yours), "");
    }

    #[test]
    fn underlined_headings_are_no_marks() {
        assert!(places("Title\n=======\ntext\n").is_empty());
        assert_eq!(first_mark("Title\n=======\ntext\n"), None);
        // Half a mark is no place, but the text is not decided either.
        assert!(places("<<<<<<< yours\na\n").is_empty());
        assert_eq!(first_mark("a\n>>>>>>> generated\n"), Some(1));
    }
}
