//! Whatever a person writes, generated files stay what they are: code that parses and says the same
//! text back, TOML and YAML that parse, paths that stay within the project, the same bytes twice; and
//! projects whose own tests still pass. Every framework and pattern of the matrix is written; which of
//! them are run follows from `GANTRY_TEST_CELLS` and what is installed.

#![expect(clippy::unwrap_used, reason = "a test that fails by unwrapping has said what it needs to say")]

use std::collections::HashSet;
use std::io::Write;
use std::process::{Command, Stdio};

use gantry_domain::api::plan::{PlanConstraints, PlanRequest};
use gantry_domain::matrix::{Framework, Language, Pattern, generated};
use gantry_domain::spec::{Condition, Position, Spec, ToolSource, from_value, yaml};
use gantry_generator::{File, emit, plan};
use gantry_proof::{Cell, Environment, Generated, cells};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

const PROMPTS: [&str; 21] = [
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
    "${`${x}`} `${process.exit(1)}` </script> // */ /* \\u{41} \\`",
    "{{{ mustache }}} {{ instructions }} {{# tools }}{{/ tools }} {=slot} f'{x!r:>{y}}' %(x)s $x",
    "{topic} {0} {} {{}} {{{}}} }{ {a.b[c]!s}",
    "word",
];

/// The text in every place of a cell's spec that takes text.
fn hostile(cell: Cell, text: &str) -> Spec {
    let mut spec = cell.spec("https://example.com/a?b=c").unwrap();
    let text = text.replace('\0', " ").trim().to_owned();
    let text = if text.is_empty() { "x".to_owned() } else { text };
    let cut = |length: usize| -> String {
        let cut: String = text.chars().take(length).collect();
        // What is cut must not begin or end in space, or be empty.
        let cut = cut.trim().to_owned();
        if cut.is_empty() { "x".to_owned() } else { cut }
    };
    spec.metadata.description.clone_from(&text);
    spec.metadata.labels.insert("note".to_owned(), cut(200));
    for model in spec.models.values_mut() {
        model.model = cut(40);
    }
    for agent in &mut spec.agents {
        agent.role = cut(200);
        agent.instructions.clone_from(&text);
    }
    for task in &mut spec.tasks {
        task.description.clone_from(&text);
        task.expected_output.clone_from(&text);
    }
    for edge in spec.graph.iter_mut().flat_map(|graph| &mut graph.edges) {
        edge.when = edge.when.take().map(|when| match when {
            Condition::Contains(_) => Condition::Contains(cut(100)),
            Condition::Lacks(_) => Condition::Lacks(cut(100)),
        });
    }
    for tool in &mut spec.tools {
        tool.description = cut(1024);
        match &mut tool.source {
            ToolSource::Http { .. } => {
                tool.parameters["properties"]["extra"] =
                    json!({"type": "string", "description": text, "default": text});
            }
            ToolSource::Mcp { command, tool } => {
                command.push(cut(200));
                *tool = cut(60);
            }
            ToolSource::McpOverHttp { tool, .. } => *tool = cut(60),
            _ => {}
        }
    }
    spec
}

/// Every cell for a few of the texts, every text for a few of the cells: all pairs would take minutes.
fn is_chosen(text: usize, cell: Cell) -> bool {
    let framework = Framework::ALL.iter().position(|known| *known == cell.framework).unwrap();
    let pattern = Pattern::ALL.iter().position(|known| *known == cell.pattern).unwrap();
    (text + pattern + framework).is_multiple_of(4)
}

/// What is to be parsed, every text once.
#[derive(Default)]
struct Programs {
    known: HashSet<String>,
    python: Vec<Value>,
    typescript: Vec<Value>,
}

impl Programs {
    fn check(&mut self, files: &[File], spec: &Spec) {
        let instructions: Vec<&str> = spec.agents.iter().take(1).map(|agent| agent.instructions.as_str()).collect();
        for file in files {
            assert!(
                !file.path.starts_with('/') && !file.path.split('/').any(|part| part == ".." || part.is_empty()),
                "{}",
                file.path
            );
            assert!(!file.content.contains('\0'), "{}", file.path);
            let name = file.path.rsplit('/').next().unwrap();
            let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
            match kind {
                "py" | "toml" | "ts" if !self.known.insert(file.content.clone()) => {}
                "py" => {
                    let says = if name == "agent.py" { instructions.clone() } else { Vec::new() };
                    self.python.push(json!({"path": file.path, "kind": "python", "text": file.content, "says": says}));
                }
                "toml" => self.python.push(json!({"path": file.path, "kind": "toml", "text": file.content})),
                "ts" => {
                    let says = if name == "agent.ts" { instructions.clone() } else { Vec::new() };
                    self.typescript.push(json!({"path": file.path, "text": file.content, "says": says}));
                }
                "json" => drop(serde_json::from_str::<Value>(&file.content).unwrap()),
                "yaml" if name == "agent.gantry.yaml" => assert_eq!(&yaml::read(&file.content).unwrap(), spec),
                "yaml" => drop(yaml::read_value(&file.content).unwrap()),
                _ if name == "SKILL.md" => {
                    let front = yaml::read_value(file.content.split("---\n").nth(1).unwrap()).unwrap();
                    let named = front["name"].as_str().unwrap();
                    assert!(file.path.ends_with(&format!("skills/{named}/SKILL.md")), "{named}");
                    assert!((1..=1024).contains(&front["description"].as_str().unwrap().chars().count()), "{front}");
                }
                _ if name == "Dockerfile" => {
                    const KNOWN: &str = "# FROM WORKDIR COPY RUN LABEL ENV USER EXPOSE HEALTHCHECK ENTRYPOINT CMD";
                    let words = file.content.lines().filter_map(|line| line.split(' ').next());
                    for word in words.filter(|word| !word.is_empty()) {
                        assert!(KNOWN.split(' ').any(|known| known == word), "{}", file.content);
                    }
                }
                _ => {}
            }
        }
    }

    /// Parses all: one Python process, and one of Node.js where TypeScript's compiler is installed.
    fn parse(&self) {
        const PYTHON: &str = "
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
";
        const NODE: &str = "
const ts = require('typescript');
// The value of a literal, or of literals that are joined by +.
function valueOf(node) {
    if (ts.isStringLiteral(node)) return node.text;
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.PlusToken) return undefined;
    const [left, right] = [valueOf(node.left), valueOf(node.right)];
    return left === undefined || right === undefined ? undefined : left + right;
}
for (const line of require('fs').readFileSync(0, 'utf8').split('\\n').filter(Boolean)) {
    const file = JSON.parse(line);
    const options = { reportDiagnostics: true, compilerOptions: { module: 'NodeNext', target: 'ES2022' } };
    for (const found of ts.transpileModule(file.text, options).diagnostics) {
        console.error(file.path, ts.flattenDiagnosticMessageText(found.messageText, ' '), file.text);
        process.exit(1);
    }
    const texts = new Set();
    const visit = (node) => { texts.add(valueOf(node)); ts.forEachChild(node, visit); };
    visit(ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true));
    for (const said of file.says.filter((said) => !texts.has(said))) {
        console.error(file.path, 'the text is not there as it was written:', JSON.stringify(said), file.text);
        process.exit(1);
    }
}
";
        feed(Command::new("python3").args(["-c", PYTHON]), &self.python);
        if self.typescript.is_empty() {
            return;
        }
        match Environment::is_kept(Framework::OpenaiAgentsTypescript) {
            Ok((true, _)) => {
                let environment = Environment::kept(Framework::OpenaiAgentsTypescript).unwrap();
                feed(Command::new("node").args(["-e", NODE]).current_dir(environment.directory), &self.typescript);
            }
            _ => eprintln!("NOT TESTED: TypeScript was not parsed, its compiler is not installed"),
        }
    }
}

fn feed(command: &mut Command, lines: &[Value]) {
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
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
fn hostile_texts_never_break_a_generated_file() {
    let long: String = "ten thousand characters \"'\\ ".chars().cycle().take(10_000).collect();
    let mut programs = Programs::default();
    for (index, text) in PROMPTS.into_iter().chain([long.as_str()]).enumerate() {
        for cell in cells().into_iter().filter(|cell| is_chosen(index, *cell)) {
            let spec = hostile(cell, text);
            let files = emit(&spec).unwrap_or_else(|found| panic!("{cell} {text:?} is refused: {found:?}"));
            assert_eq!(emit(&spec).unwrap(), files, "the same spec gives the same bytes");
            programs.check(&files, &spec);
        }
    }
    programs.parse();
}

#[test]
fn hostile_sentences_become_projects_that_parse() {
    let mut programs = Programs::default();
    for framework in generated() {
        for prompt in PROMPTS {
            let constraints = PlanConstraints { framework: Some(framework), ..PlanConstraints::default() };
            let prompt = format!("{prompt} count the time https://example.com/a/{{b}}");
            let spec = plan(&PlanRequest { prompt, constraints, ..PlanRequest::default() }).spec;
            match emit(&spec) {
                Ok(files) => programs.check(&files, &spec),
                // A framework need not have the pattern that the sentence asks for.
                Err(found) => assert!(found.iter().any(|found| found.code == "pattern_unsupported"), "{found:?}"),
            }
        }
    }
    programs.parse();
}

#[test]
fn any_text_anywhere_never_breaks_a_generated_file() {
    let mut programs = Programs::default();
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let shared = std::sync::Mutex::new((&mut programs, 0_usize));
    let outcome = runner.run(&any::<String>(), |text| {
        let mut shared = shared.lock().unwrap();
        shared.1 += 1;
        let number = shared.1;
        for cell in cells().into_iter().filter(|cell| is_chosen(number, *cell)) {
            let spec = hostile(cell, &text);
            let files = emit(&spec).map_err(|found| TestCaseError::fail(format!("{cell}: {found:?}")))?;
            shared.0.check(&files, &spec);
        }
        Ok(())
    });
    outcome.unwrap();
    programs.parse();
}

/// Runs the own tests of a project.
fn run_own_tests(cell: Cell, spec: &Spec) {
    let environment = Environment::kept(cell.framework).unwrap();
    let passed = Generated::new(spec, &environment).and_then(|project| project.passes_its_own_tests());
    assert!(passed.is_ok(), "{cell}: {passed:#?}");
}

#[test]
fn projects_with_hostile_texts_pass_their_own_tests() {
    let texts = [
        "\"\"\" ''' \\ {{ x }} {y} ${z} `w` %s \u{202E} 🦀\r\nsecond line\ttab",
        "{topic} {0} {} {{}} }{ {a.b[c]!s} $x %(y)s {% if %} {# no #}",
    ];
    let mut left_out: Vec<&str> = Vec::new();
    for framework in generated() {
        // What has packages takes its time to import them: it is run when it is named, as the other projects.
        let (is_installed, packages) = Environment::is_kept(framework).unwrap();
        let named = std::env::var("GANTRY_TEST_CELLS").unwrap_or_default();
        let is_named = named.split([',', '/']).any(|word| word.trim() == "all" || word.trim() == framework.as_str());
        if packages > 0 && !(is_installed && is_named) {
            left_out.push(framework.as_str());
            continue;
        }
        // All patterns where nothing needs to be imported, one where that takes its time.
        let mine: Vec<Cell> = cells().into_iter().filter(|cell| cell.framework == framework).collect();
        let most = if packages == 0 { mine.len() } else { 1 };
        for (index, cell) in mine.iter().rev().take(most).enumerate() {
            run_own_tests(*cell, &hostile(*cell, texts[index % texts.len()]));
        }
    }
    if !left_out.is_empty() {
        eprintln!("NOT TESTED: projects of {} were not run (GANTRY_TEST_CELLS names frameworks)", left_out.join(", "));
    }
}

/// A spec with tools of these names.
fn with_tools(cell: Cell, ids: &[String]) -> Spec {
    let mut value = serde_json::to_value(cell.spec("https://example.com").unwrap()).unwrap();
    let (kind, body) = match cell.framework.language() {
        Language::Python => ("python", "return word"),
        Language::Typescript => ("typescript", "return word;"),
    };
    let tools: Vec<Value> = ids
        .iter()
        .map(|id| {
            json!({"id": id, "kind": kind, "body": body, "effect": "read", "description": format!("Tool {id}."),
                "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}})
        })
        .collect();
    value["tools"] = json!(tools);
    for agent in value["agents"].as_array_mut().unwrap() {
        agent["tools"] = if agent["id"] == "main" { json!(ids) } else { json!([]) };
    }
    from_value(value).unwrap()
}

#[test]
fn a_hundred_tools_are_a_hundred_tools() {
    let ids: Vec<String> = (0..100).map(|number| format!("tool_{number}")).collect();
    let mut programs = Programs::default();
    for cell in cells().into_iter().filter(|cell| cell.pattern == Pattern::React) {
        let spec = with_tools(cell, &ids);
        let files = emit(&spec).unwrap_or_else(|found| panic!("{cell}: {found:?}"));
        for id in &ids {
            assert!(
                files.iter().any(|file| file.path.starts_with("src/") && file.content.contains(id)),
                "{cell}: {id}"
            );
        }
        programs.check(&files, &spec);
        if cell.framework == Framework::React {
            run_own_tests(cell, &spec);
        }
    }
    programs.parse();
}

#[test]
fn names_that_code_cannot_have_are_refused_with_their_place() {
    for cell in cells().into_iter().filter(|cell| cell.pattern == Pattern::React) {
        for (names, at) in [
            (["class", "other"], 0),
            (["fine", "print"], 1),
            (["match", "other"], 0),
            (["a-b", "a_b"], 0),
            (["twice", "twice"], 1),
            (["", "x"], 0),
            (["json", "x"], 0),
            (["é", "x"], 0),
        ] {
            let found = emit(&with_tools(cell, &names.map(str::to_owned))).unwrap_err();
            let path = format!("/tools/{at}/id");
            assert!(found.iter().any(|found| found.path == path), "{cell} {names:?}: {found:?}");
        }
    }
}

/// Where people put the nodes of the pipeline says nothing of what is generated.
#[test]
fn places_of_nodes_change_no_file_but_the_spec() {
    for cell in cells() {
        let plain = cell.spec("https://example.com").unwrap();
        let mut placed = plain.clone();
        for node in ["start", "end"].map(str::to_owned).into_iter().chain([format!("agent:{}", plain.agents[0].id)]) {
            placed.layout.nodes.insert(node, Position { x: 40, y: -8 });
        }
        let (before, after) = (emit(&plain).unwrap(), emit(&placed).unwrap());
        assert_eq!(before.len(), after.len(), "{cell}");
        for (before, after) in before.iter().zip(&after) {
            let is_spec = before.path == gantry_domain::spec::FILE_NAME;
            assert_eq!(before == after, !is_spec, "{cell}: {}", before.path);
        }
        let written = after.iter().find(|file| file.path == gantry_domain::spec::FILE_NAME).unwrap();
        assert_eq!(yaml::read(&written.content).unwrap(), placed, "{cell}");
    }
}
