//! Dialogs on the native element: it keeps the focus inside, makes the rest inert, closes on Esc and
//! gives the focus back.

use leptos::html;
use leptos::prelude::*;

use super::button::{Button, ButtonKind};
use super::field::{TextField, unique_id};
use super::icon::Icon;

/// Keeps a native dialog in step with a signal.
pub(crate) fn follow_open(node: NodeRef<html::Dialog>, open: RwSignal<bool>) {
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                let _ = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
}

/// A dialog. Its content is built when it opens, and dropped when it closes.
#[component]
pub(crate) fn Dialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Its title.
    #[prop(into)]
    title: Signal<String>,
    /// Its content; forms go here with their own buttons in `.dialog-actions`.
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    follow_open(node, open);
    let title_id = unique_id("dialog");
    let labelled_by = title_id.clone();
    view! {
        <dialog node_ref=node class="dialog" aria-labelledby=labelled_by on:close=move |_| open.set(false)>
            <header class="dialog-head">
                <h2 id=title_id>{move || title.get()}</h2>
                <Button kind=ButtonKind::Ghost glyph=Icon::Cross label="Close" on_press=move |()| open.set(false)/>
            </header>
            <Show when=move || open.get()>{children()}</Show>
        </dialog>
    }
    .into_any()
}

/// Asks before something is taken away. With `typed` the person types that name first.
#[component]
pub(crate) fn ConfirmDialog(
    /// Whether it is open; the page closes it when the action has ended well.
    open: RwSignal<bool>,
    /// The question.
    #[prop(into)]
    title: Signal<String>,
    /// What the button says.
    #[prop(into)]
    action: String,
    /// What has to be typed first.
    #[prop(optional, into)]
    typed: Option<Signal<String>>,
    /// Whether the action is under way.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// Why the last attempt failed.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// The action.
    #[prop(into)]
    on_confirm: Callback<()>,
    /// What will be lost.
    children: ChildrenFn,
) -> impl IntoView {
    let answer = RwSignal::new(String::new());
    Effect::new(move |_| {
        if open.get() {
            answer.set(String::new());
        }
    });
    let refused = Signal::derive(move || typed.is_some_and(|typed| answer.with(|answer| *answer != typed.get())));
    let children = StoredValue::new(children);
    let action = StoredValue::new(action);
    view! {
        <Dialog open title>
            <form
                on:submit=move |event| {
                    event.prevent_default();
                    if !refused.get_untracked() && !busy.get_untracked() {
                        on_confirm.run(());
                    }
                }
            >
                <div class="dialog-body">
                    {children.with_value(|children| children())}
                    {typed.map(|typed| view! {
                        <TextField label=format!("Type {} to confirm", typed.get_untracked()) value=answer code=true focus=true/>
                    })}
                    <p class="field-error" role="alert">{move || error.get()}</p>
                </div>
                <footer class="dialog-actions">
                    <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                    <Button kind=ButtonKind::Danger submit=true busy disabled=refused>{action.get_value()}</Button>
                </footer>
            </form>
        </Dialog>
    }
    .into_any()
}
