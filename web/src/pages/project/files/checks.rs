//! Whether the project is sound: what the server checked of it, check by check.

use gantry_domain::api::verification::{Check, CheckState, Finding};
use gantry_domain::matrix::Severity;
use leptos::prelude::*;

use super::{Section, file_address, files_head};
use crate::api::revisions::verification;
use crate::load::{load, loaded};
use crate::pages::project::CurrentProject;
use crate::parts::{Button, Icon, Pill, Tone, icon, skeleton_block};

/// What was checked, and what was found.
#[component]
pub(crate) fn ChecksPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let checked = load(move || {
        let name = project.name.get();
        // What was found is of one revision.
        project.revision.track();
        async move { verification(&name).await }
    });
    let shown = loaded(checked, "The checks", skeleton_block, move |found| {
        let verdict = if found.is_sound { "The project is sound." } else { "The project is not sound." };
        let name = project.name.get_untracked();
        let checks = found.checks.into_iter().map(|check| check_card(check, &name)).collect_view();
        view! {
            <div class="section-line">
                <p role="status"><b>{verdict}</b> " Revision " {found.revision} ". Nothing of it was run."</p>
                <span class="grow"></span>
                <Button glyph=Icon::Retry on_press=move |()| checked.reload()>"Check again"</Button>
            </div>
            {checks}
            <p class="hint">
                "Its own tests run where you are: " <code>"gantry project verify " {name} " --run"</code>
                " downloads the project, installs what its lock names and runs them there."
            </p>
        }
        .into_any()
    });
    view! {
        <h2 class="visually-hidden">"Checks"</h2>
        {files_head(project, Section::Checks)}
        <div class="stack">{shown}</div>
    }
    .into_any()
}

fn check_card(check: Check, project: &str) -> AnyView {
    let (tone, glyph, word) = match check.state {
        CheckState::Passed => (Tone::Good, Icon::Check, "Passed"),
        CheckState::Warning => (Tone::Busy, Icon::Warning, "Look at it"),
        CheckState::Failed => (Tone::Bad, Icon::Cross, "Failed"),
    };
    let (found, notes): (Vec<Finding>, Vec<Finding>) =
        check.findings.into_iter().partition(|finding| finding.severity > Severity::Info);
    let rows = |findings: Vec<Finding>| findings.into_iter().map(|finding| row(finding, project)).collect_view();
    let notes = (!notes.is_empty()).then(|| {
        let count = if notes.len() == 1 { "1 note".to_owned() } else { format!("{} notes", notes.len()) };
        view! { <details><summary>{count}</summary><ul class="diagnostics">{rows(notes)}</ul></details> }
    });
    let found = (!found.is_empty()).then(|| view! { <ul class="diagnostics">{rows(found)}</ul> });
    view! {
        <section class="card" data-check=check.id.title()>
            <div class="card-head"><h3>{check.id.title()}</h3> <Pill tone glyph text=word/></div>
            <p>{check.summary}</p>
            {found}
            {notes}
        </section>
    }
    .into_any()
}

fn row(finding: Finding, project: &str) -> AnyView {
    let (class, glyph, word) = match finding.severity {
        Severity::Error => ("diagnostic bad", Icon::Cross, "Must be mended"),
        Severity::Warning => ("diagnostic warn", Icon::Warning, "Warning"),
        Severity::Info => ("diagnostic", Icon::Info, "Good to know"),
    };
    // The file alone, without the line or the place in it.
    let file = finding.path.split(['#', ':']).next().unwrap_or_default().to_owned();
    let place = match finding.code.as_str() {
        "file_deleted" | "lock_missing" | "spec_file_missing" => view! { <code>{finding.path}</code> }.into_any(),
        _ => view! { <a href=file_address(project, &file)><code>{finding.path}</code></a> }.into_any(),
    };
    view! {
        <li class=class>
            {icon(glyph)}
            <div>
                <p><span class="visually-hidden">{word} ": "</span>{finding.message}</p>
                <p class="hint"><code>{finding.code}</code> " in " {place}</p>
            </div>
        </li>
    }
    .into_any()
}
