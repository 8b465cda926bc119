//! MCP servers: asking a program which tools it offers, so that a person can choose among them.
//!
//! Nothing is kept: the program is started for the question and stopped after it. The protocol is
//! `outside/mcp`'s, and calling a tool is the runtime's.

pub(crate) mod http;

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use gantry_domain::api::mcp::{McpServer, McpTool};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::outside::mcp;

/// How long a program has to start and to list its tools. Less than a request may take.
const WITHIN: Duration = Duration::from_secs(30);
/// How many tools are listed at most.
const MOST_TOOLS: usize = 256;
/// How many programs are asked at the same time.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Starts the program, asks for its tools and stops it.
///
/// # Errors
/// `422 mcp_server_failed` when it cannot be started or does not speak MCP, `503 mcp_busy` while too
/// many others are being asked.
async fn discover(command: &[String]) -> Result<McpServer> {
    let began = Instant::now();
    let _place = AT_ONCE
        .try_acquire()
        .map_err(|_| Error::unavailable("mcp_busy", "Other MCP servers are being asked. Try again in a moment."))?;
    // Dropping what is under way kills the program, also when whoever asked has gone.
    let asked = tokio::time::timeout(WITHIN, async {
        let server = mcp::McpServer::start(command).await?;
        let offered = server.tools(MOST_TOOLS).await;
        let (name, version) = server.identity();
        server.stop().await;
        offered.map(|offered| (name, version, offered))
    });
    let (name, version, (offered, has_more)) = match asked.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => return Err(failed(why)),
        Err(_) => {
            return Err(failed(format!(
                "The MCP server did not list its tools within {} seconds. A program that has to be downloaded first may be faster the next time.",
                WITHIN.as_secs()
            )));
        }
    };
    let tools = offered
        .into_iter()
        .map(|tool| McpTool {
            name: tool.name,
            description: tool.description,
            parameters: tool.parameters,
            says_it_only_reads: tool.says_it_only_reads,
        })
        .collect();
    let duration_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    Ok(McpServer { name, version, tools, has_more, duration_ms })
}

fn failed(why: String) -> Error {
    Error::new(StatusCode::UNPROCESSABLE_ENTITY, "mcp_server_failed", why)
}
