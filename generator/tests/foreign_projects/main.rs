//! Projects of other frameworks become specs: what was written is kept, and what cannot be kept is said.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails by unwrapping has said what it needs to say")]

mod autogen;
mod openai_sdk;

use gantry_domain::api::exchange::ExchangeFormat;
use gantry_domain::matrix::diagnose::{diagnose, is_sound};
use gantry_domain::matrix::{Framework, Pattern};
use gantry_domain::spec::{Condition, Spec, ToolSource, yaml};
use gantry_generator::exchange::{Imported, SourceFile, openai_agents, project};
use serde_json::{Value, json};

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

fn import(files: &[SourceFile]) -> (ExchangeFormat, Imported) {
    project::import(files, None, &|text| yaml::read_value(text).ok()).unwrap()
}

fn sound(imported: &Imported) -> &Spec {
    let found = diagnose(&imported.spec);
    assert!(is_sound(&found), "{found:#?}");
    gantry_generator::emit(&imported.spec).unwrap();
    &imported.spec
}

fn codes(imported: &Imported) -> Vec<&str> {
    imported.diagnostics.iter().map(|found| found.code.as_str()).collect()
}

fn note<'i>(imported: &'i Imported, code: &str) -> (&'i str, &'i str) {
    let found = imported.diagnostics.iter().find(|found| found.code == code);
    let found = found.unwrap_or_else(|| panic!("{code} is not among {:?}", codes(imported)));
    (&found.path, &found.message)
}

#[test]
fn a_project_of_gantrys_own_is_taken_by_its_spec() {
    for framework in ["openai-agents", "openai-agents-typescript"] {
        let spec: Spec = serde_json::from_value(json!({
            "apiVersion": "gantry/v1", "kind": "Agent", "metadata": {"name": "team", "version": "1.2.0", "description": "d"},
            "target": {"framework": framework, "language": if framework.ends_with('t') { "typescript" } else { "python" }, "pattern": "handoff"},
            "models": {"default": {}},
            "build": {"base": if framework.ends_with('t') { "node:22-slim" } else { "python:3.12-slim" }},
            "agents": [
                {"id": "one", "role": "First", "instructions": "Hand on.", "handoffs": ["two"], "tools": ["calculate"]},
                {"id": "two", "role": "Second", "instructions": "Answer {x} \"quoted\"."},
            ],
            "tools": [{"id": "calculate", "description": "Calculates", "kind": "builtin", "name": "calculator", "effect": "read",
                "parameters": gantry_domain::spec::Builtin::Calculator.parameters()}],
        }))
        .unwrap();
        let files: Vec<SourceFile> = gantry_generator::emit(&spec)
            .unwrap()
            .into_iter()
            .map(|emitted| file(&format!("team-main/{}", emitted.path), &emitted.content))
            .collect();
        let (format, imported) = import(&files);
        assert_eq!(format, ExchangeFormat::Gantry);
        assert_eq!(serde_json::to_value(&imported.spec).unwrap(), serde_json::to_value(&spec).unwrap());
    }
}

#[test]
fn hostile_code_is_read_and_never_run() {
    let deep_calls = format!("agent = {}1{}\n", "f(".repeat(50_000), ")".repeat(50_000));
    let deep_lists = "[".repeat(100_000);
    let blocks: String = (0..3_000).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    let long_sum = format!("x = {}\n", vec!["\"a\""; 20_000].join(" + "));
    // Every function calls the next one twice.
    let fan: String = (0..40).map(|n| format!("def f{n}():\n    f{}()\n    f{}()\n", n + 1, n + 1)).collect();
    let garbage: String = (0..60_000_u32).map(|n| char::from_u32(33 + (n * 7_919) % 90).unwrap()).collect();
    let circle = "a = b\nb = a\nagent = Agent(name=a, instructions=b)\n";
    let dangerous = "import os\nos.system('touch /tmp/gantry-was-run')\nexec(\"open('/tmp/gantry-was-run','w')\")\n";
    for hostile in [&deep_calls, &deep_lists, &blocks, &long_sum, &fan, &garbage, circle, dangerous] {
        let python = format!("from agents import Agent, Runner\n{dangerous}{hostile}");
        let typescript = format!("import {{ Agent }} from \"@openai/agents\";\n{hostile}");
        let autogen = format!("from autogen_agentchat.agents import AssistantAgent\n{hostile}");
        for (path, text) in [("a.py", python), ("a.ts", typescript), ("b.py", autogen)] {
            let _ = project::import(&[file(path, &text)], None, &|_| None);
        }
    }
    assert!(!std::path::Path::new("/tmp/gantry-was-run").exists());
}

#[test]
fn what_is_too_large_or_broken_is_said_by_file_and_line() {
    let large = format!("x = \"{}\"\n", "a".repeat(10 * 1024 * 1024));
    let broken =
        "from agents import Agent\nagent = Agent(name=\"a\", instructions=\"b\")\ndef broken(:\n    return (\n";
    let (_, imported) = import(&[file("main.py", broken), file("data.py", &large)]);
    assert_eq!(imported.spec.agents[0].id, "a");
    assert_eq!(note(&imported, "file_left_out").0, "data.py");
    assert_eq!(note(&imported, "code_broken").0.split(':').next(), Some("main.py"));

    let nothing = project::import(&[file("readme.md", "hello")], None, &|_| None).unwrap_err();
    assert_eq!(nothing[0].code, "format_unknown");
    let made = "from agents import Agent\ndef make(name):\n    return Agent(name=name, instructions=\"x\")\n";
    let found = openai_agents::import(&[file("main.py", made)]).unwrap_err();
    assert_eq!(found.last().unwrap().code, "agents_missing");
    assert!(found.iter().any(|found| found.code == "agent_left_out" && found.path == "main.py:3"), "{found:?}");
}
