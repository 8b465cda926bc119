//! What fingers, pens and mice do to the graph: move the view, zoom, move a node, draw a line.
//!
//! A gesture touches nothing but `transform` and `d` attributes of the elements that it moves, once a
//! frame; the spec learns of it when it ends.

use std::collections::{BTreeMap, BTreeSet};

use gantry_domain::pipeline::geometry::{Frame, line_to_point};
use gantry_domain::pipeline::{Edge, NodeId, Operation, targets};
use gantry_domain::spec::Position;
use leptos::ev::{PointerEvent, WheelEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::draft::{Draft, Selected};
use super::shapes::{Drawing, label_css, label_element, line_element, line_of, node_element, place_css};
use super::viewport::Viewport;
use crate::poll::OncePerFrame;

/// How far a pointer must go before a press becomes a move, in pixels.
const SLACK: f64 = 4.0;
/// Nodes are put at multiples of this, in pixels of the graph.
const GRID: f64 = 4.0;

/// What the pointers are doing.
enum Gesture {
    /// The view is moved.
    Pan { from: (f64, f64), before: Viewport },
    /// Two fingers zoom.
    Pinch { distance: f64, middle: (f64, f64), before: Viewport },
    /// A node is moved, or just pressed.
    Move { node: NodeId, from: (f64, f64), before: Position, now: Position, moves: bool, parts: Parts },
    /// A line is drawn.
    Draw { from: NodeId, targets: BTreeSet<NodeId>, over: Option<Element> },
}

/// The elements that move with a node.
struct Parts {
    node: Option<HtmlElement>,
    lines: Vec<(Edge, Vec<Element>, Option<HtmlElement>)>,
}

/// The graph's view and the gesture that is under way.
#[derive(Clone, Copy)]
pub(super) struct Hand {
    draft: Draft,
    /// The element that shows a part of the graph.
    pub(super) frame: NodeRef<html::Div>,
    /// The element that has the whole graph in it.
    pub(super) world: NodeRef<html::Div>,
    /// The path of the line that is being drawn.
    pub(super) preview: NodeRef<leptos::svg::Path>,
    /// What may be connected just now.
    pub(super) drawing: Drawing,
    /// The zoom in per cent, for people.
    pub(super) per_cent: RwSignal<i32>,
    view: StoredValue<Viewport>,
    gesture: StoredValue<Option<Gesture>, LocalStorage>,
    /// Pointers that are down, in the order in which they came.
    pointers: StoredValue<Vec<(i32, (f64, f64))>>,
    /// Whether the space bar is down: then everything can be moved by anything.
    pub(super) space: StoredValue<bool>,
    redraw: StoredValue<Option<OncePerFrame>>,
}

impl Hand {
    /// Nothing under way.
    pub(super) fn new(draft: Draft) -> Self {
        let hand = Self {
            draft,
            frame: NodeRef::new(),
            world: NodeRef::new(),
            preview: NodeRef::new(),
            drawing: RwSignal::new(None),
            per_cent: RwSignal::new(100),
            view: StoredValue::new(Viewport { x: 0.0, y: 0.0, zoom: 1.0 }),
            gesture: StoredValue::new_local(None),
            pointers: StoredValue::new(Vec::new()),
            space: StoredValue::new(false),
            redraw: StoredValue::new(None),
        };
        hand.redraw.set_value(Some(OncePerFrame::new(move || hand.draw())));
        hand
    }

    fn size(self) -> Option<(f64, f64)> {
        let frame = self.frame.try_get_untracked()??;
        Some((f64::from(frame.client_width()), f64::from(frame.client_height())))
    }

    /// A pointer's place within the frame.
    fn at(self, event: &web_sys::MouseEvent) -> (f64, f64) {
        let corner = self.frame.get_untracked().map(|frame| frame.get_bounding_client_rect());
        let (left, top) = corner.map(|corner| (corner.left(), corner.top())).unwrap_or_default();
        (f64::from(event.client_x()) - left, f64::from(event.client_y()) - top)
    }

    fn look(self, view: Viewport) {
        self.view.set_value(view);
        let per_cent = (view.zoom * 100.0).round() as i32;
        if self.per_cent.get_untracked() != per_cent {
            self.per_cent.set(per_cent);
        }
        if let Some(world) = self.world.get_untracked() {
            let _ = HtmlElement::style(&world).set_property("transform", &view.css());
        }
    }

    /// Shows the whole graph.
    pub(super) fn fit(self) {
        let bounds = self.draft.pipeline.with_untracked(|pipeline| pipeline.bounds());
        if let Some(size) = self.size() {
            self.look(Viewport::fitting(bounds, size));
        }
    }

    /// Zooms around the middle.
    pub(super) fn zoom(self, factor: f64) {
        if let Some((width, height)) = self.size() {
            self.look(self.view.get_value().zoomed(factor, (width / 2.0, height / 2.0)));
        }
    }

    /// Brings a node into sight.
    pub(super) fn show(self, id: &NodeId) {
        let bounds = self.draft.pipeline.with_untracked(|pipeline| {
            let node = pipeline.node(id)?;
            let ((x, y), (width, height)) = ((node.position.x, node.position.y), node.part.size());
            Some((x, y, x + width, y + height))
        });
        if let (Some(bounds), Some(size)) = (bounds, self.size())
            && self.gesture.with_value(Option::is_none)
        {
            self.look(self.view.get_value().showing(bounds, size));
        }
    }

    /// The wheel zooms; with Shift it moves the view.
    pub(super) fn on_wheel(self, event: &WheelEvent) {
        event.prevent_default();
        // Lines and pages of wheels that do not count pixels.
        let unit = match event.delta_mode() {
            1 => 16.0,
            2 => 400.0,
            _ => 1.0,
        };
        let (across, down) = (event.delta_x() * unit, event.delta_y() * unit);
        let view = self.view.get_value();
        if event.shift_key() {
            self.look(view.moved(-across - down, 0.0));
        } else {
            // A pinch on a touch pad comes as a wheel with Ctrl, in small steps.
            let speed = if event.ctrl_key() { 0.01 } else { 0.0015 };
            self.look(view.zoomed((-down * speed).clamp(-0.5, 0.5).exp(), self.at(event)));
        }
    }

    /// A pointer goes down.
    pub(super) fn on_down(self, event: &PointerEvent) {
        let at = self.at(event);
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let within = |selector: &str| target.as_ref().and_then(|target| target.closest(selector).ok().flatten());
        // Beside the first button only the middle one does something: it moves the view.
        if event.button() > 1 || within("button, a, input, select, textarea").is_some() {
            return;
        }
        self.pointers.update_value(|pointers| {
            pointers.retain(|(id, _)| *id != event.pointer_id());
            pointers.push((event.pointer_id(), at));
        });
        if let Some(frame) = self.frame.get_untracked() {
            let _ = frame.set_pointer_capture(event.pointer_id());
        }
        let before = self.view.get_value();
        let down = self.pointers.get_value();
        if let [(_, first), (_, second)] = down.as_slice() {
            self.cancel();
            let middle = ((first.0 + second.0) / 2.0, (first.1 + second.1) / 2.0);
            let gesture = Gesture::Pinch { distance: distance(*first, *second).max(1.0), middle, before };
            self.gesture.set_value(Some(gesture));
            return;
        }
        let node = within("[data-node]")
            .and_then(|element| element.get_attribute("data-node"))
            .and_then(|id| id.parse::<NodeId>().ok());
        let gesture = match node {
            Some(node) if event.button() == 0 && !self.space.get_value() => {
                if within("[data-port]").is_some() {
                    self.begin_line(node)
                } else {
                    self.begin_move(node, at)
                }
            }
            _ => Some(Gesture::Pan { from: at, before }),
        };
        self.gesture.set_value(gesture);
    }

    fn begin_line(self, from: NodeId) -> Option<Gesture> {
        let legal = self
            .draft
            .spec
            .with_untracked(|spec| self.draft.pipeline.with_untracked(|pipeline| targets(spec, pipeline, &from)));
        let targets: BTreeSet<NodeId> = legal.into_iter().collect();
        self.drawing.set(Some((from.clone(), targets.clone())));
        Some(Gesture::Draw { from, targets, over: None })
    }

    fn begin_move(self, node: NodeId, from: (f64, f64)) -> Option<Gesture> {
        let (before, edges) = self.draft.pipeline.with_untracked(|pipeline| {
            let before = pipeline.node(&node)?.position;
            let edges = pipeline.edges.iter().filter(|edge| edge.from == node || edge.to == node);
            Some((before, edges.cloned().collect::<Vec<_>>()))
        })?;
        let element = |id: &str| document().get_element_by_id(id);
        let lines = edges
            .into_iter()
            .map(|edge| {
                let group = element(&line_element(&edge.id)).map(|group| group.children());
                let paths = group.map(|group| (0..group.length()).filter_map(|at| group.item(at)).collect());
                let label = element(&label_element(&edge.id)).and_then(|label| label.dyn_into().ok());
                (edge, paths.unwrap_or_default(), label)
            })
            .collect();
        let parts = Parts { node: element(&node_element(&node)).and_then(|node| node.dyn_into().ok()), lines };
        Some(Gesture::Move { node, from, before, now: before, moves: false, parts })
    }

    /// A pointer moves.
    pub(super) fn on_move(self, event: &PointerEvent) {
        let at = self.at(event);
        let is_down = self.pointers.try_update_value(|pointers| {
            let pointer = pointers.iter_mut().find(|(id, _)| *id == event.pointer_id());
            pointer.map(|pointer| pointer.1 = at).is_some()
        });
        if is_down == Some(true)
            && let Some(redraw) = self.redraw.get_value()
        {
            redraw.ask();
        }
    }

    /// Draws what the gesture has come to.
    fn draw(self) {
        let Some(pointers) = self.pointers.try_get_value() else { return };
        let Some((_, at)) = pointers.first().copied() else { return };
        let mut next_view = None;
        self.gesture.try_update_value(|gesture| match gesture {
            None => {}
            Some(Gesture::Pan { from, before }) => next_view = Some(before.moved(at.0 - from.0, at.1 - from.1)),
            Some(Gesture::Pinch { distance: apart, middle, before }) => {
                if let [(_, first), (_, second)] = pointers.as_slice() {
                    let now = ((first.0 + second.0) / 2.0, (first.1 + second.1) / 2.0);
                    let zoomed = before.zoomed(distance(*first, *second) / *apart, *middle);
                    next_view = Some(zoomed.moved(now.0 - middle.0, now.1 - middle.1));
                }
            }
            Some(Gesture::Move { node, from, before, now, moves, parts }) => {
                if !*moves && distance(*from, at) < SLACK {
                    return;
                }
                *moves = true;
                let zoom = self.view.get_value().zoom;
                let snapped = |value: f64| ((value / GRID).round() * GRID) as i32;
                let moved = Position::at(
                    snapped(f64::from(before.x) + (at.0 - from.0) / zoom),
                    snapped(f64::from(before.y) + (at.1 - from.1) / zoom),
                );
                if moved != *now {
                    *now = moved;
                    self.draw_node(node, moved, parts);
                }
            }
            Some(Gesture::Draw { from, targets, over }) => self.draw_line(from, targets, over, at),
        });
        if let Some(view) = next_view {
            self.look(view);
        }
    }

    fn draw_node(self, node: &NodeId, position: Position, parts: &Parts) {
        if let Some(element) = &parts.node {
            let _ = element.style().set_property("transform", &place_css(position));
        }
        let moved = BTreeMap::from([(node.clone(), position)]);
        self.draft.pipeline.with_untracked(|pipeline| {
            for (edge, paths, label) in &parts.lines {
                let Some(line) = line_of(pipeline, edge, &moved) else { continue };
                for path in paths {
                    let _ = path.set_attribute("d", &line.path);
                }
                if let Some(label) = label {
                    let _ = label.style().set_property("transform", &label_css(line.label));
                }
            }
        });
    }

    fn draw_line(self, from: &NodeId, targets: &BTreeSet<NodeId>, over: &mut Option<Element>, at: (f64, f64)) {
        let (x, y) = self.view.get_value().to_graph(at);
        let frame = self
            .draft
            .pipeline
            .with_untracked(|pipeline| pipeline.node(from).map(|node| Frame::of(node.part, node.position)));
        if let (Some(frame), Some(preview)) = (frame, self.preview.get_untracked()) {
            let line = line_to_point(frame, (x.round() as i32, y.round() as i32));
            let _ = preview.set_attribute("d", &line.path);
        }
        let found = self.node_at(at).filter(|(_, id)| targets.contains(id)).map(|(element, _)| element);
        if found != *over {
            if let Some(before) = over.as_ref() {
                let _ = before.class_list().remove_1("over");
            }
            if let Some(now) = &found {
                let _ = now.class_list().add_1("over");
            }
            *over = found;
        }
    }

    fn node_at(self, at: (f64, f64)) -> Option<(Element, NodeId)> {
        let corner = self.frame.get_untracked()?.get_bounding_client_rect();
        let found = document().element_from_point((at.0 + corner.left()) as f32, (at.1 + corner.top()) as f32)?;
        let element = found.closest("[data-node]").ok().flatten()?;
        let id = element.get_attribute("data-node")?.parse().ok()?;
        Some((element, id))
    }

    /// A pointer goes up: the gesture counts.
    pub(super) fn on_up(self, event: &PointerEvent) {
        let at = self.at(event);
        self.on_move(event);
        self.draw();
        if !self.forget(event) {
            return;
        }
        let Some(gesture) = self.gesture.try_update_value(Option::take).flatten() else { return };
        let draft = self.draft;
        match gesture {
            Gesture::Move { node, moves: false, .. } => draft.selected.set(Some(Selected::Node(node))),
            Gesture::Move { node, now, .. } => {
                draft.seal();
                draft.apply(&Operation::Place(BTreeMap::from([(node, now)])));
                draft.seal();
            }
            Gesture::Draw { from, over, .. } => {
                let to = self.node_at(at).map(|(_, id)| id);
                self.end_line(over);
                if let Some(to) = to.filter(|to| *to != from || matches!(to, NodeId::Task(_))) {
                    draft.seal();
                    draft.apply(&Operation::Connect { from, to });
                }
            }
            Gesture::Pan { from, .. } => {
                // A press beside everything selects nothing.
                let on_line = event.target().and_then(|target| target.dyn_into::<Element>().ok());
                let on_line = on_line.and_then(|target| target.closest("[data-edge], .line-label").ok().flatten());
                if distance(from, at) < SLACK && on_line.is_none() && self.line_at(event).is_none() {
                    draft.selected.set(None);
                }
            }
            Gesture::Pinch { .. } => {}
        }
    }

    /// The line under a pointer: while the frame has captured it, its events are the frame's.
    fn line_at(self, event: &PointerEvent) -> Option<()> {
        let (x, y) = (event.client_x() as f32, event.client_y() as f32);
        let found = document().element_from_point(x, y)?;
        if let Some(label) = found.closest(".line-label").ok().flatten() {
            let id = label.id();
            let id = id.strip_prefix("label-")?;
            return self.select_line(id);
        }
        let line = found.closest("[data-edge]").ok().flatten()?;
        self.select_line(&line.get_attribute("data-edge")?)
    }

    fn select_line(self, name: &str) -> Option<()> {
        let id = self.draft.pipeline.with_untracked(|pipeline| {
            pipeline.edges.iter().map(|edge| &edge.id).find(|id| id.to_string() == name).cloned()
        })?;
        self.draft.selected.set(Some(Selected::Edge(id)));
        Some(())
    }

    fn forget(self, event: &PointerEvent) -> bool {
        let removed = self.pointers.try_update_value(|pointers| {
            let before = pointers.len();
            pointers.retain(|(id, _)| *id != event.pointer_id());
            pointers.len() < before
        });
        removed == Some(true)
    }

    fn end_line(self, over: Option<Element>) {
        if let Some(over) = over {
            let _ = over.class_list().remove_1("over");
        }
        if let Some(preview) = self.preview.get_untracked() {
            let _ = preview.set_attribute("d", "");
        }
        self.drawing.set(None);
    }

    /// The pointer was taken away: everything is as it was.
    pub(super) fn on_cancel(self, event: &PointerEvent) {
        self.forget(event);
        self.cancel();
    }

    /// Leaves the gesture off; gives whether there was one.
    pub(super) fn cancel(self) -> bool {
        match self.gesture.try_update_value(Option::take).flatten() {
            None => false,
            Some(Gesture::Move { node, before, parts, .. }) => {
                self.draw_node(&node, before, &parts);
                true
            }
            Some(Gesture::Draw { over, .. }) => {
                self.end_line(over);
                true
            }
            Some(Gesture::Pan { before, .. } | Gesture::Pinch { before, .. }) => {
                self.look(before);
                true
            }
        }
    }
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}
