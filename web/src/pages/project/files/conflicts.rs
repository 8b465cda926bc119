//! The files in which edits and the generator's text are at odds, one after the other until all are decided.

use gantry_domain::api::revision::{ConflictKind, FileConflict};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::resolver::Resolver;
use super::{Section, address, conflict_address, files_head};
use crate::load::when_loaded;
use crate::pages::project::CurrentProject;
use crate::parts::{EmptyState, Icon, LinkButton, icon, skeleton_rows};

/// What is at odds, in two or three words.
fn kind_words(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::Text => "Both changed it",
        ConflictKind::Added => "Both added it",
        ConflictKind::Deleted => "You deleted it",
        ConflictKind::NoLongerGenerated => "No longer generated",
    }
}

/// The conflict after this one, for when it is decided: the next in the list, or the first.
pub(super) fn next_conflict(conflicts: &[FileConflict], path: &str) -> Option<String> {
    let place = conflicts.iter().position(|conflict| conflict.path == path)?;
    let others = conflicts[place + 1..].iter().chain(&conflicts[..place]);
    others.map(|conflict| conflict.path.clone()).next()
}

/// The files in conflict.
#[component]
pub(crate) fn ConflictsPage() -> impl IntoView {
    let project = CurrentProject::expect();
    let query = use_query_map();
    let conflicts = Memo::new(move |_| {
        project
            .newest
            .value
            .with(|revision| revision.as_ref().map(|revision| revision.conflicts.clone()).unwrap_or_default())
    });
    let chosen = Memo::new(move |_| {
        let wanted = query.with(|query| query.get("path"));
        conflicts.with(|conflicts| {
            let found = conflicts.iter().find(|conflict| Some(&conflict.path) == wanted.as_ref());
            found.or(conflicts.first()).cloned()
        })
    });
    let row = move |conflict: FileConflict| {
        let path = conflict.path.clone();
        let is_chosen = move || chosen.with(|chosen| chosen.as_ref().is_some_and(|chosen| chosen.path == path));
        let href = conflict_address(&project.name.get_untracked(), &conflict.path);
        view! {
            <li>
                <a href=href data-row="" aria-current=move || is_chosen().then_some("true")>
                    {icon(Icon::Warning)}
                    <span class="file-name">{conflict.path}</span>
                    <span class="hint">{kind_words(conflict.kind)}</span>
                </a>
            </li>
        }
    };
    let body = move || {
        let Some(conflict) = chosen.get() else {
            let href = address(&project.name.get(), Section::Files);
            return view! {
                <EmptyState title="No conflicts" text="When you and the generator change the same lines of a file, it waits here for your decision.">
                    <LinkButton href>"Open the files"</LinkButton>
                </EmptyState>
            }
            .into_any();
        };
        view! { <Resolver conflict/> }.into_any()
    };
    let has_some = Memo::new(move |_| conflicts.with(|conflicts| !conflicts.is_empty()));
    let list = move || {
        has_some.get().then(|| {
            view! {
                <nav class="conflict-list" aria-label="Files in conflict">
                    <ul>
                        <For each=move || conflicts.get() key=|conflict| (conflict.path.clone(), conflict.kind) let:conflict>
                            {row(conflict)}
                        </For>
                    </ul>
                </nav>
            }
        })
    };
    let shown = when_loaded(
        project.newest,
        "The list of conflicts",
        || skeleton_rows(4),
        move || {
            view! { <div class="conflicts" class:none=move || !has_some.get()>{list} <div class="conflict-body">{body}</div></div> }
        },
    );
    view! {
        <h2 class="visually-hidden">"Conflicts"</h2>
        {files_head(project, Section::Conflicts)}
        {shown}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_conflict_goes_around() {
        let of = |path: &str| FileConflict { path: path.to_owned(), kind: ConflictKind::Text };
        let all = [of("a"), of("b"), of("c")];
        assert_eq!(next_conflict(&all, "a").as_deref(), Some("b"));
        assert_eq!(next_conflict(&all, "c").as_deref(), Some("a"));
        assert_eq!(next_conflict(&all[..1], "a"), None);
        assert_eq!(next_conflict(&all, "d"), None);
    }
}
