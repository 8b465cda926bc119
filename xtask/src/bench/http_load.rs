//! Requests per second and their 99th percentile at 64 connections, by `wrk` (in Debian).

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::process::Command;

use super::report::{Figure, Report};
use super::server::Server;

/// Measures reading and creating on one database.
pub(super) async fn measure(server: &Server, database: &str, seconds: u64, report: &mut Report) -> Result<()> {
    let plan = server
        .post("/plans", &json!({ "prompt": "Tell the time in a city.", "constraints": { "name": "bench-0", "framework": "react" } }))
        .await?;
    let spec = plan["spec"].clone();
    let project = server.post("/projects", &json!({ "spec": spec })).await?;
    let id = project["id"].as_str().context("a project has an id")?.to_owned();

    let reads = [
        ("catalogue read", "/compatibility".to_owned(), Some(10_000.0)),
        ("project read", format!("/projects/{id}"), None),
    ];
    for (name, path, goal) in reads {
        let load = wrk(server, &path, None, seconds).await?;
        report.add(load.figure(format!("{name}, {database}"), goal));
    }
    // The script stays until wrk has read it.
    let script = std::env::temp_dir().join(format!("gantry-bench-{}.lua", std::process::id()));
    std::fs::write(&script, creating_script(spec)?)?;
    let load = wrk(server, "/projects", Some(&script), seconds).await?;
    std::fs::remove_file(&script)?;
    report.add(load.figure(format!("project create, {database}"), Some(2_000.0)));
    // After the creating, so that the list pages through thousands.
    let load = wrk(server, "/projects?limit=20", None, seconds).await?;
    report.add(load.figure(format!("project list (20 of many), {database}"), None));
    Ok(())
}

/// A script for wrk that creates projects, each under another name.
fn creating_script(mut spec: Value) -> Result<String> {
    spec["metadata"]["name"] = json!("NAME");
    let body = json!({ "spec": spec }).to_string();
    if body.contains("]==]") {
        bail!("the spec would end the script's string");
    }
    let (before, after) = body.split_once("NAME").context("the name is in the body")?;
    Ok(format!(
        "local threads = 0\n\
         function setup(thread) thread:set('id', threads) threads = threads + 1 end\n\
         local count = 0\n\
         local before = [==[{before}]==]\n\
         local after = [==[{after}]==]\n\
         function request()\n\
           count = count + 1\n\
           return wrk.format('POST', nil, nil, before .. 'bench-t' .. id .. '-n' .. count .. after)\n\
         end\n"
    ))
}

/// What wrk found.
struct Load {
    per_second: f64,
    p99_milliseconds: f64,
    failures: u64,
}

impl Load {
    fn figure(&self, name: String, goal: Option<f64>) -> Figure {
        let mut note = format!("p99 {:.1} ms", self.p99_milliseconds);
        if self.failures > 0 {
            note.push_str(&format!(", **{} failed**", self.failures));
        }
        let figure = Figure::new(name, self.per_second, "/s").note(note);
        match goal {
            Some(goal) => figure.above(goal),
            None => figure,
        }
    }
}

async fn wrk(server: &Server, path: &str, script: Option<&Path>, seconds: u64) -> Result<Load> {
    let mut command = Command::new("wrk");
    command.args([
        "--threads",
        "2",
        "--connections",
        "64",
        "--latency",
        "--timeout",
        "10s",
        "--duration",
        &format!("{seconds}s"),
    ]);
    command.args([
        "--header",
        &format!("authorization: {}", server.authorization()),
        "--header",
        "content-type: application/json",
    ]);
    if let Some(script) = script {
        command.arg("--script").arg(script);
    }
    let answer = command
        .arg(server.address(path))
        .output()
        .await
        .context("wrk could not be started: install the Debian package wrk")?;
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    parse(&text).with_context(|| format!("wrk said:\n{text}{}", String::from_utf8_lossy(&answer.stderr)))
}

/// Reads wrk's report.
fn parse(text: &str) -> Result<Load> {
    let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label).map(str::trim));
    let per_second = after("Requests/sec:").context("no requests per second")?.parse()?;
    let p99_milliseconds = milliseconds(after("99%").context("no 99th percentile")?)?;
    let mut failures = after("Non-2xx or 3xx responses:").map_or(Ok(0), str::parse)?;
    if let Some(errors) = after("Socket errors:") {
        // `connect 0, read 3, write 0, timeout 0`
        failures +=
            errors.split(',').filter_map(|part| part.split_whitespace().last()?.parse::<u64>().ok()).sum::<u64>();
    }
    Ok(Load { per_second, p99_milliseconds, failures })
}

/// `812.00us`, `12.34ms` or `1.02s`.
fn milliseconds(text: &str) -> Result<f64> {
    for (unit, factor) in [("us", 1e-3), ("ms", 1.0), ("s", 1e3)] {
        if let Some(value) = text.strip_suffix(unit) {
            return Ok(value.parse::<f64>()? * factor);
        }
    }
    bail!("{text} is not a duration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_wrk_is_read() {
        let text = "  Latency Distribution\n     50%    2.10ms\n     99%   12.34ms\n  1000 requests in 5.00s, 1.00MB read\n  \
                    Socket errors: connect 0, read 3, write 0, timeout 1\n  Non-2xx or 3xx responses: 7\nRequests/sec:   2345.67\n";
        let load = parse(text).unwrap();
        assert_eq!((load.per_second, load.p99_milliseconds, load.failures), (2_345.67, 12.34, 11));
        assert_eq!(milliseconds("812.00us").unwrap(), 0.812);
        assert_eq!(milliseconds("1.5s").unwrap(), 1_500.0);
    }

    #[test]
    fn each_created_project_has_another_name() {
        let script = creating_script(json!({ "metadata": { "name": "x" }, "kind": "Agent" })).unwrap();
        assert!(script.contains("'bench-t' .. id .. '-n' .. count"), "{script}");
        assert!(!script.contains("NAME"));
    }
}
