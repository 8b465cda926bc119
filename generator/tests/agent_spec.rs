//! What is exported as Open Agent Spec is read by that format's own library, written by it again, and
//! comes back as the same spec.
//!
//! The library comes from PyPI into an environment that is kept in `~/.cache/gantry-test`;
//! `GANTRY_TEST_SKIP=pypi` leaves this out, and says so.

#![expect(clippy::unwrap_used, reason = "a test that fails by unwrapping has said what it needs to say")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use gantry_domain::api::plan::{PlanConstraints, PlanRequest};
use gantry_domain::matrix::Pattern;
use gantry_generator::exchange::agent_spec::{export, import};
use serde_json::json;

/// The version whose library is asked.
const LIBRARY: &str = "pyagentspec==26.3.1";

/// Reads documents of several lines, one a line, and writes each again.
const AGAIN: &str = "
import json, sys
from pyagentspec.serialization import AgentSpecDeserializer, AgentSpecSerializer
for line in sys.stdin:
    print(json.dumps(json.loads(AgentSpecSerializer().to_json(AgentSpecDeserializer().from_json(line)))))
";

fn python() -> PathBuf {
    let directory = gantry_proof::cache().unwrap().join(LIBRARY.replace("==", "-"));
    let python = directory.join("bin/python");
    let is_there = || {
        let import = Command::new(&python).args(["-c", "import pyagentspec"]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    };
    if !is_there() {
        for (program, arguments) in [
            ("python3".into(), vec!["-m", "venv", "--clear", directory.to_str().unwrap()]),
            (python.clone(), vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check", LIBRARY]),
        ] {
            assert!(Command::new(&program).args(&arguments).status().unwrap().success(), "{program:?} {arguments:?}");
        }
    }
    python
}

#[test]
fn the_formats_own_library_reads_what_is_exported_and_what_it_writes_is_the_same_spec() {
    if std::env::var("GANTRY_TEST_SKIP").unwrap_or_default().split(',').any(|part| part.trim() == "pypi") {
        eprintln!("NOT TESTED: Open Agent Spec (GANTRY_TEST_SKIP names pypi)");
        return;
    }
    let prompt = "Research {{topic}} at https://example.com/{topic}?n={count}, then calculate it, then write \"it\".";
    let mut specs = Vec::new();
    for pattern in Pattern::ALL {
        let constraints = PlanConstraints { pattern: Some(pattern), ..PlanConstraints::default() };
        let request = PlanRequest { prompt: prompt.to_owned(), constraints, ..PlanRequest::default() };
        let spec = gantry_generator::plan(&request).spec;
        let mut spec = spec;
        let search = json!({"id": "search_crm", "kind": "mcp", "url": "https://mcp.example.com/mcp", "tool": "search",
            "headers": {"Authorization": "CRM_AUTHORIZATION"}, "description": "Searches.", "effect": "network",
            "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}});
        if let Some(agent) = spec.agents.first_mut().filter(|agent| !agent.tools.is_empty()) {
            agent.tools.push("search_crm".to_owned());
            spec.tools.push(serde_json::from_value(search).unwrap());
        }
        if let Ok(document) = export(&spec) {
            specs.push((spec, document));
        }
    }
    assert_eq!(specs.len(), 6);
    let mut child =
        Command::new(python()).args(["-c", AGAIN]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines: String = specs.iter().map(|(_, document)| format!("{document}\n")).collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let written = String::from_utf8(output.stdout).unwrap();
    assert_eq!(written.lines().count(), specs.len());
    for (line, (spec, _)) in written.lines().zip(&specs) {
        let read = import(&serde_json::from_str(line).unwrap()).unwrap().spec;
        assert_eq!(serde_json::to_value(read).unwrap(), serde_json::to_value(spec).unwrap());
    }
}
