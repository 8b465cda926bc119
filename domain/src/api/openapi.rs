//! OpenAPI documents: asked which of a service's operations an agent could call.

use serde::{Deserialize, Serialize};

use crate::spec::Tool;

/// The body of `POST /openapi-documents:discover`: either `document` or `url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiscoverOpenApi {
    /// The document itself, JSON or YAML, up to 5 MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Where the document is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where the service is, in place of what the document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// What a document offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenApiDocument {
    /// What the service is called; empty when the document does not say.
    pub title: String,
    /// The service's version; empty when the document does not say.
    pub version: String,
    /// Its operations, in the order of the document.
    pub operations: Vec<OpenApiOperation>,
    /// Whether there are more operations than are listed here.
    pub has_more: bool,
}

/// An operation, and the tool that it would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenApiOperation {
    /// Its method and path, such as `GET /pets/{petId}`.
    pub name: String,
    /// What it is for, in a line; empty when the document does not say.
    pub summary: String,
    /// The tool; none when it cannot be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// Why it cannot be a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What is good to know of the tool, such as what was left out of it; each a sentence.
    pub notes: Vec<String>,
}
