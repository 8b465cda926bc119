//! Import from other formats, and projects in git repositories.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::matrix::Diagnostic;
use crate::spec::Spec;

/// A format that a project can come from or become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExchangeFormat {
    /// A spec of Gantry's own, `agent.gantry.yaml`, alone or in a project.
    Gantry,
    /// Open Agent Spec, version 25.4.
    AgentSpec,
    /// A project on the OpenAI Agents SDK, in Python or TypeScript.
    OpenaiAgents,
    /// AutoGen's AgentChat, 0.4 or newer: its code, or a component as a document.
    Autogen,
}

impl ExchangeFormat {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Gantry => "Gantry",
            Self::AgentSpec => "Open Agent Spec",
            Self::OpenaiAgents => "OpenAI Agents SDK",
            Self::Autogen => "AutoGen",
        }
    }
}

/// The body of `POST /imports`: a document or a git repository, exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRequest {
    /// What it is; left out, it is told from what stands in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ExchangeFormat>,
    /// The document: an object, or its text as JSON or YAML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// The repository with the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitSource>,
}

/// A project in a git repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitSource {
    /// Where the repository is: `https://…`, `ssh://…` or `user@host:path`; never with a password in it.
    pub url: String,
    /// A branch or a tag; the repository's own default when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The folder of the project within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Who signs in over https; `git` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The named secret that opens it: a token or password over https, a private key over ssh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_id: Option<Uuid>,
}

/// What a document or a project becomes here. Nothing is kept: a project is made by creating one from the spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// What it was taken for.
    pub format: ExchangeFormat,
    /// The spec.
    pub spec: Spec,
    /// What could not be carried over as it was, with the file and line or the place in the document in
    /// `path`; then what the diagnosis of the spec says, with the place in the spec.
    pub diagnostics: Vec<Diagnostic>,
    /// The commit that was read, of a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The body of `POST /projects/{project}:push`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PushProject {
    /// Where the repository is: `https://…`, `ssh://…` or `user@host:path`; never with a password in it.
    pub url: String,
    /// The branch; it is made when the repository does not have it.
    pub branch: String,
    /// What the commit says; a sentence with the project's name and version when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Who signs in over https; `git` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The named secret that opens it: a token or password over https, a private key over ssh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_id: Option<Uuid>,
}
