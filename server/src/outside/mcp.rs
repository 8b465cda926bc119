//! A server that speaks the Model Context Protocol: a program that is started, asked over standard input
//! and output, and stopped, or an address that is asked over streamable HTTP.
//!
//! A program sees a bare environment (`PATH`, `HOME`, language and temporary directory): nothing
//! of Gantry's settings or secrets. It leads a process group of its own, and the whole group is
//! killed at the end. An address is called as `careful` allows, and never another one that it sends on to:
//! the headers would go along. Whether a program may be started at all belongs in `runtime/`.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use process_wrap::tokio::{CommandWrap, KillOnDrop, ProcessGroup};
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{CallToolRequestParams, JsonObject, PaginatedRequestParams};
use rmcp::service::{RoleClient, RunningService, ServiceExt};
use rmcp::transport::common::client_side_sse::NeverRetry;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt;
use url::Url;

use super::careful::{self, without_secrets};

/// What the program gets of the environment.
const ENVIRONMENT: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ"];
/// How much of what the program wrote to its standard error is kept for an error message.
const STDERR_KEPT: usize = 2_000;
/// How long a program has to end by itself before it is killed, and a session at an address to be ended.
const END_WITHIN: Duration = Duration::from_millis(500);
/// How long a server at an address has to be connected to.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// The most bytes of one message from an address.
const LARGEST_MESSAGE: usize = 16 << 20;
/// How much of an error is told.
const ERROR_KEPT: usize = 600;

/// A running server.
pub(crate) struct McpServer {
    service: RunningService<RoleClient, ()>,
    /// What was sent to it and must not be told to anybody, should it say it back.
    secrets: Vec<(String, SecretString)>,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct McpAnswer {
    /// The text of the answer; other content is named, not carried.
    pub(crate) text: String,
    /// The tool says that it failed.
    pub(crate) is_error: bool,
}

/// A tool as the server describes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OfferedTool {
    pub(crate) name: String,
    pub(crate) description: String,
    /// The JSON Schema of its arguments.
    pub(crate) parameters: serde_json::Value,
    /// The server says that it changes nothing (`readOnlyHint`).
    pub(crate) says_it_only_reads: bool,
}

impl McpServer {
    /// Starts the program and shakes hands. The caller keeps the time.
    ///
    /// # Errors
    /// Why it did not start, as a sentence.
    pub(crate) async fn start(command: &[String]) -> Result<Self, String> {
        let Some((program, arguments)) = command.split_first() else {
            return Err("The MCP server's command is empty.".to_owned());
        };
        let mut wrapped = CommandWrap::with_new(program, |process| {
            process.args(arguments).current_dir(std::env::temp_dir()).env_clear();
            for name in ENVIRONMENT {
                if let Some(value) = std::env::var_os(name) {
                    process.env(name, value);
                }
            }
        });
        wrapped.wrap(KillOnDrop).wrap(ProcessGroup::leader());
        let (transport, stderr) = TokioChildProcess::builder(wrapped)
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("The MCP server {program} cannot be started: {error}."))?;
        let said = Arc::new(Mutex::new(String::new()));
        if let Some(stderr) = stderr {
            tokio::spawn(gather(stderr, said.clone()));
        }
        match ().serve(transport).await {
            Ok(service) => Ok(Self { service, secrets: Vec::new() }),
            Err(error) => {
                let said = said.lock().unwrap_or_else(PoisonError::into_inner).trim().to_owned();
                let said = if said.is_empty() { String::new() } else { format!(" It wrote: {said}") };
                Err(format!("The MCP server {program} did not answer as one: {error}.{said}"))
            }
        }
    }

    /// Begins a session at an address, with these headers in each request. The caller keeps the time.
    ///
    /// # Errors
    /// Why there is none, as a sentence.
    pub(crate) async fn connect(url: &str, headers: Vec<(String, SecretString)>) -> Result<Self, String> {
        let address = Url::parse(url).map_err(|error| format!("The MCP server's address is not valid: {error}."))?;
        careful::refuse_address(&address).map_err(|fault| format!("The MCP server is not called: {fault}."))?;
        let mut sent = HashMap::new();
        for (name, value) in &headers {
            let unfit =
                || format!("The header {name} of the MCP server has a name or a value that no header can have.");
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
            let mut value = HeaderValue::from_str(value.expose_secret().trim()).map_err(|_| unfit())?;
            value.set_sensitive(true);
            sent.insert(name, value);
        }
        let mut config =
            StreamableHttpClientTransportConfig::with_uri(url).custom_headers(sent).max_sse_event_size(LARGEST_MESSAGE);
        // What broke off is told at once: whoever calls a tool decides what to do about it.
        config.retry_config = Arc::new(NeverRetry::default());
        let client = client().ok_or("This server cannot make HTTP requests; its log says why.")?;
        match ().serve(StreamableHttpClientTransport::with_client(client.clone(), config)).await {
            Ok(service) => Ok(Self { service, secrets: headers }),
            Err(error) => {
                let said = told(&headers, &error);
                let advice = if said.contains("Auth required") {
                    " It wants to know who asks: name a header such as Authorization."
                } else if said.contains("redirect") {
                    " That is, it sends on to another address, where headers would go along: use that one if it is right."
                } else {
                    ""
                };
                Err(format!("The MCP server at {url} did not answer as one: {said}.{advice}"))
            }
        }
    }

    /// What the server calls itself and its version; empty when it does not say.
    pub(crate) fn identity(&self) -> (String, String) {
        let implementation = self.service.peer_info().and_then(|peer| peer.server_info.clone());
        implementation.map(|known| (known.name, known.version)).unwrap_or_default()
    }

    /// Lists the tools, `most` of them at most, and says whether there are more. The caller keeps the time.
    ///
    /// # Errors
    /// Why there is no answer, as a sentence.
    pub(crate) async fn tools(&self, most: usize) -> Result<(Vec<OfferedTool>, bool), String> {
        let mut tools = Vec::new();
        let mut cursor = None;
        loop {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            let page =
                self.service.list_tools(Some(page)).await.map_err(|error| {
                    format!("The MCP server did not list its tools: {}.", told(&self.secrets, &error))
                })?;
            tools.extend(page.tools.into_iter().map(|tool| OfferedTool {
                name: tool.name.into_owned(),
                description: tool.description.or(tool.title.map(Into::into)).unwrap_or_default().into_owned(),
                parameters: serde_json::Value::Object((*tool.input_schema).clone()),
                says_it_only_reads: tool.annotations.is_some_and(|hints| hints.read_only_hint == Some(true)),
            }));
            cursor = page.next_cursor;
            if tools.len() > most || (tools.len() == most && cursor.is_some()) {
                tools.truncate(most);
                return Ok((tools, true));
            }
            if cursor.is_none() {
                return Ok((tools, false));
            }
        }
    }

    /// Calls a tool. The caller keeps the time.
    ///
    /// # Errors
    /// Why there is no answer, as a sentence.
    pub(crate) async fn call(&self, tool: &str, arguments: JsonObject) -> Result<McpAnswer, String> {
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = self
            .service
            .call_tool(request)
            .await
            .map_err(|error| format!("The MCP server failed: {}.", told(&self.secrets, &error)))?;
        let mut parts = Vec::new();
        for block in &result.content {
            match block.as_text() {
                Some(text) => parts.push(text.text.clone()),
                None => parts.push("[content that is not text]".to_owned()),
            }
        }
        if parts.is_empty()
            && let Some(structured) = &result.structured_content
        {
            parts.push(structured.to_string());
        }
        Ok(McpAnswer {
            text: without_secrets(&self.secrets, parts.join("\n")),
            is_error: result.is_error.unwrap_or(false),
        })
    }

    /// Ends the session. A program's input is closed, and what does not end by itself is killed.
    pub(crate) async fn stop(self) {
        // Dropped when the time is over, and dropping kills.
        let _ = tokio::time::timeout(END_WITHIN, self.service.cancel()).await;
    }
}

/// What calls addresses. Where one sends on to is told and not followed.
fn client() -> Option<&'static reqwest::Client> {
    static CLIENT: OnceLock<Option<reqwest::Client>> = OnceLock::new();
    let build = || {
        careful::builder()
            .connect_timeout(CONNECT_WITHIN)
            .redirect(reqwest::redirect::Policy::custom(|attempt| attempt.error("it is not followed")))
            .build()
            .inspect_err(|error| tracing::error!(%error, "no client for MCP servers at addresses"))
            .ok()
    };
    CLIENT.get_or_init(build).as_ref()
}

/// An error and what is at the bottom of it, without secrets and not too long.
fn told(secrets: &[(String, SecretString)], error: &(dyn std::error::Error + 'static)) -> String {
    let (mut said, cause) = (error.to_string(), careful::cause(error));
    if !said.contains(&cause) {
        said = format!("{said}: {cause}");
    }
    said = without_secrets(secrets, said);
    if let Some((end, _)) = said.char_indices().nth(ERROR_KEPT) {
        said.truncate(end);
        said.push('…');
    }
    said.trim_end_matches('.').to_owned()
}

/// Reads on to the end, or the program would block once its pipe is full; keeps the last words.
async fn gather(mut stderr: tokio::process::ChildStderr, said: Arc<Mutex<String>>) {
    let mut buffer = [0_u8; 4_096];
    while let Ok(count) = stderr.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if said.len() > STDERR_KEPT {
            let surplus = said.len() - STDERR_KEPT;
            let cut = (surplus..said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(said.len());
            said.drain(..cut);
        }
    }
}
