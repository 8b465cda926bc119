//! The foreign systems, one room each. What is here knows a protocol and nothing of Gantry: it
//! never imports the database or a noun.

pub mod buildkit;
pub(crate) mod careful;
pub mod docker;
pub(crate) mod git;
pub mod layout;
pub mod mcp;
pub mod model;
pub mod oci;
pub(crate) mod ollabridge;
pub(crate) mod program;
pub mod tunnel;
