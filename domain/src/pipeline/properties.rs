//! The promises for any spec: every change keeps a spec a spec, going back is exact, and no spec, however
//! wrong, brings anything down.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{covered, spec};
use super::*;
use crate::spec::{Builtin, Condition, from_value, yaml};

/// Names that are taken, missing, no names at all, or the word for the end.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![6 => "[abcd]", 1 => Just("end".to_owned()), 1 => Just("default".to_owned()), 1 => "[ -~é]{0,3}"]
}

fn names(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(any_name(), 0..most)
}

fn any_spec() -> impl Strategy<Value = Spec> {
    let agents = prop::collection::vec((any_name(), any_name(), names(3), names(3)), 0..5);
    let tasks = prop::collection::vec((any_name(), any_name(), names(4)), 0..6);
    let when = prop::option::of(prop_oneof![
        any::<String>().prop_map(Condition::Contains),
        "[a-z]{1,3}".prop_map(Condition::Lacks),
    ]);
    let graph = prop::option::of((any_name(), prop::collection::vec((any_name(), any_name(), when), 0..8)));
    let places = prop::collection::btree_map(
        prop_oneof!["(agent|task|tool|model|branch):[abcd]", Just("start".to_owned()), any::<String>()],
        (any::<i32>(), any::<i32>()),
        0..4,
    );
    let pattern = prop::sample::select(Pattern::ALL.to_vec());
    (pattern, agents, tasks, graph, names(4), names(3), places).prop_map(
        |(pattern, agents, tasks, graph, tools, models, places)| {
            let mut spec = spec(pattern);
            spec.agents = agents
                .into_iter()
                .map(|(id, model, tools, handoffs)| crate::spec::Agent {
                    role: id.clone(),
                    instructions: "i".to_owned(),
                    max_steps: 8,
                    id,
                    model,
                    tools,
                    handoffs,
                })
                .collect();
            spec.tasks = tasks
                .into_iter()
                .map(|(id, agent, depends_on)| crate::spec::Task {
                    description: id.clone(),
                    expected_output: String::new(),
                    id,
                    agent,
                    depends_on,
                })
                .collect();
            spec.graph = graph.map(|(start, edges)| crate::spec::Graph {
                start,
                max_steps: 20,
                edges: edges.into_iter().map(|(from, to, when)| crate::spec::Edge { from, to, when }).collect(),
            });
            let tool = spec.tools.remove(0);
            spec.tools = tools.into_iter().map(|id| crate::spec::Tool { id, ..tool.clone() }).collect();
            spec.models.extend(models.into_iter().map(|key| (key, crate::spec::Model::default())));
            spec.layout.nodes = places.into_iter().map(|(key, (x, y))| (key, Position { x, y })).collect();
            spec
        },
    )
}

fn any_node() -> impl Strategy<Value = NodeId> {
    prop_oneof![
        Just(NodeId::Start),
        Just(NodeId::End),
        any_name().prop_map(NodeId::Task),
        any_name().prop_map(NodeId::Branch),
        any_name().prop_map(NodeId::Agent),
        any_name().prop_map(NodeId::Tool),
        any_name().prop_map(NodeId::Model),
    ]
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let edge = prop_oneof![
        (0..8_usize).prop_map(EdgeId::Next),
        (any_name(), any_name()).prop_map(|(task, before)| EdgeId::Waits { task, before }),
        (any_name(), any_name()).prop_map(|(from, to)| EdgeId::HandsOff { from, to }),
        (any_name(), any_name()).prop_map(|(agent, tool)| EdgeId::Calls { agent, tool }),
        any_name().prop_map(EdgeId::Does),
        any_name().prop_map(EdgeId::Thinks),
        any_name().prop_map(EdgeId::Begins),
    ];
    prop_oneof![
        Just(Operation::AddAgent),
        Just(Operation::AddModel),
        prop::option::of(any_name()).prop_map(|after| Operation::AddTask { after }),
        prop::option::of(any_name())
            .prop_map(|agent| Operation::AddTool { tool: Box::new(Builtin::CurrentTime.tool()), agent }),
        any_node().prop_map(Operation::Remove),
        (any_node(), any_name()).prop_map(|(node, to)| Operation::Rename { node, to }),
        (any_node(), any_node()).prop_map(|(from, to)| Operation::Connect { from, to }),
        edge.prop_map(Operation::Disconnect),
        (0..8_usize, prop::option::of("[a-z]{1,3}"))
            .prop_map(|(edge, text)| Operation::SetCondition { edge, when: text.map(Condition::Contains) }),
        (0..8_usize).prop_map(Operation::TryEarlier),
        prop::sample::select(Pattern::ALL.to_vec()).prop_map(Operation::SetPattern),
        (any_node(), any::<i32>(), any::<i32>())
            .prop_map(|(node, x, y)| Operation::Place(BTreeMap::from([(node, Position { x, y })]))),
        Just(Operation::Arrange),
    ]
}

/// What a spec says of who refers to whom, as the edges would be called.
fn relations(spec: &Spec) -> BTreeSet<EdgeId> {
    let mut said = BTreeSet::new();
    for task in &spec.tasks {
        said.extend(
            task.depends_on.iter().map(|before| EdgeId::Waits { task: task.id.clone(), before: before.clone() }),
        );
        said.insert(EdgeId::Does(task.id.clone()));
    }
    for agent in &spec.agents {
        said.extend(agent.handoffs.iter().map(|to| EdgeId::HandsOff { from: agent.id.clone(), to: to.clone() }));
        said.extend(agent.tools.iter().map(|tool| EdgeId::Calls { agent: agent.id.clone(), tool: tool.clone() }));
        said.insert(EdgeId::Thinks(agent.id.clone()));
    }
    if spec.target.pattern == Pattern::Graph {
        let edges = spec.graph.iter().flat_map(|graph| graph.edges.iter().enumerate());
        said.extend(edges.map(|(index, _)| EdgeId::Next(index)));
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn no_spec_brings_the_graph_down(spec in any_spec()) {
        let pipeline = Pipeline::of(&spec);
        let ids: BTreeSet<&NodeId> = pipeline.nodes.iter().map(|node| &node.id).collect();
        prop_assert_eq!(ids.len(), pipeline.nodes.len());
        let edges: BTreeSet<&EdgeId> = pipeline.edges.iter().map(|edge| &edge.id).collect();
        prop_assert_eq!(edges.len(), pipeline.edges.len());
        for edge in &pipeline.edges {
            prop_assert!(ids.contains(&edge.from) && ids.contains(&edge.to), "{edge:?}");
            let frame = |id: &NodeId| {
                let node = pipeline.node(id).unwrap();
                geometry::Frame::of(node.part, node.position)
            };
            prop_assert!(geometry::line(&edge.id, frame(&edge.from), frame(&edge.to), false, true).path.starts_with('M'));
        }
        prop_assert!(pipeline.nodes.iter().all(|node| node.position.is_allowed()));
        // Saying the same again gives the same graph.
        let again: Spec = from_value(serde_json::to_value(&spec).unwrap()).unwrap();
        prop_assert_eq!(Pipeline::of(&again), pipeline);
    }

    #[test]
    fn a_sound_spec_is_in_the_graph_whole(pattern in prop::sample::select(Pattern::ALL.to_vec()), operations in prop::collection::vec(any_operation(), 0..12)) {
        let mut now = spec(pattern);
        for operation in &operations {
            if let Ok(next) = apply(&now, operation) {
                now = next;
            }
        }
        prop_assert!(!crate::spec::check::check(&now).iter().any(|found| matches!(found.code.as_str(),
            "identifier_duplicate" | "agent_unknown" | "model_unknown" | "node_unknown" | "agents_missing")), "{:?}", crate::spec::check::check(&now));
        let pipeline = Pipeline::of(&now);
        let shown: BTreeSet<EdgeId> = pipeline.edges.iter().map(|edge| edge.id.clone()).collect();
        prop_assert!(relations(&now).is_subset(&shown), "{:?} is not shown", relations(&now).difference(&shown).collect::<Vec<_>>());
        // Who follows the fixes ends with a spec that can be saved or a question that needs a person.
        prop_assert_eq!(covered_by_itself(&now), None);
    }

}

proptest! {
    // Every case writes and reads the spec after each change.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_change_keeps_a_spec_a_spec_and_can_be_taken_back_to_the_byte(spec in any_spec(), operations in prop::collection::vec(any_operation(), 1..10)) {
        let mut history = History::new(spec.clone());
        let mut texts = vec![yaml::write(&spec)];
        for operation in &operations {
            let before = history.present().clone();
            match history.apply(operation) {
                Ok(()) if *history.present() != before => texts.push(yaml::write(history.present())),
                Ok(()) => {}
                Err(refusal) => {
                    prop_assert_eq!(history.present(), &before);
                    prop_assert!(refusal.0.ends_with('.'), "{}", refusal);
                }
            }
            history.seal();
            let read = from_value(serde_json::to_value(history.present()).unwrap()).unwrap();
            prop_assert_eq!(&read, history.present());
            if !texts.last().unwrap().contains('\0') {
                prop_assert_eq!(&yaml::read(texts.last().unwrap()).unwrap(), history.present());
            }
        }
        for text in texts.iter().rev().skip(1) {
            prop_assert!(history.undo());
            prop_assert_eq!(&yaml::write(history.present()), text);
        }
        prop_assert!(!history.undo());
        for text in texts.iter().skip(1) {
            prop_assert!(history.redo());
            prop_assert_eq!(&yaml::write(history.present()), text);
        }
    }
}

/// Whether nodes that nobody placed cover each other.
fn covered_by_itself(spec: &Spec) -> Option<String> {
    let mut spec = spec.clone();
    spec.layout = crate::spec::Layout::default();
    let pipeline = Pipeline::of(&spec);
    covered(&pipeline).map(|(a, b)| format!("{a} covers {b}"))
}
