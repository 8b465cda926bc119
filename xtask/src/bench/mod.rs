//! `cargo xtask bench`: measures the release build on this machine and sets the figures beside their
//! goals. Every figure is measured when the command runs; what could not be measured is named with
//! the reason. HTTP load is made by `wrk`, everything else by clients of our own.

mod http_load;
mod model;
mod report;
mod server;
mod streams;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::BenchArguments;
use report::{Figure, Report};
use server::Server;

/// Measures everything that `arguments` ask for.
pub(crate) fn run(arguments: &BenchArguments) -> Result<()> {
    // The provider may be there already; then it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?.to_path_buf();
    let binary = release_binary(&root)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::new(machine());
    runtime.block_on(measure(&root, &binary, arguments, &mut report))?;
    let folder = root.join("target/bench");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("bench.json"), report.json()? + "\n")?;
    std::fs::write(folder.join("bench.md"), report.markdown())?;
    println!("{}", report.markdown());
    println!("written to {}", folder.display());
    Ok(())
}

async fn measure(root: &Path, binary: &Path, arguments: &BenchArguments, report: &mut Report) -> Result<()> {
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| name.contains(only));
    if wanted("size") {
        let megabytes = std::fs::metadata(binary)?.len() as f64 / 1e6;
        report.add(Figure::new("binary size", megabytes, "MB").below(40.0));
        report.add_result(
            "wasm size, brotli",
            wasm_size(root).map(|kilobytes| Figure::new("wasm size, brotli", kilobytes, "kB").below(350.0)),
        );
    }
    if wanted("emit") {
        report.add_result("spec to files", emission());
    }
    if wanted("start") {
        let (first, again) = server::starts(binary, arguments.port, 11).await?;
        report.add(Figure::new("start to ready, new SQLite file (median of 11)", first, "ms"));
        report.add(Figure::new("start to ready, existing SQLite file (median of 11)", again, "ms").below(50.0));
    }
    for database in ["SQLite", "Postgres"] {
        if !(wanted("http") || wanted("stream") || wanted("idle")) {
            break;
        }
        let url = match database {
            "SQLite" => None,
            _ => match postgres(root) {
                Ok(url) => Some(url),
                Err(error) => {
                    report.add_result("everything on Postgres", Err(error));
                    continue;
                }
            },
        };
        let server = Server::start(binary, arguments.port, url.as_deref()).await?;
        server.set_up().await?;
        if wanted("idle") {
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            let figure =
                Figure::new(format!("idle memory (RSS), {database}"), server.resident_megabytes()?, "MB").below(30.0);
            report.add(figure);
        }
        if wanted("http") {
            http_load::measure(&server, database, arguments.seconds, report).await?;
        }
        if wanted("stream") {
            streams::measure(&server, database, report).await?;
        }
        if wanted("http") || wanted("stream") {
            report.add(Figure::new(
                format!("memory (RSS) after the load, {database}"),
                server.resident_megabytes()?,
                "MB",
            ));
        }
        server.stop().await?;
    }
    if wanted("log view") {
        log_view(root, binary, report);
    }
    Ok(())
}

/// Builds and finds the program that is measured.
fn release_binary(root: &Path) -> Result<PathBuf> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["build", "--quiet", "--release", "--package", "gantry-cli"])
        .status()?;
    if !status.success() {
        bail!("the release build failed");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/gantry"))
}

/// Size of the interface's module as it goes over the wire, in kilobytes of 1 000 bytes.
fn wasm_size(root: &Path) -> Result<f64> {
    let folder = root.join("dist/assets");
    for entry in std::fs::read_dir(&folder).context("there is no dist/: run `cargo xtask web --release` first")? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".wasm.br") {
            return Ok(std::fs::metadata(&path)?.len() as f64 / 1e3);
        }
    }
    bail!("dist/ has no compressed module: run `cargo xtask web --release` first")
}

/// A new database in the throw-away Postgres of the tests, which is started when it is not running.
fn postgres(root: &Path) -> Result<String> {
    let script = root.join("scripts/postgres.sh");
    if !Command::new(&script).arg("up").status()?.success() {
        bail!("scripts/postgres.sh up failed");
    }
    let answer = Command::new(&script).arg("env").output()?;
    let text = String::from_utf8(answer.stdout)?;
    let url =
        text.trim().strip_prefix("export GANTRY_TEST_POSTGRES=").context("scripts/postgres.sh env said nothing")?;
    let name = format!("gantry_bench_{}", std::process::id());
    let status =
        Command::new("psql").args([url, "--quiet", "--command", &format!("CREATE DATABASE {name}")]).status()?;
    if !status.success() {
        bail!("psql could not create a database");
    }
    let (base, _) = url.rsplit_once('/').context("the address of Postgres names a database")?;
    Ok(format!("{base}/{name}"))
}

/// Frame times of the log view, measured by Playwright in Chromium.
fn log_view(root: &Path, binary: &Path, report: &mut Report) {
    let name = "log view, 100 000 lines: longest frame";
    let outcome = (|| {
        let result = root.join("target/bench/log-view.json");
        std::fs::create_dir_all(root.join("target/bench"))?;
        let _ = std::fs::remove_file(&result);
        let status = Command::new("npx")
            .current_dir(root.join("e2e"))
            .args(["--no-install", "playwright", "test", "--project=bench", "--reporter=line"])
            .env("GANTRY_BIN", binary)
            .env("GANTRY_BENCH_RESULT", &result)
            .status()
            .context("npx could not be started: run `npm ci` in e2e/")?;
        if !status.success() {
            bail!("the measurement in the browser failed");
        }
        let figures: serde_json::Value = serde_json::from_slice(&std::fs::read(&result)?)?;
        let number = |key: &str| {
            figures.get(key).and_then(serde_json::Value::as_f64).with_context(|| format!("no {key} in the result"))
        };
        Ok(vec![
            Figure::new(name, number("longest")?, "ms").below(33.4),
            Figure::new("log view, 100 000 lines: frames at the 99th percentile", number("p99")?, "ms"),
            Figure::new("log view, 100 000 lines: until all are there", number("total")?, "ms"),
            Figure::new("event append to browser, median", number("browserMedian")?, "ms").below(10.0),
        ])
    })();
    match outcome {
        Ok(figures) => figures.into_iter().for_each(|figure| report.add(figure)),
        Err(error) => report.add_result(name, Err(error)),
    }
}

/// What the figures were measured on.
fn machine() -> String {
    let processor = std::fs::read_to_string("/proc/cpuinfo")
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name").map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
        })
        .unwrap_or_else(|| "unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo")
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok())
        .map_or(0.0, |kilobytes| kilobytes / 1_048_576.0);
    let system = std::fs::read_to_string("/etc/os-release")
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME=").map(|name| name.trim_matches('"').to_owned()))
        .unwrap_or_else(|| std::env::consts::OS.to_owned());
    format!("{cores} cores ({processor}), {memory:.0} GiB, {system}; server, database and load share them")
}

/// The slowest cell of the matrix, from its spec to the files of its project.
fn emission() -> Result<Figure> {
    let figures = gantry_proof::emission()?;
    let (cell, milliseconds) = figures.first().context("something is generated")?;
    Ok(Figure::new(format!("spec to files, slowest cell ({cell})"), *milliseconds, "ms").below(5.0))
}
