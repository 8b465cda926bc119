//! The graph: that its edges lead from tasks to tasks, and what their conditions look for.

use serde_json::json;

use super::Findings;
use crate::spec::{GRAPH_END, Spec};

/// How long the text of a condition may be, in characters.
const MAX_CONDITION: usize = 200;
/// How many edges a graph may have.
const MAX_EDGES: usize = 500;

pub(super) fn check(spec: &Spec, found: &mut Findings) {
    if let Some(index) = spec.tasks.iter().position(|task| task.id.eq_ignore_ascii_case(GRAPH_END)) {
        found.error(
            "identifier_reserved",
            format!("/tasks/{index}/id"),
            "expected another name: an edge to `end` ends the run",
        );
    }
    let Some(graph) = &spec.graph else { return };
    let is_task = |id: &str| spec.tasks.iter().any(|task| task.id == id);
    if !is_task(&graph.start) {
        found.error("task_unknown", "/graph/start", format!("there is no task named {:?} in tasks", graph.start));
        if let Some(first) = spec.tasks.first() {
            found.fix(format!("Start with {}", first.id), json!({"graph": {"start": first.id}}));
        }
    }
    if !(1..=100).contains(&graph.max_steps) {
        found
            .error("limit_out_of_range", "/graph/maxSteps", "expected 1 to 100 nodes in one run")
            .fix("Use 20", json!({"graph": {"maxSteps": 20}}));
    }
    if graph.edges.len() > MAX_EDGES {
        found.error("too_many", "/graph/edges", format!("expected at most {MAX_EDGES} edges"));
        return;
    }
    for (index, edge) in graph.edges.iter().enumerate() {
        let path = format!("/graph/edges/{index}");
        let without = || {
            let mut edges = graph.edges.clone();
            edges.remove(index);
            json!({"graph": {"edges": edges}})
        };
        for (field, id) in [("from", &edge.from), ("to", &edge.to)] {
            let leads_out = field == "to" && id == GRAPH_END;
            if !is_task(id) && !leads_out {
                found
                    .error("task_unknown", format!("{path}/{field}"), format!("there is no task named {id:?} in tasks"))
                    .fix("Remove the edge", without());
            }
        }
        if let Some(condition) = &edge.when
            && (condition.text().trim().is_empty() || condition.text().chars().count() > MAX_CONDITION)
        {
            found.error(
                "condition_invalid",
                format!("{path}/when"),
                format!(
                    "expected a text of 1 to {MAX_CONDITION} characters to look for in the result of {}",
                    edge.from
                ),
            );
        }
        let twin = graph.edges[..index]
            .iter()
            .any(|other| other.from == edge.from && other.to == edge.to && other.when == edge.when);
        if twin {
            found.error("edge_listed_twice", path, "expected every edge once").fix("Remove it", without());
        }
    }
}
