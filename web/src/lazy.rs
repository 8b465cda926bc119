//! Pages whose code is loaded when they are first shown, so that the first visit does not pay for all
//! of them.
//!
//! [`sections!`](sections) marks where `cargo xtask web` cuts the compiled module: what only the pages
//! of one section reach becomes a file of its own. A section that cannot be loaded says so in the
//! place of its page and can be asked for again. Which page belongs where is in `app.rs`.

use std::future::Future;
use std::pin::Pin;

use futures_util::FutureExt;
use leptos::prelude::*;
use leptos::task::spawn_local;
pub(crate) use leptos::wasm_split::SplitLoaderError;

use crate::parts::{Button, Icon, icon, skeleton_block};

/// Builds a page.
pub(crate) type Page = fn() -> AnyView;

/// A page under way. Success is remembered, failure is not: the next call tries again.
pub(crate) type Loading = Pin<Box<dyn Future<Output = Result<Page, SplitLoaderError>>>>;

/// Makes a function for each page that loads the code of its section and gives the page.
macro_rules! sections {
    ($($section:ident { $($name:ident: $page:path,)+ })+) => {$($(
        pub(crate) fn $name() -> $crate::lazy::Loading {
            #[leptos::wasm_split::wasm_split($section, wasm_split_path = ::leptos::wasm_split, fallible)]
            fn $name() -> Result<$crate::lazy::Page, $crate::lazy::SplitLoaderError> {
                Ok(|| $page().into_any())
            }
            Box::pin($name())
        }
    )+)+};
}
pub(crate) use sections;

/// Where a page's code is.
#[derive(Clone, Copy)]
enum State {
    Loading,
    There(Page),
    Failed,
}

/// The view of a route whose page is loaded when it is first shown.
pub(crate) fn lazy(load: fn() -> Loading) -> impl Fn() -> AnyView + Clone + Send + Sync + 'static {
    move || lazy_page(load)
}

fn lazy_page(load: fn() -> Loading) -> AnyView {
    let mut first = load();
    // A page that is there needs no skeleton.
    let state = RwSignal::new(match (&mut first).now_or_never() {
        Some(Ok(page)) => return page(),
        Some(Err(_)) => State::Failed,
        None => State::Loading,
    });
    let wait = move |loading: Loading| {
        spawn_local(async move {
            let outcome = loading.await;
            state.try_set(outcome.map_or(State::Failed, State::There));
        });
    };
    if matches!(state.get_untracked(), State::Loading) {
        wait(first);
    }
    let retry = Callback::new(move |()| {
        state.set(State::Loading);
        wait(load());
    });
    let shown = move || match state.get() {
        State::Loading => skeleton_block(),
        State::There(page) => untrack(page),
        State::Failed => view! { <NotLoaded retry/> }.into_any(),
    };
    view! { {shown} }.into_any()
}

/// In the place of a page whose code did not come.
#[component]
fn NotLoaded(retry: Callback<()>) -> impl IntoView {
    let reload = |()| {
        // A browser that refuses to reload leaves the page as it is, with its other way out.
        let _ = window().location().reload();
    };
    view! {
        <h1 class="visually-hidden">"Page not loaded"</h1>
        <div class="notice bad" role="alert">
            {icon(Icon::Warning)}
            <div>
                <p><b>"This page could not be loaded."</b></p>
                <p>"The server is away, or was replaced by another version since Gantry was opened here. After an upgrade, reload."</p>
            </div>
            <Button glyph=Icon::Retry on_press=retry>"Retry"</Button>
            <Button on_press=reload>"Reload"</Button>
        </div>
    }
    .into_any()
}
