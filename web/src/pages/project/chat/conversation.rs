//! The conversation: turns under one another, with the newest in sight until somebody scrolls up.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::ResizeObserver;

use super::state::Chat;
use super::turn_view::TurnView;
use crate::parts::{EmptyState, Icon, icon};

/// How near to the end counts as being there, in pixels.
const NEAR: i32 = 48;

/// The conversation.
#[component]
pub(super) fn Conversation(
    /// The chat.
    chat: Chat,
) -> impl IntoView {
    let scroller = NodeRef::<html::Div>::new();
    let inside = NodeRef::<html::Div>::new();
    let following = RwSignal::new(true);
    let to_end = move || {
        if let Some(Some(scroller)) = scroller.try_get_untracked() {
            scroller.set_scroll_top(scroller.scroll_height());
        }
    };
    // The content grows for many reasons; whatever the reason, its end stays in sight.
    let on_resize = Closure::<dyn FnMut()>::new(move || {
        if following.try_get_untracked() == Some(true) {
            to_end();
        }
    });
    if let Ok(observer) = ResizeObserver::new(on_resize.as_ref().unchecked_ref()) {
        let kept = StoredValue::new_local((observer, on_resize));
        Effect::new(move |_| {
            if let (Some(inside), Some(scroller)) = (inside.get(), scroller.get()) {
                kept.with_value(|(observer, _)| {
                    observer.observe(&inside);
                    observer.observe(&scroller);
                });
            }
        });
        on_cleanup(move || {
            kept.try_with_value(|(observer, _)| observer.disconnect());
        });
    }
    // Who says something wants to see what comes of it.
    let count = Memo::new(move |_| chat.turns.with(Vec::len));
    Effect::new(move |_| {
        count.track();
        following.set(true);
        request_animation_frame(to_end);
    });
    let last_top = StoredValue::new(0);
    let on_scroll = move |_| {
        let Some(scroller) = scroller.get_untracked() else { return };
        let top = scroller.scroll_top();
        if top + scroller.client_height() >= scroller.scroll_height() - NEAR {
            following.set(true);
        } else if top < last_top.get_value() {
            following.set(false);
        }
        last_top.set_value(top);
    };
    let jump = move || {
        (!following.get()).then(|| {
            view! {
                <button type="button" class="button jump" on:click=move |_| { following.set(true); to_end(); }>
                    {icon(Icon::Down)} "Jump to latest"
                </button>
            }
        })
    };
    let empty = move || {
        (count.get() == 0).then(|| {
            view! {
                <EmptyState
                    title="Say something to the agent"
                    text="Its answer appears here as it is written, with every tool that it calls. The rehearsal model needs no key: it is not an LLM, and tries each tool once."
                />
            }
        })
    };
    view! {
        <div class="conversation" node_ref=scroller on:scroll=on_scroll tabindex="0" role="region" aria-label="Messages">
            <div class="conversation-inside" node_ref=inside>
                {empty}
                <For each=move || chat.turns.get() key=|handle| handle.run.id let:handle>
                    <TurnView chat handle/>
                </For>
            </div>
        </div>
        <div class="jump-place">{jump}</div>
    }
    .into_any()
}
