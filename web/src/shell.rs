//! The frame around every page of a signed-in person: the rail, the palette and the shortcut sheet.

use gantry_domain::api::identity::Me;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_location, use_navigate};

use crate::api::{self, ApiError, calls};
use crate::app::outlet;
use crate::keyboard::{self, SHORTCUTS};
use crate::me::CurrentMe;
use crate::palette::Palette;
use crate::parts::{Button, Dialog, ErrorState, Icon, icon, skeleton_block, use_toaster};

/// The frame. Finds out who is signed in, and shows nothing of a page before it knows.
#[component]
pub(crate) fn Shell() -> impl IntoView {
    let me = CurrentMe::expect();
    let error = RwSignal::new(None::<ApiError>);
    let palette_open = RwSignal::new(false);
    let sheet_open = RwSignal::new(false);
    keyboard::listen(palette_open, sheet_open);

    let navigate = use_navigate();
    let location = use_location();
    let to_login = StoredValue::new_local(move || {
        me.clear();
        let here = format!("{}{}", location.pathname.get_untracked(), location.search.get_untracked());
        let address = if here == "/" || here == "/projects" {
            "/login".to_owned()
        } else {
            format!("/login?next={}", api::encode(&here))
        };
        navigate(&address, NavigateOptions { replace: true, ..NavigateOptions::default() });
    });
    api::on_signed_out(move || {
        to_login.try_with_value(|to_login| to_login());
    });
    let find_out = move || {
        error.set(None);
        leptos::task::spawn_local(async move {
            match calls::me().await {
                Ok(answer) => me.set(answer),
                Err(refusal) if refusal.status() == 401 => {
                    to_login.try_with_value(|to_login| to_login());
                }
                Err(failure) => {
                    error.try_set(Some(failure));
                }
            }
        });
    };
    if !me.is_known_now() {
        find_out();
    }
    let retry = Callback::new(move |()| find_out());
    let known = Memo::new(move |_| me.is_known());
    let page = move || match (known.get(), error.get()) {
        (true, _) => outlet(),
        (false, Some(error)) => view! { <ErrorState what="The account" error retry/> }.into_any(),
        (false, None) => skeleton_block(),
    };
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <div class="shell">
            <Rail palette_open sheet_open/>
            <main id="main" tabindex="-1"><UpgradeNotice/>{page}</main>
        </div>
        <Palette open=palette_open sheet_open/>
        <ShortcutSheet open=sheet_open/>
    }
    .into_any()
}

/// Says that the server has another interface than this page, which was loaded before an upgrade.
#[component]
fn UpgradeNotice() -> impl IntoView {
    let is_old = RwSignal::new(false);
    api::on_upgrade(move || {
        if is_old.try_get_untracked() == Some(false) {
            is_old.set(true);
        }
    });
    // A page that was in the background has asked for nothing, and would find out too late.
    let listener = window_event_listener_untyped("visibilitychange", move |_| {
        if !document().hidden() && !is_old.get_untracked() {
            leptos::task::spawn_local(api::look_for_upgrade());
        }
    });
    on_cleanup(move || listener.remove());
    let reload = move |()| {
        let _ = window().location().reload();
    };
    let shown = move || {
        is_old.get().then(|| {
            view! {
                <div class="notice info">
                    {icon(Icon::Info)}
                    <p>"Gantry was upgraded. This page is from before; reload it to go on with the new one."</p>
                    <Button glyph=Icon::Retry on_press=reload>"Reload"</Button>
                </div>
            }
        })
    };
    view! { <div role="status">{shown}</div> }.into_any()
}

/// Where everything on this instance is.
#[component]
fn Rail(palette_open: RwSignal<bool>, sheet_open: RwSignal<bool>) -> impl IntoView {
    let link = |href: &'static str, glyph: Icon, label: &'static str, keys: &'static str| {
        view! { <li><A href=href attr:title=format!("{label} ({keys})")>{icon(glyph)}<span>{label}</span></A></li> }
            .into_any()
    };
    let search_label = format!("Search pages and actions ({} K)", keyboard::modifier_name());
    view! {
        <nav class="rail" aria-label="Main">
            <A href="/projects" attr:class="brand" attr:aria-label="Gantry, projects" attr:aria-current="false">
                {icon(Icon::Logo)}<b>"Gantry"</b>
            </A>
            <button
                type="button"
                class="rail-search"
                aria-haspopup="dialog"
                title=search_label
                on:click=move |_| palette_open.set(true)
            >
                {icon(Icon::Search)}<span>"Search"</span><kbd>{keyboard::modifier_name()} " K"</kbd>
            </button>
            <ul class="rail-links">
                {link("/projects", Icon::Project, "Projects", "G P")}
                {link("/test", Icon::Chat, "Test", "G T")}
                {link("/activity", Icon::Activity, "Activity", "G A")}
                {link("/settings", Icon::Settings, "Settings", "G S")}
            </ul>
            <div class="rail-foot">
                <button type="button" class="button ghost rail-help" aria-haspopup="dialog" on:click=move |_| sheet_open.set(true)>
                    {icon(Icon::Keyboard)}<span>"Shortcuts"</span><kbd>"?"</kbd>
                </button>
                <Account/>
            </div>
        </nav>
    }
    .into_any()
}

/// Who is signed in, and the way out.
#[component]
fn Account() -> impl IntoView {
    let me = CurrentMe::expect();
    let toaster = use_toaster();
    let busy = RwSignal::new(false);
    let navigate = use_navigate();
    let sign_out = Callback::new(move |()| {
        let navigate = navigate.clone();
        busy.set(true);
        leptos::task::spawn_local(async move {
            match calls::logout().await {
                Ok(()) => {
                    me.clear();
                    navigate("/login", NavigateOptions::default());
                }
                Err(error) => toaster.bad(format!("Signing out failed. {error}")),
            }
            busy.try_set(false);
        });
    });
    let shown = move |me: Me| {
        let address = me.user.map(|user| user.email);
        view! {
            <div class="account">
                <div class="account-name" title=address><b>{me.name}</b></div>
                <button
                    type="button"
                    class="button ghost icon-only"
                    aria-label="Sign out"
                    title="Sign out"
                    prop:disabled=busy
                    on:click=move |_| sign_out.run(())
                >
                    {icon(Icon::SignOut)}
                </button>
            </div>
        }
    };
    view! { {move || me.get().map(shown)} }.into_any()
}

/// Every shortcut there is.
#[component]
fn ShortcutSheet(open: RwSignal<bool>) -> impl IntoView {
    let keys = |keys: &'static str| {
        let keys = keys.split(' ').map(|key| if key == "mod" { keyboard::modifier_name() } else { key });
        keys.map(|key| view! { <kbd>{key}</kbd> " " }).collect_view()
    };
    let groups = move || {
        let groups = SHORTCUTS.iter().map(|(title, shortcuts)| {
            let rows = shortcuts.iter().map(|(combination, meaning)| {
                view! { <div class="shortcut"><dt>{keys(combination)}</dt><dd>{*meaning}</dd></div> }
            });
            view! { <section><h3>{*title}</h3><dl>{rows.collect_view()}</dl></section> }
        });
        groups.collect_view()
    };
    view! {
        <Dialog open title="Keyboard shortcuts">
            <div class="shortcuts">{groups()}</div>
            <p class="dialog-note">"Keys without " {keyboard::modifier_name()} " can be switched off in "
                <A href="/settings/preferences" on:click=move |_| open.set(false)>"preferences"</A>"."</p>
        </Dialog>
    }
    .into_any()
}
