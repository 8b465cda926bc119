//! Where an MCP server is, as a person enters it: a program, or an address with headers. HTTP tools have the
//! headers from here as well.

use std::collections::BTreeMap;

use gantry_domain::spec::{ToolSource, header_secret};
use leptos::prelude::*;

use crate::parts::{Choice, SelectField, TextArea, TextField};

/// What is said of headers where they are entered.
const HEADERS_HINT: &str = "One a line, such as Authorization: CRM_AUTHORIZATION. What stands behind the colon names what has the value, and is never the value itself.";

/// A program and its arguments, one a line.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Headers, one a line: its name, a colon, and what has its value.
pub(crate) fn headers_of(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, variable) = line.split_once(':').unwrap_or((line, ""));
            (name.trim().to_owned(), variable.trim().to_owned())
        })
        .collect()
}

/// The lines for some headers.
pub(crate) fn header_lines(headers: &BTreeMap<String, String>) -> String {
    headers.iter().map(|(name, variable)| format!("{name}: {variable}")).collect::<Vec<_>>().join("\n")
}

/// Where the values of headers come from here and in the project, as a sentence; none without headers.
fn where_values_are(url: &str, headers: &BTreeMap<String, String>) -> Option<String> {
    let names: Vec<String> = headers.values().filter_map(|variable| header_secret(url, variable)).collect();
    let secrets = match names.as_slice() {
        [] => return None,
        [name] => format!("the secret {name}"),
        names => format!("the secrets {}", names.join(", ")),
    };
    Some(format!(
        "In chats here the value is that of {secrets}; in the generated project it is the environment variable's."
    ))
}

/// The field for the headers of requests to an address, and where their values come from.
pub(crate) fn headers_field(
    url: RwSignal<String>,
    headers: RwSignal<String>,
    error: Signal<Option<String>>,
) -> AnyView {
    let values = move || {
        let text = url.with(|url| headers.with(|text| where_values_are(url.trim(), &headers_of(text))));
        text.map(|text| view! { <p class="hint">{text}</p> })
    };
    view! {
        <TextArea label="Headers" code=true rows=2 value=headers error=error hint=HEADERS_HINT/>
        {values}
    }
    .into_any()
}

/// The fields.
#[derive(Clone, Copy)]
pub(crate) struct ServerFields {
    by: RwSignal<String>,
    command: RwSignal<String>,
    url: RwSignal<String>,
    headers: RwSignal<String>,
}

impl ServerFields {
    /// With what a tool says; empty for one that asks no server.
    pub(crate) fn new(source: &ToolSource) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        match source {
            ToolSource::McpOverHttp { url, headers, .. } => {
                Self { by: text("address"), command: text(""), url: text(url), headers: text(&header_lines(headers)) }
            }
            ToolSource::Mcp { command, .. } => {
                Self { by: text("program"), command: text(&command.join("\n")), url: text(""), headers: text("") }
            }
            _ => Self { by: text("program"), command: text(""), url: text(""), headers: text("") },
        }
    }

    fn is_address(self) -> bool {
        self.by.with(|by| by == "address")
    }

    /// A tool of this server.
    pub(crate) fn source(self, tool: String) -> ToolSource {
        if self.is_address() {
            let url = self.url.with(|url| url.trim().to_owned());
            ToolSource::McpOverHttp { url, headers: self.headers.with(|text| headers_of(text)), tool }
        } else {
            ToolSource::Mcp { command: self.command.with(|text| words_of(text)), tool }
        }
    }

    /// Whether there is nothing yet that could be asked.
    pub(crate) fn is_empty(self) -> bool {
        if self.is_address() {
            self.url.with(|url| url.trim().is_empty())
        } else {
            self.command.with(|text| words_of(text).is_empty())
        }
    }

    /// What is entered. `errors` are what a server had against the command, the address and the headers.
    pub(crate) fn view(self, command_hint: &'static str, errors: ServerErrors) -> AnyView {
        let ways = vec![
            Choice::new("program", "A program on the machine that Gantry runs on"),
            Choice::new("address", "An address (streamable HTTP)"),
        ];
        let fields = move || {
            if self.is_address() {
                view! {
                    <TextField
                        label="Address" kind="url" code=true value=self.url required=true error=errors.url
                        placeholder="https://mcp.example.com/mcp"
                    />
                    {headers_field(self.url, self.headers, errors.headers)}
                }
                .into_any()
            } else {
                view! {
                    <TextArea
                        label="Command" code=true rows=4 value=self.command error=errors.command
                        placeholder="npx\n-y\n@modelcontextprotocol/server-everything" hint=command_hint
                    />
                }
                .into_any()
            }
        };
        view! {
            <SelectField label="The server is" value=self.by choices=Signal::derive(move || ways.clone())/>
            {fields}
        }
        .into_any()
    }
}

/// What a server had against what was entered.
#[derive(Clone, Copy, Default)]
pub(crate) struct ServerErrors {
    /// Against the command.
    pub(crate) command: Signal<Option<String>>,
    /// Against the address.
    pub(crate) url: Signal<Option<String>>,
    /// Against the headers.
    pub(crate) headers: Signal<Option<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_lines() {
        let headers = headers_of(" Authorization: CRM_KEY \n\nX-Team:TEAM\nnonsense");
        assert_eq!(header_lines(&headers), "Authorization: CRM_KEY\nX-Team: TEAM\nnonsense: ");
        let said = where_values_are("https://h/mcp", &headers_of("Authorization: CRM_KEY")).unwrap();
        assert!(said.contains("the secret tools/h/CRM_KEY;"), "{said}");
        assert_eq!(where_values_are("https://h/mcp", &BTreeMap::new()), None);
    }
}
