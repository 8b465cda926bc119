//! MCP servers over HTTP.

use gantry_domain::api::mcp::{DiscoverMcpServer, McpServer};
use gantry_domain::api::token::Scope;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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

/// Starts a program on this node, asks it as an MCP server for its tools, and stops it. Whoever may
/// talk to agents may start such programs, so this takes the same scope.
#[utoipa::path(post, path = "/mcp-servers/~discover", tag = "mcp-servers", request_body = DiscoverMcpServer,
    responses((status = OK, body = McpServer)))]
async fn discover(actor: Actor, Json(body): Json<DiscoverMcpServer>) -> Result<axum::Json<McpServer>> {
    actor.require(Scope::Write)?;
    let words = &body.command;
    let is_sound = words.first().is_some_and(|program| !program.trim().is_empty())
        && words.len() <= MOST_WORDS
        && words.iter().all(|word| word.len() <= LONGEST_WORD);
    if !is_sound {
        return Err(Error::invalid(
            "/command",
            "command_invalid",
            format!(
                "Expected a program and its arguments, at most {MOST_WORDS} words of at most {LONGEST_WORD} bytes."
            ),
        ));
    }
    tracing::info!(actor = actor.name, program = words[0], "asking an MCP server for its tools");
    Ok(axum::Json(super::discover(words).await?))
}
