//! Changes of a pipeline, each a change of the spec.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::connect::{connection, graph_from, next_task, refuse};
use super::edges::EdgeId;
use super::node::NodeId;
use super::nodes;
use super::rename::rename;
use crate::matrix::Pattern;
use crate::spec::{
    Agent, Condition, Edge, GRAPH_END, Layout, Model, Position, Spec, Task, Tool, from_value, merge_patch, task_order,
};

/// Why a change was refused, as a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A change.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Adds an agent.
    AddAgent,
    /// Adds a task: after the one that is named, else after the last.
    AddTask {
        /// The task that it comes after.
        after: Option<String>,
    },
    /// Adds a tool; its id is changed where another has it.
    AddTool {
        /// The tool.
        tool: Box<Tool>,
        /// The agent that may call it.
        agent: Option<String>,
    },
    /// Adds a model.
    AddModel,
    /// Removes an agent, task, tool or model, and what refers to it.
    Remove(NodeId),
    /// Gives another name, wherever the old one stands.
    Rename {
        /// Which one.
        node: NodeId,
        /// The new name.
        to: String,
    },
    /// Draws a line.
    Connect {
        /// Where it begins.
        from: NodeId,
        /// Where it leads.
        to: NodeId,
    },
    /// Takes a line away.
    Disconnect(EdgeId),
    /// Replaces the agent with this id.
    ReplaceAgent(Box<Agent>),
    /// Replaces the task with this id.
    ReplaceTask(Box<Task>),
    /// Replaces the tool with this id.
    ReplaceTool(Box<Tool>),
    /// Replaces the model with this key.
    ReplaceModel {
        /// The key.
        key: String,
        /// The model.
        model: Model,
    },
    /// Says when an edge of the graph is followed.
    SetCondition {
        /// The edge's place.
        edge: usize,
        /// What must hold; none always does.
        when: Option<Condition>,
    },
    /// Lets an edge of the graph be tried before its neighbour that leaves the same task.
    TryEarlier(usize),
    /// How many nodes of the graph may be done in one run.
    SetGraphSteps(u32),
    /// Changes the pattern. What the new one needs beside is told by the diagnosis, with fixes.
    SetPattern(Pattern),
    /// Puts nodes somewhere.
    Place(BTreeMap<NodeId, Position>),
    /// Forgets where nodes were put: all are arranged by themselves.
    Arrange,
    /// Applies a diagnostic's fix: a JSON Merge Patch on the spec.
    Mend(Value),
}

/// The spec after a change.
///
/// # Errors
/// Why the change cannot be made, as a sentence. The spec is as it was.
pub fn apply(spec: &Spec, operation: &Operation) -> Result<Spec, Refusal> {
    let mut changed = spec.clone();
    match operation {
        Operation::AddAgent => add_agent(&mut changed),
        Operation::AddTask { after } => add_task(&mut changed, after.as_deref())?,
        Operation::AddTool { tool, agent } => add_tool(&mut changed, tool, agent.as_deref()),
        Operation::AddModel => {
            let key = free_name("model", changed.models.keys().map(String::as_str));
            changed.models.insert(key, Model::default());
        }
        Operation::Remove(node) => remove(&mut changed, node)?,
        Operation::Rename { node, to } => rename(&mut changed, node, to)?,
        Operation::Connect { from, to } => return connection(spec, from, to),
        Operation::Disconnect(edge) => disconnect(&mut changed, edge)?,
        Operation::ReplaceAgent(agent) => put(&mut changed.agents, agent, |known| known.id == agent.id)?,
        Operation::ReplaceTask(task) => put(&mut changed.tasks, task, |known| known.id == task.id)?,
        Operation::ReplaceTool(tool) => put(&mut changed.tools, tool, |known| known.id == tool.id)?,
        Operation::ReplaceModel { key, model } => match changed.models.get_mut(key) {
            Some(place) => place.clone_from(model),
            None => return gone(),
        },
        Operation::SetCondition { edge, when } => edge_at(&mut changed, *edge)?.when.clone_from(when),
        Operation::TryEarlier(edge) => try_earlier(&mut changed, *edge)?,
        Operation::SetGraphSteps(steps) => match &mut changed.graph {
            Some(graph) => graph.max_steps = *steps,
            None => return gone(),
        },
        Operation::SetPattern(pattern) => changed.target.pattern = *pattern,
        Operation::Place(places) => {
            for (node, position) in places {
                if !node.is_in(spec) {
                    return gone();
                }
                changed.layout.nodes.insert(node.to_string(), Position::at(position.x, position.y));
            }
        }
        Operation::Arrange => changed.layout = Layout::default(),
        Operation::Mend(patch) => {
            let Ok(mut value) = serde_json::to_value(spec) else { return gone() };
            merge_patch(&mut value, patch);
            changed = from_value(value).map_err(|_| Refusal("This fix does not fit the spec any more.".to_owned()))?;
        }
    }
    Ok(changed)
}

/// The node that a change added, if it added one.
pub fn added(before: &Spec, after: &Spec) -> Option<NodeId> {
    nodes(after).into_iter().find(|id| id.name().is_some() && !id.is_in(before))
}

fn gone<T>() -> Result<T, Refusal> {
    refuse("It is not there any more.")
}

fn put<T: Clone>(list: &mut [T], value: &T, is_it: impl Fn(&T) -> bool) -> Result<(), Refusal> {
    match list.iter_mut().find(|known| is_it(known)) {
        Some(place) => {
            place.clone_from(value);
            Ok(())
        }
        None => gone(),
    }
}

fn edge_at(spec: &mut Spec, index: usize) -> Result<&mut Edge, Refusal> {
    let edge = spec.graph.as_mut().and_then(|graph| graph.edges.get_mut(index));
    edge.ok_or_else(|| Refusal("The edge is not there any more.".to_owned()))
}

/// `stem`, or `stem_2` and so on: the first that nobody has, whatever its case.
pub(super) fn free_name<'a>(stem: &str, taken: impl Iterator<Item = &'a str>) -> String {
    let taken: Vec<String> = taken.map(str::to_ascii_lowercase).collect();
    let is_free = |name: &String| !taken.contains(&name.to_ascii_lowercase());
    let numbered = (2..).map(|number: usize| format!("{stem}_{number}"));
    std::iter::once(stem.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

fn add_agent(spec: &mut Spec) {
    let id = free_name("agent", spec.agents.iter().map(|agent| agent.id.as_str()));
    spec.agents.push(Agent {
        id,
        role: "New agent".to_owned(),
        instructions: "Help with your part of what the person asked for.".to_owned(),
        model: spec
            .models
            .keys()
            .find(|key| *key == "default")
            .or(spec.models.keys().next())
            .cloned()
            .unwrap_or_else(|| "default".to_owned()),
        tools: Vec::new(),
        handoffs: Vec::new(),
        max_steps: 8,
    });
}

fn add_task(spec: &mut Spec, after: Option<&str>) -> Result<(), Refusal> {
    let id = free_name("task", spec.tasks.iter().map(|task| task.id.as_str()).chain([GRAPH_END]));
    let last = task_order(&spec.tasks).ok().and_then(|order| order.last().map(|index| spec.tasks[*index].id.clone()));
    let named = after.filter(|id| spec.tasks.iter().any(|task| task.id == *id)).map(str::to_owned);
    let before = match spec.target.pattern {
        // Side by side unless somebody says otherwise.
        Pattern::Parallel => named,
        _ => named.or(last),
    };
    let agent = before.as_ref().and_then(|id| spec.tasks.iter().find(|task| task.id == *id)).map(|task| &task.agent);
    let Some(agent) = agent.or(spec.agents.first().map(|agent| &agent.id)).cloned() else {
        return refuse("A task needs an agent that does it: add an agent first.");
    };
    let mut depends_on = Vec::new();
    if spec.target.pattern == Pattern::Graph {
        let graph = spec.graph.get_or_insert_with(|| graph_from(&id));
        if let Some(before) = before {
            graph.edges.push(Edge { from: before, to: id.clone(), when: None });
        } else {
            graph.start.clone_from(&id);
        }
    } else {
        depends_on.extend(before);
    }
    spec.tasks.push(Task {
        id,
        agent,
        description: "Do the next part of what the person asked for.".to_owned(),
        expected_output: String::new(),
        depends_on,
    });
    Ok(())
}

fn add_tool(spec: &mut Spec, tool: &Tool, agent: Option<&str>) {
    let mut tool = tool.clone();
    tool.id = free_name(&tool.id, spec.tools.iter().map(|known| known.id.as_str()));
    let agent = agent.and_then(|id| spec.agents.iter_mut().find(|agent| agent.id == id));
    if let Some(agent) = agent {
        agent.tools.push(tool.id.clone());
    }
    spec.tools.push(tool);
}

fn remove(spec: &mut Spec, node: &NodeId) -> Result<(), Refusal> {
    if !node.is_in(spec) {
        return gone();
    }
    match node {
        NodeId::Start => return refuse("Every run begins somewhere: the start stays."),
        NodeId::End => return refuse("Every run ends somewhere: the end stays."),
        NodeId::Branch(_) => return refuse("A branch is where edges leave a task: remove those instead."),
        NodeId::Agent(id) => remove_agent(spec, id)?,
        NodeId::Task(id) => remove_task(spec, id),
        NodeId::Tool(id) => {
            spec.tools.retain(|tool| tool.id != *id);
            for agent in &mut spec.agents {
                agent.tools.retain(|known| known != id);
            }
            spec.guardrails.deny.retain(|known| known != id);
        }
        NodeId::Model(key) => {
            if key == "default" {
                return refuse("Agents use the model default unless they name another: it stays.");
            }
            spec.models.remove(key);
            for agent in spec.agents.iter_mut().filter(|agent| agent.model == *key) {
                "default".clone_into(&mut agent.model);
            }
        }
    }
    // The place of something that was never there is not this change's business.
    let mut own = vec![node.to_string()];
    if let NodeId::Task(id) = node {
        own.push(NodeId::Branch(id.clone()).to_string());
    }
    spec.layout.nodes.retain(|key, _| !own.contains(key));
    Ok(())
}

fn remove_agent(spec: &mut Spec, id: &str) -> Result<(), Refusal> {
    let Some(heir) = spec.agents.iter().find(|agent| agent.id != id).map(|agent| agent.id.clone()) else {
        return refuse("A project has at least one agent. Add another before you remove this one.");
    };
    spec.agents.retain(|agent| agent.id != id);
    for agent in &mut spec.agents {
        agent.handoffs.retain(|known| known != id);
    }
    // Its tasks are still to be done.
    for task in spec.tasks.iter_mut().filter(|task| task.agent == id) {
        task.agent.clone_from(&heir);
    }
    Ok(())
}

fn remove_task(spec: &mut Spec, id: &str) {
    let before: Vec<String> = spec
        .tasks
        .iter()
        .filter(|task| task.id == id)
        .flat_map(|task| task.depends_on.iter().filter(|known| *known != id).cloned())
        .collect();
    spec.tasks.retain(|task| task.id != id);
    // Who waited for it waits for what it waited for.
    for task in spec.tasks.iter_mut().filter(|task| task.depends_on.iter().any(|known| known == id)) {
        task.depends_on.retain(|known| known != id);
        for earlier in &before {
            if *earlier != task.id && !task.depends_on.contains(earlier) {
                task.depends_on.push(earlier.clone());
            }
        }
    }
    let Some(graph) = &mut spec.graph else { return };
    let next = next_task(graph, id)
        .filter(|id| spec.tasks.iter().any(|task| task.id == *id))
        .or_else(|| spec.tasks.first().map(|task| task.id.clone()));
    graph.edges.retain(|edge| edge.from != id && edge.to != id);
    if graph.start == id {
        match next {
            Some(next) => graph.start = next,
            None => spec.graph = None,
        }
    }
}

fn disconnect(spec: &mut Spec, edge: &EdgeId) -> Result<(), Refusal> {
    match edge {
        EdgeId::Next(index) => {
            edge_at(spec, *index)?;
            if let Some(graph) = &mut spec.graph {
                graph.edges.remove(*index);
            }
        }
        EdgeId::Waits { task, before } => {
            for known in spec.tasks.iter_mut().filter(|known| known.id == *task) {
                known.depends_on.retain(|id| id != before);
            }
        }
        EdgeId::HandsOff { from, to } => {
            for agent in spec.agents.iter_mut().filter(|agent| agent.id == *from) {
                agent.handoffs.retain(|id| id != to);
            }
        }
        EdgeId::Calls { agent, tool } => {
            for agent in spec.agents.iter_mut().filter(|known| known.id == *agent) {
                agent.tools.retain(|id| id != tool);
            }
        }
        EdgeId::Does(_) => {
            return refuse("A task always has an agent: draw a line from the task to another one to change it.");
        }
        EdgeId::Thinks(_) => {
            return refuse("An agent always has a model: draw a line from the agent to another one to change it.");
        }
        EdgeId::Begins(_) => return refuse("A run begins somewhere: draw a line from the start to change where."),
        EdgeId::Ends(_) => return refuse("This follows from the others: nothing comes after it."),
        EdgeId::Parts(_) => return refuse("This follows from the edges that leave the branch: remove those instead."),
        EdgeId::Chooses(_) => return refuse("The router may choose every other agent."),
        EdgeId::Asks(_) => return refuse("The supervisor may ask every other agent."),
    }
    Ok(())
}

/// Changes places with the edge before that leaves the same task.
fn try_earlier(spec: &mut Spec, index: usize) -> Result<(), Refusal> {
    let from = edge_at(spec, index)?.from.clone();
    let Some(graph) = &mut spec.graph else { return gone() };
    match graph.edges[..index].iter().rposition(|edge| edge.from == from) {
        Some(other) => {
            graph.edges.swap(other, index);
            Ok(())
        }
        None => refuse("It is tried first already."),
    }
}
