//! MCP servers: where they are, how a session with one is begun, and asking one which tools it offers, so
//! that a person can choose among them.
//!
//! Nothing is kept: a program is started for the question and stopped after it. The protocol is
//! `outside/mcp`'s, and calling a tool is the runtime's.

pub(crate) mod http;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use gantry_domain::api::mcp::{McpServer, McpTool};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::error::{Error, Result};
use crate::outside::mcp;
use crate::secret;

/// How long a program has to start and to list its tools. Less than a request may take.
const WITHIN: Duration = Duration::from_secs(30);
/// How many tools are listed at most.
const MOST_TOOLS: usize = 256;
/// How many servers are asked at the same time.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Where an MCP server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum McpPlace {
    /// A program and its arguments.
    Program(Vec<String>),
    /// An address.
    Address {
        /// Where requests go.
        url: String,
        /// Headers, each with the name of what has its value.
        headers: BTreeMap<String, String>,
    },
}

/// Begins a session with a server. The caller keeps the time.
///
/// # Errors
/// Why there is none, as a sentence.
pub(crate) async fn open(app: &App, place: &McpPlace) -> Result<mcp::McpServer, String> {
    match place {
        McpPlace::Program(command) => mcp::McpServer::start(command).await,
        McpPlace::Address { url, headers } => {
            mcp::McpServer::connect(url, secret::header_values(app, url, headers).await?).await
        }
    }
}

/// Begins a session, asks for the tools and ends it.
///
/// # Errors
/// `422 mcp_server_failed` when there is no server or it does not speak MCP, `503 mcp_busy` while too
/// many others are being asked.
async fn discover(app: &App, place: &McpPlace) -> Result<McpServer> {
    let began = Instant::now();
    let _place = AT_ONCE
        .try_acquire()
        .map_err(|_| Error::unavailable("mcp_busy", "Other MCP servers are being asked. Try again in a moment."))?;
    // Dropping what is under way kills the program, also when whoever asked has gone.
    let asked = tokio::time::timeout(WITHIN, async {
        let server = open(app, place).await?;
        let offered = server.tools(MOST_TOOLS).await;
        let (name, version) = server.identity();
        server.stop().await;
        offered.map(|offered| (name, version, offered))
    });
    let (name, version, (offered, has_more)) = match asked.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => return Err(failed(why)),
        Err(_) => {
            let advice = match place {
                McpPlace::Program(_) => " A program that has to be downloaded first may be faster the next time.",
                McpPlace::Address { .. } => "",
            };
            let seconds = WITHIN.as_secs();
            return Err(failed(format!("The MCP server did not list its tools within {seconds} seconds.{advice}")));
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
