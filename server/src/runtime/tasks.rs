//! The patterns with tasks: one after another, side by side, along the edges of a graph.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use gantry_domain::spec::{Edge, GRAPH_END, Task};

use super::rehearsal::Walk;
use super::{Halt, ModelSource, Pause, Place, Runtime};

impl<'a> Runtime<'a> {
    /// Every task in turn; the last result is the answer.
    pub(super) async fn one_after_another(&self) -> Result<String, Halt> {
        let mut results: Vec<(&str, String)> = Vec::new();
        for task in in_order(&self.plan.spec.tasks)? {
            let result = self.perform(&Place::step(&task.id), task, &results).await?;
            results.push((&task.id, result));
        }
        results.pop().map(|(_, answer)| answer).ok_or_else(|| no_tasks("sequential"))
    }

    /// Tasks that wait for nothing at the same time, each of the others as soon as those that it waits
    /// for are done; the answer are the results that no other task waits for.
    pub(super) async fn side_by_side(&self) -> Result<String, Halt> {
        let tasks = &self.plan.spec.tasks;
        in_order(tasks)?;
        if tasks.is_empty() {
            return Err(no_tasks("parallel"));
        }
        let before: Vec<HashSet<&str>> = tasks.iter().map(|task| before(task, tasks)).collect();
        let mut results: Vec<Option<String>> = vec![None; tasks.len()];
        let mut begun = vec![false; tasks.len()];
        // How many are at work and do not wait for a person; before those who look at it.
        let busy = AtomicUsize::new(0);
        let mut at_work = FuturesUnordered::new();
        let mut halted: Option<Halt> = None;
        loop {
            let may_begin = matches!(halted, None | Some(Halt::Own(Pause::Interrupted)));
            for (index, task) in tasks.iter().enumerate() {
                let is_done = |id: &str| tasks.iter().zip(&results).any(|(task, done)| task.id == id && done.is_some());
                if !may_begin || begun[index] || !before[index].iter().all(|id| is_done(id)) {
                    continue;
                }
                begun[index] = true;
                let known: Vec<(&str, String)> = tasks
                    .iter()
                    .zip(&results)
                    .filter(|(other, _)| before[index].contains(other.id.as_str()))
                    .filter_map(|(other, result)| Some((other.id.as_str(), result.clone()?)))
                    .collect();
                let busy = &busy;
                busy.fetch_add(1, Ordering::SeqCst);
                at_work.push(async move { (index, self.beside_others(task, &known, busy).await) });
            }
            let Some((index, outcome)) = at_work.next().await else { break };
            match outcome {
                Ok(result) => results[index] = Some(result),
                // The others go on: they may be done when the person has decided.
                Err(Halt::Own(Pause::Interrupted)) => {
                    halted.get_or_insert(Halt::Own(Pause::Interrupted));
                }
                Err(Halt::Own(Pause::Abandoned)) => {}
                Err(halt) => {
                    self.abandoned.cancel();
                    if matches!(halted, None | Some(Halt::Own(Pause::Interrupted))) || matches!(halt, Halt::Job(_)) {
                        halted = Some(halt);
                    }
                }
            }
        }
        if let Some(halt) = halted {
            return Err(halt);
        }
        let results: Vec<(&str, String)> =
            tasks.iter().zip(results).map(|(task, result)| (task.id.as_str(), result.unwrap_or_default())).collect();
        Ok(joined(tasks, &results))
    }

    /// Does one of the tasks that are done at the same time. When a person is asked, it waits for the
    /// decision as long as others are at work.
    async fn beside_others(
        &self,
        task: &'a Task,
        known: &[(&str, String)],
        busy: &AtomicUsize,
    ) -> Result<String, Halt> {
        loop {
            let outcome = self.perform(&Place::step(&task.id), task, known).await;
            // Here and not where all are gathered: while nobody goes on, one of them may hold the pen.
            let told = self.emitter.flush().await;
            busy.fetch_sub(1, Ordering::SeqCst);
            told?;
            if !matches!(outcome, Err(Halt::Own(Pause::Interrupted))) || !self.decided_meanwhile(busy).await? {
                return outcome;
            }
            busy.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// From the start along the first edge that holds, until one leads out; the last result is the answer.
    pub(super) async fn along_edges(&self) -> Result<String, Halt> {
        let spec = &self.plan.spec;
        let Some(graph) = &spec.graph else {
            return Err(Halt::failed(
                "spec_invalid",
                "The pattern graph needs the spec's graph: where to start and which edges to follow.",
            ));
        };
        let rehearses = matches!(self.plan.model, ModelSource::Rehearsal);
        let mut walk = rehearses.then(|| Walk::of(graph));
        let mut results: Vec<(&str, String)> = Vec::new();
        let mut name = graph.start.as_str();
        for visit in 0..graph.max_steps {
            let Some(task) = spec.tasks.iter().find(|task| task.id == name) else {
                return Err(Halt::failed(
                    "spec_invalid",
                    format!("The graph leads to the task {name}, which the spec does not have."),
                ));
            };
            let place = Place {
                key: format!("{visit}/{name}"),
                step: Some(name.to_owned()),
                rehearsed: walk.as_mut().map(|walk| walk.next(name, graph.max_steps - visit)),
            };
            let result = self.perform(&place, task, &results).await?;
            let to = after(&graph.edges, name, &result);
            if to == GRAPH_END {
                return Ok(result);
            }
            // The last results in the order in which they came.
            results.retain(|(done, _)| *done != name);
            results.push((name, result));
            name = to;
        }
        Err(Halt::failed(
            "graph_limit",
            format!(
                "The graph came to no end within {} tasks. Raise graph.maxSteps in the spec, or mend the edges that lead in a circle.",
                graph.max_steps
            ),
        ))
    }

    /// Lets a task's agent do it, knowing these results.
    async fn perform(&self, place: &Place, task: &'a Task, results: &[(&str, String)]) -> Result<String, Halt> {
        let agent = self.agent(&task.agent, &format!("The task {}", task.id))?;
        let messages = self.thread(agent, Some(brief(task, results)));
        let result = self.converse(place, agent, messages).await?;
        self.leave(place);
        Ok(result)
    }
}

fn no_tasks(pattern: &str) -> Halt {
    Halt::failed("spec_invalid", format!("The pattern {pattern} needs at least one task in the spec."))
}

/// What follows a task with this result: a task, or `end`.
pub(super) fn after<'e>(edges: &'e [Edge], name: &str, result: &str) -> &'e str {
    let holds = |edge: &&Edge| edge.from == name && edge.when.as_ref().is_none_or(|when| when.holds(result));
    edges.iter().find(holds).map_or(GRAPH_END, |edge| &edge.to)
}

/// The order of tasks: each after those that it depends on, else as the spec has them.
fn in_order(tasks: &[Task]) -> Result<Vec<&Task>, Halt> {
    let mut done: Vec<&Task> = Vec::with_capacity(tasks.len());
    while done.len() < tasks.len() {
        let next = tasks.iter().find(|task| {
            let waiting = |id: &String| !done.iter().any(|done| done.id == *id);
            waiting(&task.id) && !task.depends_on.iter().any(waiting)
        });
        let Some(next) = next else {
            return Err(Halt::failed(
                "spec_invalid",
                "The spec's tasks depend on one another in a circle, or on a task that does not exist, or two have the same id.",
            ));
        };
        done.push(next);
    }
    Ok(done)
}

/// The tasks that a task waits for, directly or not.
fn before<'t>(task: &'t Task, tasks: &'t [Task]) -> HashSet<&'t str> {
    let mut found = HashSet::new();
    let mut open = vec![task];
    while let Some(task) = open.pop() {
        for id in &task.depends_on {
            if found.insert(id.as_str()) {
                open.extend(tasks.iter().filter(|other| other.id == *id));
            }
        }
    }
    found
}

/// The results of the tasks that no other waits for.
fn joined(tasks: &[Task], results: &[(&str, String)]) -> String {
    let is_last = |id: &str| !tasks.iter().any(|other| other.depends_on.iter().any(|before| before == id));
    let last: Vec<&(&str, String)> = results.iter().filter(|(id, _)| is_last(id)).collect();
    match last.as_slice() {
        [(_, result)] => result.clone(),
        several => several.iter().map(|(id, result)| format!("## {id}\n\n{result}")).collect::<Vec<_>>().join("\n\n"),
    }
}

/// What an agent is told of its task: the work and what came of the tasks before. The generated
/// code says the same words.
fn brief(task: &Task, results: &[(&str, String)]) -> String {
    let mut parts = vec![format!("Your task: {}", task.description)];
    if !task.expected_output.is_empty() {
        parts.push(format!("Expected output: {}", task.expected_output));
    }
    parts.extend(results.iter().map(|(id, result)| format!("Result of {id}:\n{result}")));
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, depends_on: &[&str]) -> Task {
        Task {
            id: id.to_owned(),
            agent: "a".to_owned(),
            description: "Do it.".to_owned(),
            expected_output: String::new(),
            depends_on: depends_on.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn ids(tasks: &[Task]) -> Option<Vec<String>> {
        in_order(tasks).ok().map(|tasks| tasks.iter().map(|task| task.id.clone()).collect())
    }

    #[test]
    fn tasks_come_after_what_they_depend_on() {
        let tasks = [task("write", &["research", "outline"]), task("outline", &["research"]), task("research", &[])];
        assert_eq!(ids(&tasks).unwrap(), ["research", "outline", "write"]);
        assert_eq!(ids(&[task("b", &[]), task("a", &[])]).unwrap(), ["b", "a"]);
    }

    #[test]
    fn circles_and_unknown_tasks_are_told_and_not_run() {
        assert_eq!(ids(&[task("a", &["b"]), task("b", &["a"])]), None);
        assert_eq!(ids(&[task("a", &["nobody"])]), None);
        assert_eq!(ids(&[task("a", &[]), task("a", &[])]), None);
    }
}
