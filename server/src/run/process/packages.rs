//! The packages of projects that run as plain processes: one environment for each lock file, installed once by
//! the server's own `pip` or `npm` and then only read. Where the packages come from is what that is configured
//! with; no address is written here.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use gantry_domain::agui::AgUiEvent;
use gantry_domain::event::{EventBody, JobReason};
use gantry_generator::packages::{CommandLine, Lock};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::super::generated::{Halt, last_words, notice_event};
use super::{MARK, disk, if_there, on_disk};
use crate::app::App;
use crate::gateway::clean;
use crate::jobs::JobContext;
use crate::outside::program::{self, Program, Wish};

/// What the processes are known by that install an environment.
const ENVIRONMENT_MARK: &str = "GANTRY_ENVIRONMENT";
/// How often what an installer wrote is told.
const TELL: Duration = Duration::from_millis(300);
/// How often somebody looks whether another run has installed the same packages.
const LOOK: Duration = Duration::from_millis(200);
/// What of the server's own environment an installer gets, so that it finds its configuration, and the network.
const INHERITED: [&str; 19] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CACHE_HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];
/// And what begins like this.
const INHERITED_BEGINNINGS: [&str; 4] = ["PIP_", "UV_", "NPM_CONFIG_", "npm_config_"];

/// Installs for an attempt at a run, which tells how it goes.
pub(super) struct Installer<'a> {
    pub(super) app: &'a App,
    pub(super) job: &'a JobContext,
    pub(super) run_id: Uuid,
    /// What the run's processes are known by.
    pub(super) mark: &'a str,
}

/// Why a command did not do its work.
enum Fault {
    /// It could not be started.
    NotStarted(io::Error),
    /// It failed; what it wrote last.
    Failed(ExitStatus, String),
}

impl Installer<'_> {
    /// The environment with a lock's packages, installed if it is not there; none when the lock names nothing.
    pub(super) async fn install(&self, lock: &Lock) -> Result<Option<PathBuf>, Halt> {
        if lock.is_empty() {
            return Ok(None);
        }
        let kept = match &self.app.config.process_environments {
            Some(directory) => directory.clone(),
            None => self.app.config.data.join("environments"),
        };
        let directory = std::path::absolute(kept.join(lock.name())).map_err(|error| disk(&error))?;
        let limit = Duration::from_secs(u64::from(self.app.config.process_install_minutes) * 60);
        match tokio::time::timeout(limit, self.install_once(lock, &directory)).await {
            Ok(installed) => installed.map(|()| Some(directory)),
            // What is at work for it is killed with what was dropped.
            Err(_) => Err(Halt::failed(
                "install_timeout",
                format!(
                    "The project's packages were not installed within {} minutes. Raise GANTRY_PROCESS_INSTALL_MINUTES, or see why the package index is slow.",
                    self.app.config.process_install_minutes
                ),
            )),
        }
    }

    async fn install_once(&self, lock: &Lock, directory: &Path) -> Result<(), Halt> {
        if is_ready(lock, directory) {
            return Ok(());
        }
        // Let go of when it is dropped, also by the end of the server.
        let _claim = self.claim(directory).await?;
        if is_ready(lock, directory) {
            return Ok(());
        }
        let began = Instant::now();
        let packages = lock.packages();
        let message = format!(
            "Installing the project's {packages} packages. They are kept: the next run with this lock file starts at once."
        );
        self.tell(notice_event(&JobReason { code: "installing".to_owned(), message })).await?;
        // A server that ended in the middle of this has left its installer at work.
        let entry = format!("{ENVIRONMENT_MARK}={}", directory.display());
        program::kill_all(None, entry).await;
        let (place, files) = (directory.to_owned(), lock.files().to_vec());
        on_disk(move || begin(&place, &files)).await.map_err(|error| disk(&error))?;
        let place = directory.to_str().ok_or_else(|| disk(&io::Error::other("its path is no UTF-8")))?;
        self.install_in_some_way(lock.ways(place), directory).await?;
        let place = directory.join("ready");
        on_disk(move || std::fs::write(place, "")).await.map_err(|error| disk(&error))?;
        let message = format!("The packages are installed, in {} seconds.", began.elapsed().as_secs().max(1));
        self.tell(notice_event(&JobReason { code: "installed".to_owned(), message })).await
    }

    /// Waits until nobody else installs the same.
    async fn claim(&self, directory: &Path) -> Result<File, Halt> {
        let path = directory.with_extension("claim");
        let opened = on_disk(move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            File::create(path)
        });
        let claim = opened.await.map_err(|error| disk(&error))?;
        loop {
            match claim.try_lock() {
                Ok(()) => return Ok(claim),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
                Err(TryLockError::Error(error)) => return Err(disk(&error)),
            }
        }
    }

    /// Goes the first way whose first command works.
    async fn install_in_some_way(&self, ways: Vec<Vec<CommandLine>>, directory: &Path) -> Result<(), Halt> {
        let mut first_fault = None;
        'ways: for way in ways {
            for (index, command) in way.iter().enumerate() {
                let wish = self.wish(command, directory);
                match (self.run(wish).await?, index) {
                    (Ok(()), _) => {}
                    (Err(fault), 0) => {
                        first_fault.get_or_insert_with(|| not_installed(command, fault));
                        continue 'ways;
                    }
                    (Err(fault), _) => return Err(not_installed(command, fault)),
                }
            }
            return Ok(());
        }
        Err(first_fault.unwrap_or_else(|| Halt::failed("packages_not_installed", "There is no way to install them.")))
    }

    fn wish(&self, command: &CommandLine, directory: &Path) -> Wish {
        let mut words = command.iter().map(OsString::from);
        Wish {
            program: words.next().unwrap_or_default(),
            arguments: words.collect(),
            directory: directory.to_owned(),
            environment: std::env::vars_os().filter(|(name, _)| is_inherited(&name.to_string_lossy())).collect(),
            marks: vec![(MARK, self.mark.to_owned()), (ENVIRONMENT_MARK, directory.display().to_string())],
        }
    }

    /// Compiles the project's own code.
    pub(super) async fn compile(&self, wish: Wish) -> Result<(), Halt> {
        let program = wish.program.to_string_lossy().into_owned();
        match self.run(wish).await? {
            Ok(()) => Ok(()),
            Err(Fault::NotStarted(error)) => Err(not_started(&program, &error)),
            Err(Fault::Failed(status, said)) => Err(Halt::failed(
                "project_not_compiled",
                format!("The project's code does not compile ({status}).{}", last_words(&said, None)),
            )),
        }
    }

    /// Runs a program to its end and tells what it writes.
    async fn run(&self, wish: Wish) -> Result<Result<(), Fault>, Halt> {
        let mut program = match Program::start(wish) {
            Ok(program) => program,
            Err(error) => return Ok(Err(Fault::NotStarted(error))),
        };
        let status = loop {
            let ended = tokio::time::timeout(TELL, program.ended()).await;
            self.tell_lines(program.new_lines()).await?;
            if let Ok(status) = ended {
                break status;
            }
        };
        // What is on its way still.
        tokio::time::sleep(super::WORDS_WITHIN).await;
        self.tell_lines(program.new_lines()).await?;
        program.kill().await;
        Ok(match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(Fault::Failed(status, without_passwords(&program.last_lines()))),
            None => Err(Fault::NotStarted(io::Error::other("the system does not tell how it ended"))),
        })
    }

    async fn tell_lines(&self, lines: Vec<String>) -> Result<(), Halt> {
        if lines.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = lines.iter().map(|line| clean(&without_passwords(line))).collect();
        self.tell(AgUiEvent::Custom { name: "gantry.install".to_owned(), value: json!({ "lines": lines }) }).await
    }

    async fn tell(&self, event: AgUiEvent) -> Result<(), Halt> {
        self.job.append(EventBody::RunEvent { run_id: self.run_id, event }).await?;
        Ok(())
    }
}

/// Whether an environment holds what a lock names, all of it.
fn is_ready(lock: &Lock, directory: &Path) -> bool {
    let has =
        |(path, text): &(String, String)| std::fs::read_to_string(directory.join(path)).is_ok_and(|it| it == *text);
    directory.join("ready").exists() && lock.files().iter().all(has)
}

/// Makes an empty environment with the lock in it.
fn begin(directory: &Path, files: &[(String, String)]) -> io::Result<()> {
    if_there(std::fs::remove_dir_all(directory))?;
    std::fs::create_dir_all(directory)?;
    for (path, text) in files {
        std::fs::write(directory.join(path), text)?;
    }
    Ok(())
}

fn is_inherited(name: &str) -> bool {
    INHERITED.contains(&name) || INHERITED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Why a program could not be started, for whoever can do something about it.
pub(super) fn not_started(program: &str, error: &io::Error) -> Halt {
    if error.kind() == io::ErrorKind::NotFound {
        return Halt::failed(
            "program_missing",
            format!(
                "There is no {program} on the server, which the project needs to run as a plain process. Install it where GANTRY's PATH finds it, or run the project in a container."
            ),
        );
    }
    Halt::failed("process_not_started", format!("{program} cannot be started on the server: {error}."))
}

fn not_installed(command: &CommandLine, fault: Fault) -> Halt {
    match fault {
        Fault::NotStarted(error) => not_started(command.first().map_or("", String::as_str), &error),
        Fault::Failed(status, said) => Halt::failed(
            "packages_not_installed",
            format!(
                "The project's packages could not be installed: {:?} ended with {status}. Where packages come from is what pip and npm are configured with for the server's user.{}",
                command.join(" "),
                last_words(&said, None)
            ),
        ),
    }
}

/// What an installer says of an index's address may hold a name and a password before the host.
fn without_passwords(text: &str) -> String {
    let mut rest = text;
    let mut clean = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("://") {
        clean.push_str(before);
        clean.push_str("://");
        let end = after.find(|character: char| character == '/' || character.is_whitespace()).unwrap_or(after.len());
        let (host, more) = after.split_at(end);
        match host.rsplit_once('@') {
            Some((_, host)) => {
                clean.push_str("[hidden]@");
                clean.push_str(host);
            }
            None => clean.push_str(host),
        }
        rest = more;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_are_not_told() {
        let line = "Looking in indexes: https://ada:s3cret@index.example/simple, http://plain.example/x@y";
        let expected = "Looking in indexes: https://[hidden]@index.example/simple, http://plain.example/x@y";
        assert_eq!(without_passwords(line), expected);
        assert_eq!(without_passwords("no address"), "no address");
    }

    #[test]
    fn an_installer_gets_its_own_settings_and_none_of_gantry_s() {
        assert!(is_inherited("PIP_INDEX_URL") && is_inherited("HOME") && is_inherited("npm_config_registry"));
        for name in ["GANTRY_MASTER_KEY", "GANTRY_DATABASE_URL", "OPENAI_API_KEY", "PIPE"] {
            assert!(!is_inherited(name), "{name}");
        }
    }
}
