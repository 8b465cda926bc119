//! What is wrong with a spec or worth knowing about it, with buttons that mend it. What each code means
//! is in `docs/diagnostics.md`.

use gantry_domain::matrix::{Diagnostic, Fix, Severity};
use gantry_domain::problem::sentence;
use gantry_domain::spec::{Spec, from_value, merge_patch};
use leptos::prelude::*;
use serde_json::Value;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::parts::field::unique_id;
use crate::parts::{Icon, icon};

/// A spec with a fix applied; none when the fix does not give a spec.
pub(crate) fn mended(spec: &Spec, patch: &Value) -> Option<Spec> {
    let mut value = serde_json::to_value(spec).ok()?;
    merge_patch(&mut value, patch);
    from_value(value).ok()
}

/// Applies a fix and gives the focus to the element with this id, since the button that had it is gone.
pub(crate) fn focus_after(on_fix: Callback<Value>, id: String) -> Callback<Value> {
    Callback::new(move |patch| {
        on_fix.run(patch);
        let id = id.clone();
        request_animation_frame(move || {
            let element = document().get_element_by_id(&id).and_then(|element| element.dyn_into::<HtmlElement>().ok());
            if let Some(element) = element {
                // An element that cannot take it leaves the focus where it is.
                let _ = element.focus();
            }
        });
    })
}

/// The list; each entry has a button for each way to mend it.
#[component]
pub(crate) fn Diagnostics(
    /// What was found.
    #[prop(into)]
    found: Signal<Vec<Diagnostic>>,
    /// Applies a fix: a JSON Merge Patch on the spec.
    on_fix: Callback<Value>,
) -> impl IntoView {
    let id = unique_id("diagnostics");
    let on_fix = focus_after(on_fix, id.clone());
    let rows = move || view! { <Findings found=found.get() on_fix/> };
    let count = move || {
        found.with(|found| match found.iter().filter(|found| found.severity == Severity::Error).count() {
            0 => "Nothing stands in the way.".to_owned(),
            1 => "1 thing must be resolved.".to_owned(),
            count => format!("{count} things must be resolved."),
        })
    };
    view! {
        <p class="visually-hidden" role="status" id=id tabindex="-1">{count}</p>
        {rows}
    }
    .into_any()
}

/// What was found, at one moment.
#[component]
pub(crate) fn Findings(
    /// What was found.
    found: Vec<Diagnostic>,
    /// Applies a fix: a JSON Merge Patch on the spec.
    on_fix: Callback<Value>,
) -> impl IntoView {
    let rows = found.into_iter().map(|diagnostic| row(diagnostic, on_fix)).collect_view();
    view! { <ul class="diagnostics">{rows}</ul> }.into_any()
}

fn row(diagnostic: Diagnostic, on_fix: Callback<Value>) -> AnyView {
    let (class, glyph, word) = match diagnostic.severity {
        Severity::Error => ("diagnostic bad", Icon::Cross, "Must be resolved"),
        Severity::Warning => ("diagnostic warn", Icon::Warning, "Warning"),
        Severity::Info => ("diagnostic", Icon::Info, "Good to know"),
    };
    let path = if diagnostic.path.is_empty() { "/".to_owned() } else { diagnostic.path };
    view! {
        <li class=class>
            {icon(glyph)}
            <div>
                <p><span class="visually-hidden">{word} ": "</span>{sentence(&diagnostic.message)}</p>
                <p class="hint"><code>{diagnostic.code}</code> " at " <code>{path}</code></p>
                {fixes(diagnostic.fixes, on_fix)}
            </div>
        </li>
    }
    .into_any()
}

/// The buttons: all while they are few, else the first two and the last, which is the nearest to what
/// was asked for, and the others when one looks for them.
fn fixes(fixes: Vec<Fix>, on_fix: Callback<Value>) -> Option<AnyView> {
    const SHOWN: usize = 4;
    if fixes.is_empty() {
        return None;
    }
    let button = move |fix: Fix| {
        let (label, patch) = (fix.label, fix.patch);
        let name = format!("Resolve: {label}");
        view! {
            <button type="button" class="button" aria-label=name on:click=move |_| on_fix.run(patch.clone())>{label}</button>
        }
    };
    let mut first = fixes;
    let mut others = Vec::new();
    if first.len() > SHOWN {
        let last = first.pop();
        others = first.split_off(SHOWN - 2);
        first.extend(last);
    }
    let others = (!others.is_empty()).then(|| {
        let count = format!("{} more ways", others.len());
        let buttons = others.into_iter().map(button).collect_view();
        view! { <details class="more-fixes"><summary>{count}</summary><div class="row">{buttons}</div></details> }
    });
    let first = first.into_iter().map(button).collect_view();
    Some(
        view! {
            <div class="row fixes"><span class="fixes-label" aria-hidden="true">"Resolve"</span>{first}</div>
            {others}
        }
        .into_any(),
    )
}
