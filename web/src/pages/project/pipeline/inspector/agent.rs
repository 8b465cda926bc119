//! An agent: what it is and is told, what it may call, and whom it may pass on to.

use gantry_domain::api::run::RunStep;
use gantry_domain::matrix::Pattern;
use gantry_domain::pipeline::{EdgeId, NodeId, Operation};
use gantry_domain::spec::{Agent, Spec};
use leptos::prelude::*;

use super::fields::{check_list, name_field, number_field};
use super::{remove_button, said};
use crate::pages::project::pipeline::draft::{Draft, bound};
use crate::pages::project::pipeline::step_test::StepTest;
use crate::parts::{Button, Choice, Icon, SelectField, TextArea, TextField};

fn find<'a>(spec: &'a Spec, id: &str) -> Option<&'a Agent> {
    spec.agents.iter().find(|agent| agent.id == id)
}

fn change(draft: Draft, id: &str, change: impl FnOnce(&mut Agent)) {
    let agent = draft.spec.with_untracked(|spec| find(spec, id).cloned());
    if let Some(mut agent) = agent {
        change(&mut agent);
        draft.apply(&Operation::ReplaceAgent(Box::new(agent)));
    }
}

fn field(id: &str, read: fn(&Agent) -> String, write: fn(&mut Agent, String)) -> RwSignal<String> {
    let draft = Draft::expect();
    let (reader, writer) = (id.to_owned(), id.to_owned());
    bound(move |spec| find(spec, &reader).map(read), move |text| change(draft, &writer, |agent| write(agent, text)))
}

/// An agent's fields.
pub(super) fn agent_fields(id: String) -> AnyView {
    let draft = Draft::expect();
    let role = field(&id, |agent| agent.role.clone(), |agent, text| agent.role = text);
    let instructions = field(&id, |agent| agent.instructions.clone(), |agent, text| agent.instructions = text);
    let model = field(&id, |agent| agent.model.clone(), |agent, text| agent.model = text);
    let models = Signal::derive(move || {
        draft.spec.with(|spec| spec.models.keys().map(|key| Choice::new(key.clone(), key.clone())).collect::<Vec<_>>())
    });
    let steps = {
        let (reader, writer) = (id.clone(), id.clone());
        number_field(
            "Most model calls in one run",
            "1 to 100.",
            1,
            100,
            move |spec| find(spec, &reader).map(|agent| u64::from(agent.max_steps)),
            move |number| {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                change(draft, &writer, |agent| agent.max_steps = number);
            },
        )
    };
    let tools = {
        let (reader, writer) = (id.clone(), id.clone());
        check_list(
            "Tools that it may call",
            "",
            move |spec| {
                let agent = find(spec, &reader);
                let may = |tool: &str| agent.is_some_and(|agent| agent.tools.iter().any(|id| id == tool));
                spec.tools.iter().map(|tool| (tool.id.clone(), may(&tool.id))).collect()
            },
            move |tool, wanted| {
                let agent = writer.clone();
                if wanted {
                    Operation::Connect { from: NodeId::Agent(agent), to: NodeId::Tool(tool) }
                } else {
                    Operation::Disconnect(EdgeId::Calls { agent, tool })
                }
            },
        )
    };
    let handoffs = {
        let (reader, writer) = (id.clone(), id.clone());
        check_list(
            "Agents that it may pass the conversation on to",
            "",
            move |spec| {
                let to = find(spec, &reader).map(|agent| agent.handoffs.as_slice()).unwrap_or_default();
                let others = spec.agents.iter().filter(|agent| agent.id != reader);
                // In other patterns only what is there, so that it can be taken away.
                let others = others.filter(|agent| spec.target.pattern == Pattern::Handoff || to.contains(&agent.id));
                others.map(|agent| (agent.id.clone(), to.contains(&agent.id))).collect()
            },
            move |to, wanted| {
                let from = writer.clone();
                if wanted {
                    Operation::Connect { from: NodeId::Agent(from), to: NodeId::Agent(to) }
                } else {
                    Operation::Disconnect(EdgeId::HandsOff { from, to })
                }
            },
        )
    };
    let first = {
        let (reader, node) = (id.clone(), NodeId::Agent(id.clone()));
        let is_first =
            Memo::new(move |_| draft.spec.with(|spec| spec.agents.first().is_some_and(|agent| agent.id == reader)));
        let pattern = Memo::new(move |_| draft.spec.with(|spec| spec.target.pattern));
        move || {
            let node = node.clone();
            let role = match pattern.get() {
                Pattern::Sequential | Pattern::Parallel | Pattern::Graph => return None,
                Pattern::Router => "It reads what the person says and chooses which of the others answers.",
                Pattern::Supervisor => "It asks the others for what it needs, and answers the person itself.",
                _ => "The conversation begins with it.",
            };
            Some(if is_first.get() {
                said(role)
            } else {
                let begin = move |()| draft.apply(&Operation::Connect { from: NodeId::Start, to: node.clone() });
                view! { <div class="row"><Button glyph=Icon::Forward on_press=begin>"Begin with this agent"</Button></div> }.into_any()
            })
        }
    };
    view! {
        {first}
        {name_field(NodeId::Agent(id.clone()), "Name", "A name that is valid in Python. It is changed wherever it stands.")}
        <TextField label="Role" value=role hint="What it is, in a few words."/>
        <TextArea label="Instructions" value=instructions rows=6 hint="What it is told before every conversation."/>
        <SelectField label="Model" value=model choices=models/>
        {tools}
        {handoffs}
        {steps}
        <StepTest step=RunStep::Agent(id.clone())/>
        {remove_button(NodeId::Agent(id), "Remove agent")}
    }
    .into_any()
}
