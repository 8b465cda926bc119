//! Going to another agent, chat or run by a few letters: Ctrl- or Cmd-P wherever agents are tested.

use gantry_domain::api::project::ProjectSummary;
use gantry_domain::api::run::Run;
use gantry_domain::api::session::Session;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::api::{ApiResult, calls, work};
use crate::load::load;
use crate::parts::finder::{Findable, Finder, matching};
use crate::parts::pill::job_word;

/// Where one can go.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    label: String,
    kind: String,
    href: String,
}

impl Findable for Place {
    fn label(&self) -> &str {
        &self.label
    }

    fn kind(&self) -> &str {
        &self.kind
    }
}

fn agent_place(agent: &ProjectSummary) -> Place {
    Place { label: agent.name.to_string(), kind: "Agent".to_owned(), href: format!("/projects/{}/chat", agent.name) }
}

fn chat_place(project: &str, chat: &Session) -> Place {
    let label = if chat.title.is_empty() { "Untitled chat".to_owned() } else { chat.title.clone() };
    Place { label, kind: "Chat".to_owned(), href: format!("/projects/{project}/chat/{}", chat.id) }
}

fn run_place(project: &str, run: &Run) -> Place {
    let label = run.input.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(90).collect();
    let kind = format!("Run, {}", job_word(run.state).to_lowercase());
    Place { label, kind, href: format!("/projects/{project}/runs/{}", run.id) }
}

/// Agents by name, and of the project that is open the newest chats and runs.
async fn places(words: String, project: Option<String>) -> ApiResult<Vec<Place>> {
    let mut found: Vec<Place> = calls::projects(&words, "", None).await?.items.iter().map(agent_place).collect();
    if let Some(project) = project {
        let chats = work::sessions(&project, None).await?;
        found.extend(chats.items.iter().map(|chat| chat_place(&project, chat)));
        let runs = work::newest_runs(&project, 20).await?;
        found.extend(runs.items.iter().map(|run| run_place(&project, run)));
    }
    Ok(found)
}

/// The picker, with the button that opens it.
#[component]
pub(super) fn Picker(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The project whose chats and runs are found.
    project: Signal<Option<String>>,
) -> impl IntoView {
    let navigate = use_navigate();
    let words = RwSignal::new(String::new());
    let found = load(move || {
        let (is_open, words, project) = (open.get(), words.get().trim().to_owned(), project.get());
        async move { if is_open { places(words, project).await } else { Ok(Vec::new()) } }
    });
    let places = Memo::new(move |_| {
        let all = found.value.get().unwrap_or_default();
        words.with(|words| matching(all, words.trim()))
    });
    let choose = move |place: Place| navigate(&place.href, Default::default());
    view! {
        <Finder
            open
            query=words
            found=places
            is_cut_off=Signal::derive(move || found.error.with(Option::is_some))
            on_choose=Callback::new(choose)
            name="picker"
            title="Go to an agent, chat or run"
            label="Agents, chats and runs"
            hint="Agents, chats and runs"
        />
    }
}
