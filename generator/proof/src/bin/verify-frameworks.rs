//! `cargo xtask verify-frameworks` (which starts this program): installs every framework's real packages in an empty environment,
//! runs the projects that are generated for it, measures, and writes the evidence that the
//! compatibility matrix shows (`domain/src/matrix/evidence.toml`). A cell that fails loses its evidence.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use gantry_domain::matrix::{Framework, Pattern, compatibility};
use gantry_proof::{Cell, Environment, Generated, cells, prove};
use serde_json::{Map, Value, json};

/// Arguments of `cargo xtask verify-frameworks`.
#[derive(Parser)]
#[command(name = "cargo xtask verify-frameworks")]
struct Arguments {
    /// Only this framework, by its word in a spec.
    #[arg(long)]
    framework: Option<String>,
    /// Only this pattern, by its word in a spec.
    #[arg(long)]
    pattern: Option<String>,
    /// Prints what came of each cell, and the costs, as JSON.
    #[arg(long)]
    json: bool,
}

/// Where the evidence is, from the workspace's root.
const FILE: &str = "domain/src/matrix/evidence.toml";

const HEAD: &str = "\
# Written by `cargo xtask verify-frameworks`: which cells of the matrix ran, and what a framework
# costs. A cell ran when the project that is generated for it was installed from its lock, passed its
# own tests, called its tool once, returned the tool's true output to the model and printed the answer.
# Of watsonx Orchestrate, which only IBM's server runs: its own tests passed, in which IBM's development
# kit reads every agent and tool. It has no cost of a run.
";

fn main() -> Result<()> {
    let arguments = &Arguments::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let wanted: Vec<Cell> = cells().into_iter().filter(|cell| is_wanted(*cell, arguments)).collect();
    ensure!(!wanted.is_empty(), "no cell of the matrix is of that framework and pattern");
    let mut evidence = Evidence::read(&root.join(FILE))?;
    let mut report: Vec<Value> = Vec::new();
    for framework in Framework::ALL {
        let mine: Vec<Cell> = wanted.iter().filter(|cell| cell.framework == framework).copied().collect();
        if mine.is_empty() {
            continue;
        }
        report.extend(verify(framework, &mine, &mut evidence));
        // What has run is kept, whatever happens next.
        evidence.write(&root.join(FILE))?;
    }
    let failed = report.iter().filter(|cell| cell["error"].is_string()).count();
    if arguments.json {
        println!("{:#}", json!({"cells": report, "measured": evidence.measured}));
    }
    eprintln!("{} of {} cells ran; {FILE} is written", report.len() - failed, report.len());
    if failed > 0 {
        bail!("{failed} cells failed");
    }
    Ok(())
}

fn is_wanted(cell: Cell, arguments: &Arguments) -> bool {
    arguments.framework.as_deref().is_none_or(|word| word == cell.framework.as_str())
        && arguments.pattern.as_deref().is_none_or(|word| word == cell.pattern.as_str())
}

/// With more load than this the costs of a framework are not measured.
const MOST_LOAD: f64 = 4.0;

/// The load of the last minute; 0 where the system does not tell.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|figure| figure.parse().ok()).unwrap_or(0.0)
}

/// Installs a framework and proves its cells; one line on standard error for each thing that is done.
fn verify(framework: Framework, mine: &[Cell], evidence: &mut Evidence) -> Vec<Value> {
    let word = framework.as_str();
    let mut report = Vec::new();
    let load = load();
    let installed = install(framework);
    for cell in mine {
        evidence.forget(*cell);
        let started = Instant::now();
        let outcome = match &installed {
            Ok((_, environment, _)) => prove(*cell, environment),
            Err(error) => Err(anyhow::anyhow!("{error:#}")),
        };
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => {
                eprintln!("{cell}: ran ({seconds:.1} s)");
                let version = installed.as_ref().map_or("", |(_, _, version)| version.as_str());
                evidence.remember(*cell, version);
                report.push(json!({"framework": word, "pattern": cell.pattern, "version": version, "seconds": rounded(seconds)}));
            }
            Err(error) => {
                eprintln!("{cell}: FAILED ({seconds:.1} s): {error:#}");
                report.push(json!({"framework": word, "pattern": cell.pattern, "error": format!("{error:#}")}));
            }
        }
    }
    if let Ok((_, environment, _)) = &installed {
        // What others do at the same time would be counted to the framework.
        if load > MOST_LOAD {
            eprintln!("{word}: not measured, the machine was busy (load {load:.1}): earlier figures stay");
            return report;
        }
        match measure(environment, mine) {
            Ok(Some(costs)) => {
                eprintln!("{word}: {costs}");
                evidence.measure(framework, costs);
            }
            Ok(None) => {}
            Err(error) => eprintln!("{word}: could not be measured: {error:#}"),
        }
    }
    report
}

/// The framework in an empty environment, which goes away with the directory, and its version.
fn install(framework: Framework) -> Result<(tempfile::TempDir, Environment, String)> {
    let cache = gantry_proof::cache()?;
    std::fs::create_dir_all(&cache)?;
    let directory = tempfile::Builder::new().prefix("verify-").tempdir_in(cache)?;
    eprint!("{}: installing … ", framework.as_str());
    let environment = Environment::fresh(framework, directory.path())?;
    let entry = compatibility().frameworks.iter().find(|entry| entry.id == framework).context("it is in the matrix")?;
    let version = entry.packages.first().map(|package| package.version.clone()).unwrap_or_default();
    for package in &entry.packages {
        let installed = environment.version_of(&package.name)?;
        ensure!(
            installed == package.version,
            "the matrix says {} {}, but the lock has {installed}: change matrix.toml",
            package.name,
            package.version
        );
    }
    eprintln!("{} packages in {:.1} s", environment.packages, environment.seconds.unwrap_or_default());
    Ok((directory, environment, version))
}

/// What the framework costs: one run of two calls of the model, in the project with the loop of tools.
fn measure(environment: &Environment, mine: &[Cell]) -> Result<Option<Value>> {
    // What IBM's server runs costs nothing here.
    let is_measured = |cell: &&Cell| cell.pattern == Pattern::React && cell.framework != Framework::WatsonxOrchestrate;
    let Some(cell) = mine.iter().find(is_measured) else { return Ok(None) };
    let project = Generated::new(&cell.spec("http://127.0.0.1:9")?, environment)?;
    let mut best: Option<gantry_proof::Cost> = None;
    // The best of three: the others had somebody beside them, or the first had cold files.
    for _ in 0..3 {
        let model = project.model("calculator", &json!({"expression": "6*7"}))?;
        let cost = project.cost(&model, "6*7?")?;
        if best.is_none_or(|best| cost.cpu_seconds < best.cpu_seconds) {
            best = Some(cost);
        }
    }
    let cost = best.context("three runs")?;
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let megabytes = |bytes: u64| (bytes as f64 / 1e6).round();
    Ok(Some(json!({
        "megabytes": megabytes(environment.bytes()?),
        "packages": environment.packages,
        "installSeconds": rounded(environment.seconds.unwrap_or_default()),
        "cpuSeconds": (cost.cpu_seconds * 100.0).round() / 100.0,
        "residentMegabytes": megabytes(cost.resident_bytes),
    })))
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// The rows of the file.
struct Evidence {
    evidence: Vec<Value>,
    measured: Vec<Value>,
}

impl Evidence {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut value: Value = toml::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut rows = |name: &str| value[name].as_array_mut().map(std::mem::take).unwrap_or_default();
        let mut read = Self { evidence: rows("evidence"), measured: rows("measured") };
        // A cell that nothing is generated for any more has no evidence.
        let known: Vec<(String, String)> =
            cells().iter().map(|cell| (cell.framework.as_str().to_owned(), cell.pattern.as_str().to_owned())).collect();
        read.evidence.retain(|row| {
            known.iter().any(|(framework, pattern)| row["framework"] == **framework && row["pattern"] == **pattern)
        });
        Ok(read)
    }

    fn forget(&mut self, cell: Cell) {
        self.evidence
            .retain(|row| row["framework"] != cell.framework.as_str() || row["pattern"] != cell.pattern.as_str());
    }

    fn remember(&mut self, cell: Cell, version: &str) {
        self.evidence.push(json!({
            "framework": cell.framework, "pattern": cell.pattern, "version": version, "verifiedOn": today(),
        }));
    }

    fn measure(&mut self, framework: Framework, mut costs: Value) {
        costs["framework"] = json!(framework);
        costs["measuredOn"] = json!(today());
        self.measured.retain(|row| row["framework"] != framework.as_str());
        self.measured.push(costs);
    }

    fn write(&mut self, path: &Path) -> Result<()> {
        let framework_rank = |row: &Value| Framework::ALL.iter().position(|known| row["framework"] == known.as_str());
        let pattern_rank = |row: &Value| Pattern::ALL.iter().position(|known| row["pattern"] == known.as_str());
        self.evidence.sort_by_key(|row| (framework_rank(row), pattern_rank(row)));
        self.measured.sort_by_key(framework_rank);
        let mut text = HEAD.to_owned();
        for (name, rows, keys) in [
            ("evidence", &self.evidence, ["framework", "pattern", "version", "verifiedOn"].as_slice()),
            (
                "measured",
                &self.measured,
                [
                    "framework",
                    "megabytes",
                    "packages",
                    "installSeconds",
                    "cpuSeconds",
                    "residentMegabytes",
                    "measuredOn",
                ]
                .as_slice(),
            ),
        ] {
            for row in rows {
                text.push_str(&format!("\n[[{name}]]\n"));
                for key in keys {
                    let value =
                        row.as_object().and_then(|row: &Map<String, Value>| row.get(*key)).unwrap_or(&Value::Null);
                    // Whole megabytes are written without a fraction; every string is a plain word or date.
                    let whole = ["megabytes", "packages", "residentMegabytes"].contains(key);
                    let literal = match value.as_f64() {
                        Some(figure) if whole => format!("{figure:.0}"),
                        _ => value.to_string(),
                    };
                    text.push_str(&format!("{key} = {literal}\n"));
                }
            }
        }
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Today's date in UTC.
fn today() -> String {
    let today = time::OffsetDateTime::now_utc().date();
    format!("{:04}-{:02}-{:02}", today.year(), u8::from(today.month()), today.day())
}
