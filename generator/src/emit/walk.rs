//! Ways through a project: what a model has to say for an agent to get its turn, and for the run to end.
//! The generated tests and those who play the model in ours go these ways.

use std::collections::{BTreeMap, VecDeque};

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Edge, GRAPH_END, Tool};

use super::Project;
use super::kit::Move;

/// How long a list of walks may become.
const MOST_WALKS: usize = 12;

/// What a model says before and after the call of a tool.
pub(super) struct Way {
    /// In order, before the agent with the tool is asked.
    pub before: Vec<Move>,
    /// In order, after the tool returned; the last one again and again.
    pub after: Vec<String>,
    /// The id of the agent that has the tool.
    pub agent: String,
}

/// The way to the first agent that has a tool.
pub(super) fn to_tool(project: &Project, tool: &Tool) -> Option<Way> {
    let has = |id: &str| project.agent(id).is_some_and(|agent| agent.tools.contains(&tool.id));
    let done = || vec!["Done".to_owned()];
    let wire = &project.kit.wire;
    let with_tool = || project.agents.iter().find(|agent| has(&agent.id));
    match project.pattern() {
        Pattern::Single | Pattern::React | Pattern::Parallel => {
            Some(Way { before: Vec::new(), after: done(), agent: with_tool()?.id.clone() })
        }
        Pattern::Sequential => {
            let index = project.tasks.iter().position(|task| has(&task.agent))?;
            let before = (0..index).map(|_| Move::Say("Done before".to_owned())).collect();
            Some(Way { before, after: done(), agent: project.tasks[index].agent.clone() })
        }
        Pattern::Router | Pattern::Supervisor => {
            let is_router = project.pattern() == Pattern::Router;
            if !is_router && has(&project.agents.first()?.id) {
                return Some(Way { before: Vec::new(), after: done(), agent: project.agents.first()?.id.clone() });
            }
            let agent = project.others().iter().find(|agent| has(&agent.id))?;
            let before = if is_router { (wire.route)(&agent.id) } else { (wire.ask)(&agent.id) };
            Some(Way { before: vec![before], after: done(), agent: agent.id.clone() })
        }
        Pattern::Handoff => {
            let path = transfers(project).into_iter().find(|path| path.last().is_some_and(|id| has(id)))?;
            let before = path.iter().skip(1).map(|id| (wire.transfer)(id)).collect();
            Some(Way { before, after: done(), agent: (*path.last()?).to_owned() })
        }
        Pattern::Graph => {
            let graph = Ways::of(project)?;
            let (task, path) =
                graph.paths.iter().filter(|(task, _)| has(graph.agent(task))).min_by_key(|(task, path)| {
                    (path.len(), project.tasks.iter().position(|other| other.id == **task))
                })?;
            let before = path.iter().map(|step| Move::Say(step.result.clone())).collect();
            let after: Vec<String> = graph.ends.get(task)?.iter().map(|step| step.result.clone()).collect();
            Some(Way { before, after, agent: graph.agent(task).to_owned() })
        }
    }
}

/// The shortest way of the conversation to each agent, the first one's own included.
pub(super) fn transfers<'a>(project: &Project<'a>) -> Vec<Vec<&'a str>> {
    let Some(first) = project.agents.first() else { return Vec::new() };
    let mut paths: Vec<Vec<&str>> = vec![vec![first.id.as_str()]];
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        next += 1;
        let Some(agent) = path.last().and_then(|id| project.agent(id)) else { continue };
        for id in &agent.handoffs {
            if !paths.iter().any(|known| known.last() == Some(&id.as_str())) {
                paths.push([path.as_slice(), &[id.as_str()]].concat());
            }
        }
    }
    paths
}

/// Agents that can pass the conversation round for ever: those before the circle, then the circle.
pub(super) fn circle<'a>(project: &Project<'a>) -> Option<(Vec<&'a str>, Vec<&'a str>)> {
    let next: BTreeMap<&str, Vec<&str>> = project
        .agents
        .iter()
        .map(|agent| (agent.id.as_str(), agent.handoffs.iter().map(String::as_str).collect()))
        .collect();
    for_ever(project.agents.first()?.id.as_str(), next)
}

/// A node that was done and how the run went on from it.
#[derive(Clone, Debug)]
pub(super) struct Step<'a> {
    /// The task's id.
    pub task: &'a str,
    /// What its agent says.
    pub result: String,
    /// The task that follows.
    pub to: Option<&'a str>,
}

/// The ways through the graph of a project.
pub(super) struct Ways<'a> {
    /// For each task that can be reached the shortest way to it, without itself.
    paths: BTreeMap<&'a str, Vec<Step<'a>>>,
    /// For each task from which there is an end the shortest way to it, with itself.
    ends: BTreeMap<&'a str, Vec<Step<'a>>>,
    /// For each task what its agent may say and where that leads.
    exits: BTreeMap<&'a str, Vec<Step<'a>>>,
    agents: BTreeMap<&'a str, &'a str>,
    start: &'a str,
    most: usize,
}

impl<'a> Ways<'a> {
    pub(super) fn of(project: &Project<'a>) -> Option<Self> {
        let graph = project.spec.graph.as_ref()?;
        let exits: BTreeMap<&str, Vec<Step>> =
            project.tasks.iter().map(|task| (task.id.as_str(), exits(&graph.edges, &task.id))).collect();
        let start = graph.start.as_str();

        let mut paths = BTreeMap::from([(start, Vec::new())]);
        let mut open = VecDeque::from([start]);
        while let Some(task) = open.pop_front() {
            for step in exits.get(task).into_iter().flatten() {
                let Some(to) = step.to.filter(|to| !paths.contains_key(to)) else { continue };
                let mut path = paths.get(task).cloned().unwrap_or_default();
                path.push(step.clone());
                paths.insert(to, path);
                open.push_back(to);
            }
        }

        let mut ends: BTreeMap<&str, Vec<Step>> = BTreeMap::new();
        for _ in 0..exits.len() {
            let longer: Vec<(&str, Vec<Step>)> = exits
                .iter()
                .filter(|(task, _)| !ends.contains_key(*task))
                .filter_map(|(task, steps)| {
                    let ways = steps.iter().filter_map(|step| {
                        let rest = step.to.map_or(Some(Vec::new()), |to| ends.get(to).cloned())?;
                        Some([vec![step.clone()], rest].concat())
                    });
                    Some((*task, ways.min_by_key(Vec::len)?))
                })
                .collect();
            ends.extend(longer);
        }
        let agents = project.tasks.iter().map(|task| (task.id.as_str(), task.agent.as_str())).collect();
        Some(Self { paths, ends, exits, agents, start, most: usize::try_from(graph.max_steps).unwrap_or(usize::MAX) })
    }

    fn agent(&self, task: &str) -> &'a str {
        self.agents.get(task).copied().unwrap_or_default()
    }

    /// Walks from the start to an end that between them go over every edge that one can go over.
    pub(super) fn walks(&self) -> Vec<Vec<Step<'a>>> {
        let mut walks: Vec<Vec<Step>> = Vec::new();
        for (task, path) in &self.paths {
            for step in self.exits.get(task).into_iter().flatten() {
                let Some(rest) = step.to.map_or(Some(Vec::new()), |to| self.ends.get(to).cloned()) else { continue };
                let walk = [path.clone(), vec![step.clone()], rest].concat();
                let tells_something = !walks.iter().any(|known| results(known) == results(&walk));
                if tells_something && walk.len() <= self.most && walks.len() < MOST_WALKS {
                    walks.push(walk);
                }
            }
        }
        walks.sort_by_key(Vec::len);
        walks
    }

    /// What agents say in a run that never ends: first these, then these again and again.
    pub(super) fn endless(&self) -> Option<(Vec<String>, Vec<String>)> {
        let next =
            self.exits.iter().map(|(task, steps)| (*task, steps.iter().filter_map(|step| step.to).collect())).collect();
        let (before, circle) = for_ever(self.start, next)?;
        let all = [before.as_slice(), circle.as_slice(), &circle[..1]].concat();
        let said: Option<Vec<String>> = all
            .windows(2)
            .map(|pair| {
                let step = self.exits.get(pair[0])?.iter().find(|step| step.to == Some(pair[1]))?;
                Some(step.result.clone())
            })
            .collect();
        let mut said = said?;
        let circle = said.split_off(before.len());
        Some((said, circle))
    }
}

fn results<'b>(walk: &'b [Step]) -> Vec<&'b str> {
    walk.iter().map(|step| step.result.as_str()).collect()
}

/// A walk that never ends and goes on from a node always alike: the nodes before its circle, and the circle.
fn for_ever<'a>(start: &'a str, mut next: BTreeMap<&'a str, Vec<&'a str>>) -> Option<(Vec<&'a str>, Vec<&'a str>)> {
    // A node stays if it leads to one that stays.
    loop {
        let dead: Vec<&str> =
            next.iter().filter(|(_, to)| !to.iter().any(|to| next.contains_key(to))).map(|(node, _)| *node).collect();
        if dead.is_empty() {
            break;
        }
        for node in dead {
            next.remove(node);
        }
    }
    let mut walk = Vec::new();
    let mut node = start;
    loop {
        if let Some(at) = walk.iter().position(|known| *known == node) {
            let circle = walk.split_off(at);
            return Some((walk, circle));
        }
        walk.push(node);
        node = next.get(node)?.iter().find(|to| next.contains_key(*to))?;
    }
}

/// What an agent may say at a task so that each of its edges is followed, or none.
fn exits<'a>(edges: &'a [Edge], task: &'a str) -> Vec<Step<'a>> {
    let edges: Vec<&Edge> = edges.iter().filter(|edge| edge.from == task).collect();
    let texts: Vec<&str> = edges.iter().filter_map(|edge| edge.when.as_ref()).map(|when| when.text()).collect();
    let mut candidates = vec![format!("Done with {task}")];
    candidates.extend(texts.iter().map(|text| format!("Done: {text}.")));
    candidates.push(format!("Done: {}.", texts.join(", ")));
    let mut exits: Vec<Step> = Vec::new();
    let mut known: Vec<Option<usize>> = Vec::new();
    for result in candidates {
        let followed = edges.iter().position(|edge| edge.when.as_ref().is_none_or(|when| when.holds(&result)));
        if known.contains(&followed) {
            continue;
        }
        known.push(followed);
        let to = followed.map(|index| edges[index].to.as_str()).filter(|to| *to != GRAPH_END);
        exits.push(Step { task, result, to });
    }
    exits
}
