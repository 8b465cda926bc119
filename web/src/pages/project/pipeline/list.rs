//! The same pipeline as a list: for phones, for screen readers, and for whoever prefers words.

use gantry_domain::pipeline::{Node, NodeId, Part, Pipeline};
use leptos::prelude::*;

use super::draft::{Draft, Selected};
use super::shapes::part_icon;
use crate::parts::icon;

/// The groups, each with the parts that belong to it.
const GROUPS: [(&str, &[Part]); 5] = [
    ("Begin and end", &[Part::Start, Part::End]),
    ("Tasks", &[Part::Task, Part::Branch]),
    ("Agents", &[Part::Agent, Part::Router, Part::Supervisor]),
    ("Tools", &[Part::Tool]),
    ("Models", &[Part::Model]),
];

/// The pipeline as a list.
#[component]
pub(super) fn NodeList() -> impl IntoView {
    let draft = Draft::expect();
    let groups = move || {
        let groups = draft.pipeline.with(|pipeline| {
            GROUPS.map(|(title, parts)| {
                let nodes = pipeline.nodes.iter().filter(|node| parts.contains(&node.part));
                (title, nodes.map(|node| (node.clone(), connections(pipeline, &node.id))).collect::<Vec<_>>())
            })
        });
        let groups = groups.into_iter().filter(|(_, nodes)| !nodes.is_empty()).map(|(title, nodes)| {
            let rows = nodes.into_iter().map(|(node, connected)| row(draft, node, connected)).collect_view();
            view! { <section><h2>{title}</h2><ul class="item-list">{rows}</ul></section> }
        });
        groups.collect_view()
    };
    view! { <div class="pipeline-list stack">{groups}</div> }.into_any()
}

fn row(draft: Draft, node: Node, connected: String) -> AnyView {
    let id = node.id.clone();
    let is_selected = {
        let id = id.clone();
        move || draft.selected.with(|selected| *selected == Some(Selected::Node(id.clone())))
    };
    let idle = node.is_idle.then(|| view! { <span class="faint">"not used by this pattern"</span> });
    view! {
        <li class="item">
            <button
                type="button"
                class="pipeline-row"
                data-row="true"
                aria-pressed=move || is_selected().to_string()
                on:click=move |_| draft.selected.set(Some(Selected::Node(id.clone())))
            >
                {icon(part_icon(node.part))}
                <span class="item-main">
                    <span class="item-title"><b>{node.title}</b><span class="muted">{node.part.word()}</span>{idle}</span>
                    <span class="pipeline-detail">{node.detail}</span>
                    <span class="hint">{connected}</span>
                </span>
            </button>
        </li>
    }
    .into_any()
}

/// What leaves a node, in words.
pub(super) fn connections(pipeline: &Pipeline, id: &NodeId) -> String {
    let mut words: Vec<(&str, Vec<String>)> = Vec::new();
    for edge in pipeline.edges.iter().filter(|edge| edge.from == *id) {
        let name = pipeline.node(&edge.to).map(|node| node.title.clone()).unwrap_or_default();
        let name = if edge.label.is_empty() { name } else { format!("{name} ({})", edge.label) };
        match words.last_mut().filter(|(word, _)| *word == edge.id.word()) {
            Some((_, names)) => names.push(name),
            None => words.push((edge.id.word(), vec![name])),
        }
    }
    words.into_iter().map(|(word, names)| format!("{word} {}", names.join(", "))).collect::<Vec<_>>().join("; ")
}
