//! What each agent is and is told, and what the tasks between them are.

use gantry_domain::spec::{Agent, Task};
use leptos::prelude::*;

use super::draft::{Draft, bound};
use super::{Step, step_frame};
use crate::parts::{TextArea, TextField};

/// Agents and tasks of the draft, each editable in place.
#[component]
pub(crate) fn AgentsStep() -> impl IntoView {
    let draft = Draft::expect();
    let (agents, tasks) = draft
        .spec
        .with_untracked(|spec| spec.as_ref().map(|spec| (spec.agents.clone(), spec.tasks.clone())))
        .unwrap_or_default();
    let agent_title = if agents.len() == 1 { "The agent" } else { "The agents" };
    let agents = agents.into_iter().enumerate().map(|(index, agent)| agent_fields(index, agent)).collect_view();
    let tasks = (!tasks.is_empty()).then(|| {
        let tasks = tasks.into_iter().enumerate().map(|(index, task)| task_fields(index, task)).collect_view();
        view! { <section class="stack"><h3>"The tasks"</h3>{tasks}</section> }
    });
    let questions = view! {
        <section class="stack"><h3>{agent_title}</h3>{agents}</section>
        {tasks}
    };
    step_frame(
        Step::Agents,
        "Who does what?",
        "What each agent is and is told, and the tasks between them, as the plan has them. Every word is yours to change.",
        questions.into_any(),
    )
}

fn agent_fields(index: usize, agent: Agent) -> AnyView {
    let draft = Draft::expect();
    let write = move |change: fn(&mut Agent, String)| {
        move |text: String| {
            draft.change(|spec| {
                if let Some(agent) = spec.agents.get_mut(index) {
                    change(agent, text);
                }
            });
        }
    };
    let role = bound(agent.role, write(|agent, text| agent.role = text));
    let instructions = bound(agent.instructions, write(|agent, text| agent.instructions = text));
    view! {
        <div class="card stack">
            <TextField label=format!("Role of {}", agent.id) value=role/>
            <TextArea label="Instructions" value=instructions rows=5 hint="What it is told before every conversation."/>
        </div>
    }
    .into_any()
}

fn task_fields(index: usize, task: Task) -> AnyView {
    let draft = Draft::expect();
    let write = move |change: fn(&mut Task, String)| {
        move |text: String| {
            draft.change(|spec| {
                if let Some(task) = spec.tasks.get_mut(index) {
                    change(task, text);
                }
            });
        }
    };
    let description = bound(task.description, write(|task, text| task.description = text));
    let expected = bound(task.expected_output, write(|task, text| task.expected_output = text));
    let after =
        if task.depends_on.is_empty() { "first".to_owned() } else { format!("after {}", task.depends_on.join(", ")) };
    view! {
        <div class="card stack">
            <p class="hint"><code>{task.id}</code> " by " <code>{task.agent}</code> ", " {after}</p>
            <TextArea label="What is to be done" value=description rows=3/>
            <TextField label="What should come out" value=expected/>
        </div>
    }
    .into_any()
}
