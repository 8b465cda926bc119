//! Runs generated projects: the real packages are installed from the project's own lock, its tests
//! pass, and a model (a stand-in on the loopback interface) makes it call its tools.
//!
//! `generator/tests/generated_projects.rs` and `cargo xtask verify-frameworks` prove cells of the
//! matrix with it. No part of the product.

mod cell;
mod emission;
mod environment;
mod loopback;
mod project;
mod prove;

pub use cell::{Cell, cells};
pub use emission::emission;
pub use environment::{Environment, cache};
pub use loopback::Loopback;
pub use project::{Cost, Generated};
pub use prove::prove;
