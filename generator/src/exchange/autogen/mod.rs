//! AutoGen's AgentChat, 0.4 and newer: its code and its component documents, as projects for its successor.
//!
//! AutoGen is archived and gets no more fixes; Microsoft names the Agent Framework as what follows it, so
//! that is the target of what is read here. A team becomes the pattern that works like it: a round robin
//! or a graph flow a graph (or tasks in order, where nothing loops), a swarm handoffs, a selector a supervisor.

mod component;
mod python;

use gantry_domain::matrix::{Diagnostic, Framework, Pattern};
use gantry_domain::spec::{Condition, Edge, GRAPH_END, Graph};
use serde_json::Value;

use super::Imported;
use super::code::SourceFile;
use super::draft::Draft;

pub use component::{import_component, is_component};

/// Whether files are a project on AgentChat, by what they import.
pub fn is_here(files: &[SourceFile]) -> bool {
    files
        .iter()
        .filter(|file| file.path.ends_with(".py") && !super::code::is_aside(&file.path))
        .any(|file| file.text.contains("autogen_agentchat"))
}

/// Reads a project's code.
///
/// # Errors
///
/// When there is no agent in it that could be read.
pub fn import(files: &[SourceFile]) -> Result<Imported, Vec<Diagnostic>> {
    python::import(files)
}

/// How a team takes turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    RoundRobin,
    Selector,
    Swarm,
    Graph,
    Magentic,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "RoundRobinGroupChat" => Self::RoundRobin,
            "SelectorGroupChat" => Self::Selector,
            "Swarm" => Self::Swarm,
            "GraphFlow" => Self::Graph,
            "MagenticOneGroupChat" => Self::Magentic,
            _ => return None,
        })
    }
}

/// A team as it was read, from code or from a document.
struct Team {
    kind: Kind,
    /// Where it stands.
    at: String,
    /// Indices of the draft's agents.
    members: Vec<usize>,
    /// Texts that end it when somebody says them.
    end_texts: Vec<String>,
    /// How many turns it takes at most.
    max_turns: Option<u32>,
    /// What a selector is told.
    prompt: Option<String>,
    /// Of a graph: from, to, condition.
    edges: Vec<(usize, usize, Option<Condition>)>,
}

impl Team {
    fn new(kind: Kind, at: String) -> Self {
        Self { kind, at, members: Vec::new(), end_texts: Vec::new(), max_turns: None, prompt: None, edges: Vec::new() }
    }
}

/// Makes a spec of what was read.
fn finish(mut draft: Draft, team: Option<Team>, name: &str, description: String) -> Imported {
    draft.note(
        "migrated",
        "/target/framework",
        "AutoGen is archived: the project is written for its successor, the Microsoft Agent Framework; any other framework can be chosen",
    );
    let pattern = match &team {
        Some(team) if team.members.len() > 1 || team.kind == Kind::Selector => in_team(team, &mut draft),
        Some(Team { members, .. }) => {
            draft.put_first(members.first().copied().unwrap_or(0));
            alone(&draft)
        }
        None => alone(&draft),
    };
    draft.finish(name, description, Framework::AgentFramework, pattern)
}

fn alone(draft: &Draft) -> Pattern {
    if draft.agents.first().is_some_and(|agent| !agent.tools.is_empty()) { Pattern::React } else { Pattern::Single }
}

fn in_team(team: &Team, draft: &mut Draft) -> Pattern {
    match team.kind {
        Kind::RoundRobin => round_robin(team, draft),
        Kind::Graph => graph(team, draft),
        Kind::Swarm => {
            draft.put_first(team.members[0]);
            say_ends(team, draft, "a swarm here ends when an agent answers without passing on");
            Pattern::Handoff
        }
        Kind::Selector | Kind::Magentic => {
            let (name, about) = match team.kind {
                Kind::Selector => ("selector", "a selector there chooses who speaks next"),
                _ => ("orchestrator", "an orchestrator there plans and keeps a ledger"),
            };
            let roles: Vec<String> = team
                .members
                .iter()
                .map(|index| format!("- {}: {}", draft.agents[*index].id, draft.agents[*index].role))
                .collect();
            let told = team.prompt.clone().unwrap_or_else(|| {
                format!(
                    "You lead a team. Decide who of it does what is to be done next, give that agent its work, and go on until the \
                     person's wish is met. Then answer the person yourself.\n\nThe team:\n{}",
                    roles.join("\n")
                )
            });
            let model = draft.agents[team.members[0]].model.clone();
            let index = draft.agent(name, "Leads the team", told, model);
            draft.agents[index].max_steps = team.max_turns.unwrap_or(20).clamp(1, 100);
            draft.put_first(index);
            draft.warn(
                "team_as_supervisor",
                &team.at,
                format!("{about}, and everybody hears everything; here {name} gives work to each agent and gathers what they answer"),
            );
            say_ends(team, draft, "here the agent that leads decides when it is done");
            Pattern::Supervisor
        }
    }
}

fn say_ends(team: &Team, draft: &mut Draft, here: &str) {
    if !team.end_texts.is_empty() {
        draft.warn(
            "termination_left_out",
            &team.at,
            format!("it ends there when somebody says {:?}; {here}", team.end_texts),
        );
    }
}

/// One task per member.
fn tasks(team: &Team, draft: &mut Draft) -> Vec<String> {
    team.members
        .iter()
        .map(|index| {
            let role = draft.agents[*index].role.clone();
            let task =
                draft.task(*index, format!("Do your part as {role}, with what the person said and what came before."));
            draft.tasks[task].id.clone()
        })
        .collect()
}

/// Members one after another, round and round until somebody says a text or the turns are over.
fn round_robin(team: &Team, draft: &mut Draft) -> Pattern {
    let ids = tasks(team, draft);
    let turns = team.max_turns.map_or(20, |turns| turns.clamp(1, 100));
    let is_one_round = team.end_texts.is_empty() && team.max_turns.is_none_or(|turns| turns as usize <= ids.len());
    if is_one_round {
        if team.max_turns.is_none() {
            draft.warn(
                "termination_left_out",
                &team.at,
                "when the round robin ends is not known from a text or a number of turns; here everybody speaks once",
            );
        }
        for (index, task) in draft.tasks.iter_mut().enumerate().skip(1) {
            task.depends_on = vec![ids[index - 1].clone()];
        }
        return Pattern::Sequential;
    }
    let mut edges = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        for text in &team.end_texts {
            edges.push(Edge {
                from: id.clone(),
                to: GRAPH_END.to_owned(),
                when: Some(Condition::Contains(text.clone())),
            });
        }
        let next = ids[(index + 1) % ids.len()].clone();
        edges.push(Edge { from: id.clone(), to: next, when: None });
    }
    draft.graph = Some(Graph { start: ids[0].clone(), max_steps: turns, edges });
    Pattern::Graph
}

fn graph(team: &Team, draft: &mut Draft) -> Pattern {
    let ids = tasks(team, draft);
    let place = |agent: usize| team.members.iter().position(|member| *member == agent);
    let edges: Vec<(usize, usize, Option<Condition>)> =
        team.edges.iter().filter_map(|(from, to, when)| Some((place(*from)?, place(*to)?, when.clone()))).collect();
    let goes_back = |edges: &[(usize, usize, Option<Condition>)]| {
        // A circle is left when no task without something before it is left.
        let mut left: Vec<usize> = (0..ids.len()).collect();
        loop {
            let free: Vec<usize> = left
                .iter()
                .copied()
                .filter(|task| !edges.iter().any(|(from, to, _)| to == task && left.contains(from)))
                .collect();
            if free.is_empty() {
                return !left.is_empty();
            }
            left.retain(|task| !free.contains(task));
        }
    };
    let is_plain = edges.iter().all(|(_, _, when)| when.is_none());
    if is_plain && !goes_back(&edges) {
        for (from, to, _) in &edges {
            let before = ids[*from].clone();
            if !draft.tasks[*to].depends_on.contains(&before) {
                draft.tasks[*to].depends_on.push(before);
            }
        }
        say_ends(team, draft, "here it ends after the last task");
        let leaves = |task: usize| edges.iter().filter(|(from, ..)| *from == task).count();
        let enters = |task: usize| edges.iter().filter(|(_, to, _)| *to == task).count();
        let is_line = (0..ids.len()).all(|task| leaves(task) <= 1 && enters(task) <= 1)
            && (0..ids.len()).filter(|task| enters(*task) == 0).count() == 1;
        return if is_line { Pattern::Sequential } else { Pattern::Parallel };
    }
    if (0..ids.len()).any(|task| edges.iter().filter(|(from, _, when)| *from == task && when.is_none()).count() > 1) {
        draft.warn(
            "parallel_in_order",
            &team.at,
            "agents run side by side there; beside conditions and loops one is run at a time here, so only the first of such edges is followed",
        );
    }
    // What nothing leads to comes first; in a circle it is the first member.
    let start = (0..ids.len()).find(|task| !edges.iter().any(|(_, to, _)| to == task)).unwrap_or(0);
    let mut kept: Vec<Edge> = Vec::new();
    for id in &ids {
        for text in &team.end_texts {
            kept.push(Edge {
                from: id.clone(),
                to: GRAPH_END.to_owned(),
                when: Some(Condition::Contains(text.clone())),
            });
        }
    }
    // What has a condition is tried before what has none.
    for with_condition in [true, false] {
        for (from, to, when) in edges.iter().filter(|(_, _, when)| when.is_some() == with_condition) {
            kept.push(Edge { from: ids[*from].clone(), to: ids[*to].clone(), when: when.clone() });
        }
    }
    for (task, id) in ids.iter().enumerate() {
        if !edges.iter().any(|(from, _, when)| *from == task && when.is_none()) {
            kept.push(Edge { from: id.clone(), to: GRAPH_END.to_owned(), when: None });
        }
    }
    let max_steps = team.max_turns.map_or(20, |turns| turns.clamp(1, 100));
    draft.graph = Some(Graph { start: ids[start].clone(), max_steps, edges: kept });
    Pattern::Graph
}

/// The last part of a provider's path: `autogen_agentchat.teams.Swarm` is `Swarm`.
fn last(provider: &Value) -> &str {
    provider.as_str().unwrap_or_default().rsplit('.').next().unwrap_or_default()
}
