//! The project that the address names: read once for all pages below the frame, and kept in step with
//! what those pages write.

use gantry_domain::api::project::Project;
use gantry_domain::api::revision::{RestoreRevision, Revision};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};
use uuid::Uuid;

use super::drafts::Drafts;
use crate::api::revisions::is_outdated;
use crate::api::{calls, encode, revisions};
use crate::load::{Loader, load};
use crate::parts::{Toaster, use_toaster};

/// The project that the address names, for every page below the frame.
#[derive(Clone, Copy)]
pub(crate) struct CurrentProject {
    /// The project; [`Loader::reload`] reads it again after something changed.
    pub(crate) loader: Loader<Project>,
    /// What the address calls it: its name or id.
    pub(crate) name: Memo<String>,
    /// The number of its newest revision; 0 before that is known.
    pub(crate) revision: Memo<i64>,
    /// Its newest revision: what it came from, and which files are in conflict.
    pub(crate) newest: Loader<Revision>,
    /// Text of its files that was not saved yet.
    pub(crate) drafts: Drafts,
    toaster: Toaster,
}

impl CurrentProject {
    /// Reads the project, and makes it available to every component below.
    pub(super) fn provide(name: Memo<String>) -> Self {
        let loader = load(move || {
            let name = name.get();
            async move { calls::project(&name).await }
        });
        let revision =
            Memo::new(move |_| loader.value.with(|project| project.as_ref().map_or(0, |project| project.revision)));
        let id = Memo::new(move |_| loader.value.with(|project| project.as_ref().map(|project| project.summary.id)));
        let newest = load(move || {
            let (name, number) = (name.get(), revision.get());
            async move {
                // The answer to the next request is waited for instead, which comes with the number.
                if number == 0 {
                    std::future::pending::<()>().await;
                }
                revisions::revision(&name, number).await
            }
        });
        let current = Self { loader, name, revision, newest, drafts: Drafts::of(id), toaster: use_toaster() };
        // Another project's page must not show this one's data.
        Effect::new(move |before: Option<String>| {
            let name = name.get();
            if before.is_some_and(|before| before != name) {
                loader.value.set(None);
                newest.value.set(None);
            }
            name
        });
        current.follow_its_name();
        provide_context(current);
        current
    }

    /// The one that the frame provided. Pages below it are built once the project is there.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// The project. Empty only in the moment in which the frame goes away.
    pub(crate) fn get(self) -> Option<Project> {
        self.loader.value.get()
    }

    /// Takes over what a write answered. It may be called when the page is gone.
    pub(crate) fn adopt(self, project: Project) {
        self.loader.error.try_set(None);
        self.loader.value.try_set(Some(project));
    }

    /// Takes over what a write answered, and says what happened with a way to take it back.
    pub(crate) fn adopt_with_undo(self, project: Project, before: i64, text: String) {
        let (id, after) = (project.summary.id, project.revision);
        self.adopt(project);
        if after == before {
            self.toaster.good("Nothing was different, so there is no new revision.");
            return;
        }
        let undo = move || {
            leptos::task::spawn_local(async move {
                let body = RestoreRevision { expected_revision: after };
                match revisions::restore(&id.to_string(), before, &body).await {
                    Ok(project) => {
                        self.toaster.good(format!("Revision {before} is back, as revision {}.", project.revision));
                        if self.is_of(id) {
                            self.adopt(project);
                        }
                    }
                    Err(error) if is_outdated(&error) => self.toaster.bad(format!(
                        "Not undone: the project was changed again since. Revision {before} is in the list of revisions."
                    )),
                    Err(error) => self.toaster.bad(format!("Not undone. {error}")),
                }
            });
        };
        self.toaster.offer(text, "Undo", undo);
    }

    fn is_of(self, id: Uuid) -> bool {
        let of = |project: &Option<Project>| project.as_ref().is_some_and(|project| project.summary.id == id);
        self.loader.value.try_with_untracked(of) == Some(true)
    }

    /// Keeps the address in step when a write gives the project another name, as one of its spec can.
    fn follow_its_name(self) {
        let (navigate, path) = (use_navigate(), use_location().pathname);
        Effect::new(move |_| {
            let name = self.loader.value.with(|project| Some(project.as_ref()?.summary.name.to_string()));
            let Some(name) = name else { return };
            let in_address = self.name.get_untracked();
            if name == in_address || in_address.parse::<Uuid>().is_ok() {
                return;
            }
            let page = path.with_untracked(|path| path.split('/').skip(3).map(str::to_owned).collect::<Vec<_>>());
            let address = format!("/projects/{}/{}", encode(&name), page.join("/"));
            navigate(address.trim_end_matches('/'), NavigateOptions { replace: true, ..NavigateOptions::default() });
        });
    }
}
