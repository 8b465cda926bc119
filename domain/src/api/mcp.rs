//! MCP servers: programs and addresses whose tools an agent may call, asked for what they offer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The body of `POST /mcp-servers:discover`: either `command` or `url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiscoverMcpServer {
    /// The program that starts the server, and its arguments; 1 to 100 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The server's address, as in a spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Headers for the address, each with the name of what has its value: that of the secret
    /// `tools/<host>/<name>`, as in a spec.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// What an MCP server said of itself before it was stopped again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct McpServer {
    /// What it calls itself; empty when it does not say.
    pub name: String,
    /// Its version; empty when it does not say.
    pub version: String,
    /// Its tools, in its own order.
    pub tools: Vec<McpTool>,
    /// Whether it has more tools than are listed here.
    pub has_more: bool,
    /// How long starting and asking took, in milliseconds.
    pub duration_ms: i64,
}

/// A tool as its MCP server describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct McpTool {
    /// Its name at the server.
    pub name: String,
    /// What it does, for the model to read; empty when the server does not say.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// Whether the server says that the tool changes nothing. It is the server's word and nobody's promise.
    pub says_it_only_reads: bool,
}
