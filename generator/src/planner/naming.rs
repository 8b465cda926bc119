//! What a project is called.

use gantry_domain::Slug;
use gantry_domain::matrix::Diagnostic;

use super::lexicon::{Shape, Words};
use super::remark;

/// Words that say nothing about what an agent is.
const EMPTY_WORDS: &str = "
a about agent ai all also an and any are as ask asks assistant at be bot build by can create do does each every for
from generate get gets give given gives go has have help helps her him his how i if in into is it its just let like
make makes me my need needs new not of on one or our please return returns say says should so some such system tell
tells than that the their them then there these they this to use used user users uses using want we what when where
which who will with without would you your
";

/// What the person calls the agent, when the sentence begins with it: "A study helper that …".
///
/// One to four words between the article and what the agent does; words that fit every agent alone
/// are no name.
pub(super) fn called(prompt: &str) -> Option<String> {
    let sentence = prompt.trim_start();
    let rest = ["a ", "an ", "the "].iter().find_map(|article| {
        let start = sentence.get(..article.len())?;
        start.eq_ignore_ascii_case(article).then(|| &sentence[article.len()..])
    })?;
    let end = rest.find(['.', ',', ':', ';', '\n', '(']).unwrap_or(rest.len());
    let mut words = Vec::new();
    let mut ended = end < rest.len();
    for word in rest[..end].split_whitespace() {
        if ["that", "which", "who", "for", "to", "with", "and", "using", "in", "on"].contains(&word) {
            ended = true;
            break;
        }
        words.push(word);
    }
    let are_words = words.iter().all(|word| word.chars().all(|c| c.is_ascii_alphabetic() || c == '-'));
    let say_something = words.iter().any(|word| {
        let word = word.to_ascii_lowercase();
        !EMPTY_WORDS.split_whitespace().any(|empty| empty == word) && !["helper", "tool", "program"].contains(&&*word)
    });
    (ended && are_words && say_something && words.len() <= 4).then(|| words.join(" "))
}

/// The name that was decided if it can be one, else what the person calls the agent, else what the
/// shape is called, else the first words that say something.
pub(super) fn name(
    decided: Option<&str>,
    called: Option<&str>,
    shape: Option<&Shape>,
    words: &Words,
    remarks: &mut Vec<Diagnostic>,
    reasons: &mut Vec<String>,
) -> Slug {
    if let Some(decided) = decided.map(str::trim).filter(|name| !name.is_empty()) {
        let slug = slug_of(decided.split(|c: char| !c.is_ascii_alphanumeric()));
        match slug {
            Some(slug) if slug.as_str() == decided => {
                reasons.push(format!("Name {slug}: you chose it."));
                return slug;
            }
            Some(slug) => {
                remarks.push(remark(
                    "name_changed",
                    "/metadata/name",
                    format!("{decided:?} cannot be a name; {slug} is the nearest that can"),
                ));
                return slug;
            }
            None => {
                remarks.push(remark(
                    "name_changed",
                    "/metadata/name",
                    format!("{decided:?} cannot be a name: it needs a letter from a to z"),
                ));
            }
        }
    }
    if let Some(slug) = called.and_then(|called| slug_of(called.split([' ', '-']))) {
        reasons.push(format!("Name {slug}: that is what you call it."));
        return slug;
    }
    if let Some(slug) = shape.and_then(|shape| shape.slug.parse().ok()) {
        return slug;
    }
    let telling = words.iter().filter(|word| {
        word.len() > 2
            && word.chars().all(|c| c.is_ascii_alphabetic())
            && !EMPTY_WORDS.split_whitespace().any(|empty| empty == *word)
    });
    let mut parts: Vec<&str> = telling.take(2).collect();
    if !parts.is_empty() {
        reasons.push(format!("Name: made from {}.", super::lexicon::quoted(&parts)));
    }
    parts.push("agent");
    slug_of(parts.into_iter()).unwrap_or_else(fallback)
}

#[expect(clippy::expect_used, reason = "the word is a slug, and a test says so")]
fn fallback() -> Slug {
    "agent".parse().expect("a slug")
}

/// A slug of these parts: small letters, digits and single hyphens.
fn slug_of<'a>(parts: impl Iterator<Item = &'a str>) -> Option<Slug> {
    let joined = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let start = joined.find(|c: char| c.is_ascii_lowercase())?;
    let cut: String = joined[start..].chars().take(63).collect();
    cut.trim_end_matches('-').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_person_calls_it_is_its_name() {
        assert_eq!(called("A study helper that counts words").as_deref(), Some("study helper"));
        assert_eq!(called("a Weather-Bot for Oslo.").as_deref(), Some("Weather-Bot"));
        assert_eq!(called("An invoice checker, please").as_deref(), Some("invoice checker"));
        for nameless in [
            "An agent that counts",
            "Answers questions about a city",
            "A",
            "The",
            "a helper for me",
            "A 9 b that x",
            "a b c d e f that g",
        ] {
            assert_eq!(called(nameless), None, "{nameless}");
        }
    }

    #[test]
    fn anything_becomes_a_slug_or_nothing() {
        let slug = |text: &str| slug_of(text.split(|c: char| !c.is_ascii_alphanumeric())).map(String::from);
        assert_eq!(slug("My  Bot!").as_deref(), Some("my-bot"));
        assert_eq!(slug("9 lives"), Some("lives".to_owned()));
        assert_eq!(slug(&"x-".repeat(90)).map(|slug| slug.len()), Some(63));
        assert_eq!(slug("بوت"), None);
        assert_eq!(fallback().as_str(), "agent");
    }
}
