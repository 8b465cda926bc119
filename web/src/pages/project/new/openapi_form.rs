//! Tools of a service that describes itself with OpenAPI: the document is given or its address, and what is
//! chosen among its operations becomes HTTP tools of the spec.

use gantry_domain::api::openapi::{DiscoverOpenApi, OpenApiDocument, OpenApiOperation};
use gantry_domain::spec::{Effect as ToolEffect, Spec, Tool, ToolSource};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::json;

use super::draft::Draft;
use super::offers::{Found, add_button, add_chosen, fault_of, found_rows, free_name};
use super::tool_form::TIMEOUT_MILLIS;
use crate::api::{calls, read_text};
use crate::parts::{Button, ButtonKind, Choice, ErrorLine, SelectField, Submission, TextArea, TextField};

/// The form in the dialog.
#[component]
pub(crate) fn OpenApiForm(
    /// Whether the dialog is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let draft = Draft::expect();
    let text = || RwSignal::new(String::new());
    let (by, url, document, server) = (RwSignal::new("address".to_owned()), text(), text(), text());
    let submission = Submission::new();
    let read = RwSignal::new(None::<OpenApiDocument>);
    let found = RwSignal::new(Vec::<Found>::new());
    let is_address = Memo::new(move |_| by.with(|by| by == "address"));
    let question = Memo::new(move |_| {
        let given =
            |signal: RwSignal<String>| signal.with(|text| (!text.trim().is_empty()).then(|| text.trim().to_owned()));
        let (url, document) = if is_address.get() { (given(url), None) } else { (None, given(document)) };
        DiscoverOpenApi { document, url, server: given(server) }
    });
    let is_empty = Memo::new(move |_| question.with(|asked| asked.document.is_none() && asked.url.is_none()));
    // What was found belongs to the document that it was found in.
    Effect::new(move |_| {
        question.track();
        read.set(None);
        found.set(Vec::new());
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if read.with_untracked(Option::is_some) {
            add_chosen(draft, open, found);
            return;
        }
        if is_empty.get_untracked() {
            return;
        }
        let body = question.get_untracked();
        submission.run(async move { calls::discover_openapi_document(&body).await }, move |answer| {
            let spec = draft.spec.get_untracked();
            found.set(spec.map(|spec| offers(draft, &spec, &answer.operations)).unwrap_or_default());
            read.set(Some(answer));
        });
    };
    let answer = move || read.get().map(|document| answer_view(&document, found));
    let last_button = move || {
        if read.with(Option::is_some) {
            add_button(found)
        } else {
            let nothing = Signal::derive(move || is_empty.get());
            view! { <Button kind=ButtonKind::Primary submit=true busy=submission.busy disabled=nothing>"List its operations"</Button> }
                .into_any()
        }
    };
    let ways = vec![Choice::new("address", "At an address"), Choice::new("text", "A file, or text to paste")];
    let source = move || {
        if is_address.get() {
            view! {
                <TextField
                    label="Address of the document" kind="url" code=true value=url required=true error=submission.field("/url")
                    placeholder="https://api.example.com/openapi.json" hint="It is fetched by the machine that Gantry runs on."
                />
            }
            .into_any()
        } else {
            view! {
                {file_field(document)}
                <TextArea
                    label="Document" code=true rows=6 value=document error=submission.field("/document")
                    hint="JSON or YAML, at most 5 MB. References to other documents are not followed."
                />
            }
            .into_any()
        }
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <SelectField label="The document is" value=by choices=Signal::derive(move || ways.clone())/>
                {source}
                <TextField
                    label="Address of the service" kind="url" code=true value=server error=submission.field("/server")
                    hint="Only if the document does not say it, or another one is meant."
                />
                <div role="status" class="stack">{answer}</div>
                <ErrorLine error=submission.error_beside(&["/url", "/document", "/server"])/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                {last_button}
            </footer>
        </form>
    }
    .into_any()
}

/// Fills the field below it with a file.
fn file_field(document: RwSignal<String>) -> AnyView {
    let input = NodeRef::<leptos::html::Input>::new();
    let take = move |_| {
        let file = input.get_untracked().and_then(|input| input.files()).and_then(|files| files.get(0));
        let Some(file) = file else { return };
        spawn_local(async move {
            if let Some(text) = read_text(&file).await {
                document.try_set(text);
            }
        });
    };
    view! {
        <div class="field">
            <label for="openapi-file">"File"</label>
            <input node_ref=input id="openapi-file" class="control" type="file" accept=".json,.yaml,.yml" on:change=take/>
        </div>
    }
    .into_any()
}

/// What the document offers, each operation to be chosen.
fn answer_view(document: &OpenApiDocument, found: RwSignal<Vec<Found>>) -> AnyView {
    let title = if document.title.is_empty() { "The document".to_owned() } else { document.title.clone() };
    let version = document.version.clone();
    let count = match (document.operations.len(), document.has_more) {
        (0, _) => "describes no operations".to_owned(),
        (1, _) => "describes 1 operation".to_owned(),
        (count, false) => format!("describes {count} operations"),
        (count, true) => format!("describes more than {count} operations; these are the first"),
    };
    let note = (!document.operations.is_empty()).then(|| {
        view! { <p class="hint">"Those that read get the effect network, all others write, so a person is asked before each call. Change the effect afterwards where you trust one."</p> }
    });
    view! {
        <p><b>{title}</b> " " <span class="faint">{version}</span> " " {count}</p>
        {found_rows(found)}
        {note}
    }
    .into_any()
}

/// The operations as tools that this spec could have, with what speaks against each.
fn offers(draft: Draft, spec: &Spec, operations: &[OpenApiOperation]) -> Vec<Found> {
    let mut taken: Vec<String> = spec.tools.iter().map(|tool| tool.id.to_ascii_lowercase()).collect();
    let mut offers = Vec::new();
    for operation in operations {
        let chosen = RwSignal::new(false);
        let beside = operation.name.clone();
        let Some(mut tool) = operation.tool.clone() else {
            let tool = stand_in(operation);
            let refusal = operation.refusal.clone().or_else(|| Some("Cannot be a tool.".to_owned()));
            offers.push(Found { tool, beside, remarks: Vec::new(), refusal, chosen });
            continue;
        };
        let is_there = spec.tools.iter().any(|known| known.source == tool.source);
        tool.id = free_name(&tool.id, &taken);
        taken.push(tool.id.to_ascii_lowercase());
        let refusal =
            if is_there { Some("Is among the tools already.".to_owned()) } else { fault_of(draft, spec, &tool) };
        offers.push(Found { tool, beside, remarks: operation.notes.clone(), refusal, chosen });
    }
    offers
}

/// What is shown of an operation that is no tool.
fn stand_in(operation: &OpenApiOperation) -> Tool {
    Tool {
        id: String::new(),
        description: operation.summary.clone(),
        parameters: json!({"type": "object"}),
        effect: ToolEffect::Network,
        timeout_ms: TIMEOUT_MILLIS,
        source: ToolSource::Builtin { name: gantry_domain::spec::Builtin::Calculator },
    }
}
