//! The edges of a pipeline: everything in a spec that refers to something else.

use std::collections::BTreeSet;

use super::node::{NodeId, has_end};
use crate::matrix::Pattern;
use crate::spec::{Condition, Edge as GraphEdge, GRAPH_END, Spec};

/// A line between two nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Which one.
    pub id: EdgeId,
    /// Where it begins.
    pub from: NodeId,
    /// Where it leads.
    pub to: NodeId,
    /// What is written on it; empty is nothing.
    pub label: String,
}

/// Which edge: the place in the spec that says it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeId {
    /// A run begins with this task or agent.
    Begins(String),
    /// A run ends after this task or agent, without an edge of the spec that says so.
    Ends(String),
    /// After this task the ways part.
    Parts(String),
    /// The edge of the spec's graph at this place.
    Next(usize),
    /// A task waits for another.
    Waits {
        /// The task that waits.
        task: String,
        /// The one that it waits for.
        before: String,
    },
    /// The router may choose this agent.
    Chooses(String),
    /// The supervisor may ask this agent.
    Asks(String),
    /// An agent may pass the conversation on.
    HandsOff {
        /// The agent that has the conversation.
        from: String,
        /// The agent that gets it.
        to: String,
    },
    /// This task is done by its agent.
    Does(String),
    /// An agent may call a tool.
    Calls {
        /// The agent.
        agent: String,
        /// The tool.
        tool: String,
    },
    /// This agent thinks with its model.
    Thinks(String),
}

impl EdgeId {
    /// What it means, as a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Begins(_) => "begins with",
            Self::Ends(_) => "ends after",
            Self::Parts(_) => "branches after",
            Self::Next(_) => "leads to",
            Self::Waits { .. } => "comes before",
            Self::Chooses(_) => "may choose",
            Self::Asks(_) => "may ask",
            Self::HandsOff { .. } => "may pass on to",
            Self::Does(_) => "is done by",
            Self::Calls { .. } => "may call",
            Self::Thinks(_) => "thinks with",
        }
    }

    /// Whether it says what comes after what, rather than what belongs to what.
    pub fn is_flow(&self) -> bool {
        !matches!(self, Self::Does(_) | Self::Calls { .. } | Self::Thinks(_))
    }

    /// Whether the spec says it in so many words, so that it can be taken away.
    pub fn is_removable(&self) -> bool {
        matches!(self, Self::Next(_) | Self::Waits { .. } | Self::HandsOff { .. } | Self::Calls { .. })
    }
}

impl Edge {
    /// Whether the pattern follows it from its beginning to its end.
    pub(super) fn is_followed(&self, pattern: Pattern) -> bool {
        match self.id {
            EdgeId::Waits { .. } => matches!(pattern, Pattern::Sequential | Pattern::Parallel),
            EdgeId::Next(_) | EdgeId::Parts(_) => pattern == Pattern::Graph,
            EdgeId::HandsOff { .. } => pattern == Pattern::Handoff,
            EdgeId::Calls { .. } => pattern != Pattern::Single,
            _ => true,
        }
    }
}

/// The edges of the spec's graph that leave a task, with their places.
pub(super) fn leaving<'a>(spec: &'a Spec, task: &'a str) -> impl Iterator<Item = (usize, &'a GraphEdge)> {
    let edges = spec.graph.iter().flat_map(|graph| graph.edges.iter().enumerate());
    edges.filter(move |(_, edge)| edge.from == task)
}

/// Whether the ways part after a task: there are several, or one that is not always gone.
pub(super) fn branches(spec: &Spec, task: &str) -> bool {
    leaving(spec, task).count() > 1 || leaving(spec, task).any(|(_, edge)| edge.when.is_some())
}

/// The words of a condition.
pub(super) fn condition_text(when: &Condition) -> String {
    match when {
        Condition::Contains(text) => format!("contains “{}”", super::line(text)),
        Condition::Lacks(text) => format!("lacks “{}”", super::line(text)),
    }
}

/// All edges whose both ends are among the nodes, each once.
pub(super) fn of(spec: &Spec, nodes: &[NodeId]) -> Vec<Edge> {
    let known: BTreeSet<&NodeId> = nodes.iter().collect();
    let mut edges = Vec::new();
    flow(spec, &mut edges);
    uses(spec, &mut edges);
    let mut seen = BTreeSet::new();
    edges.retain(|edge: &Edge| known.contains(&edge.from) && known.contains(&edge.to) && seen.insert(edge.id.clone()));
    edges
}

fn edge(id: EdgeId, from: NodeId, to: NodeId) -> Edge {
    Edge { id, from, to, label: String::new() }
}

fn task(id: &str) -> NodeId {
    NodeId::Task(id.to_owned())
}

fn agent(id: &str) -> NodeId {
    NodeId::Agent(id.to_owned())
}

/// What comes after what.
fn flow(spec: &Spec, edges: &mut Vec<Edge>) {
    let pattern = spec.target.pattern;
    for waiting in &spec.tasks {
        for before in &waiting.depends_on {
            let id = EdgeId::Waits { task: waiting.id.clone(), before: before.clone() };
            edges.push(edge(id, task(before), task(&waiting.id)));
        }
    }
    match pattern {
        Pattern::Sequential | Pattern::Parallel => {
            for known in &spec.tasks {
                if !known.depends_on.iter().any(|id| spec.tasks.iter().any(|other| other.id == *id)) {
                    edges.push(edge(EdgeId::Begins(known.id.clone()), NodeId::Start, task(&known.id)));
                }
                if !spec.tasks.iter().any(|other| other.depends_on.contains(&known.id)) {
                    edges.push(edge(EdgeId::Ends(known.id.clone()), task(&known.id), NodeId::End));
                }
            }
        }
        Pattern::Graph => graph(spec, edges),
        Pattern::Single | Pattern::React | Pattern::Router | Pattern::Supervisor | Pattern::Handoff => {
            if let Some(first) = spec.agents.first() {
                edges.push(edge(EdgeId::Begins(first.id.clone()), NodeId::Start, agent(&first.id)));
                if has_end(pattern) {
                    edges.push(edge(EdgeId::Ends(first.id.clone()), agent(&first.id), NodeId::End));
                }
                for other in spec.agents.iter().skip(1) {
                    let id = match pattern {
                        Pattern::Router => EdgeId::Chooses(other.id.clone()),
                        Pattern::Supervisor => EdgeId::Asks(other.id.clone()),
                        _ => continue,
                    };
                    edges.push(edge(id, agent(&first.id), agent(&other.id)));
                }
            }
        }
    }
    for known in &spec.agents {
        for to in &known.handoffs {
            let id = EdgeId::HandsOff { from: known.id.clone(), to: to.clone() };
            edges.push(edge(id, agent(&known.id), agent(to)));
        }
    }
}

/// The ways of the pattern `graph`: through a branch where they part.
fn graph(spec: &Spec, edges: &mut Vec<Edge>) {
    let Some(graph) = &spec.graph else { return };
    edges.push(edge(EdgeId::Begins(graph.start.clone()), NodeId::Start, task(&graph.start)));
    for known in &spec.tasks {
        let parts = branches(spec, &known.id);
        let from = if parts { NodeId::Branch(known.id.clone()) } else { task(&known.id) };
        if parts {
            edges.push(edge(EdgeId::Parts(known.id.clone()), task(&known.id), from.clone()));
        }
        let mut always = false;
        let several = leaving(spec, &known.id).count() > 1;
        for (index, way) in leaving(spec, &known.id) {
            let to = if way.to == GRAPH_END { NodeId::End } else { task(&way.to) };
            let mut made = edge(EdgeId::Next(index), from.clone(), to);
            made.label = match &way.when {
                Some(when) => condition_text(when),
                None if several => "otherwise".to_owned(),
                None => String::new(),
            };
            always |= way.when.is_none();
            edges.push(made);
        }
        if !always {
            let mut made = edge(EdgeId::Ends(known.id.clone()), from, NodeId::End);
            if parts {
                made.label = "otherwise".to_owned();
            }
            edges.push(made);
        }
    }
}

/// What belongs to what.
fn uses(spec: &Spec, edges: &mut Vec<Edge>) {
    for done in &spec.tasks {
        edges.push(edge(EdgeId::Does(done.id.clone()), task(&done.id), agent(&done.agent)));
    }
    for known in &spec.agents {
        for tool in &known.tools {
            let id = EdgeId::Calls { agent: known.id.clone(), tool: tool.clone() };
            edges.push(edge(id, agent(&known.id), NodeId::Tool(tool.clone())));
        }
        let id = EdgeId::Thinks(known.id.clone());
        edges.push(edge(id, agent(&known.id), NodeId::Model(known.model.clone())));
    }
}

impl std::fmt::Display for EdgeId {
    /// A name that is unique within a pipeline.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Begins(id) => write!(f, "begins:{id}"),
            Self::Ends(id) => write!(f, "ends:{id}"),
            Self::Parts(id) => write!(f, "parts:{id}"),
            Self::Next(index) => write!(f, "next:{index}"),
            Self::Waits { task, before } => write!(f, "waits:{task}:{before}"),
            Self::Chooses(id) => write!(f, "chooses:{id}"),
            Self::Asks(id) => write!(f, "asks:{id}"),
            Self::HandsOff { from, to } => write!(f, "hands-off:{from}:{to}"),
            Self::Does(id) => write!(f, "does:{id}"),
            Self::Calls { agent, tool } => write!(f, "calls:{agent}:{tool}"),
            Self::Thinks(id) => write!(f, "thinks:{id}"),
        }
    }
}
