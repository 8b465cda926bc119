//! The root: what is provided to every component, which address shows which page, and which pages are
//! loaded together.

use leptos::prelude::*;
use leptos_router::components::{Outlet, ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::path;

use crate::lazy::{lazy, sections};
use crate::me::CurrentMe;
use crate::pages::project::list;
use crate::pages::{login, not_found, setup};
use crate::parts::Toaster;
use crate::parts::time::Clock;
use crate::parts::toast::Toasts;
use crate::preferences::Preferences;
use crate::shell::Shell;
use crate::theme::provide_theme;

/// The pages that are not in the module of the first visit, by the section that is loaded with them:
/// `studio` is where specs are made, `instance` is what is not about one project. Sections are few,
/// because every set of them that shares code makes one more file.
///
/// `web/boot.js` knows which addresses belong to which section and fetches ahead.
pub(crate) mod pages {
    use leptos::prelude::*;

    use super::sections;
    use crate::pages::project::{builds, chat, evals, files, images, import, new, overview, pipeline, runs};
    use crate::pages::{activity, project, settings};

    sections! {
        studio {
            new_project: new::NewProjectPage,
            import_project: import::ImportDialog,
            pipeline: pipeline::PipelinePage,
            project_settings: project::settings::ProjectSettingsPage,
        }
        project {
            project: project::ProjectFrame,
            overview: overview::OverviewPage,
            files: files::FilesPage,
            edits: files::EditsPage,
            checks: files::ChecksPage,
            conflicts: files::ConflictsPage,
            revisions: files::RevisionsPage,
            revision_files: files::RevisionFilesPage,
            evals: evals::EvalsPage,
            eval_cases: evals::CasesPage,
            eval_gates: evals::GatesPage,
            eval: evals::EvalPage,
            builds: builds::BuildsPage,
            build: builds::BuildPage,
            images: images::ImagesPage,
            image: images::ImagePage,
        }
        chat {
            chat: chat::ChatPage,
            runs: runs::RunsPage,
            run: runs::RunPage,
            test: chat::TestPage,
        }
        instance {
            activity: activity::ActivityPage,
            settings: settings::SettingsFrame,
            providers: settings::providers::ProvidersPage,
            registries: settings::registries::RegistriesPage,
            secrets: settings::secrets::SecretsPage,
            tokens: settings::tokens::TokensPage,
            system: settings::system::SystemPage,
            preferences: settings::preferences::PreferencesPage,
        }
    }
}

/// The whole application.
#[component]
pub(crate) fn App() -> impl IntoView {
    CurrentMe::provide();
    Preferences::provide();
    Clock::provide();
    Toaster::provide();
    provide_theme();
    view! {
        <Router>
            <Routes fallback=|| view! { <not_found::NotFoundPage/> }>
                <Route path=path!("/setup") view=setup::SetupPage/>
                <Route path=path!("/login") view=login::LoginPage/>
                <ParentRoute path=path!("") view=Shell>
                    <Route path=path!("") view=|| view! { <Redirect path="/projects"/> }/>
                    <Route path=path!("/projects") view=list::ProjectsPage/>
                    <Route path=path!("/projects/new") view=lazy(pages::new_project)/>
                    <ParentRoute path=path!("/projects/:project") view=lazy(pages::project)>
                        <Route path=path!("") view=lazy(pages::overview)/>
                        <Route path=path!("/chat") view=lazy(pages::chat)/>
                        <Route path=path!("/chat/:session") view=lazy(pages::chat)/>
                        <Route path=path!("/runs") view=lazy(pages::runs)/>
                        <Route path=path!("/runs/:run") view=lazy(pages::run)/>
                        <Route path=path!("/files") view=lazy(pages::files)/>
                        <Route path=path!("/files/*path") view=lazy(pages::files)/>
                        <Route path=path!("/edits") view=lazy(pages::edits)/>
                        <Route path=path!("/checks") view=lazy(pages::checks)/>
                        <Route path=path!("/conflicts") view=lazy(pages::conflicts)/>
                        <Route path=path!("/revisions") view=lazy(pages::revisions)/>
                        <Route path=path!("/revisions/:number") view=lazy(pages::revisions)/>
                        <Route path=path!("/revisions/:number/files") view=lazy(pages::revision_files)/>
                        <Route path=path!("/revisions/:number/files/*path") view=lazy(pages::revision_files)/>
                        <Route path=path!("/pipeline") view=lazy(pages::pipeline)/>
                        <Route path=path!("/evals") view=lazy(pages::evals)/>
                        <Route path=path!("/evals/cases") view=lazy(pages::eval_cases)/>
                        <Route path=path!("/evals/gates") view=lazy(pages::eval_gates)/>
                        <Route path=path!("/evals/:eval") view=lazy(pages::eval)/>
                        <Route path=path!("/builds") view=lazy(pages::builds)/>
                        <Route path=path!("/builds/:build") view=lazy(pages::build)/>
                        <Route path=path!("/images") view=lazy(pages::images)/>
                        <Route path=path!("/images/:digest") view=lazy(pages::image)/>
                        <Route path=path!("/settings") view=lazy(pages::project_settings)/>
                        <Route path=path!("/*any") view=not_found::NotFoundPage/>
                    </ParentRoute>
                    <Route path=path!("/test") view=lazy(pages::test)/>
                    <Route path=path!("/activity") view=lazy(pages::activity)/>
                    <ParentRoute path=path!("/settings") view=lazy(pages::settings)>
                        <Route path=path!("") view=|| view! { <Redirect path="/settings/providers"/> }/>
                        <Route path=path!("/providers") view=lazy(pages::providers)/>
                        <Route path=path!("/registries") view=lazy(pages::registries)/>
                        <Route path=path!("/secrets") view=lazy(pages::secrets)/>
                        <Route path=path!("/tokens") view=lazy(pages::tokens)/>
                        <Route path=path!("/system") view=lazy(pages::system)/>
                        <Route path=path!("/preferences") view=lazy(pages::preferences)/>
                        <Route path=path!("/*any") view=not_found::NotFoundPage/>
                    </ParentRoute>
                    <Route path=path!("/*any") view=not_found::NotFoundPage/>
                </ParentRoute>
            </Routes>
            <Toasts/>
        </Router>
    }
    .into_any()
}

/// Where a frame shows the page that its address names.
pub(crate) fn outlet() -> AnyView {
    view! { <Outlet/> }.into_any()
}
