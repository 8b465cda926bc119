//! One of several choices, with room to say what speaks for it. What cannot be chosen says why.

use leptos::prelude::*;

use super::field::unique_id;

/// A choice as a card.
#[component]
pub(crate) fn RadioCard(
    /// The name of the group that it is one of.
    group: &'static str,
    /// Its value.
    value: &'static str,
    /// What it is called.
    title: &'static str,
    /// What it is, in a sentence.
    text: &'static str,
    /// Whether it is chosen.
    #[prop(into)]
    checked: Signal<bool>,
    /// Why it cannot be chosen, if it cannot.
    #[prop(into)]
    refusal: Signal<Option<String>>,
    /// Chooses it.
    #[prop(into)]
    on_choose: Callback<()>,
    /// What else there is to know.
    children: Children,
) -> impl IntoView {
    let (title_id, text_id, refusal_id) = (unique_id("choice"), unique_id("choice-text"), unique_id("refusal"));
    let described_by = format!("{text_id} {refusal_id}");
    let is_refused = Memo::new(move |_| refusal.with(Option::is_some));
    // What is chosen already stays focusable, so that the choice can be seen and left.
    let is_disabled = move || is_refused.get() && !checked.get();
    view! {
        <label class="radio-card" class:refused=is_disabled>
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
                <b id=title_id>{title}</b>
                <p class="muted" id=text_id>{text}</p>
                {children()}
                <p class="refusal" id=refusal_id>{move || refusal.get()}</p>
            </div>
        </label>
    }
    .into_any()
}
