//! Pages about projects: the list, the wizard, and the frame with the tabs of one project.

pub(crate) mod builds;
pub(crate) mod chat;
mod current;
pub(crate) mod diagnostics;
mod drafts;
pub(crate) mod evals;
mod export;
pub(crate) mod files;
pub(crate) mod images;
pub(crate) mod import;
pub(crate) mod labels;
pub(crate) mod list;
pub(crate) mod matrix;
pub(crate) mod mcp_server;
pub(crate) mod new;
pub(crate) mod overview;
pub(crate) mod pipeline;
mod rename;
pub(crate) mod runs;
pub(crate) mod settings;
pub(crate) mod support;
pub(crate) mod whole;

use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;

pub(crate) use self::current::CurrentProject;
use self::drafts::tell_of_drafts;
use self::files::conflict_notice;
use crate::app::outlet;
use crate::pages::set_title;
use crate::parts::{EmptyState, ErrorState, Icon, LinkButton, Tab, Tabs, skeleton_block};

/// The frame: the project's name and tabs, and the page below.
#[component]
pub(crate) fn ProjectFrame() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|params| params.get("project").unwrap_or_default()));
    Effect::new(move |_| set_title(&name.get()));
    let current = CurrentProject::provide(name);
    let loader = current.loader;
    tell_of_drafts(current);
    let tabs = Signal::derive(move || {
        let base = format!("/projects/{}", name.get());
        let tab = |label, glyph, page: &str| {
            let href = format!("{base}/{page}");
            Tab { label, glyph, href, exact: false, also: Vec::new() }
        };
        let also = ["edits", "conflicts", "revisions", "checks"].map(|page| format!("{base}/{page}")).to_vec();
        vec![
            Tab { label: "Overview", glyph: Icon::Overview, href: base.clone(), exact: true, also: Vec::new() },
            Tab { also: vec![format!("{base}/runs")], ..tab("Chat", Icon::Chat, "chat") },
            tab("Pipeline", Icon::Pipeline, "pipeline"),
            Tab { also, ..tab("Files", Icon::File, "files") },
            tab("Evals", Icon::Check, "evals"),
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
        {conflict_notice(current)}
        {body}
    }
    .into_any()
}
