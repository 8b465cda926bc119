//! A sentence becomes a plan, a plan's spec becomes a project's files.
//!
//! Pure and deterministic: the same request gives the same plan, the same spec the same bytes, in
//! the server, in the command line and in the browser, where this runs for the live preview. What
//! asks a model, reads a clock or writes a file belongs in the server.

mod emit;
pub mod exchange;
pub mod merge;
pub mod packages;
mod planner;
#[cfg(feature = "code")]
pub mod verify;

pub use emit::{File, Move, agent_card, emit, moves, package_name};
pub use planner::{draft_schema, draft_task, lower, plan};
