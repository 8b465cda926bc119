//! A tool: what it does, how it is called, with which arguments, and by whom.

use gantry_domain::pipeline::{EdgeId, NodeId, Operation};
use gantry_domain::spec::{Effect as ToolEffect, Spec, Tool, ToolSource};
use leptos::prelude::*;
use serde_json::Value;

use super::fields::{check_list, name_field, number_field};
use super::{remove_button, said};
use crate::pages::project::mcp_server::{header_lines, headers_field, headers_of};
use crate::pages::project::pipeline::draft::{Draft, bound};
use crate::parts::{Choice, SelectField, TextArea, TextField};

/// The effects, each with its word in a spec and what it means.
const EFFECTS: [(ToolEffect, &str, &str); 4] = [
    (ToolEffect::Read, "read", "read: only reads"),
    (ToolEffect::Write, "write", "write: changes something"),
    (ToolEffect::Network, "network", "network: reaches a host outside"),
    (ToolEffect::Exec, "exec", "exec: runs a program"),
];

fn find<'a>(spec: &'a Spec, id: &str) -> Option<&'a Tool> {
    spec.tools.iter().find(|tool| tool.id == id)
}

fn change(draft: Draft, id: &str, change: impl FnOnce(&mut Tool)) {
    let tool = draft.spec.with_untracked(|spec| find(spec, id).cloned());
    if let Some(mut tool) = tool {
        change(&mut tool);
        draft.apply(&Operation::ReplaceTool(Box::new(tool)));
    }
}

fn field(
    id: &str,
    read: impl Fn(&Tool) -> Option<String> + Send + Sync + 'static,
    write: impl Fn(&mut Tool, String) + 'static,
) -> RwSignal<String> {
    let draft = Draft::expect();
    let (reader, writer) = (id.to_owned(), id.to_owned());
    bound(move |spec| find(spec, &reader).and_then(&read), move |text| change(draft, &writer, |tool| write(tool, text)))
}

/// A tool's fields.
pub(super) fn tool_fields(id: String) -> AnyView {
    let draft = Draft::expect();
    let source = draft.spec.with_untracked(|spec| find(spec, &id).map(|tool| tool.source.clone()));
    let is_builtin = matches!(source, Some(ToolSource::Builtin { .. }));
    let description = field(&id, |tool| Some(tool.description.clone()), |tool, text| tool.description = text);
    let effect = field(
        &id,
        |tool| EFFECTS.iter().find(|(effect, ..)| *effect == tool.effect).map(|(_, word, _)| (*word).to_owned()),
        |tool, word| {
            if let Some((effect, ..)) = EFFECTS.iter().find(|(_, known, _)| *known == word) {
                tool.effect = *effect;
            }
        },
    );
    let effects = EFFECTS.map(|(_, word, text)| Choice::new(word, text)).to_vec();
    let timeout = {
        let (reader, writer) = (id.clone(), id.clone());
        number_field(
            "Longest call in milliseconds",
            "100 to 600 000.",
            100,
            600_000,
            move |spec| find(spec, &reader).map(|tool| tool.timeout_ms),
            move |number| change(draft, &writer, |tool| tool.timeout_ms = number),
        )
    };
    let callers = {
        let (reader, writer) = (id.clone(), id.clone());
        check_list(
            "Agents that may call it",
            "",
            move |spec| {
                let may = |tools: &[String]| tools.contains(&reader);
                spec.agents.iter().map(|agent| (agent.id.clone(), may(&agent.tools))).collect()
            },
            move |agent, wanted| {
                let tool = writer.clone();
                if wanted {
                    Operation::Connect { from: NodeId::Agent(agent), to: NodeId::Tool(tool) }
                } else {
                    Operation::Disconnect(EdgeId::Calls { agent, tool })
                }
            },
        )
    };
    let details = match source {
        Some(source) if !is_builtin => view! { {source_fields(&id, &source)} {arguments(&id)} }.into_any(),
        _ => said("One of Gantry's own, the same in every framework: its arguments are fixed."),
    };
    view! {
        {name_field(NodeId::Tool(id.clone()), "Name", "A name that is valid in Python. It is changed wherever it stands.")}
        <TextArea label="What it does" value=description rows=2 hint="For the model to read."/>
        {details}
        <SelectField label="Effect" value=effect choices=Signal::derive(move || effects.clone()) hint="What it may do to the world; decides when a person is asked."/>
        {callers}
        {timeout}
        {remove_button(NodeId::Tool(id), "Remove tool")}
    }
    .into_any()
}

/// The fields that only one kind has.
fn source_fields(id: &str, source: &ToolSource) -> AnyView {
    match source {
        ToolSource::Http { .. } => {
            let method = field(
                id,
                |tool| if let ToolSource::Http { method, .. } = &tool.source { Some(method.clone()) } else { None },
                |tool, text| {
                    if let ToolSource::Http { method, .. } = &mut tool.source {
                        *method = text;
                    }
                },
            );
            let url = field(
                id,
                |tool| if let ToolSource::Http { url, .. } = &tool.source { Some(url.clone()) } else { None },
                |tool, text| {
                    if let ToolSource::Http { url, .. } = &mut tool.source {
                        text.trim().clone_into(url);
                    }
                },
            );
            let headers = headers(id);
            let methods: Vec<Choice> = ["GET", "POST", "PUT", "PATCH", "DELETE"]
                .into_iter()
                .map(|method| Choice::new(method, method))
                .collect();
            view! {
                <SelectField label="Method" value=method choices=Signal::derive(move || methods.clone())/>
                <TextField
                    label="Address" kind="url" code=true value=url
                    placeholder="https://api.example.com/weather/{city}" hint="{name} stands for the argument of that name."
                />
                {headers_field(url, headers, Signal::stored(None))}
            }
            .into_any()
        }
        ToolSource::Mcp { .. } => {
            let command = field(
                id,
                |tool| if let ToolSource::Mcp { command, .. } = &tool.source { Some(command.join("\n")) } else { None },
                |tool, text| {
                    if let ToolSource::Mcp { command, .. } = &mut tool.source {
                        *command = text.split('\n').map(str::to_owned).collect();
                    }
                },
            );
            let remote = field(
                id,
                |tool| if let ToolSource::Mcp { tool, .. } = &tool.source { Some(tool.clone()) } else { None },
                |tool, text| {
                    if let ToolSource::Mcp { tool, .. } = &mut tool.source {
                        *tool = text;
                    }
                },
            );
            view! {
                <TextArea label="Command" code=true rows=3 value=command hint="The program that starts the server, and its arguments, one a line."/>
                <TextField label="The tool's name at the server" code=true value=remote/>
            }
            .into_any()
        }
        ToolSource::McpOverHttp { .. } => {
            let url = field(
                id,
                |tool| if let ToolSource::McpOverHttp { url, .. } = &tool.source { Some(url.clone()) } else { None },
                |tool, text| {
                    if let ToolSource::McpOverHttp { url, .. } = &mut tool.source {
                        text.trim().clone_into(url);
                    }
                },
            );
            let headers = headers(id);
            let remote = field(
                id,
                |tool| if let ToolSource::McpOverHttp { tool, .. } = &tool.source { Some(tool.clone()) } else { None },
                |tool, text| {
                    if let ToolSource::McpOverHttp { tool, .. } = &mut tool.source {
                        *tool = text;
                    }
                },
            );
            view! {
                <TextField label="Address" kind="url" code=true value=url placeholder="https://mcp.example.com/mcp"/>
                {headers_field(url, headers, Signal::stored(None))}
                <TextField label="The tool's name at the server" code=true value=remote/>
            }
            .into_any()
        }
        ToolSource::Python { .. } | ToolSource::Typescript { .. } => {
            let body = field(
                id,
                |tool| match &tool.source {
                    ToolSource::Python { body } | ToolSource::Typescript { body } => Some(body.clone()),
                    _ => None,
                },
                |tool, text| match &mut tool.source {
                    ToolSource::Python { body } | ToolSource::Typescript { body } => *body = text,
                    _ => {}
                },
            );
            view! {
                <TextArea
                    label="Body" code=true rows=8 value=body
                    hint="From column 0; it sees the arguments as variables and returns text. It runs in the generated project, not in tests on this instance."
                />
            }
            .into_any()
        }
        ToolSource::Builtin { .. } => ().into_any(),
    }
}

/// The headers as lines, which stay as they are typed; what they mean goes into the spec.
fn headers(id: &str) -> RwSignal<String> {
    let draft = Draft::expect();
    let (reader, writer) = (id.to_owned(), id.to_owned());
    let said = Memo::new(move |_| {
        draft.spec.with(|spec| match find(spec, &reader).map(|tool| &tool.source) {
            Some(ToolSource::Http { headers, .. } | ToolSource::McpOverHttp { headers, .. }) => Some(headers.clone()),
            _ => None,
        })
    });
    let text = RwSignal::new(said.with_untracked(|said| said.as_ref().map(header_lines)).unwrap_or_default());
    Effect::new(move |_| {
        if let Some(said) = said.get()
            && text.with_untracked(|text| headers_of(text) != said)
        {
            text.set(header_lines(&said));
        }
    });
    Effect::new(move |ran_before: Option<()>| {
        let typed = text.with(|text| headers_of(text));
        if ran_before.is_some() && said.get_untracked().is_some_and(|said| said != typed) {
            change(draft, &writer, |tool| {
                if let ToolSource::Http { headers, .. } | ToolSource::McpOverHttp { headers, .. } = &mut tool.source {
                    *headers = typed;
                }
            });
        }
    });
    text
}

/// The arguments as JSON. Text that is no JSON yet is kept in the field, and not taken over.
fn arguments(id: &str) -> AnyView {
    let draft = Draft::expect();
    let reader = id.to_owned();
    let said = Memo::new(move |_| draft.spec.with(|spec| find(spec, &reader).map(|tool| tool.parameters.clone())));
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let text = RwSignal::new(said.with_untracked(|said| said.as_ref().map(pretty)).unwrap_or_default());
    let read =
        Memo::new(move |_| text.with(|text| serde_json::from_str::<Value>(text).map_err(|error| error.to_string())));
    Effect::new(move |_| {
        // The spec was changed elsewhere, as by undo: show that.
        if let Some(said) = said.get()
            && read.with_untracked(|read| read.as_ref().ok() != Some(&said))
        {
            text.set(pretty(&said));
        }
    });
    let writer = id.to_owned();
    Effect::new(move |ran_before: Option<()>| {
        let read = read.get();
        if ran_before.is_some()
            && let Ok(value) = read
        {
            change(draft, &writer, |tool| tool.parameters = value);
        }
    });
    let error = Signal::derive(move || {
        read.with(|read| read.as_ref().err().map(|error| format!("Expected a JSON Schema of type object: {error}.")))
    });
    view! { <TextArea label="Arguments" code=true rows=8 value=text error hint="A JSON Schema of type object."/> }
        .into_any()
}
