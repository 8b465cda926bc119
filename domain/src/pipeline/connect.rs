//! What may be connected with what, and which part of the spec that changes.

use super::Pipeline;
use super::apply::Refusal;
use super::edges::leaving;
use super::node::NodeId;
use crate::matrix::Pattern;
use crate::spec::{Edge, GRAPH_END, Graph, Spec, task_order};

/// The spec with a line drawn from one node to another.
///
/// # Errors
/// Why there can be no such line, as a sentence.
pub fn connection(spec: &Spec, from: &NodeId, to: &NodeId) -> Result<Spec, Refusal> {
    let mut changed = spec.clone();
    match (from, to) {
        _ if from == to && !matches!(from, NodeId::Task(_)) => return refuse("A line leads to another node."),
        (NodeId::Start, NodeId::Agent(id)) => begin_with_agent(&mut changed, id)?,
        (NodeId::Start, NodeId::Task(id)) => begin_with_task(&mut changed, id)?,
        (NodeId::Task(first), NodeId::Task(then)) => one_after_another(&mut changed, first, then)?,
        (NodeId::Branch(first), NodeId::Task(then)) => lead(&mut changed, first, then)?,
        (NodeId::Task(first) | NodeId::Branch(first), NodeId::End) => {
            if spec.target.pattern != Pattern::Graph {
                return refuse("The run ends by itself after the tasks that no other task waits for.");
            }
            lead(&mut changed, first, GRAPH_END)?;
        }
        (NodeId::Task(task), NodeId::Agent(agent)) | (NodeId::Agent(agent), NodeId::Task(task)) => {
            give(&mut changed, task, agent)?;
        }
        (NodeId::Agent(agent), NodeId::Tool(tool)) | (NodeId::Tool(tool), NodeId::Agent(agent)) => {
            allow(&mut changed, agent, tool)?;
        }
        (NodeId::Agent(agent), NodeId::Model(model)) | (NodeId::Model(model), NodeId::Agent(agent)) => {
            think(&mut changed, agent, model)?;
        }
        (NodeId::Agent(from), NodeId::Agent(to)) => pass_on(&mut changed, from, to)?,
        _ => return refuse("These two have nothing to do with each other."),
    }
    Ok(changed)
}

/// The nodes that a line from a node may lead to.
pub fn targets(spec: &Spec, pipeline: &Pipeline, from: &NodeId) -> Vec<NodeId> {
    let ids = pipeline.nodes.iter().map(|node| &node.id);
    ids.filter(|to| connection(spec, from, to).is_ok()).cloned().collect()
}

pub(super) fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(why.into()))
}

fn begin_with_agent(spec: &mut Spec, id: &str) -> Result<(), Refusal> {
    if super::has_tasks(spec.target.pattern) {
        return refuse("In this pattern a run begins with a task.");
    }
    match spec.agents.iter().position(|agent| agent.id == id) {
        None => refuse(format!("There is no agent named {id}.")),
        Some(0) => refuse(format!("A run begins with {id} already.")),
        Some(index) => {
            let agent = spec.agents.remove(index);
            spec.agents.insert(0, agent);
            Ok(())
        }
    }
}

fn begin_with_task(spec: &mut Spec, id: &str) -> Result<(), Refusal> {
    if spec.target.pattern != Pattern::Graph {
        return refuse("A run begins with the tasks that wait for no other.");
    }
    task(spec, id)?;
    match &mut spec.graph {
        Some(graph) if graph.start == id => return refuse(format!("A run begins with {id} already.")),
        Some(graph) => id.clone_into(&mut graph.start),
        None => spec.graph = Some(graph_from(id)),
    }
    Ok(())
}

/// A graph that begins with a task and has no edges yet.
pub(super) fn graph_from(start: &str) -> Graph {
    Graph { start: start.to_owned(), max_steps: 20, edges: Vec::new() }
}

/// The first task that an edge of the graph leads to from a task.
pub(super) fn next_task(graph: &Graph, from: &str) -> Option<String> {
    let edges = graph.edges.iter().filter(|edge| edge.from == from);
    edges.map(|edge| &edge.to).find(|to| *to != GRAPH_END && *to != from).cloned()
}

fn task(spec: &Spec, id: &str) -> Result<usize, Refusal> {
    let found = spec.tasks.iter().position(|task| task.id == id);
    found.ok_or_else(|| Refusal(format!("There is no task named {id}.")))
}

fn agent(spec: &Spec, id: &str) -> Result<usize, Refusal> {
    let found = spec.agents.iter().position(|agent| agent.id == id);
    found.ok_or_else(|| Refusal(format!("There is no agent named {id}.")))
}

fn one_after_another(spec: &mut Spec, first: &str, then: &str) -> Result<(), Refusal> {
    match spec.target.pattern {
        Pattern::Graph => lead(spec, first, then),
        Pattern::Sequential | Pattern::Parallel => {
            task(spec, first)?;
            let index = task(spec, then)?;
            if first == then {
                return refuse("A task cannot wait for itself.");
            }
            if spec.tasks[index].depends_on.iter().any(|id| id == first) {
                return refuse(format!("{then} waits for {first} already."));
            }
            let was_in_order = task_order(&spec.tasks).is_ok();
            spec.tasks[index].depends_on.push(first.to_owned());
            if was_in_order && task_order(&spec.tasks).is_err() {
                return refuse(format!("{first} comes after {then}: they would wait for each other."));
            }
            Ok(())
        }
        _ => refuse("In this pattern there are no tasks to put in order."),
    }
}

/// Adds a way to the graph: always gone, unless there is one like that, which keeps its turn.
fn lead(spec: &mut Spec, from: &str, to: &str) -> Result<(), Refusal> {
    if spec.target.pattern != Pattern::Graph {
        return refuse("Only the pattern graph has edges like this.");
    }
    task(spec, from)?;
    if to != GRAPH_END {
        task(spec, to)?;
    }
    if leaving(spec, from).any(|(_, edge)| edge.to == to && edge.when.is_none()) {
        return refuse("There is such an edge already.");
    }
    let edges = &mut spec.graph.get_or_insert_with(|| graph_from(from)).edges;
    edges.push(Edge { from: from.to_owned(), to: to.to_owned(), when: None });
    Ok(())
}

fn give(spec: &mut Spec, task_id: &str, agent_id: &str) -> Result<(), Refusal> {
    agent(spec, agent_id)?;
    let index = task(spec, task_id)?;
    if spec.tasks[index].agent == agent_id {
        return refuse(format!("{agent_id} does {task_id} already."));
    }
    agent_id.clone_into(&mut spec.tasks[index].agent);
    Ok(())
}

fn allow(spec: &mut Spec, agent_id: &str, tool: &str) -> Result<(), Refusal> {
    let index = agent(spec, agent_id)?;
    if !spec.tools.iter().any(|known| known.id == tool) {
        return refuse(format!("There is no tool named {tool}."));
    }
    if spec.agents[index].tools.iter().any(|id| id == tool) {
        return refuse(format!("{agent_id} may call {tool} already."));
    }
    if index == 0 && spec.target.pattern == Pattern::Router {
        return refuse("The router only chooses who answers: it has no tools.");
    }
    spec.agents[index].tools.push(tool.to_owned());
    Ok(())
}

fn think(spec: &mut Spec, agent_id: &str, model: &str) -> Result<(), Refusal> {
    let index = agent(spec, agent_id)?;
    if !spec.models.contains_key(model) {
        return refuse(format!("There is no model named {model}."));
    }
    if spec.agents[index].model == model {
        return refuse(format!("{agent_id} thinks with {model} already."));
    }
    model.clone_into(&mut spec.agents[index].model);
    Ok(())
}

fn pass_on(spec: &mut Spec, from: &str, to: &str) -> Result<(), Refusal> {
    let index = agent(spec, from)?;
    agent(spec, to)?;
    match spec.target.pattern {
        Pattern::Handoff => {}
        Pattern::Router => return refuse("The router may choose every other agent."),
        Pattern::Supervisor => return refuse("The supervisor may ask every other agent."),
        _ => return refuse("In this pattern agents do not pass the conversation on."),
    }
    if spec.agents[index].handoffs.iter().any(|id| id == to) {
        return refuse(format!("{from} may pass on to {to} already."));
    }
    spec.agents[index].handoffs.push(to.to_owned());
    Ok(())
}
