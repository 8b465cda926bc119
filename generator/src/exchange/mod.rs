//! Doors to other formats: what a spec becomes elsewhere, and what comes from elsewhere as a spec.
//!
//! Reading is static: nothing that is read is ever run. What a format cannot say is either carried in
//! its own place for remarks, or said in a diagnostic; it is never left out in silence.

pub mod agent_spec;
#[cfg(feature = "code")]
pub mod autogen;
#[cfg(feature = "code")]
mod code;
#[cfg(feature = "code")]
mod draft;
#[cfg(feature = "code")]
mod functions;
pub mod kagent;
pub mod mcp_server;
mod names;
#[cfg(feature = "code")]
pub mod openai_agents;
pub mod openapi;
#[cfg(feature = "code")]
pub mod project;

#[cfg(feature = "code")]
pub(crate) use code::fault as code_fault;
#[cfg(feature = "code")]
pub use code::{SourceFile, syntax_error};

use gantry_domain::matrix::{Diagnostic, Severity};
use gantry_domain::spec::Spec;

/// A spec that came from elsewhere, and what is to be known of how it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The spec; diagnosed, and not refused: what is wrong can be mended before a project is made.
    pub spec: Spec,
    /// What could not be carried over as it was, then what the diagnosis of the spec says.
    pub diagnostics: Vec<Diagnostic>,
}

fn remark(severity: Severity, code: &str, path: impl Into<String>, message: impl Into<String>) -> Diagnostic {
    Diagnostic { code: code.to_owned(), severity, path: path.into(), message: message.into(), fixes: Vec::new() }
}
