//! Templates: `{{ name }}` is a slot, `{{# name }}…{{/ name }}` stays if a condition holds and
//! `{{^ name }}…{{/ name }}` if it does not. A mark alone on its line takes the line with it.
//!
//! No expressions, no loops, no second pass over what was filled in: what a person wrote is never
//! read as a template. (A template engine would cost the browser more than all emitters together.)

use super::language::Language;

/// Fills a template of ours. A slot or condition without a value, or one too many, is our mistake:
/// the tests fill every template.
pub(super) fn fill<L: Language>(template: &str, slots: &[(&str, L)], conditions: &[(&str, bool)]) -> String {
    let mut output = String::with_capacity(template.len() * 2);
    let mut open: Vec<bool> = Vec::new();
    let mut rest = template;
    while let Some((before, mark, after)) = next_mark(rest) {
        let stays = open.iter().all(|stays| *stays);
        let (kind, name) = mark.split_at(1);
        let name = name.trim();
        if kind == " " {
            if stays {
                output.push_str(before);
                let slot = slots.iter().find(|(slot, _)| *slot == name);
                debug_assert!(slot.is_some(), "the slot {name} has no value");
                output.push_str(slot.map_or("", |(_, value)| value.text()));
            }
            rest = after;
            continue;
        }
        // A mark alone on its line leaves no empty line behind.
        let alone = (before.is_empty()
            && (rest.len() == template.len() || template[..template.len() - rest.len()].ends_with('\n'))
            || before.ends_with('\n'))
            && after.starts_with('\n');
        if stays {
            output.push_str(before);
        }
        rest = if alone { &after[1..] } else { after };
        match kind {
            "/" => drop(open.pop()),
            _ => {
                let condition = conditions.iter().find(|(condition, _)| *condition == name);
                debug_assert!(condition.is_some(), "the condition {name} has no value");
                open.push(condition.is_some_and(|(_, holds)| *holds) == (kind == "#"));
            }
        }
    }
    debug_assert!(open.is_empty(), "a condition is not closed");
    output.push_str(rest);
    output
}

/// The slots that a template has, in their order; one that it has twice comes twice.
pub(super) fn slots_of(template: &str) -> impl Iterator<Item = &str> {
    let mut rest = template;
    let marks = std::iter::from_fn(move || {
        let (_, mark, after) = next_mark(rest)?;
        rest = after;
        Some(mark)
    });
    marks.filter(|mark| mark.starts_with(' ')).map(str::trim)
}

/// What is before the next mark, the mark without its braces, and what is after it.
fn next_mark(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    // One brace is looked for, which is many times faster than two: most text has none.
    while let Some(found) = memchr::memchr(b'{', &text.as_bytes()[from..]) {
        let start = from + found;
        let Some(inner) = text[start + 1..].strip_prefix('{') else {
            from = start + 1;
            continue;
        };
        if inner.starts_with([' ', '#', '^', '/'])
            && let Some(end) = inner.find(" }}")
        {
            return Some((&text[..start], &inner[..end], &inner[end + 3..]));
        }
        from = start + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::language::Python;
    use super::*;

    fn python(text: &str) -> Python {
        Python::of(text.to_owned())
    }

    #[test]
    fn slots_are_filled_once() {
        assert_eq!(fill("a {{ x }} {{ y }}", &[("x", python("{{ y }}")), ("y", python("b"))], &[]), "a {{ y }} b");
    }

    #[test]
    fn conditions_take_their_lines_with_them() {
        let template = "a\n{{# x }}\nb\n{{/ x }}\n{{^ x }}\nc\n{{/ x }}\nd{{# x }}, e{{/ x }}\n";
        assert_eq!(fill::<Python>(template, &[], &[("x", true)]), "a\nb\nd, e\n");
        assert_eq!(fill::<Python>(template, &[], &[("x", false)]), "a\nc\nd\n");
    }

    #[test]
    fn conditions_nest() {
        let template = "{{# a }}\n1\n{{# b }}\n2\n{{/ b }}\n{{/ a }}\n3\n";
        assert_eq!(fill::<Python>(template, &[], &[("a", true), ("b", false)]), "1\n3\n");
        assert_eq!(fill::<Python>(template, &[], &[("a", false), ("b", true)]), "3\n");
        assert_eq!(fill::<Python>(template, &[], &[("a", true), ("b", true)]), "1\n2\n3\n");
    }

    #[test]
    fn braces_of_the_language_are_left_alone() {
        assert_eq!(fill::<Python>("f\"{{x}} {y}\" {}", &[], &[]), "f\"{{x}} {y}\" {}");
    }
}
