//! How a tool is read: every field that any kind of tool has, then only those of its own kind.
//!
//! The detour exists because serde's `deny_unknown_fields` has no effect beside `flatten`, and a
//! mistyped field in a tool must not pass in silence.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Builtin, Effect, Tool, ToolSource};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ToolWire {
    id: String,
    description: String,
    parameters: Value,
    effect: Effect,
    #[serde(default = "super::default_timeout")]
    timeout_ms: u64,
    kind: Kind,
    method: Option<String>,
    url: Option<String>,
    name: Option<Builtin>,
    command: Option<Vec<String>>,
    headers: Option<BTreeMap<String, String>>,
    tool: Option<String>,
    body: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Http,
    Builtin,
    Mcp,
    Python,
    Typescript,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Builtin => "builtin",
            Self::Mcp => "mcp",
            Self::Python => "python",
            Self::Typescript => "typescript",
        }
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Http => &["method", "url", "headers"],
            Self::Builtin => &["name"],
            Self::Mcp => &["command", "url", "headers", "tool"],
            Self::Python | Self::Typescript => &["body"],
        }
    }
}

impl<'de> Deserialize<'de> for Tool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = ToolWire::deserialize(deserializer)?;
        let kind = wire.kind;
        let present = [
            ("method", wire.method.is_some()),
            ("url", wire.url.is_some()),
            ("name", wire.name.is_some()),
            ("command", wire.command.is_some()),
            ("headers", wire.headers.is_some()),
            ("tool", wire.tool.is_some()),
            ("body", wire.body.is_some()),
        ];
        for (field, is_present) in present {
            if is_present && !kind.fields().contains(&field) {
                return Err(Error::custom(format!(
                    "unknown field `{field}` for a tool of kind `{}`, expected {}",
                    kind.word(),
                    kind.fields().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and "),
                )));
            }
        }
        let missing = |field: &'static str| D::Error::missing_field(field);
        let source = match kind {
            Kind::Http => ToolSource::Http {
                method: wire.method.ok_or_else(|| missing("method"))?,
                url: wire.url.ok_or_else(|| missing("url"))?,
                headers: wire.headers.unwrap_or_default(),
            },
            Kind::Builtin => ToolSource::Builtin { name: wire.name.ok_or_else(|| missing("name"))? },
            Kind::Mcp => {
                let tool = wire.tool.ok_or_else(|| missing("tool"))?;
                match (wire.command, wire.url, wire.headers) {
                    (Some(command), None, None) => ToolSource::Mcp { command, tool },
                    (None, Some(url), headers) => {
                        ToolSource::McpOverHttp { url, headers: headers.unwrap_or_default(), tool }
                    }
                    (Some(_), None, Some(_)) => {
                        return Err(Error::custom("`headers` are sent to a `url`, and a `command` takes none"));
                    }
                    _ => {
                        return Err(Error::custom(
                            "expected either `command` or `url` for a tool of kind `mcp`: the program that starts its server, or the server's address",
                        ));
                    }
                }
            }
            Kind::Python => ToolSource::Python { body: wire.body.ok_or_else(|| missing("body"))? },
            Kind::Typescript => ToolSource::Typescript { body: wire.body.ok_or_else(|| missing("body"))? },
        };
        Ok(Self {
            id: wire.id,
            description: wire.description,
            parameters: wire.parameters,
            effect: wire.effect,
            timeout_ms: wire.timeout_ms,
            source,
        })
    }
}
