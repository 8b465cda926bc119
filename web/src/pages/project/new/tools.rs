//! What the agents may call.

use gantry_domain::matrix::Language;
use gantry_domain::spec::{Builtin, Spec, Tool, ToolSource};
use leptos::prelude::*;

use super::draft::Draft;
use super::mcp_form::McpForm;
use super::openapi_form::OpenApiForm;
use super::tool_form::{ToolForm, ToolKind};
use super::{Step, step_frame};
use crate::pages::project::labels::{effect_word, source_text};
use crate::pages::project::matrix::InstanceMatrix;
use crate::parts::{Button, ButtonKind, Dialog, Icon, icon};

/// What the form in the dialog is about: the tool's place in the spec, or a new one of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The tool at this index.
    Existing(usize),
    /// A new tool of this kind.
    New(ToolKind),
    /// New tools out of an OpenAPI document.
    OpenApi,
}

/// The tools.
#[component]
pub(crate) fn ToolsStep() -> impl IntoView {
    let draft = Draft::expect();
    let matrix = InstanceMatrix::expect();
    let subject = RwSignal::new(Subject::New(ToolKind::Http));
    let form_open = RwSignal::new(false);
    let edit = Callback::new(move |chosen: Subject| {
        subject.set(chosen);
        form_open.set(true);
    });
    let tools = Memo::new(move |_| {
        draft.spec.with(|spec| {
            let spec = spec.as_ref();
            spec.map(|spec| (spec.tools.clone(), agents_of(spec))).unwrap_or_default()
        })
    });
    let rows = move || {
        let (tools, agents) = tools.get();
        if tools.is_empty() {
            return view! { <p class="muted">"None yet. Without tools the agent answers from what its model knows."</p> }.into_any();
        }
        let rows = tools.into_iter().enumerate().map(|(index, tool)| tool_row(index, &tool, &agents, edit));
        view! { <ul class="item-list">{rows.collect_view()}</ul> }.into_any()
    };
    let language = Memo::new(move |_| {
        draft.spec.with(|spec| spec.as_ref().map_or(Language::Python, |spec| spec.target.framework.language()))
    });
    let builtins = move || {
        let (tools, _) = tools.get();
        let missing = Builtin::ALL.into_iter().filter(|builtin| {
            !tools.iter().any(|tool| matches!(&tool.source, ToolSource::Builtin { name } if name == builtin))
        });
        missing
            .map(|builtin| {
                let add = Callback::new(move |()| draft.rebuild(|spec| add(spec, builtin.tool())));
                add_card(matrix, builtin.as_str(), builtin.as_str(), add)
            })
            .collect_view()
    };
    let kinds = move || {
        ToolKind::of(language.get())
            .map(|kind| {
                add_card(matrix, kind.word(), kind.label(), Callback::new(move |()| edit.run(Subject::New(kind))))
            })
            .collect_view()
    };
    let from_openapi = move || {
        let open = Callback::new(move |()| edit.run(Subject::OpenApi));
        add_card(matrix, "openapi", "Operations of an OpenAPI document", open)
    };
    let title = Signal::derive(move || match subject.get() {
        Subject::New(kind) => format!("Add: {}", kind.label()),
        Subject::OpenApi => "Add: Operations of an OpenAPI document".to_owned(),
        Subject::Existing(_) => "Change the tool".to_owned(),
    });
    let questions = view! {
        {rows}
        <section class="choice-section">
            <h3>"Add a tool of your own"</h3>
            <div class="add-cards">{kinds} {from_openapi}</div>
        </section>
        <section class="choice-section">
            <h3>"Add a built-in one, the same in every framework"</h3>
            <div class="add-cards">{builtins}</div>
        </section>
    };
    let frame = step_frame(
        Step::Tools,
        "What may it call?",
        "Each tool has an effect: by default those that only read run at once, and all others wait for a person's approval.",
        questions.into_any(),
    );
    view! {
        {frame}
        <Dialog open=form_open title>
            {match subject.get_untracked() {
                Subject::New(ToolKind::Mcp) => view! { <McpForm open=form_open/> }.into_any(),
                Subject::OpenApi => view! { <OpenApiForm open=form_open/> }.into_any(),
                subject => view! { <ToolForm subject open=form_open/> }.into_any(),
            }}
        </Dialog>
    }
    .into_any()
}

/// A button that adds a tool, with what the matrix says of its kind.
fn add_card(matrix: InstanceMatrix, id: &str, label: &'static str, add: Callback<()>) -> AnyView {
    let entry = matrix.value.with(|matrix| matrix.tools.iter().find(|tool| tool.id == id).cloned());
    let about = entry.map(|entry| {
        let needs = (entry.needs != "Nothing.").then(|| format!(" Needs: {}", entry.needs));
        view! { <span class="hint">{entry.description} {needs}</span> <small class="faint">{effect_word(entry.effect)}</small> }
    });
    view! {
        <button type="button" class="add-card" on:click=move |_| add.run(())>
            <span class="add-card-title">{icon(Icon::Plus)}<b>{label}</b></span>
            {about}
        </button>
    }
    .into_any()
}

/// Each agent's id with the tools it may call.
fn agents_of(spec: &Spec) -> Vec<(String, Vec<String>)> {
    spec.agents.iter().map(|agent| (agent.id.clone(), agent.tools.clone())).collect()
}

/// Adds a tool, which the first agent may call.
pub(crate) fn add(spec: &mut Spec, tool: Tool) {
    if let Some(agent) = spec.agents.first_mut() {
        agent.tools.push(tool.id.clone());
    }
    spec.tools.push(tool);
}

/// Removes a tool, also from what agents may call and from what is denied.
fn remove(spec: &mut Spec, index: usize) {
    if index >= spec.tools.len() {
        return;
    }
    let tool = spec.tools.remove(index);
    if spec.tools.iter().any(|other| other.id == tool.id) {
        return;
    }
    for agent in &mut spec.agents {
        agent.tools.retain(|id| *id != tool.id);
    }
    spec.guardrails.deny.retain(|id| *id != tool.id);
}

fn tool_row(index: usize, tool: &Tool, agents: &[(String, Vec<String>)], edit: Callback<Subject>) -> AnyView {
    let draft = Draft::expect();
    let id = tool.id.clone();
    let is_builtin = matches!(tool.source, ToolSource::Builtin { .. });
    // With one agent there is no question who may call it.
    let callers = (agents.len() > 1).then(|| {
        let boxes = agents.iter().enumerate().map(|(agent_index, (agent, tools))| {
            let (id, may_call) = (id.clone(), tools.contains(&id));
            let toggle = move |_| {
                let id = id.clone();
                draft.change(move |spec| {
                    if let Some(agent) = spec.agents.get_mut(agent_index) {
                        let before = agent.tools.len();
                        agent.tools.retain(|tool| *tool != id);
                        if agent.tools.len() == before {
                            agent.tools.push(id);
                        }
                    }
                });
            };
            view! { <label class="inline-check"><input type="checkbox" prop:checked=may_call on:change=toggle/>{agent.clone()}</label> }
        });
        view! { <div class="row" role="group" aria-label=format!("Agents that may call {id}")>{boxes.collect_view()}</div> }
    });
    view! {
        <li class="item">
            <div class="item-main">
                <div class="item-title"><code><b>{tool.id.clone()}</b></code><span class="faint">{effect_word(tool.effect)}</span></div>
                <p>{tool.description.clone()}</p>
                <p class="hint"><code>{source_text(&tool.source)}</code></p>
                {callers}
            </div>
            <div class="row-actions">
                {(!is_builtin).then(|| view! {
                    <Button kind=ButtonKind::Ghost glyph=Icon::Edit label=format!("Change {}", tool.id) on_press=move |()| edit.run(Subject::Existing(index))/>
                })}
                <Button kind=ButtonKind::Ghost glyph=Icon::Trash label=format!("Remove {}", tool.id) on_press=move |()| draft.rebuild(|spec| remove(spec, index))/>
            </div>
        </li>
    }
    .into_any()
}
