//! The graph: the frame with the nodes and lines in it, and the keys that work there.

use gantry_domain::pipeline::{EdgeId, NodeId};
use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::draft::{Draft, Selected};
use super::gesture::Hand;
use super::shapes::{LabelShape, LineShape, NodeShape};
use crate::keyboard::{is_mac, keys_are_taken};
use crate::preferences::Preferences;

/// By how much a key or button zooms.
pub(super) const ZOOM_STEP: f64 = 1.25;

/// The graph.
#[component]
pub(super) fn Graph(hand: Hand) -> impl IntoView {
    let draft = Draft::expect();
    let nodes = Memo::new(move |_| {
        draft.pipeline.with(|pipeline| pipeline.nodes.iter().map(|node| node.id.clone()).collect::<Vec<NodeId>>())
    });
    let lines = Memo::new(move |_| {
        draft.pipeline.with(|pipeline| pipeline.edges.iter().map(|edge| edge.id.clone()).collect::<Vec<EdgeId>>())
    });
    let labels = Memo::new(move |_| {
        draft.pipeline.with(|pipeline| {
            let said = pipeline.edges.iter().filter(|edge| !edge.label.is_empty());
            said.map(|edge| edge.id.clone()).collect::<Vec<EdgeId>>()
        })
    });
    // Once the frame has its size, the whole graph is shown in it.
    Effect::new(move |_| {
        if hand.frame.get().is_some() && hand.world.get().is_some() {
            request_animation_frame(move || hand.fit());
        }
    });
    let on_focus = move |event: web_sys::FocusEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let node = target.and_then(|target| target.get_attribute("data-node"));
        if let Some(id) = node.and_then(|id| id.parse::<NodeId>().ok()) {
            hand.show(&id);
        }
    };
    let on_space = move |event: KeyboardEvent, down: bool| {
        if event.key() == " " {
            hand.space.set_value(down);
            event.prevent_default();
        }
    };
    view! {
        <div
            id="pipeline-graph"
            node_ref=hand.frame
            class="graph"
            class:drawing=move || hand.drawing.with(Option::is_some)
            role="group"
            tabindex="-1"
            aria-label="Graph. Tab goes from node to node, arrows move the node, Enter opens it, Delete removes it."
            on:pointerdown=move |event| hand.on_down(&event)
            on:pointermove=move |event| hand.on_move(&event)
            on:pointerup=move |event| hand.on_up(&event)
            on:pointercancel=move |event| hand.on_cancel(&event)
            on:wheel=move |event| hand.on_wheel(&event)
            on:focusin=on_focus
            on:keydown=move |event| on_space(event, true)
            on:keyup=move |event| on_space(event, false)
            on:blur=move |_| hand.space.set_value(false)
        >
            <div class="graph-world" node_ref=hand.world>
                <svg class="graph-lines" aria-hidden="true" width="1" height="1">
                    <defs>
                        <marker id="pipeline-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
                            <path d="M0 1 9 5 0 9z"/>
                        </marker>
                    </defs>
                    <For each=move || lines.get() key=Clone::clone let:id><LineShape id/></For>
                    <path node_ref=hand.preview class="line-preview" d=""/>
                </svg>
                <For each=move || nodes.get() key=Clone::clone let:id><NodeShape id drawing=hand.drawing/></For>
                <For each=move || labels.get() key=Clone::clone let:id><LabelShape id/></For>
            </div>
        </div>
    }
    .into_any()
}

/// The keys of the page, for as long as the calling component lives: undo and redo, zoom, and what
/// Delete and Esc mean for a selection.
pub(super) fn listen(hand: Hand, has_graph: Signal<bool>) {
    let draft = Draft::expect();
    let preferences = Preferences::expect();
    let listener = window_event_listener(ev::keydown, move |event| {
        if event.default_prevented() || event.is_composing() {
            return;
        }
        let key = event.key();
        if key == "Escape" && hand.cancel() {
            event.prevent_default();
            return;
        }
        // In a field Ctrl-Z is the field's own.
        if keys_are_taken() {
            return;
        }
        let modifier = if is_mac() { event.meta_key() } else { event.ctrl_key() };
        if modifier && !event.alt_key() {
            match (key.to_lowercase().as_str(), event.shift_key()) {
                ("z", false) => draft.undo(),
                ("z", true) | ("y", false) => draft.redo(),
                _ => return,
            }
            event.prevent_default();
            return;
        }
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        match key.as_str() {
            "Delete" | "Backspace" if matches!(draft.selected.get_untracked(), Some(Selected::Edge(_))) => {
                draft.seal();
                draft.remove_selected();
            }
            "Escape" if draft.selected.with_untracked(Option::is_some) => draft.selected.set(None),
            _ if !preferences.single_key_shortcuts.get_untracked() || !has_graph.get_untracked() => return,
            "+" | "=" => hand.zoom(ZOOM_STEP),
            "-" => hand.zoom(1.0 / ZOOM_STEP),
            "0" => hand.fit(),
            _ => return,
        }
        event.prevent_default();
    });
    on_cleanup(move || listener.remove());
}
