//! The form for one tool: an HTTP request, a tool of an MCP server, or a Python function.

use std::collections::BTreeMap;

use gantry_domain::matrix::Language;
use gantry_domain::spec::{Effect as ToolEffect, Spec, Tool, ToolSource, url_placeholders};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::tools::{Subject, add};
use crate::pages::project::mcp_server::{ServerErrors, ServerFields, header_lines, headers_field, headers_of};
use crate::parts::{Button, ButtonKind, Choice, SelectField, TextArea, TextField};

/// How long a call may take unless the spec says otherwise, in milliseconds.
pub(super) const TIMEOUT_MILLIS: u64 = 10_000;

/// The kinds of tools that a person makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolKind {
    /// An HTTP request.
    Http,
    /// A tool of an MCP server.
    Mcp,
    /// A Python function.
    Python,
    /// A TypeScript function.
    Typescript,
}

impl ToolKind {
    /// Those that a project in this language can have.
    pub(crate) fn of(language: Language) -> [Self; 3] {
        let function = match language {
            Language::Python => Self::Python,
            Language::Typescript => Self::Typescript,
        };
        [Self::Http, Self::Mcp, function]
    }

    /// The word in a spec and in the matrix.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Mcp => "mcp",
            Self::Python => "python",
            Self::Typescript => "typescript",
        }
    }

    /// The words on its button.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Http => "HTTP request",
            Self::Mcp => "Tools of an MCP server",
            Self::Python => "Python function",
            Self::Typescript => "TypeScript function",
        }
    }

    fn empty_source(self) -> ToolSource {
        match self {
            Self::Http => ToolSource::Http { method: "GET".to_owned(), url: String::new(), headers: BTreeMap::new() },
            Self::Mcp => ToolSource::Mcp { command: Vec::new(), tool: String::new() },
            Self::Python => ToolSource::Python { body: String::new() },
            Self::Typescript => ToolSource::Typescript { body: String::new() },
        }
    }

    fn usual_effect(self) -> ToolEffect {
        match self {
            Self::Http => ToolEffect::Network,
            Self::Mcp | Self::Python | Self::Typescript => ToolEffect::Exec,
        }
    }
}

/// The arguments that an address has places for, all of them texts and required.
fn parameters_for(url: &str) -> Value {
    let names = url_placeholders(url);
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
    json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
}

fn effect_word(effect: ToolEffect) -> &'static str {
    match effect {
        ToolEffect::Read => "read",
        ToolEffect::Write => "write",
        ToolEffect::Exec => "exec",
        ToolEffect::Network => "network",
    }
}

fn effect_from(word: &str) -> ToolEffect {
    match word {
        "read" => ToolEffect::Read,
        "write" => ToolEffect::Write,
        "exec" => ToolEffect::Exec,
        _ => ToolEffect::Network,
    }
}

/// Puts the tool into the spec: at its place, or at the end.
fn put(spec: &mut Spec, subject: Subject, tool: Tool) {
    let Subject::Existing(index) = subject else {
        add(spec, tool);
        return;
    };
    let Some(place) = spec.tools.get_mut(index) else { return };
    let before = std::mem::replace(place, tool.clone()).id;
    let names = spec.agents.iter_mut().flat_map(|agent| agent.tools.iter_mut()).chain(spec.guardrails.deny.iter_mut());
    for name in names.filter(|name| **name == before) {
        name.clone_from(&tool.id);
    }
}

/// The form. What is wrong with the tool is said while it is edited, by the checks of the whole spec.
#[component]
pub(crate) fn ToolForm(
    /// Which tool.
    subject: Subject,
    /// Whether the dialog is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let draft = Draft::expect();
    let existing = match subject {
        Subject::New(_) | Subject::OpenApi => None,
        Subject::Existing(index) => {
            draft.spec.with_untracked(|spec| spec.as_ref().and_then(|spec| spec.tools.get(index).cloned()))
        }
    };
    let tool = existing.clone().unwrap_or_else(|| {
        let kind = if let Subject::New(kind) = subject { kind } else { ToolKind::Http };
        Tool {
            id: String::new(),
            description: String::new(),
            parameters: parameters_for(""),
            effect: kind.usual_effect(),
            timeout_ms: TIMEOUT_MILLIS,
            source: kind.empty_source(),
        }
    });
    let id = RwSignal::new(tool.id.clone());
    let description = RwSignal::new(tool.description.clone());
    let effect = RwSignal::new(effect_word(tool.effect).to_owned());
    let parameters = RwSignal::new(serde_json::to_string_pretty(&tool.parameters).unwrap_or_default());
    let source = SourceFields::new(&tool.source);
    if existing.is_none() {
        // Until somebody edits the arguments, they follow the places in the address.
        Effect::new(move |last: Option<String>| {
            let text = serde_json::to_string_pretty(&parameters_for(&source.url.get())).unwrap_or_default();
            if last.is_some_and(|last| parameters.with_untracked(|now| *now == last)) {
                parameters.set(text.clone());
            }
            text
        });
    }
    let made = Memo::new(move |_| {
        let parameters =
            parameters.with(|text| serde_json::from_str::<Value>(text)).map_err(|error| error.to_string())?;
        Ok::<Tool, String>(Tool {
            id: id.with(|id| id.trim().to_owned()),
            description: description.with(|text| text.trim().to_owned()),
            parameters,
            effect: effect.with(|word| effect_from(word)),
            timeout_ms: tool.timeout_ms,
            source: source.read(&tool.source),
        })
    });
    let parameters_error = Signal::derive(move || {
        made.with(|made| made.as_ref().err().map(|error| format!("Expected a JSON Schema of type object: {error}.")))
    });
    // What the checks say of this tool, in the spec as it would be.
    let faults = Memo::new(move |_| {
        let Ok(tool) = made.get() else { return Vec::new() };
        let Some(mut spec) = draft.spec.get_untracked() else { return Vec::new() };
        put(&mut spec, subject, tool);
        let index = if let Subject::Existing(index) = subject { index } else { spec.tools.len() - 1 };
        let (place, below) = (format!("/tools/{index}"), format!("/tools/{index}/"));
        let found =
            draft.diagnose(&spec).into_iter().filter(|found| found.path == place || found.path.starts_with(&below));
        found
            .filter(|found| found.severity == gantry_domain::matrix::Severity::Error)
            .map(|found| found.message)
            .collect()
    });
    let is_submitted = RwSignal::new(existing.is_some());
    let shown_faults = move || {
        let faults = if is_submitted.get() { faults.get() } else { Vec::new() };
        faults.into_iter().map(|message| view! { <li>{message}</li> }).collect_view()
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        is_submitted.set(true);
        let Ok(tool) = made.get_untracked() else { return };
        if !faults.with_untracked(Vec::is_empty) {
            return;
        }
        open.set(false);
        draft.rebuild(|spec| put(spec, subject, tool));
    };
    let effects = vec![
        Choice::new("read", "read: only reads"),
        Choice::new("write", "write: changes something"),
        Choice::new("network", "network: reaches a host outside"),
        Choice::new("exec", "exec: runs a program"),
    ];
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <TextField label="Name" code=true value=id focus=true required=true hint="A name that is valid in Python, such as get_weather."/>
                <TextField label="What it does" value=description required=true hint="For the model to read."/>
                {source.view()}
                <SelectField label="Effect" value=effect choices=Signal::derive(move || effects.clone()) hint="What it may do to the world; decides when a person is asked."/>
                <TextArea label="Arguments" code=true rows=8 value=parameters error=parameters_error hint="A JSON Schema of type object."/>
                <ul class="faults field-error" role="alert">{shown_faults}</ul>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true>"Save tool"</Button>
            </footer>
        </form>
    }
    .into_any()
}

/// The fields that only one kind has. All are there; the kind decides which are shown and read.
#[derive(Clone, Copy)]
struct SourceFields {
    kind: ToolKind,
    method: RwSignal<String>,
    url: RwSignal<String>,
    headers: RwSignal<String>,
    server: ServerFields,
    remote_tool: RwSignal<String>,
    body: RwSignal<String>,
}

impl SourceFields {
    fn new(source: &ToolSource) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        let mut fields = Self {
            kind: ToolKind::Http,
            method: text("GET"),
            url: text(""),
            headers: text(""),
            server: ServerFields::new(source),
            remote_tool: text(""),
            body: text(""),
        };
        match source {
            ToolSource::Http { method, url, headers } => {
                fields.method = text(method);
                fields.url = text(url);
                fields.headers = text(&header_lines(headers));
            }
            ToolSource::Mcp { tool, .. } | ToolSource::McpOverHttp { tool, .. } => {
                fields.kind = ToolKind::Mcp;
                fields.remote_tool = text(tool);
            }
            ToolSource::Python { body } => {
                fields.kind = ToolKind::Python;
                fields.body = text(body);
            }
            ToolSource::Typescript { body } => {
                fields.kind = ToolKind::Typescript;
                fields.body = text(body);
            }
            ToolSource::Builtin { .. } => {}
        }
        fields
    }

    fn read(self, before: &ToolSource) -> ToolSource {
        if matches!(before, ToolSource::Builtin { .. }) {
            return before.clone();
        }
        match self.kind {
            ToolKind::Http => ToolSource::Http {
                method: self.method.get(),
                url: self.url.with(|url| url.trim().to_owned()),
                headers: self.headers.with(|text| headers_of(text)),
            },
            ToolKind::Mcp => self.server.source(self.remote_tool.with(|name| name.trim().to_owned())),
            ToolKind::Python => ToolSource::Python { body: self.body.get() },
            ToolKind::Typescript => ToolSource::Typescript { body: self.body.get() },
        }
    }

    fn view(self) -> AnyView {
        match self.kind {
            ToolKind::Http => {
                let methods: Vec<Choice> =
                    ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().map(|method| Choice::new(method, method)).collect();
                view! {
                    <div class="method-and-url">
                        <SelectField label="Method" value=self.method choices=Signal::derive(move || methods.clone())/>
                        <TextField
                            label="Address" kind="url" code=true value=self.url required=true
                            placeholder="https://api.example.com/weather/{city}" hint="{name} stands for the argument of that name."
                        />
                    </div>
                    {headers_field(self.url, self.headers, Signal::stored(None))}
                }
                .into_any()
            }
            ToolKind::Mcp => view! {
                {self.server.view("The program that starts the server, and its arguments, one a line.", ServerErrors::default())}
                <TextField label="The tool's name at the server" code=true value=self.remote_tool required=true/>
            }
            .into_any(),
            ToolKind::Python | ToolKind::Typescript => view! {
                <TextArea
                    label="Body" code=true rows=8 value=self.body
                    hint="From column 0; it sees the arguments as variables and returns text. It runs in the generated project, not in the chat on this instance."
                />
            }
            .into_any(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_in_an_address_become_required_arguments() {
        let schema = parameters_for("https://example.com/{city}/{day}");
        assert_eq!(schema["required"], json!(["city", "day"]));
        assert_eq!(schema["properties"]["city"]["type"], "string");
        assert_eq!(parameters_for("")["required"], json!([]));
    }
}
