//! Another name for something, wherever the old one stands.

use super::apply::Refusal;
use super::connect::refuse;
use super::node::NodeId;
use crate::spec::{GRAPH_END, Spec, is_python_identifier, is_taken_by_generated_code};

/// Renames an agent, task, tool or model.
pub(super) fn rename(spec: &mut Spec, node: &NodeId, to: &str) -> Result<(), Refusal> {
    let Some(old) = node.name() else { return refuse("This has no name of its own.") };
    if !node.is_in(spec) {
        return refuse("It is not there any more.");
    }
    if old == to {
        return Ok(());
    }
    check(spec, node, to)?;
    let follow = |id: &mut String| {
        if id == old {
            to.clone_into(id);
        }
    };
    let renamed = match node {
        NodeId::Agent(_) => {
            for agent in &mut spec.agents {
                follow(&mut agent.id);
                agent.handoffs.iter_mut().for_each(follow);
            }
            spec.tasks.iter_mut().for_each(|task| follow(&mut task.agent));
            NodeId::Agent(to.to_owned())
        }
        NodeId::Task(_) => {
            for task in &mut spec.tasks {
                follow(&mut task.id);
                task.depends_on.iter_mut().for_each(follow);
            }
            if let Some(graph) = &mut spec.graph {
                follow(&mut graph.start);
                for edge in &mut graph.edges {
                    follow(&mut edge.from);
                    follow(&mut edge.to);
                }
            }
            let branch = NodeId::Branch(old.to_owned()).to_string();
            if let Some(place) = spec.layout.nodes.remove(&branch) {
                spec.layout.nodes.insert(NodeId::Branch(to.to_owned()).to_string(), place);
            }
            NodeId::Task(to.to_owned())
        }
        NodeId::Tool(_) => {
            spec.tools.iter_mut().for_each(|tool| follow(&mut tool.id));
            spec.agents.iter_mut().flat_map(|agent| &mut agent.tools).for_each(follow);
            spec.guardrails.deny.iter_mut().for_each(follow);
            NodeId::Tool(to.to_owned())
        }
        NodeId::Model(_) => {
            if let Some(model) = spec.models.remove(old) {
                spec.models.insert(to.to_owned(), model);
            }
            spec.agents.iter_mut().for_each(|agent| follow(&mut agent.model));
            NodeId::Model(to.to_owned())
        }
        NodeId::Start | NodeId::End | NodeId::Branch(_) => return refuse("This has no name of its own."),
    };
    if let Some(place) = spec.layout.nodes.remove(&node.to_string()) {
        spec.layout.nodes.insert(renamed.to_string(), place);
    }
    Ok(())
}

/// Whether a name can be had.
fn check(spec: &Spec, node: &NodeId, to: &str) -> Result<(), Refusal> {
    if !is_python_identifier(to) {
        return refuse(
            "Expected a name of letters, digits and underscores that does not start with a digit and is no Python keyword.",
        );
    }
    let is_same = |id: &&str| id.eq_ignore_ascii_case(to) && Some(*id) != node.name();
    let taken = match node {
        NodeId::Agent(_) => spec.agents.iter().map(|agent| agent.id.as_str()).find(is_same),
        NodeId::Task(_) => spec.tasks.iter().map(|task| task.id.as_str()).find(is_same),
        NodeId::Tool(_) => spec.tools.iter().map(|tool| tool.id.as_str()).find(is_same),
        NodeId::Model(_) => spec.models.keys().map(String::as_str).find(is_same),
        NodeId::Start | NodeId::End | NodeId::Branch(_) => None,
    };
    if let Some(taken) = taken {
        return refuse(format!("{taken} has this name already, whatever the case of its letters."));
    }
    match node {
        NodeId::Task(_) if to.eq_ignore_ascii_case(GRAPH_END) => {
            refuse("Expected another name: end is where a run ends.")
        }
        NodeId::Tool(_) if is_taken_by_generated_code(to) => {
            refuse(format!("Expected another name: {to} means something else in generated code."))
        }
        NodeId::Model(key) if key == "default" => {
            refuse("Agents use the model default unless they name another: it keeps its name.")
        }
        _ => Ok(()),
    }
}
