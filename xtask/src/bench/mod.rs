//! `cargo xtask bench`: measures the program as it is built for people on this machine and sets the
//! figures beside their goals. Every figure is measured when the command runs; what could not be
//! measured, for want of a part or of time, is named with the reason. HTTP load is made by `wrk`,
//! everything else by clients of our own. Durations of runs are the server's own stamps: server and
//! clients share one clock.

mod gateway;
mod http_load;
mod log_view;
mod machine;
mod model;
mod postgres;
mod report;
mod server;
mod streams;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::BenchArguments;
use report::{Figure, Report};
use server::Server;

/// Measures everything that `arguments` ask for.
pub(crate) fn run(arguments: &BenchArguments) -> Result<()> {
    // The provider may be there already; then it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?.to_path_buf();
    let binary = binary(&root, &arguments.profile)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut bench = Bench {
        report: Report::new(machine::describe(), arguments.profile.clone()),
        end: Instant::now() + Duration::from_secs(arguments.minutes * 60),
        arguments: arguments.clone(),
        root: root.clone(),
        binary,
    };
    runtime.block_on(bench.measure());
    let report = bench.report;
    let folder = root.join("target/bench");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("bench.json"), report.json()? + "\n")?;
    std::fs::write(folder.join("bench.md"), report.markdown())?;
    println!("{}", report.markdown());
    println!("written to {}", folder.display());
    Ok(())
}

/// One run: what is measured, how, and until when.
struct Bench {
    arguments: BenchArguments,
    root: PathBuf,
    binary: PathBuf,
    report: Report,
    end: Instant,
}

impl Bench {
    async fn measure(&mut self) {
        let (root, binary) = (self.root.clone(), self.binary.clone());
        let (port, seconds) = (self.arguments.port, self.arguments.seconds);
        if self.wants("size") {
            self.part("sizes", 5, async |report| {
                let megabytes = std::fs::metadata(&binary)?.len() as f64 / 1e6;
                report.add(Figure::new("binary size", megabytes, "MB").below(40.0));
                wasm_size(&root, report);
                Ok(())
            })
            .await;
        }
        if self.wants("emit") {
            self.part("spec to files", 20, async |report| {
                report.add(emission()?);
                Ok(())
            })
            .await;
        }
        if self.wants("start") {
            self.part("start to ready", 30, async |report| {
                let (first, again) = server::starts(&binary, port, 11).await?;
                report.add(Figure::new("start to ready, new SQLite file (median of 11)", first, "ms"));
                report.add(Figure::new("start to ready, existing SQLite file (median of 11)", again, "ms").below(50.0));
                Ok(())
            })
            .await;
        }
        if self.wants("idle") || self.wants("http") || self.wants("stream") || self.wants("chat") {
            self.server_parts("SQLite", None, seconds).await;
            match postgres::Cluster::start(&root) {
                Ok(cluster) => self.server_parts("Postgres", Some(cluster.url()), seconds).await,
                Err(error) => self.report.missing("everything on Postgres", &error),
            }
        }
        if self.wants("gateway") {
            self.part("gateway overhead", 90, async |report| gateway::overhead(&binary, port, report).await).await;
        }
        if self.wants("log view") {
            self.part("log view", 210, async |report| log_view::measure(&root, &binary, report).await).await;
        }
    }

    /// What is asked of one running server.
    async fn server_parts(&mut self, database: &str, url: Option<&str>, seconds: u64) {
        let started = async {
            let server = Server::start(&self.binary, self.arguments.port, url).await?;
            server.set_up().await?;
            anyhow::Ok(server)
        };
        let server = match started.await {
            Ok(server) => server,
            Err(error) => return self.report.missing(&format!("everything on {database}"), &error),
        };
        if self.wants("idle") {
            self.part(&format!("idle memory, {database}"), 10, async |report| {
                tokio::time::sleep(Duration::from_secs(3)).await;
                let name = format!("idle memory (RSS), {database}");
                report.add(Figure::new(name, server.resident_megabytes()?, "MB").below(30.0));
                Ok(())
            })
            .await;
        }
        if self.wants("http") {
            // Four loads, each with a moment to begin and to end.
            self.part(&format!("requests per second, {database}"), 4 * (seconds + 12), async |report| {
                http_load::measure(&server, database, seconds, report).await
            })
            .await;
        }
        if self.wants("stream") {
            self.part(&format!("one follower, {database}"), 20, async |report| {
                streams::one(&server, database, report).await
            })
            .await;
            self.part(&format!("1 000 followers, {database}"), 60, async |report| {
                streams::crowd(&server, database, report).await
            })
            .await;
        }
        if self.wants("chat") {
            self.part(&format!("native chat, {database}"), 60, async |report| {
                gateway::native(&server, database, report).await
            })
            .await;
        }
        if self.wants("http") || self.wants("stream") {
            self.part(&format!("memory after the load, {database}"), 5, async |report| {
                let name = format!("memory (RSS) after the load, {database}");
                report.add(Figure::new(name, server.resident_megabytes()?, "MB"));
                Ok(())
            })
            .await;
        }
        if let Err(error) = server.stop().await {
            eprintln!("the server on {database} could not be stopped: {error:#}");
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.arguments.only.as_deref().is_none_or(|only| name.contains(only))
    }

    /// Measures one part, for `longest` seconds at most and not past the end of the whole. What it found
    /// before it was cut off stays; that it was is said.
    async fn part(&mut self, name: &str, longest: u64, work: impl AsyncFnOnce(&mut Report) -> Result<()>) {
        let left = self.end.saturating_duration_since(Instant::now());
        let limit = left.min(Duration::from_secs(longest));
        if left < Duration::from_secs(2) {
            let minutes = self.arguments.minutes;
            return self.report.missing(name, &anyhow::anyhow!("the {minutes} minutes were over (see --minutes)"));
        }
        self.report.others_before(name, machine::busy_share().await);
        match tokio::time::timeout(limit, work(&mut self.report)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.report.missing(name, &error),
            Err(_) => {
                let error = anyhow::anyhow!("not done within {:.0} s, cut off", limit.as_secs_f64());
                self.report.missing(name, &error);
            }
        }
    }
}

/// Builds and finds the program that is measured.
fn binary(root: &Path, profile: &str) -> Result<PathBuf> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["build", "--quiet", "--profile", profile, "--package", "gantry-cli"])
        .status()?;
    if !status.success() {
        bail!("the build failed");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(profile).join("gantry"))
}

/// Sizes of the interface's modules as they go over the wire, in kilobytes of 1 000 bytes.
fn wasm_size(root: &Path, report: &mut Report) {
    let sizes = match crate::web::size::measure(root) {
        Ok(sizes) => sizes,
        Err(error) => return report.missing("wasm of the first visit, brotli", &error),
    };
    let kilobytes = |bytes: u64| bytes as f64 / 1e3;
    report.add(
        Figure::new("wasm of the first visit, brotli", kilobytes(sizes.first_module), "kB")
            .below(kilobytes(crate::web::size::FIRST_LOAD_BUDGET)),
    );
    let all = format!("wasm of all {} modules, brotli", sizes.modules);
    report.add(Figure::new(all, kilobytes(sizes.all_modules), "kB").note("the others are loaded with their pages"));
}

/// The slowest cell of the matrix, from its spec to the files of its project.
fn emission() -> Result<Figure> {
    let figures = gantry_proof::emission()?;
    let (cell, milliseconds) = figures.first().context("something is generated")?;
    Ok(Figure::new(format!("spec to files, slowest cell ({cell})"), *milliseconds, "ms").below(5.0))
}
