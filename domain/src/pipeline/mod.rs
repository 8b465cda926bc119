//! The pipeline: a spec seen as a graph, and changes of the graph as changes of the spec.
//!
//! The spec is the truth and the graph a view of it: [`Pipeline::of`] only reads, and every
//! [`Operation`] is a change of the spec, so nothing that a spec says can get lost in a round trip.
//! What nodes there are and how they are connected is here; where they are put by themselves is in
//! [`arrange`], how a line is drawn between two of them in [`geometry`].

mod apply;
mod arrange;
mod connect;
mod edges;
pub mod geometry;
mod history;
mod node;
mod rename;
mod step;

use std::collections::{BTreeMap, BTreeSet};

pub use apply::{Operation, Refusal, added, apply};
pub use connect::{connection, targets};
pub use edges::{Edge, EdgeId};
pub use history::History;
pub use node::{NodeId, Part};
pub use step::spec_of_step;

use crate::matrix::Pattern;
use crate::spec::{Position, Spec, ToolSource};

/// A spec as a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// How the agents work together.
    pub pattern: Pattern,
    /// The nodes, each once: what happens first, then who does it, then what they use.
    pub nodes: Vec<Node>,
    /// The edges between them, each once.
    pub edges: Vec<Edge>,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Which one.
    pub id: NodeId,
    /// What it is.
    pub part: Part,
    /// What it is called.
    pub title: String,
    /// What it is about, in a line.
    pub detail: String,
    /// Where it is: its upper left corner.
    pub position: Position,
    /// Whether a person put it there.
    pub is_placed: bool,
    /// Whether the pattern has no use for it, so that nothing ever happens there.
    pub is_idle: bool,
}

impl Pipeline {
    /// The graph of a spec, however wrong that is: what refers to nothing has no edge, and of those
    /// that have one name the first has a node.
    pub fn of(spec: &Spec) -> Self {
        let pattern = spec.target.pattern;
        let ids = nodes(spec);
        let edges = edges::of(spec, &ids);
        let arranged = arrange::arrange(spec, &ids, &edges);
        let working = working(spec, &edges);
        let nodes = ids
            .into_iter()
            .map(|id| {
                let placed = spec.layout.nodes.get(&id.to_string()).copied();
                let automatic = arranged.get(&id).copied().unwrap_or_default();
                let position = placed.unwrap_or(automatic);
                let (title, detail) = words(spec, &id);
                Node {
                    part: id.part(spec),
                    title,
                    detail,
                    position: Position::at(position.x, position.y),
                    is_placed: placed.is_some(),
                    is_idle: !working.contains(&id),
                    id,
                }
            })
            .collect();
        Self { pattern, nodes, edges }
    }

    /// The node with this id.
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == *id)
    }

    /// The edge with this id.
    pub fn edge(&self, id: &EdgeId) -> Option<&Edge> {
        self.edges.iter().find(|edge| edge.id == *id)
    }

    /// The smallest rectangle around all nodes, and around lines that go around them: left, top, right,
    /// bottom.
    pub fn bounds(&self) -> (i32, i32, i32, i32) {
        let frame = |id: &NodeId| self.node(id).map(|node| geometry::Frame::of(node.part, node.position));
        let lines = self.edges.iter().filter(|edge| edge.id.is_flow()).filter_map(|edge| {
            let (x, y) =
                geometry::line(&edge.id, frame(&edge.from)?, frame(&edge.to)?, false, has_tasks(self.pattern)).label;
            // A label is at most this large, as in the style sheet.
            let (wide, high) = if edge.label.is_empty() { (2, 2) } else { (65, 11) };
            Some((x - wide, y - high, x + wide, y + high))
        });
        let nodes = self.nodes.iter().map(|node| {
            let (width, height) = node.part.size();
            (node.position.x, node.position.y, node.position.x + width, node.position.y + height)
        });
        let all = nodes.chain(lines);
        all.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1), a.2.max(b.2), a.3.max(b.3))).unwrap_or_default()
    }
}

/// Whether tasks are what happens in a pattern.
pub fn has_tasks(pattern: Pattern) -> bool {
    matches!(pattern, Pattern::Sequential | Pattern::Parallel | Pattern::Graph)
}

/// The nodes of a spec, each once.
fn nodes(spec: &Spec) -> Vec<NodeId> {
    let mut ids = vec![NodeId::Start];
    ids.extend(spec.tasks.iter().map(|task| NodeId::Task(task.id.clone())));
    if spec.target.pattern == Pattern::Graph {
        let tasks = spec.tasks.iter().filter(|task| edges::branches(spec, &task.id));
        ids.extend(tasks.map(|task| NodeId::Branch(task.id.clone())));
    }
    ids.extend(spec.agents.iter().map(|agent| NodeId::Agent(agent.id.clone())));
    if node::has_end(spec.target.pattern) {
        ids.push(NodeId::End);
    }
    ids.extend(spec.tools.iter().map(|tool| NodeId::Tool(tool.id.clone())));
    ids.extend(spec.models.keys().map(|key| NodeId::Model(key.clone())));
    let mut seen = BTreeSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    ids
}

/// What the pattern comes to: everything that is reached from the start along edges that lead on,
/// and whatever that uses.
fn working(spec: &Spec, edges: &[Edge]) -> BTreeSet<NodeId> {
    let mut from: BTreeMap<&NodeId, Vec<&Edge>> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.is_followed(spec.target.pattern)) {
        from.entry(&edge.from).or_default().push(edge);
    }
    let mut reached = BTreeSet::from([NodeId::Start, NodeId::End]);
    let mut open = vec![&NodeId::Start];
    while let Some(id) = open.pop() {
        for edge in from.get(id).into_iter().flatten() {
            if reached.insert(edge.to.clone()) {
                open.push(&edge.to);
            }
        }
    }
    reached
}

/// What a node is called, and what it is about.
fn words(spec: &Spec, id: &NodeId) -> (String, String) {
    match id {
        NodeId::Start => ("Start".to_owned(), "What the person says".to_owned()),
        NodeId::End => ("End".to_owned(), "The answer".to_owned()),
        NodeId::Branch(task) => ("Branch".to_owned(), format!("By the result of {task}")),
        NodeId::Agent(name) => {
            let agent = spec.agents.iter().find(|agent| agent.id == *name);
            (name.clone(), agent.map(|agent| line(&agent.role)).unwrap_or_default())
        }
        NodeId::Task(name) => {
            let task = spec.tasks.iter().find(|task| task.id == *name);
            (name.clone(), task.map(|task| line(&task.description)).unwrap_or_default())
        }
        NodeId::Tool(name) => {
            let tool = spec.tools.iter().find(|tool| tool.id == *name);
            (name.clone(), tool.map(|tool| source_line(&tool.source)).unwrap_or_default())
        }
        NodeId::Model(key) => {
            let name = spec.models.get(key).map(|model| line(&model.model)).unwrap_or_default();
            (key.clone(), if name.is_empty() { "From the environment".to_owned() } else { name })
        }
    }
}

/// The beginning of a text on one line.
fn line(text: &str) -> String {
    const LONGEST: usize = 80;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn source_line(source: &ToolSource) -> String {
    match source {
        ToolSource::Http { method, url, .. } => line(&format!("{method} {url}")),
        ToolSource::Builtin { .. } => "Built in".to_owned(),
        ToolSource::Mcp { tool, .. } | ToolSource::McpOverHttp { tool, .. } => line(&format!("MCP: {tool}")),
        ToolSource::Python { .. } => "Python in the project".to_owned(),
        ToolSource::Typescript { .. } => "TypeScript in the project".to_owned(),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
