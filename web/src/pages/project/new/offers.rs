//! Tools that were found elsewhere, at an MCP server or in an OpenAPI document: each to be chosen, with what
//! speaks against it.

use gantry_domain::matrix::Severity;
use gantry_domain::spec::{Spec, Tool, is_python_identifier, is_taken_by_generated_code};
use leptos::prelude::*;

use super::draft::Draft;
use super::tools::add;
use crate::parts::{Button, ButtonKind, Icon, Pill, Tone};

/// The longest description that a spec takes, in characters.
const LONGEST_DESCRIPTION: usize = 1_024;

/// A tool that was found, as it would stand in the spec.
#[derive(Clone)]
pub(super) struct Found {
    /// The tool.
    pub(super) tool: Tool,
    /// What it is called where it was found; empty when that is its name here.
    pub(super) beside: String,
    /// What is good to know of it.
    pub(super) remarks: Vec<String>,
    /// Why it cannot be used, if it cannot.
    pub(super) refusal: Option<String>,
    /// Whether it is to be added.
    pub(super) chosen: RwSignal<bool>,
}

/// What was found, each to be chosen.
pub(super) fn found_rows(found: RwSignal<Vec<Found>>) -> AnyView {
    let rows = found.get_untracked().into_iter().map(found_row).collect_view();
    view! { <fieldset class="tool-offers"><legend class="visually-hidden">"Tools to add"</legend>{rows}</fieldset> }
        .into_any()
}

fn found_row(found: Found) -> AnyView {
    let (id, refusal) = (found.tool.id.clone(), found.refusal.clone());
    let is_refused = refusal.is_some();
    let beside =
        (!found.beside.is_empty()).then(|| view! { <span class="faint">"(" <code>{found.beside}</code> ")"</span> });
    // A word or two stand beside the name, a sentence below.
    let (short, long): (Vec<String>, Vec<String>) =
        found.remarks.into_iter().partition(|remark| !remark.ends_with('.'));
    let pills =
        short.into_iter().map(|text| view! { <Pill tone=Tone::Idle glyph=Icon::Info text=text/> }).collect_view();
    let notes = (!long.is_empty()).then(|| view! { <span class="faint">{long.join(" ")}</span> });
    view! {
        <label class="tool-offer" class:refused=is_refused>
            <input type="checkbox" prop:checked=found.chosen prop:disabled=is_refused
                on:change:target=move |event| found.chosen.set(event.target().checked())/>
            <span>
                <span class="item-title"><code><b>{id}</b></code> {beside} {pills}</span>
                <span class="muted">{found.tool.description}</span>
                {notes}
                {refusal.map(|refusal| view! { <span class="refusal">{refusal}</span> })}
            </span>
        </label>
    }
    .into_any()
}

/// The button that adds what is chosen.
pub(super) fn add_button(found: RwSignal<Vec<Found>>) -> AnyView {
    let count = found.with(|found| found.iter().filter(|one| one.chosen.get()).count());
    let label = match count {
        0 => "Add tools".to_owned(),
        1 => "Add 1 tool".to_owned(),
        count => format!("Add {count} tools"),
    };
    view! { <Button kind=ButtonKind::Primary glyph=Icon::Plus submit=true disabled=Signal::stored(count == 0)>{label}</Button> }
        .into_any()
}

/// Adds what is chosen, and closes the dialog if that is something.
pub(super) fn add_chosen(draft: Draft, open: RwSignal<bool>, found: RwSignal<Vec<Found>>) {
    let chosen: Vec<Tool> = found.with_untracked(|found| {
        found.iter().filter(|one| one.chosen.get_untracked()).map(|one| one.tool.clone()).collect()
    });
    if chosen.is_empty() {
        return;
    }
    open.set(false);
    draft.rebuild(|spec| chosen.into_iter().for_each(|tool| add(spec, tool)));
}

/// What the checks have against a tool in this spec.
pub(super) fn fault_of(draft: Draft, spec: &Spec, tool: &Tool) -> Option<String> {
    let mut spec = spec.clone();
    let (place, below) = (format!("/tools/{}", spec.tools.len()), format!("/tools/{}/", spec.tools.len()));
    add(&mut spec, tool.clone());
    draft
        .diagnose(&spec)
        .into_iter()
        .find(|found| found.severity == Severity::Error && (found.path == place || found.path.starts_with(&below)))
        .map(|found| format!("Cannot be used here: {}.", found.message.trim_end_matches('.')))
}

/// A description that a spec takes.
pub(super) fn shortened(description: &str, name: &str) -> String {
    let text = description.trim();
    if text.is_empty() {
        return format!("The tool {name} of an MCP server.");
    }
    if text.chars().count() <= LONGEST_DESCRIPTION {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST_DESCRIPTION - 1).collect();
    short.push('…');
    short
}

/// A name that generated code can have, out of the server's own: `read-file` becomes `read_file`.
pub(super) fn free_name(remote: &str, taken: &[String]) -> String {
    let mut name: String = remote.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(56).collect();
    name = name.trim_matches('_').to_owned();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name = format!("tool_{name}").trim_end_matches('_').to_owned();
    }
    let is_free = |name: &str| {
        is_python_identifier(name) && !is_taken_by_generated_code(name) && !taken.contains(&name.to_ascii_lowercase())
    };
    if is_free(&name) {
        return name;
    }
    let with_number = (2..=1_000).map(|number| format!("{name}_{number}"));
    std::iter::once(format!("{name}_tool")).chain(with_number).find(|name| is_free(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ones_that_code_can_have() {
        let taken = ["echo".to_owned()];
        for (remote, name) in [
            ("read-file", "read_file"),
            ("files/list.all", "files_list_all"),
            ("Echo", "Echo_tool"),
            ("import", "import_tool"),
            ("print", "print_tool"),
            ("2fa", "tool_2fa"),
            ("日本", "tool"),
        ] {
            assert_eq!(free_name(remote, &taken), name, "{remote}");
        }
    }

    #[test]
    fn descriptions_fit_into_a_spec() {
        assert_eq!(shortened("  Says it back. ", "echo"), "Says it back.");
        assert_eq!(shortened("", "echo"), "The tool echo of an MCP server.");
        assert_eq!(shortened(&"é".repeat(2_000), "echo").chars().count(), LONGEST_DESCRIPTION);
    }
}
