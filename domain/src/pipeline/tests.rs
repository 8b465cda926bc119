//! The promises in examples: the graph says what the spec says, and changes keep a spec a spec.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::api::run::RunStep;
use crate::matrix::diagnose::{diagnose, is_sound};
use crate::spec::{Builtin, Condition, GRAPH_END, from_value, yaml};

fn value(pattern: Pattern) -> Value {
    let agent = |id: &str, tools: &[&str]| json!({"id": id, "role": "r", "instructions": "i", "tools": tools});
    let task = |id: &str, agent: &str, before: &[&str]| json!({"id": id, "agent": agent, "description": "d", "dependsOn": before});
    let mut value = json!({
        "apiVersion": "gantry/v1", "kind": "Agent",
        "metadata": {"name": "a", "version": "0.1.0"},
        "target": {"framework": "langgraph", "language": "python", "pattern": pattern},
        "models": {"default": {}, "large": {"model": "big"}},
        "agents": [agent("first", &[]), agent("second", &["calculator"]), agent("third", &[])],
        "tools": [Builtin::Calculator.tool()],
    });
    if has_tasks(pattern) {
        value["tasks"] = json!([task("a", "first", &[]), task("b", "second", &["a"]), task("c", "third", &["a"])]);
    }
    match pattern {
        Pattern::Graph => {
            for task in value["tasks"].as_array_mut().unwrap() {
                task["dependsOn"] = json!([]);
            }
            value["graph"] = json!({"start": "a", "edges": [
                {"from": "a", "to": "b", "when": {"contains": "yes"}}, {"from": "a", "to": "c"},
                {"from": "b", "to": "a"}, {"from": "c", "to": "end"},
            ]});
        }
        Pattern::Handoff => value["agents"][0]["handoffs"] = json!(["second", "third"]),
        _ => {}
    }
    value
}

pub(super) fn spec(pattern: Pattern) -> Spec {
    from_value(value(pattern)).unwrap()
}

fn agent(id: &str) -> NodeId {
    NodeId::Agent(id.to_owned())
}

fn task(id: &str) -> NodeId {
    NodeId::Task(id.to_owned())
}

fn connect(spec: &Spec, from: NodeId, to: NodeId) -> Result<Spec, Refusal> {
    apply(spec, &Operation::Connect { from, to })
}

fn lines(pipeline: &Pipeline) -> Vec<String> {
    let shown = |edge: &Edge| {
        let label = if edge.label.is_empty() { String::new() } else { format!(" [{}]", edge.label) };
        format!("{} {} {}{label}", edge.from, edge.id.word(), edge.to)
    };
    pipeline.edges.iter().filter(|edge| edge.id.is_flow()).map(shown).collect()
}

#[test]
fn every_pattern_has_its_own_way_from_the_start() {
    let seen = |pattern| lines(&Pipeline::of(&spec(pattern)));
    assert_eq!(seen(Pattern::React), ["start begins with agent:first", "agent:first ends after end"]);
    assert_eq!(
        seen(Pattern::Parallel),
        [
            "task:a comes before task:b",
            "task:a comes before task:c",
            "start begins with task:a",
            "task:b ends after end",
            "task:c ends after end",
        ]
    );
    assert_eq!(
        seen(Pattern::Router),
        ["start begins with agent:first", "agent:first may choose agent:second", "agent:first may choose agent:third"]
    );
    assert_eq!(
        seen(Pattern::Supervisor),
        ["start begins with agent:first", "agent:first may ask agent:second", "agent:first may ask agent:third"]
    );
    assert_eq!(
        seen(Pattern::Handoff),
        [
            "start begins with agent:first",
            "agent:first may pass on to agent:second",
            "agent:first may pass on to agent:third"
        ]
    );
    assert_eq!(
        seen(Pattern::Graph),
        [
            "start begins with task:a",
            "task:a branches after branch:a",
            "branch:a leads to task:b [contains “yes”]",
            "branch:a leads to task:c [otherwise]",
            "task:b leads to task:a",
            "task:c leads to end",
        ]
    );
}

#[test]
fn control_nodes_and_what_is_idle_follow_from_the_pattern() {
    let of = |pattern, id: NodeId| Pipeline::of(&spec(pattern)).node(&id).cloned().unwrap();
    assert_eq!(of(Pattern::Router, agent("first")).part, Part::Router);
    assert_eq!(of(Pattern::Supervisor, agent("first")).part, Part::Supervisor);
    assert_eq!(of(Pattern::Handoff, agent("first")).part, Part::Agent);
    assert!(of(Pattern::React, agent("second")).is_idle);
    assert!(of(Pattern::React, NodeId::Tool("calculator".to_owned())).is_idle);
    assert!(!of(Pattern::Supervisor, NodeId::Tool("calculator".to_owned())).is_idle);
    assert!(of(Pattern::Supervisor, NodeId::Model("large".to_owned())).is_idle);
    assert!(Pipeline::of(&spec(Pattern::Router)).node(&NodeId::End).is_none());
}

#[test]
fn what_happens_runs_from_the_top_down_and_nothing_covers_anything() {
    for pattern in Pattern::ALL {
        let pipeline = Pipeline::of(&spec(pattern));
        for edge in &pipeline.edges {
            let place = |id| pipeline.node(id).unwrap().position;
            let (from, to) = (place(&edge.from), place(&edge.to));
            let place = (pattern.as_str(), edge);
            match (edge.id.is_flow(), has_tasks(pattern)) {
                // The edge from b back to a is the only one that leads back.
                (true, true) => assert!(from.y < to.y || edge.from == task("b"), "{place:?}"),
                (true, false) if edge.from == NodeId::Start || edge.to == NodeId::End => {
                    assert!(from.x < to.x, "{place:?}");
                }
                (false, true) => assert!(from.x < to.x, "{place:?}"),
                (_, false) => assert!(from.y < to.y, "{place:?}"),
            }
        }
        assert_eq!(covered(&pipeline), None, "{}", pattern.as_str());
        assert_eq!(Pipeline::of(&spec(pattern)), pipeline, "the same places again");
    }
}

/// Two nodes of which one covers the other.
pub(super) fn covered(pipeline: &Pipeline) -> Option<(&NodeId, &NodeId)> {
    let frames: Vec<_> = pipeline.nodes.iter().map(|node| (node, node.part.size())).collect();
    frames.iter().enumerate().find_map(|(index, (a, (a_width, a_height)))| {
        let (other, _) = frames[..index].iter().find(|(b, (b_width, b_height))| {
            a.position.x < b.position.x + b_width
                && b.position.x < a.position.x + a_width
                && a.position.y < b.position.y + b_height
                && b.position.y < a.position.y + a_height
        })?;
        Some((&a.id, &other.id))
    })
}

#[test]
fn a_name_is_changed_wherever_it_stands() {
    let mut before = spec(Pattern::Graph);
    before.layout.nodes.insert("task:a".to_owned(), Position { x: 1, y: 2 });
    before.layout.nodes.insert("branch:a".to_owned(), Position { x: 3, y: 4 });
    before.guardrails.deny.push("calculator".to_owned());
    let rename = |spec: &Spec, node, to: &str| apply(spec, &Operation::Rename { node, to: to.to_owned() });
    let after = rename(&before, task("a"), "ask").unwrap();
    let after = rename(&after, agent("second"), "expert").unwrap();
    let after = rename(&after, NodeId::Tool("calculator".to_owned()), "sums").unwrap();
    let text = yaml::write(&after);
    for gone in ["task:a:", "branch:a:", "from: a\n", "to: a\n", "start: a\n", "second", "[calculator]"] {
        assert!(!text.contains(gone), "{gone} is still in\n{text}");
    }
    assert_eq!(after.layout.nodes["branch:ask"], Position { x: 3, y: 4 });
    assert!(is_sound(&diagnose(&after)), "{:?}", diagnose(&after));
    let back = rename(&after, task("ask"), "a").unwrap();
    let back = rename(&back, agent("expert"), "second").unwrap();
    assert_eq!(rename(&back, NodeId::Tool("sums".to_owned()), "calculator").unwrap(), before);

    for (node, to) in [
        (task("a"), "B"),
        (task("a"), "End"),
        (task("a"), "not a name"),
        (agent("first"), "class"),
        (NodeId::Tool("calculator".to_owned()), "json"),
        (NodeId::Model("default".to_owned()), "other"),
        (NodeId::Start, "begin"),
        (task("gone"), "here"),
    ] {
        assert!(rename(&before, node.clone(), to).is_err(), "{node} to {to}");
    }
}

#[test]
fn lines_are_drawn_where_they_mean_something() {
    let sequential = spec(Pattern::Sequential);
    let order = connect(&sequential, task("b"), task("c")).unwrap();
    assert_eq!(order.tasks[2].depends_on, ["a", "b"]);
    let circle = connect(&sequential, task("c"), task("a")).unwrap_err();
    assert!(circle.0.contains("wait for each other"), "{circle}");
    assert!(connect(&sequential, task("a"), task("b")).is_err(), "it is there already");
    assert_eq!(connect(&sequential, task("a"), agent("third")).unwrap().tasks[0].agent, "third");
    let model = NodeId::Model("large".to_owned());
    assert_eq!(connect(&sequential, agent("first"), model.clone()).unwrap().agents[0].model, "large");
    assert_eq!(connect(&sequential, model, agent("first")).unwrap().agents[0].model, "large");

    let graph = spec(Pattern::Graph);
    let looped = connect(&graph, task("a"), task("a")).unwrap();
    assert_eq!(looped.graph.as_ref().unwrap().edges.len(), 5);
    assert_eq!(connect(&graph, NodeId::Start, task("c")).unwrap().graph.unwrap().start, "c");
    assert_eq!(
        connect(&graph, NodeId::Branch("a".to_owned()), NodeId::End).unwrap().graph.unwrap().edges[4].to,
        GRAPH_END
    );

    let handoff = spec(Pattern::Handoff);
    assert_eq!(connect(&handoff, agent("third"), agent("first")).unwrap().agents[2].handoffs, ["first"]);
    assert_eq!(connect(&handoff, NodeId::Start, agent("third")).unwrap().agents[0].id, "third");
    let router = spec(Pattern::Router);
    assert!(connect(&router, agent("first"), NodeId::Tool("calculator".to_owned())).is_err());
    assert!(connect(&router, agent("second"), agent("third")).is_err());
    let offered = targets(&router, &Pipeline::of(&router), &agent("third"));
    assert_eq!(offered, [NodeId::Tool("calculator".to_owned()), NodeId::Model("large".to_owned())]);
}

#[test]
fn what_is_removed_leaves_no_reference_behind() {
    for pattern in Pattern::ALL {
        let before = spec(pattern);
        for node in Pipeline::of(&before).nodes {
            let Ok(after) = apply(&before, &Operation::Remove(node.id.clone())) else { continue };
            let dangling = ["agent_unknown", "task_unknown", "tool_unknown", "model_unknown", "node_unknown"];
            let found = diagnose(&after);
            assert!(!found.iter().any(|found| dangling.contains(&found.code.as_str())), "{} {found:?}", node.id);
            assert!(Pipeline::of(&after).node(&node.id).is_none());
        }
    }
    let after = apply(&spec(Pattern::Sequential), &Operation::Remove(task("a"))).unwrap();
    assert!(after.tasks.iter().all(|task| task.depends_on.is_empty()));
    let mut chain = spec(Pattern::Sequential);
    chain.tasks[2].depends_on = vec!["b".to_owned()];
    assert_eq!(apply(&chain, &Operation::Remove(task("b"))).unwrap().tasks[1].depends_on, ["a"]);
    assert_eq!(apply(&spec(Pattern::Graph), &Operation::Remove(task("a"))).unwrap().graph.unwrap().start, "b");
}

#[test]
fn edges_of_a_graph_are_tried_in_an_order_that_can_be_changed() {
    let graph = spec(Pattern::Graph);
    assert!(apply(&graph, &Operation::TryEarlier(0)).is_err());
    let swapped = apply(&graph, &Operation::TryEarlier(1)).unwrap();
    assert_eq!(swapped.graph.as_ref().unwrap().edges[0].to, "c");
    let when = Some(Condition::Lacks("no".to_owned()));
    let changed = apply(&graph, &Operation::SetCondition { edge: 1, when: when.clone() }).unwrap();
    assert_eq!(changed.graph.unwrap().edges[1].when, when);
    let cut = apply(&graph, &Operation::Disconnect(EdgeId::Next(0))).unwrap();
    assert_eq!(Pipeline::of(&cut).node(&NodeId::Branch("a".to_owned())), None, "one way is no branch");
}

#[test]
fn places_are_kept_and_those_of_nothing_are_named() {
    let before = spec(Pattern::React);
    let places = BTreeMap::from([(agent("first"), Position { x: 7, y: -30_000 })]);
    let after = apply(&before, &Operation::Place(places)).unwrap();
    let node = Pipeline::of(&after).node(&agent("first")).cloned().unwrap();
    assert!(node.is_placed);
    assert_eq!(node.position, Position { x: 7, y: -20_000 });
    assert_eq!(yaml::read(&yaml::write(&after)).unwrap(), after);
    assert!(is_sound(&diagnose(&after)));
    assert_eq!(apply(&after, &Operation::Arrange).unwrap(), before);
    assert!(!yaml::write(&before).contains("layout"), "nothing is written when nothing was put anywhere");

    let mut wrong = after.clone();
    wrong.layout.nodes.insert("agent:gone".to_owned(), Position::default());
    wrong.layout.nodes.insert("tool:calculator".to_owned(), Position { x: 99_999, y: 0 });
    let found: Vec<_> = diagnose(&wrong).into_iter().filter(|found| found.path.starts_with("/layout")).collect();
    assert_eq!(
        found.iter().map(|found| found.code.as_str()).collect::<Vec<_>>(),
        ["limit_out_of_range", "node_unknown"]
    );
    let mended =
        found.iter().fold(wrong, |spec, found| apply(&spec, &Operation::Mend(found.fixes[0].patch.clone())).unwrap());
    assert_eq!(mended, after);
}

#[test]
fn a_step_by_itself_is_one_agent_with_its_own_tools() {
    let graph = spec(Pattern::Graph);
    let step = spec_of_step(&graph, &RunStep::Task("b".to_owned())).unwrap();
    assert_eq!(step.target.pattern, Pattern::Sequential);
    assert_eq!((step.agents.len(), step.tasks.len(), step.tools.len()), (1, 1, 1));
    let step = spec_of_step(&spec(Pattern::Supervisor), &RunStep::Agent("second".to_owned())).unwrap();
    assert_eq!((step.target.pattern, step.tools.len()), (Pattern::React, 1));
    let step = spec_of_step(&spec(Pattern::Handoff), &RunStep::Agent("first".to_owned())).unwrap();
    assert_eq!(step.target.pattern, Pattern::Single);
    assert!(step.agents[0].handoffs.is_empty());
    assert_eq!(spec_of_step(&graph, &RunStep::Agent("gone".to_owned())), None);
}

#[test]
fn text_that_is_written_into_a_field_is_one_change() {
    let before = spec(Pattern::React);
    let mut history = History::new(before.clone());
    let write = |history: &mut History, text: &str| {
        let mut agent = history.present().agents[0].clone();
        agent.role = text.to_owned();
        history.apply(&Operation::ReplaceAgent(Box::new(agent))).unwrap();
    };
    write(&mut history, "P");
    write(&mut history, "Poet");
    history.seal();
    write(&mut history, "Poet of note");
    history.apply(&Operation::SetPattern(Pattern::React)).unwrap();
    assert!(history.undo());
    assert_eq!(history.present().agents[0].role, "Poet");
    assert!(history.undo());
    assert_eq!(*history.present(), before);
    assert!(!history.undo());
    assert!(history.redo() && history.redo() && !history.redo());
    assert_eq!(history.present().agents[0].role, "Poet of note");
    history.go_to(before.clone());
    assert_eq!(*history.present(), before);
    assert!(history.undo());
    assert_eq!(history.present().agents[0].role, "Poet of note");
}
