//! Tools of an MCP server: its command is entered, the server is asked what it offers, and what is
//! chosen becomes tools of the spec. Who cannot start it here describes a tool by hand instead.

use gantry_domain::api::mcp::{DiscoverMcpServer, McpServer, McpTool};
use gantry_domain::matrix::Severity;
use gantry_domain::spec::{
    Effect as ToolEffect, Spec, Tool, ToolSource, is_python_identifier, is_taken_by_generated_code,
};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::draft::Draft;
use super::tool_form::{TIMEOUT_MILLIS, ToolForm, ToolKind, words_of};
use super::tools::{Subject, add};
use crate::api::calls;
use crate::parts::{Button, ButtonKind, ErrorLine, Icon, Pill, Submission, TextArea, Tone, duration_text};

/// The longest description that a spec takes, in characters.
const LONGEST_DESCRIPTION: usize = 1_024;

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

/// A tool that was found, as it would stand in the spec.
#[derive(Clone)]
struct Found {
    tool: Tool,
    says_it_only_reads: bool,
    /// Why it cannot be used, if it cannot.
    refusal: Option<String>,
    chosen: RwSignal<bool>,
}

#[component]
fn Discovery(open: RwSignal<bool>, by_hand: RwSignal<bool>) -> impl IntoView {
    let draft = Draft::expect();
    let command = RwSignal::new(String::new());
    let submission = Submission::new();
    let server = RwSignal::new(None::<McpServer>);
    let found = RwSignal::new(Vec::<Found>::new());
    // What was found belongs to the command that it was found with.
    Effect::new(move |_| {
        command.track();
        server.set(None);
        found.set(Vec::new());
    });
    let words = Memo::new(move |_| command.with(|text| words_of(text)));
    let ask = move || {
        let words = words.get_untracked();
        if words.is_empty() {
            return;
        }
        let body = DiscoverMcpServer { command: words.clone() };
        submission.run(async move { calls::discover_mcp_server(&body).await }, move |answer| {
            let spec = draft.spec.get_untracked();
            found.set(spec.map(|spec| offers(draft, &spec, &words, &answer.tools)).unwrap_or_default());
            server.set(Some(answer));
        });
    };
    let count = Memo::new(move |_| found.with(|found| found.iter().filter(|one| one.chosen.get()).count()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if server.with_untracked(Option::is_none) {
            ask();
            return;
        }
        let chosen: Vec<Tool> = found.with_untracked(|found| {
            found.iter().filter(|one| one.chosen.get_untracked()).map(|one| one.tool.clone()).collect()
        });
        if chosen.is_empty() {
            return;
        }
        open.set(false);
        draft.rebuild(|spec| chosen.into_iter().for_each(|tool| add(spec, tool)));
    };
    let answer = move || server.get().map(|server| answer_view(&server, found));
    let last_button = move || match (server.with(Option::is_some), count.get()) {
        (false, _) => {
            let nothing = Signal::derive(move || words.with(Vec::is_empty));
            view! { <Button kind=ButtonKind::Primary submit=true busy=submission.busy disabled=nothing>"List its tools"</Button> }.into_any()
        }
        (true, count) => {
            let label = match count {
                0 => "Add tools".to_owned(),
                1 => "Add 1 tool".to_owned(),
                count => format!("Add {count} tools"),
            };
            view! { <Button kind=ButtonKind::Primary glyph=Icon::Plus submit=true disabled=Signal::stored(count == 0)>{label}</Button> }.into_any()
        }
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <TextArea
                    label="Command" code=true rows=4 value=command focus=true error=submission.field("/command")
                    placeholder="npx\n-y\n@modelcontextprotocol/server-everything"
                    hint="The program that starts the server, and its arguments, one a line. To list its tools it is started on the machine that Gantry runs on, asked, and stopped."
                />
                <div role="status" class="stack">{answer}</div>
                <ErrorLine error=submission.error_beside(&["/command"])/>
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
    let rows = found.get_untracked().into_iter().map(found_row).collect_view();
    let note = (!server.tools.is_empty()).then(|| {
        view! { <p class="hint">"They are added with the effect exec, so a person is asked before each call. What a server says of its tools is its own word; where you trust it, change the effect afterwards."</p> }
    });
    view! {
        <p><b>{name}</b> " " <span class="faint">{version}</span> " " {count} " " <span class="faint number">{time}</span></p>
        <fieldset class="tool-offers"><legend class="visually-hidden">"Tools to add"</legend>{rows}</fieldset>
        {note}
    }
    .into_any()
}

fn found_row(found: Found) -> AnyView {
    let (id, refusal) = (found.tool.id.clone(), found.refusal.clone());
    let is_refused = refusal.is_some();
    let remote = match &found.tool.source {
        ToolSource::Mcp { tool, .. } if *tool != id => {
            Some(view! { <span class="faint">"(" <code>{tool.clone()}</code> ")"</span> })
        }
        _ => None,
    };
    let reads = found.says_it_only_reads.then(|| {
        view! { <Pill tone=Tone::Idle glyph=Icon::Info text="Says it only reads"/> }
    });
    view! {
        <label class="tool-offer" class:refused=is_refused>
            <input type="checkbox" prop:checked=found.chosen prop:disabled=is_refused
                on:change:target=move |event| found.chosen.set(event.target().checked())/>
            <span>
                <span class="item-title"><code><b>{id}</b></code> {remote} {reads}</span>
                <span class="muted">{found.tool.description}</span>
                {refusal.map(|refusal| view! { <span class="refusal">{refusal}</span> })}
            </span>
        </label>
    }
    .into_any()
}

/// What was found, as tools that this spec could have: with names of its own, and what speaks against each.
fn offers(draft: Draft, spec: &Spec, command: &[String], tools: &[McpTool]) -> Vec<Found> {
    let mut taken: Vec<String> = spec.tools.iter().map(|tool| tool.id.to_ascii_lowercase()).collect();
    let mut offers = Vec::new();
    for offered in tools {
        let is_there = spec.tools.iter().any(|tool| {
            matches!(&tool.source, ToolSource::Mcp { command: known, tool } if known == command && *tool == offered.name)
        });
        let tool = Tool {
            id: free_name(&offered.name, &taken),
            description: shortened(&offered.description, &offered.name),
            parameters: offered.parameters.clone(),
            effect: ToolEffect::Exec,
            timeout_ms: TIMEOUT_MILLIS,
            source: ToolSource::Mcp { command: command.to_vec(), tool: offered.name.clone() },
        };
        taken.push(tool.id.to_ascii_lowercase());
        let refusal =
            if is_there { Some("Is among the tools already.".to_owned()) } else { fault_of(draft, spec, &tool) };
        let chosen = RwSignal::new(false);
        offers.push(Found { tool, says_it_only_reads: offered.says_it_only_reads, refusal, chosen });
    }
    offers
}

/// What the checks have against a tool in this spec.
fn fault_of(draft: Draft, spec: &Spec, tool: &Tool) -> Option<String> {
    let mut spec = spec.clone();
    let (place, below) = (format!("/tools/{}", spec.tools.len()), format!("/tools/{}/", spec.tools.len()));
    add(&mut spec, tool.clone());
    draft
        .diagnose(&spec)
        .into_iter()
        .find(|found| found.severity == Severity::Error && (found.path == place || found.path.starts_with(&below)))
        .map(|found| format!("Cannot be used here: {}.", found.message.trim_end_matches('.')))
}

/// A description that a spec takes.
fn shortened(description: &str, name: &str) -> String {
    let text = description.trim();
    if text.is_empty() {
        return format!("The tool {name} of an MCP server.");
    }
    if text.chars().count() <= LONGEST_DESCRIPTION {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST_DESCRIPTION - 1).collect();
    short.push('…');
    short
}

/// A name that generated code can have, out of the server's own: `read-file` becomes `read_file`.
fn free_name(remote: &str, taken: &[String]) -> String {
    let mut name: String = remote.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(56).collect();
    name = name.trim_matches('_').to_owned();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name = format!("tool_{name}").trim_end_matches('_').to_owned();
    }
    let is_free = |name: &str| {
        is_python_identifier(name) && !is_taken_by_generated_code(name) && !taken.contains(&name.to_ascii_lowercase())
    };
    if is_free(&name) {
        return name;
    }
    let with_number = (2..=1_000).map(|number| format!("{name}_{number}"));
    std::iter::once(format!("{name}_tool")).chain(with_number).find(|name| is_free(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ones_that_code_can_have() {
        let taken = ["echo".to_owned()];
        for (remote, name) in [
            ("read-file", "read_file"),
            ("files/list.all", "files_list_all"),
            ("Echo", "Echo_tool"),
            ("import", "import_tool"),
            ("print", "print_tool"),
            ("2fa", "tool_2fa"),
            ("日本", "tool"),
        ] {
            assert_eq!(free_name(remote, &taken), name, "{remote}");
        }
    }

    #[test]
    fn descriptions_fit_into_a_spec() {
        assert_eq!(shortened("  Says it back. ", "echo"), "Says it back.");
        assert_eq!(shortened("", "echo"), "The tool echo of an MCP server.");
        assert_eq!(shortened(&"é".repeat(2_000), "echo").chars().count(), LONGEST_DESCRIPTION);
    }
}
