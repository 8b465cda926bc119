//! What a project becomes elsewhere, to be saved as a file. What a format needs to know is asked beside it, and what
//! speaks against it is said before anything is saved.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use crate::api::{encode, work};
use crate::parts::download::save_text;
use crate::parts::{Button, ButtonKind, Choice, Dialog, ErrorLine, Icon, SelectField, Submission, TextField, icon};

/// What a project can be saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Zip,
    AgentSpec,
    AgentsMd,
    Skill,
    A2aCard,
    McpServer,
    Kagent,
}

impl Format {
    const ALL: [Self; 7] =
        [Self::Zip, Self::AgentSpec, Self::AgentsMd, Self::Skill, Self::A2aCard, Self::McpServer, Self::Kagent];

    /// The last part of the address that it is got from; the archive of all files has one of its own.
    fn word(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::AgentSpec => "agent_spec",
            Self::AgentsMd => "agents_md",
            Self::Skill => "skill",
            Self::A2aCard => "a2a_card",
            Self::McpServer => "mcp_server",
            Self::Kagent => "kagent",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Zip => "All files (ZIP)",
            Self::AgentSpec => "Open Agent Spec",
            Self::AgentsMd => "AGENTS.md",
            Self::Skill => "Agent Skill (ZIP)",
            Self::A2aCard => "A2A agent card",
            Self::McpServer => "MCP server.json",
            Self::Kagent => "kagent manifest",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Zip => "The whole project, edits included: it runs without Gantry.",
            Self::AgentSpec => "The agent as a document that other tools read (Open Agent Spec 25.4).",
            Self::AgentsMd => "What coding agents read before they work on the project.",
            Self::Skill => "A folder that lets a coding agent ask this agent (Agent Skills).",
            Self::A2aCard => "What other agents are shown of it where it runs (A2A 1.0).",
            Self::McpServer => {
                "What a registry of MCP servers is told: the agent is asked through this Gantry, with a token. The project itself serves no MCP."
            }
            Self::Kagent => {
                "Has kagent run the published image on Kubernetes (kagent.dev/v1alpha2). What it needs there stands at its top."
            }
        }
    }

    /// What the file's name ends in.
    fn ending(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::AgentSpec => "agent-spec.json",
            Self::AgentsMd => "AGENTS.md",
            Self::Skill => "skill.zip",
            Self::A2aCard => "agent-card.json",
            Self::McpServer => "server.json",
            Self::Kagent => "kagent.yaml",
        }
    }

    /// Whether it is an archive, which the browser gets by itself.
    fn is_archive(self) -> bool {
        matches!(self, Self::Zip | Self::Skill)
    }
}

/// The button, and the dialog behind it.
#[component]
pub(crate) fn ExportButton(
    /// The project's name.
    project: String,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let content = move || view! { <ExportForm project=project.clone() open/> }.into_any();
    view! {
        <Button glyph=Icon::Download on_press=move |()| open.set(true)>"Export"</Button>
        <Dialog open title="Export the project">{content.clone()}</Dialog>
    }
    .into_any()
}

#[component]
fn ExportForm(project: String, open: RwSignal<bool>) -> impl IntoView {
    let chosen = RwSignal::new(Format::Zip.word().to_owned());
    let format = Memo::new(move |_| {
        let word = chosen.get();
        Format::ALL.into_iter().find(|format| format.word() == word).unwrap_or(Format::Zip)
    });
    let card_at = RwSignal::new(String::new());
    // Others reach it as this browser does, unless somebody knows better.
    let server_at = RwSignal::new(window().location().origin().unwrap_or_default());
    let namespace = RwSignal::new(String::new());
    let image = RwSignal::new(String::new());
    let submission = Submission::new();
    Effect::new(move |_| {
        format.track();
        submission.error.set(None);
    });
    let (at_fault, namespace_fault, image_fault) =
        (submission.field("/at"), submission.field("/namespace"), submission.field("/image"));
    let fields = move || {
        match format.get() {
        Format::A2aCard => view! {
            <TextField label="Address of its service" kind="url" value=card_at error=at_fault placeholder="https://agents.example.com/weather"/>
        }
        .into_any(),
        Format::McpServer => view! {
            <TextField label="Address of this Gantry" kind="url" value=server_at error=at_fault hint="As others reach it."/>
            <TextField label="Namespace" code=true value=namespace error=namespace_fault placeholder="io.github.ada" hint="Whose server it is. Made of the address when empty."/>
        }
        .into_any(),
        Format::Kagent => view! {
            <TextField label="Image" code=true value=image error=image_fault placeholder="the one that was published last"/>
        }
        .into_any(),
        _ => ().into_any(),
    }
    };
    let name = StoredValue::new(project);
    let address = move |format: Format| {
        let name = name.get_value();
        let base = format!("/projects/{}/exports/{}", encode(&name), format.word());
        match format {
            Format::A2aCard => format!("{base}?at={}", encode(&card_at.get_untracked())),
            Format::McpServer => {
                let (at, namespace) = (server_at.get_untracked(), namespace.get_untracked());
                format!("{base}?at={}&namespace={}", encode(&at), encode(&namespace))
            }
            Format::Kagent => format!("{base}?image={}", encode(&image.get_untracked())),
            _ => base,
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let format = format.get_untracked();
        let file = format!("{}.{}", name.get_value(), format.ending());
        submission.run(work::exported(address(format)), move |text: String| {
            // A browser that saves nothing says so itself.
            save_text(&file, &text);
            open.set(false);
        });
    };
    let archive = move || match format.get() {
        Format::Zip => work::export_address(&name.get_value()),
        _ => work::skill_address(&name.get_value()),
    };
    let action = move || {
        if format.get().is_archive() {
            view! {
                <a class="button primary" href=archive download="" rel="external" on:click=move |_| open.set(false)>
                    {icon(Icon::Download)} "Download"
                </a>
            }
            .into_any()
        } else {
            view! { <Button kind=ButtonKind::Primary glyph=Icon::Download submit=true busy=submission.busy>"Download"</Button> }
                .into_any()
        }
    };
    let choices: Vec<Choice> = Format::ALL.map(|format| Choice::new(format.word(), format.title())).to_vec();
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body stack">
                <SelectField label="Format" value=chosen choices=Signal::derive(move || choices.clone())/>
                <p class="hint" role="status">{move || format.get().text()}</p>
                {fields}
                <ErrorLine error=submission.error_beside(&["/at", "/namespace", "/image"])/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                {action}
            </footer>
        </form>
    }
    .into_any()
}
