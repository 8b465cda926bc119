//! The interface of Gantry: a single-page application in WebAssembly, embedded in the server.
//!
//! `pages/` has one folder per noun, `parts/` what pages are built from, `api/` and `stream` speak
//! with the server. Rules about specs, plans and files are not here: they are the crates
//! `gantry-domain` and `gantry-generator`, the same as in the server.

#![expect(unreachable_pub, reason = "the component macro writes `pub` before what it makes")]

mod api;
mod app;
mod keyboard;
mod lazy;
mod load;
mod me;
mod paged;
mod pages;
mod palette;
mod parts;
mod poll;
mod preferences;
mod shell;
mod stream;
mod theme;

fn main() {
    console_error_panic_hook::set_once();
    if let Some(placeholder) = leptos::prelude::document().get_element_by_id("boot") {
        placeholder.remove();
    }
    leptos::mount::mount_to_body(app::App);
}
