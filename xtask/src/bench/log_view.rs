//! What is measured in Chromium by Playwright (`e2e/tests/bench`): frames of the log view, an event's way to a
//! page, how soon the wizard shows a change, and the frames of a gesture in a pipeline.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::report::{Figure, Report};

/// How long the browser has, in seconds: less than the part has, so that it ends by itself and tidies up.
const BROWSER_SECONDS: &str = "200";

/// Measures with a server of its own.
pub(super) async fn measure(root: &Path, binary: &Path, report: &mut Report) -> Result<()> {
    let result = root.join("target/bench/log-view.json");
    std::fs::create_dir_all(root.join("target/bench"))?;
    let _ = std::fs::remove_file(&result);
    let status = Command::new("timeout")
        .current_dir(root.join("e2e"))
        .args(["--kill-after=5", BROWSER_SECONDS, "npx", "--no-install"])
        .args(["playwright", "test", "--project=bench", "--reporter=line"])
        .env("GANTRY_BIN", binary)
        .env("GANTRY_BENCH_RESULT", &result)
        .status()
        .await
        .context("npx could not be started: run `npm ci` in e2e/")?;
    let figures = std::fs::read(&result).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let figures: serde_json::Value = figures.unwrap_or_default();
    let number = |key: &str| figures.get(key).and_then(serde_json::Value::as_f64);
    if let (Some(longest), Some(p99), Some(total)) = (number("longest"), number("p99"), number("total")) {
        let count = number("frames").unwrap_or_default();
        let over = number("over33").unwrap_or_default();
        let note = format!("{over:.0} of {count:.0} frames over 33.4 ms");
        report.add(Figure::new("log view, 100 000 lines: longest frame", longest, "ms").below(33.4).note(note));
        report.add(Figure::new("log view, 100 000 lines: frames at the 99th percentile", p99, "ms"));
        report.add(Figure::new("log view, 100 000 lines: until all are there", total, "ms"));
    }
    if let Some(median) = number("browserMedian") {
        let note = number("browserP99").map(|p99| format!("p99 {p99:.1} ms")).unwrap_or_default();
        report.add(Figure::new("event append to browser, median", median, "ms").below(10.0).note(note));
    }
    if let Some(changes) = figures.get("wizard").and_then(serde_json::Value::as_object) {
        for (kind, times) in changes {
            let time = |key: &str| times.get(key).and_then(serde_json::Value::as_f64);
            let (Some(median), Some(p95)) = (time("median"), time("p95")) else { continue };
            let figure = Figure::new(format!("wizard: a change is shown ({kind}), median"), median, "ms");
            report.add(figure.below(16.0).note(format!("p95 {p95:.1} ms")));
        }
    }
    if let Some(drag) = figures.get("drag") {
        let time = |key: &str| drag.get(key).and_then(serde_json::Value::as_f64);
        if let (Some(median), Some(p95)) = (time("median"), time("p95")) {
            let name = "pipeline of 60 tasks: a frame while a node is moved, median";
            report.add(Figure::new(name, median, "ms").note(format!("p95 {p95:.1} ms")));
        }
    }
    if !status.success() {
        bail!("the measurement in the browser failed or took longer than {BROWSER_SECONDS} s; what it said is above");
    }
    Ok(())
}
