//! Who works on it, and how: agents, tasks and edges for each pattern.
//!
//! Where the text names steps, its steps decide who there is; where it does not, the smallest team is
//! made that the pattern makes sense with.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Agent, Condition, Edge, GRAPH_END, Graph, Task, Tool};

use super::{instructions, steps};

/// The word with which a reviewer lets a result pass.
const APPROVED: &str = "APPROVED";

/// What a pattern works on.
#[derive(Default)]
pub(super) struct Team {
    pub(super) agents: Vec<Agent>,
    pub(super) tasks: Vec<Task>,
    pub(super) graph: Option<Graph>,
}

/// The team for a pattern with several agents; `lead` is the agent that does it all where one is enough.
pub(super) fn team(pattern: Pattern, lead: Agent, prompt: &str, named: &[String], tools: &[Tool]) -> Team {
    match pattern {
        Pattern::Single | Pattern::React => Team { agents: vec![lead], ..Team::default() },
        Pattern::Sequential => {
            let steps = if named.is_empty() { vec![prompt.to_owned()] } else { named.to_vec() };
            let (agents, tasks) = steps::agents_and_tasks(&steps, tools);
            Team { agents, tasks, graph: None }
        }
        Pattern::Parallel => parallel(&lead, named, tools),
        Pattern::Graph => graph(lead, prompt, named, tools),
        Pattern::Supervisor => {
            let mut agents = vec![agent("coordinator", "Coordinator", COORDINATE, prompt, &[])];
            agents.extend(specialists(lead, named, tools, 1));
            Team { agents, ..Team::default() }
        }
        Pattern::Router => {
            let mut agents = vec![agent("triage", "Triage", ROUTE, "", &[])];
            agents.extend(specialists(lead, named, tools, 2));
            Team { agents, ..Team::default() }
        }
        Pattern::Handoff => {
            let mut agents = vec![agent("front_desk", "Front desk", HAND_OFF, prompt, &[])];
            agents.extend(specialists(lead, named, tools, 1));
            let others: Vec<String> = agents.iter().skip(1).map(|agent| agent.id.clone()).collect();
            for agent in agents.iter_mut().skip(1) {
                agent.handoffs = vec!["front_desk".to_owned()];
            }
            if let Some(first) = agents.first_mut() {
                first.handoffs = others;
            }
            Team { agents, ..Team::default() }
        }
    }
}

const COORDINATE: &str = "Give each part of the work to the agent that fits it, and make one answer of what comes back. Do not do their work yourself.";
const ROUTE: &str = "Read what the person wrote and choose the one agent that fits it best. Do not answer yourself.";
const HAND_OFF: &str =
    "Answer what is simple. Pass the conversation on to the agent that fits better as soon as there is one.";
const PART: &str = "You do one part of the work; do that one and no other.";

fn agent(id: &str, role: &str, advice: &str, task: &str, tools: &[Tool]) -> Agent {
    Agent {
        id: id.to_owned(),
        role: role.to_owned(),
        instructions: instructions(role, advice, task, tools),
        model: "default".to_owned(),
        tools: tools.iter().map(|tool| tool.id.clone()).collect(),
        handoffs: Vec::new(),
        max_steps: 8,
    }
}

fn task(id: &str, agent: &str, description: impl Into<String>, depends_on: Vec<String>) -> Task {
    Task {
        id: id.to_owned(),
        agent: agent.to_owned(),
        description: description.into(),
        expected_output: String::new(),
        depends_on,
    }
}

/// The agents that others choose among: those whom the steps name, else the one that knows the
/// subject, and somebody for everything else if there must be two.
fn specialists(lead: Agent, named: &[String], tools: &[Tool], least: usize) -> Vec<Agent> {
    let mut agents = steps::agents_and_tasks(named, tools).0;
    if agents.is_empty() {
        agents.push(Agent { id: "specialist".to_owned(), ..lead });
    }
    if agents.len() < least {
        agents.push(agent("generalist", "Generalist", "You answer what no other agent is there for.", "", &[]));
    }
    agents
}

/// Every step at once, then one task that joins the results.
fn parallel(lead: &Agent, named: &[String], tools: &[Tool]) -> Team {
    let (mut agents, mut tasks) = steps::agents_and_tasks(named, tools);
    if tasks.len() < 2 {
        agents = vec![
            Agent { id: "specialist".to_owned(), ..lead.clone() },
            agent("critic", "Critic", "Say what an answer must not leave out and where it could be wrong.", "", &[]),
        ];
        tasks = vec![
            task("answer", "specialist", "Do what the person asked for.", Vec::new()),
            task("critique", "critic", "Say what an answer to the person must heed.", Vec::new()),
        ];
    }
    for task in &mut tasks {
        task.depends_on.clear();
    }
    let all = tasks.iter().map(|task| task.id.clone()).collect();
    if !agents.iter().any(|agent| agent.id == "editor") {
        agents.push(agent("editor", "Editor", PART, "", &[]));
    }
    tasks.push(task("join", "editor", "Make one answer of the results, and leave nothing out.", all));
    Team { agents, tasks, graph: None }
}

/// The steps in a row, and a review that sends the last one back until it passes.
fn graph(lead: Agent, prompt: &str, named: &[String], tools: &[Tool]) -> Team {
    let (mut agents, mut tasks) = steps::agents_and_tasks(named, tools);
    if tasks.is_empty() {
        tasks.push(task(
            "work",
            &lead.id,
            if prompt.is_empty() { "Do what the person asked for." } else { prompt },
            Vec::new(),
        ));
        agents.push(lead);
    }
    for task in &mut tasks {
        task.depends_on.clear();
    }
    if !agents.iter().any(|agent| agent.id == "reviewer") {
        agents.push(agent("reviewer", "Reviewer", PART, "", &[]));
    }
    let review = format!(
        "Review the last result. If it does what the person asked for, answer {APPROVED}; else say what must change."
    );
    let edge = |from: &str, to: &str, when| Edge { from: from.to_owned(), to: to.to_owned(), when };
    let mut edges: Vec<Edge> = tasks.windows(2).map(|pair| edge(&pair[0].id, &pair[1].id, None)).collect();
    let (first, last) = match (tasks.first(), tasks.last()) {
        (Some(first), Some(last)) => (first.id.clone(), last.id.clone()),
        _ => return Team::default(),
    };
    tasks.push(task("review", "reviewer", review, Vec::new()));
    edges.push(edge(&last, "review", None));
    edges.push(edge("review", GRAPH_END, Some(Condition::Contains(APPROVED.to_owned()))));
    edges.push(edge("review", &last, None));
    Team { agents, tasks, graph: Some(Graph { start: first, max_steps: 20, edges }) }
}
