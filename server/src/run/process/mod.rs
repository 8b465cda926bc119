//! A generated project as a plain process of the server's own user, where the operator allows that. It has all
//! rights of that user, and no sandbox is around it or pretended: what is seen to here is that it gets an
//! environment without anything of Gantry's, that nobody else is taken for it, and that nothing of it is left.
//!
//! Each run has a room under `runs` in the data directory, with the project's files as they were in the revision
//! that it runs, a home and a place for temporary files; beside the room a record says whose it is and which
//! process is at work in it. The packages are in environments of their own, see `packages`.
//!
//! The project's server chooses its port. Which it is, the system tells: what the run's own processes listen
//! on. It is asked again after each connection was made, so no other program is ever taken for the project.

mod packages;

use std::ffi::OsString;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gantry_domain::event::JobReason;
use gantry_domain::matrix::Language;
use gantry_generator::packages::Lock;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::generated::{Broken, Connection, Halt, Plan, Runner, environment, instance, is_wanted, last_words};
use crate::app::App;
use crate::jobs::JobContext;
use crate::outside::program::{self, Identity, Listener, Program, Wish};
use crate::project::{self, StoredFile};
use crate::{error, gateway};

use packages::Installer;

/// What a process of a run is known by: whose database, which run, which attempt.
const MARK: &str = "GANTRY_MARK";
/// What of the server's own environment a project gets.
const INHERITED: [&str; 4] = ["PATH", "LANG", "LC_ALL", "TZ"];
/// How long it is waited for a process to have ended whose connection broke off.
const END_WITHIN: Duration = Duration::from_secs(1);
/// How long for what it wrote last to be read.
const WORDS_WITHIN: Duration = Duration::from_millis(50);

/// The process of one attempt at a run. However it is let go of, it is killed with all that it has started.
pub(super) struct Process<'a> {
    app: &'a App,
    job: &'a JobContext,
    plan: &'a Plan<'a>,
    revision: i64,
    instance: String,
    room: Room,
    command: Option<(OsString, Vec<OsString>)>,
    program: Option<Program>,
    door: Option<tokio::task::JoinHandle<()>>,
    /// What must not be told to anybody.
    token: Option<SecretString>,
    listens: Mutex<Listens>,
}

/// Where the project's server was found.
#[derive(Default)]
struct Listens {
    /// How often something else was tried.
    tried: usize,
    /// What was connected to last.
    last: Option<Listener>,
    /// What answered as the project's server.
    chosen: Option<Listener>,
}

/// A run's place on the disk.
#[derive(Clone, Debug)]
struct Room {
    directory: PathBuf,
}

/// Whose a room is, and which process is at work in it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    instance: String,
    run: Uuid,
    attempt: i64,
    /// None until it is started.
    leader: Option<Identity>,
}

impl Record {
    fn mark(&self) -> String {
        mark_of(&self.instance, self.run, Some(self.attempt))
    }
}

/// What stands in the environment of an attempt's processes; without an attempt, what that begins with.
fn mark_of(instance: &str, run: Uuid, attempt: Option<i64>) -> String {
    let attempt = attempt.map(|attempt| format!("{attempt}:")).unwrap_or_default();
    format!("{instance}:{run}:{attempt}")
}

impl Room {
    fn of(app: &App, run: Uuid) -> io::Result<Self> {
        Ok(Self { directory: std::path::absolute(root(app).join(run.to_string()))? })
    }

    fn project(&self) -> PathBuf {
        self.directory.join("project")
    }

    fn home(&self) -> PathBuf {
        self.directory.join("home")
    }

    fn temporary(&self) -> PathBuf {
        self.directory.join("tmp")
    }

    fn record(&self) -> PathBuf {
        self.directory.with_extension("json")
    }

    /// Writes the record, whole or not at all.
    fn note(&self, record: &Record) -> io::Result<()> {
        let path = self.record();
        if let Some(root) = path.parent() {
            std::fs::create_dir_all(root)?;
        }
        let new = path.with_extension("json.new");
        std::fs::write(&new, serde_json::to_vec(record).map_err(io::Error::other)?)?;
        std::fs::rename(new, path)
    }

    /// Puts the project's files there.
    fn fill(&self, files: Vec<StoredFile>) -> io::Result<()> {
        for directory in [self.project(), self.home(), self.temporary()] {
            std::fs::create_dir_all(directory)?;
        }
        for file in files {
            // They were refused when they were written; this is where it would matter.
            if project::paths::fault_of(&file.path).is_some() {
                return Err(io::Error::other(format!("{:?} is no path within a project", file.path)));
            }
            let path = self.project().join(&file.path);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, file.content)?;
        }
        Ok(())
    }

    /// Removes it, and then what says that it was there.
    fn clear(&self) -> io::Result<()> {
        if_there(std::fs::remove_dir_all(&self.directory))?;
        if_there(std::fs::remove_file(self.record()))
    }
}

/// What was to be removed need not be there.
fn if_there(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn root(app: &App) -> PathBuf {
    app.config.data.join("runs")
}

fn disk(error: &io::Error) -> Halt {
    Halt::failed("process_disk", format!("The run's directory in the server's data directory cannot be used: {error}."))
}

/// Does what waits for the disk where that holds nobody up.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl<'a> Process<'a> {
    /// The process that is to be.
    ///
    /// # Errors
    /// Whatever the database answers, or a disk on which nothing has a place.
    pub(super) async fn new(
        app: &'a App,
        job: &'a JobContext,
        plan: &'a Plan<'a>,
        revision: i64,
    ) -> error::Result<Self> {
        Ok(Self {
            app,
            job,
            plan,
            revision,
            instance: instance(app).await?,
            room: Room::of(app, plan.run.id).map_err(anyhow::Error::from)?,
            command: None,
            program: None,
            door: None,
            token: None,
            listens: Mutex::default(),
        })
    }

    fn record(&self, leader: Option<Identity>) -> Record {
        Record { instance: self.instance.clone(), run: self.plan.run.id, attempt: self.job.attempt(), leader }
    }

    async fn note(&self, leader: Option<Identity>) -> Result<(), Halt> {
        let (room, record) = (self.room.clone(), self.record(leader));
        on_disk(move || room.note(&record)).await.map_err(|error| disk(&error))
    }

    /// What the project's own programs are started with.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> =
            INHERITED.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?))).collect();
        let own: [(&str, OsString); 6] = [
            ("HOME", self.room.home().into()),
            ("TMPDIR", self.room.temporary().into()),
            ("PYTHONPATH", self.room.project().join("src").into()),
            ("PYTHONUNBUFFERED", "1".into()),
            // The packages' environment is not this run's to write to.
            ("PYTHONDONTWRITEBYTECODE", "1".into()),
            ("NODE_ENV", "production".into()),
        ];
        variables.extend(own.map(|(name, value)| (OsString::from(name), value)));
        variables
    }

    fn wish(
        &self,
        command: (OsString, Vec<OsString>),
        directory: PathBuf,
        environment: Vec<(OsString, OsString)>,
    ) -> Wish {
        let (program, arguments) = command;
        Wish { program, arguments, directory, environment, marks: vec![(MARK, self.record(None).mark())] }
    }

    /// How the project's server is started, once its packages are there.
    async fn ready(&self, packages: Option<PathBuf>, installer: &Installer<'_>) -> Result<Vec<OsString>, Halt> {
        let package = gantry_generator::package_name(self.plan.spec.metadata.name.as_str());
        Ok(match self.plan.spec.target.language {
            Language::Python => {
                let python: OsString = match packages {
                    Some(directory) => directory.join("bin/python").into(),
                    None => "python3".into(),
                };
                vec![python, "-m".into(), package.into(), "serve".into()]
            }
            Language::Typescript => {
                let modules = packages.unwrap_or_default().join("node_modules");
                let link = self.room.project().join("node_modules");
                on_disk(move || std::os::unix::fs::symlink(modules, link)).await.map_err(|error| disk(&error))?;
                let compiler = ("node".into(), vec!["node_modules/typescript/bin/tsc".into()]);
                let compiler = self.wish(compiler, self.room.project(), self.environment());
                installer.compile(compiler).await?;
                vec!["node".into(), "dist/src/main.js".into(), "serve".into()]
            }
        })
    }

    /// Which of these to ask: what has answered before, else each in turn.
    fn choose(&self, listeners: &[Listener]) -> Option<Listener> {
        let mut listens = self.listens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chosen) = listens.chosen {
            return listeners.contains(&chosen).then_some(chosen);
        }
        let next = listeners.get(listens.tried.checked_rem(listeners.len())?).copied();
        listens.tried += 1;
        listens.last = next;
        next
    }
}

#[async_trait::async_trait]
impl Runner for Process<'_> {
    fn lost(&self) -> JobReason {
        reason(
            "process_lost",
            "The server ended while the project was at work, and its process was killed. What its tools had done by then is not known, so it was not started again. Run it again if that is right.".to_owned(),
        )
    }

    fn expected_at(&self) -> &'static str {
        "at the HOST and PORT of its environment"
    }

    /// Kills what is left of earlier attempts and clears their room.
    async fn clear_earlier(&mut self) -> Result<(), Halt> {
        let room = self.room.clone();
        let leader = on_disk(move || Ok(read(&room.record()).and_then(|record| record.leader))).await;
        let mark = format!("{MARK}={}", mark_of(&self.instance, self.plan.run.id, None));
        if !program::kill_all(leader.ok().flatten(), mark).await {
            return Err(Halt::failed(
                "process_not_killed",
                "What an earlier attempt at the run has left cannot be killed: the system holds it. Try again later.",
            ));
        }
        let room = self.room.clone();
        on_disk(move || room.clear()).await.map_err(|error| disk(&error))
    }

    /// Writes the project down and sees to its packages.
    async fn prepare(&mut self) -> Result<(), Halt> {
        if !self.app.config.allows_processes() {
            return Err(Halt::failed(
                "process_not_allowed",
                "This server no longer runs projects as plain processes. Set GANTRY_PROCESS_RUNS=allow, or run it natively.",
            ));
        }
        self.note(None).await?;
        let files = project::files(&self.app.db, self.plan.run.project_id, self.revision).await?;
        let lock = Lock::of(
            self.plan.spec.target.language,
            files.iter().map(|file| (file.path.as_str(), file.content.as_str())),
        );
        let room = self.room.clone();
        on_disk(move || room.fill(files)).await.map_err(|error| disk(&error))?;
        let mark = self.record(None).mark();
        let installer = Installer { app: self.app, job: self.job, run_id: self.plan.run.id, mark: &mark };
        let packages = installer.install(&lock).await?;
        let mut command = self.ready(packages, &installer).await?;
        let arguments = command.split_off(1);
        self.command = command.pop().map(|program| (program, arguments));
        Ok(())
    }

    async fn start(&mut self, token: &SecretString) -> Result<(), Halt> {
        self.token = Some(token.clone());
        // A door of its own with nothing behind it but the gateway, wherever the server itself listens.
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| disk(&error))?;
        let gateway_port = door.local_addr().map_err(|error| disk(&error))?.port();
        let router = gateway::http::router().with_state(self.app.clone());
        self.door = Some(tokio::spawn(async move {
            // It accepts for ever, until it is told to stop.
            let _ = axum::serve(door, router).await;
        }));
        let home = self.room.home().to_string_lossy().into_owned();
        let told = environment(self.plan, token, 0, &home, gateway_port);
        let mut variables = self.environment();
        variables.extend(told.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value))));
        let command = self.command.take().ok_or(Halt::Own(Broken))?;
        let program = command.0.to_string_lossy().into_owned();
        let started = Program::start(self.wish(command, self.room.project(), variables));
        let started = started.map_err(|error| packages::not_started(&program, &error))?;
        let leader = started.identity().clone();
        self.program = Some(started);
        self.note(Some(leader)).await
    }

    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        let program = self.program.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let listener = self.choose(&program.listeners().await).ok_or(io::ErrorKind::ConnectionRefused)?;
        let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, listener.port)).await?;
        // While the run's own socket is open, nobody else accepts connections at its port.
        if !program.listeners().await.contains(&listener) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(Box::new(connection))
    }

    fn has_answered(&self) {
        let mut listens = self.listens.lock().unwrap_or_else(PoisonError::into_inner);
        listens.chosen = listens.last;
    }

    async fn ended(&self) {
        match &self.program {
            Some(program) => {
                program.ended().await;
            }
            None => std::future::pending().await,
        }
    }

    async fn why_ended(&self) -> Result<JobReason, Halt> {
        let Some(program) = &self.program else {
            return Ok(reason("process_exited", "The project was not at work any more.".to_owned()));
        };
        // The system tells a moment later, and so does what was written.
        let end = tokio::time::timeout(END_WITHIN, program.ended()).await;
        tokio::time::sleep(WORDS_WITHIN).await;
        let said = last_words(&program.last_lines(), self.token.as_ref());
        Ok(match end {
            Ok(Some(status)) => match (status.code(), status.signal()) {
                (Some(code), _) => reason(
                    "process_exited",
                    format!("The project ended with exit code {code} before it had answered.{said}"),
                ),
                (None, signal) => {
                    let signal = signal.map_or_else(|| "a signal".to_owned(), |number| format!("signal {number}"));
                    reason("process_killed", format!("The project's process was ended from outside by {signal}.{said}"))
                }
            },
            _ => reason(
                "project_broke_off",
                format!("The project broke off in the middle of its answer, though its process runs.{said}"),
            ),
        })
    }

    async fn remove(&mut self) {
        if let Some(door) = self.door.take() {
            door.abort();
        }
        let leader = self.program.as_ref().map(|program| program.identity().clone());
        let mark = format!("{MARK}={}", self.record(None).mark());
        if !program::kill_all(leader, mark).await {
            // The reconciler tries again, with what the record says.
            tracing::warn!(run = %self.plan.run.id, "a process of a run is left behind");
            return;
        }
        let (room, attempt) = (self.room.clone(), self.job.attempt());
        // Once the lease was lost, the room may be a later attempt's.
        let clear = move || match read(&room.record()) {
            Some(record) if record.attempt != attempt => Ok(()),
            _ => room.clear(),
        };
        if let Err(error) = on_disk(clear).await {
            tracing::warn!(%error, run = %self.plan.run.id, "the directory of a run is left behind");
        }
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        if let Some(door) = self.door.take() {
            door.abort();
        }
    }
}

fn reason(code: &str, message: String) -> JobReason {
    JobReason { code: code.to_owned(), message }
}

fn read(path: &Path) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Kills processes that nobody is responsible for any more and removes their rooms: of runs that are over, that were
/// deleted, or that another attempt has begun anew. May run any time; other machines see to their own.
///
/// # Errors
/// Whatever the database answers, or a disk that cannot be read.
pub(super) async fn reconcile(app: &App) -> error::Result<()> {
    let root = root(app);
    if !root.exists() {
        return Ok(());
    }
    let instance = instance(app).await?;
    let beginning = format!("{MARK}={instance}:");
    let wanted_beginning = beginning.clone();
    let (marks, records) = on_disk(move || {
        let mut records = Vec::new();
        for entry in std::fs::read_dir(root)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                records.extend(read(&path));
            }
        }
        Ok((program::marks(&wanted_beginning), records))
    })
    .await
    .map_err(anyhow::Error::from)?;
    for mark in marks {
        let mut words = mark[beginning.len()..].split(':');
        let (run, attempt) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !is_wanted(app, run, attempt).await? {
            tracing::info!(run, "killing the process of a run that is over");
            program::kill_all(None, mark).await;
        }
    }
    for record in records.into_iter().filter(|record| record.instance == instance) {
        if is_wanted(app, &record.run.to_string(), &record.attempt.to_string()).await? {
            continue;
        }
        let mark = format!("{MARK}={}", record.mark());
        if program::kill_all(record.leader, mark).await {
            let room = Room::of(app, record.run).map_err(anyhow::Error::from)?;
            on_disk(move || room.clear()).await.map_err(anyhow::Error::from)?;
        }
    }
    Ok(())
}
