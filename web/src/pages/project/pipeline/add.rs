//! What can be added: agents, tasks, tools of every kind, models.

use std::collections::BTreeMap;

use gantry_domain::matrix::{Language, Pattern};
use gantry_domain::pipeline::{NodeId, Operation};
use gantry_domain::spec::{Builtin, Effect as ToolEffect, Tool, ToolSource};
use leptos::prelude::*;
use serde_json::json;

use super::draft::Draft;
use crate::parts::{Dialog, Icon, icon};

/// How long a call of a new tool may take, in milliseconds.
const TIMEOUT_MILLIS: u64 = 10_000;

/// A tool of a kind, with what a person has to say still empty.
fn empty_tool(id: &str, effect: ToolEffect, source: ToolSource) -> Tool {
    Tool {
        id: id.to_owned(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false}),
        effect,
        timeout_ms: TIMEOUT_MILLIS,
        source,
    }
}

/// A list of what can be added, in a dialog.
#[component]
pub(super) fn AddDialog(open: RwSignal<bool>) -> impl IntoView {
    view! { <Dialog open title="Add to the pipeline"><AddList open/></Dialog> }.into_any()
}

#[component]
fn AddList(open: RwSignal<bool>) -> impl IntoView {
    let draft = Draft::expect();
    let (pattern, language) = draft.spec.with_untracked(|spec| (spec.target.pattern, spec.target.framework.language()));
    // What is selected says where the new thing belongs.
    let near = draft.selected_node();
    let agent = match &near {
        Some(NodeId::Agent(id)) => Some(id.clone()),
        Some(NodeId::Task(id)) => draft
            .spec
            .with_untracked(|spec| spec.tasks.iter().find(|task| task.id == *id).map(|task| task.agent.clone())),
        _ => draft.spec.with_untracked(|spec| (spec.agents.len() == 1).then(|| spec.agents[0].id.clone())),
    };
    let after = if let Some(NodeId::Task(id) | NodeId::Branch(id)) = near { Some(id) } else { None };
    let add = move |operation: Operation| {
        open.set(false);
        draft.add(&operation);
    };
    let entry = move |glyph: Icon, title: &'static str, text: String, operation: Operation| {
        view! {
            <li>
                <button type="button" class="add-entry" on:click=move |_| add(operation.clone())>
                    {icon(glyph)} <span><b>{title}</b> <span class="hint">{text}</span></span>
                </button>
            </li>
        }
        .into_any()
    };
    let tool = |tool: Tool| Operation::AddTool { tool: Box::new(tool), agent: agent.clone() };
    let whose = match &agent {
        Some(agent) => format!(" {agent} may call it."),
        None => String::new(),
    };
    let mut entries = vec![entry(
        Icon::Agent,
        "Agent",
        "With a role, instructions and tools of its own.".to_owned(),
        Operation::AddAgent,
    )];
    if matches!(pattern, Pattern::Sequential | Pattern::Parallel | Pattern::Graph) {
        let text = match &after {
            Some(after) => format!("A piece of work after {after}."),
            None => "A piece of work for one agent.".to_owned(),
        };
        entries.push(entry(Icon::File, "Task", text, Operation::AddTask { after }));
    }
    let http = ToolSource::Http { method: "GET".to_owned(), url: String::new(), headers: BTreeMap::new() };
    let mcp = ToolSource::Mcp { command: Vec::new(), tool: String::new() };
    let mcp_at = ToolSource::McpOverHttp { url: String::new(), headers: BTreeMap::new(), tool: String::new() };
    let (function, source) = match language {
        Language::Python => ("Python function", ToolSource::Python { body: String::new() }),
        Language::Typescript => ("TypeScript function", ToolSource::Typescript { body: String::new() }),
    };
    entries.push(entry(
        Icon::Tool,
        "HTTP request",
        format!("Calls an address.{whose}"),
        tool(empty_tool("http_request", ToolEffect::Network, http)),
    ));
    entries.push(entry(
        Icon::Tool,
        "Tool of an MCP server",
        format!("Started as a program.{whose}"),
        tool(empty_tool("mcp_tool", ToolEffect::Exec, mcp)),
    ));
    entries.push(entry(
        Icon::Tool,
        "Tool of an MCP server at an address",
        format!("Asked over HTTP.{whose}"),
        tool(empty_tool("mcp_tool", ToolEffect::Network, mcp_at)),
    ));
    entries.push(entry(
        Icon::Tool,
        function,
        format!("Code of your own, in the project.{whose}"),
        tool(empty_tool("function", ToolEffect::Exec, source)),
    ));
    let missing = draft.spec.with_untracked(|spec| {
        let has = |builtin: &Builtin| {
            spec.tools.iter().any(|tool| matches!(&tool.source, ToolSource::Builtin { name } if name == builtin))
        };
        Builtin::ALL.into_iter().filter(|builtin| !has(builtin)).collect::<Vec<_>>()
    });
    for builtin in missing {
        entries.push(entry(
            Icon::Tool,
            builtin.as_str(),
            format!("{}{whose}", builtin.description()),
            tool(builtin.tool()),
        ));
    }
    entries.push(entry(
        Icon::Model,
        "Model",
        "Another model, for agents that name it.".to_owned(),
        Operation::AddModel,
    ));
    view! { <ul class="add-list">{entries}</ul> }.into_any()
}
