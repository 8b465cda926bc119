//! The tools of a run: are the arguments right, may it run, and what comes back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gantry_domain::api::run::PermissionMode;
use gantry_domain::spec::{Effect, Spec, Tool, ToolSource};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::app::App;
use crate::mcp::{self, McpPlace};
use crate::outside::mcp::McpServer;

use super::offer::Offer;
use super::{builtin, http_tool};

/// How long an MCP server's program may take to start, and a session at an address to begin.
const START_WITHIN: Duration = Duration::from_secs(30);
/// Bytes of an answer that the model gets to read.
const LARGEST_ANSWER: usize = 256 * 1024;
/// How many faults in its arguments a model is told at once.
const MOST_FAULTS: usize = 5;

/// What is to be done about a call.
pub(super) enum Verdict<'a> {
    /// It is answered without being run.
    Answer(Answer),
    /// It may run.
    Run(&'a Tool, Map<String, Value>),
    /// A person decides.
    Hold(&'a Tool, Map<String, Value>),
}

/// An answer for the model, and the code of a notice for the person if there should be one.
pub(super) struct Answer {
    pub(super) content: String,
    pub(super) notice: Option<&'static str>,
}

impl Answer {
    fn error(content: impl Into<String>) -> Self {
        Self { content: content.into(), notice: None }
    }

    pub(super) fn noted(code: &'static str, content: impl Into<String>) -> Self {
        Self { content: content.into(), notice: Some(code) }
    }
}

/// Decides about a call by the rules; the same question always gets the same verdict.
pub(super) fn judge<'a>(
    spec: &'a Spec,
    offer: &Offer<'a>,
    mode: PermissionMode,
    name: &str,
    arguments: &str,
) -> Verdict<'a> {
    let Some(tool) = offer.tools.iter().find(|tool| tool.id == name).copied() else {
        let names = offer.names().join(", ");
        let known = if names.is_empty() { "You have no tools.".to_owned() } else { format!("You have: {names}.") };
        return Verdict::Answer(Answer::error(format!("Error: there is no tool called {name}. {known}")));
    };
    let arguments = match parse_arguments(arguments).and_then(|arguments| {
        check_arguments(tool, &Value::Object(arguments.clone()))?;
        Ok(arguments)
    }) {
        Ok(arguments) => arguments,
        Err(fault) => return Verdict::Answer(Answer::error(format!("Error: {fault}"))),
    };
    if matches!(tool.source, ToolSource::Python { .. } | ToolSource::Typescript { .. }) {
        return Verdict::Answer(Answer::noted(
            "tool_not_runnable_natively",
            format!(
                "Error (tool_not_runnable_natively): {} is a function of the project. The native runtime does not run it; it runs in the project's image.",
                tool.id
            ),
        ));
    }
    if spec.guardrails.deny.contains(&tool.id) {
        return Verdict::Answer(Answer::noted(
            "tool_denied",
            format!("Denied by policy: the project's guardrails never let {} run.", tool.id),
        ));
    }
    match (mode, tool.effect) {
        (PermissionMode::Dev, _) | (_, Effect::Read) => Verdict::Run(tool, arguments),
        (PermissionMode::Ask, _) => Verdict::Hold(tool, arguments),
        (PermissionMode::Safe, effect) => Verdict::Answer(Answer::noted(
            "tool_denied",
            format!("Denied by policy: in Safe mode only tools that read may run, and {} {}.", tool.id, does(effect)),
        )),
    }
}

fn does(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "reads",
        Effect::Write => "changes something",
        Effect::Exec => "runs a program",
        Effect::Network => "reaches a host outside",
    }
}

fn parse_arguments(text: &str) -> Result<Map<String, Value>, String> {
    // Models leave out the arguments of a tool that has none.
    if matches!(text.trim(), "" | "null") {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err("the arguments must be a JSON object. Call the tool again with one.".to_owned()),
        Err(error) => Err(format!("the arguments are not JSON ({error}). Call the tool again with valid JSON.")),
    }
}

/// Holds arguments against the tool's schema.
///
/// # Errors
/// What is wrong where, as a sentence.
pub(crate) fn check_arguments(tool: &Tool, arguments: &Value) -> Result<(), String> {
    let validator = jsonschema::validator_for(&tool.parameters)
        .map_err(|error| format!("the parameters of the tool {} are not a JSON Schema: {error}.", tool.id))?;
    let faults: Vec<String> = validator
        .iter_errors(arguments)
        .take(MOST_FAULTS)
        .map(|error| {
            let path = error.instance_path().to_string();
            if path.is_empty() { error.to_string() } else { format!("{path}: {error}") }
        })
        .collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the arguments do not fit the tool's schema: {}. Call the tool again with arguments that do.",
        faults.join("; ")
    ))
}

/// A server that is begun with by whoever needs it first.
type Started = Arc<OnceCell<Arc<McpServer>>>;

/// What runs tools, and the MCP servers that it speaks with for them. Agents that work at the same time
/// share it.
pub(super) struct Toolbox {
    app: App,
    servers: Mutex<HashMap<McpPlace, Started>>,
}

impl Toolbox {
    pub(super) fn new(app: &App) -> Self {
        Self { app: app.clone(), servers: Mutex::default() }
    }

    fn servers(&self) -> MutexGuard<'_, HashMap<McpPlace, Started>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a tool. The answer may be an error that the model reads; dropping the future stops it.
    pub(super) async fn run(&self, tool: &Tool, arguments: &Map<String, Value>) -> String {
        let within = Duration::from_millis(tool.timeout_ms);
        let answered = match &tool.source {
            ToolSource::Builtin { name } => builtin::call(*name, arguments, time::OffsetDateTime::now_utc()),
            ToolSource::Http { method, url, headers } => {
                let calling = http_tool::call(&self.app, method, url, headers, arguments);
                match tokio::time::timeout(within, calling).await {
                    Ok(answered) => answered,
                    Err(_) => Err(too_slow(tool)),
                }
            }
            ToolSource::Mcp { command, tool: name } => {
                self.run_mcp(tool, McpPlace::Program(command.clone()), name, arguments, within).await
            }
            ToolSource::McpOverHttp { url, headers, tool: name } => {
                let place = McpPlace::Address { url: url.clone(), headers: headers.clone() };
                self.run_mcp(tool, place, name, arguments, within).await
            }
            ToolSource::Python { .. } | ToolSource::Typescript { .. } => {
                Err("Error: functions of the project are not run natively.".to_owned())
            }
        };
        // The log's database cannot hold NUL.
        let mut text = answered.unwrap_or_else(|error| error).replace('\0', "\u{fffd}");
        if text.len() > LARGEST_ANSWER + 64 {
            let cut = (0..=LARGEST_ANSWER).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(cut);
            text.push_str("\n[cut off after 256 KiB]");
        }
        text
    }

    async fn run_mcp(
        &self,
        tool: &Tool,
        at: McpPlace,
        name: &str,
        arguments: &Map<String, Value>,
        within: Duration,
    ) -> Result<String, String> {
        let place = self.servers().entry(at.clone()).or_default().clone();
        let start = || async {
            // An address answers at once or not at all; a program may have to be downloaded first.
            let patience = if matches!(at, McpPlace::Program(_)) { START_WITHIN } else { START_WITHIN.min(within) };
            let started = tokio::time::timeout(patience, mcp::open(&self.app, &at)).await;
            started
                .map_err(|_| format!("Error: the MCP server did not start within {} ms.", patience.as_millis()))?
                .map(Arc::new)
                .map_err(|error| format!("Error: {error}"))
        };
        let server = place.get_or_try_init(start).await?.clone();
        match tokio::time::timeout(within, server.call(name, arguments.clone())).await {
            Ok(Ok(answer)) if answer.is_error => Err(format!("Error: {}", answer.text)),
            Ok(Ok(answer)) => Ok(answer.text),
            failed => {
                // A server that failed or hangs is not asked again: the next call starts a new one.
                let mut servers = self.servers();
                if servers.get(&at).is_some_and(|known| Arc::ptr_eq(known, &place)) {
                    servers.remove(&at);
                }
                drop(servers);
                drop(place);
                // Whoever asks it as well still holds it; it is killed when the last one lets go.
                if let Some(server) = Arc::into_inner(server) {
                    tokio::spawn(server.stop());
                }
                match failed {
                    Ok(Err(error)) => Err(format!("Error: {error}")),
                    _ => Err(too_slow(tool)),
                }
            }
        }
    }

    /// Ends the programs that were started, and the sessions that were begun.
    pub(super) async fn close(&self) {
        let servers: Vec<McpServer> = self
            .servers()
            .drain()
            .filter_map(|(_, place)| Arc::into_inner(Arc::into_inner(place)?.into_inner()?))
            .collect();
        futures::future::join_all(servers.into_iter().map(McpServer::stop)).await;
    }
}

fn too_slow(tool: &Tool) -> String {
    format!("Error: {} did not answer within {} ms.", tool.id, tool.timeout_ms)
}
