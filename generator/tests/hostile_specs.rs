//! Whatever a person writes, generated files stay what they are: Python that parses and says the
//! same text back, TOML and YAML that parse, paths that stay within the project, the same bytes twice.

#![expect(clippy::unwrap_used, reason = "a test that fails by unwrapping has said what it needs to say")]

use std::io::Write;
use std::process::{Command, Stdio};

use gantry_domain::api::plan::{PlanConstraints, PlanRequest};
use gantry_domain::matrix::{Pattern, generated};
use gantry_domain::spec::{Spec, ToolSource, yaml};
use gantry_generator::{File, emit, plan};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

const PROMPTS: [&str; 18] = [
    "\"double\" 'single' `back`",
    "\"\"\" triple '''",
    "ends with a quote\"",
    "ends with a backslash\\",
    "\\x41 \\u0041 \\N{BULLET} \\",
    "{{ template }} {% for x in y %} {# comment #} ${var} $(cmd) `cmd` %s {0} {}",
    "first line\nsecond line\r\nthird\u{85}fourth\u{2028}fifth",
    "🦀 emoji 👩‍👩‍👧 and e\u{301}",
    "مرحبا بالعالم \u{202E}reversed\u{202C}",
    "nul \0 bell \u{7} escape \u{1b}[31m",
    "# heading\n- list\n1. a\n2. b\n<script>alert(1)</script> [link](javascript:x) | cell |",
    "key: value\n- item\n? x\n: y\n--- \n...\n%TAG ! x",
    "FROM evil\nRUN rm -rf / && curl x | sh",
    "../../etc/passwd C:\\windows /abs",
    "import os; os.system('x')  # noqa",
    "GET https://example.com/{city}?q=\"x\"&y={a_b}#frag then https://example.com/{city}",
    "\u{feff}bom and \u{200b}zero width",
    "word",
];

/// Specs from a prompt: as planned, and with the text in every place that takes text.
fn specs(prompt: &str) -> Vec<Spec> {
    let mut specs = Vec::new();
    for framework in generated() {
        for pattern in [Pattern::Single, Pattern::React, Pattern::Sequential] {
            let constraints =
                PlanConstraints { framework: Some(framework), pattern: Some(pattern), ..PlanConstraints::default() };
            let request =
                PlanRequest { prompt: format!("{prompt} count the time https://example.com/a/{{b}}"), constraints };
            let mut spec = plan(&request).spec;
            specs.push(spec.clone());
            let text = prompt.replace('\0', " ").trim().to_owned();
            let text = if text.is_empty() { "x".to_owned() } else { text };
            let short: String = text.chars().take(200).collect();
            spec.metadata.description.clone_from(&text);
            spec.metadata.labels.insert("note".to_owned(), short.clone());
            for model in spec.models.values_mut() {
                model.model = short.chars().take(40).collect();
            }
            for agent in &mut spec.agents {
                agent.role.clone_from(&short);
                agent.instructions.clone_from(&text);
            }
            for task in &mut spec.tasks {
                task.description.clone_from(&text);
                task.expected_output.clone_from(&text);
            }
            for tool in &mut spec.tools {
                tool.description.clone_from(&text.chars().take(1024).collect());
                if matches!(tool.source, ToolSource::Http { .. }) {
                    tool.parameters["properties"]["extra"] =
                        json!({"type": "string", "description": text, "default": text});
                }
            }
            specs.push(spec);
        }
    }
    specs
}

fn check(files: &[File], spec: &Spec, programs: &mut Vec<serde_json::Value>) {
    for file in files {
        assert!(
            !file.path.starts_with('/') && !file.path.split('/').any(|part| part == ".." || part.is_empty()),
            "{}",
            file.path
        );
        assert!(!file.content.contains('\0'), "{}", file.path);
        if file.path.ends_with(".py") {
            let says: Vec<&str> = if file.path.ends_with("/agent.py") {
                spec.agents.iter().take(1).map(|agent| agent.instructions.as_str()).collect()
            } else {
                Vec::new()
            };
            programs.push(json!({"path": file.path, "kind": "python", "text": file.content, "says": says}));
        } else if file.path.ends_with(".toml") {
            programs.push(json!({"path": file.path, "kind": "toml", "text": file.content}));
        } else if file.path == "agent.gantry.yaml" {
            assert_eq!(&yaml::read(&file.content).unwrap(), spec);
        } else if file.path.ends_with(".yaml") {
            yaml::read_value(&file.content).unwrap();
        } else if file.path == "Dockerfile" {
            let words: Vec<&str> = file.content.lines().filter_map(|line| line.split(' ').next()).collect();
            let known = [
                "#",
                "FROM",
                "WORKDIR",
                "COPY",
                "RUN",
                "LABEL",
                "ENV",
                "USER",
                "EXPOSE",
                "HEALTHCHECK",
                "ENTRYPOINT",
                "CMD",
                "",
            ];
            assert!(words.iter().all(|word| known.contains(word)), "{}", file.content);
        }
    }
}

/// One Python process for all files.
fn parse_all(programs: &[serde_json::Value]) {
    const SCRIPT: &str = "
import ast, json, sys, tomllib
for line in sys.stdin:
    file = json.loads(line)
    try:
        if file['kind'] == 'toml':
            tomllib.loads(file['text'])
            continue
        tree = ast.parse(file['text'])
        compile(tree, file['path'], 'exec')
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        for said in file['says']:
            assert said in texts, f'the text is not there as it was written: {said!r}'
    except Exception as error:
        sys.exit(f\"{file['path']}: {error}\\n{file['text']}\")
print('parsed')
";
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: Vec<String> = programs.iter().map(ToString::to_string).collect();
    std::thread::spawn(move || {
        for line in lines {
            if writeln!(input, "{line}").is_err() {
                break;
            }
        }
    });
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn hostile_prompts_never_break_a_generated_file() {
    let long: String = "ten thousand characters \"'\\ ".chars().cycle().take(10_000).collect();
    let mut programs = Vec::new();
    for prompt in PROMPTS.into_iter().chain([long.as_str()]) {
        for spec in specs(prompt) {
            match emit(&spec) {
                Ok(files) => {
                    assert_eq!(emit(&spec).unwrap(), files, "the same spec gives the same bytes");
                    check(&files, &spec, &mut programs);
                }
                Err(found) => panic!("{prompt:?} is refused: {found:?}"),
            }
        }
    }
    parse_all(&programs);
}

#[test]
fn any_text_anywhere_never_breaks_a_generated_file() {
    let mut programs = Vec::new();
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let programs_of_run = std::sync::Mutex::new(&mut programs);
    let outcome = runner.run(&any::<String>(), |text| {
        for spec in specs(&text) {
            let files = emit(&spec).map_err(|found| TestCaseError::fail(format!("{found:?}")))?;
            check(&files, &spec, &mut programs_of_run.lock().unwrap());
        }
        Ok(())
    });
    outcome.unwrap();
    parse_all(&programs);
}
