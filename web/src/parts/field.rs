//! Fields of forms: a label, the control, a hint, and what is wrong with the value.

use std::sync::atomic::{AtomicU32, Ordering};

use leptos::prelude::*;

static NEXT_ID: AtomicU32 = AtomicU32::new(1);

/// An id for an element, unique on the page.
pub(crate) fn unique_id(stem: &str) -> String {
    format!("{stem}-{}", NEXT_ID.fetch_add(1, Ordering::Relaxed))
}

/// The ids that describe a control: its hint and its error.
fn described_by(id: &str, has_hint: bool) -> String {
    if has_hint { format!("{id}-hint {id}-error") } else { format!("{id}-error") }
}

/// The frame around every control.
#[component]
pub(crate) fn FieldFrame(
    /// The control's id.
    id: String,
    /// What the control is for.
    label: String,
    /// What may be entered.
    hint: Option<String>,
    /// What is wrong with the value.
    error: Signal<Option<String>>,
    /// The control.
    children: Children,
) -> impl IntoView {
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {children()}
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <p class="field-error" id=error_id role="alert">{move || error.get()}</p>
        </div>
    }
    .into_any()
}

/// One line of text.
#[component]
pub(crate) fn TextField(
    /// What it is for.
    #[prop(into)]
    label: String,
    /// Its value.
    value: RwSignal<String>,
    /// What may be entered.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with the value.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// The input's type: `text`, `email`, `password`, `url`, `number`, `search`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What the browser may fill in, such as `current-password`; `off` for nothing.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// An example of a value.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// Whether the value is code: shown in the monospaced face.
    #[prop(optional)]
    code: bool,
    /// Whether it has the focus at first.
    #[prop(optional)]
    focus: bool,
    /// Whether it must not be empty.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let id = unique_id("field");
    let node = NodeRef::<leptos::html::Input>::new();
    if focus {
        Effect::new(move |_| {
            if let Some(input) = node.get() {
                let _ = input.focus();
            }
        });
    }
    let described = described_by(&id, hint.is_some());
    view! {
        <FieldFrame id=id.clone() label hint error>
            <input
                node_ref=node
                id=id
                class="control"
                class:code=code
                type=kind
                autocomplete=autocomplete
                placeholder=placeholder
                spellcheck=if code || kind != "text" { "false" } else { "true" }
                aria-required=required.then_some("true")
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
            />
        </FieldFrame>
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub(crate) fn TextArea(
    /// What it is for.
    #[prop(into)]
    label: String,
    /// Its value.
    value: RwSignal<String>,
    /// What may be entered.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with the value.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// How many lines it shows.
    #[prop(default = 4)]
    rows: u32,
    /// An example of a value.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// Whether the value is code: shown in the monospaced face, without wrapping.
    #[prop(optional)]
    code: bool,
    /// Whether it has the focus at first.
    #[prop(optional)]
    focus: bool,
) -> impl IntoView {
    let id = unique_id("field");
    let node = NodeRef::<leptos::html::Textarea>::new();
    if focus {
        Effect::new(move |_| {
            if let Some(area) = node.get() {
                let _ = area.focus();
            }
        });
    }
    let described = described_by(&id, hint.is_some());
    view! {
        <FieldFrame id=id.clone() label hint error>
            <textarea
                node_ref=node
                id=id
                class="control"
                class:code=code
                rows=rows
                wrap=if code { "off" } else { "soft" }
                placeholder=placeholder
                spellcheck=if code { "false" } else { "true" }
                autocomplete="off"
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
            ></textarea>
        </FieldFrame>
    }
    .into_any()
}

/// Something that is on or off.
#[component]
pub(crate) fn CheckField(
    /// What is on or off.
    #[prop(into)]
    label: String,
    /// Whether it is on.
    checked: RwSignal<bool>,
    /// What that means.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Whether it cannot be changed just now; the hint says why.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// What is wrong with it.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let id = unique_id("check");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let described = described_by(&id, hint.is_some());
    view! {
        <div class="check">
            <input
                type="checkbox"
                id=id.clone()
                aria-describedby=described
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                prop:checked=checked
                prop:disabled=disabled
                on:change:target=move |event| checked.set(event.target().checked())
            />
            <label for=id>{label}</label>
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <p class="field-error" id=error_id role="alert">{move || error.get()}</p>
        </div>
    }
    .into_any()
}
