//! What is selected, with everything that can be said of it. Without a selection: the pattern, and
//! what is wrong with the whole.

mod agent;
mod fields;
mod model;
mod task;
mod tool;
mod ways;

use gantry_domain::matrix::{Diagnostic, Pattern, compatibility};
use gantry_domain::pipeline::{EdgeId, NodeId, Operation};
use leptos::prelude::*;
use serde_json::Value;

use self::fields::number_field;
use self::ways::{Ways, condition_fields};
use super::draft::{Draft, Selected, bound};
use super::list::connections;
use crate::pages::project::diagnostics::Diagnostics;
use crate::pages::project::labels::pattern_name;
use crate::pages::project::whole::WholeFields;
use crate::parts::{Button, ButtonKind, Choice, Icon, SelectField};

/// What is selected.
#[component]
pub(super) fn Inspector() -> impl IntoView {
    let draft = Draft::expect();
    let title = move || match draft.selected.get() {
        None => "Pipeline".to_owned(),
        Some(Selected::Edge(_)) => "Connection".to_owned(),
        Some(Selected::Node(id)) => draft.pipeline.with(|pipeline| {
            pipeline.node(&id).map(|node| format!("{}: {}", node.part.word(), node.title)).unwrap_or_default()
        }),
    };
    let close = move || {
        draft.selected.with(Option::is_some).then(|| {
            view! { <Button kind=ButtonKind::Ghost glyph=Icon::Cross label="Show the pipeline as a whole" on_press=move |()| draft.selected.set(None)/> }
        })
    };
    let body = move || match draft.selected.get() {
        None => whole(),
        Some(Selected::Edge(id)) => edge_fields(id),
        Some(Selected::Node(id)) => {
            let shown = found_of(draft, id.clone());
            let fields = match id {
                NodeId::Agent(id) => agent::agent_fields(id),
                NodeId::Task(id) => task::task_fields(id),
                NodeId::Tool(id) => tool::tool_fields(id),
                NodeId::Model(key) => model::model_fields(key),
                NodeId::Branch(task) => branch(task),
                NodeId::Start => start(),
                NodeId::End => said("Here the run ends: the result of the last step is the answer."),
            };
            view! { {shown} {fields} }.into_any()
        }
    };
    view! {
        <header class="inspector-head"><h2>{title}</h2>{close}</header>
        <div class="inspector-body" on:focusout=move |_| draft.seal()>{body}</div>
    }
    .into_any()
}

/// A sentence.
fn said(text: &'static str) -> AnyView {
    view! { <p class="hint">{text}</p> }.into_any()
}

fn mend(draft: Draft) -> Callback<Value> {
    Callback::new(move |patch: Value| {
        draft.seal();
        draft.apply(&Operation::Mend(patch));
    })
}

/// What was found in a node.
fn found_of(draft: Draft, id: NodeId) -> AnyView {
    let found = Memo::new(move |_| {
        let place = draft.spec.with(|spec| match &id {
            NodeId::Agent(id) => spec.agents.iter().position(|agent| agent.id == *id).map(|at| format!("/agents/{at}")),
            NodeId::Task(id) => spec.tasks.iter().position(|task| task.id == *id).map(|at| format!("/tasks/{at}")),
            NodeId::Tool(id) => spec.tools.iter().position(|tool| tool.id == *id).map(|at| format!("/tools/{at}")),
            NodeId::Model(key) => Some(format!("/models/{key}")),
            NodeId::Branch(_) => Some("/graph/edges".to_owned()),
            NodeId::Start | NodeId::End => None,
        });
        let Some(place) = place else { return Vec::new() };
        let below = format!("{place}/");
        draft.found.with(|found| {
            let own = found.iter().filter(|found| found.path == place || found.path.starts_with(&below));
            own.cloned().collect::<Vec<Diagnostic>>()
        })
    });
    view! { <Diagnostics found on_fix=mend(draft)/> }.into_any()
}

/// The button that takes something away.
fn remove_button(node: NodeId, label: &'static str) -> AnyView {
    let draft = Draft::expect();
    let remove = move |()| {
        draft.seal();
        draft.apply(&Operation::Remove(node.clone()));
    };
    view! { <div class="row"><Button kind=ButtonKind::Danger glyph=Icon::Trash on_press=remove>{label}</Button></div> }
        .into_any()
}

/// The pattern, and what is wrong with the whole.
fn whole() -> AnyView {
    let draft = Draft::expect();
    view! {
        {pattern_field()}
        {graph_steps()}
        <Diagnostics found=draft.found on_fix=mend(draft)/>
        <p class="hint">"Choose a node or a line to edit it. Draw a line from the circle of one node to another to connect them."</p>
        <details class="card">
            <summary>"Limits, memory and image"</summary>
            <div class="stack details-body">{whole_fields(draft)}</div>
        </details>
    }
    .into_any()
}

/// What holds whoever is at work.
fn whole_fields(draft: Draft) -> AnyView {
    let spec = Signal::derive(move || Some(draft.spec.get()));
    let on_change = Callback::new(move |patch: Value| {
        draft.apply(&Operation::Mend(patch));
    });
    view! { <WholeFields spec on_change/> }.into_any()
}

fn pattern_field() -> AnyView {
    let draft = Draft::expect();
    let value = bound(
        |spec| Some(spec.target.pattern.as_str().to_owned()),
        move |word| {
            if let Some(pattern) = Pattern::ALL.into_iter().find(|pattern| pattern.as_str() == word) {
                draft.seal();
                draft.apply(&Operation::SetPattern(pattern));
            }
        },
    );
    let choices: Vec<Choice> =
        Pattern::ALL.map(|pattern| Choice::new(pattern.as_str(), pattern_name(pattern))).to_vec();
    let summary = move || {
        let pattern = draft.spec.with(|spec| spec.target.pattern);
        compatibility().patterns.iter().find(|entry| entry.id == pattern).map(|entry| entry.summary.clone())
    };
    view! {
        <div>
            <SelectField label="Pattern" value choices=Signal::derive(move || choices.clone())/>
            <p class="hint">{summary}</p>
        </div>
    }
    .into_any()
}

fn graph_steps() -> AnyView {
    let draft = Draft::expect();
    let has_graph =
        Memo::new(move |_| draft.spec.with(|spec| spec.target.pattern == Pattern::Graph && spec.graph.is_some()));
    let field = move || {
        has_graph.get().then(|| {
            number_field(
                "Most tasks in one run",
                "1 to 100: where a circle ends that does not end by itself.",
                1,
                100,
                |spec| spec.graph.as_ref().map(|graph| u64::from(graph.max_steps)),
                move |number| {
                    draft.apply(&Operation::SetGraphSteps(u32::try_from(number).unwrap_or(u32::MAX)));
                },
            )
        })
    };
    view! { {field} }.into_any()
}

fn start() -> AnyView {
    let draft = Draft::expect();
    let begins = move || {
        draft.pipeline.with(|pipeline| {
            let words = connections(pipeline, &NodeId::Start);
            if words.is_empty() { "Nothing follows yet.".to_owned() } else { format!("A run {words}.") }
        })
    };
    view! {
        <p>"Here a run begins, with what the person says."</p>
        <p class="hint">{begins}</p>
        {pattern_field()}
    }
    .into_any()
}

fn branch(task: String) -> AnyView {
    let words = format!("After {task} the first way is gone whose condition holds of its result.");
    view! { <p class="hint">{words}</p> <Ways task/> }.into_any()
}

/// What an edge says, and how it is changed or taken away.
fn edge_fields(id: EdgeId) -> AnyView {
    let draft = Draft::expect();
    let words = {
        let id = id.clone();
        move || {
            draft.pipeline.with(|pipeline| {
                let edge = pipeline.edge(&id)?;
                let title = |id: &NodeId| pipeline.node(id).map(|node| node.title.clone()).unwrap_or_default();
                Some(format!("{} {} {}", title(&edge.from), edge.id.word(), title(&edge.to)))
            })
        }
    };
    let condition = if let EdgeId::Next(index) = id { Some(condition_fields(index)) } else { None };
    let remove = if id.is_removable() {
        let remove = move |()| {
            draft.seal();
            draft.apply(&Operation::Disconnect(id.clone()));
        };
        view! { <div class="row"><Button kind=ButtonKind::Danger glyph=Icon::Trash on_press=remove>"Remove connection"</Button></div> }.into_any()
    } else {
        said(match id {
            EdgeId::Does(_) => "A task always has an agent: draw a line from the task to another one to change it.",
            EdgeId::Thinks(_) => "An agent always has a model: draw a line from the agent to another one to change it.",
            _ => "This follows from the pattern and from the other connections.",
        })
    };
    view! { <p>{words}</p> {condition} {remove} }.into_any()
}
