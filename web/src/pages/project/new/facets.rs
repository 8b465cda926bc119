//! By what the frameworks can be filtered, which ones that leaves, and what hides the others.

use std::collections::BTreeMap;

use gantry_domain::api::compatibility::{Compatibility, FrameworkEntry};
use gantry_domain::matrix::Pattern;
use serde::{Deserialize, Serialize};

/// One property of frameworks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Facet {
    /// Where it is at home; the spec keeps it.
    Cloud,
    /// How it thinks of an agent.
    Philosophy,
    /// The language that is generated.
    Language,
    /// Its licence.
    License,
    /// Whether a generated project ran with the chosen pattern.
    Evidence,
}

impl Facet {
    /// All of them, in the order of the rail.
    pub(crate) const ALL: [Self; 5] = [Self::Cloud, Self::Philosophy, Self::Language, Self::License, Self::Evidence];

    /// Its name.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Cloud => "Cloud",
            Self::Philosophy => "Philosophy",
            Self::Language => "Language",
            Self::License => "Licence",
            Self::Evidence => "Evidence",
        }
    }

    /// The words for no choice.
    pub(crate) fn any(self) -> &'static str {
        match self {
            Self::Cloud => "Any cloud",
            Self::Evidence => "Verified or not",
            _ => "Any",
        }
    }

    /// The values that frameworks of a matrix can have, each with its words.
    pub(crate) fn options(self, matrix: &Compatibility) -> Vec<(String, String)> {
        let mut options: Vec<(String, String)> = match self {
            Self::Cloud => matrix.clouds.iter().map(|cloud| (cloud.id.clone(), cloud.name.clone())).collect(),
            Self::Philosophy => {
                matrix.philosophies.iter().map(|known| (known.id.clone(), known.name.clone())).collect()
            }
            Self::Language => [("python", "Python"), ("typescript", "TypeScript")]
                .map(|(value, label)| (value.to_owned(), label.to_owned()))
                .to_vec(),
            Self::License => {
                matrix.frameworks.iter().map(|entry| (entry.license.clone(), entry.license.clone())).collect()
            }
            Self::Evidence => vec![(VERIFIED.to_owned(), "Verified".to_owned())],
        };
        if self == Self::License {
            options.sort();
            options.dedup();
        }
        options
    }

    /// Whether a framework has a value of this facet.
    fn has(self, entry: &FrameworkEntry, pattern: Option<Pattern>, value: &str) -> bool {
        match self {
            Self::Cloud => entry.clouds.iter().any(|cloud| cloud == value),
            Self::Philosophy => entry.philosophy == value,
            Self::Language => entry.language.as_str() == value,
            Self::License => entry.license == value,
            Self::Evidence => entry
                .patterns
                .iter()
                .any(|cell| cell.verified_on.is_some() && pattern.is_none_or(|pattern| pattern == cell.pattern)),
        }
    }
}

const VERIFIED: &str = "verified";

/// What is wanted of a framework: a value for some of the facets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Selection(BTreeMap<Facet, String>);

impl Selection {
    /// The value that is wanted of a facet, if one is.
    pub(crate) fn get(&self, facet: Facet) -> Option<&str> {
        self.0.get(&facet).map(String::as_str)
    }

    /// The same with another value of a facet, or with none.
    pub(crate) fn with(&self, facet: Facet, value: Option<String>) -> Self {
        let mut changed = self.clone();
        match value {
            Some(value) => changed.0.insert(facet, value),
            None => changed.0.remove(&facet),
        };
        changed
    }

    /// Whether nothing is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many facets have a value.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The facets that hide a framework; none of them shows it.
    pub(crate) fn hiding(&self, entry: &FrameworkEntry, pattern: Option<Pattern>) -> Vec<Facet> {
        self.0.iter().filter(|(facet, value)| !facet.has(entry, pattern, value)).map(|(facet, _)| *facet).collect()
    }

    /// How many frameworks are shown.
    pub(crate) fn count(&self, matrix: &Compatibility, pattern: Option<Pattern>) -> usize {
        matrix.frameworks.iter().filter(|entry| self.hiding(entry, pattern).is_empty()).count()
    }

    /// Each facet that hides something: its words, how many it hides, and how many would be shown without it.
    pub(crate) fn what_hides(&self, matrix: &Compatibility, pattern: Option<Pattern>) -> Vec<Hiding> {
        let hiding: Vec<Vec<Facet>> = matrix.frameworks.iter().map(|entry| self.hiding(entry, pattern)).collect();
        let one = |(facet, value): (&Facet, &String)| {
            let hidden = hiding.iter().filter(|facets| facets.contains(facet)).count();
            let words = facet.options(matrix).into_iter().find(|(known, _)| known == value).map(|(_, words)| words);
            let without = self.with(*facet, None).count(matrix, pattern);
            let words = words.unwrap_or_else(|| value.clone());
            (hidden > 0).then_some(Hiding { facet: *facet, words, hidden, without })
        };
        self.0.iter().filter_map(one).collect()
    }
}

/// What a facet hides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hiding {
    /// The facet.
    pub(crate) facet: Facet,
    /// The words of its value.
    pub(crate) words: String,
    /// How many frameworks it hides, whether or not another facet hides them too.
    pub(crate) hidden: usize,
    /// How many would be shown without it.
    pub(crate) without: usize,
}

#[cfg(test)]
mod tests {
    use gantry_domain::matrix::compatibility;

    use super::*;

    fn selection(values: &[(Facet, &str)]) -> Selection {
        values.iter().fold(Selection::default(), |all, (facet, value)| all.with(*facet, Some((*value).to_owned())))
    }

    #[test]
    fn every_option_of_the_matrix_shows_something_and_nothing_shows_all() {
        let matrix = compatibility();
        assert_eq!(Selection::default().count(matrix, None), matrix.frameworks.len());
        for facet in Facet::ALL {
            for (value, words) in facet.options(matrix) {
                assert!(selection(&[(facet, &value)]).count(matrix, None) > 0, "{words}");
            }
        }
    }

    #[test]
    fn a_selection_that_shows_nothing_says_what_hides_how_many() {
        let matrix = compatibility();
        let wanted = selection(&[(Facet::Language, "typescript"), (Facet::License, "Apache-2.0")]);
        assert_eq!(wanted.count(matrix, None), 0);
        let hides = wanted.what_hides(matrix, None);
        let of = |facet: Facet| hides.iter().find(|hiding| hiding.facet == facet).unwrap();
        let typescript = matrix.frameworks.iter().filter(|entry| entry.language.as_str() == "typescript").count();
        assert_eq!(of(Facet::Language).hidden, matrix.frameworks.len() - typescript);
        assert_eq!(of(Facet::License).without, typescript);
        assert_eq!(of(Facet::Language).words, "TypeScript");
    }

    #[test]
    fn evidence_is_of_the_chosen_pattern() {
        let mut matrix = compatibility().clone();
        for entry in &mut matrix.frameworks {
            for cell in &mut entry.patterns {
                cell.verified_on = (cell.pattern == Pattern::React).then(|| "2026-11-21".to_owned());
            }
        }
        let wanted = selection(&[(Facet::Evidence, VERIFIED)]);
        assert_eq!(wanted.count(&matrix, Some(Pattern::React)), matrix.frameworks.len());
        assert_eq!(wanted.count(&matrix, Some(Pattern::Graph)), 0);
    }
}
