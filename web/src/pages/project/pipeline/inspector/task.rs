//! A task: what is to be done, by whom, and what comes before or after it.

use gantry_domain::api::run::RunStep;
use gantry_domain::matrix::Pattern;
use gantry_domain::pipeline::{EdgeId, NodeId, Operation};
use gantry_domain::spec::{Spec, Task};
use leptos::prelude::*;

use super::fields::{check_list, name_field};
use super::remove_button;
use super::ways::Ways;
use crate::pages::project::pipeline::draft::{Draft, bound};
use crate::pages::project::pipeline::step_test::StepTest;
use crate::parts::{Choice, SelectField, TextArea};

fn find<'a>(spec: &'a Spec, id: &str) -> Option<&'a Task> {
    spec.tasks.iter().find(|task| task.id == id)
}

fn field(id: &str, read: fn(&Task) -> String, write: fn(&mut Task, String)) -> RwSignal<String> {
    let draft = Draft::expect();
    let (reader, writer) = (id.to_owned(), id.to_owned());
    bound(
        move |spec| find(spec, &reader).map(read),
        move |text| {
            let task = draft.spec.with_untracked(|spec| find(spec, &writer).cloned());
            if let Some(mut task) = task {
                write(&mut task, text);
                draft.apply(&Operation::ReplaceTask(Box::new(task)));
            }
        },
    )
}

/// A task's fields.
pub(super) fn task_fields(id: String) -> AnyView {
    let draft = Draft::expect();
    let description = field(&id, |task| task.description.clone(), |task, text| task.description = text);
    let expected = field(&id, |task| task.expected_output.clone(), |task, text| task.expected_output = text);
    let agent = field(&id, |task| task.agent.clone(), |task, text| task.agent = text);
    let agents = Signal::derive(move || {
        draft.spec.with(|spec| {
            let choice = |agent: &gantry_domain::spec::Agent| Choice::new(agent.id.clone(), agent.id.clone());
            spec.agents.iter().map(choice).collect::<Vec<_>>()
        })
    });
    let before = {
        let (reader, writer) = (id.clone(), id.clone());
        check_list(
            "Tasks that come before it",
            "",
            move |spec| {
                let before = find(spec, &reader).map(|task| task.depends_on.as_slice()).unwrap_or_default();
                let others = spec.tasks.iter().filter(|task| task.id != reader);
                let others = others.filter(|task| spec.target.pattern != Pattern::Graph || before.contains(&task.id));
                others.map(|task| (task.id.clone(), before.contains(&task.id))).collect()
            },
            move |before, wanted| {
                let task = writer.clone();
                if wanted {
                    Operation::Connect { from: NodeId::Task(before), to: NodeId::Task(task) }
                } else {
                    Operation::Disconnect(EdgeId::Waits { task, before })
                }
            },
        )
    };
    let is_graph = Memo::new(move |_| draft.spec.with(|spec| spec.target.pattern == Pattern::Graph));
    let ways = {
        let id = id.clone();
        move || is_graph.get().then(|| view! { <Ways task=id.clone()/> })
    };
    view! {
        {name_field(NodeId::Task(id.clone()), "Name", "A name that is valid in Python. It is changed wherever it stands.")}
        <TextArea label="What is to be done" value=description rows=4/>
        <TextArea label="What should come out" value=expected rows=2 hint="May be empty."/>
        <SelectField label="Done by" value=agent choices=agents/>
        {before}
        {ways}
        <StepTest step=RunStep::Task(id.clone())/>
        {remove_button(NodeId::Task(id), "Remove task")}
    }
    .into_any()
}
