//! Generated projects are installed and run: their own tests pass, each tool is called by a model
//! (a stand-in on the loopback interface), and what the tool truly returned goes back to the model.
//!
//! The LangGraph part installs the lock from PyPI into a virtual environment that is kept in
//! `~/.cache/gantry-test`; `GANTRY_TEST_SKIP=pypi` leaves that part out, and says so.

#![expect(clippy::unwrap_used, reason = "a test that fails by unwrapping has said what it needs to say")]

mod loopback;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gantry_domain::spec::{Builtin, Spec, from_value};
use loopback::Loopback;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What the loopback endpoint answers an HTTP tool with.
const WEATHER: &str = "17C and clear in Oslo";

fn spec(framework: &str, pattern: &str, endpoint: &str) -> Spec {
    let word = json!({"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]});
    let city = json!({"type": "object", "required": ["city"],
        "properties": {"city": {"type": "string"}, "detail": {"type": "boolean"}}});
    let tools = json!([
        {"id": "get_weather", "kind": "http", "method": "GET", "url": format!("{endpoint}/weather/{{city}}?units=metric"),
         "description": "Return the current weather for a city.", "effect": "network", "parameters": city},
        Builtin::Calculator.tool(),
        Builtin::CurrentTime.tool(),
        Builtin::TextStatistics.tool(),
        {"id": "look_up", "kind": "mcp", "command": ["python3", "no-such-server.py"], "tool": "lookUp", "effect": "exec",
         "description": "Look a word up.", "parameters": word},
        {"id": "shout", "kind": "python", "body": "return word.upper() + '!'", "effect": "read",
         "description": "Say it louder.", "parameters": word},
    ]);
    let ids: Vec<&str> = tools.as_array().unwrap().iter().map(|tool| tool["id"].as_str().unwrap()).collect();
    let mut value = json!({
        "apiVersion": "gantry/v1", "kind": "Agent",
        "metadata": {"name": "proof-bot", "version": "0.1.0-rc.1", "description": "Proves that \"generated\" projects run."},
        "target": {"framework": framework, "language": "python", "pattern": pattern},
        "models": {"default": {"temperature": 0.0}},
        "agents": [{"id": "main", "role": "Prover", "instructions": "Use the tools.\nBe \"brief\".", "tools": ids}],
        "tools": tools,
    });
    match pattern {
        "single" => {
            value["agents"][0]["tools"] = json!([]);
            value["tools"] = json!([]);
        }
        "sequential" => {
            // The second task comes first in the list: the order is that of the dependencies.
            let writer = json!({"id": "writer", "role": "Writer", "instructions": "Write."});
            value["agents"].as_array_mut().unwrap().push(writer);
            value["tasks"] = json!([
                {"id": "report", "agent": "writer", "description": "Write a report.", "expectedOutput": "One line.", "dependsOn": ["measure"]},
                {"id": "measure", "agent": "main", "description": "Measure it."},
            ]);
        }
        _ => {}
    }
    from_value(value).unwrap()
}

struct Generated {
    directory: tempfile::TempDir,
    python: PathBuf,
}

impl Generated {
    fn new(spec: &Spec, python: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for file in gantry_generator::emit(spec).unwrap() {
            let path = directory.path().join(&file.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file.content).unwrap();
        }
        Self { directory, python: python.to_owned() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("PYTHONPATH", "src")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    fn with_model(&self, model: &Loopback, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("OPENAI_BASE_URL", format!("{}/v1", model.address())).env("MODEL_NAME", "fake");
        command
    }

    fn passes_its_own_tests(&self) {
        let output = self.command(&["-m", "unittest", "discover", "-s", "tests"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("OK") && !text.contains("Ran 0 tests"), "{text}");
    }

    /// Runs one message; gives what was printed.
    fn answers(&self, model: &Loopback, message: &str) -> String {
        let output = self.with_model(model, &["-m", "proof_bot", message]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit 0, at least two calls of the model, the tool's true output in a later one, `FINAL` on stdout.
    fn calls(&self, tool: &str, arguments: &Value, output: &str) {
        let model = Loopback::model(tool, arguments.clone());
        let printed = self.answers(&model, "Please do it");
        let requests = model.requests();
        assert!(requests.len() >= 2, "{tool}: {requests:?}");
        let is_result = |message: &&Value| {
            message["role"] == "tool" && message["content"].as_str().is_some_and(|text| text.contains(output))
        };
        let returned = requests[1..]
            .iter()
            .any(|body| body["messages"].as_array().into_iter().flatten().find(is_result).is_some());
        assert!(returned, "{tool}: its output {output:?} did not go back: {requests:?}");
        assert!(printed.contains("FINAL"), "{tool}: {printed}");
    }

    /// Serves, and answers a run over AG-UI.
    fn serves(&self) {
        let model = Loopback::model("calculator", json!({"expression": "6*7"}));
        let mut server = self
            .with_model(&model, &["-m", "proof_bot", "serve"])
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("//").next().unwrap().to_owned();
        let health = request(&address, "GET", "/healthz", "");
        let message = json!({"id": "1", "role": "user", "content": "6*7?"});
        let body = json!({"threadId": "t", "runId": "r", "messages": [message], "tools": [], "context": [], "state": {}, "forwardedProps": {}});
        let stream = request(&address, "POST", "/agui", &body.to_string());
        server.kill().unwrap();
        server.wait().unwrap();

        assert!(health.starts_with("HTTP/1.0 200") && health.contains("ok"), "{health}");
        let types: Vec<String> = stream
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str::<Value>(data).unwrap()["type"].as_str().unwrap().to_owned())
            .collect();
        let expected = [
            "RUN_STARTED",
            "TOOL_CALL_START",
            "TOOL_CALL_ARGS",
            "TOOL_CALL_END",
            "TOOL_CALL_RESULT",
            "TEXT_MESSAGE_START",
            "TEXT_MESSAGE_CONTENT",
            "TEXT_MESSAGE_END",
            "RUN_FINISHED",
        ];
        assert_eq!(types, expected, "{stream}");
        assert!(stream.contains("FINAL: 42"), "{stream}");
    }

    /// Without settings it says what is missing, and nothing else.
    fn says_what_is_missing(&self) {
        let output = self.command(&["-m", "proof_bot", "Hello"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("OPENAI_BASE_URL is not set") && !text.contains("Traceback"), "{text}");
    }
}

fn request(address: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn prove(framework: &str, python: &Path) {
    let endpoint = Loopback::endpoint(WEATHER);

    let react = Generated::new(&spec(framework, "react", endpoint.address()), python);
    react.passes_its_own_tests();
    react.says_what_is_missing();
    react.calls("calculator", &json!({"expression": "2**10 + 0.5"}), "1024.5");
    react.calls("get_weather", &json!({"city": "Oslo/Ås", "detail": true}), WEATHER);
    let asked = endpoint.lines();
    let expected = "GET /weather/Oslo%2F%C3%85s?units=metric&detail=true ";
    assert!(asked.iter().any(|line| line.starts_with(expected)), "{asked:?}");
    react.serves();

    let sequential = Generated::new(&spec(framework, "sequential", endpoint.address()), python);
    sequential.passes_its_own_tests();
    let counts = "{\"characters\": 7, \"words\": 2, \"lines\": 1}";
    sequential.calls("text_statistics", &json!({"text": "one two"}), counts);

    let single = Generated::new(&spec(framework, "single", endpoint.address()), python);
    single.passes_its_own_tests();
    let model = Loopback::model("", json!({}));
    assert!(single.answers(&model, "Hello").contains("FINAL"));
    assert_eq!(model.requests().len(), 1);
}

#[test]
fn plain_react_projects_run_and_call_their_tools() {
    prove("react", Path::new("python3"));
}

#[test]
fn langgraph_projects_run_and_call_their_tools() {
    if std::env::var("GANTRY_TEST_SKIP").is_ok_and(|parts| parts.split(',').any(|part| part.trim() == "pypi")) {
        eprintln!("NOT TESTED: LangGraph projects were not installed and run (GANTRY_TEST_SKIP names pypi)");
        return;
    }
    prove("langgraph", &environment("langgraph").join("bin/python"));
}

/// A virtual environment with what the framework's lock pins, made once.
fn environment(framework: &str) -> PathBuf {
    let files = gantry_generator::emit(&spec(framework, "single", "http://127.0.0.1:1")).unwrap();
    let lock = files.iter().find(|file| file.path == "requirements.lock").unwrap();
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap();
    let name = format!("venv-{}", &hex::encode(Sha256::digest(&lock.content))[..12]);
    let directory = home.join(".cache/gantry-test").join(name);
    let ready = directory.join("ready");
    if !ready.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory));
        let lock_file = directory.join("requirements.lock");
        std::fs::write(&lock_file, &lock.content).unwrap();
        run(Command::new(directory.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&lock_file));
        std::fs::write(ready, "").unwrap();
    }
    directory
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} failed; with no way to PyPI, GANTRY_TEST_SKIP=pypi leaves this out: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
