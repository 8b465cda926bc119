//! Programs of this machine that somebody answers for to the end: each gets an environment that is made for it,
//! leads a group of its own and is killed whole, with whatever it has started. On Linux only.

mod family;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(crate) use family::{Identity, Listener, marks};

/// How many lines of what a program wrote last are kept.
const LINES_KEPT: usize = 40;
/// How many bytes of a line.
const LONGEST_LINE: usize = 500;
/// How many lines are kept for whoever asks for what is new.
const MOST_NEW_LINES: usize = 200;
/// For how long a family is killed until it is given up. A process that the kernel holds cannot be.
const KILL_WITHIN: Duration = Duration::from_secs(5);
/// How long until it is looked again whether anybody is left.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// A program to be started.
#[derive(Debug)]
pub(crate) struct Wish {
    /// The program: a path, or a name that is looked for on `PATH` of the environment.
    pub(crate) program: OsString,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// Where it works.
    pub(crate) directory: PathBuf,
    /// The whole of its environment but for its marks.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// What its processes are known by: names and values that come into the environment; the first is asked for.
    pub(crate) marks: Vec<(&'static str, String)>,
}

/// A program at work. Dropped, it is killed with all that it has started.
pub(crate) struct Program {
    identity: Identity,
    mark: String,
    said: Arc<Mutex<Said>>,
    end: watch::Receiver<Option<ExitStatus>>,
    readers: [JoinHandle<()>; 2],
    is_gone: bool,
}

/// What a program wrote.
#[derive(Default)]
struct Said {
    last: VecDeque<String>,
    new: Vec<String>,
}

impl Said {
    fn push(&mut self, line: String) {
        if self.last.len() == LINES_KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        if self.new.len() < MOST_NEW_LINES {
            self.new.push(line);
        }
    }
}

fn locked(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    /// Starts a program.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is no such program, and whatever else the system answers.
    pub(crate) fn start(wish: Wish) -> io::Result<Self> {
        let mut command = Command::new(&wish.program);
        command
            .args(&wish.arguments)
            .current_dir(&wish.directory)
            .env_clear()
            .envs(wish.environment)
            .envs(wish.marks.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        // Nobody has waited for it, so it is there even if it has ended already.
        let identity = pid.and_then(Identity::of).ok_or_else(|| io::Error::other("/proc cannot be read"))?;
        let said = Arc::new(Mutex::new(Said::default()));
        let readers = [gather(child.stdout.take(), said.clone()), gather(child.stderr.take(), said.clone())];
        let (tell_end, end) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await.ok();
            let _ = tell_end.send(status);
        });
        let mark = wish.marks.first().map(|(name, value)| format!("{name}={value}")).unwrap_or_default();
        Ok(Self { identity, mark, said, end, readers, is_gone: false })
    }

    /// Which process it is, for whoever has to find it again.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Comes back when the program itself has ended; what it has started may be there still. None when that
    /// cannot be told.
    pub(crate) async fn ended(&self) -> Option<ExitStatus> {
        let mut end = self.end.clone();
        let ended = end.wait_for(Option::is_some).await;
        ended.ok().and_then(|status| *status)
    }

    /// What it wrote last, both streams in the order in which they were read.
    pub(crate) fn last_lines(&self) -> String {
        let said = locked(&self.said);
        said.last.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// What it wrote since this was asked last.
    pub(crate) fn new_lines(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.said).new)
    }

    /// What it listens on, or what it has started does.
    pub(crate) async fn listeners(&self) -> Vec<Listener> {
        let (identity, mark) = (self.identity.clone(), self.mark.clone());
        let looked = tokio::task::spawn_blocking(move || family::listeners(&family::members(Some(&identity), &mark)));
        looked.await.unwrap_or_default()
    }

    /// Kills it with all that it has started; whether nothing is left.
    pub(crate) async fn kill(&mut self) -> bool {
        self.is_gone = kill_all(Some(self.identity.clone()), self.mark.clone()).await;
        self.is_gone
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.readers.iter().for_each(JoinHandle::abort);
        if !self.is_gone {
            kill_once(Some(&self.identity), &self.mark);
        }
    }
}

/// Kills a family until nobody is left of it; whether nobody is. `mark` is the entry of the environment that its
/// processes carry, or the beginning of it.
pub(crate) async fn kill_all(leader: Option<Identity>, mark: String) -> bool {
    let until = Instant::now() + KILL_WITHIN;
    loop {
        let (leader, mark) = (leader.clone(), mark.clone());
        let killed = tokio::task::spawn_blocking(move || kill_once(leader.as_ref(), &mark)).await;
        match killed {
            Ok(0) => return true,
            _ if Instant::now() > until => return false,
            _ => tokio::time::sleep(LOOK_AGAIN_AFTER).await,
        }
    }
}

/// Kills those of a family that are there now; how many those were.
fn kill_once(leader: Option<&Identity>, mark: &str) -> usize {
    let members = family::members(leader, mark);
    for member in members.iter().filter(|member| member.is_still_there()) {
        if let Some(pid) = Pid::from_raw(member.pid) {
            // One that has ended meanwhile is what is wanted.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
    members.len()
}

/// Keeps the lines of a stream until it ends.
fn gather(stream: Option<impl AsyncRead + Send + Unpin + 'static>, said: Arc<Mutex<Said>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let Some(mut stream) = stream else { return };
        let (mut buffer, mut line) = (vec![0_u8; 8 * 1024], Vec::new());
        loop {
            let count = stream.read(&mut buffer).await.unwrap_or(0);
            for byte in &buffer[..count] {
                match byte {
                    b'\n' | b'\r' => keep(&said, &mut line),
                    _ if line.len() < LONGEST_LINE => line.push(*byte),
                    _ => {}
                }
            }
            if count == 0 {
                keep(&said, &mut line);
                return;
            }
        }
    })
}

fn keep(said: &Mutex<Said>, line: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(line).trim_end().to_owned();
    line.clear();
    if !text.is_empty() {
        locked(said).push(text);
    }
}

#[cfg(test)]
mod tests;
