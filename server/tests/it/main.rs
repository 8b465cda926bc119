//! The stories of the server, one file each, in one program: linking a server takes longer than
//! most of them run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails by unwrapping has said what it needs to say"
)]

#[expect(unreachable_pub, reason = "the stories' own library says what it offers")]
mod support;

mod a2a;
mod agui;
mod approvals;
mod build;
mod compatibility;
mod container;
mod evals;
mod exchange;
mod gateway;
mod house;
mod identity;
mod image;
mod image_outside;
mod jobs;
mod mcp;
mod mcp_over_http;
mod openapi;
mod openapi_tools;
mod process;
mod projects;
mod protocol;
mod providers;
mod providers_and_registries;
mod revision_bounds;
mod revision_migration;
mod revisions;
mod run_again;
mod run_crashes;
mod run_memory;
mod run_parallel;
mod run_patterns;
mod run_tools;
mod run_twins;
mod runs;
mod secrets;
mod streams;
mod tokens;
mod usage;
