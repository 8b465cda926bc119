//! A server that speaks the Model Context Protocol over standard input and output: a program that
//! is started, asked and stopped.
//!
//! The program sees a bare environment (`PATH`, `HOME`, language and temporary directory): nothing
//! of Gantry's settings or secrets. It leads a process group of its own, and the whole group is
//! killed at the end. Whether a program may be started at all belongs in `runtime/`.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use process_wrap::tokio::{CommandWrap, KillOnDrop, ProcessGroup};
use rmcp::model::{CallToolRequestParams, JsonObject, PaginatedRequestParams};
use rmcp::service::{RoleClient, RunningService, ServiceExt};
use rmcp::transport::TokioChildProcess;
use tokio::io::AsyncReadExt;

/// What the program gets of the environment.
const ENVIRONMENT: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ"];
/// How much of what the program wrote to its standard error is kept for an error message.
const STDERR_KEPT: usize = 2_000;
/// How long a program has to end by itself before it is killed.
const END_WITHIN: Duration = Duration::from_millis(500);

/// A running server.
pub(crate) struct McpServer {
    service: RunningService<RoleClient, ()>,
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
            Ok(service) => Ok(Self { service }),
            Err(error) => {
                let said = said.lock().unwrap_or_else(PoisonError::into_inner).trim().to_owned();
                let said = if said.is_empty() { String::new() } else { format!(" It wrote: {said}") };
                Err(format!("The MCP server {program} did not answer as one: {error}.{said}"))
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
            let page = self
                .service
                .list_tools(Some(page))
                .await
                .map_err(|error| format!("The MCP server did not list its tools: {error}."))?;
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
        let result =
            self.service.call_tool(request).await.map_err(|error| format!("The MCP server failed: {error}."))?;
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
        Ok(McpAnswer { text: parts.join("\n"), is_error: result.is_error.unwrap_or(false) })
    }

    /// Ends the program: its input is closed, and what does not end by itself is killed.
    pub(crate) async fn stop(self) {
        // Dropped when the time is over, and dropping kills.
        let _ = tokio::time::timeout(END_WITHIN, self.service.cancel()).await;
    }
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
