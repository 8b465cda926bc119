//! A git server over http on this machine: git's own `http-backend` behind a password.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, Request, Response, StatusCode, header};
use base64::Engine;
use tokio::io::AsyncWriteExt;

/// What happens before a push reaches the repository.
type BeforePush = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// The server; its repositories are in a folder of its own.
pub struct GitServer {
    /// Where it is.
    pub url: String,
    /// What every request said of who it is.
    pub logins: Arc<Mutex<Vec<String>>>,
    /// Done once, before the next push is taken.
    pub before_push: BeforePush,
    folder: tempfile::TempDir,
}

#[derive(Clone)]
struct Behind {
    folder: PathBuf,
    password: Option<String>,
    logins: Arc<Mutex<Vec<String>>>,
    before_push: BeforePush,
}

impl GitServer {
    /// Starts a server; with a password, only who has it is let in.
    pub async fn start(password: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let logins = Arc::new(Mutex::new(Vec::new()));
        let before_push = BeforePush::default();
        let behind = Behind {
            folder: folder.path().to_owned(),
            password: password.map(str::to_owned),
            logins: logins.clone(),
            before_push: before_push.clone(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(serve).with_state(behind);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, logins, before_push, folder }
    }

    /// Makes an empty repository that may be pushed to; gives its address.
    pub fn repository(&self, name: &str) -> String {
        let path = self.path(name);
        git(self.folder.path(), &["init", "--quiet", "--bare", "--initial-branch=main", path.to_str().unwrap()]);
        git(&path, &["config", "http.receivepack", "true"]);
        format!("{}/{name}", self.url)
    }

    /// Where a repository is on the disk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts files on a branch of a repository, as somebody else would.
    pub fn commit(&self, name: &str, branch: &str, files: &[(&str, &str)]) {
        commit_to(&self.path(name), branch, files);
    }

    /// What a file of a branch holds.
    pub fn file(&self, name: &str, branch: &str, path: &str) -> Option<String> {
        let output = std::process::Command::new("git")
            .args(["show", &format!("{branch}:{path}")])
            .current_dir(self.path(name))
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// The commits of a branch, newest first.
    pub fn commits(&self, name: &str, branch: &str) -> Vec<String> {
        let text = git(&self.path(name), &["log", "--format=%H", branch]);
        text.lines().map(str::to_owned).collect()
    }
}

/// Puts files on a branch of a bare repository.
pub fn commit_to(repository: &Path, branch: &str, files: &[(&str, &str)]) {
    let place = tempfile::tempdir().unwrap();
    git(place.path(), &["clone", "--quiet", repository.to_str().unwrap(), "."]);
    let has_branch = !git(place.path(), &["ls-remote", "origin", &format!("refs/heads/{branch}")]).is_empty();
    if has_branch {
        git(place.path(), &["checkout", "--quiet", branch]);
    } else {
        git(place.path(), &["checkout", "--quiet", "-B", branch]);
    }
    for (path, content) in files {
        let path = place.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    git(place.path(), &["add", "--all"]);
    git(
        place.path(),
        &["-c", "user.name=Somebody", "-c", "user.email=s@example.com", "commit", "--quiet", "-m", "theirs"],
    );
    git(place.path(), &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new("git").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn serve(State(behind): State<Behind>, request: Request<Body>) -> Response<Body> {
    let login = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let login =
        login.strip_prefix("Basic ").and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    let login = login.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    behind.logins.lock().unwrap().push(login.clone());
    if behind.password.as_ref().is_some_and(|password| login.split_once(':').map(|(_, given)| given) != Some(password))
    {
        let mut refused = Response::new(Body::empty());
        *refused.status_mut() = StatusCode::UNAUTHORIZED;
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, "Basic realm=\"git\"".parse().unwrap());
        return refused;
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if parts.method == Method::POST
        && parts.uri.path().ends_with("git-receive-pack")
        && let Some(act) = behind.before_push.lock().unwrap().take()
    {
        act();
    }
    answer(&behind.folder, &parts, body).await
}

/// The Common Gateway Interface (RFC 3875), as far as git's backend wants it.
async fn answer(folder: &Path, parts: &axum::http::request::Parts, body: Bytes) -> Response<Body> {
    let header_of = |name: header::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let variables = HashMap::from([
        ("GIT_PROJECT_ROOT", folder.display().to_string()),
        ("GIT_HTTP_EXPORT_ALL", "1".to_owned()),
        ("PATH_INFO", parts.uri.path().to_owned()),
        ("QUERY_STRING", parts.uri.query().unwrap_or_default().to_owned()),
        ("REQUEST_METHOD", parts.method.to_string()),
        ("CONTENT_TYPE", header_of(header::CONTENT_TYPE)),
        ("CONTENT_LENGTH", body.len().to_string()),
        ("HTTP_CONTENT_ENCODING", header_of(header::CONTENT_ENCODING)),
        (
            "GIT_PROTOCOL",
            parts.headers.get("git-protocol").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned(),
        ),
    ]);
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .envs(variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let write = async move {
        let _ = stdin.write_all(&body).await;
    };
    let (_, output) = tokio::join!(write, child.wait_with_output());
    let output = output.unwrap().stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let mut response = Response::new(Body::from(output.get(end + 4..).unwrap_or_default().to_vec()));
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("status") {
            let status = value.split_whitespace().next().and_then(|code| code.parse().ok()).unwrap_or(500);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
        } else {
            let name: header::HeaderName = name.parse().unwrap();
            response.headers_mut().insert(name, value.trim().parse().unwrap());
        }
    }
    response
}
