//! What is wrong with a spec or worth knowing about it, with buttons that mend it.

use gantry_domain::matrix::{Diagnostic, Severity};
use gantry_domain::spec::{Spec, from_value, merge_patch};
use leptos::prelude::*;
use serde_json::Value;

use crate::parts::{Button, Icon, icon};

/// A spec with a fix applied; none when the fix does not give a spec.
pub(crate) fn mended(spec: &Spec, patch: &Value) -> Option<Spec> {
    let mut value = serde_json::to_value(spec).ok()?;
    merge_patch(&mut value, patch);
    from_value(value).ok()
}

/// The list; the first fix of each has a button, and so have the others.
#[component]
pub(crate) fn Diagnostics(
    /// What was found.
    #[prop(into)]
    found: Signal<Vec<Diagnostic>>,
    /// Applies a fix: a JSON Merge Patch on the spec.
    on_fix: Callback<Value>,
) -> impl IntoView {
    let rows = move || found.get().into_iter().map(|diagnostic| row(diagnostic, on_fix)).collect_view();
    let count = move || {
        found.with(|found| match found.iter().filter(|found| found.severity == Severity::Error).count() {
            0 => "Nothing stands in the way.".to_owned(),
            1 => "1 thing must be resolved.".to_owned(),
            count => format!("{count} things must be resolved."),
        })
    };
    view! {
        <p class="visually-hidden" role="status">{count}</p>
        <ul class="diagnostics">{rows}</ul>
    }
    .into_any()
}

fn row(diagnostic: Diagnostic, on_fix: Callback<Value>) -> AnyView {
    let (class, glyph, word) = match diagnostic.severity {
        Severity::Error => ("diagnostic bad", Icon::Cross, "Must be resolved"),
        Severity::Warning => ("diagnostic warn", Icon::Warning, "Warning"),
        Severity::Info => ("diagnostic", Icon::Info, "Good to know"),
    };
    let fixes = diagnostic
        .fixes
        .into_iter()
        .map(|fix| {
            let patch = fix.patch;
            view! { <Button on_press=move |()| on_fix.run(patch.clone())>{fix.label}</Button> }
        })
        .collect_view();
    view! {
        <li class=class>
            {icon(glyph)}
            <div>
                <p><span class="visually-hidden">{word} ": "</span>{sentence(&diagnostic.message)}</p>
                <p class="hint"><code>{if diagnostic.path.is_empty() { "/".to_owned() } else { diagnostic.path }}</code></p>
                <div class="row">{fixes}</div>
            </div>
        </li>
    }
    .into_any()
}

/// A message as a sentence on its own: with a capital and a full stop.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_as_sentences() {
        assert_eq!(sentence("the pattern needs a task"), "The pattern needs a task.");
        assert_eq!(sentence("Done!"), "Done!");
        assert_eq!(sentence(""), ".");
    }
}
