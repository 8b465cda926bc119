//! MCP's `server.json`: what a registry of MCP servers, or a client that reads one, is told of an agent.
//!
//! A generated project serves AG-UI and A2A and no MCP. Its agent speaks MCP where a Gantry runs it, under
//! `/mcp/{project}`, so what is described is a server that is there already and not a package to install.
//! The format is the registry's of 2025-12-11
//! (<https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json>).

use std::net::IpAddr;

use gantry_domain::spec::Spec;
use serde_json::{Value, json};

use crate::emit::summary;

/// The version of the format, as documents name it.
const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";
/// How many characters a description may have.
const LONGEST_DESCRIPTION: usize = 100;
/// How many characters a title may have.
const LONGEST_TITLE: usize = 100;
/// How many characters a name may have, its namespace included.
const LONGEST_NAME: usize = 200;

/// The document for an agent that answers at `endpoint`, an http or https address without placeholders.
///
/// `namespace` is whose server it is, as [`namespace_of`] makes it or a person says it (`io.github.ada`).
pub fn export(spec: &Spec, endpoint: &str, namespace: &str) -> Value {
    let metadata = &spec.metadata;
    let role = spec.agents.first().map_or("", |agent| agent.role.as_str());
    let words = if metadata.description.trim().is_empty() { role } else { &metadata.description };
    let words = if words.trim().is_empty() { "An agent made with Gantry." } else { words };
    let mut document = json!({
        "$schema": SCHEMA,
        "name": format!("{namespace}/{}", metadata.name),
        // What is cut off is marked by one more character.
        "description": summary(words, LONGEST_DESCRIPTION - 1),
        "version": metadata.version,
        "remotes": [{
            "type": "streamable-http",
            "url": endpoint,
            "headers": [{
                "name": "Authorization",
                "description": "A token of the Gantry that runs the agent, with the scopes read and write.",
                "value": "Bearer {token}",
                "isRequired": true,
                "variables": {
                    "token": {
                        "description": "Made in Gantry under Settings, Tokens.",
                        "format": "string",
                        "isRequired": true,
                        "isSecret": true,
                    },
                },
            }],
        }],
    });
    let title = summary(role, LONGEST_TITLE - 1);
    if !title.is_empty() {
        document["title"] = json!(title);
    }
    document
}

/// The namespace that belongs to a host: its name from the last part to the first, as registries have it
/// (`agents.example.com` is `com.example.agents`). An address of digits is one by itself; none for IPv6, whose
/// colons no name may have.
pub fn namespace_of(host: &str) -> Option<String> {
    let namespace = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(_)) => return None,
        Err(_) => host.split('.').rev().collect::<Vec<_>>().join("."),
    };
    is_namespace(&namespace).then_some(namespace)
}

/// Whether a text can be the namespace of a server's name: letters, digits, dots and hyphens.
pub fn is_namespace(text: &str) -> bool {
    // The rest of the name is a project's, with at most 63 characters, and a slash.
    (1..=LONGEST_NAME - 64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_the_namespace_that_registries_expect_of_its_owner() {
        assert_eq!(namespace_of("agents.example.com").as_deref(), Some("com.example.agents"));
        assert_eq!(namespace_of("localhost").as_deref(), Some("localhost"));
        assert_eq!(namespace_of("127.0.0.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(namespace_of("::1"), None);
        for text in ["", "a/b", "a b", "ä"] {
            assert!(!is_namespace(text), "{text}");
        }
    }
}
