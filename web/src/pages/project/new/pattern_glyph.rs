//! A drawing of each pattern: agents as dots, who gives to whom as lines.

use gantry_domain::matrix::Pattern;
use leptos::prelude::*;

/// Where the dots are, and the lines between them, in a field of 56 by 32.
fn drawing(pattern: Pattern) -> (&'static [(u8, u8)], &'static str) {
    match pattern {
        Pattern::Single => (&[(28, 16)], "M6 16h15M35 16h15m-4-3 4 3-4 3"),
        Pattern::React => (&[(28, 16)], "M28 5a11 11 0 1 1-9.5 5.5m-.6-4.5.6 4.5 4.4-1"),
        Pattern::Sequential => (&[(8, 16), (28, 16), (48, 16)], "M14 16h8M34 16h8"),
        Pattern::Parallel => (&[(14, 6), (14, 16), (14, 26), (44, 16)], "M20 6 38 14M20 16h18M20 26l18-8"),
        Pattern::Router => {
            (&[(10, 16), (44, 6), (44, 16), (44, 26)], "M16 16h22M16 14l5-2m2-1 3-1m2-1 3-1M16 18l5 2m2 1 3 1m2 1 3 1")
        }
        Pattern::Supervisor => (&[(28, 7), (10, 25), (28, 25), (46, 25)], "M24 11 14 21M28 13v6M32 11l10 10"),
        Pattern::Handoff => (&[(8, 20), (28, 20), (48, 20)], "M10 14c3-8 13-8 16 0M30 14c3-8 13-8 16 0"),
        Pattern::Graph => (&[(8, 16), (28, 6), (28, 26), (48, 16)], "M13 13l9-5M13 19l9 5M34 8l9 5M34 24l9-5M28 12v8"),
    }
}

/// The drawing. A word goes with it, so it says nothing to a screen reader.
pub(crate) fn pattern_glyph(pattern: Pattern) -> AnyView {
    let (dots, lines) = drawing(pattern);
    let dots = dots.iter().map(|(x, y)| view! { <circle cx=x.to_string() cy=y.to_string() r="5"/> }).collect_view();
    view! { <svg class="pattern-glyph" viewBox="0 0 56 32" aria-hidden="true"><path d=lines/>{dots}</svg> }.into_any()
}
