//! Generated projects call a tool of an MCP server at an address: one of MCP's own SDK for Python, which
//! wants to know who asks.
//!
//! The plain loop, the OpenAI Agents SDK and the TypeScript target, or with `GANTRY_TEST_CELLS=all` every
//! framework. The server runs in the environment of the OpenAI Agents SDK, which brings the package along;
//! `GANTRY_TEST_SKIP=python` leaves this out, and says so.

#![expect(clippy::unwrap_used, reason = "a test that fails by unwrapping has said what it needs to say")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use gantry_domain::matrix::{Framework, Pattern};
use gantry_domain::spec::ToolSource;
use gantry_proof::{Cell, Environment, Generated};
use serde_json::json;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp_library.py");

/// The server, for as long as it is held.
struct Library(Child, String);

impl Library {
    fn start() -> Self {
        let python = Environment::kept(Framework::OpenaiAgents).unwrap().program();
        let mut server = Command::new(python).arg(SCRIPT).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(server, line.trim().to_owned())
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn projects_call_tools_of_a_server_of_the_official_sdk() {
    let skipped = std::env::var("GANTRY_TEST_SKIP").unwrap_or_default();
    if skipped.split(',').any(|part| part.trim() == "python") {
        eprintln!("NOT TESTED: MCP over HTTP in generated projects (GANTRY_TEST_SKIP names python)");
        return;
    }
    let mut frameworks = vec![Framework::React, Framework::OpenaiAgents, Framework::OpenaiAgentsTypescript];
    if std::env::var("GANTRY_TEST_CELLS").is_ok_and(|cells| cells == "all") {
        frameworks = Framework::ALL.into_iter().filter(|known| *known != Framework::WatsonxOrchestrate).collect();
    }
    let library = Library::start();
    for framework in frameworks {
        let cell = Cell { framework, pattern: Pattern::React };
        let mut spec = cell.spec("http://127.0.0.1:9").unwrap();
        let search = spec.tools.iter_mut().find(|tool| tool.id == "search").unwrap();
        let ToolSource::McpOverHttp { url, .. } = &mut search.source else { panic!("{search:?}") };
        url.clone_from(&library.1);
        let mut project = Generated::new(&spec, &Environment::kept(framework).unwrap()).unwrap();
        let call = |project: &Generated, word: &str, output: &str| {
            project.calls("search", &json!({"word": word}), output).map_err(|why| format!("{cell}: {why:#}")).unwrap();
        };
        call(&project, "owls", "SEARCH_KEY is not set");
        project.set("SEARCH_KEY", "Bearer enemy");
        call(&project, "owls", "401");
        project.set("SEARCH_KEY", "Bearer friend");
        call(&project, "owls", "found owls twice");
        call(&project, "nothing", "Error executing tool search");
    }
}
