//! The tasks: their names, their agents, and that their order has no circle.

use std::collections::BTreeMap;

use super::{Findings, MAX_DESCRIPTION, MAX_ENTRIES, list_patch};
use crate::spec::{Spec, Task, names};

pub(super) fn check(spec: &Spec, found: &mut Findings) {
    if spec.tasks.len() > MAX_ENTRIES {
        found.error("too_many", "/tasks", format!("expected at most {MAX_ENTRIES} tasks"));
        return;
    }
    for (index, task) in spec.tasks.iter().enumerate() {
        let path = format!("/tasks/{index}");
        if !names::is_python_identifier(&task.id) {
            found.error(
                "identifier_invalid",
                format!("{path}/id"),
                "expected a name of letters, digits and underscores that does not start with a digit and is no Python keyword",
            );
        }
        if let Some(first) = spec.tasks[..index].iter().position(|other| other.id.eq_ignore_ascii_case(&task.id)) {
            found.error(
                "identifier_duplicate",
                format!("{path}/id"),
                format!("/tasks/{first} has this name already: every task needs its own"),
            );
        }
        if task.description.trim().is_empty() || task.description.chars().count() > MAX_DESCRIPTION {
            found.error(
                "description_invalid",
                format!("{path}/description"),
                format!("expected 1 to {MAX_DESCRIPTION} characters that say what is to be done"),
            );
        }
        if task.expected_output.chars().count() > MAX_DESCRIPTION {
            found.error(
                "description_too_long",
                format!("{path}/expectedOutput"),
                format!("expected at most {MAX_DESCRIPTION} characters"),
            );
        }
        if !spec.agents.iter().any(|agent| agent.id == task.agent) {
            found.error(
                "agent_unknown",
                format!("{path}/agent"),
                format!("there is no agent named {:?} in agents", task.agent),
            );
            if let Some(first) = spec.agents.first() {
                let patch = list_patch("tasks", &spec.tasks, |tasks| tasks[index].agent.clone_from(&first.id));
                found.fix(format!("Give it to {}", first.id), patch);
            }
        }
        for (position, id) in task.depends_on.iter().enumerate() {
            if !spec.tasks.iter().any(|other| other.id == *id) {
                found
                    .error(
                        "task_unknown",
                        format!("{path}/dependsOn/{position}"),
                        format!("there is no task named {id:?} in tasks"),
                    )
                    .fix(
                        "Remove it",
                        list_patch("tasks", &spec.tasks, |tasks| drop(tasks[index].depends_on.remove(position))),
                    );
            }
        }
    }
    if let Err(circle) = order(&spec.tasks) {
        let members: Vec<&str> = circle.iter().map(|index| spec.tasks[*index].id.as_str()).collect();
        if let (Some(first), Some(last)) = (circle.first().copied(), members.last()) {
            let patch = list_patch("tasks", &spec.tasks, |tasks| tasks[first].depends_on.retain(|id| id != last));
            let label = format!("Let {} not wait for {last}", spec.tasks[first].id);
            found
                .error(
                    "tasks_cyclic",
                    format!("/tasks/{first}/dependsOn"),
                    format!("expected an order in which every task comes after what it depends on; these wait for one another: {}", members.join(" -> ")),
                )
                .fix(label, patch);
        }
    }
}

/// The order of the tasks: each after those that it depends on, otherwise as they are listed.
/// Dependencies that do not exist are left out of account.
///
/// # Errors
///
/// The places of tasks that wait for one another in a circle, so that no order exists: each depends
/// on the one before it, the first on the last.
pub fn order(tasks: &[Task]) -> Result<Vec<usize>, Vec<usize>> {
    let place: BTreeMap<&str, usize> =
        tasks.iter().enumerate().rev().map(|(index, task)| (task.id.as_str(), index)).collect();
    let needs = |index: usize| tasks[index].depends_on.iter().filter_map(|id| place.get(id.as_str()).copied());
    let mut done = vec![false; tasks.len()];
    let mut order = Vec::with_capacity(tasks.len());
    while order.len() < tasks.len() {
        let next = (0..tasks.len()).find(|index| !done[*index] && needs(*index).all(|need| done[need]));
        let Some(next) = next else {
            // Nothing is ready: following what is not done from anywhere runs into a circle.
            let mut trail: Vec<usize> = Vec::new();
            let mut at = done.iter().position(|is_done| !is_done).unwrap_or_default();
            while !trail.contains(&at) {
                trail.push(at);
                at = needs(at).find(|need| !done[*need]).unwrap_or(at);
            }
            let start = trail.iter().position(|index| *index == at).unwrap_or_default();
            let mut circle = trail.split_off(start);
            circle.reverse();
            return Err(circle);
        };
        done[next] = true;
        order.push(next);
    }
    Ok(order)
}
