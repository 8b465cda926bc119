//! A git server over ssh on this machine: OpenSSH's own, with a key of its own and one that it lets in.
//!
//! `scripts/sshd.sh` says where the program is, and gets it where there is none; `GANTRY_TEST_SKIP=ssh` leaves this out.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::part_is_wanted;

/// The server; it ends when it is dropped.
pub struct SshServer {
    child: Child,
    port: u16,
    user: String,
    folder: tempfile::TempDir,
}

impl Drop for SshServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl SshServer {
    /// Starts a server; none when `GANTRY_TEST_SKIP` names `ssh`.
    pub fn start() -> Option<Self> {
        if !part_is_wanted("ssh") {
            return None;
        }
        let found = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/sshd.sh")).output().unwrap();
        let told = String::from_utf8_lossy(&found.stderr);
        assert!(found.status.success(), "no sshd: {told}; or leave it out with GANTRY_TEST_SKIP=ssh");
        let program = String::from_utf8(found.stdout).unwrap().trim().to_owned();
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        // Whoever the server runs as must be able to come here; the keys are for their owner alone.
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::copy(&program, place.join("sshd")).unwrap();
        let library = Path::new(&program).with_file_name("libwrap.so.0");
        if library.exists() {
            std::fs::copy(library, place.join("libwrap.so.0")).unwrap();
        }
        for key in ["host", "other_host", "client", "stranger"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", place.join(key).to_str().unwrap()]);
        }
        std::fs::copy(place.join("client.pub"), place.join("authorized")).unwrap();
        run("git", &["init", "--quiet", "--bare", "--initial-branch=main", place.join("repo.git").to_str().unwrap()]);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let user = login_name();
        let child = start(place, port, &user, "host");
        let server = Self { child, port, user, folder };
        server.wait();
        Some(server)
    }

    /// The server stops, and comes back at the same place with another key.
    pub fn change_host_key(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = start(self.folder.path(), self.port, &self.user, "other_host");
        self.wait();
    }

    /// Where the repository is.
    pub fn url(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, self.repository().display())
    }

    /// The repository on the disk.
    pub fn repository(&self) -> PathBuf {
        self.folder.path().join("repo.git")
    }

    /// A private key: `client` is let in, `stranger` is not.
    pub fn key(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// What a file of the repository holds.
    pub fn file(&self, path: &str) -> Option<String> {
        let output = Command::new("git")
            .args(["-c", "safe.directory=*", "show", &format!("main:{path}")])
            .current_dir(self.repository())
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    fn wait(&self) {
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(20), "sshd does not listen: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn start(place: &Path, port: u16, user: &str, host_key: &str) -> Child {
    let at = place.display();
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {at}/{host_key}\nAuthorizedKeysFile {at}/authorized\nStrictModes no\n\
         UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\n"
    );
    std::fs::write(place.join("config"), config).unwrap();
    let (program, config) = (place.join("sshd"), place.join("config"));
    let arguments = ["-D", "-e", "-f", config.to_str().unwrap()];
    // Root's server would want an account of its own on this machine; another's lets in only that one.
    let mut command = if is_root() {
        run("chown", &["-R", &format!("{user}:"), place.to_str().unwrap()]);
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={user}"), "--clear-groups"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    command
        .args(arguments)
        .env("LD_LIBRARY_PATH", place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(place.join("log")).unwrap())
        .spawn()
        .unwrap()
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn said(arguments: &[&str]) -> String {
    String::from_utf8(Command::new("id").args(arguments).output().unwrap().stdout).unwrap().trim().to_owned()
}

fn is_root() -> bool {
    said(&["-u"]) == "0"
}

/// Who is let in: this user, or for root the first one that has a shell.
fn login_name() -> String {
    if !is_root() {
        return said(&["-un"]);
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let has_shell = |line: &&str| {
        let parts: Vec<&str> = line.split(':').collect();
        parts.len() == 7 && parts[2] != "0" && ["/bin/bash", "/bin/sh", "/usr/bin/bash"].contains(&parts[6])
    };
    let found = accounts.lines().find(has_shell).expect("an account other than root's that has a shell");
    found.split(':').next().unwrap().to_owned()
}
