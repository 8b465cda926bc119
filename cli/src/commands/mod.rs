//! One file per command: its arguments with their help, and what it does.

pub(crate) mod build;
mod doors;
pub(crate) mod eval;
pub(crate) mod healthcheck;
pub(crate) mod openapi;
pub(crate) mod project;
pub(crate) mod publish;
pub(crate) mod revision;
pub(crate) mod run;
pub(crate) mod serve;
mod verify;
pub(crate) mod version;
mod watch;
