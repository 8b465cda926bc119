//! Git repositories elsewhere: one commit of a branch is fetched, files are put on top of it, and the branch
//! is pushed and read back.
//!
//! The system's `git` does it, as a program: it is what every forge is tested with, and no Rust library of
//! git pushes (gix) or speaks TLS without OpenSSL (libgit2). It runs in an environment of its own without
//! anybody's configuration, hooks, submodules, credential helpers or prompts, with an allow-list of
//! protocols, in a folder that is removed afterwards; nothing is ever checked out. Credentials reach it
//! in its environment or in a file that only this user can read, never as an argument.

mod address;
mod commit;

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use process_wrap::tokio::{CommandWrap, KillOnDrop, ProcessGroup};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) use address::{GitAddress, reference_fault};
pub(crate) use commit::Words;

/// How long one command may take.
const COMMAND_WITHIN: Duration = Duration::from_secs(45);
/// How much may be fetched, in bytes on disk; and how often that is looked at.
const LARGEST_FETCH: u64 = 100 * 1024 * 1024;
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How much of what git says is kept.
const MOST_OUTPUT: u64 = 64 * 1024 * 1024;
/// How many characters of what git said are told.
const MOST_WORDS: usize = 600;

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// There is no git on this machine.
    #[error(
        "There is no program git on this machine (or it cannot be started: {0}). Install it, or upload the project as a ZIP."
    )]
    Missing(std::io::Error),
    /// The credential is missing or wrong, or may not do this.
    #[error(
        "{0} does not let us in: {1}. Name a secret with a token that may read (and, to push, write) the repository."
    )]
    Denied(String, String),
    /// There is no such repository, or not for us.
    #[error("There is no repository at {0}, or not for this credential: {1}.")]
    NotFound(String, String),
    /// There is no such branch or tag.
    #[error("The repository has no branch or tag {0}.")]
    NoReference(String),
    /// The host did not answer.
    #[error("{0} cannot be reached: {1}.")]
    Unreachable(String, String),
    /// The host's key is another one than before.
    #[error(
        "The ssh key of {0} is not the one that it had before ({1}). If that is right, remove its line from git/known_hosts in the data directory."
    )]
    HostKey(String, String),
    /// Somebody else pushed.
    #[error(
        "The branch has moved on since it was fetched, so nothing was pushed. Push again: the files then go on top of what is there now."
    )]
    Moved,
    /// The other side does not take it, such as for a protected branch.
    #[error("The repository does not take the push: {0}.")]
    Refused(String),
    /// It is too large.
    #[error("The repository is larger than {} MiB, even without its history.", LARGEST_FETCH / 1024 / 1024)]
    TooLarge,
    /// It took too long.
    #[error("It took longer than {} seconds and was stopped.", COMMAND_WITHIN.as_secs())]
    TooSlow,
    /// The disk of this machine.
    #[error("The folder for git cannot be used: {0}.")]
    Disk(#[from] std::io::Error),
    /// Anything else, in git's words.
    #[error("git failed: {0}.")]
    Failed(String),
}

/// What opens a repository.
#[derive(Clone, Debug, Default)]
pub(crate) struct GitLogin {
    /// Who signs in over https.
    pub(crate) username: Option<String>,
    /// A token or password, or a private key.
    pub(crate) credential: Option<SecretString>,
}

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GitFile {
    pub(crate) path: String,
    pub(crate) content: Vec<u8>,
}

/// What a commit has in it.
pub(crate) struct Tree {
    /// The files, at most as large as was asked for.
    pub(crate) files: Vec<GitFile>,
    /// Paths of links and submodules, and of files that are too large: none of them was read.
    pub(crate) left_out: Vec<String>,
}

/// A bare repository of our own for one purpose, removed when it is dropped.
pub(crate) struct Workplace {
    folder: PathBuf,
    known_hosts: PathBuf,
    address: GitAddress,
    login: GitLogin,
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "a folder for git cannot be removed");
        }
    }
}

impl Workplace {
    /// Makes an empty repository under `data/git`.
    pub(crate) async fn new(data: &Path, address: GitAddress, login: GitLogin) -> Result<Self, GitError> {
        let above = data.join("git");
        let folder = above.join(uuid::Uuid::now_v7().simple().to_string());
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let place = Self { folder, known_hosts: above.join("known_hosts"), address, login };
        if let (GitAddress::Ssh { .. }, Some(key)) = (&place.address, &place.login.credential) {
            let mut file = std::fs::OpenOptions::new();
            let mut file = file.write(true).create_new(true).mode(0o600).open(place.folder.join("key"))?;
            // OpenSSH wants its files to end with a line.
            std::io::Write::write_all(&mut file, format!("{}\n", key.expose_secret().trim()).as_bytes())?;
        }
        place.run(&["init", "--quiet", "--bare", "--template=", "."], None).await?;
        Ok(place)
    }

    /// Where the repository is, as people may see it.
    fn host(&self) -> String {
        self.address.host().to_owned()
    }

    /// The commit that a branch is at there; none if there is no such branch. `HEAD` is the default branch.
    pub(crate) async fn remote_commit(&self, name: &str) -> Result<Option<String>, GitError> {
        let url = self.address.to_string();
        let said = self.run(&["ls-remote", "--quiet", "--", &url, name], None).await?;
        let said = String::from_utf8_lossy(&said);
        Ok(said.lines().find_map(|line| {
            let (commit, found) = line.split_once('\t')?;
            (found == name).then(|| commit.to_owned())
        }))
    }

    /// Fetches one commit of a branch or tag, without history; gives its id.
    pub(crate) async fn fetch(&self, reference: &str) -> Result<String, GitError> {
        let url = self.address.to_string();
        let arguments = [
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--",
            &url,
        ];
        let wanted = format!("{reference}:refs/gantry/base");
        let arguments: Vec<&str> = arguments.into_iter().chain([wanted.as_str()]).collect();
        self.run(&arguments, None).await.map_err(|error| match error {
            GitError::Failed(said) if said.contains("couldn't find remote ref") => {
                GitError::NoReference(reference.to_owned())
            }
            other => other,
        })?;
        self.resolve("refs/gantry/base^{commit}").await
    }

    /// The id of an object of the workplace.
    async fn resolve(&self, name: &str) -> Result<String, GitError> {
        let said = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", name], None).await?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    }

    /// Reads the files of a commit, those within `folder` if one is given, that are at most `largest` bytes
    /// and that `is_wanted` by path; `most` of them at most.
    pub(crate) async fn tree(
        &self,
        commit: &str,
        folder: &str,
        largest: u64,
        most: usize,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Tree, GitError> {
        let tree = format!("{commit}:{folder}");
        let listed =
            self.run(&["ls-tree", "-r", "-z", "--long", "--end-of-options", &tree], None).await.map_err(|error| {
                match error {
                    GitError::Failed(_) if !folder.is_empty() => {
                        GitError::Failed(format!("there is no folder {folder} in it"))
                    }
                    other => other,
                }
            })?;
        let mut wanted: Vec<(String, String)> = Vec::new();
        let mut left_out = Vec::new();
        for entry in String::from_utf8_lossy(&listed).split('\0') {
            // `100644 blob 0123… 42<tab>path`
            let Some((about, path)) = entry.split_once('\t') else { continue };
            let mut about = about.split_ascii_whitespace();
            let (mode, _, object, size) = (about.next(), about.next(), about.next(), about.next());
            let size = size.and_then(|size| size.parse::<u64>().ok());
            let is_file = matches!(mode, Some("100644" | "100755"));
            match (is_file, size, object) {
                (true, Some(size), Some(object)) if is_wanted(path) && size <= largest && wanted.len() < most => {
                    wanted.push((object.to_owned(), path.to_owned()));
                }
                (true, Some(size), _) if !is_wanted(path) && size <= largest => {}
                _ => left_out.push(path.to_owned()),
            }
        }
        let asked: String = wanted.iter().map(|(object, _)| format!("{object}\n")).collect();
        let answered = self.run(&["cat-file", "--batch"], Some(asked.into_bytes())).await?;
        let mut rest = answered.as_slice();
        let mut files = Vec::new();
        for (_, path) in wanted {
            let broken = || GitError::Failed("cat-file answered something else than was asked".to_owned());
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
            let head = String::from_utf8_lossy(&rest[..end]).into_owned();
            let size: usize = head.rsplit(' ').next().and_then(|size| size.parse().ok()).ok_or_else(broken)?;
            let content = rest.get(end + 1..end + 1 + size).ok_or_else(broken)?.to_vec();
            rest = rest.get(end + 2 + size..).unwrap_or_default();
            files.push(GitFile { path, content });
        }
        Ok(Tree { files, left_out })
    }

    /// Runs git in the workplace.
    async fn run(&self, arguments: &[&str], input: Option<Vec<u8>>) -> Result<Vec<u8>, GitError> {
        let mut wrapped = CommandWrap::with_new("git", |command| {
            for setting in [
                "core.hooksPath=/dev/null",
                "core.fsmonitor=false",
                "credential.helper=",
                "gc.auto=0",
                "maintenance.auto=false",
                "http.lowSpeedLimit=1000",
                "http.lowSpeedTime=20",
                "protocol.allow=never",
                "advice.detachedHead=false",
            ] {
                command.args(["-c", setting]);
            }
            let protocol = self.address.protocol();
            command.args(["-c", &format!("protocol.{protocol}.allow=always")]);
            // A credential goes to the host that was named, and to no other.
            let redirects = if self.login.credential.is_some() { "false" } else { "initial" };
            command.args(["-c", &format!("http.followRedirects={redirects}")]);
            command.args(arguments).current_dir(&self.folder).env_clear();
            for (name, value) in self.environment() {
                command.env(name, value);
            }
            let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
            command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        });
        wrapped.wrap(KillOnDrop).wrap(ProcessGroup::leader());
        let mut child = wrapped.spawn().map_err(GitError::Missing)?;
        let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let write = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // A program that has ended reads no more; its exit code says why.
                let _ = stdin.write_all(&input).await;
            }
        };
        let mut output = Vec::new();
        let mut said = Vec::new();
        let read = async {
            if let Some(stdout) = stdout {
                let _ = stdout.take(MOST_OUTPUT + 1).read_to_end(&mut output).await;
            }
        };
        let hear = async {
            if let Some(stderr) = stderr {
                let _ = stderr.take(1024 * 1024).read_to_end(&mut said).await;
            }
        };
        let work = async {
            tokio::join!(write, read, hear);
            child.wait().await
        };
        let ended = tokio::select! {
            ended = tokio::time::timeout(COMMAND_WITHIN, work) => ended.map_err(|_| GitError::TooSlow)?,
            () = grown_too_large(&self.folder) => return Err(GitError::TooLarge),
        };
        let status = ended?;
        if output.len() as u64 > MOST_OUTPUT {
            return Err(GitError::TooLarge);
        }
        if status.success() { Ok(output) } else { Err(self.explain(&String::from_utf8_lossy(&said))) }
    }

    /// The environment: nothing of ours, nobody's configuration, no questions.
    fn environment(&self) -> Vec<(String, String)> {
        let mut variables: Vec<(String, String)> = Vec::new();
        let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
        for name in ["PATH", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "GIT_SSL_CAINFO", "TMPDIR"] {
            if let Ok(value) = std::env::var(name) {
                set(name, value);
            }
        }
        if let (Err(_), Ok(file)) = (std::env::var("GIT_SSL_CAINFO"), std::env::var("SSL_CERT_FILE")) {
            set("GIT_SSL_CAINFO", file);
        }
        set("HOME", self.folder.display().to_string());
        set("LC_ALL", "C".to_owned());
        set("GIT_CONFIG_NOSYSTEM", "1".to_owned());
        set("GIT_CONFIG_GLOBAL", "/dev/null".to_owned());
        set("GIT_TERMINAL_PROMPT", "0".to_owned());
        set("GIT_NO_LAZY_FETCH", "1".to_owned());
        set("GIT_ALLOW_PROTOCOL", self.address.protocol().to_owned());
        set("SSH_ASKPASS_REQUIRE", "never".to_owned());
        match (&self.address, &self.login.credential) {
            (GitAddress::Ssh { .. }, credential) => {
                let hosts = self.known_hosts.display();
                let key = match credential {
                    Some(_) => format!("-o IdentitiesOnly=yes -i '{}'", self.folder.join("key").display()),
                    None => "-o IdentityFile=none".to_owned(),
                };
                // The first key that a host shows is remembered, and no other is taken from then on.
                set(
                    "GIT_SSH_COMMAND",
                    format!(
                        "ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=15 -o StrictHostKeyChecking=accept-new \
                         -o UserKnownHostsFile='{hosts}' {key}"
                    ),
                );
            }
            (GitAddress::Http { .. }, Some(credential)) => {
                let username = self.login.username.as_deref().filter(|name| !name.is_empty()).unwrap_or("git");
                let login = format!("{username}:{}", credential.expose_secret().trim());
                let login = base64::engine::general_purpose::STANDARD.encode(login);
                set("GIT_CONFIG_COUNT", "1".to_owned());
                set("GIT_CONFIG_KEY_0", format!("http.{}.extraHeader", self.address.origin()));
                set("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {login}"));
            }
            (GitAddress::Http { .. }, None) => {}
        }
        variables
    }

    /// What git said, as what it means.
    fn explain(&self, said: &str) -> GitError {
        let told = self.told(said);
        let lower = said.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let host = self.host();
        if has(&["host key verification failed", "remote host identification has changed"]) {
            GitError::HostKey(host, told)
        } else if has(&[
            "authentication failed",
            "could not read username",
            "could not read password",
            "permission denied",
            "access denied",
            "error: 401",
            "error: 403",
            "http 401",
            "http 403",
            "write access to repository not granted",
        ]) {
            // Without a credential git would have asked a person.
            let asks = lower.contains("could not read username");
            GitError::Denied(host, if asks { "it wants to know who is asking".to_owned() } else { told })
        } else if has(&["non-fast-forward", "fetch first", "cannot lock ref", "stale info", "failed to update ref"]) {
            GitError::Moved
        } else if has(&["[remote rejected]", "pre-receive hook declined", "protected branch"]) {
            GitError::Refused(told)
        } else if has(&[
            "could not resolve host",
            "failed to connect",
            "couldn't connect",
            "connection refused",
            "connection timed out",
            "operation timed out",
            "could not resolve hostname",
            "ssl certificate problem",
            "too slow",
        ]) {
            GitError::Unreachable(host, told)
        } else if has(&[
            "repository not found",
            "not found",
            "does not appear to be a git repository",
            "does not exist",
        ]) {
            GitError::NotFound(self.address.to_string(), told)
        } else {
            GitError::Failed(told)
        }
    }

    /// The lines that say something, without what is not for others to see.
    fn told(&self, said: &str) -> String {
        let secret = self.login.credential.as_ref().map(|secret| secret.expose_secret().trim().to_owned());
        let folder = self.folder.display().to_string();
        let lines: Vec<String> = said
            .lines()
            .map(|line| {
                line.trim().trim_start_matches("fatal: ").trim_start_matches("error: ").trim_start_matches("remote: ")
            })
            .filter(|line| {
                !line.is_empty() && !line.starts_with("hint:") && !line.starts_with("Warning: Permanently added")
            })
            .map(|line| line.replace(&folder, ""))
            .collect();
        let mut text = lines.join("; ").trim_end_matches('.').to_owned();
        if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
            text = text.replace(&secret, "…");
        }
        text.chars().filter(|letter| !letter.is_control()).take(MOST_WORDS).collect()
    }
}

/// Comes back when a folder has more in it than may be fetched.
async fn grown_too_large(folder: &Path) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if size_of(folder, 0) > LARGEST_FETCH {
            return;
        }
    }
}

fn size_of(folder: &Path, depth: usize) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() && depth < 6 => size_of(&entry.path(), depth + 1),
            Ok(about) => about.len(),
            // It has gone since it was listed.
            Err(_) => 0,
        })
        .sum()
}
