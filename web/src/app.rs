//! The root: what is provided to every component, and which address shows which page.

use leptos::prelude::*;
use leptos_router::components::{Outlet, ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::path;

use crate::me::CurrentMe;
use crate::pages::project::{ProjectFrame, builds, chat, files, images, list, new, overview};
use crate::pages::settings::{self, SettingsFrame};
use crate::pages::{activity, login, not_found, project, setup};
use crate::parts::Toaster;
use crate::parts::time::Clock;
use crate::parts::toast::Toasts;
use crate::preferences::Preferences;
use crate::shell::Shell;
use crate::theme::provide_theme;

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
                    <Route path=path!("/projects/new") view=new::NewProjectPage/>
                    <ParentRoute path=path!("/projects/:project") view=ProjectFrame>
                        <Route path=path!("") view=overview::OverviewPage/>
                        <Route path=path!("/chat") view=chat::ChatPage/>
                        <Route path=path!("/chat/:session") view=chat::ChatPage/>
                        <Route path=path!("/files") view=files::FilesPage/>
                        <Route path=path!("/files/*path") view=files::FilesPage/>
                        <Route path=path!("/builds") view=builds::BuildsPage/>
                        <Route path=path!("/builds/:build") view=builds::BuildPage/>
                        <Route path=path!("/images") view=images::ImagesPage/>
                        <Route path=path!("/images/:digest") view=images::ImagePage/>
                        <Route path=path!("/settings") view=project::settings::ProjectSettingsPage/>
                        <Route path=path!("/*any") view=not_found::NotFoundPage/>
                    </ParentRoute>
                    <Route path=path!("/activity") view=activity::ActivityPage/>
                    <ParentRoute path=path!("/settings") view=SettingsFrame>
                        <Route path=path!("") view=|| view! { <Redirect path="/settings/providers"/> }/>
                        <Route path=path!("/providers") view=settings::providers::ProvidersPage/>
                        <Route path=path!("/registries") view=settings::registries::RegistriesPage/>
                        <Route path=path!("/secrets") view=settings::secrets::SecretsPage/>
                        <Route path=path!("/tokens") view=settings::tokens::TokensPage/>
                        <Route path=path!("/system") view=settings::system::SystemPage/>
                        <Route path=path!("/preferences") view=settings::preferences::PreferencesPage/>
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
