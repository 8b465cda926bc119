//! Whether the agents, tasks, handoffs and edges of a spec are what its pattern works on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::diagnose::{diagnostic, with_fix};
use super::{Diagnostic, Framework, Pattern, Severity};
use crate::spec::{GRAPH_END, Spec, Task, task_order};

/// What is wrong with the shape of a spec, seen from its pattern.
pub(super) fn shape(spec: &Spec, found: &mut Vec<Diagnostic>) {
    match spec.target.pattern {
        Pattern::Single => single(spec, found),
        Pattern::React => react(spec, found),
        Pattern::Sequential => needs_tasks(spec, found),
        Pattern::Parallel => parallel(spec, found),
        Pattern::Router => {
            needs_others(spec, "choose among", found);
            router(spec, found);
        }
        Pattern::Supervisor => needs_others(spec, "give work to", found),
        Pattern::Handoff => {
            needs_others(spec, "pass the conversation on to", found);
            handoff(spec, found);
        }
        Pattern::Graph => graph(spec, found),
    }
    reserved(spec, found);
    limits(spec, found);
    unused(spec, found);
}

/// What a framework refuses by itself.
fn limits(spec: &Spec, found: &mut Vec<Diagnostic>) {
    const MOST_COLLABORATORS: usize = 10;
    let asks = matches!(spec.target.pattern, Pattern::Router | Pattern::Supervisor);
    if spec.target.framework == Framework::WatsonxOrchestrate && asks && spec.agents.len() > MOST_COLLABORATORS + 1 {
        found.push(diagnostic(
            Severity::Error,
            "agents_too_many",
            "/agents",
            format!(
                "expected at most {MOST_COLLABORATORS} agents beside {}: watsonx Orchestrate takes no more collaborators",
                spec.agents.first().map_or("the first", |first| &first.id)
            ),
        ));
    }
}

/// Generated code offers agents to the model under names of its own; a tool may not have one of them.
fn reserved(spec: &Spec, found: &mut Vec<Diagnostic>) {
    for (index, tool) in spec.tools.iter().enumerate() {
        if spec.target.framework == Framework::Llamaindex && tool.id == "handoff" {
            found.push(diagnostic(
                Severity::Error,
                "identifier_reserved",
                format!("/tools/{index}/id"),
                "expected another name: LlamaIndex keeps handoff for itself",
            ));
        }
    }
    let prefix = match (spec.target.pattern, spec.target.framework) {
        (Pattern::Supervisor, _) => "ask_",
        (Pattern::Router | Pattern::Handoff, Framework::AgentFramework) => "handoff_to_",
        (Pattern::Router | Pattern::Handoff, _) => "transfer_to_",
        _ => return,
    };
    for (index, tool) in spec.tools.iter().enumerate() {
        let Some(agent) = tool.id.strip_prefix(prefix) else { continue };
        if spec.agents.iter().any(|other| other.id == agent) {
            found.push(diagnostic(
                Severity::Error,
                "identifier_reserved",
                format!("/tools/{index}/id"),
                format!("expected another name: under {} the model is offered the agent {agent}", tool.id),
            ));
        }
    }
}

fn single(spec: &Spec, found: &mut Vec<Diagnostic>) {
    let Some(agent) = spec.agents.first().filter(|agent| !agent.tools.is_empty()) else { return };
    let message = format!("the pattern single answers without tools, but {} has {}", agent.id, agent.tools.join(", "));
    found.push(with_fix(
        diagnostic(Severity::Error, "pattern_without_tools", "/agents/0/tools", message),
        "Use the pattern react",
        use_pattern(Pattern::React),
    ));
}

fn react(spec: &Spec, found: &mut Vec<Diagnostic>) {
    if spec.agents.first().is_none_or(|agent| !agent.tools.is_empty()) {
        return;
    }
    found.push(with_fix(
        diagnostic(
            Severity::Warning,
            "react_without_tools",
            "/agents/0/tools",
            "the agent reasons and acts, but has no tool to act with: it will answer at once",
        ),
        "Use the pattern single",
        use_pattern(Pattern::Single),
    ));
}

/// One task per agent; each waits for the one before if they are done in sequence, the last for all.
fn one_task_per_agent(spec: &Spec, in_sequence: bool) -> Vec<Value> {
    let id = |index: usize| format!("{}_task", spec.agents[index].id);
    let last = spec.agents.len().saturating_sub(1);
    spec.agents
        .iter()
        .enumerate()
        .map(|(index, agent)| {
            let before: Vec<String> = match index {
                0 => Vec::new(),
                _ if in_sequence => vec![id(index - 1)],
                _ if index == last && index > 1 => (0..last).map(id).collect(),
                _ => Vec::new(),
            };
            json!({
                "id": id(index), "agent": agent.id, "dependsOn": before,
                "description": format!("Do your part as {} of what the person asked for.", agent.role),
            })
        })
        .collect()
}

fn needs_tasks(spec: &Spec, found: &mut Vec<Diagnostic>) {
    if !spec.tasks.is_empty() {
        return;
    }
    let pattern = spec.target.pattern;
    let tasks = one_task_per_agent(spec, pattern != Pattern::Parallel);
    let message = format!("the pattern {} needs at least one task", pattern.as_str());
    found.push(with_fix(
        diagnostic(Severity::Error, "tasks_missing", "/tasks", message),
        "Add one per agent",
        json!({"tasks": tasks}),
    ));
}

fn parallel(spec: &Spec, found: &mut Vec<Diagnostic>) {
    needs_tasks(spec, found);
    if spec.tasks.is_empty() || task_order(&spec.tasks).is_err() {
        return;
    }
    // Two tasks run side by side when neither comes, directly or not, before the other.
    let before: Vec<BTreeSet<&str>> = spec.tasks.iter().map(|task| all_before(task, &spec.tasks)).collect();
    let are_side_by_side = |a: usize, b: usize| {
        !before[a].contains(spec.tasks[b].id.as_str()) && !before[b].contains(spec.tasks[a].id.as_str())
    };
    if !(0..spec.tasks.len()).any(|a| (0..a).any(|b| are_side_by_side(a, b))) {
        found.push(with_fix(
            diagnostic(
                Severity::Warning,
                "nothing_in_parallel",
                "/tasks",
                "every task waits for another: nothing runs side by side",
            ),
            "Use the pattern sequential",
            use_pattern(Pattern::Sequential),
        ));
    }
}

/// The tasks that come before a task, directly or not.
fn all_before<'a>(task: &'a Task, tasks: &'a [Task]) -> BTreeSet<&'a str> {
    let mut before = BTreeSet::new();
    let mut open: Vec<&Task> = vec![task];
    while let Some(task) = open.pop() {
        for id in &task.depends_on {
            if before.insert(id.as_str()) {
                open.extend(tasks.iter().filter(|other| other.id == *id));
            }
        }
    }
    before
}

fn needs_others(spec: &Spec, what_for: &str, found: &mut Vec<Diagnostic>) {
    let least = if spec.target.pattern == Pattern::Router { 2 } else { 1 };
    let Some(first) = spec.agents.first() else { return };
    if spec.agents.len() > least {
        return;
    }
    let agents = if least == 1 { "one agent" } else { "two agents" };
    let message = format!("expected at least {agents} beside {} for it to {what_for}", first.id);
    let simpler = if first.tools.is_empty() { Pattern::Single } else { Pattern::React };
    let mut refused = diagnostic(Severity::Error, "agents_too_few", "/agents", message);
    if spec.agents.len() == 1 {
        refused = with_fix(refused, format!("Use the pattern {}", simpler.as_str()), use_pattern(simpler));
    }
    found.push(refused);
}

fn router(spec: &Spec, found: &mut Vec<Diagnostic>) {
    let Some(first) = spec.agents.first().filter(|agent| !agent.tools.is_empty()) else { return };
    let mut agents = spec.agents.clone();
    agents[0].tools.clear();
    found.push(with_fix(
        diagnostic(
            Severity::Error,
            "router_with_tools",
            "/agents/0/tools",
            format!("{} only chooses who answers: it has no tools of its own", first.id),
        ),
        "Remove its tools",
        json!({"agents": agents}),
    ));
}

fn handoff(spec: &Spec, found: &mut Vec<Diagnostic>) {
    if spec.agents.len() < 2 {
        return;
    }
    if spec.agents.first().is_some_and(|agent| agent.handoffs.is_empty()) {
        let mut agents = spec.agents.clone();
        let ids: Vec<String> = agents.iter().map(|agent| agent.id.clone()).collect();
        for agent in &mut agents {
            agent.handoffs = ids.iter().filter(|id| **id != agent.id).cloned().collect();
        }
        found.push(with_fix(
            diagnostic(
                Severity::Error,
                "handoffs_missing",
                "/agents/0/handoffs",
                "expected at least one agent that the conversation may be passed on to",
            ),
            "Let every agent pass on to every other",
            json!({"agents": agents}),
        ));
    }
}

fn graph(spec: &Spec, found: &mut Vec<Diagnostic>) {
    needs_tasks(spec, found);
    if spec.tasks.is_empty() {
        return;
    }
    let Some(graph) = &spec.graph else {
        let order = task_order(&spec.tasks).unwrap_or_else(|_| (0..spec.tasks.len()).collect());
        let ids: Vec<&str> = order.iter().map(|index| spec.tasks[*index].id.as_str()).collect();
        let edges: Vec<Value> = ids
            .iter()
            .zip(ids.iter().skip(1).copied().chain([GRAPH_END]))
            .map(|(from, to)| json!({"from": from, "to": to}))
            .collect();
        let refused = diagnostic(
            Severity::Error,
            "graph_missing",
            "/graph",
            "the pattern graph needs to know where to start and which edges to follow",
        );
        found.push(with_fix(
            refused,
            "Connect the tasks one after another",
            json!({"graph": {"start": ids[0], "edges": edges}}),
        ));
        return;
    };
    for (index, edge) in graph.edges.iter().enumerate() {
        let shadowed = graph.edges[..index].iter().any(|before| before.from == edge.from && before.when.is_none());
        if shadowed {
            let mut edges = graph.edges.clone();
            edges.remove(index);
            found.push(with_fix(
                diagnostic(
                    Severity::Warning,
                    "edge_never_followed",
                    format!("/graph/edges/{index}"),
                    format!("an edge before it leaves {} without a condition: this one is never followed", edge.from),
                ),
                "Remove it",
                json!({"graph": {"edges": edges}}),
            ));
        }
    }
    let reached = reached(graph);
    for (index, task) in spec.tasks.iter().enumerate() {
        if !reached.contains(task.id.as_str()) {
            found.push(diagnostic(
                Severity::Warning,
                "task_unreachable",
                format!("/tasks/{index}"),
                format!("no edge leads to {}: it is never done", task.id),
            ));
        }
    }
}

/// The tasks that some way through the graph comes to.
fn reached(graph: &crate::spec::Graph) -> BTreeSet<&str> {
    let mut reached = BTreeSet::from([graph.start.as_str()]);
    let mut open = vec![graph.start.as_str()];
    while let Some(from) = open.pop() {
        for edge in graph.edges.iter().filter(|edge| edge.from == from) {
            if reached.insert(&edge.to) {
                open.push(&edge.to);
            }
        }
    }
    reached
}

/// What stands in the spec and has no part in the pattern.
fn unused(spec: &Spec, found: &mut Vec<Diagnostic>) {
    let pattern = spec.target.pattern;
    let has_tasks = matches!(pattern, Pattern::Sequential | Pattern::Parallel | Pattern::Graph);
    if !has_tasks && !spec.tasks.is_empty() {
        found.push(with_fix(
            diagnostic(
                Severity::Warning,
                "tasks_unused",
                "/tasks",
                format!("the pattern {} has no tasks: these are never done", pattern.as_str()),
            ),
            "Use the pattern sequential",
            use_pattern(Pattern::Sequential),
        ));
    }
    if pattern != Pattern::Graph && spec.graph.is_some() {
        found.push(with_fix(
            diagnostic(
                Severity::Warning,
                "graph_unused",
                "/graph",
                format!("the pattern {} follows no edges", pattern.as_str()),
            ),
            "Remove the graph",
            json!({"graph": null}),
        ));
    }
    if pattern != Pattern::Handoff && spec.agents.iter().any(|agent| !agent.handoffs.is_empty()) {
        let mut agents = spec.agents.clone();
        for agent in &mut agents {
            agent.handoffs.clear();
        }
        found.push(with_fix(
            diagnostic(
                Severity::Warning,
                "handoffs_unused",
                "/agents",
                format!("in the pattern {} no agent passes the conversation on", pattern.as_str()),
            ),
            "Remove the handoffs",
            json!({"agents": agents}),
        ));
    }
    for (index, agent) in spec.agents.iter().enumerate() {
        let is_used = match pattern {
            Pattern::Single | Pattern::React => index == 0,
            Pattern::Sequential | Pattern::Parallel | Pattern::Graph => {
                spec.tasks.is_empty() || spec.tasks.iter().any(|task| task.agent == agent.id)
            }
            Pattern::Router | Pattern::Supervisor => true,
            Pattern::Handoff => index == 0 || spec.agents.iter().any(|other| other.handoffs.contains(&agent.id)),
        };
        if !is_used {
            let kept: Vec<_> = spec.agents.iter().filter(|other| other.id != agent.id).collect();
            found.push(with_fix(
                diagnostic(
                    Severity::Warning,
                    "agent_unused",
                    format!("/agents/{index}"),
                    format!("{} never gets anything to do in the pattern {}", agent.id, pattern.as_str()),
                ),
                "Remove it",
                json!({"agents": kept}),
            ));
        }
    }
}

fn use_pattern(pattern: Pattern) -> Value {
    json!({"target": {"pattern": pattern}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::diagnose::{diagnose, is_sound};
    use crate::spec::{from_value, merge_patch};

    fn value(pattern: Pattern) -> Value {
        let agent = |id: &str| json!({"id": id, "role": "r", "instructions": "i"});
        json!({
            "apiVersion": "gantry/v1", "kind": "Agent",
            "metadata": {"name": "a", "version": "0.1.0"},
            "target": {"framework": "react", "language": "python", "pattern": pattern},
            "models": {"default": {}},
            "agents": [agent("first"), agent("second"), agent("third")],
        })
    }

    /// The diagnostics that are about the shape: whether the matrix has the cell is asked elsewhere.
    fn codes(value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        shape(&from_value(value.clone()).unwrap(), &mut found);
        found.into_iter().map(|found| found.code).collect()
    }

    #[test]
    fn every_pattern_is_mended_by_its_own_fixes() {
        for pattern in Pattern::ALL {
            let mut value = value(pattern);
            for _ in 0..4 {
                let mut found = Vec::new();
                shape(&from_value(value.clone()).unwrap(), &mut found);
                let Some(fix) = found.iter().find_map(|found| found.fixes.first()) else { break };
                merge_patch(&mut value, &fix.patch);
            }
            assert_eq!(codes(&value), Vec::<String>::new(), "{}", pattern.as_str());
        }
    }

    #[test]
    fn what_a_framework_refuses_by_itself_is_refused_here() {
        let mut spec = value(Pattern::Supervisor);
        spec["target"]["framework"] = json!("watsonx-orchestrate");
        let agents: Vec<Value> =
            (0..12).map(|number| json!({"id": format!("agent{number}"), "role": "r", "instructions": "i"})).collect();
        spec["agents"] = json!(agents);
        assert_eq!(codes(&spec), ["agents_too_many"]);
        spec["agents"].as_array_mut().unwrap().pop();
        assert_eq!(codes(&spec), Vec::<String>::new());

        let mut spec = value(Pattern::Router);
        spec["target"]["framework"] = json!("llamaindex");
        spec["agents"][1]["tools"] = json!(["handoff"]);
        spec["tools"] = json!([{"id": "handoff", "kind": "python", "body": "return ''", "effect": "read",
            "description": "d", "parameters": {"type": "object", "properties": {}}}]);
        assert_eq!(codes(&spec), ["identifier_reserved"]);
    }

    #[test]
    fn tasks_side_by_side_are_told_from_tasks_in_a_row() {
        let mut spec = value(Pattern::Parallel);
        let task = |id: &str, agent: &str, before: &[&str]| json!({"id": id, "agent": agent, "description": "d", "dependsOn": before});
        spec["tasks"] = json!([task("a", "first", &[]), task("b", "second", &["a"]), task("c", "third", &["b"])]);
        assert_eq!(codes(&spec), ["nothing_in_parallel"]);
        spec["tasks"] = json!([task("a", "first", &[]), task("b", "second", &[]), task("c", "third", &["a", "b"])]);
        assert_eq!(codes(&spec), Vec::<String>::new());
    }

    #[test]
    fn edges_and_tasks_that_are_never_come_to_are_named() {
        let mut spec = value(Pattern::Graph);
        let task = |id: &str, agent: &str| json!({"id": id, "agent": agent, "description": "d"});
        spec["tasks"] = json!([task("a", "first"), task("b", "second"), task("c", "third")]);
        spec["graph"] = json!({"start": "a", "edges": [{"from": "a", "to": "b"}, {"from": "a", "to": "end"}]});
        assert_eq!(codes(&spec), ["edge_never_followed", "task_unreachable"]);
    }

    #[test]
    fn what_the_pattern_has_no_use_for_is_named() {
        let mut spec = value(Pattern::Supervisor);
        spec["graph"] = json!({"start": "a"});
        spec["agents"][0]["handoffs"] = json!(["second"]);
        assert_eq!(codes(&spec), ["graph_unused", "handoffs_unused"]);
        let mut spec = value(Pattern::Router);
        spec["agents"].as_array_mut().unwrap().truncate(2);
        assert_eq!(codes(&spec), ["agents_too_few"]);
    }

    #[test]
    fn references_of_handoffs_and_edges_are_checked() {
        let mut spec = value(Pattern::Handoff);
        spec["agents"][0]["handoffs"] = json!(["second", "nobody", "first"]);
        let found = diagnose(&from_value(spec).unwrap());
        let paths: Vec<&str> = found
            .iter()
            .filter(|found| found.code.starts_with("agent_") && !is_sound(std::slice::from_ref(found)))
            .map(|found| found.path.as_str())
            .collect();
        assert_eq!(paths, ["/agents/0/handoffs/1", "/agents/0/handoffs/2"]);
        let mut spec = value(Pattern::Graph);
        spec["tasks"] = json!([{"id": "a", "agent": "first", "description": "d"}]);
        spec["graph"] =
            json!({"start": "x", "maxSteps": 0, "edges": [{"from": "a", "to": "y", "when": {"contains": ""}}]});
        let found = diagnose(&from_value(spec).unwrap());
        for path in ["/graph/start", "/graph/maxSteps", "/graph/edges/0/to", "/graph/edges/0/when"] {
            assert!(found.iter().any(|found| found.path == path), "{path}: {found:?}");
        }
    }
}
