//! The nodes and lines of the graph on the screen. Each is made once and follows the pipeline by
//! itself; while a gesture lasts, [`super::gesture`] moves them without asking anybody.

use std::collections::{BTreeMap, BTreeSet};

use gantry_domain::pipeline::geometry::{Frame, Line, line};
use gantry_domain::pipeline::{Edge, EdgeId, Node, NodeId, Operation, Part, Pipeline, has_tasks};
use gantry_domain::spec::Position;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::draft::{Draft, Selected};
use crate::parts::{Icon, icon};

/// How far an arrow key moves a node, in pixels; with Shift four times as far.
const KEY_STEP: i32 = 16;

/// What may be connected while a line is drawn: where it comes from, and where it may lead.
pub(super) type Drawing = RwSignal<Option<(NodeId, BTreeSet<NodeId>)>>;

/// The element of a node.
pub(super) fn node_element(id: &NodeId) -> String {
    format!("node-{id}")
}

/// The element of a line.
pub(super) fn line_element(id: &EdgeId) -> String {
    format!("line-{id}")
}

/// The element of what is written on a line.
pub(super) fn label_element(id: &EdgeId) -> String {
    format!("label-{id}")
}

/// Where a node is, in CSS.
pub(super) fn place_css(position: Position) -> String {
    format!("translate({}px, {}px)", position.x, position.y)
}

/// Where what is written on a line is, in CSS.
pub(super) fn label_css((x, y): (i32, i32)) -> String {
    format!("translate({x}px, {y}px) translate(-50%, -50%)")
}

/// The line of an edge, with the nodes where they are unless `moved` says otherwise.
pub(super) fn line_of(pipeline: &Pipeline, edge: &Edge, moved: &BTreeMap<NodeId, Position>) -> Option<Line> {
    let frame = |id: &NodeId| {
        let node = pipeline.node(id)?;
        Some(Frame::of(node.part, moved.get(id).copied().unwrap_or(node.position)))
    };
    let has_twin = pipeline.edges.iter().any(|other| other.from == edge.to && other.to == edge.from);
    Some(line(&edge.id, frame(&edge.from)?, frame(&edge.to)?, has_twin, has_tasks(pipeline.pattern)))
}

/// An icon for what a node is.
pub(super) fn part_icon(part: Part) -> Icon {
    match part {
        Part::Start => Icon::Forward,
        Part::End => Icon::Check,
        Part::Branch => Icon::Branch,
        Part::Agent => Icon::Agent,
        Part::Router => Icon::Branch,
        Part::Supervisor => Icon::Overview,
        Part::Task => Icon::File,
        Part::Tool => Icon::Tool,
        Part::Model => Icon::Model,
    }
}

/// What a node looks like, for the style sheet.
fn part_look(part: Part) -> &'static str {
    match part {
        Part::Start | Part::End => "terminal",
        Part::Branch => "branch",
        Part::Agent => "agent",
        Part::Router | Part::Supervisor => "lead",
        Part::Task => "task",
        Part::Tool => "tool",
        Part::Model => "model",
    }
}

fn line_class(edge: &EdgeId) -> &'static str {
    match edge {
        EdgeId::Does(_) => "line belongs does",
        EdgeId::Calls { .. } => "line belongs calls",
        EdgeId::Thinks(_) => "line belongs thinks",
        edge if edge.is_removable() => "line",
        _ => "line follows",
    }
}

/// A node.
#[component]
pub(super) fn NodeShape(id: NodeId, drawing: Drawing) -> impl IntoView {
    let draft = Draft::expect();
    let node = {
        let id = id.clone();
        Memo::new(move |_| draft.pipeline.with(|pipeline| pipeline.node(&id).cloned()))
    };
    let look = move |read: fn(&Node) -> String| move || node.with(|node| node.as_ref().map(read).unwrap_or_default());
    let part = Memo::new(move |_| node.with(|node| node.as_ref().map_or(Part::Agent, |node| node.part)));
    let is_selected = {
        let id = id.clone();
        Memo::new(move |_| draft.selected.with(|selected| *selected == Some(Selected::Node(id.clone()))))
    };
    let may_get = {
        let id = id.clone();
        Memo::new(move |_| drawing.with(|drawing| drawing.as_ref().map(|(_, targets)| targets.contains(&id))))
    };
    let faults = {
        let id = id.clone();
        Memo::new(move |_| count_of_faults(draft, &id))
    };
    let is_idle = Memo::new(move |_| node.with(|node| node.as_ref().is_some_and(|node| node.is_idle)));
    let word = move || match part.get() {
        // Their title says it already.
        Part::Start | Part::End | Part::Branch => "",
        part => part.word(),
    };
    // What is seen otherwise is said as well.
    let remarks = move || {
        let idle = if is_idle.get() { " Not used by this pattern." } else { "" };
        let faults = match faults.get() {
            0 => String::new(),
            1 => " 1 thing must be resolved.".to_owned(),
            count => format!(" {count} things must be resolved."),
        };
        format!("{idle}{faults}")
    };
    let place = move || node.with(|node| node.as_ref().map(|node| place_css(node.position)).unwrap_or_default());
    let key = {
        let id = id.clone();
        move |event: KeyboardEvent| on_key(draft, &id, &event)
    };
    // Pointers are the graph's business; this is for what presses without one, such as a screen reader.
    let pressed = id.clone();
    view! {
        <div
            id=node_element(&id)
            class="node"
            data-part=move || part_look(part.get())
            class:selected=move || is_selected.get()
            class:idle=move || is_idle.get()
            class:faulty=move || faults.get() != 0
            class:legal=move || may_get.get() == Some(true)
            class:illegal=move || may_get.get() == Some(false)
            data-node=id.to_string()
            role="button"
            tabindex="0"
            aria-pressed=move || is_selected.get().to_string()
            style:transform=place
            on:keydown=key
            on:click=move |_| draft.selected.set(Some(Selected::Node(pressed.clone())))
        >
            <span class="node-part">
                {move || icon(part_icon(part.get()))}
                <span class="node-word">{word}</span>
                {move || (faults.get() != 0).then(|| view! { <span class="node-fault">{icon(Icon::Warning)}</span> })}
            </span>
            <b class="node-title">{look(|node| node.title.clone())}</b>
            <span class="node-detail">{look(|node| node.detail.clone())}</span>
 <span class="visually-hidden">{remarks}</span>
            <span class="port" data-port="true" aria-hidden="true"></span>
        </div>
    }
    .into_any()
}

/// How many errors there are in what a node stands for.
fn count_of_faults(draft: Draft, id: &NodeId) -> usize {
    let place = draft.spec.with(|spec| match id {
        NodeId::Agent(id) => spec.agents.iter().position(|agent| agent.id == *id).map(|at| format!("/agents/{at}")),
        NodeId::Task(id) => spec.tasks.iter().position(|task| task.id == *id).map(|at| format!("/tasks/{at}")),
        NodeId::Tool(id) => spec.tools.iter().position(|tool| tool.id == *id).map(|at| format!("/tools/{at}")),
        NodeId::Model(key) => Some(format!("/models/{key}")),
        NodeId::Start | NodeId::End | NodeId::Branch(_) => None,
    });
    let Some(place) = place else { return 0 };
    let below = format!("{place}/");
    draft.found.with(|found| {
        let errors = found.iter().filter(|found| found.severity == gantry_domain::matrix::Severity::Error);
        errors.filter(|found| found.path == place || found.path.starts_with(&below)).count()
    })
}

/// Arrows move, Enter and Space select, Delete removes.
fn on_key(draft: Draft, id: &NodeId, event: &KeyboardEvent) {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let step = if event.shift_key() { KEY_STEP * 4 } else { KEY_STEP };
    let (across, down) = match event.key().as_str() {
        "ArrowLeft" => (-step, 0),
        "ArrowRight" => (step, 0),
        "ArrowUp" => (0, -step),
        "ArrowDown" => (0, step),
        "Enter" | " " => {
            event.prevent_default();
            event.stop_propagation();
            draft.selected.set(Some(Selected::Node(id.clone())));
            return;
        }
        "Delete" | "Backspace" => {
            event.prevent_default();
            event.stop_propagation();
            draft.seal();
            if draft.takes(&Operation::Remove(id.clone())) {
                // The keyboard goes on where it was: in the graph.
                let graph = document().get_element_by_id("pipeline-graph");
                if let Some(graph) =
                    graph.and_then(|graph| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(graph).ok())
                {
                    let _ = graph.focus();
                }
            }
            return;
        }
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    let position = draft.pipeline.with_untracked(|pipeline| pipeline.node(id).map(|node| node.position));
    if let Some(position) = position {
        let moved = Position::at(position.x + across, position.y + down);
        draft.apply(&Operation::Place(BTreeMap::from([(id.clone(), moved)])));
    }
}

/// A line.
#[component]
pub(super) fn LineShape(id: EdgeId) -> impl IntoView {
    let draft = Draft::expect();
    let path = {
        let id = id.clone();
        Memo::new(move |_| {
            draft.pipeline.with(|pipeline| {
                let edge = pipeline.edge(&id)?;
                line_of(pipeline, edge, &BTreeMap::new()).map(|line| line.path)
            })
        })
    };
    let path = move || path.get().unwrap_or_default();
    let is_selected = {
        let id = id.clone();
        Memo::new(move |_| draft.selected.with(|selected| *selected == Some(Selected::Edge(id.clone()))))
    };
    // What belongs to the selected node stands out from the rest.
    let is_near = {
        let id = id.clone();
        Memo::new(move |_| {
            let Some(node) = draft.selected_node() else { return false };
            draft.pipeline.with(|pipeline| pipeline.edge(&id).is_some_and(|edge| edge.from == node || edge.to == node))
        })
    };
    view! {
        <g
            id=line_element(&id)
            class=line_class(&id)
            class:selected=move || is_selected.get()
            class:near=move || is_near.get()
            data-edge=id.to_string()
            on:click=move |_| draft.selected.set(Some(Selected::Edge(id.clone())))
        >
            <path class="line-hit" d=path/>
            <path class="line-path" d=path/>
        </g>
    }
    .into_any()
}

/// What is written on a line.
#[component]
pub(super) fn LabelShape(id: EdgeId) -> impl IntoView {
    let draft = Draft::expect();
    let said = {
        let id = id.clone();
        Memo::new(move |_| {
            draft.pipeline.with(|pipeline| {
                let edge = pipeline.edge(&id)?;
                Some((edge.label.clone(), line_of(pipeline, edge, &BTreeMap::new())?.label))
            })
        })
    };
    let text = move || said.with(|said| said.as_ref().map(|said| said.0.clone()).unwrap_or_default());
    let place = move || said.with(|said| said.as_ref().map(|said| label_css(said.1)).unwrap_or_default());
    let key = label_element(&id);
    view! {
        <span
            id=key
            class="line-label"
            aria-hidden="true"
            style:transform=place
            on:click=move |_| draft.selected.set(Some(Selected::Edge(id.clone())))
        >
            {text}
        </span>
    }
    .into_any()
}
