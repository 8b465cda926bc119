//! Tools of an MCP server: its command or address is entered, the server is asked what it offers, and what
//! is chosen becomes tools of the spec. Who cannot reach it from here describes a tool by hand instead.

use gantry_domain::api::mcp::{DiscoverMcpServer, McpServer, McpTool};
use gantry_domain::spec::{Effect as ToolEffect, Spec, Tool, ToolSource};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::draft::Draft;
use super::offers::{Found, add_button, add_chosen, fault_of, found_rows, free_name, shortened};
use super::tool_form::{TIMEOUT_MILLIS, ToolForm, ToolKind};
use super::tools::Subject;
use crate::api::calls;
use crate::pages::project::mcp_server::{ServerErrors, ServerFields};
use crate::parts::{Button, ButtonKind, ErrorLine, Submission, duration_text};

/// The form in the dialog.
#[component]
pub(crate) fn McpForm(
    /// Whether the dialog is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let by_hand = RwSignal::new(false);
    move || {
        if by_hand.get() {
            view! { <ToolForm subject=Subject::New(ToolKind::Mcp) open/> }.into_any()
        } else {
            view! { <Discovery open by_hand/> }.into_any()
        }
    }
}

#[component]
fn Discovery(open: RwSignal<bool>, by_hand: RwSignal<bool>) -> impl IntoView {
    let draft = Draft::expect();
    let fields = ServerFields::new(&ToolSource::Mcp { command: Vec::new(), tool: String::new() });
    let submission = Submission::new();
    let server = RwSignal::new(None::<McpServer>);
    let found = RwSignal::new(Vec::<Found>::new());
    let asked = Memo::new(move |_| fields.source(String::new()));
    let is_empty = Memo::new(move |_| fields.is_empty());
    // What was found belongs to the server that it was found at.
    Effect::new(move |_| {
        asked.track();
        server.set(None);
        found.set(Vec::new());
    });
    let ask = move || {
        if is_empty.get_untracked() {
            return;
        }
        let at = asked.get_untracked();
        let body = question(&at);
        submission.run(async move { calls::discover_mcp_server(&body).await }, move |answer| {
            let spec = draft.spec.get_untracked();
            found.set(spec.map(|spec| offers(draft, &spec, &at, &answer.tools)).unwrap_or_default());
            server.set(Some(answer));
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if server.with_untracked(Option::is_none) {
            ask();
        } else {
            add_chosen(draft, open, found);
        }
    };
    let answer = move || server.get().map(|server| answer_view(&server, found));
    let last_button = move || {
        if server.with(Option::is_some) {
            add_button(found)
        } else {
            let nothing = Signal::derive(move || is_empty.get());
            view! { <Button kind=ButtonKind::Primary submit=true busy=submission.busy disabled=nothing>"List its tools"</Button> }.into_any()
        }
    };
    let errors = ServerErrors {
        command: submission.field("/command"),
        url: submission.field("/url"),
        headers: Signal::stored(None),
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                {fields.view(
                    "The program that starts the server, and its arguments, one a line. To list its tools it is started on the machine that Gantry runs on, asked, and stopped.",
                    errors,
                )}
                <div role="status" class="stack">{answer}</div>
                <ErrorLine error=submission.error_beside(&["/command", "/url"])/>
            </div>
            <footer class="dialog-actions">
                <Button kind=ButtonKind::Ghost on_press=move |()| by_hand.set(true)>"Describe a tool by hand"</Button>
                <span class="grow"></span>
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                {last_button}
            </footer>
        </form>
    }
    .into_any()
}

/// What the server offers, each tool to be chosen.
fn answer_view(server: &McpServer, found: RwSignal<Vec<Found>>) -> AnyView {
    let name = if server.name.is_empty() { "The server".to_owned() } else { server.name.clone() };
    let version = server.version.clone();
    let time = duration_text(server.duration_ms);
    let count = match (server.tools.len(), server.has_more) {
        (0, _) => "offers no tools".to_owned(),
        (1, _) => "offers 1 tool".to_owned(),
        (count, false) => format!("offers {count} tools"),
        (count, true) => format!("offers more than {count} tools; these are the first"),
    };
    let note = (!server.tools.is_empty()).then(|| {
        view! { <p class="hint">"They are added with an effect for which a person is asked before each call. What a server says of its tools is its own word; where you trust it, change the effect afterwards."</p> }
    });
    view! {
        <p><b>{name}</b> " " <span class="faint">{version}</span> " " {count} " " <span class="faint number">{time}</span></p>
        {found_rows(found)}
        {note}
    }
    .into_any()
}

/// What a server is asked.
fn question(at: &ToolSource) -> DiscoverMcpServer {
    match at {
        ToolSource::McpOverHttp { url, headers, .. } => {
            DiscoverMcpServer { command: Vec::new(), url: Some(url.clone()), headers: headers.clone() }
        }
        ToolSource::Mcp { command, .. } => {
            DiscoverMcpServer { command: command.clone(), ..DiscoverMcpServer::default() }
        }
        _ => DiscoverMcpServer::default(),
    }
}

/// The tool of this name at the same server.
fn tool_at(at: &ToolSource, name: &str) -> ToolSource {
    let mut source = at.clone();
    if let ToolSource::Mcp { tool, .. } | ToolSource::McpOverHttp { tool, .. } = &mut source {
        name.clone_into(tool);
    }
    source
}

/// What was found, as tools that this spec could have: with names of its own, and what speaks against each.
fn offers(draft: Draft, spec: &Spec, at: &ToolSource, tools: &[McpTool]) -> Vec<Found> {
    let mut taken: Vec<String> = spec.tools.iter().map(|tool| tool.id.to_ascii_lowercase()).collect();
    let mut offers = Vec::new();
    for offered in tools {
        let source = tool_at(at, &offered.name);
        let is_there = spec.tools.iter().any(|tool| tool.source == source);
        let tool = Tool {
            id: free_name(&offered.name, &taken),
            description: shortened(&offered.description, &offered.name),
            parameters: offered.parameters.clone(),
            effect: if matches!(source, ToolSource::Mcp { .. }) { ToolEffect::Exec } else { ToolEffect::Network },
            timeout_ms: TIMEOUT_MILLIS,
            source,
        };
        taken.push(tool.id.to_ascii_lowercase());
        let refusal =
            if is_there { Some("Is among the tools already.".to_owned()) } else { fault_of(draft, spec, &tool) };
        let chosen = RwSignal::new(false);
        let remarks = if offered.says_it_only_reads { vec!["Says it only reads".to_owned()] } else { Vec::new() };
        let beside = if tool.id == offered.name { String::new() } else { offered.name.clone() };
        offers.push(Found { tool, beside, remarks, refusal, chosen });
    }
    offers
}
