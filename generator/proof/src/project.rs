//! A generated project on the disk, and what one does with it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, ensure};
use gantry_domain::matrix::Language;
use gantry_domain::spec::Spec;
use serde_json::{Value, json};

use crate::{Environment, Loopback};

/// A generated project in a directory of its own.
pub struct Generated {
    directory: tempfile::TempDir,
    environment: Environment,
    spec: Spec,
    variables: Vec<(String, String)>,
}

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Seconds of CPU, of the user's and the system's.
    pub cpu_seconds: f64,
    /// The most memory that was resident at a time.
    pub resident_bytes: u64,
}

impl Generated {
    /// Writes the project of a spec; for TypeScript, compiles it.
    ///
    /// # Errors
    ///
    /// What the generator finds in the spec, or what the compiler finds in the project.
    pub fn new(spec: &Spec, environment: &Environment) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        for file in gantry_generator::emit(spec).map_err(|found| anyhow!("the spec is refused: {found:?}"))? {
            let path = directory.path().join(&file.path);
            std::fs::create_dir_all(path.parent().context("a file has a directory")?)?;
            std::fs::write(path, file.content)?;
        }
        let project = Self { directory, environment: environment.clone(), spec: spec.clone(), variables: Vec::new() };
        if spec.target.framework.language() == Language::Typescript {
            let modules = project.environment.directory.join("node_modules");
            #[cfg(unix)]
            std::os::unix::fs::symlink(&modules, project.directory.path().join("node_modules"))?;
            let output = project.command("node", &["node_modules/typescript/bin/tsc"]).output()?;
            ensure!(output.status.success(), "tsc: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(project)
    }

    /// Sets a variable of the environment that the project is run in.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("PYTHONPATH", "src")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // Whoever calls somebody else than the loopback interface is told that nobody is there.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("NO_PROXY", "127.0.0.1,localhost")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The project's own command line.
    fn agent(&self, arguments: &[&str]) -> Command {
        let package = gantry_generator::package_name(self.spec.metadata.name.as_str());
        let head: Vec<&str> = match self.spec.target.framework.language() {
            Language::Python => vec!["-m", &package],
            Language::Typescript => vec!["dist/src/main.js"],
        };
        self.command(self.environment.program(), &[head.as_slice(), arguments].concat())
    }

    fn with_model(&self, model: &Loopback, arguments: &[&str]) -> Command {
        let mut command = self.agent(arguments);
        command
            .env("OPENAI_BASE_URL", format!("{}/v1", model.address()))
            .env("OPENAI_API_KEY", "no-key")
            .env("MODEL_NAME", "fake");
        command
    }

    /// Runs the project's own tests.
    ///
    /// # Errors
    ///
    /// What the tests say when one fails or there is none.
    pub fn passes_its_own_tests(&self) -> Result<()> {
        let arguments: &[&str] = match self.spec.target.framework.language() {
            Language::Python => &["-m", "unittest", "discover", "-s", "tests"],
            Language::Typescript => &["--test", "dist/tests/"],
        };
        let output = self.command(self.environment.program(), arguments).output()?;
        let text = [output.stderr, output.stdout].concat();
        let text = String::from_utf8_lossy(&text);
        ensure!(output.status.success(), "its own tests: {text}");
        let ran = !text.contains("Ran 0 tests") && !text.contains("# tests 0");
        ensure!(ran, "its own tests: there are none: {text}");
        Ok(())
    }

    /// Runs one message; gives what was printed.
    ///
    /// # Errors
    ///
    /// What it says when it does not end well.
    pub fn answers(&self, model: &Loopback, message: &str) -> Result<String> {
        let output = self.with_model(model, &[message]).output()?;
        ensure!(output.status.success(), "a run: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// What one run of a message costs.
    ///
    /// # Errors
    ///
    /// When the run does not end well.
    pub fn cost(&self, model: &Loopback, message: &str) -> Result<Cost> {
        const SCRIPT: &str = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, \
            stdout=subprocess.DEVNULL); u = resource.getrusage(resource.RUSAGE_CHILDREN); \
            print(u.ru_utime + u.ru_stime, u.ru_maxrss)";
        let run = self.with_model(model, &[message]);
        let mut command = self.command("python3", &["-c", SCRIPT]);
        command.arg(run.get_program()).args(run.get_args());
        for (name, value) in run.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let output = command.output()?;
        ensure!(output.status.success(), "a run: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout)?;
        let (seconds, kilobytes) = text.trim().split_once(' ').context("two figures")?;
        Ok(Cost { cpu_seconds: seconds.parse()?, resident_bytes: kilobytes.parse::<u64>()? * 1024 })
    }

    /// The model goes a way to the agent with a tool and calls it: exit 0, the tool is called once,
    /// its true output is in a later request, `FINAL` is printed.
    ///
    /// # Errors
    ///
    /// What did not hold.
    pub fn calls(&self, tool: &str, arguments: &Value, output: &str) -> Result<()> {
        let model = self.model(tool, arguments)?;
        let printed = self.answers(&model, "Please do it")?;
        let requests = model.requests();
        ensure!(requests.len() >= 2, "{tool}: fewer than two requests: {requests:?}");
        // Some frameworks pack what a tool returned into JSON.
        let packed = Value::from(output).to_string();
        let packed = packed.trim_matches('"');
        let is_result = |message: &&Value| {
            let text = crate::loopback::text_of(message);
            message["role"] == "tool" && (text.contains(output) || text.contains(packed))
        };
        let messages = requests[1..].iter().flat_map(|body| body["messages"].as_array().into_iter().flatten());
        let returned: BTreeSet<String> =
            messages.filter(is_result).map(|message| message["tool_call_id"].to_string()).collect();
        ensure!(!returned.is_empty(), "{tool}: its output {output:?} did not go back: {requests:?}");
        ensure!(printed.contains("FINAL"), "{tool}: {printed}");
        Ok(())
    }

    /// A model that makes the project call a tool once.
    ///
    /// # Errors
    ///
    /// When no way leads to the tool.
    pub fn model(&self, tool: &str, arguments: &Value) -> Result<Loopback> {
        let (before, _) =
            gantry_generator::moves(&self.spec, tool).with_context(|| format!("no way leads to {tool}"))?;
        Loopback::model(before, tool, arguments.clone())
    }

    /// Serves, and answers a run over AG-UI.
    ///
    /// # Errors
    ///
    /// What did not hold.
    pub fn serves(&self) -> Result<()> {
        let model = self.model("calculator", &json!({"expression": "6*7"}))?;
        let mut server = self
            .with_model(&model, &["serve"])
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let told = (|| {
            let mut line = String::new();
            let mut output = BufReader::new(server.stdout.take().context("its output")?);
            while !line.contains("listening on ") {
                line.clear();
                ensure!(output.read_line(&mut line)? > 0, "it ended before it listened");
            }
            let address = line.trim().rsplit("//").next().unwrap_or_default().to_owned();
            let health = request(&address, "GET", "/healthz", "")?;
            let message = json!({"id": "1", "role": "user", "content": "6*7?"});
            let body = json!({"threadId": "t", "runId": "r", "messages": [message], "tools": [], "context": [], "state": {}, "forwardedProps": {}});
            Ok((health, request(&address, "POST", "/agui", &body.to_string())?))
        })();
        server.kill()?;
        server.wait()?;
        let (health, stream) = told?;

        ensure!(health.starts_with("HTTP/1.") && health.contains(" 200 ") && health.contains("ok"), "{health}");
        let types: Vec<String> = stream
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            .filter_map(|event| event["type"].as_str().map(str::to_owned))
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
        ensure!(types == expected, "{stream}");
        // The tool's output comes back in the answer, plain or packed into JSON as the framework has it.
        let answer = stream.lines().find(|line| line.contains("TEXT_MESSAGE_CONTENT")).unwrap_or_default();
        ensure!(answer.contains("FINAL: ") && answer.contains("42"), "{stream}");
        Ok(())
    }

    /// Without settings it says what is missing, and nothing else.
    ///
    /// # Errors
    ///
    /// What it says instead.
    pub fn says_what_is_missing(&self) -> Result<()> {
        let output = self.agent(&["Hello"]).output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(1), "without settings: {text}");
        ensure!(text.contains("OPENAI_BASE_URL is not set") && !text.contains("Traceback"), "without settings: {text}");
        Ok(())
    }
}

fn request(address: &str, method: &str, path: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
