//! Importing a project: from a file, an archive or a repository, with what cannot be kept shown before
//! anything is made.

use gantry_domain::Slug;
use gantry_domain::api::exchange::{ExchangeFormat, GitSource, Import, ImportRequest};
use gantry_domain::api::project::CreateProject;
use gantry_domain::api::secret::Secret;
use gantry_domain::matrix::diagnose::is_sound;
use gantry_domain::problem::sentence;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use serde_json::Value;

use super::diagnostics::{Diagnostics, mended};
use super::labels::{framework_name, pattern_name};
use super::matrix::{InstanceMatrix, MatrixNotice};

use crate::api::{ApiError, ApiResult, calls, encode, read_text};
use crate::load::{load, loaded};
use crate::paged::read_all;
use crate::parts::{Button, ButtonKind, Choice, Dialog, ErrorLine, SelectField, Submission, TextField, skeleton_block};

/// Whether the dialog is open: what the page that has it provides.
#[derive(Clone, Copy)]
pub(crate) struct Importing(pub(crate) RwSignal<bool>);

/// The dialog of the page that provides [`Importing`]: where it comes from, then what became of it. It reads
/// specs, which is much code, and is loaded when it is first opened.
#[component]
pub(crate) fn ImportDialog() -> impl IntoView {
    let open = use_context::<Importing>().map_or_else(|| RwSignal::new(false), |importing| importing.0);
    let imported = RwSignal::new(None::<Import>);
    // What was read belongs to one opening of the dialog.
    Effect::new(move |_| {
        if open.get() {
            imported.set(None);
        }
    });
    let body = move || match imported.get() {
        None => view! { <Source open imported/> }.into_any(),
        Some(import) => view! { <Outcome import imported/> }.into_any(),
    };
    view! { <Dialog open title="Import a project">{body}</Dialog> }.into_any()
}

/// Where the project comes from.
#[component]
fn Source(open: RwSignal<bool>, imported: RwSignal<Option<Import>>) -> impl IntoView {
    let from_git = RwSignal::new(false);
    let way = move |is_git: bool, word: &'static str| {
        view! {
            <button type="button" aria-pressed=move || (from_git.get() == is_git).to_string() on:click=move |_| from_git.set(is_git)>
                {word}
            </button>
        }
    };
    let form = move || {
        if from_git.get() {
            view! { <FromRepository open imported/> }.into_any()
        } else {
            view! { <FromFile open imported/> }.into_any()
        }
    };
    view! {
        <div class="dialog-body">
            <p class="muted">"Projects on the OpenAI Agents SDK and AutoGen, Open Agent Spec documents, and projects of Gantry’s own. The code is read, never run."</p>
            <div class="switcher" role="group" aria-label="Where from">{way(false, "File or ZIP")} {way(true, "Git repository")}</div>
        </div>
        {form}
    }
    .into_any()
}

/// A file that was chosen, as the server wants it.
async fn read(file: web_sys::File) -> ApiResult<Import> {
    let name = file.name().to_lowercase();
    if name.ends_with(".zip") {
        return calls::import_archive(file).await;
    }
    let text = read_text(&file)
        .await
        .ok_or_else(|| ApiError::Unexpected { status: 0, message: "the file could not be read".to_owned() })?;
    let is_code = [".py", ".ts", ".tsx", ".mts", ".js", ".mjs"].iter().any(|ending| name.ends_with(ending));
    let format = match (is_code, text.contains("autogen_agentchat")) {
        (false, _) => None,
        (true, true) => Some(ExchangeFormat::Autogen),
        (true, false) => Some(ExchangeFormat::OpenaiAgents),
    };
    calls::import(&ImportRequest { format, document: Some(Value::String(text)), git: None }).await
}

#[component]
fn FromFile(open: RwSignal<bool>, imported: RwSignal<Option<Import>>) -> impl IntoView {
    let input = NodeRef::<leptos::html::Input>::new();
    let submission = Submission::new();
    let has_file = RwSignal::new(false);
    let chosen = move || input.get_untracked().and_then(|input| input.files()).and_then(|files| files.get(0));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(file) = chosen() {
            submission.run(read(file), move |import| imported.set(Some(import)));
        }
    };
    view! {
        <form class="form" novalidate on:submit=submit>
            <div class="dialog-body">
                <div class="field">
                    <label for="import-file">"File"</label>
                    <input
                        node_ref=input
                        id="import-file"
                        class="control"
                        type="file"
                        accept=".zip,.json,.yaml,.yml,.py,.ts,.tsx,.mts,.js,.mjs"
                        aria-describedby="import-file-hint"
                        on:change=move |_| has_file.set(chosen().is_some())
                    />
                    <p class="hint" id="import-file-hint">"A ZIP of the project’s folder, at most 20 MiB; one file of code; or a document as JSON or YAML."</p>
                </div>
                <ErrorLine error=submission.error_beside(&[])/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy disabled=Signal::derive(move || !has_file.get())>"Read it"</Button>
            </footer>
        </form>
    }
    .into_any()
}

#[component]
fn FromRepository(open: RwSignal<bool>, imported: RwSignal<Option<Import>>) -> impl IntoView {
    let secrets = load(|| read_all(calls::secrets));
    view! {
        {loaded(secrets, "The list of secrets", skeleton_block, move |secrets| view! { <RepositoryForm open imported secrets/> }.into_any())}
    }
    .into_any()
}

#[component]
fn RepositoryForm(open: RwSignal<bool>, imported: RwSignal<Option<Import>>, secrets: Vec<Secret>) -> impl IntoView {
    let (url, reference, folder) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (secret, username) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let choices: Vec<Choice> = std::iter::once(Choice::new(String::new(), "None: everybody may read it".to_owned()))
        .chain(secrets.iter().map(|secret| Choice::new(secret.id.to_string(), secret.name.clone())))
        .collect();
    let submission = Submission::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let given = |signal: RwSignal<String>| {
            let text = signal.with_untracked(|text| text.trim().to_owned());
            (!text.is_empty()).then_some(text)
        };
        let git = GitSource {
            url: given(url).unwrap_or_default(),
            reference: given(reference),
            folder: given(folder),
            username: given(username),
            secret_id: secret.with_untracked(|id| id.parse().ok()),
        };
        let body = ImportRequest { format: None, document: None, git: Some(git) };
        submission.run(async move { calls::import(&body).await }, move |import| imported.set(Some(import)));
    };
    let has_secret = Memo::new(move |_| secret.with(|secret| !secret.is_empty()));
    view! {
        <form class="form" novalidate on:submit=submit>
            <div class="dialog-body">
                <TextField label="Address" value=url code=true required=true focus=true kind="url" placeholder="https://github.com/owner/repository" error=submission.field("/git/url")/>
                <div class="field-pair">
                    <TextField label="Branch or tag" value=reference code=true placeholder="default branch" error=submission.field("/git/reference")/>
                    <TextField label="Folder" value=folder code=true placeholder="whole repository" error=submission.field("/git/folder")/>
                </div>
                <SelectField label="Secret that opens it" value=secret choices=Signal::stored(choices)/>
                <Show when=move || has_secret.get()>
                    <TextField label="User name" value=username code=true hint="For https with a token or password; git when left empty." placeholder="git"/>
                </Show>
                <ErrorLine error=submission.error_beside(&["/git/url", "/git/reference", "/git/folder"])/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy>"Read it"</Button>
            </footer>
        </form>
    }
    .into_any()
}

/// What became of it: the spec in a few words, what is to be known, and making the project.
#[component]
fn Outcome(import: Import, imported: RwSignal<Option<Import>>) -> impl IntoView {
    let spec = RwSignal::new(import.spec.clone());
    // What the diagnosis says changes with the spec; what could not be carried over stays.
    let matrix = InstanceMatrix::provide();
    let found = Memo::new(move |_| spec.with(|spec| matrix.diagnose(spec)));
    let (read, diagnostics) = (import.spec.clone(), import.diagnostics.clone());
    let notes = Memo::new(move |_| {
        let own = matrix.diagnose(&read);
        diagnostics.iter().filter(|found| !own.contains(found)).cloned().collect::<Vec<_>>()
    });
    let shown = Signal::derive(move || {
        found.with(|found| notes.with(|notes| found.iter().chain(notes).cloned().collect::<Vec<_>>()))
    });
    let fix = Callback::new(move |patch: Value| {
        if let Some(mended) = spec.with_untracked(|spec| mended(spec, &patch)) {
            spec.set(mended);
        }
    });
    let name = RwSignal::new(import.spec.metadata.name.to_string());
    let submission = Submission::new();
    let name_error = {
        let from_server = submission.field("/spec/metadata/name");
        Signal::derive(move || match name.with(|name| name.trim().parse::<Slug>()) {
            Err(fault) => Some(sentence(&fault.to_string())),
            Ok(_) => from_server.get(),
        })
    };
    let refused = Signal::derive(move || {
        !found.with(|found| is_sound(found)) || name.with(|name| name.trim().parse::<Slug>().is_err())
    });
    let navigate = use_navigate();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Ok(wanted) = name.with_untracked(|name| name.trim().parse::<Slug>()) else { return };
        if refused.get_untracked() {
            return;
        }
        let mut spec = spec.get_untracked();
        spec.metadata.name = wanted;
        let navigate = navigate.clone();
        submission.run(async move { calls::create_project(&CreateProject { spec }).await }, move |project| {
            navigate(&format!("/projects/{}", encode(project.summary.name.as_str())), Default::default());
        });
    };
    let target = &import.spec.target;
    let counted = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let summary = format!(
        "Read as {}. It becomes a project for {}, pattern {}: {}, {}, {}.",
        import.format.title(),
        framework_name(target.framework),
        pattern_name(target.pattern),
        counted(import.spec.agents.len(), "agent"),
        counted(import.spec.tasks.len(), "task"),
        counted(import.spec.tools.len(), "tool"),
    );
    let lost = move || match shown.with(Vec::len) {
        0 => "Everything was carried over as it is.".to_owned(),
        1 => "1 thing to know:".to_owned(),
        count => format!("{count} things to know:"),
    };
    let commit = import.commit.clone().map(|commit| view! { <p class="hint">"Commit " <code>{commit}</code></p> });
    view! {
        <form class="form" novalidate on:submit=submit>
            <div class="dialog-body import-outcome">
                <MatrixNotice/>
                <p>{summary}</p>
                {commit}
                <TextField label="Name" value=name code=true error=name_error/>
                <p class="muted" role="status">{lost}</p>
                <div class="import-notes"><Diagnostics found=shown on_fix=fix/></div>
                <ErrorLine error=submission.error_beside(&["/spec/metadata/name"])/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| imported.set(None)>"Back"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy disabled=refused>"Create project"</Button>
            </footer>
        </form>
    }
    .into_any()
}
