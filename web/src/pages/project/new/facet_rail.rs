//! The rail beside the frameworks: one group of radio buttons for each facet, with how many frameworks
//! each value would leave.

use leptos::prelude::*;

use super::draft::Draft;
use super::facets::{Facet, Selection};
use crate::pages::project::matrix::InstanceMatrix;
use crate::parts::{Button, ButtonKind, Icon};

/// The whole selection: the facets that are the wizard's, and the cloud, which is the spec's.
pub(crate) fn selection(draft: Draft) -> Memo<Selection> {
    Memo::new(move |_| draft.facets.with(|facets| facets.with(Facet::Cloud, draft.cloud.get())))
}

/// Wants a value of a facet, or none.
pub(crate) fn want(draft: Draft, facet: Facet, value: Option<String>) {
    if facet == Facet::Cloud {
        draft.change(|spec| spec.target.cloud = value);
    } else {
        draft.facets.update(|facets| *facets = facets.with(facet, value));
    }
}

/// Wants nothing any more.
pub(crate) fn clear(draft: Draft) {
    draft.facets.set(Selection::default());
    if draft.cloud.with_untracked(Option::is_some) {
        want(draft, Facet::Cloud, None);
    }
}

/// The rail. Where there is no room beside the cards it opens above them.
#[component]
pub(crate) fn FacetRail(
    /// The whole selection.
    selection: Memo<Selection>,
) -> impl IntoView {
    let draft = Draft::expect();
    let is_open = RwSignal::new(false);
    let groups = Facet::ALL.map(|facet| view! { <FacetGroup facet selection/> }).collect_view();
    let count = move || match selection.with(Selection::len) {
        0 => "Filter".to_owned(),
        count => format!("Filter ({count})"),
    };
    view! {
        <div class="facet-rail" class:open=move || is_open.get()>
            <button type="button" class="button facet-toggle" aria-expanded=move || is_open.get().to_string() on:click=move |_| is_open.update(|open| *open = !*open)>
                {count}
            </button>
            <div class="facet-groups" role="group" aria-label="Filter the frameworks">
                {groups}
                <Show when=move || !selection.with(Selection::is_empty)>
                    <Button kind=ButtonKind::Ghost glyph=Icon::Cross on_press=move |()| clear(draft)>"Clear all"</Button>
                </Show>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn FacetGroup(facet: Facet, selection: Memo<Selection>) -> impl IntoView {
    let matrix = InstanceMatrix::expect();
    let name = format!("facet-{}", facet.label().to_lowercase());
    let options = move || {
        let options = matrix.value.with(|matrix| facet.options(matrix));
        let any = (None, facet.any().to_owned());
        std::iter::once(any)
            .chain(options.into_iter().map(|(value, words)| (Some(value), words)))
            .map(|(value, words)| option(facet, name.clone(), value, words, selection))
            .collect_view()
    };
    let summary = move || {
        let chosen = selection.with(|selection| selection.get(facet).map(str::to_owned))?;
        let summary = matrix.value.with(|matrix| {
            matrix.philosophies.iter().find(|known| known.id == chosen).map(|known| known.summary.clone())
        });
        summary.filter(|_| facet == Facet::Philosophy).map(|text| view! { <p class="hint">{text}</p> })
    };
    let note = match facet {
        Facet::Cloud => Some("Where the agent is meant to run; kept in the spec."),
        _ => None,
    };
    view! {
        <fieldset class="facet">
            <legend>{facet.label()}</legend>
            {note.map(|note| view! { <p class="visually-hidden">{note}</p> })}
            {options}
            {summary}
        </fieldset>
    }
    .into_any()
}

fn option(facet: Facet, name: String, value: Option<String>, words: String, selection: Memo<Selection>) -> AnyView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let (own, wanted, choice) = (value.clone(), value.clone(), value);
    let is_chosen = move || selection.with(|selection| selection.get(facet) == own.as_deref());
    let count = Memo::new(move |_| {
        let pattern = draft.pattern.get();
        let wanted = selection.with(|selection| selection.with(facet, wanted.clone()));
        matrix.value.with(|matrix| wanted.count(matrix, pattern))
    });
    view! {
        <label class="facet-option" class:none=move || count.get() == 0>
            <input type="radio" name=name prop:checked=is_chosen on:change=move |_| want(draft, facet, choice.clone())/>
            <span>{words}</span>
            <small class="number">{move || count.get()}<span class="visually-hidden">" frameworks"</span></small>
        </label>
    }
    .into_any()
}
