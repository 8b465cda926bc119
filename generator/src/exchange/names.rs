//! Names from elsewhere as names of ours.

use gantry_domain::Slug;
use gantry_domain::spec::is_python_identifier;

/// A project's name made of any text.
pub(super) fn slug(text: &str) -> Slug {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut name: String = words.join("-").chars().take(50).collect();
    while name.ends_with('-') {
        name.pop();
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name = format!("agent-{name}");
    }
    let name = name.trim_end_matches('-');
    name.parse().or_else(|_| "agent".parse()).unwrap_or_else(|_| unreachable!("agent is a slug"))
}

/// An id made of any text, unlike all that are taken.
pub(super) fn identifier(text: &str, taken: &[String]) -> String {
    let mut id = String::new();
    let mut before_is_small = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && before_is_small {
                id.push('_');
            }
            before_is_small = c.is_ascii_lowercase() || c.is_ascii_digit();
            id.push(c.to_ascii_lowercase());
        } else if !id.is_empty() && !id.ends_with('_') {
            id.push('_');
            before_is_small = false;
        }
    }
    id.truncate(50);
    let mut id = id.trim_matches('_').to_owned();
    if !is_python_identifier(&id) {
        id = format!("x_{id}").trim_end_matches('_').to_owned();
    }
    let mut unlike = id.clone();
    let mut number = 2;
    while taken.contains(&unlike) {
        unlike = format!("{id}_{number}");
        number += 1;
    }
    unlike
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_name() {
        assert_eq!(slug("My Weather Bot!").as_str(), "my-weather-bot");
        assert_eq!(slug("42").as_str(), "agent-42");
        assert_eq!(slug("\u{1F600}").as_str(), "agent");
        assert_eq!(identifier("lookUpCity", &[]), "look_up_city");
        assert_eq!(identifier("class", &[]), "x_class");
        assert_eq!(identifier("a b", &["a_b".to_owned()]), "a_b_2");
        assert_eq!(identifier("", &[]), "x");
    }
}
