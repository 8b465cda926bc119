//! Pages about projects: the list, the wizard, and the frame with the tabs of one project.

pub(crate) mod builds;
pub(crate) mod chat;
pub(crate) mod diagnostics;
pub(crate) mod files;
pub(crate) mod images;
pub(crate) mod import;
pub(crate) mod labels;
pub(crate) mod list;
pub(crate) mod matrix;
pub(crate) mod new;
pub(crate) mod overview;
mod rename;
pub(crate) mod settings;
pub(crate) mod support;

use gantry_domain::api::project::Project;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;

use crate::api::calls;
use crate::app::outlet;
use crate::load::{Loader, load};
use crate::pages::set_title;
use crate::parts::{EmptyState, ErrorState, Icon, LinkButton, Tab, Tabs, skeleton_block};

/// The project that the address names, for every page below the frame.
#[derive(Clone, Copy)]
pub(crate) struct CurrentProject {
    /// The project; [`Loader::reload`] reads it again after something changed.
    pub(crate) loader: Loader<Project>,
    /// What the address calls it: its name or id.
    pub(crate) name: Memo<String>,
}

impl CurrentProject {
    /// The one that the frame provided. Pages below it are built once the project is there.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// The project. Empty only in the moment in which the frame goes away.
    pub(crate) fn get(self) -> Option<Project> {
        self.loader.value.get()
    }
}

/// The frame: the project's name and tabs, and the page below.
#[component]
pub(crate) fn ProjectFrame() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|params| params.get("project").unwrap_or_default()));
    let loader = load(move || {
        let name = name.get();
        async move { calls::project(&name).await }
    });
    // Another project's page must not show this one's data.
    Effect::new(move |before: Option<String>| {
        let name = name.get();
        if before.is_some_and(|before| before != name) {
            loader.value.set(None);
        }
        set_title(&name);
        name
    });
    provide_context(CurrentProject { loader, name });
    let tabs = Signal::derive(move || {
        let base = format!("/projects/{}", name.get());
        let tab = |label, glyph, page: &str| Tab { label, glyph, href: format!("{base}/{page}"), exact: false };
        vec![
            Tab { label: "Overview", glyph: Icon::Overview, href: base.clone(), exact: true },
            tab("Chat", Icon::Chat, "chat"),
            tab("Files", Icon::File, "files"),
            tab("Builds", Icon::Build, "builds"),
            tab("Images", Icon::Image, "images"),
            tab("Settings", Icon::Settings, "settings"),
        ]
    });
    let is_there = Memo::new(move |_| loader.value.with(Option::is_some));
    let retry = Callback::new(move |()| loader.reload());
    let body = move || {
        if is_there.get() {
            return outlet();
        }
        match loader.error.get() {
            None => skeleton_block(),
            Some(error) if error.status() == 404 => {
                let text = format!(
                    "This instance has no project called {:?}. It may have been renamed or deleted.",
                    name.get()
                );
                view! {
                    <EmptyState title="No such project" text>
                        <LinkButton href="/projects">"Go to projects"</LinkButton>
                    </EmptyState>
                }
                .into_any()
            }
            Some(error) => view! { <ErrorState what="The project" error retry/> }.into_any(),
        }
    };
    view! {
        <header class="page-head">
            <nav class="crumbs" aria-label="Breadcrumbs"><A href="/projects">"Projects"</A><span aria-hidden="true">"/"</span></nav>
            <h1>{name}</h1>
            <rename::RenameProject/>
        </header>
        <Tabs label="Project" tabs/>
        {body}
    }
    .into_any()
}
