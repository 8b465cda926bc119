//! One of several choices, with room to say what speaks for it. What cannot be chosen says why; what
//! can be, but does not fit something else, says that.

use leptos::prelude::*;

use super::field::unique_id;

/// A choice as a card.
#[component]
pub(crate) fn RadioCard(
    /// The name of the group that it is one of.
    group: &'static str,
    /// Its value.
    #[prop(into)]
    value: String,
    /// What it is called.
    #[prop(into)]
    title: String,
    /// What it is, in a sentence.
    #[prop(into)]
    text: String,
    /// Whether it is chosen.
    #[prop(into)]
    checked: Signal<bool>,
    /// What it does not fit, if there is something.
    #[prop(optional, into)]
    note: Signal<Option<String>>,
    /// Why it cannot be chosen, if it cannot.
    #[prop(optional, into)]
    refusal: Signal<Option<String>>,
    /// Chooses it.
    #[prop(into)]
    on_choose: Callback<()>,
    /// What stands beside its name.
    #[prop(optional)]
    badge: Option<AnyView>,
    /// What else there is to know.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let (title_id, text_id, note_id) = (unique_id("choice"), unique_id("choice-text"), unique_id("choice-note"));
    let described_by = format!("{text_id} {note_id}");
    let is_refused = Memo::new(move |_| refusal.with(Option::is_some));
    let has_note = Memo::new(move |_| note.with(Option::is_some));
    // What is chosen already stays focusable, so that the choice can be seen and left.
    let is_disabled = move || is_refused.get() && !checked.get();
    view! {
        <label class="radio-card" class:refused=is_disabled class:doubtful=move || has_note.get()>
            <input
                type="radio"
                name=group
                value=value
                aria-labelledby=title_id.clone()
                aria-describedby=described_by
                prop:checked=checked
                prop:disabled=is_disabled
                on:change=move |_| on_choose.run(())
            />
            <div class="radio-card-body">
                <div class="radio-card-head"><b id=title_id>{title}</b>{badge}</div>
                <p class="muted" id=text_id>{text}</p>
                {children.map(|children| children())}
                <p class="refusal" id=note_id>{move || refusal.get().or_else(|| note.get())}</p>
            </div>
        </label>
    }
    .into_any()
}
