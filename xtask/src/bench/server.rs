//! The server that is measured: the release binary as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// A running server.
pub(super) struct Server {
    child: Child,
    port: u16,
    data: PathBuf,
    http: reqwest::Client,
    setup_link: watch::Receiver<Option<String>>,
    token: std::sync::OnceLock<String>,
}

impl Server {
    /// Starts one on a new data directory and waits until it is ready.
    pub(super) async fn start(binary: &Path, port: u16, database: Option<&str>) -> Result<Self> {
        let data = std::env::temp_dir().join(format!("gantry-bench-{}-{}", std::process::id(), moment()));
        std::fs::create_dir_all(&data)?;
        let mut command = serve(binary, port, &data);
        if let Some(database) = database {
            command.env("GANTRY_DATABASE_URL", database);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().context("the server could not be started")?;
        let output = child.stdout.take().context("the server has an output")?;
        let (sender, setup_link) = watch::channel(None);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(start) = line.find("http://").filter(|_| line.contains("/setup")) {
                    let _ = sender.send(line[start..].split_whitespace().next().map(str::to_owned));
                }
            }
        });
        let server =
            Self { child, port, data, http: reqwest::Client::new(), setup_link, token: std::sync::OnceLock::new() };
        wait_until_ready(port).await?;
        Ok(server)
    }

    /// Makes the first account and a token.
    pub(super) async fn set_up(&self) -> Result<()> {
        let mut receiver = self.setup_link.clone();
        let link = tokio::time::timeout(Duration::from_secs(5), receiver.wait_for(Option::is_some))
            .await
            .context("no set-up link")??
            .clone();
        let link = link.unwrap_or_default();
        let (_, setup_token) = link.split_once("token=").context("the set-up link has a token")?;
        let person = json!({ "token": setup_token, "name": "Bench", "email": "bench@example.org", "password": "correct horse battery" });
        let answer = self
            .http
            .post(self.address("/setup"))
            .header("origin", self.origin())
            .json(&person)
            .send()
            .await?
            .error_for_status()?;
        let cookies: Vec<String> = answer
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(';').next().map(str::to_owned))
            .collect();
        let me: Value = answer.json().await?;
        let created: Value = self
            .http
            .post(self.address("/tokens"))
            .header("origin", self.origin())
            .header("cookie", cookies.join("; "))
            .header("x-gantry-csrf", me["csrfToken"].as_str().unwrap_or_default())
            .json(&json!({ "name": "bench", "scopes": ["read", "write", "build", "publish", "admin"] }))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let secret = created["secret"].as_str().context("a created token shows its secret")?;
        let _ = self.token.set(secret.to_owned());
        Ok(())
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The whole address of a path of the API.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.origin())
    }

    /// What to send as `Authorization`.
    pub(super) fn authorization(&self) -> String {
        format!("Bearer {}", self.token.get().map_or("", String::as_str))
    }

    /// Asks for something to be made.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer =
            self.http.post(self.address(path)).header("authorization", self.authorization()).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("POST {path} answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Reads something.
    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        let request = self.http.get(self.address(path)).header("authorization", self.authorization());
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// The address of the gateway.
    pub(super) fn gateway(&self) -> String {
        format!("{}/gateway/v1", self.origin())
    }

    /// Where its data are.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Memory that is in use, in megabytes of 1 000 000 bytes.
    pub(super) fn resident_megabytes(&self) -> Result<f64> {
        let id = self.child.id().context("the server is running")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kibibytes: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
            .context("no VmRSS in /proc")?;
        Ok(kibibytes * 1_024.0 / 1e6)
    }

    /// Ends the process and removes its data.
    pub(super) async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        std::fs::remove_dir_all(&self.data)?;
        Ok(())
    }
}

fn serve(binary: &Path, port: u16, data: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .arg("serve")
        .env("GANTRY_LISTEN", format!("127.0.0.1:{port}"))
        .env("GANTRY_DATA", data)
        .env("GANTRY_LOG", "warn")
        .env_remove("GANTRY_DATABASE_URL")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// From the start of the process to the first good answer of `/readyz`, in milliseconds: the median
/// on a new data directory, and the median on one that is there already.
pub(super) async fn starts(binary: &Path, port: u16, times: usize) -> Result<(f64, f64)> {
    let mut first = Vec::new();
    let mut again = Vec::new();
    for round in 0..times {
        let data = std::env::temp_dir().join(format!("gantry-bench-start-{}-{round}", std::process::id()));
        std::fs::create_dir_all(&data)?;
        for figures in [&mut first, &mut again] {
            let began = Instant::now();
            let mut child = serve(binary, port, &data).spawn()?;
            wait_until_ready(port).await?;
            figures.push(began.elapsed().as_secs_f64() * 1e3);
            child.kill().await?;
        }
        std::fs::remove_dir_all(&data)?;
    }
    Ok((median(&mut first), median(&mut again)))
}

/// The value in the middle.
pub(super) fn median(values: &mut [f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value that `share` of all values are not above.
pub(super) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = ((values.len() as f64 - 1.0) * share).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}

async fn wait_until_ready(port: u16) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if is_ready(port).await.unwrap_or(false) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    bail!("the server on port {port} was not ready within 20 s")
}

async fn is_ready(port: u16) -> Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}

fn moment() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}
