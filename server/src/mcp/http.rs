//! MCP servers over HTTP.

use std::collections::BTreeMap;

use axum::extract::State;
use gantry_domain::api::mcp::{DiscoverMcpServer, McpServer};
use gantry_domain::api::token::Scope;
use gantry_domain::problem::{FieldProblem, sentence};
use gantry_domain::spec::check::faults_of_tool;
use gantry_domain::spec::{Effect, Tool, ToolSource};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::McpPlace;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::Json;
use crate::identity::Actor;

/// How many words a command has at most, as in a spec.
const MOST_WORDS: usize = 100;
/// How long a word may be, in bytes.
const LONGEST_WORD: usize = 4_096;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(discover))
}

/// Asks an MCP server for its tools: a program, which is started on this node and stopped afterwards, or an
/// address. Whoever may talk to agents may have them do the same, so this takes the same scope.
#[utoipa::path(post, path = "/mcp-servers/~discover", tag = "mcp-servers", request_body = DiscoverMcpServer,
    responses((status = OK, body = McpServer)))]
async fn discover(
    State(app): State<App>,
    actor: Actor,
    Json(body): Json<DiscoverMcpServer>,
) -> Result<axum::Json<McpServer>> {
    actor.require(Scope::Write)?;
    let place = match body.url {
        None if body.headers.is_empty() => program(body.command)?,
        Some(url) if body.command.is_empty() => address(url, body.headers)?,
        _ => {
            return Err(Error::invalid(
                "/url",
                "url_invalid",
                "Expected either the command of a program, or an address with or without headers.",
            ));
        }
    };
    match &place {
        McpPlace::Program(words) => {
            tracing::info!(actor = actor.name, program = words[0], "asking an MCP server for its tools");
        }
        McpPlace::Address { url, .. } => {
            tracing::info!(actor = actor.name, url, "asking an MCP server for its tools");
        }
    }
    Ok(axum::Json(super::discover(&app, &place).await?))
}

fn program(words: Vec<String>) -> Result<McpPlace> {
    let is_sound = words.first().is_some_and(|program| !program.trim().is_empty())
        && words.len() <= MOST_WORDS
        && words.iter().all(|word| word.len() <= LONGEST_WORD);
    if is_sound {
        return Ok(McpPlace::Program(words));
    }
    Err(Error::invalid(
        "/command",
        "command_invalid",
        format!("Expected a program and its arguments, at most {MOST_WORDS} words of at most {LONGEST_WORD} bytes."),
    ))
}

/// An address and its headers, by the rules for those of a spec.
fn address(url: String, headers: BTreeMap<String, String>) -> Result<McpPlace> {
    let tool = Tool {
        id: "server_tool".to_owned(),
        description: "Any.".to_owned(),
        parameters: json!({"type": "object"}),
        effect: Effect::Network,
        timeout_ms: 10_000,
        source: ToolSource::McpOverHttp { url: url.clone(), headers: headers.clone(), tool: "server_tool".to_owned() },
    };
    let faults: Vec<FieldProblem> = faults_of_tool(&tool)
        .into_iter()
        .map(|found| FieldProblem::new(found.path, found.code, sentence(&found.message)))
        .collect();
    if faults.is_empty() { Ok(McpPlace::Address { url, headers }) } else { Err(Error::many(faults)) }
}
