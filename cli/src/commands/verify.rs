//! `gantry project verify`: whether a project is sound, as the server sees it, and with `--run` whether its own tests
//! pass where this program runs. The server never runs anything of a project for this.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use clap::Args;
use gantry_domain::api::project::Project;
use gantry_domain::api::verification::{CheckState, Verification};
use gantry_domain::matrix::{Language, Severity};
use reqwest::Method;
use serde::Serialize;
use uuid::Uuid;

use crate::Server;
use crate::client::Connection;
use crate::failure::Failure;
use crate::output::{Output, printable};

/// Arguments of `gantry project verify`.
#[derive(Args)]
pub(crate) struct Verify {
    /// The project's name or id.
    project: String,

    /// Also downloads the project, installs what its lock names and runs its own tests, on this machine. Each command
    /// is shown before it runs. Needs python3, or node and npm.
    #[arg(long)]
    run: bool,

    /// Where --run puts the project: a folder that is not there yet, and stays. A temporary one that is removed
    /// afterwards when left out.
    #[arg(long, requires = "run", value_name = "FOLDER")]
    folder: Option<PathBuf>,

    #[command(flatten)]
    server: Server,
}

/// What is printed with `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    #[serde(flatten)]
    verification: Verification,
    /// What was run here; none without `--run`, and when the project is not sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Ran>,
}

/// What was run on this machine.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ran {
    /// Whether every command ended well.
    passed: bool,
    /// The commands, in order; none comes after one that failed.
    steps: Vec<Step>,
}

/// A command that was run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    /// The command as a person would type it in the project's folder.
    command: String,
    /// What it ended with; none when a signal ended it.
    exit_code: Option<i32>,
    /// How long it took, in seconds.
    seconds: f64,
}

/// A command to be run: what it is called with, and what is set for it.
struct Command {
    program: PathBuf,
    arguments: Vec<&'static str>,
    variables: Vec<(&'static str, &'static str)>,
}

impl Command {
    fn new(program: impl Into<PathBuf>, arguments: &[&'static str]) -> Self {
        Self { program: program.into(), arguments: arguments.to_vec(), variables: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    fn as_typed(&self) -> String {
        let variables = self.variables.iter().map(|(name, value)| format!("{name}={value}"));
        let program = std::iter::once(self.program.display().to_string());
        let arguments = self.arguments.iter().map(|argument| (*argument).to_owned());
        variables.chain(program).chain(arguments).collect::<Vec<_>>().join(" ")
    }
}

/// Checks a project, and runs its tests if that is wanted.
pub(super) async fn verify(verify: Verify, output: &Output) -> Result<(), Failure> {
    let connection = verify.server.connect()?;
    let project = connection.project(&verify.project).await?;
    let id = project.summary.id.to_string();
    let verification: Verification = connection.get(&["projects", &id, "verification"]).await?;
    let name = project.summary.name.to_string();
    if !output.is_json() {
        eprintln!("{}", printable(&format!("{name}, revision {}", verification.revision)));
    }
    let mut report = Report { verification, run: None };
    // What is not sound is told first: its tests would only say the same in other words.
    if verify.run && report.verification.is_sound {
        if !output.is_json() {
            output.result(&report.verification, told);
        }
        report.run = Some(run(&connection, &project, verify.folder.as_deref()).await?);
        output.result(&report, |report| report.run.as_ref().map(told_run).unwrap_or_default());
    } else {
        output.result(&report, |report| told(&report.verification));
    }
    if !report.verification.is_sound {
        let note = if verify.run { "; nothing was run" } else { "" };
        return Err(Failure::failed(format!("{name} is not sound{note}")));
    }
    match report.run {
        Some(ran) if !ran.passed => Err(Failure::failed(format!("the tests of {name} did not pass here"))),
        _ => Ok(()),
    }
}

/// The checks, with what was found below each.
fn told(verification: &Verification) -> String {
    let mut lines = Vec::new();
    for check in &verification.checks {
        let state = match check.state {
            CheckState::Passed => "ok",
            CheckState::Warning => "warning",
            CheckState::Failed => "FAILED",
        };
        lines.push(format!("{state:<8} {}: {}", check.id.title(), check.summary));
        for finding in &check.findings {
            let severity = match finding.severity {
                Severity::Info => "note",
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            lines.push(format!("         {severity}: {}: {} ({})", finding.path, finding.message, finding.code));
        }
    }
    lines.join("\n")
}

fn told_run(ran: &Ran) -> String {
    let lines: Vec<String> = ran
        .steps
        .iter()
        .map(|step| {
            let (state, ended) = match step.exit_code {
                Some(0) => ("ok", String::new()),
                Some(code) => ("FAILED", format!(", exit code {code}")),
                None => ("FAILED", ", ended by a signal".to_owned()),
            };
            format!("{state:<8} ran here: {} ({:.1} s{ended})", step.command, step.seconds)
        })
        .collect();
    lines.join("\n")
}

/// Downloads the project, installs what it needs beside it and runs its tests.
async fn run(connection: &Connection, project: &Project, wanted: Option<&Path>) -> Result<Ran, Failure> {
    let id = project.summary.id.to_string();
    let response = connection.send(connection.request(Method::GET, &["projects", &id, "export"])).await?;
    let archive = response.bytes().await.map_err(|error| connection.unreachable(&error))?;
    let place = Place::new(wanted)?;
    let mut archive = zip::ZipArchive::new(Cursor::new(archive))
        .map_err(|error| Failure::failed(format!("the project's archive cannot be read: {error}")))?;
    archive.extract(&place.folder).map_err(|error| Failure::failed(format!("{}: {error}", place.folder.display())))?;
    let root = place.folder.join(project.summary.name.as_str());
    let commands = commands(project.spec.target.framework.language(), &root)?;
    eprintln!("in {}:", root.display());
    let mut steps: Vec<Step> = Vec::new();
    for command in commands {
        let typed = command.as_typed();
        eprintln!("$ {typed}");
        let began = Instant::now();
        let exit_code = execute(&command, &root).await?;
        steps.push(Step { command: typed, exit_code, seconds: began.elapsed().as_secs_f64() });
        if exit_code != Some(0) {
            return Ok(Ran { passed: false, steps });
        }
    }
    Ok(Ran { passed: true, steps })
}

/// What installs a project and runs its tests, as its README says.
fn commands(language: Language, root: &Path) -> Result<Vec<Command>, Failure> {
    if !root.join("tests").is_dir() {
        return Err(Failure::failed("the project has no folder tests, so there is nothing to run".to_owned()));
    }
    Ok(match language {
        Language::Python => {
            // By its whole path: what a relative one means to a child depends on the system.
            let python = root.join(".venv/bin/python");
            let lock = std::fs::read_to_string(root.join("requirements.lock")).unwrap_or_default();
            let has_packages = lock.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#'));
            let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.lock"];
            let mut commands = vec![Command::new("python3", &["-m", "venv", ".venv"])];
            if has_packages {
                commands.push(Command::new(&python, &install));
            }
            let tests = Command::new(&python, &["-m", "unittest", "discover", "-s", "tests"]);
            commands.push(tests.with("PYTHONPATH", "src"));
            commands
        }
        Language::Typescript => {
            vec![Command::new("npm", &["ci", "--no-audit", "--no-fund"]), Command::new("npm", &["test"])]
        }
    })
}

/// Runs a command in the project; what it prints goes to standard error. Ctrl-C ends it.
async fn execute(command: &Command, root: &Path) -> Result<Option<i32>, Failure> {
    let mut child = tokio::process::Command::new(&command.program);
    child
        .args(&command.arguments)
        .envs(command.variables.iter().copied())
        // The project's code has no business with the token of whoever checks it.
        .env_remove("GANTRY_TOKEN")
        .env_remove("GANTRY_URL")
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()))
        .kill_on_drop(true);
    let mut child = child.spawn().map_err(|error| {
        let program = command.program.display();
        Failure::failed(format!("{program} cannot be started ({error}): install it, or verify without --run"))
    })?;
    tokio::select! {
        ended = child.wait() => ended
            .map(|status| status.code())
            .map_err(|error| Failure::failed(format!("{}: {error}", command.program.display()))),
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    }
}

/// The folder that a project is put into; removed when nobody asked for it to stay.
struct Place {
    folder: PathBuf,
    stays: bool,
}

impl Place {
    fn new(wanted: Option<&Path>) -> Result<Self, Failure> {
        let folder = match wanted {
            Some(folder) if folder.exists() => {
                return Err(Failure::usage(format!("{} is there already: name a new folder", folder.display())));
            }
            Some(folder) => folder.to_owned(),
            None => std::env::temp_dir().join(format!("gantry-verify-{}", Uuid::now_v7().simple())),
        };
        std::fs::create_dir_all(&folder)
            .and_then(|()| folder.canonicalize())
            .map(|folder| Self { folder, stays: wanted.is_some() })
            .map_err(|error| Failure::usage(format!("{}: {error}", folder.display())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.stays
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            eprintln!("{} could not be removed: {error}", self.folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let command = Command::new("python3", &["-m", "unittest"]).with("PYTHONPATH", "src");
        assert_eq!(command.as_typed(), "PYTHONPATH=src python3 -m unittest");
    }

    #[test]
    fn a_folder_that_is_there_is_not_written_into() {
        assert!(matches!(Place::new(Some(&std::env::temp_dir())), Err(Failure::Usage(_))));
        let place = Place::new(None).unwrap();
        let folder = place.folder.clone();
        assert!(folder.is_dir());
        drop(place);
        assert!(!folder.exists());
    }
}
