//! What was: every revision, what it changed, and the way back to it.

use gantry_domain::api::revision::{RestoreRevision, Revision, RevisionCause};
use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_params_map, use_query_map};

use super::dialogs::refusal;
use super::{Section, address, files_head, link_to};
use crate::api::revisions::{restore, revision, revision_diff, revisions};
use crate::load::{load, loaded, when_loaded};
use crate::paged::{Paged, paged};
use crate::pages::project::CurrentProject;
use crate::parts::diff_view::diff_view;
use crate::parts::{
    Button, ButtonKind, ConfirmDialog, EmptyState, Icon, LinkButton, Pill, Submission, TimeAgo, Tone, icon,
    skeleton_block, skeleton_rows,
};

/// What a revision came from, as a word with its icon.
fn cause_pill(cause: RevisionCause) -> AnyView {
    let (glyph, text) = match cause {
        RevisionCause::Created => (Icon::Plus, "Created"),
        RevisionCause::Spec => (Icon::Settings, "Spec"),
        RevisionCause::Edit => (Icon::Edit, "Edit"),
        RevisionCause::Regenerate => (Icon::Retry, "Regenerated"),
        RevisionCause::Restore => (Icon::Undo, "Restored"),
        RevisionCause::Resolve => (Icon::Check, "Resolved"),
    };
    view! { <Pill tone=Tone::Idle glyph text/> }.into_any()
}

/// The address of a revision.
fn revision_address(project: &str, number: i64) -> String {
    format!("{}/{number}", address(project, Section::Revisions))
}

/// The revisions, and what one of them changed.
#[component]
pub(crate) fn RevisionsPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let params = use_params_map();
    let in_address = Memo::new(move |_| params.with(|params| params.get("number")));
    // Without a number in the address it is the newest one.
    let chosen = Memo::new(move |_| match in_address.get() {
        Some(number) => number.parse::<i64>().ok().filter(|number| *number > 0),
        None => Some(project.revision.get()),
    });
    let list = paged(
        move || (project.name.get(), project.revision.get()),
        |(name, _), cursor| async move { revisions(&name, cursor).await },
    );
    let detail = move || match chosen.get() {
        Some(number) => view! { <RevisionDetail number/> }.into_any(),
        None => {
            view! { <EmptyState title="No such revision" text="The address does not name a revision."/> }.into_any()
        }
    };
    let is_one = move || in_address.with(Option::is_some);
    let all = move || link_to(address(&project.name.get(), Section::Revisions), "All revisions");
    view! {
        <h2 class="visually-hidden">"Revisions"</h2>
        {files_head(project, Section::Revisions)}
        <div class="revisions" class:one=is_one>
            <aside class="revision-list" aria-label="Revisions">{revision_list(project, list, chosen)}</aside>
            <section class="revision-detail" aria-label="Revision"><p class="narrow-only">{all}</p> {detail}</section>
        </div>
    }
    .into_any()
}

fn revision_list(project: CurrentProject, list: Paged<Revision>, chosen: Memo<Option<i64>>) -> AnyView {
    let items = list.items();
    when_loaded(
        list.loader,
        "The list of revisions",
        || skeleton_rows(6),
        move || {
            view! {
                <ol>
                    <For each=move || items.get() key=|revision| revision.number let:revision>
                        {revision_row(project, revision, chosen)}
                    </For>
                </ol>
                {list.more("revisions")}
            }
        },
    )
}

fn revision_row(project: CurrentProject, revision: Revision, chosen: Memo<Option<i64>>) -> AnyView {
    let number = revision.number;
    let href = revision_address(&project.name.get_untracked(), number);
    let is_chosen = move || (chosen.get() == Some(number)).then_some("true");
    let conflicts = (!revision.conflicts.is_empty()).then(|| {
        let count = revision.conflicts.len();
        let text = if count == 1 { "1 conflict".to_owned() } else { format!("{count} conflicts") };
        view! { <Pill tone=Tone::Busy glyph=Icon::Warning text/> }
    });
    view! {
        <li>
            <a href=href data-row="" aria-current=is_chosen>
                <span class="revision-line"><b class="number">{number}</b> {cause_pill(revision.cause)} {conflicts}</span>
                <span class="revision-summary">{revision.summary}</span>
                <span class="hint">{author(&revision.created_by)} <TimeAgo at=revision.created_at/></span>
            </a>
        </li>
    }
    .into_any()
}

/// "Ada, " or nothing for revisions from before it was kept.
fn author(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| format!("{name}, "))
}

/// One revision, and what it changed.
#[component]
fn RevisionDetail(number: i64) -> impl IntoView {
    let project = CurrentProject::expect();
    let query = use_query_map();
    let against_current = Memo::new(move |_| query.with(|query| query.get("against").as_deref() == Some("current")));
    let head = load(move || {
        let name = project.name.get();
        async move { revision(&name, number).await }
    });
    let diff = load(move || {
        let name = project.name.get();
        // From this revision to the current one reads as what happened since.
        let since = against_current.get().then(|| project.revision.get());
        async move {
            match since {
                Some(current) => revision_diff(&name, current, Some(&number.to_string())).await,
                None => revision_diff(&name, number, None).await,
            }
        }
    });
    let is_missing =
        Memo::new(move |_| head.error.with(|error| error.as_ref().is_some_and(|error| error.status() == 404)));
    let is_current = Memo::new(move |_| project.revision.get() == number);
    let switcher = move || {
        let base = revision_address(&project.name.get(), number);
        (!is_current.get()).then(|| {
            let link = |href: String, current: bool, words: &'static str| {
                view! { <a href=href aria-current=move || (against_current.get() == current).then_some("true")>{words}</a> }
            };
            view! {
                <nav class="switcher" aria-label="Compared with">
                    {link(base.clone(), false, "What it changed")}
                    {link(format!("{base}?against=current"), true, "What changed since")}
                </nav>
            }
        })
    };
    let diff_shown = move || {
        loaded(diff, "What changed", skeleton_block, move |diff| {
            if !diff.files.is_empty() {
                return diff_view(diff.files, None);
            }
            let text = match (number, against_current.get_untracked()) {
                (_, true) => "Its files are those of the project now.",
                (1, false) => "The first revision: the files as they were generated.",
                _ => "No file differs from the revision before.",
            };
            view! { <p class="muted">{text}</p> }.into_any()
        })
    };
    let head_shown = move || {
        loaded(head, "The revision", skeleton_block, move |revision| revision_head(project, revision, is_current))
    };
    let body = move || {
        if is_missing.get() {
            let text = format!("The project has no revision {number}.");
            return view! { <EmptyState title="No such revision" text/> }.into_any();
        }
        view! { {head_shown()} <div class="row files-hint">{switcher}</div> {diff_shown()} }.into_any()
    };
    view! { {body} }.into_any()
}

fn revision_head(project: CurrentProject, revision: Revision, is_current: Memo<bool>) -> AnyView {
    let number = revision.number;
    let restoring = RwSignal::new(false);
    let files = move || format!("{}/files", revision_address(&project.name.get_untracked(), number));
    let restore = move || {
        (!is_current.get()).then(|| {
            view! { <Button glyph=Icon::Undo on_press=move |()| restoring.set(true)>"Restore"</Button> }
        })
    };
    let edited = match revision.edited_files {
        0 => "none".to_owned(),
        count => count.to_string(),
    };
    view! {
        <header class="revision-head">
            <div>
                <h3>"Revision " {number} " " {cause_pill(revision.cause)}
                    {move || is_current.get().then(|| view! { " " <Pill tone=Tone::Good glyph=Icon::Check text="Current"/> })}
                </h3>
                <p>{revision.summary.clone()}</p>
            </div>
            <span class="grow"></span>
            <div class="row">
                <LinkButton href=files() kind=ButtonKind::Ghost glyph=Icon::File>"Its files"</LinkButton>
                {restore}
            </div>
        </header>
        <dl class="item-facts revision-facts">
            <div><dt>"By"</dt><dd>{if revision.created_by.is_empty() { "not recorded".to_owned() } else { revision.created_by.clone() }}</dd></div>
            <div><dt>"When"</dt><dd><TimeAgo at=revision.created_at/></dd></div>
            <div><dt>"Generated by"</dt><dd>"Gantry " {revision.generator_version.clone()}</dd></div>
            <div><dt>"Edited files"</dt><dd class="number">{edited}</dd></div>
            <div><dt>"Conflicts"</dt><dd class="number">{revision.conflicts.len()}</dd></div>
        </dl>
        <RestoreDialog number open=restoring/>
    }
    .into_any()
}

/// Asks before a revision is brought back.
#[component]
pub(super) fn RestoreDialog(
    /// The revision.
    number: i64,
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let project = CurrentProject::expect();
    let submission = Submission::new();
    let navigate = StoredValue::new_local(use_navigate());
    let confirm = move |()| {
        let (name, before) = (project.name.get_untracked(), project.revision.get_untracked());
        let body = RestoreRevision { expected_revision: before };
        submission.run(async move { restore(&name, number, &body).await }, move |answer| {
            open.set(false);
            let to = address(&project.name.get_untracked(), Section::Revisions);
            navigate.with_value(|navigate| navigate(&to, Default::default()));
            let text = format!("Revision {number} is back, as revision {}.", answer.revision);
            project.adopt_with_undo(answer, before, text);
        });
    };
    view! {
        <ConfirmDialog
            open
            title=Signal::stored(format!("Restore revision {number}?"))
            action="Restore"
            busy=submission.busy
            error=refusal(project, submission)
            on_confirm=confirm
        >
            <p class="row">{icon(Icon::History)}<span>"Spec and files become what they were then, as a new revision. Nothing is lost: what is there now stays in the list."</span></p>
        </ConfirmDialog>
    }
    .into_any()
}
