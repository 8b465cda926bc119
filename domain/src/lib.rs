//! What the things of Gantry are and the rules they obey.
//!
//! No I/O, no clock, no randomness: the same code runs in the server, in the browser (wasm32) and
//! in the command line, so a type, a limit or a diagnostic exists once. What reaches a disk, a
//! network or a screen belongs in one of the crates above this one.

pub mod agui;
pub mod api;
pub mod eval;
pub mod event;
pub mod matrix;
mod name;
pub mod pipeline;
pub mod problem;
pub mod provider;
pub mod spec;
mod text;
mod timestamp;
pub mod trace;

pub use name::clean_name;
pub use text::{Digest, ImageReference, InvalidText, RepositoryName, Slug, Tag};
pub use timestamp::Timestamp;
