//! How well a framework does a pattern, and by what evidence, in words.

use gantry_domain::api::compatibility::PatternSupport;
use gantry_domain::matrix::Support;
use leptos::prelude::*;

use crate::parts::{Icon, Pill, Tone};

/// The word for a level of support.
pub(crate) fn support_word(support: Support) -> &'static str {
    match support {
        Support::Native => "Native",
        Support::Adapter => "Adapter",
        Support::Unsupported => "Unsupported",
    }
}

/// The level of support.
pub(crate) fn support_pill(support: Support) -> AnyView {
    let (tone, glyph) = match support {
        Support::Native => (Tone::Good, Icon::Check),
        Support::Adapter => (Tone::Idle, Icon::Tool),
        Support::Unsupported => (Tone::Bad, Icon::Cross),
    };
    view! { <Pill tone glyph text=support_word(support)/> }.into_any()
}

/// What proves a cell of the matrix. What is `hosted` by its vendor is not run there for the proof: its
/// project's tests passed, in which the vendor's own kit reads it.
pub(crate) fn evidence_text(cell: &PatternSupport, hosted: bool) -> String {
    let version = cell.verified_version.as_deref().filter(|version| !version.is_empty());
    match (&cell.verified_on, version) {
        (Some(day), _) if hosted => format!("Verified on {day} by its vendor's kit; not run on its server"),
        (None, _) => "Unverified: no project of this kind was seen running".to_owned(),
        (Some(day), None) => format!("Verified: ran on {day}"),
        (Some(day), Some(version)) => format!("Verified: ran on {day} with {version}"),
    }
}

#[cfg(test)]
mod tests {
    use gantry_domain::matrix::Pattern;

    use super::*;

    #[test]
    fn a_cell_without_a_run_is_unverified_in_words() {
        let mut cell = PatternSupport {
            pattern: Pattern::React,
            support: Support::Native,
            reason: String::new(),
            verified_on: None,
            verified_version: None,
        };
        assert!(evidence_text(&cell, false).starts_with("Unverified"));
        cell.verified_on = Some("2026-11-21".to_owned());
        cell.verified_version = Some(String::new());
        assert_eq!(evidence_text(&cell, false), "Verified: ran on 2026-11-21");
        cell.verified_version = Some("1.2.22".to_owned());
        assert_eq!(evidence_text(&cell, false), "Verified: ran on 2026-11-21 with 1.2.22");
        assert!(evidence_text(&cell, true).contains("not run on its server"));
    }
}
