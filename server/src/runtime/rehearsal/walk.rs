//! The rehearsal's way through a graph: along each edge that it can follow, and to an end.

use std::collections::{HashMap, HashSet, VecDeque};

use gantry_domain::spec::{Edge, GRAPH_END, Graph};

use super::super::tasks::after;
use super::LABEL;

/// What the answer at a task has to lead to.
#[derive(Clone, Debug)]
pub(crate) struct Rehearsed {
    task: String,
    /// The edges that leave the task.
    edges: Vec<Edge>,
    /// What leads there by itself.
    say: String,
    /// The task that follows, or `end`.
    to: String,
}

impl Rehearsed {
    /// The report with what leads on; without the report when its words would lead elsewhere.
    pub(super) fn answer(&self, report: &str) -> String {
        let candidates = [format!("{report}\n\n{}", self.say), format!("{LABEL}\n\n{}", self.say)];
        let leads = |text: &&String| after(&self.edges, &self.task, text) == self.to;
        candidates.iter().find(leads).unwrap_or(&self.say).clone()
    }
}

/// A way to go on from a task.
#[derive(Clone)]
struct Exit<'g> {
    say: String,
    to: &'g str,
}

/// The walk so far.
pub(crate) struct Walk<'g> {
    graph: &'g Graph,
    followed: HashSet<(String, String)>,
}

impl<'g> Walk<'g> {
    pub(crate) fn of(graph: &'g Graph) -> Self {
        Self { graph, followed: HashSet::new() }
    }

    /// Where to go from a task when so many tasks, this one included, may still be done: along an edge
    /// that was not followed yet, towards one, or to the end.
    pub(crate) fn next(&mut self, task: &str, left: u32) -> Rehearsed {
        let exits = self.exits(task);
        let may = |exit: &&Exit| self.tasks_to_end(exit.to).is_some_and(|tasks| tasks < left);
        let is_new = |exit: &&Exit| !self.followed.contains(&(task.to_owned(), exit.to.to_owned()));
        let goes_on = |exit: &&Exit| exit.to != GRAPH_END;
        let chosen = exits
            .iter()
            .find(|exit| goes_on(exit) && is_new(exit) && may(exit))
            .or_else(|| exits.iter().find(|exit| goes_on(exit) && may(exit) && self.leads_to_new(exit.to, left)))
            .or_else(|| exits.iter().find(|exit| !goes_on(exit)))
            .or_else(|| exits.iter().min_by_key(|exit| self.tasks_to_end(exit.to).unwrap_or(u32::MAX)));
        let (say, to) = chosen.map_or_else(|| (String::new(), GRAPH_END), |exit| (exit.say.clone(), exit.to));
        self.followed.insert((task.to_owned(), to.to_owned()));
        let edges = self.graph.edges.iter().filter(|edge| edge.from == task).cloned().collect();
        Rehearsed { task: task.to_owned(), edges, say, to: to.to_owned() }
    }

    /// What an answer at a task may say so that the run goes on to each task that follows it.
    fn exits(&self, task: &str) -> Vec<Exit<'g>> {
        let edges: Vec<&Edge> = self.graph.edges.iter().filter(|edge| edge.from == task).collect();
        let texts: Vec<&str> = edges.iter().filter_map(|edge| edge.when.as_ref()).map(|when| when.text()).collect();
        let mut candidates = vec![format!("Done with {task}")];
        candidates.extend(texts.iter().map(|text| format!("Done: {text}.")));
        candidates.push(format!("Done: {}.", texts.join(", ")));
        let mut exits: Vec<Exit> = Vec::new();
        for say in candidates {
            let to = after(&self.graph.edges, task, &say);
            if !exits.iter().any(|known| known.to == to) {
                exits.push(Exit { say, to });
            }
        }
        exits
    }

    /// How many tasks are done at least from this one to an end, itself included; none when there is no way.
    fn tasks_to_end(&self, task: &str) -> Option<u32> {
        self.far(task, |to| to == GRAPH_END)
    }

    /// Whether some way that leaves time for an end comes to an edge that was not followed yet.
    fn leads_to_new(&self, task: &str, left: u32) -> bool {
        let has_new = |from: &str| {
            self.exits(from).iter().any(|exit| {
                exit.to != GRAPH_END
                    && !self.followed.contains(&(from.to_owned(), exit.to.to_owned()))
                    && self.tasks_to_end(exit.to).is_some()
            })
        };
        let Some(before) = self.far(task, has_new) else { return false };
        // There, along the new edge, and from its other side to an end: at most through every task once.
        let tasks: HashSet<&str> = self.graph.edges.iter().map(|edge| edge.from.as_str()).collect();
        before + u32::try_from(tasks.len()).unwrap_or(u32::MAX / 2) + 1 < left
    }

    /// How many steps lead from a task to the nearest that is wanted; 0 when it is itself.
    fn far(&self, task: &str, wanted: impl Fn(&str) -> bool) -> Option<u32> {
        let mut known: HashMap<&str, u32> = HashMap::from([(task, 0)]);
        let mut open = VecDeque::from([task]);
        while let Some(node) = open.pop_front() {
            let steps = known.get(node).copied().unwrap_or_default();
            if wanted(node) {
                return Some(steps);
            }
            for exit in self.exits(node) {
                if node != GRAPH_END && !known.contains_key(exit.to) {
                    known.insert(exit.to, steps + 1);
                    open.push_back(exit.to);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use gantry_domain::spec::Condition;

    use super::*;

    fn edge(from: &str, to: &str, when: Option<Condition>) -> Edge {
        Edge { from: from.to_owned(), to: to.to_owned(), when }
    }

    fn walk(graph: &Graph) -> Vec<String> {
        let mut walk = Walk::of(graph);
        let mut way = vec![graph.start.clone()];
        for visit in 0..graph.max_steps {
            let task = way.last().unwrap().clone();
            let answer = walk.next(&task, graph.max_steps - visit).answer("Nothing to approve, an error.");
            let to = after(&graph.edges, &task, &answer);
            if to == GRAPH_END {
                return way;
            }
            way.push(to.to_owned());
        }
        way.push("too long".to_owned());
        way
    }

    #[test]
    fn each_edge_is_followed_and_the_walk_ends() {
        let contains = |text: &str| Some(Condition::Contains(text.to_owned()));
        let lacks = |text: &str| Some(Condition::Lacks(text.to_owned()));
        let graph = Graph {
            start: "draft".to_owned(),
            max_steps: 20,
            edges: vec![
                edge("draft", "review", None),
                edge("review", "draft", contains("rejected")),
                edge("review", "legal", contains("contract")),
                edge("review", "end", None),
                edge("legal", "review", lacks("error")),
                edge("legal", "end", None),
            ],
        };
        assert_eq!(walk(&graph), ["draft", "review", "draft", "review", "legal", "review"]);
    }

    #[test]
    fn when_few_tasks_may_be_done_it_comes_to_an_end_in_time() {
        let graph = Graph {
            start: "a".to_owned(),
            max_steps: 2,
            edges: vec![edge("a", "a", Some(Condition::Contains("again".to_owned()))), edge("a", "b", None)],
        };
        assert_eq!(walk(&graph), ["a", "b"]);
        let endless = Graph { start: "a".to_owned(), max_steps: 3, edges: vec![edge("a", "a", None)] };
        assert_eq!(walk(&endless).last().unwrap(), "too long");
    }
}
