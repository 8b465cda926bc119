//! A whole server in the test's process, on either database, asked through its router.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails by unwrapping has said what it needs to say"
)]
pub mod fake_anthropic;
pub mod fake_model;
pub mod fake_ollabridge;
pub mod git_server;
pub mod python;
pub mod secure_registry;
pub mod ssh_server;
pub mod stories;
pub mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use clap::Parser;
use gantry_server::app::App;
use gantry_server::config::Config;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Whether a part that a test needs is there. A part that `GANTRY_TEST_SKIP` names is not asked for;
/// the test then ends early and the summary of `make test` says so.
pub fn part_is_wanted(name: &str) -> bool {
    let skipped = std::env::var("GANTRY_TEST_SKIP").unwrap_or_default();
    let wanted = !skipped.split(',').any(|part| part.trim() == name);
    if !wanted {
        eprintln!("NOT TESTED: GANTRY_TEST_SKIP names {name}");
    }
    wanted
}

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

/// Runs a story on SQLite, then on Postgres.
pub async fn for_both<F>(story: impl Fn(TestApp) -> F)
where
    F: Future<Output = ()>,
{
    story(TestApp::sqlite().await).await;
    if part_is_wanted("postgres") {
        story(TestApp::postgres().await).await;
    }
}

/// A server without a socket.
pub struct TestApp {
    pub app: App,
    pub router: axum::Router,
    pub tracker: TaskTracker,
    directory: tempfile::TempDir,
}

impl TestApp {
    /// A server on a new SQLite file. Its workers do not run until [`TestApp::start_workers`].
    pub async fn sqlite() -> Self {
        Self::open(None, &[]).await
    }

    /// A server on SQLite with settings of its own, as flags.
    pub async fn sqlite_with(flags: &[&str]) -> Self {
        Self::open(None, flags).await
    }

    /// A server in a new schema of the Postgres that `GANTRY_TEST_POSTGRES` names.
    pub async fn postgres() -> Self {
        Self::open(Some(new_postgres_schema().await), &[]).await
    }

    async fn open(database: Option<String>, flags: &[&str]) -> Self {
        Self::on(tempfile::tempdir().unwrap(), database.as_deref(), flags).await
    }

    /// A server on a data directory that was prepared, or that another server left.
    pub async fn on(directory: tempfile::TempDir, database: Option<&str>, flags: &[&str]) -> Self {
        // The process may have one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let app = App::open(config(directory.path(), database, flags)).await.unwrap();
        app.db.spawn_background(app.shutdown.clone());
        let router = gantry_server::http::router(app.clone());
        Self { app, router, tracker: TaskTracker::new(), directory }
    }

    /// Another server on the same database and data, with settings of its own.
    pub async fn beside(&self, flags: &[&str]) -> Self {
        let app = App::open(config(self.data(), None, flags)).await.unwrap();
        let router = gantry_server::http::router(app.clone());
        Self { app, router, tracker: TaskTracker::new(), directory: tempfile::tempdir().unwrap() }
    }

    /// The server's data directory.
    pub fn data(&self) -> &Path {
        self.directory.path()
    }

    /// Starts this node's workers on the work that the product knows.
    pub async fn start_workers(&self) {
        self.start_workers_on(gantry_server::jobs::works()).await;
    }

    /// Starts this node's workers on other work.
    pub async fn start_workers_on(&self, works: Vec<Box<dyn gantry_server::jobs::Work>>) {
        gantry_server::jobs::spawn_workers(&self.app, &self.tracker, works).await.unwrap();
    }

    /// Asks as nobody.
    pub fn anonymous(&self) -> Persona<'_> {
        Persona { app: self, headers: HeaderMap::new() }
    }

    /// The token of a new set-up link, or none when there is an account.
    pub async fn setup_token(&self) -> Option<String> {
        let link = gantry_server::identity::setup_link(&self.app, "127.0.0.1:7777".parse().unwrap()).await.unwrap()?;
        link.split_once("?token=").map(|(_, token)| token.to_owned())
    }

    /// Asks as the first account, in a browser of its own: sets it up the first time, then signs in.
    pub async fn admin(&self) -> Persona<'_> {
        let answer = match self.setup_token().await {
            Some(token) => {
                let body = json!({"token": token, "name": "Ada", "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD});
                self.anonymous().post("/api/v1/setup", body).await.expect(201)
            }
            None => {
                let body = json!({"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD});
                self.anonymous().post("/api/v1/auth/login", body).await.expect(200)
            }
        };
        Persona { app: self, headers: browser_headers(&answer) }
    }

    /// Asks with a new API token that has these scopes.
    pub async fn token(&self, scopes: &[&str]) -> Persona<'_> {
        let answer =
            self.admin().await.post("/api/v1/tokens", json!({"name": "test", "scopes": scopes})).await.expect(201);
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", answer.json()["secret"].as_str().unwrap());
        headers.insert(header::AUTHORIZATION, bearer.parse().unwrap());
        Persona { app: self, headers }
    }
}

/// What the first account of a test signs in with.
pub const ADMIN_EMAIL: &str = "ada@example.com";
/// Its password.
pub const ADMIN_PASSWORD: &str = "correct horse battery staple";

/// What a browser sends once it was given this answer to a login: the cookie and the proof that the page is ours.
pub fn browser_headers(answer: &Answer) -> HeaderMap {
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    headers.insert("x-gantry-csrf", answer.json()["csrfToken"].as_str().unwrap().parse().unwrap());
    headers
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.shutdown.cancel();
    }
}

/// Every file below a folder.
pub fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// The settings of a test's server.
pub fn config(data: &Path, database: Option<&str>, flags: &[&str]) -> Config {
    let mut arguments = vec!["gantry".to_owned(), "--data".into(), data.display().to_string()];
    arguments.extend(["--workers".into(), "2".into(), "--listen".into(), "127.0.0.1:0".into()]);
    if let Some(database) = database {
        arguments.extend(["--database-url".into(), database.into()]);
    }
    arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
    Arguments::parse_from(arguments).config
}

/// A schema that no other test sees.
pub async fn new_postgres_schema() -> String {
    let address = std::env::var("GANTRY_TEST_POSTGRES").expect(
        "GANTRY_TEST_POSTGRES must name a Postgres for tests (make test starts one); \
         or leave it out with GANTRY_TEST_SKIP=postgres",
    );
    let schema = format!("test_{}", uuid::Uuid::now_v7().simple());
    let pool = sqlx::PgPool::connect(&address).await.expect("the Postgres for tests answers");
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&pool).await.unwrap();
    pool.close().await;
    let glue = if address.contains('?') { '&' } else { '?' };
    format!("{address}{glue}options=-csearch_path%3D{schema}")
}

/// Somebody who asks.
pub struct Persona<'a> {
    app: &'a TestApp,
    pub headers: HeaderMap,
}

impl<'a> Persona<'a> {
    /// Somebody with headers of their own.
    pub fn with_headers(app: &'a TestApp, headers: HeaderMap) -> Self {
        Self { app, headers }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Any request.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:7777");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(serde_json::to_vec(&body).unwrap())
            }
            None => Body::empty(),
        };
        self.raw(request.body(body).unwrap()).await
    }

    /// A request as it is.
    pub async fn raw(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000))));
        let response = self.app.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, bytes: bytes.to_vec() }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON, or null.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The same answer, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// The problem's code.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}
