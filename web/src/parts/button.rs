//! Buttons, and links that look like them.

use leptos::prelude::*;
use leptos_router::components::A;

use super::icon::{Icon, icon};

/// How much a button weighs. A screen has at most one primary button.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ButtonKind {
    /// The one thing to do here.
    Primary,
    /// Anything else.
    #[default]
    Plain,
    /// Without a border, for rows and bars.
    Ghost,
    /// Takes something away.
    Danger,
}

impl ButtonKind {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "button primary",
            Self::Plain => "button",
            Self::Ghost => "button ghost",
            Self::Danger => "button danger",
        }
    }
}

/// A button. While `busy` it shows that, and cannot be pressed again.
#[component]
pub(crate) fn Button(
    /// How much it weighs.
    #[prop(optional)]
    kind: ButtonKind,
    /// What goes before the words.
    #[prop(optional, into)]
    glyph: Option<Icon>,
    /// What it does; may be left out for a form's submit button.
    #[prop(optional, into)]
    on_press: Option<Callback<()>>,
    /// Whether it submits the form that it is in.
    #[prop(optional)]
    submit: bool,
    /// Whether its action is under way.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// Whether it cannot be pressed just now; say why beside it.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// What it says to those who do not see its icon, when it has no words.
    #[prop(optional, into)]
    label: Option<String>,
    /// `create` when the key C presses it, `edit` for the key E.
    #[prop(optional)]
    shortcut: Option<&'static str>,
    /// The words.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let icon_only = children.is_none();
    view! {
        <button
            type=if submit { "submit" } else { "button" }
            class=kind.class()
            class:icon-only=icon_only
            aria-label=label.clone()
            title=label
            data-shortcut=shortcut
            aria-busy=move || busy.get().then_some("true")
            prop:disabled=move || disabled.get() || busy.get()
            on:click=move |_| {
                if let Some(on_press) = on_press {
                    on_press.run(());
                }
            }
        >
            {move || if busy.get() { Some(icon(Icon::Spinner)) } else { glyph.map(icon) }}
            {children.map(|children| children())}
        </button>
    }
    .into_any()
}

/// A link that looks like a button, for going somewhere.
#[component]
pub(crate) fn LinkButton(
    /// Where to.
    #[prop(into)]
    href: String,
    /// How much it weighs.
    #[prop(optional)]
    kind: ButtonKind,
    /// What goes before the words.
    #[prop(optional, into)]
    glyph: Option<Icon>,
    /// `create` when the key C presses it.
    #[prop(optional)]
    shortcut: Option<&'static str>,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <A href=href attr:class=kind.class() attr:data-shortcut=shortcut>
            {glyph.map(icon)}
            {children()}
        </A>
    }
    .into_any()
}
